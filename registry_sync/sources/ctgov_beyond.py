"""What a study of API v2 says beyond the canonical record, and the WHO Trial Registration Data Set asks for."""

from __future__ import annotations

import msgspec

from registry_sync.sources.ctgov_record import line, own_ids, token
from registry_sync.sources.ctgov_wire import Strings, Wire
from registry_sync.sources.markup import plain_text
from registry_sync.trials.who_set import Beyond


class _DesignInfo(Wire, frozen=True):
    primary_purpose: str | None = None
    intervention_model: str | None = None
    observational_model: str | None = None


class _Design(Wire, frozen=True):
    design_info: _DesignInfo | None = None


class _Sharing(Wire, frozen=True):
    """``ipdSharingStatementModule``."""

    ipd_sharing: str | None = None
    description: str | None = None
    info_types: Strings = None
    time_frame: str | None = None
    access_criteria: str | None = None
    url: str | None = None


class _Protocol(Wire, frozen=True):
    design_module: _Design | None = None
    ipd_sharing_statement_module: _Sharing | None = None


class _Study(Wire, frozen=True):
    protocol_section: _Protocol | None = None


_decoder = msgspec.json.Decoder(_Study)


def beyond(payload: bytes) -> Beyond:
    """What one study says (UTF-8 JSON, as it was sent); nothing where it cannot be read."""
    own = next(iter(own_ids(payload)), None)
    try:
        study = _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return Beyond(own)
    protocol = study.protocol_section or _Protocol()
    design = (protocol.design_module or _Design()).design_info or _DesignInfo()
    sharing = protocol.ipd_sharing_statement_module or _Sharing()
    said = {
        "Plan": _prose(sharing.description),
        "What": ", ".join(filter(None, sharing.info_types or ())) or None,
        "When": _prose(sharing.time_frame),
        "To whom": _prose(sharing.access_criteria),
        "Where": token(sharing.url),
    }
    return Beyond(
        own_id=own,
        purpose=token(design.primary_purpose),
        model=token(design.intervention_model) or token(design.observational_model),
        sharing=token(sharing.ipd_sharing),
        sharing_plan=tuple(f"{name}: {text}" for name, text in said.items() if text),
    )


def _prose(text: str | None) -> str | None:
    return line(plain_text(text)) if text else None
