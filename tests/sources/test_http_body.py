"""A body is whole, under the cap and where it was asked for, or it is refused."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from registry_sync.errors import BadContent, BadRedirect, TooLarge
from registry_sync.sources.http import Client
from tests.sources.asking import TEXT, get
from tests.sources.conftest import MakeClient
from tests.sources.site import Site, Visit, answer, head, raw, redirect, silent

# Whole or refused


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("X-GZIP", gzip.compress(TEXT, mtime=0)),
        ("gzip", gzip.compress(TEXT[:100], mtime=0) + gzip.compress(TEXT[100:], mtime=0)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("identity", TEXT),
    ],
    ids=["gzip", "x-gzip", "two members", "deflate", "bare deflate", "identity"],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_compressed_answer_is_decompressed(site: Site, client: Client, coding: str, packed: bytes, chunked: bool) -> None:
    if chunked:  # a byte each, so that every state of the decompressor meets the end of a piece
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in packed) + b"0\r\n\r\n"
        site.prepare(raw(head(headers={"Content-Encoding": coding, "Transfer-Encoding": "chunked"}) + chunks))
    else:
        site.prepare(answer(packed, Content_Encoding=coding))
    assert get(client, site.url) == TEXT


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)[:-1]),
        ("gzip", gzip.compress(TEXT, mtime=0)[:40]),
        ("gzip", b""),
        ("gzip", gzip.compress(TEXT, mtime=0) + b"and more"),
        ("gzip", gzip.compress(TEXT, mtime=0) + gzip.compress(TEXT, mtime=0)[:30]),
        ("gzip", gzip.compress(TEXT, mtime=0)[:-8] + bytes(8)),
        ("gzip", TEXT),
        ("deflate", zlib.compress(TEXT)[:-1]),
        ("deflate", zlib.compress(TEXT) + b"x"),
        ("deflate", raw_deflate(TEXT)[:-1]),
        ("deflate", b""),
        ("deflate", b"\x78"),
        ("br", TEXT),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT, mtime=0), mtime=0)),
    ],
)
def test_a_broken_or_unasked_compression_is_no_shorter_answer(site: Site, make_client: MakeClient, coding: str, packed: bytes) -> None:
    site.always = answer(packed, Content_Encoding=coding)
    with pytest.raises(BadContent, match=r"cut short|compression is broken|not asked for"):
        get(make_client(attempts=2), site.url)
    assert len(site.asked) == 2, "a broken body may be whole at the next try"


def test_a_body_shorter_than_its_length_is_refused(site: Site, make_client: MakeClient) -> None:
    site.prepare(raw(head(headers={"Content-Length": str(len(TEXT) + 1)}) + TEXT, hang_up=True), answer(TEXT))
    assert get(make_client(attempts=2), site.url) == TEXT
    assert len(site.asked) == 2


def test_a_body_longer_than_its_length_never_becomes_the_next_answer(site: Site, client: Client) -> None:
    site.prepare(raw(head(headers={"Content-Length": "5"}) + b"hello" + head(headers={"Content-Length": "4"}) + b"evil"), answer(TEXT))
    assert get(client, site.url) == b"hello"
    assert get(client, site.url) == TEXT


def test_chunks_that_break_off_are_refused(site: Site, client: Client) -> None:
    site.prepare(raw(head(headers={"Transfer-Encoding": "chunked"}) + b"5\r\nhello\r\n", hang_up=True))
    with pytest.raises(BadContent, match="cut short"):
        get(client, site.url)


def test_two_lengths_that_differ_are_refused(site: Site, client: Client) -> None:
    site.prepare(raw(head(headers={"Content-Length": "5", "content-length": "4"}) + b"hello", hang_up=True))
    with pytest.raises(BadContent, match="proper HTTP"):
        get(client, site.url)


def test_a_part_that_was_not_asked_for_is_refused(site: Site, client: Client) -> None:
    site.prepare(answer(TEXT, status=206))
    with pytest.raises(BadContent, match="a part"):
        get(client, site.url)


@pytest.mark.parametrize("data", [b"SSH-2.0-thing\r\n", b"\x00" * 200, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"])
def test_what_is_no_http_is_refused(site: Site, client: Client, data: bytes) -> None:
    site.prepare(raw(data, hang_up=True))
    with pytest.raises(BadContent, match="proper HTTP"):
        get(client, site.url)


def test_a_connection_that_breaks_before_an_answer_is_tried_again(site: Site, make_client: MakeClient) -> None:
    site.prepare(Visit.hang_up, answer(TEXT))
    assert get(make_client(attempts=2), site.url) == TEXT


def test_a_bomb_is_refused_before_it_fills_the_memory(site: Site, make_client: MakeClient) -> None:
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    bomb = b"".join([*(packer.compress(bytes(2**20)) for _ in range(200)), packer.flush()])
    site.always = answer(bomb, Content_Encoding="gzip")
    client = make_client(max_bytes=4 * 2**20, attempts=4)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match=r"answered with more than 4 MiB$"):
            get(client, site.url)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()
    assert len(site.asked) == 1


def test_an_answer_over_the_cap_is_refused_and_one_at_the_cap_is_not(site: Site, make_client: MakeClient) -> None:
    client = make_client(max_bytes=len(TEXT))
    site.prepare(answer(TEXT), answer(gzip.compress(TEXT), Content_Encoding="gzip"))
    assert get(client, site.url) == get(client, site.url) == TEXT
    endless = raw(head(headers={"Connection": "close"}) + TEXT + b"x", hang_up=True)
    site.prepare(answer(TEXT + b"x"), endless, answer(gzip.compress(TEXT + b"x"), Content_Encoding="gzip"))
    for _ in range(3):
        with pytest.raises(TooLarge, match="more than 1440 bytes"):
            get(client, site.url)


def test_an_answer_that_announces_too_much_is_refused_before_it_comes(site: Site, make_client: MakeClient) -> None:
    def announce(visit: Visit) -> None:
        visit.write(head(headers={"Content-Length": str(10**12)}))
        silent(visit)

    site.prepare(announce)
    with pytest.raises(TooLarge):
        get(make_client(), site.url)


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_and_the_last_address_is_told(site: Site, client: Client, status: int) -> None:
    site.prepare(redirect("../b?c=1#d", status), answer(TEXT))
    response = client.get(f"{site.url}/a/a?x=1", accept="*/*")
    assert (response.url, response.body) == (f"{site.url}/b?c=1", TEXT)


def test_five_redirects_are_followed_and_a_sixth_is_not(site: Site, client: Client) -> None:
    site.prepare(*[redirect(f"/{number}") for number in range(5)], answer(TEXT))
    assert get(client, site.url) == TEXT
    site.prepare(*[redirect(f"/{number}") for number in range(6)])
    with pytest.raises(BadRedirect, match="after 5 redirects"):
        get(client, site.url)


def test_a_loop_is_named_and_not_tried_again(site: Site, make_client: MakeClient) -> None:
    site.prepare(redirect("/b"), redirect("/a"))
    with pytest.raises(BadRedirect, match=r"127\.0\.0\.1:\d+/b redirects in a circle$"):
        get(make_client(attempts=4), f"{site.url}/a")
    assert site.paths == ["/a", "/b"]


@pytest.mark.parametrize("location", ["file:///etc/hosts", "ftp://example.org/", "javascript:alert(1)", "http://[::1", ""])
def test_a_redirect_out_of_the_web_is_refused(site: Site, client: Client, location: str) -> None:
    site.prepare(redirect(location))
    with pytest.raises(BadRedirect):
        get(client, site.url)
    assert len(site.asked) == 1


def test_the_body_of_a_redirect_is_not_read(site: Site, client: Client) -> None:
    def begin(visit: Visit) -> None:
        visit.write(head(302, {"Location": "/b", "Content-Length": "100000", "Content-Encoding": "gzip"}) + b"and then nothing")
        silent(visit)

    site.prepare(begin, answer(TEXT))
    assert get(client, site.url) == TEXT
    assert client.bytes == len(TEXT)


def test_a_login_in_a_redirect_is_not_taken_over(site: Site, client: Client) -> None:
    site.prepare(redirect(site.url.replace("//", "//someone:something@") + "/b"), answer(TEXT))
    response = client.get(site.url, accept="*/*")
    assert response.url == f"{site.url}/b"
    assert "Authorization" not in site.asked[1].headers
