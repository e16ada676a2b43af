"""How large the orders of each shop in a file are: the numbers that the rules of D07 and D31 ask for.

What a newcomer gets wrong: an order that is told twice counts twice, for knowing all order ids would need
memory without bound; a few more or less move no percentile.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from schemas.fast import decode_lines
from schemas.fast_types import OrderCreated
from streams.detect.detector import counted
from streams.detect.extract import to_ms
from streams.detect.extract.trade import iso_currency
from streams.detect.facts import DAY_MS, LARGE_AMOUNT_MINOR
from streams.replay.files import Chunk

# The window of D31.
WINDOW_DAYS = 30
# Of fewer orders the hundredth largest says nothing.
LEAST_ORDERS = 100
# Orders of more units are one size: what the rules call large begins far below.
MOST_UNITS = 10_000
_DIGITS = 3
_CODE_LETTERS = 3


class Sizes(NamedTuple):
    """The orders of one shop: how many of each day since 1970, of each number of units, of each amount.

    Units are those of the item with the most, as D07 counts them. Amounts are in minor units by currency,
    rounded up to three digits: some ten thousand numbers for each currency at the most.
    """

    days: Counter[int]
    units: Counter[int]
    amounts: dict[str, Counter[int]]


class ShopSizes:
    """Counts the orders in lines that pass by."""

    def __init__(self) -> None:
        self._shops: dict[str, Sizes] = {}

    def watch(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The same chunks, once their orders were counted."""
        for chunk in chunks:
            # Only these are worth being decoded a second time.
            orders = [line for line in chunk.lines if b'"created"' in line]
            for event in decode_lines(orders):
                if isinstance(event, OrderCreated):
                    self._count(event)
            yield chunk

    def _count(self, order: OrderCreated) -> None:
        shop = self._shops.setdefault(order.shop_id, Sizes(Counter(), Counter(), {}))
        shop.days[to_ms(order.occurred_at) // DAY_MS] += 1
        units: Counter[str] = Counter()
        for line in order.items:
            units[line.item_id] += line.quantity
        shop.units[min(max(units.values()), MOST_UNITS)] += 1
        currency = iso_currency(order.currency)
        amount_minor = _rounded_up(order.amount_minor)
        shop.amounts.setdefault(currency, Counter())[amount_minor] += 1

    def as_rules(self, newest_ms: int) -> Iterator[str]:
        """Lines of YAML to paste into the rules, one for each shop, by name; as of the newest event.

        Without a shop of enough orders all of them are comments.
        """
        today = newest_ms // DAY_MS
        is_any = any(shop.units.total() >= LEAST_ORDERS for shop in self._shops.values())
        yield "shops:" if is_any else f"# No shop has the {LEAST_ORDERS} orders that are needed."
        for name, shop in sorted(self._shops.items()):
            yield _as_rule(name, shop, today)


def _as_rule(name: str, shop: Sizes, today: int) -> str:
    # A JSON string is one of YAML too, whatever the shop is called.
    key = json.dumps(name, ensure_ascii=False)
    total = shop.units.total()
    if total < LEAST_ORDERS:
        return f"  # {key}: {counted(total, 'order')}, too few: at least {LEAST_ORDERS} are needed"
    rules = {"D07": _d07(shop)}
    days = today - min(shop.days) + 1
    said = f"{total:,} orders"
    if days >= WINDOW_DAYS:
        last = sum(n for day, n in shop.days.items() if today - WINDOW_DAYS < day <= today)
        if last:
            rules["D31"] = f"{{orders_per_window: {last}}}"
    else:
        said += f" in {days} days, too few for D31"
    amounts = ", ".join(
        f"{currency} {percentile(amounts, 99)}"
        for currency, amounts in _by_use(shop.amounts)
        if amounts.total() >= LEAST_ORDERS
    )
    sizes = f"99 of 100 up to {percentile(shop.units, 99)} units, {amounts or 'no amount'}"
    block = ", ".join(f"{detector}: {values}" for detector, values in rules.items())
    return f"  {key}: {{{block}}}  # {said}; {sizes}"


def _d07(shop: Sizes) -> str:
    values = f"item_median_units: {max(1, percentile(shop.units, 50))}"
    currency, amounts = _by_use(shop.amounts)[0]
    is_code = len(currency) == _CODE_LETTERS and currency.isascii() and currency.isalpha()
    if is_code and amounts.total() >= LEAST_ORDERS:
        # The rules take nothing below.
        least = max(LARGE_AMOUNT_MINOR, percentile(amounts, 99))
        values += f", currency: {currency}, min_amount_minor: {least}"
    return f"{{{values}}}"


def _by_use(amounts: Mapping[str, Counter[int]]) -> list[tuple[str, Counter[int]]]:
    """Currencies and their amounts, the one of most orders first."""
    return sorted(amounts.items(), key=lambda one: (-one[1].total(), one[0]))


def percentile(counted: Mapping[int, int], percent: int) -> int:
    """The smallest number that so many of a hundred do not exceed, by nearest rank."""
    wanted = sum(counted.values()) * percent
    seen = 0
    for number in sorted(counted):
        seen += counted[number] * 100
        if seen >= wanted:
            return number
    return 0


def _rounded_up(amount: int) -> int:
    step: int = 10 ** max(0, len(str(amount)) - _DIGITS)
    return -(-amount // step) * step
