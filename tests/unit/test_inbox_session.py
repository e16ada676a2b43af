"""Who is asking: names of operators, tokens, and pages that are not ours."""

from __future__ import annotations

import pytest

from streams.inbox.session import (
    LOCAL_OPERATOR,
    MAX_WRONG_TRIES_A_MINUTE,
    Gatekeeper,
    TooManyTriesError,
    is_same_origin,
)
from tests.inbox import Clock


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("李雷", "李雷"),
        ("  Han \n Meimei ", "Han Meimei"),
        ("", LOCAL_OPERATOR),
        (" \t", LOCAL_OPERATOR),
        ("x" * 65, "x" * 64),
    ],
)
def test_a_session_has_a_name_of_one_short_line(told: str, name: str) -> None:
    assert Gatekeeper(None, Clock()).begin(told).operator == name


def test_nobody_is_logged_in_before_the_token_was_offered() -> None:
    keeper = Gatekeeper("the token", Clock())
    assert keeper.needs_login
    assert not keeper.begin("李雷").is_authenticated
    assert keeper.begin("李雷", is_authenticated=True).is_authenticated


def test_where_no_token_is_set_none_is_right() -> None:
    keeper = Gatekeeper(None, Clock())
    assert not keeper.needs_login
    for offered in ("", "None", "anything"):
        assert not keeper.is_token(offered, "here")
        assert not keeper.is_bearer(f"Bearer {offered}", "here")


def test_so_many_wrong_tries_shut_an_address_out_and_no_other() -> None:
    keeper = Gatekeeper("the token", Clock())
    for _ in range(MAX_WRONG_TRIES_A_MINUTE):
        assert not keeper.is_token("wrong", "there")
    with pytest.raises(TooManyTriesError):
        keeper.is_token("the token", "there")
    assert keeper.is_token("the token", "here")
    assert keeper.is_bearer("bearer  the token ", "here")
    assert not keeper.is_bearer("Basic the token", "here")
    assert not keeper.is_bearer(None, "here")


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({"origin": "https://inbox.example", "host": "inbox.example"}, True),
        ({"origin": "https://inbox.example:8443", "host": "inbox.example"}, False),
        ({"origin": "https://elsewhere", "host": "inbox.example"}, False),
        ({"origin": "null", "host": "inbox.example"}, False),
        ({"origin": "", "host": "inbox.example"}, False),
        ({"origin": "https://[", "host": "inbox.example"}, False),
        ({"host": "inbox.example"}, True),
        ({"sec-fetch-site": "same-origin", "host": "inbox.example"}, True),
        ({"sec-fetch-site": "cross-site", "host": "inbox.example"}, False),
        ({"sec-fetch-site": "none", "host": "inbox.example"}, False),
    ],
)
def test_only_our_own_pages_may_change_anything(headers: dict[str, str], is_ours: bool) -> None:
    assert is_same_origin(headers) == is_ours
