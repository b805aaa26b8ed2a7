"""The body of an answer: decompressed under a cap, and whole or refused."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator

import urllib3

from registry_sync.errors import BadContent, TooLarge
from registry_sync.sources.trouble import Trouble, of_failure

ACCEPT_ENCODING = "gzip, deflate"

_AT_ONCE = 2**16
_PIECE = 2**20
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


def read(raw: urllib3.BaseHTTPResponse, max_bytes: int, received: Callable[[int], None]) -> bytes:
    """The body of ``raw``, decompressed; at most ``max_bytes``, on the wire and in memory.

    ``received`` is told the size of each piece as it comes. Raises Trouble: too large, cut short, broken, an encoding
    that was not asked for.
    """
    coding = raw.headers.get("Content-Encoding", "").strip().lower()
    if _declared(raw) > max_bytes:
        raise _too_large(max_bytes)
    pieces = _pieces(raw, max_bytes, received)
    if coding in ("", "identity"):
        return b"".join(pieces)
    if coding in ("gzip", "x-gzip"):
        return _joined(_gunzipped(pieces, max_bytes), max_bytes)
    if coding == "deflate":
        return _joined(_inflated(pieces, max_bytes), max_bytes)
    raise Trouble(BadContent, "answered in a Content-Encoding that was not asked for")


def _declared(raw: urllib3.BaseHTTPResponse) -> int:
    text = raw.headers.get("Content-Length", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _pieces(raw: urllib3.BaseHTTPResponse, max_bytes: int, received: Callable[[int], None]) -> Iterator[bytes]:
    total = 0
    while piece := _piece(raw):
        received(len(piece))
        total += len(piece)
        if total > max_bytes:
            raise _too_large(max_bytes)
        yield piece


def _piece(raw: urllib3.BaseHTTPResponse) -> bytes:
    """What has come so far, ``b""`` at the end. A body shorter than its Content-Length or its last chunk is an error of urllib3's."""
    try:
        return raw.read1(_AT_ONCE, decode_content=False)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise of_failure(error) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _cut_short() from error


def _gunzipped(pieces: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Decompressed gzip: one member or several (RFC 1952, section 2.2), each whole, and nothing behind the last one."""
    member = zlib.decompressobj(_GZIP)
    whole = False
    for piece in pieces:
        data = piece
        while data:
            yield from _decompressed(member, data, max_bytes)
            data, whole = member.unused_data, member.eof
            if whole:
                member = zlib.decompressobj(_GZIP)
    if not whole:
        raise _cut_short()


def _inflated(pieces: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Decompressed deflate: the zlib format (RFC 9110, section 8.4.1.2), or the bare stream that some servers send."""
    stream = None
    head = b""
    for piece in pieces:
        data = head + piece
        if stream is None:
            if len(data) < 2:
                head = data
                continue
            stream, head = zlib.decompressobj(_ZLIB if _is_zlib(data) else _RAW), b""
        if stream.eof:
            raise _broken()
        yield from _decompressed(stream, data, max_bytes)
        if stream.unused_data:
            raise _broken()
    if stream is None or not stream.eof:
        raise _cut_short()


def _is_zlib(data: bytes) -> bool:
    return data[0] & 0x0F == zlib.DEFLATED and (data[0] << 8 | data[1]) % 31 == 0


def _decompressed(stream: zlib._Decompress, data: bytes, max_bytes: int) -> Iterator[bytes]:
    """What ``data`` becomes, a bounded piece at a time: 1 MB of zeros packs into 1 kB."""
    piece = min(_PIECE, max_bytes + 1)
    while True:
        try:
            out = stream.decompress(data, piece)
        except zlib.error as error:
            raise _broken() from error
        if out:
            yield out
        data = stream.unconsumed_tail
        if stream.eof or (not data and len(out) < piece):
            return


def _joined(pieces: Iterable[bytes], max_bytes: int) -> bytes:
    total, kept = 0, []
    for piece in pieces:
        total += len(piece)
        if total > max_bytes:
            raise _too_large(max_bytes)
        kept.append(piece)
    return b"".join(kept)


def _too_large(max_bytes: int) -> Trouble:
    size = f"{max_bytes >> 20} MiB" if max_bytes >= 2**20 else f"{max_bytes} bytes"
    return Trouble(TooLarge, f"answered with more than {size}", again=False)


def _cut_short() -> Trouble:
    return Trouble(BadContent, "sent an answer that is cut short")


def _broken() -> Trouble:
    return Trouble(BadContent, "sent an answer whose compression is broken")
