"""L1 and L2 for D25 on shops: what accounts of one phone, device or ring did, put together once more.

Written from docs/detectors/D25.md. Who acted, and which rings there are, is what the SQL oracles find.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from random import Random
from typing import Any, NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.detect.diff import alert_id
from tests.oracle.story import DAY, HOUR, MINUTE, ms
from tests.pipeline import Event, Pipeline, run
from tests.property.test_campaign_agreement import (
    HORIZONS,
    MONTH_MS,
    acts_by_buyer,
    apart,
    life,
    seconds,
)
from tests.property.ways import batches, move_horizons
from tests.talk_stories import Talk, talk_history

SEEDS = st.integers(0, 2**32)
GRACE_MS = 180_000
HUB = 5
Person = Mapping[str, Any]


class Sharing(Talk):
    """A story in which all orders of an account have its phone, its device and its address, and who pays."""

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[tuple[str, str], Person] = {}
        self.payers: dict[tuple[str, str], str] = {}

    def paid(
        self, order: str, at: float, payment: str | None = None, payer: str | None = None
    ) -> None:
        super().paid(order, at, payment, payer or self.payers.get((self.shop, self.buyer)))

    def created(self, order: str, at: float, units: int = 1, **told: Any) -> None:
        super().created(order, at, units, **told, **self.people[self.shop, self.buyer])


def person(rng: Random, number: int) -> Person:
    """Somebody of whom anything may be another one's."""
    told = {"state": "浙江省", "city": "杭州市", "district": "西湖区", "name": f"收件人{number}"}
    if rng.random() < 0.7:
        told["phone"] = f"1380013800{rng.randint(0, 1)}"
    if rng.random() < 0.3:
        told["detail"] = f"文三路9{rng.randint(0, 1)}号3幢502室"
    device = f"dev{rng.randint(0, 1)}" if rng.random() < 0.4 else None
    return {"receiver": told, "device": device}


def history(rng: Random, shops: int) -> list[Event]:
    """Shops in which a few accounts do this and that, some of which share something."""
    story = Sharing()
    for shop in range(shops):
        story.shop = f"s{shop}"
        for number in range(rng.randint(2, 6)):
            story.people[story.shop, f"b{number}"] = person(rng, number)
            if rng.random() < 0.4:
                story.payers[story.shop, f"b{number}"] = f"payer-{rng.randint(0, 1)}@example.com"
            life(story, rng, f"b{number}")
        if rng.random() < 0.5:
            _ring(story, rng)
        if rng.random() < 0.15:
            _late_payers(story, rng)
    return list(story.events)


def _ring(story: Sharing, rng: Random) -> None:
    """Unpaid orders of some of the accounts, each too few to be a burst."""
    at = rng.choice((HOUR, DAY, 20 * DAY))
    accounts = [buyer for shop, buyer in story.people if shop == story.shop]
    pays = rng.choice((0.1, 0.9))
    for number in range(rng.randint(4, 9)):
        story.buyer = rng.choice(accounts)
        at += rng.choice((1, MINUTE, 10 * MINUTE))
        story.created(f"ring{number}", at, rng.choice((1, 5, 12)))
        if rng.random() < pays:
            story.paid(f"ring{number}", at + rng.choice((10, HOUR, 2 * DAY)))


def _late_payers(story: Sharing, rng: Random) -> None:
    """Many who share a phone and pay, but late."""
    shared = {**person(rng, 99)["receiver"], "phone": "13800138000"}
    pays_for_all = rng.random() < 0.5
    for number in range(rng.choice((4, 5))):
        story.buyer = f"payer{number}"
        story.people[story.shop, story.buyer] = {"receiver": shared}
        if pays_for_all:
            story.payers[story.shop, story.buyer] = "payer-0@example.com"
        story.created(f"late{number}", DAY + number)
        story.paid(f"late{number}", DAY + HOUR)


class Expected(NamedTuple):
    subject: str
    opened_at_ms: int
    severity: str
    status: str
    ended_at_ms: int | None
    # In order, for two campaigns of a shop may be of one time, and sets have none.
    groups: tuple[str, ...]


class Deed(NamedTuple):
    """An act as the shop counts it: until it is settled, for all accounts behind it."""

    at_ms: int
    kind: str
    child: str
    end_ms: float
    accounts: frozenset[str]


class Told(NamedTuple):
    """What an order makes known of an account: one identity, and whether it was left unpaid, or paid late.

    `of_acts`: whether who acts tells it.
    """

    buyer: str
    identity: tuple[str, str]
    is_unpaid: bool
    is_paid_late: bool
    of_acts: bool = True


