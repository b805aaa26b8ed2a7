"""Who regulates a trial, as its entry at ClinicalTrials.gov says: read from the payload when it is asked for, and no part of a record."""

from __future__ import annotations

import msgspec

from registry_sync.errors import BadContent
from registry_sync.trials.binding import Oversight


class _Oversight(msgspec.Struct, frozen=True, rename="camel"):
    is_fda_regulated_drug: bool | None = None
    is_fda_regulated_device: bool | None = None
    is_us_export: bool | None = msgspec.field(default=None, name="isUsExport")


class _DesignInfo(msgspec.Struct, frozen=True, rename="camel"):
    primary_purpose: str | None = None


class _Design(msgspec.Struct, frozen=True, rename="camel"):
    design_info: _DesignInfo | None = None


class _Protocol(msgspec.Struct, frozen=True, rename="camel"):
    oversight_module: _Oversight | None = None
    design_module: _Design | None = None


class _Study(msgspec.Struct, frozen=True, rename="camel"):
    protocol_section: _Protocol | None = None


_DECODER = msgspec.json.Decoder(_Study)


def oversight_from(payload: bytes) -> Oversight:
    """Who regulates a study of API v2 (UTF-8 JSON), and its primary purpose. Raises BadContent for what is no such study."""
    try:
        protocol = _DECODER.decode(payload).protocol_section or _Protocol()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadContent(f"not a study of the registry: {error}") from None
    oversight = protocol.oversight_module or _Oversight()
    design = protocol.design_module or _Design()
    return Oversight(
        fda_drug=oversight.is_fda_regulated_drug,
        fda_device=oversight.is_fda_regulated_device,
        us_export=oversight.is_us_export,
        primary_purpose=design.design_info.primary_purpose if design.design_info else None,
    )
