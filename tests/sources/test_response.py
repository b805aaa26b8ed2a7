"""What an answer says of itself, and how places and waits are told."""

from __future__ import annotations

import pytest
from requests.structures import CaseInsensitiveDict

from registry_sync.sources.response import Response
from registry_sync.sources.trouble import duration, place


def response(body: bytes = b"", content_type: str | None = None) -> Response:
    headers = {} if content_type is None else {"content-type": content_type}
    return Response(200, "http://example.org/", CaseInsensitiveDict(headers), body)


@pytest.mark.parametrize(
    ("content_type", "media_type", "charset"),
    [
        (None, "", None),
        ("", "", None),
        ("Text/HTML", "text/html", None),
        ("text/html; charset=UTF-8", "text/html", "utf-8"),
        ("text/html;charset='latin1'", "text/html", "iso8859-1"),
        ('text/html; version=1; Charset = "utf-16"', "text/html", "utf-16"),
        ("text/html; charset=no-such-thing", "text/html", None),
        ("text/html; charset=zlib", "text/html", None),
        ("text/html; charset=rot13", "text/html", None),
        ("text/html; charset=unicode_escape", "text/html", None),
        ("text/html; charset=idna", "text/html", None),
        ("text/html; charset=undefined", "text/html", None),
        ("text/html; charset=a\x00b", "text/html", None),
        ("text/html; charset=", "text/html", None),
    ],
)
def test_type_and_encoding_are_read_from_the_header(content_type: str | None, media_type: str, charset: str | None) -> None:
    answer = response(content_type=content_type)
    assert (answer.content_type, answer.charset) == (media_type, charset)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("Grüße".encode(), None, "Grüße"),
        ("Grüße".encode("latin-1"), "text/plain; charset=iso-8859-1", "Grüße"),
        (b"\xef\xbb\xbfGr\xc3\xbc\xc3\x9fe", "text/plain; charset=iso-8859-1", "Grüße"),
        ("Grüße".encode("utf-16"), "text/plain", "Grüße"),
        (b"\xff\xfe", None, ""),
        (b"Gr\xfc\xdfe", None, "Gr\ufffd\ufffde"),
        (b"\\N{BEL}\\q", "text/plain; charset=unicode_escape", "\\N{BEL}\\q"),
    ],
)
def test_the_text_is_decoded_and_never_fails(body: bytes, content_type: str | None, text: str) -> None:
    assert response(body, content_type).text() == text


@pytest.mark.parametrize(
    ("body", "content_type", "is_html"),
    [
        (b"", "text/html; charset=utf-8", True),
        (b"", "application/xhtml+xml", True),
        (b"\xef\xbb\xbf \n<!DOCTYPE html><p>Down for maintenance", "application/json", True),
        (b"<HTML>", None, True),
        (b'{"html": "<html>"}', "application/json", False),
        (b"", None, False),
    ],
)
def test_a_web_page_is_known_by_its_type_or_its_beginning(body: bytes, content_type: str | None, is_html: bool) -> None:
    assert response(body, content_type).is_html is is_html


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://example.org", "example.org"),
        ("https://example.org/", "example.org"),
        ("https://Someone:Secret@Example.org:8443/a/b/?token=1#x", "example.org:8443/a/b"),
        ("http://[::1]:80/a", "[::1]:80/a"),
        ("http://[::1", "an unusable address"),
        ("http://example.org/\x1b[2J\u202e", "example.org/%1B%5B2J%E2%80%AE"),
        ("http://example.org/" + "a" * 200, "example.org/" + "a" * 99 + "..."),
    ],
)
def test_a_place_is_told_without_secrets(url: str, told: str) -> None:
    assert place(url) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.4, "0 s"), (1, "1 s"), (119, "119 s"), (120, "2 min"), (900, "15 min"), (7200, "2 h"), (200_000, "2 d")]
)
def test_a_wait_is_told_in_the_largest_unit_that_fits_twice(seconds: float, told: str) -> None:
    assert duration(seconds) == told
