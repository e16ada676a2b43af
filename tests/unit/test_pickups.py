"""D08 and D10 where 发货 is a click: every way in which clicks and pickups may lie, against the oracle.

Random histories hardly ever bring two clicks and two pickups of one order together.
"""

from __future__ import annotations

from itertools import combinations, product
from random import Random

import pytest

from tests.episode_rows import engine_rows, oracle_rows
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import run

TICK = 0.001
# An order's clicks, and whether each says that its pickup is told too.
CLICKS = [
    *([(HOUR, awaits)] for awaits in (False, True)),
    *([(HOUR, one), (DAY, other)] for one, other in product((False, True), repeat=2)),
]
TAKEN = (0, HOUR, DAY - TICK, DAY, DAY + HOUR, DAY + HOUR + TICK, 2 * DAY, 2 * DAY + TICK)
PICKUPS = [taken for number in range(3) for taken in combinations(TAKEN, number)]
# About when D08 looks: between the clicks and the pickups.
ASKED = (2 * HOUR, DAY, 2 * DAY)


def parcels(
    story: Story, order: str, clicks: list[tuple[float, bool]], taken: tuple[float, ...]
) -> None:
    for at, awaits in clicks:
        story.shipped(order, at, awaits=awaits)
    for at in taken:
        story.parcel("pickup", order, at)


def every_way() -> Story:
    """A buyer for each way: two false claims if they are any, and requests for refund-only."""
    story = Story()
    for number, (clicks, taken) in enumerate(product(CLICKS, PICKUPS)):
        for asked in range(1 + len(ASKED)):
            story.buyer = f"b{number}-{asked}"
            for order in ("o1", "o2", "o3"):
                story.created(order, 0)
                story.paid(order, 1)
                parcels(story, order, clicks, taken)
                if asked:
                    at = ASKED[asked - 1]
                    story.requested(order, at, reason="no_longer_wanted", goods="not_received")
                else:
                    story.filed(f"k-{order}", order, 2 * HOUR, "late_shipment")
    return story


@pytest.mark.parametrize("until", [DAY + HOUR - TICK, DAY + HOUR, 2 * DAY, 3 * DAY + TICK])
def test_every_way_of_clicks_and_pickups_agrees_with_the_oracle(until: float) -> None:
    events = every_way().events
    Random(until).shuffle(events)
    pipeline = run(events, ms(until))
    rows = [r for r in engine_rows(pipeline.alerts, pipeline.partitions) if r.detector != "D34"]
    assert rows == oracle_rows(events, ms(until), detectors=["D08", "D10"])
    assert {row.detector for row in rows} == {"D08", "D10"}
