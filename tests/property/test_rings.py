"""Rings (D03) come about by many facts at once, so these histories are made of them alone.

L2: the same rings as the oracle finds. L1: the same in any order, however the horizon moves and whatever
had to be taken back on the way.
"""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.episode_rows import engine_rows, oracle_rows
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import Event, Pipeline, run
from tests.property.ways import batches, move_horizons

SEEDS = st.integers(0, 2**32)
TICK = 0.001
HORIZONS = (HOUR, 2 * HOUR, DAY, 3 * DAY, 4 * DAY, 6 * DAY)
PHONES = ("13800138000", "13900139000", "13700137000", "13600136000")
DETAILS = ("文三路90号3幢502室", "解放路17号4幢101室", "文三路90号丰巢快递柜")


def receiver(rng: Random, own: str, shares: float) -> dict[str, str]:
    """A receiver of whom anything may be somebody else's."""
    found = {"state": "浙江省", "city": "杭州市", "district": "西湖区", "name": f"收件人{own}"}
    if rng.random() < 0.7:
        found["phone"] = rng.choice(PHONES[:2]) if rng.random() < shares else rng.choice(PHONES)
    if rng.random() < 0.7:
        found["detail"] = rng.choice(DETAILS)
    if rng.random() < 0.2:
        found["name"] = "同名人"
    return found


def payer(rng: Random, told: float) -> str | None:
    """Who pays, which may be somebody else, and need not be told."""
    return f"payer-{rng.randint(1, 2)}@example.com" if rng.random() < told else None


def bought_before(story: Story, rng: Random, told: float) -> None:
    """Orders of these accounts that were paid, in time or late, perhaps from one account."""
    at = rng.choice((-31 * DAY, -10 * DAY, -DAY, -HOUR, 0))
    for number in range(rng.randint(1, 12)):
        story.buyer = f"r{rng.randint(1, 9)}"
        at += rng.choice((0, TICK, 30))
        wait = rng.choice((5, 180, 900, 1800, 1800 + TICK, HOUR))
        story.created(f"before{number}", at, receiver={"phone": f"1371111{number:04}"})
        story.paid(f"before{number}", at + wait, payer=payer(rng, told))


def ring(story: Story, rng: Random, shop: str) -> None:
    """Accounts of one shop with unpaid orders close to every limit of the page."""
    story.shop = shop
    told_payers = rng.choice((0, 0, 0.5, 1))
    if rng.random() < 0.5:
        bought_before(story, rng, told_payers)
    at = rng.choice((0, HOUR, DAY))
    units = rng.choice((1, 5, 9, 17, 25, 40))
    pays, closes = rng.choice((0, 0.1, 0.5, 0.9)), rng.choice((0.05, 0.5))
    weak = rng.random() < 0.4
    shares = rng.random()
    gap = rng.choice((10, 60, 600, 1800, 7200 - TICK, 7200, DAY, DAY + TICK))
    for number in range(rng.randint(4, 22)):
        story.buyer = f"r{rng.randint(1, rng.choice((4, 9, 14)))}"
        at += gap if rng.random() < 0.3 else rng.choice((0, TICK, 30, 300))
        order = f"o{number}"
        told = receiver(rng, f"{story.buyer}{number}", shares)
        if weak:
            told.pop("phone", None)
        device = f"dev{rng.randint(1, 3)}" if rng.random() < 0.3 and not weak else None
        story.created(order, at, units, receiver=told, device=device)
        wait = rng.choice((5, 180, 180 + TICK, 900, 1800, 1800 + TICK, HOUR, DAY))
        if rng.random() < pays:
            story.paid(order, at + wait, payer=payer(rng, told_payers))
        if rng.random() < closes:
            story.closed(order, at + rng.choice((60, 200, 2000, 3 * HOUR, 3 * DAY)))
            if rng.random() < 0.3:
                # Told again: an order is closed once, and the first close counts.
                story.closed(order, at + rng.choice((30, 190, 3 * DAY)))
        if rng.random() < 0.1:
            tried = at + rng.choice((10, 180, 181, 1800, HOUR))
            story.failed(order, tried, payer=payer(rng, told_payers))
        if rng.random() < 0.1:
            story.flagged(
                at + rng.choice((-HOUR, -TICK, 0, HOUR)),
                banned=rng.choice((True, True, None, False)),
            )
        if rng.random() < 0.1:
            story.redirected(order, at + wait, receiver(rng, "x", shares))


def history(rng: Random, shops: int) -> list[Event]:
    """Rings in several shops, all of which are judged by themselves."""
    story = Story()
    for number in range(shops):
        ring(story, rng, f"s{number}")
    return list(story.events)


@settings(max_examples=8)
@given(seed=SEEDS)
def test_the_same_rings_as_the_oracle_finds(seed: int) -> None:
    rng = Random(seed)
    events, horizon_ms = history(rng, 25), ms(rng.choice(HORIZONS))
    pipeline = run(events, horizon_ms)
    assert engine_rows(pipeline.alerts, pipeline.partitions) == oracle_rows(events, horizon_ms)


@settings(max_examples=20)
@given(seed=SEEDS)
def test_the_same_rings_whatever_had_to_be_taken_back(seed: int) -> None:
    rng = Random(seed)
    events, last_ms = history(rng, 3), ms(rng.choice(HORIZONS))
    expected = run(events, last_ms).standing
    pipeline = Pipeline(partitions=rng.randint(1, 4), holds_signals=rng.random() < 0.5)
    for batch in batches(events, rng):
        pipeline.send(batch)
        if rng.random() < 0.4:
            move_horizons(pipeline, rng, last_ms)
        if rng.random() < 0.2:
            pipeline.read_to_end(ms(rng.random() * 6 * DAY) if last_ms > ms(6 * DAY) else last_ms)
        if rng.random() < 0.2:
            pipeline.deliver(rng)
    assert pipeline.finish(last_ms, rng).standing == expected