def expected(events: Sequence[Event], horizon_ms: int) -> list[Expected]:
    """Steps 6 to 8 of the page."""
    acts = acts_by_buyer(events, horizon_ms)
    rings = defaultdict(list)
    with talk_history(events) as told:
        for ring in told.episodes("D03", horizon_ms):
            if ring.severity == "critical":
                rings[ring.subject_id].append(ring)
    known = _told(events, horizon_ms)
    found: list[Expected] = []
    for shop in {v["shop_id"] for _, v in events}:
        of_shop = {s.partition(":")[2]: a for s, a in acts.items() if s.startswith(f"{shop}:")}
        passing = _passing(known[shop], of_shop.keys())
        deeds = [
            Deed(
                act.at_ms,
                act.kind,
                alert_id(act.detector, "default", "buyer", f"{shop}:{buyer}", act.anchor),
                _end_ms(act.episode),
                frozenset({buyer}),
            )
            for buyer, of_it in of_shop.items()
            if any(
                one.of_acts and one.buyer == buyer and one.identity in passing
                for one in known[shop]
            )
            for act in apart(of_it)
        ]
        deeds += [
            Deed(
                ring.opened_at_ms,
                "unpaid",
                alert_id("D03", "default", "shop", shop, ring.anchor_event_id),
                _end_ms(ring),
                frozenset(order.partition("/")[0] for order in ring.members),
            )
            for ring in rings[shop]
        ]
        for cluster in _clusters(deeds, passing):
            found += _campaigns(shop, sorted(cluster), horizon_ms)
    return sorted(found)


def _end_ms(episode: Any) -> float:
    return episode.ended_at_ms if episode.status == "resolved" else float("inf")


def _told(events: Sequence[Event], horizon_ms: int) -> dict[str, list[Told]]:
    paid: dict[tuple[str, str, str], int] = {}
    for topic, v in events:
        if topic == "payments":
            name = v["shop_id"], v["buyer_id"], v["order_id"]
            at_ms = ms(seconds(v["occurred_at"]))
            paid[name] = min(paid.get(name, at_ms), at_ms)
    found: dict[str, list[Told]] = defaultdict(list)
    payers = _payers(events)
    for topic, v in events:
        if topic != "orders" or v["type"] != "created":
            continue
        at_ms = ms(seconds(v["occurred_at"]))
        paid_ms = paid.get((v["shop_id"], v["buyer_id"], v["order_id"]))
        receiver = v.get("receiver", {})
        shared = {
            "phone": receiver.get("phone"),
            "address": receiver.get("detail"),
            "device": v.get("device_hash"),
        }
        for kind, value in shared.items():
            counted_ms = at_ms + GRACE_MS * (10 if kind == "address" else 1)
            is_late = counted_ms <= horizon_ms and (paid_ms is None or paid_ms > counted_ms)
            if value:
                one = Told(v["buyer_id"], (kind, value), is_late, is_late and paid_ms is not None)
                found[v["shop_id"]].append(one)
        counted_ms = at_ms + 10 * GRACE_MS
        is_late = counted_ms <= horizon_ms and (paid_ms is None or paid_ms > counted_ms)
        for account, seen_ms in payers[v["shop_id"], v["buyer_id"]]:
            if seen_ms >= at_ms - 45 * DAY * 1000:
                is_told = is_late and seen_ms <= max(counted_ms, paid_ms or 0)
                one = Told(
                    v["buyer_id"],
                    ("payer", account),
                    is_told,
                    is_told and paid_ms is not None,
                    seen_ms <= at_ms + 3 * DAY * 1000,
                )
                found[v["shop_id"]].append(one)
    return found


def _payers(events: Sequence[Event]) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """By account, who pays for it and when that was seen: at the first payment in each thirty days."""
    first: dict[tuple[str, str, str, int], int] = {}
    for topic, v in events:
        if topic == "payments" and "payer_account" in v:
            at_ms = ms(seconds(v["occurred_at"]))
            name = v["shop_id"], v["buyer_id"], v["payer_account"], at_ms // (30 * DAY * 1000)
            first[name] = min(first.get(name, at_ms), at_ms)
    found: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for (shop, buyer, account, _), at_ms in first.items():
        found[shop, buyer].append((account, at_ms))
    return found


def _passing(known: Iterable[Told], actors: Set[str]) -> dict[tuple[str, str], set[str]]:
    """The identities of which the shop hears, with the accounts that acted or left orders unpaid."""
    suspects: dict[tuple[str, str], set[str]] = defaultdict(set)
    payers: dict[tuple[str, str], set[str]] = defaultdict(set)
    acted: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in known:
        if one.of_acts and one.buyer in actors:
            acted[one.identity].add(one.buyer)
        if one.is_unpaid:
            suspects[one.identity].add(one.buyer)
        if one.is_paid_late:
            payers[one.identity].add(one.buyer)
    return {
        identity: suspects[identity] | of_it
        for identity, of_it in acted.items()
        if len(suspects[identity] | of_it) >= 2 and len(payers[identity] - of_it) < HUB
    }


