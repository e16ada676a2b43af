"""The difference between what the facts imply and what was said: what is news, and by which name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from schemas.alerts import AlertChange
from streams.detect.diff import Change, alert_id, but_remnants, diff, digest, forgotten
from streams.detect.episodes import Episode, Hold, Threshold
from streams.detect.facts import OrderPlaced, Signal
from streams.detect.state import Published
from tests.oracle.story import DAY, HOUR, MINUTE, Story, ms
from tests.pipeline import Pipeline

NOTHING_LET_GO = -1
COOLDOWN_S = 10


def placed(at_ms: int) -> OrderPlaced:
    return OrderPlaced(at_ms, f"e{at_ms}", f"o{at_ms}", 1, ())


def episode(first_ms: int = 5000, last_ms: int = 6000, **changes: Any) -> Episode:
    members = (placed(first_ms), placed(last_ms))
    usual = Episode(
        "D01", members[0], first_ms, last_ms, "open", None, "warn", 1, 0, members, (), {}
    )
    return msgspec.structs.replace(usual, cooldown_s=COOLDOWN_S, **changes)


def name_of(found: Episode) -> str:
    return alert_id(found.detector, "t", "buyer", "s:b", found.anchor.event_id)


def said(found: Episode, known: Sequence[Published] = (), **more: Any) -> list[Change]:
    return compared([found], known, **more)[1]


def compared(
    found: Sequence[Episode],
    known: Sequence[Published] = (),
    let_go_ms: int = NOTHING_LET_GO,
    oldest_kept_ms: int = 0,
) -> tuple[list[Published], list[Change]]:
    named = [(name_of(e), e) for e in found]
    return diff(known, named, let_go_ms, oldest_kept_ms)


def ledger_of(found: Episode, **changes: Any) -> list[Published]:
    (entry,), _ = compared([found])
    return [msgspec.structs.replace(entry, **changes)]


def test_what_was_said_is_not_said_again() -> None:
    ledger, changes = compared([episode()], ledger_of(episode()))
    assert ledger == ledger_of(episode())
    assert changes == []


def test_who_is_looked_at_again_in_vain_is_not_told_of_again() -> None:
    """The end of a grace wakes a subject of which nothing has changed."""
    story, pipeline = Story(), Pipeline()
    for number in range(12):
        story.created(f"o{number}", number)
    pipeline.send(story.events)
    pipeline.read_to_end(ms(HOUR))
    before = len(pipeline.alerts)
    assert before >= 1
    for minute in range(61, 70):
        # A fact of the buyer that the episode does not count.
        story.shipped("elsewhere", minute * MINUTE)
        pipeline.send(story.events[-1:])
        pipeline.read_to_end(ms(minute * MINUTE))
    assert sum(effects.evaluated for effects in pipeline.effects) > 5
    assert len(pipeline.alerts) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"opened_at_ms": 4999},
        {"last_at_ms": 6001},
        {"status": "resolved"},
        {"ended_at_ms": 7000},
        {"severity": "critical"},
        {"members": (placed(5000),)},
        {"details": {"orders": 3}},
        {"counter": (("无", "none"),)},
        {"thresholds": (Threshold("share_of_paid_orders", 83, "%", 60),)},
        {"holds": (Hold("i", "o", 1, "held"),)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_whatever_an_alert_says_is_news_when_it_changes(changes: dict[str, Any]) -> None:
    assert len(said(episode(**changes), ledger_of(episode()))) == 1


def test_what_a_signal_says_is_news_though_its_name_and_event_stay() -> None:
    one, other = (
        episode(members=(Signal(5000, "e", "told/1", "told", 1, {"units": units}),))
        for units in (1, 2)
    )
    assert digest(one) != digest(other)
    (change,) = said(other, ledger_of(one))
    assert change.change == "updated"


def test_what_is_left_of_an_episode_goes_on_up_to_the_cooldown_after_it() -> None:
    """Its anchor is no longer kept, and facts that are gone may have joined the two."""
    known = ledger_of(episode())
    (near,) = said(episode(16_000, 17_000), known, let_go_ms=5000)
    assert near.published.alert_id == known[0].alert_id
    (far,) = said(episode(16_001, 17_000), known, let_go_ms=5000)
    assert far.published.alert_id != known[0].alert_id
    # As long as its anchor is kept, whatever is not part of it is another.
    _, changes = compared([episode(16_000, 17_000)], known, let_go_ms=4999)
    assert [one.change for one in changes] == ["opened", "retracted"]


def test_of_another_detector_nothing_goes_on() -> None:
    known = ledger_of(episode(detector="D08"))
    (change,) = said(episode(5001, 6000), known, let_go_ms=5000)
    assert (change.change, change.supersedes) == ("opened", None)


def test_an_earlier_anchor_supersedes_the_alert_that_it_overlaps() -> None:
    known = ledger_of(episode())
    opened, gone = said(episode(4000, 6000), known)
    assert (opened.change, opened.supersedes) == ("opened", known[0].alert_id)
    assert (gone.change, gone.published.alert_id) == ("retracted", known[0].alert_id)
    assert gone.published.revision == known[0].revision + 1
    apart, _ = said(episode(6001, 7000), known)
    assert apart.supersedes is None
    (fresh,) = said(episode(4000, 6000), ledger_of(episode(), status="retracted"))
    assert fresh.supersedes is None


def test_an_episode_without_facts_is_kept_until_its_end_is_older_than_any_fact() -> None:
    known = ledger_of(episode())
    assert compared([], known, let_go_ms=5000, oldest_kept_ms=6000) == (known, [])
    ended = ledger_of(episode(), status="expired")
    assert compared([], ended, let_go_ms=5000, oldest_kept_ms=6001) == ([], [])


def test_an_open_episode_is_said_to_be_over_once_before_it_is_let_go() -> None:
    known = ledger_of(episode())
    ledger, (change,) = compared([], known, let_go_ms=5000, oldest_kept_ms=6001)
    assert (change.change, change.episode) == ("expired", None)
    assert ledger == [change.published]
    assert (change.published.status, change.published.revision) == ("expired", 2)
    assert compared([], ledger, let_go_ms=5000, oldest_kept_ms=6001) == ([], [])
    assert forgotten(known) == [change]
    assert forgotten(ledger) == []


def test_what_was_retracted_is_not_retracted_again() -> None:
    known = ledger_of(episode(), status="retracted")
    assert compared([], known) == (known, [])


@pytest.mark.parametrize(
    ("unsaid", "now", "heard"),
    [
        ("opened", {}, "opened"),
        ("opened", {"severity": "critical"}, "opened"),
        ("reopened", {"severity": "critical"}, "reopened"),
        ("escalated", {}, "escalated"),
        ("updated", {"severity": "critical"}, "escalated"),
        ("opened", {"status": "resolved", "ended_at_ms": 7000}, "resolved"),
        ("escalated", {"status": "expired", "ended_at_ms": 7000}, "expired"),
    ],
)
def test_a_change_on_top_of_one_that_may_not_have_left_is_called_what_nobody_heard(
    unsaid: AlertChange, now: dict[str, Any], heard: AlertChange
) -> None:
    known = ledger_of(episode(), digest=0, unsaid=unsaid)
    (change,) = said(episode(**now), known)
    assert change.change == heard
    assert change.published.unsaid is None


def test_what_is_left_of_an_episode_is_said_when_nobody_may_have_heard_of_it() -> None:
    known = ledger_of(episode(), unsaid="opened", digest=0)
    left = episode(5500, 6000)
    (change,) = said(left, known, let_go_ms=5000)
    assert change.change == "opened"
    assert change.published.opened_at_ms == 5000, "it does not know when it began"
    assert said(left, ledger_of(episode()), let_go_ms=5000) == []


def test_revisions_follow_the_facts_and_never_go_back() -> None:
    (first,) = said(episode(steps=4))
    assert first.published.revision == 4
    (again,) = said(episode(steps=2, severity="critical"), [first.published])
    assert (again.published.revision, again.change) == (5, "escalated")
    (later,) = said(episode(steps=9, severity="info"), [again.published])
    assert (later.published.revision, later.change) == (9, "updated")


def test_what_is_over_is_said_once_and_may_come_back() -> None:
    over = episode(status="resolved", ended_at_ms=7000)
    (first,) = said(over)
    assert first.change == "resolved"
    (more,) = said(msgspec.structs.replace(over, details={"paid": 1}), [first.published])
    assert more.change == "updated"
    (expired,) = said(msgspec.structs.replace(over, status="expired"), [first.published])
    assert expired.change == "expired"
    (back,) = said(episode(), [first.published])
    assert back.change == "reopened"


@pytest.mark.parametrize(
    ("status", "window_s", "let_go_at", "is_told"),
    [
        # In its window something is gone; one millisecond earlier it is not.
        ("open", 30 * DAY, 70 * DAY, False),
        ("open", 30 * DAY, 70 * DAY - 0.001, True),
        # What is over may rest on anything that was known when it happened.
        ("expired", 0, 55 * DAY, False),
        ("expired", 0, 55 * DAY - 0.001, True),
        ("open", 0, 99 * DAY, True),
    ],
)
def test_what_may_be_one_because_facts_were_let_go_is_not_told(
    status: str, window_s: int, let_go_at: float, is_told: bool
) -> None:
    found = episode(ms(100 * DAY), ms(100 * DAY), status=status, window_s=window_s)
    kept = but_remnants((), [found], name_of, ms(let_go_at))
    assert kept == ([found] if is_told else [])


def test_what_was_told_is_no_remnant_nor_what_goes_on_from_it() -> None:
    at_ms = ms(100 * DAY)
    over = episode(at_ms, at_ms + 1000, status="expired")
    let_go_ms = ms(60 * DAY)
    assert but_remnants((), [over], name_of, let_go_ms) == []
    assert but_remnants(ledger_of(over), [over], name_of, let_go_ms) == [over]
    # Its anchor was another one: an earlier event has moved it, or what came before is gone.
    later = episode(at_ms + 1000, at_ms + 1000)
    assert but_remnants(ledger_of(later), [over], name_of, let_go_ms) == [over]
    before = ledger_of(episode(ms(60 * DAY), at_ms - COOLDOWN_S * 1000))
    assert but_remnants(before, [over], name_of, let_go_ms) == [over]
    assert but_remnants(before, [over], name_of, let_go_ms - 1) == []
