from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.errors import UsageError
from registry_sync.notices.address import classify, masked, scrubbed


@pytest.mark.parametrize(
    ("given_as", "kind", "address"),
    [
        (" A.b+c@Example.ORG ", "email", "a.b+c@example.org"),
        ("mailto:a@example.org", "email", "a@example.org"),
        ("a@bücher.example", "email", "a@xn--bcher-kva.example"),
        ("ølrik@example.org", "email", "ølrik@example.org"),
        ("Ølrik@example.org", "email", "ølrik@example.org"),
        ("VİCTIM@example.org", "email", "vİctim@example.org"),
        ("VI\u0307CTIM@example.org", "email", "vİctim@example.org"),
        ("a@localhost", "email", "a@localhost"),
        ("HTTPS://Hooks.Example.org/a/B?c=D#e", "webhook", "https://hooks.example.org/a/B?c=D"),
        ("http://127.0.0.1:8080", "webhook", "http://127.0.0.1:8080/"),
        ("http://[::1]:8080/x", "webhook", "http://[::1]:8080/x"),
        ("https://user:word@example.org/", "webhook", "https://user:word@example.org/"),
        ("https://example.org/é", "webhook", "https://example.org/%C3%A9"),
        ("NTFY://topic", "chat", "ntfy://topic"),
        ("tgram://123:AbC/42", "chat", "tgram://123:AbC/42"),
    ],
)
def test_addresses_have_a_kind_and_one_spelling(given_as: str, kind: str, address: str) -> None:
    assert classify(given_as) == (kind, address)
    assert classify(address) == (kind, address)


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        " ",
        "a",
        "a@",
        "@b",
        "a@b@",
        "a b@example.org",
        "a@-x.org",
        "a..b@example.org",
        ".a@example.org",
        "a@example..org",
        "a@exa mple.org",
        "a@example.org\r\nBcc: b@example.org",
        "a@example.org,b@example.org",
        "Name <a@example.org>",
        f"{'a' * 65}@example.org",
        "https://",
        "https:///x",
        "http://a:99999/",
        "http://a:0/",
        "http://exa mple.org/",
        "http://exam%ple/",
        "http://[::1/",
        "https://a\x00b/",
        "\u202ea@example.org",
        "https://example.org/" + "a" * 2000,
        "ntfy://",
    ],
)
def test_nonsense_is_refused_in_one_line(nonsense: str) -> None:
    with pytest.raises(UsageError) as error:
        classify(nonsense)
    assert "\n" not in str(error.value)


def test_a_sign_that_only_looks_like_a_letter_is_not_taken_for_another_mailbox() -> None:
    with pytest.raises(UsageError):
        classify("\N{KELVIN SIGN}im@example.org")


@given(st.text(min_size=1, max_size=20))
def test_whoever_types_signs_beyond_ascii_reaches_no_mailbox_within_it(local: str) -> None:
    try:
        _kind, address = classify(f"{local.strip()}@example.org")
    except UsageError:
        return
    assert address.isascii() == local.strip().isascii()


@given(st.text(max_size=60) | st.text(st.sampled_from("htps:/@[]%.ab0-é "), max_size=40))
def test_any_text_is_an_address_or_a_usage_error(text: str) -> None:
    try:
        _kind, address = classify(text)
    except UsageError:
        return
    assert masked(address)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("a@example.org", "a@example.org"),
        ("https://example.org/hook", "https://example.org/hook"),
        ("https://example.org/", "https://example.org/"),
        ("https://hooks.example.org/services/T0/B0/s3cr3t", "https://hooks.example.org/services/***"),
        ("https://hook.example.org/5f1c-44aa", "https://hook.example.org/***"),
        ("https://user:word@example.org:8443/hook?key=s3cr3t", "https://example.org:8443/hook/***"),
        ("https://example.org?key=s3cr3t", "https://example.org/***"),
        ("http://[::1]:80/hook", "http://[::1]:80/hook"),
        ("tgram://123456:AbCdEf/42", "tgram://***"),
        ("slack://TokenA/TokenB/TokenC", "slack://***"),
        ("ntfys://user:word@ntfy.example.org/s3cr3t", "ntfys://ntfy.example.org/***"),
        ("http://[::1", "http://***"),
    ],
)
def test_secrets_are_masked_and_the_rest_is_recognised(address: str, shown: str) -> None:
    assert masked(address) == shown


def test_secrets_are_taken_out_of_log_texts() -> None:
    text = scrubbed("no answer from /services/T0AA/s3cr3t?key=w0rd", "https://hooks.example.org/services/T0AA/s3cr3t?key=w0rd")
    assert text == "no answer from /services/***/***?key=***"
    assert scrubbed("as it is", "a@example.org") == "as it is"


def test_a_refused_url_is_shown_without_its_secret() -> None:
    with pytest.raises(UsageError) as error:
        classify("https://user:s3cr3t@exa mple.org/hook/t0ken")
    assert "s3cr3t" not in str(error.value)
    assert "t0ken" not in str(error.value)