def _clusters(
    deeds: Sequence[Deed], passing: Mapping[tuple[str, str], Set[str]]
) -> list[list[Deed]]:
    groups = [set(buyers) for (kind, _), buyers in passing.items() if kind != "address"]
    groups += [set(deed.accounts) for deed in deeds]
    merged: list[set[str]] = []
    for group in groups:
        apart_, together = [], group
        for other in merged:
            if other & together:
                together |= other
            else:
                apart_.append(other)
        merged = [*apart_, together]
    return [[deed for deed in deeds if deed.accounts <= group] for group in merged]


def _campaigns(shop: str, deeds: Sequence[Deed], horizon_ms: int) -> list[Expected]:
    crossings = []
    for t in sorted({deed.at_ms for deed in deeds}):
        live = [d for d in deeds if t - MONTH_MS <= d.at_ms <= t < d.end_ms]
        if level := _level(live):
            crossings.append((t, level, live))
    runs: list[list[tuple[int, str, list[Deed]]]] = []
    for crossing in crossings:
        if runs and crossing[0] - runs[-1][-1][0] <= MONTH_MS:
            runs[-1].append(crossing)
        else:
            runs.append([crossing])
    found = []
    for run_ in runs:
        children = {deed for _, _, live in run_ for deed in live}
        last = run_[-1][0]
        status, ended = "open", None
        ends = sorted(deed.end_ms for deed in children if deed.end_ms < float("inf"))
        for end in ends:
            if not _level([deed for deed in children if deed.end_ms > end]):
                status, ended = "resolved", max(int(end), last)
                break
        if status == "open" and last + MONTH_MS <= horizon_ms:
            status, ended = "expired", last + MONTH_MS
        level = min(level for _, level, _ in run_)
        groups = tuple(sorted(deed.child for deed in children))
        found.append(Expected(shop, run_[0][0], level, status, ended, groups))
    return found


def _level(live: Sequence[Deed]) -> str | None:
    accounts = {account for deed in live for account in deed.accounts}
    if len({deed.kind for deed in live}) < 2 or len(accounts) < 2:
        return None
    return "critical" if len(accounts) >= 3 else "warn"


def concluded(pipeline: Pipeline) -> list[Expected]:
    last = {
        alert.alert_id: alert
        for alert in pipeline.alerts
        if alert.detector == "D25" and alert.subject.kind == "shop"
    }
    return sorted(
        Expected(
            a.subject.id,
            round(a.opened_at.timestamp() * 1000),
            a.severity,
            a.status,
            None if a.resolved_at is None else round(a.resolved_at.timestamp() * 1000),
            tuple(sorted(a.groups)),
        )
        for a in last.values()
        if a.status != "retracted"
    )


@settings(max_examples=4)
@given(seed=SEEDS)
def test_the_same_campaigns_of_rings_as_are_worked_out_from_the_oracles(seed: int) -> None:
    rng = Random(seed)
    events, horizon_ms = history(rng, 25), ms(rng.choice(HORIZONS))
    assert concluded(run(events, horizon_ms)) == expected(events, horizon_ms)


@settings(max_examples=12)
@given(seed=SEEDS)
def test_the_same_campaigns_of_rings_however_the_events_come(seed: int) -> None:
    rng = Random(seed)
    events, last_ms = history(rng, 2), ms(rng.choice(HORIZONS))
    wanted = run(events, last_ms).standing
    pipeline = Pipeline(partitions=rng.randint(1, 4), holds_signals=rng.random() < 0.5)
    for batch in batches(events, rng):
        pipeline.send(batch)
        if rng.random() < 0.4:
            move_horizons(pipeline, rng, last_ms)
        if rng.random() < 0.2:
            pipeline.deliver(rng)
    assert pipeline.finish(last_ms, rng).standing == wanted


@settings(max_examples=6)
@given(seed=SEEDS)
@example(seed=1009)
@example(seed=5218)
def test_a_crash_between_the_stages_changes_no_campaign_of_rings(seed: int) -> None:
    rng = Random(seed)
    events, last_ms = history(rng, 2), ms(rng.choice(HORIZONS))
    wanted = run(events, last_ms).standing
    pipeline = Pipeline(partitions=rng.randint(1, 3), holds_signals=True)
    for batch in batches(events, rng):
        if rng.random() < 0.4:
            pipeline.send_and_crash(batch, rng)
        pipeline.send(batch)
        if rng.random() < 0.4:
            move_horizons(pipeline, rng, last_ms)
        if rng.random() < 0.4:
            pipeline.deliver(rng)
        if rng.random() < 0.2:
            pipeline.restart()
    assert pipeline.finish(last_ms, rng).standing == wanted
