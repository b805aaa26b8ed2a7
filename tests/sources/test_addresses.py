"""Where a redirect may lead: computed only, nothing is asked."""

from __future__ import annotations

import pytest

from registry_sync.sources.addresses import next_address
from registry_sync.sources.trouble import Trouble

PUBLIC = "https://93.184.215.14/start"


@pytest.mark.parametrize(
    "inside",
    [
        "https://127.0.0.1/",
        "https://169.254.169.254/latest",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://[::1]/",
        "https://localhost/",
    ],
)
def test_a_site_out_there_must_not_lead_into_a_private_network(inside: str) -> None:
    with pytest.raises(Trouble, match="private network"):
        next_address([PUBLIC], inside)


def test_a_site_at_home_may_redirect_at_home_and_one_out_there_out_there() -> None:
    assert next_address(["http://127.0.0.1:8000/a"], "http://localhost:8001/b") == "http://localhost:8001/b"
    assert next_address([PUBLIC], "https://93.184.215.15/next") == "https://93.184.215.15/next"
    assert next_address([PUBLIC], "/next") == "https://93.184.215.14/next"
