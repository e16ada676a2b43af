"""L1 and L2 for D25: the same campaigns as the oracle puts together of what those of all others find."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.detect.diff import alert_id
from streams.detect.extract import to_ms
from tests.oracle.oracle import OracleEpisode
from tests.oracle.story import DAY, HOUR, MINUTE, ms
from tests.pipeline import Event, Pipeline, run
from tests.property.ways import batches, move_horizons
from tests.talk_stories import Talk, talk_history

SEEDS = st.integers(0, 2**32)
# The later the horizon, the more of them have ended.
HORIZONS = (3 * DAY, 8 * DAY, 20 * DAY, 40 * DAY, 40 * DAY, 60 * DAY, 60 * DAY)
# Whoever goes on for longer is let go in part: facts are kept for so long only.
LATEST = 36 * DAY


class Campaign(NamedTuple):
    """One episode, of a buyer or of the accounts of a ring."""

    subject: str
    alert_id: str
    opened_at_ms: int
    status: str
    ended_at_ms: int | None
    severity: str
    # The alerts that it puts together, and the events that are their anchors or the attempts that count.
    groups: tuple[str, ...]
    events: tuple[str, ...]


def life(story: Talk, rng: Random, buyer: str) -> None:
    """One buyer with a few acts, or what is nearly one, close to each other or a month apart."""
    story.buyer = buyer
    at = 0.0
    for number in range(rng.randint(1, 4)):
        at += rng.choice((HOUR, DAY, 9 * DAY, 29 * DAY, 30 * DAY, 31 * DAY))
        if at > LATEST:
            break
        rng.choice(_ACTS)(story, rng, at, f"{number}")


def _burst(story: Talk, rng: Random, at: float, tag: str) -> None:
    pays = rng.choice((0.0, 0.0, 1.0))
    for number in range(rng.choice((4, 5, 6, 11))):
        story.created(f"u{tag}-{number}", at + MINUTE * number)
        if rng.random() < pays:
            story.paid(f"u{tag}-{number}", at + rng.choice((HOUR, 2 * DAY, 5 * DAY)))


def _sold(story: Talk, order: str, at: float) -> None:
    story.created(order, at, ship_by=at + 2 * DAY)
    story.paid(order, at + 5)
    story.shipped(order, at + HOUR)


def _claims(story: Talk, rng: Random, at: float, tag: str) -> None:
    for number in range(rng.choice((1, 2, 3))):
        _sold(story, f"c{tag}-{number}", at)
        story.requested(f"c{tag}-{number}", at + DAY, reason="stockout", goods="not_received")
    if rng.random() < 0.3:
        _asked_again(story, f"c{tag}-0", at + DAY, "stockout")


def _refunds(story: Talk, rng: Random, at: float, tag: str) -> None:
    for number in range(rng.choice((2, 3, 5))):
        _sold(story, f"r{tag}-{number}", at)
        story.requested(f"r{tag}-{number}", at + DAY + HOUR * number)


def _again(story: Talk, rng: Random, at: float, tag: str) -> None:
    _sold(story, f"a{tag}", at)
    story.requested(f"a{tag}", at + DAY)
    _asked_again(story, f"a{tag}", at + DAY, "quality")


def _asked_again(story: Talk, order: str, at: float, reason: str) -> None:
    for attempt in (1, 2):
        story.refund_step("refused", order, at + HOUR * attempt, attempt=attempt)
        story.requested(order, at + HOUR * attempt + 60, attempt=attempt + 1, reason=reason)


def _calls(story: Talk, rng: Random, at: float, tag: str) -> None:
    for number in range(rng.choice((1, 2, 3))):
        story.contact(at + HOUR * number, answered=rng.choice((None, True, *[False] * 6)))


def _out_of_reach(story: Talk, rng: Random, at: float, tag: str) -> None:
    """A critical burst with calls in vain, unless the buyer wrote; perhaps again a month later."""
    for again in (0.0, rng.choice((30 * DAY, 31 * DAY))):
        if at + again > LATEST:
            break
        for number in range(10):
            story.created(f"n{tag}-{again:.0f}-{number}", at + again + number)
        for number in (1, 2):
            story.contact(at + again + HOUR * number)
        if rng.random() < 0.4:
            story.wrote(at + again + rng.choice((-DAY, 0, DAY)))


def _returned(story: Talk, rng: Random, at: float, tag: str) -> None:
    _sold(story, f"w{tag}", at)
    story.requested(f"w{tag}", at + DAY, reason="no_longer_wanted", refund_only=False)
    body = {"return_id": f"w{tag}", "order_id": f"w{tag}", "result": "mismatch"}
    story._add("returns", "inspected", at + rng.choice((DAY, 3 * DAY)), None, **body)


def _threat(story: Talk, rng: Random, at: float, tag: str) -> None:
    """A demand, perhaps one that only informs, perhaps in a message that baits as well or is carried out."""
    texts = (
        "不给500元红包就差评",
        "不返现就差评",
        "给我1000元,不然投诉,好评返现吗?发票和商品分开发",
    )
    story.said(rng.choice(texts), at)
    after = at + rng.choice((MINUTE, HOUR, DAY))
    if rng.random() < 0.4:
        story.filed(f"k{story.buyer}{tag}", rng.choice((None, f"t{tag}")), after)
    if rng.random() < 0.4:
        text = rng.choice(("", "日结兼职,加微信 abc12345"))
        story.reviewed("posted", f"t{tag}", after, rng.choice(("bad", "good")), text)


def _bait(story: Talk, rng: Random, at: float, tag: str) -> None:
    """A question about a stranger's order, two themes at once, or a split invoice; perhaps a complaint."""
    foreign = "订单320198765432100001的收件人电话是多少"
    text, about = rng.choice(
        (
            (foreign, "privacy_leak"),
            ("好评返现吗?收件人电话是多少", "privacy_leak"),
            ("发票和商品分开发可以吗", "invoice"),
        )
    )
    story.said(text, at)
    if about == "invoice" or rng.random() < 0.3:
        complaint = f"p{story.buyer}{tag}"
        after = at + rng.choice((5 * MINUTE, 5 * MINUTE, 11 * MINUTE))
        story.filed(complaint, None, after, about)
        if rng.random() < 0.3:
            story.ruled(complaint, None, after + DAY, "rejected", about)


