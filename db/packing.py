"""How payloads and records are packed: small, and back byte for byte.

A version's payload is packed against the payload of the version before it where that pays, so that a new version costs what
changed; its record, whose words are nearly all the payload's, against its own payload. Each row names its codec, so that what was
packed in another way stays readable. Zstandard's content checksum (RFC 8878, section 3.1.1) tells a damaged blob from a whole one.
"""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or sys.version_info < (3, 14):
    from backports import zstd
else:
    from compression import zstd

ZLIB, PLAIN, AGAINST_BASE = "zlib", "zstd", "zstd-base"
JSON, AGAINST_PAYLOAD = "json", "zstd-payload"

_PAYS = 0.7
"""A payload is packed against another when that makes it smaller than this part of its size alone."""
_OPTIONS: dict[int, int] = {
    zstd.CompressionParameter.compression_level: 10,
    zstd.CompressionParameter.checksum_flag: 1,
}


class UnpackError(ValueError):
    """A blob that does not come back: damaged, cut, or packed in a way that this program does not know."""


def pack(payload: bytes, base: bytes | None = None) -> tuple[bytes, str]:
    """The packed payload and its codec; ``AGAINST_BASE`` when ``base`` is needed to unpack it."""
    alone = zstd.compress(payload, options=_OPTIONS)
    if base:
        against = zstd.compress(payload, options=_OPTIONS, zstd_dict=_prefix(base))
        if len(against) < _PAYS * len(alone):
            return against, AGAINST_BASE
    return alone, PLAIN


def unpack(blob: bytes, codec: str, base: bytes | None = None) -> bytes:
    """What was packed, byte for byte. Raises UnpackError."""
    try:
        if codec == ZLIB:
            return zlib.decompress(blob)
        if codec == PLAIN:
            return zstd.decompress(blob)
        if codec == AGAINST_BASE and base is not None:
            return zstd.decompress(blob, zstd_dict=_prefix(base))
    except (zlib.error, zstd.ZstdError, TypeError) as error:
        raise UnpackError(f"packed with {codec}, does not come back ({error})") from error
    raise UnpackError(f"packed with {codec!r}, which this program does not know")


def pack_record(record: bytes, payload: bytes) -> tuple[bytes, str]:
    """The packed record (JSON) and its codec."""
    return zstd.compress(record, options=_OPTIONS, zstd_dict=_prefix(payload)), AGAINST_PAYLOAD


def unpack_record(blob: bytes | str, codec: str, payload: bytes | None) -> bytes:
    """The record's JSON; ``payload`` is the version's own. Raises UnpackError."""
    if codec == JSON:
        return blob.encode() if isinstance(blob, str) else blob
    if codec != AGAINST_PAYLOAD or payload is None or isinstance(blob, str):
        raise UnpackError(f"packed with {codec!r}, which this program does not know")
    try:
        return zstd.decompress(blob, zstd_dict=_prefix(payload))
    except (zstd.ZstdError, TypeError) as error:
        raise UnpackError(f"packed with {codec}, does not come back ({error})") from error


def _prefix(content: bytes) -> Any:
    """A content to pack against. Zstandard takes none under 8 bytes."""
    return zstd.ZstdDict(content.ljust(8), is_raw=True).as_prefix
