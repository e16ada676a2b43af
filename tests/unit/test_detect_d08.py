"""D08 where its two parts meet; single limits are held by the examples and by the oracle."""

from __future__ import annotations

import pytest

from schemas.topics import BUYER_TOPICS
from tests.episode_rows import engine_rows, oracle_rows
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import Pipeline, run


def three_orders_and_a_saga() -> Story:
    """The third order of part B is asked for at the moment of part A's second re-request."""
    story = Story()
    for attempt in range(1, 4):
        story.created(f"o{attempt}", 0)
        story.requested("o0", attempt * DAY, attempt=attempt)
        story.refund_step("refused", "o0", attempt * DAY + HOUR, attempt=attempt)
    story.requested("o1", 2 * DAY)
    story.requested("o2", 3 * DAY)
    return story


def test_both_parts_at_one_moment_are_one_crossing_with_the_facts_of_both() -> None:
    story = three_orders_and_a_saga()
    pipeline = run(story.events, ms(4 * DAY))
    rows = engine_rows(pipeline.alerts, pipeline.partitions)
    assert rows == oracle_rows(story.events, ms(4 * DAY))
    (row,) = rows
    assert row.opened_at_ms == row.last_crossing_ms == ms(3 * DAY)
    # The first request on o0 for part B; the second and third are part A's re-requests.
    assert row.n_members == 5
    assert row.severity == "warn"


def test_the_higher_level_of_both_parts_counts() -> None:
    story = three_orders_and_a_saga()
    for number in range(2):
        story.contact(2 * DAY + number)
    pipeline = run(story.events, ms(4 * DAY))
    assert [a["severity"] for a in pipeline.standing.values()] == ["critical"]


def test_contacts_after_the_last_request_still_make_it_critical_within_the_window() -> None:
    for late, severity in ((0, "critical"), (0.001, "warn")):
        story = Story()
        for attempt in range(1, 4):
            story.requested("o", attempt * HOUR, attempt=attempt)
            story.refund_step("refused", "o", attempt * HOUR + 1, attempt=attempt)
        # Of the two re-requests, at two and three hours, the first leaves the window at 14 d 2 h.
        story.contact(14 * DAY)
        story.contact(14 * DAY + 2 * HOUR + late)
        (alert,) = run(story.events, ms(20 * DAY)).standing.values()
        assert alert["severity"] == severity


def test_the_summary_counts_the_requests_that_were_made() -> None:
    story = Story()
    for attempt in range(1, 4):
        story.requested("o", attempt * HOUR, attempt=attempt)
        story.refund_step("refused", "o", attempt * HOUR + 1, attempt=attempt)
    (alert,) = run(story.events, ms(DAY)).standing.values()
    assert alert["summary"]["en"].startswith(
        "b made 3 refund-only requests on 1 order, 2 of them again after a refusal"
    )


def test_that_nobody_answers_waits_for_the_answers() -> None:
    story = Story()
    for attempt in range(1, 4):
        story.requested("o", attempt * HOUR, attempt=attempt)
        story.refund_step("refused", "o", attempt * HOUR + 1, attempt=attempt)
    for number in range(2):
        story.contact(2 * HOUR + number)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(DAY), [topic for topic in BUYER_TOPICS if topic != "contacts"])
    pipeline.read_to_end(ms(3 * HOUR - 0.001), ["contacts"])
    assert [(a.change, a.severity) for a in pipeline.alerts] == [("opened", "warn")]
    pipeline.read_to_end(ms(3 * HOUR), ["contacts"])
    assert pipeline.alerts[-1].severity == "critical"


@pytest.mark.parametrize("paid_before", [0, 3])
def test_the_share_in_the_evidence_is_the_one_that_was_compared(paid_before: int) -> None:
    """Three of six within the window; what was paid before it is not part of that number."""
    story = Story()
    for number in range(6 + paid_before):
        at = 31 * DAY if number < 6 else 0
        story.created(f"o{number}", at)
        story.paid(f"o{number}", at)
    for number in range(3):
        story.requested(f"o{number}", 32 * DAY + number)
    standing = run(story.events, ms(33 * DAY)).standing.values()
    (alert,) = [a for a in standing if a["detector"] == "D08"]
    shares = [t for t in alert["evidence"]["thresholds"] if t["name"] == "share_of_paid_orders"]
    assert [share["value"] for share in shares] == [50]


def test_shares_are_waited_for_as_payments_are_read() -> None:
    """Thirty orders, five of them refunded: with payments unread these five seem to be all."""
    story = Story()
    for number in range(30):
        story.created(f"o{number}", number)
        story.paid(f"o{number}", number)
    for number in range(5):
        story.requested(f"o{number}", DAY + number)
    pipeline = Pipeline()
    pipeline.send([event for event in story.events if event[0] != "payments"])
    pipeline.read_to_end(ms(9 * DAY), [topic for topic in BUYER_TOPICS if topic != "payments"])
    assert [a for a in pipeline.alerts if a.detector == "D08"] == []
    # Nothing is paid indeed: then it is so once that is known.
    pipeline.read_to_end(ms(DAY + 4), ["payments"])
    found = [(a.change, a.severity) for a in pipeline.alerts if a.detector == "D08"]
    assert found == [("opened", "critical")]
    pipeline.send([event for event in story.events if event[0] == "payments"])
    assert [a.change for a in pipeline.alerts if a.detector == "D08"][-1] == "retracted"