def _review(story: Talk, rng: Random, at: float, tag: str) -> None:
    """An ad, or only a bad review; perhaps changed or taken down."""
    text = rng.choice(("日结兼职,加微信 abc12345", "日结兼职,加微信 abc12345", "太差了"))
    story.reviewed("posted", f"v{tag}", at, "bad", text)
    if rng.random() < 0.3:
        story.taken_down(f"v{tag}", at + rng.choice((HOUR, 5 * DAY)))


_ACTS = (
    *(_burst, _claims, _refunds, _again, _calls, _out_of_reach),
    *(_returned, _threat, _threat, _bait, _bait, _review, _review),
)


def history(rng: Random, buyers: int) -> list[Event]:
    story = Talk()
    for number in range(buyers):
        life(story, rng, f"b{number}")
    return list(story.events)


def concluded(pipeline: Pipeline) -> list[Campaign]:
    """What stands after a run."""
    last = {alert.alert_id: alert for alert in pipeline.alerts if alert.detector == "D25"}
    return sorted(
        Campaign(
            f"{alert.subject.kind}/{alert.subject.id}",
            alert.alert_id,
            to_ms(alert.opened_at),
            alert.status,
            None if alert.resolved_at is None else to_ms(alert.resolved_at),
            alert.severity,
            tuple(sorted(alert.groups)),
            tuple(sorted({fact.event_id for fact in alert.evidence.facts})),
        )
        for alert in last.values()
        if alert.status != "retracted"
    )


def expected(events: list[Event], horizon_ms: int) -> list[Campaign]:
    """What the oracle finds."""
    with talk_history(events) as history:
        return sorted(_campaign(found) for found in history.episodes("D25", horizon_ms))


def _campaign(found: OracleEpisode) -> Campaign:
    kind: Any = found.subject_kind
    acts = [member.split("/") for member in found.members if "/" in member]
    return Campaign(
        f"{kind}/{found.subject_id}",
        alert_id("D25", "default", kind, found.subject_id, found.anchor_event_id),
        found.opened_at_ms,
        found.status,
        found.ended_at_ms,
        found.severity,
        tuple(sorted(_child(*act) for act in acts)),
        tuple(sorted({member.rpartition("/")[2] for member in found.members})),
    )


def _child(detector: str, subject: str, anchor: str) -> str:
    return alert_id(detector, "default", "shop" if detector == "D03" else "buyer", subject, anchor)


def test_these_histories_make_campaigns_that_end_in_every_way() -> None:
    found = concluded(run(history(Random(1), 60), ms(40 * DAY)))
    assert {campaign.status for campaign in found} == {"open", "resolved", "expired"}


# One question to the oracle costs as much for a hundred buyers as for one.
@settings(max_examples=6)
@given(seed=SEEDS)
def test_the_same_chains_as_the_oracle_finds(seed: int) -> None:
    rng = Random(seed)
    events, horizon_ms = history(rng, 60), ms(rng.choice(HORIZONS))
    assert concluded(run(events, horizon_ms)) == expected(events, horizon_ms)


@settings(max_examples=25)
@given(seed=SEEDS)
def test_the_same_chains_however_the_events_come(seed: int) -> None:
    rng = Random(seed)
    events, last_ms = history(rng, 4), ms(rng.choice(HORIZONS))
    wanted = run(events, last_ms).standing
    pipeline = Pipeline(partitions=rng.randint(1, 4))
    for batch in batches(events, rng):
        pipeline.send(batch)
        if rng.random() < 0.4:
            move_horizons(pipeline, rng, last_ms)
    assert pipeline.finish(last_ms, rng).standing == wanted
