"""How payloads and records are packed: small, and back byte for byte.

A version's payload is packed against the payload of the version before it where that pays, so that a new version costs what
changed; its record, whose words are nearly all the payload's, against its own payload and the record of that earlier version. Each
row names its codec, so that what was packed in another way stays readable. Zstandard's content checksum (RFC 8878, section 3.1.1)
tells a damaged blob from a whole one.
"""

from __future__ import annotations

import sys
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or sys.version_info < (3, 14):
    from backports import zstd
else:
    from compression import zstd

ZLIB, PLAIN, AGAINST_SKELETON, AGAINST_BASE = "zlib", "zstd", "zstd-study-1", "zstd-base"
JSON, AGAINST_PAYLOAD, AGAINST_RECORD = "json", "zstd-payload", "zstd-record"

_PAYS = 0.7
"""A payload is packed against another when that makes it smaller than this part of its size alone."""
_LEVEL = 3
_LARGEST_WINDOW = 27
"""Zstandard's own limit, as a power of two, of how far back a match may lie: beyond it whoever unpacks must ask for more memory."""


class UnpackError(ValueError):
    """A blob that does not come back: damaged, cut, or packed in a way that this program does not know."""


def pack(payload: bytes, base: bytes | None = None) -> tuple[bytes, str]:
    """The packed payload and its codec; ``AGAINST_BASE`` when ``base`` is needed to unpack it."""
    alone, codec = (_pack(payload, _skeleton()), AGAINST_SKELETON) if payload.startswith(b"{") else (_pack(payload), PLAIN)
    if base:
        against = _pack(payload, base)
        if len(against) < _PAYS * len(alone):
            return against, AGAINST_BASE
    return alone, codec


def unpack(blob: bytes, codec: str, base: bytes | None = None) -> bytes:
    """What was packed, byte for byte. Raises UnpackError."""
    try:
        if codec == ZLIB:
            return zlib.decompress(blob)
    except (zlib.error, TypeError) as error:
        raise UnpackError(f"packed with {codec}, does not come back ({error})") from error
    if codec == PLAIN:
        return _unpack(blob, codec)
    if codec == AGAINST_SKELETON:
        return _unpack(blob, codec, _skeleton())
    if codec == AGAINST_BASE:
        if base is None:
            raise UnpackError(f"packed with {codec}, and what it was packed against is not there")
        return _unpack(blob, codec, base)
    raise UnpackError(f"packed with {codec!r}, which this program does not know")


def pack_record(record: bytes, payload: bytes, base: bytes | None = None) -> tuple[bytes, str]:
    """The packed record (JSON) and its codec; ``base``: the record of the version that the payload is packed against."""
    return (_pack(record, payload), AGAINST_PAYLOAD) if base is None else (_pack(record, payload + base), AGAINST_RECORD)


def unpack_record(blob: bytes | str, codec: str, payload: bytes | None, base: bytes | None = None) -> bytes:
    """The record's JSON; ``payload`` is the version's own, ``base`` the record of its base. Raises UnpackError."""
    if codec == JSON:
        return blob.encode() if isinstance(blob, str) else blob
    if codec not in (AGAINST_PAYLOAD, AGAINST_RECORD):
        raise UnpackError(f"packed with {codec!r}, which this program does not know")
    if payload is None or isinstance(blob, str) or (codec == AGAINST_RECORD and base is None):
        raise UnpackError(f"packed with {codec}, and what it was packed against is not there")
    return _unpack(blob, codec, payload + base if base is not None and codec == AGAINST_RECORD else payload)


@cache
def _skeleton() -> bytes:
    """What studies are packed against. Its file never changes, since it is needed to unpack them: another one is a new codec."""
    return (Path(__file__).parent / "study_1.skeleton").read_bytes()


def _pack(content: bytes, against: bytes | None = None) -> bytes:
    window = min(max((len(content) + len(against or b"")).bit_length(), 10), _LARGEST_WINDOW)
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: _LEVEL,
        zstd.CompressionParameter.checksum_flag: 1,
        zstd.CompressionParameter.window_log: window,
    }
    return zstd.compress(content, options=options, zstd_dict=None if against is None else _prefix(against))


def _unpack(blob: bytes, codec: str, against: bytes | None = None) -> bytes:
    """One frame, whole, and nothing behind it."""
    reader = zstd.ZstdDecompressor(zstd_dict=None if against is None else _prefix(against))
    try:
        content = reader.decompress(blob)
    except (zstd.ZstdError, TypeError) as error:
        raise UnpackError(f"packed with {codec}, does not come back ({error})") from error
    if not reader.eof or reader.unused_data:
        raise UnpackError(f"packed with {codec}, does not come back (it is cut, or something is behind it)")
    return content


def _prefix(content: bytes) -> Any:
    """A content to pack against. Zstandard takes none under 8 bytes."""
    return zstd.ZstdDict(content.ljust(8), is_raw=True).as_prefix
