"""L2 for D25: the chain, worked out again from what the oracles of all detectors that it reads find.

Written from docs/detectors/D25.md; the acts are those of the SQL oracles, not of the detectors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence, Set
from datetime import datetime
from random import Random
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.detect.diff import alert_id
from tests.oracle.oracle import OracleEpisode
from tests.oracle.story import DAY, HOUR, MINUTE, ms
from tests.pipeline import Event, Pipeline, run
from tests.property.ways import batches, move_horizons
from tests.talk_stories import Talk, talk_history

KINDS = {
    "D01": "unpaid",
    "D04": "extortion",
    "D20": "extortion",
    "D08": "refunds",
    "D09": "refunds",
    "D10": "claims",
    "D13": "bait",
    "D17": "bait",
    "D24": "bait",
    "D18": "reviews",
}
DAY_MS = DAY * 1000
MONTH_MS = 30 * DAY_MS
SEEDS = st.integers(0, 2**32)
HORIZONS = (3 * DAY, 8 * DAY, 20 * DAY, 40 * DAY, 60 * DAY)


class Act(NamedTuple):
    at_ms: int
    kind: str
    detector: str
    anchor: str
    episode: OracleEpisode
    matters: frozenset[str]


class Expected(NamedTuple):
    subject: str
    opened_at_ms: int
    status: str
    ended_at_ms: int | None
    groups: frozenset[str]


def life(story: Talk, rng: Random, buyer: str) -> None:
    """One buyer with a few acts, or what is nearly one, close to each other or a month apart."""
    story.buyer = buyer
    at = 0.0
    for number in range(rng.randint(1, 4)):
        at += rng.choice((HOUR, DAY, 9 * DAY, 29 * DAY, 30 * DAY, 31 * DAY))
        if at > 36 * DAY:
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
    *(_burst, _claims, _refunds, _again, _calls),
    *(_returned, _threat, _threat, _bait, _bait, _review, _review),
)


def history(rng: Random, buyers: int) -> list[Event]:
    story = Talk()
    for number in range(buyers):
        life(story, rng, f"b{number}")
    return list(story.events)


def acts_by_buyer(events: Sequence[Event], horizon_ms: int) -> dict[str, list[Act]]:
    """Step 1 of the page: what each buyer (`shop:buyer`) did, in order, as the oracles see it."""
    asked_back = {
        v["event_id"]: v["order_id"]
        for _, v in events
        if v["type"] in ("requested", "filed") and v.get("order_id")
    }
    # An order that was only placed is itself what happened.
    placed = {
        (v["shop_id"], v["buyer_id"], v["order_id"]): v["event_id"]
        for _, v in events
        if v["type"] == "created"
    }
    acts: dict[str, list[Act]] = defaultdict(list)
    with talk_history(events) as told:
        for detector, kind in KINDS.items():
            for e in told.episodes(detector, horizon_ms):
                if e.subject_kind == "buyer" and e.act_level != "info":
                    matters = {asked_back.get(m, m) for m in e.members}
                    if detector == "D01":
                        where = tuple(e.subject_id.split(":"))
                        matters = {placed[(*where, order)] for order in e.members}
                    acts[e.subject_id].append(
                        Act(
                            e.opened_at_ms, kind, detector, e.anchor_event_id, e, frozenset(matters)
                        )
                    )
    return {subject: sorted(of_it) for subject, of_it in acts.items()}


def expected(events: Sequence[Event], horizon_ms: int) -> list[Expected]:
    """Steps 1 to 5 of the page, of buyers."""
    calls: dict[str, list[tuple[int, bool | None]]] = defaultdict(list)
    wrote: dict[str, set[int]] = defaultdict(set)
    for topic, v in events:
        if topic == "contacts":
            at_ms = ms(seconds(v["occurred_at"]))
            calls[f"{v['shop_id']}:{v['buyer_id']}"].append((at_ms, v["answered"]))
        # Who writes is reached, on the whole of that day.
        elif topic == "chats" and v["sender"] == "buyer":
            wrote[f"{v['shop_id']}:{v['buyer_id']}"].add(ms(seconds(v["occurred_at"])) // DAY_MS)
    found = []
    for subject, of_it in acts_by_buyer(events, horizon_ms).items():
        of_calls = sorted(calls[subject], key=lambda call: call[0])
        found += _chains(subject, of_it, of_calls, wrote[subject], horizon_ms)
    return sorted(found)


def seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp() - ms(0) / 1000


def _is_grave(act: Act) -> bool:
    return act.episode.act_level == "critical" and act.kind == "unpaid"


def apart(acts: Sequence[Act]) -> list[Act]:
    """Those about matters of which no act of another kind was before."""
    kind_of: dict[str, str] = {}
    found = []
    for act in acts:
        if all(kind_of.get(matter, act.kind) == act.kind for matter in act.matters):
            found.append(act)
            kind_of.update(dict.fromkeys(act.matters, act.kind))
    return found


def _count(acts: Sequence[Act], is_unreachable: bool) -> int:
    beside = is_unreachable and any(_is_grave(act) for act in acts)
    return len({act.kind for act in apart(acts)}) + beside


def _chains(
    subject: str,
    acts: Sequence[Act],
    calls: Sequence[tuple[int, bool | None]],
    wrote: Set[int],
    horizon_ms: int,
) -> list[Expected]:
    crossings: list[tuple[int, list[Act], bool]] = []
    for t in sorted({act.at_ms for act in acts} | {at_ms for at_ms, _ in calls}):
        live = [
            act
            for act in acts
            if t - MONTH_MS <= act.at_ms <= t
            and not (act.episode.status == "resolved" and (act.episode.ended_at_ms or 0) <= t)
        ]
        tried = [answered for at_ms, answered in calls if t - MONTH_MS <= at_ms <= t]
        days = range((t - MONTH_MS) // DAY_MS, t // DAY_MS + 1)
        is_unreachable = tried.count(False) >= 2 and not any(tried) and wrote.isdisjoint(days)
        if _count(live, is_unreachable) >= 2:
            beside = is_unreachable and any(_is_grave(a) for a in live)
            crossings.append((t, live, beside))
    runs: list[list[tuple[int, list[Act], bool]]] = []
    for crossing in crossings:
        if runs and crossing[0] - runs[-1][-1][0] <= MONTH_MS:
            runs[-1].append(crossing)
        else:
            runs.append([crossing])
    found = []
    for run_ in runs:
        children = sorted({act for _, live, _ in run_ for act in live})
        missed = any(beside for _, _, beside in run_)
        last = run_[-1][0]
        status, ended = "open", None
        left = list(children)
        for act in sorted(
            (a for a in children if a.episode.status == "resolved"),
            key=lambda a: a.episode.ended_at_ms or 0,
        ):
            left.remove(act)
            if status == "open" and _count(left, missed) < 2:
                status, ended = "resolved", max(act.episode.ended_at_ms or 0, last)
        if status == "open" and last + MONTH_MS <= horizon_ms:
            status, ended = "expired", last + MONTH_MS
        groups = {alert_id(a.detector, "default", "buyer", subject, a.anchor) for a in children}
        found.append(Expected(subject, run_[0][0], status, ended, frozenset(groups)))
    return found


def concluded(pipeline: Pipeline) -> list[Expected]:
    last = {
        alert.alert_id: alert
        for alert in pipeline.alerts
        if alert.detector == "D25" and alert.subject.kind == "buyer"
    }
    return sorted(
        Expected(
            a.subject.id,
            round(a.opened_at.timestamp() * 1000),
            a.status,
            None if a.resolved_at is None else round(a.resolved_at.timestamp() * 1000),
            frozenset(a.groups),
        )
        for a in last.values()
        if a.status != "retracted"
    )


@settings(max_examples=15)
@given(seed=SEEDS)
def test_the_same_chains_as_are_worked_out_from_the_oracles(seed: int) -> None:
    rng = Random(seed)
    events, horizon_ms = history(rng, 25), ms(rng.choice(HORIZONS))
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
