"""L1, L2 and L3 for D25 on shops: what accounts of one phone, device or ring did, put together once more."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.oracle.story import DAY, HOUR, MINUTE, ms
from tests.pipeline import Event, Pipeline, run
from tests.property.test_campaign_agreement import HORIZONS, concluded, expected, life
from tests.property.ways import batches, move_horizons
from tests.talk_stories import Talk

SEEDS = st.integers(0, 2**32)
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
        if rng.random() < 0.4:
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


def test_these_histories_make_campaigns_of_few_and_of_many_accounts() -> None:
    found = concluded(run(history(Random(1), 36), ms(40 * DAY)))
    of_shops = {campaign.severity for campaign in found if campaign.subject.startswith("shop/")}
    assert of_shops == {"warn", "critical"}


@settings(max_examples=4)
@given(seed=SEEDS)
def test_the_same_campaigns_of_rings_as_the_oracle_finds(seed: int) -> None:
    rng = Random(seed)
    events, horizon_ms = history(rng, 36), ms(rng.choice(HORIZONS))
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
