"""Honest traffic has the shape of the real shop that it was fitted to."""

from __future__ import annotations

import csv
import os
import statistics
from collections import Counter
from datetime import datetime
from pathlib import Path
from random import Random

import pytest

from streams.simulate.journal import SHANGHAI
from streams.simulate.people import person
from streams.simulate.shapes import (
    DAY_MS,
    HOUR_FACTOR,
    NEVER_PAID_SHARE,
    PAYMENT_DELAY,
    Popularity,
    payment_delay_ms,
)
from streams.simulate.traffic import HonestTraffic

DATA = Path(
    os.environ.get("ORDERWATCH_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
# The published facts of the real report, in seconds, with the relative error that we accept.
KNOWN_QUANTILES = [(50, 8, 0.10), (95, 191, 0.10), (99, 2 * 3600 + 37 * 60, 0.15)]


@pytest.fixture(scope="module")
def delays_s() -> list[float]:
    rng = Random("delays")
    return [payment_delay_ms(rng) / 1000 for _ in range(100_000)]


@pytest.mark.parametrize(("percent", "known_s", "error"), KNOWN_QUANTILES)
def test_payment_delays_have_the_known_quantiles(
    delays_s: list[float], percent: int, known_s: float, error: float
) -> None:
    cut = statistics.quantiles(delays_s, n=100)[percent - 1]
    assert cut == pytest.approx(known_s, rel=error)


def test_nobody_pays_at_once_or_after_a_day(delays_s: list[float]) -> None:
    assert min(delays_s) >= 1
    assert max(delays_s) < DAY_MS / 1000
    assert sum(component.weight for component in PAYMENT_DELAY) == pytest.approx(1)


def test_payment_delays_stay_close_to_the_real_ones_everywhere(delays_s: list[float]) -> None:
    path = DATA / "tmall_order_report" / "tmall_order_report.csv"
    if not path.is_file():
        pytest.skip(f"no tmall_order_report in {DATA}: set ORDERWATCH_DATA to the data folder")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    real = [
        (datetime.fromisoformat(row[5]) - datetime.fromisoformat(row[4])).total_seconds()
        for row in rows
        if row[5]
    ]
    assert 1 - len(real) / len(rows) == pytest.approx(NEVER_PAID_SHARE, abs=0.001)
    # The greatest distance of the two distribution functions. Real delays are whole seconds, so
    # ours are cut to whole seconds too, from the nearest.
    ours = Counter(round(delay) for delay in delays_s)
    theirs = Counter(int(delay) for delay in real)
    ours_below = theirs_below = distance = 0.0
    for second in sorted({*ours, *theirs}):
        ours_below += ours[second] / len(delays_s)
        theirs_below += theirs[second] / len(real)
        distance = max(distance, abs(ours_below - theirs_below))
    assert distance < 0.06


def test_one_order_in_seven_is_never_paid_whoever_orders() -> None:
    traffic = HonestTraffic(seed=3, buyers=2_000, shops=("shop1",))
    orders = [traffic.order(1_800_000_000_000) for _ in range(12_000)]
    paid = sum(any(b'"succeeded"' in e.body and e.topic == "payments" for e in o) for o in orders)
    assert 1 - paid / len(orders) == pytest.approx(NEVER_PAID_SHARE, abs=0.01)


def test_the_day_has_its_evening_and_its_night() -> None:
    assert sum(HOUR_FACTOR) == pytest.approx(24)
    assert HOUR_FACTOR.index(max(HOUR_FACTOR)) == 21
    assert HOUR_FACTOR.index(min(HOUR_FACTOR)) == 5


def test_few_items_make_most_of_the_orders() -> None:
    rng = Random("items")
    popularity = Popularity(400)
    picks = Counter(popularity.pick(rng) for _ in range(50_000))
    assert set(picks) <= set(range(400))
    assert picks[0] / picks[1] == pytest.approx(2, rel=0.1)
    assert sum(picks[rank] for rank in range(40)) > 0.6 * 50_000


def test_a_person_follows_from_seed_and_key() -> None:
    assert person(1, 5) == person(1, 5)
    assert len({person(1, key).buyer_id for key in range(5_000)}) == 5_000
    assert person(1, 5).buyer_id != person(2, 5).buyer_id


def test_times_are_written_with_shanghais_offset() -> None:
    assert datetime(2026, 1, 1, tzinfo=SHANGHAI).isoformat().endswith("+08:00")
