"""The webhook receiver, seen from the one who posts."""

from __future__ import annotations

import pytest
import requests

from registry_sync.demo.hook import Hook, payload
from tests.waiting import PATIENCE


def test_a_post_is_kept_with_its_headers(hook: Hook, http: requests.Session) -> None:
    answer = http.post(hook.url + "/news?team=a", json={"trial": "NCT06805448"}, headers={"webhook-id": "msg_1"}, timeout=PATIENCE)
    assert (answer.status_code, answer.content) == (204, b"")
    (post,) = hook.posts
    assert payload(post) == {"trial": "NCT06805448"}
    assert (post.path, post.parameter("team"), post.header("Webhook-Id")) == ("/news", "a", "msg_1")


def test_it_answers_as_scripted_and_keeps_every_post(hook: Hook, http: requests.Session) -> None:
    (hold,) = hook.script(500, 410, "none", "hang", 200)
    assert [http.post(hook.url, data=b"{}", timeout=PATIENCE).status_code for _ in range(2)] == [500, 410]
    with pytest.raises(requests.ConnectionError):
        http.post(hook.url, data=b"{}", timeout=PATIENCE)
    with pytest.raises(requests.ReadTimeout):
        http.post(hook.url, data=b"{}", timeout=0.05)
    hold.wait_until_reached()
    hold.release()
    assert [http.post(hook.url, data=b"{}", timeout=PATIENCE).status_code for _ in range(2)] == [200, 204]
    assert len(hook.posts) == 6


def test_it_takes_posts_only(hook: Hook, http: requests.Session) -> None:
    assert http.get(hook.url, timeout=PATIENCE).status_code == 405
    assert hook.posts == ()
