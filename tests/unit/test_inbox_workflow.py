"""The workflow of an alert as a pure machine."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from schemas.alerts import ActionCode
from streams.inbox.workflow import (
    HANDLED,
    TARGET,
    TRANSITIONS,
    UNHANDLED,
    Label,
    Seen,
    State,
    Step,
    can_transition,
    follow,
    refusal,
)


def test_the_way_of_the_model_console_is_possible() -> None:
    way = [State.NEW, State.IN_PROGRESS, State.LABELLED, State.DONE]
    assert all(can_transition(old, new) for old, new in itertools.pairwise(way))


def test_the_way_of_a_filing_is_possible() -> None:
    way = [State.LABELLED, State.FILED, State.FILED_OK, State.DONE]
    assert all(can_transition(old, new) for old, new in itertools.pairwise(way))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (State.NEW, State.DONE),
        (State.NEW, State.LABELLED),
        (State.IN_PROGRESS, State.DONE),
        (State.IN_PROGRESS, State.FILED),
        (State.FILED, State.DONE),
        (State.DONE, State.LABELLED),
    ],
)
def test_no_step_can_be_left_out(old: State, new: State) -> None:
    assert not can_transition(old, new)


def test_every_state_can_be_reached_and_left() -> None:
    reached = {State.NEW}
    while grown := {new for old in reached for new in TRANSITIONS[old]} - reached:
        reached |= grown
    assert reached == set(State)
    assert all(TRANSITIONS[state] for state in State)


def test_handled_and_unhandled_share_the_states() -> None:
    assert set(State) == HANDLED | UNHANDLED
    assert not HANDLED & UNHANDLED


def test_filing_needs_a_contact_attempt_and_the_filing_label() -> None:
    label = Label.WRONG_ADDRESS_UNREACHABLE
    assert refusal("file", State.LABELLED, label, 0) == "contact_first"
    assert refusal("file", State.LABELLED, Label.BUYER_PAID, 3) == "filing_label_first"
    assert refusal("file", State.LABELLED, label, 1) is None


def test_the_filing_label_needs_a_contact_attempt_and_others_do_not() -> None:
    for label in Label:
        expected = "contact_first" if label is Label.WRONG_ADDRESS_UNREACHABLE else None
        assert refusal("label", State.IN_PROGRESS, label, 0) == expected
        assert refusal("label", State.IN_PROGRESS, label, 1) is None


def test_a_label_step_without_a_label_is_refused() -> None:
    assert refusal("label", State.IN_PROGRESS, None, 1) == "label_first"


def test_refusals_agree_with_the_arrows() -> None:
    for state, step in itertools.product(State, TARGET):
        is_refused = refusal(step, state, Label.WRONG_ADDRESS_UNREACHABLE, 1) is not None
        assert is_refused is not can_transition(state, TARGET[step])


OPEN, WORSE = Seen("open", "warn"), Seen("open", "critical")


@pytest.mark.parametrize(
    ("state", "before", "after", "expected"),
    [
        (State.NEW, None, OPEN, State.NEW),
        (State.NEW, OPEN, Seen("resolved", "warn"), State.AUTO_RESOLVED),
        (State.NEW, None, Seen("retracted", "warn"), State.AUTO_RESOLVED),
        (State.REOPENED, OPEN, Seen("expired", "warn"), State.EXPIRED),
        (State.IN_PROGRESS, OPEN, Seen("resolved", "warn"), State.IN_PROGRESS),
        (State.FILED, OPEN, Seen("expired", "warn"), State.FILED),
        (State.DONE, OPEN, OPEN, State.DONE),
        (State.DONE, OPEN, WORSE, State.REOPENED),
        (State.DONE, WORSE, OPEN, State.DONE),
        (State.DONE, Seen("resolved", "warn"), OPEN, State.REOPENED),
        (State.AUTO_RESOLVED, Seen("resolved", "warn"), OPEN, State.REOPENED),
        (State.LABELLED, OPEN, WORSE, State.LABELLED),
    ],
)
def test_a_new_revision_moves_only_what_nobody_works_on(
    state: State, before: Seen | None, after: Seen, expected: State
) -> None:
    assert follow(state, before, after) is expected


def test_following_only_uses_arrows() -> None:
    statuses = ("open", "resolved", "retracted", "expired")
    seen = [Seen(status, severity) for status in statuses for severity in ("info", "critical")]
    for state, before, after in itertools.product(State, [None, *seen], seen):
        new = follow(state, before, after)
        assert new is state or can_transition(state, new)


def test_no_step_and_no_action_closes_an_order() -> None:
    words = [*get_args(Step), *State, *Label, *get_args(ActionCode)]
    assert not [word for word in words if "close" in word.lower() or "cancel" in word.lower()]
