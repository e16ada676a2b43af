"""The shapes of honest traffic: when orders come, whether and when they are paid, what is popular.

Fitted to the order report of one Tmall shop, February 2020 (28,010 orders): 14.0 % are never paid;
the delays of the others have median 8 s, 75 % 15 s, 90 % 51 s, 95 % 191 s, 98 % 26 min,
99 % 2 h 37 m, 99.5 % 10.6 h and none reaches 24 h. The mixture below was fitted by expectation
maximisation on the logarithms and the tail's weight then set by hand; it gives 8, 14, 51, 191 s,
26 min, 2 h 46 m and 11.1 h. A test holds it to these figures.
"""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from math import exp, log
from random import Random
from typing import NamedTuple

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

NEVER_PAID_SHARE = 0.14


class LogNormal(NamedTuple):
    """One component of a mixture: `median_s` and the spread of the logarithm."""

    weight: float
    median_s: float
    sigma: float


# Paid at once, paid after a look at the balance, after a call to somebody, later, next day.
PAYMENT_DELAY = (
    LogNormal(0.642, 6.55, 0.44),
    LogNormal(0.232, 13.5, 0.62),
    LogNormal(0.080, 72.0, 0.94),
    LogNormal(0.038, 720.0, 1.64),
    LogNormal(0.008, 43_700.0, 0.425),
)
_LONGEST_DELAY_MS = DAY_MS - SECOND_MS
_CUMULATED = tuple(accumulate(component.weight for component in PAYMENT_DELAY))

# Orders of the same report by hour of the day, Shanghai time.
_MORNING = (1043, 530, 341, 189, 135, 113, 250, 556, 880, 1283, 1672, 1640)
_EVENING = (1367, 1339, 1500, 1720, 1481, 1205, 1270, 1532, 1990, 2204, 2126, 1644)
ORDERS_BY_HOUR = (*_MORNING, *_EVENING)
_MEAN_HOUR = sum(ORDERS_BY_HOUR) / 24
HOUR_FACTOR = tuple(orders / _MEAN_HOUR for orders in ORDERS_BY_HOUR)


def payment_delay_ms(rng: Random) -> int:
    """How long a buyer who pays takes to pay; 1 s to just under 24 h."""
    component = PAYMENT_DELAY[min(bisect(_CUMULATED, rng.random()), len(PAYMENT_DELAY) - 1)]
    delay_ms = log_normal_ms(rng, component.median_s * SECOND_MS, component.sigma)
    return min(_LONGEST_DELAY_MS, max(SECOND_MS, delay_ms))


def log_normal_ms(rng: Random, median_ms: float, sigma: float) -> int:
    """A time around `median_ms`, skewed as waiting times are."""
    return int(median_ms * exp(rng.gauss(0.0, sigma)))


class Popularity:
    """Zipf: the item of rank `r` is bought in proportion to 1 / r."""

    def __init__(self, size: int) -> None:
        weights = list(accumulate(1 / rank for rank in range(1, size + 1)))
        self._cumulated = [weight / weights[-1] for weight in weights]

    def pick(self, rng: Random) -> int:
        """An index from 0 to size - 1."""
        return bisect(self._cumulated, rng.random(), 0, len(self._cumulated) - 1)


# The report's order totals have median 75 and 90 % 183 yuan; most orders hold one item.
_PRICE_MEDIAN_MINOR = 5_900
_PRICE_SIGMA = log(183 / 75) / 1.2816


def price_minor(rng: Random) -> int:
    """A unit price in fen, ending in 90 as shops like it."""
    price = _PRICE_MEDIAN_MINOR * exp(rng.gauss(0.0, _PRICE_SIGMA))
    return max(190, int(price) // 100 * 100 + 90)
