"""D02 stock_squat (拍下架): unpaid orders hold most of an item's stock, or have knocked it off the shelf.

The definition is docs/detectors/D02.md. What a newcomer gets wrong: in a flash sale most of the stock
is unpaid for a minute too, so only what stays held counts; and the item is the subject, nobody is accused.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec
from pydantic import Field

from schemas.alerts import Severity
from schemas.base import LONGEST_ID
from streams.detect import playbooks
from streams.detect.deadlines import UnpaidClose
from streams.detect.detector import (
    Count,
    Detector,
    Facts,
    Least,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Wording,
)
from streams.detect.episodes import (
    NOTHING,
    Episode,
    HeldState,
    Hold,
    Threshold,
    Told,
    Verdict,
    outcome,
)
from streams.detect.facts import (
    MAX_FACTS_PER_KIND,
    NEVER,
    ListingState,
    OrderClosed,
    OrderPaid,
    OrderPlaced,
    Signal,
    StockReading,
)
from streams.detect.suspicion import earlier, first_of_days
from streams.detect.unpaid import as_closed_ms, state_of

SIGNAL = "unpaid_hold"
# One buyer can hold many items; so many holds are enough to know who squats.
MAX_TOLD_A_DAY = 200


class Rules(RuleBlock):
    """Thresholds of D02; the share is proposed, the rest keeps flash sales and trifles out."""

    held_share_percent: Annotated[int, Field(ge=1, le=100)]
    min_held_units: Count
    sustain_s: Seconds
    T01: UnpaidClose
    tell_units: Count
    tell_after_s: Seconds


class UnpaidHolds(Detector[Rules]):
    """On buyers: tells an item who holds many of its units without paying. Raises nothing itself."""

    id = "D02"
    name = "stock_squat"
    subject = "buyer"
    triggers = (OrderPlaced,)
    topics = ("orders", "payments")
    rules = Rules

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        tell_units = rules.tell_units
        placed = [order for order in facts.of(OrderPlaced) if order.units >= tell_units]
        if not placed:
            return NOTHING
        paid: dict[str, int] = {}
        versions: defaultdict[str, int] = defaultdict(int)
        for payment in facts.of(OrderPaid):
            paid.setdefault(payment.order_id, payment.at_ms)
            versions[payment.order_id] += payment.at_ms
        ended = dict(paid)
        for closed in facts.of(OrderClosed):
            ended[closed.ref] = min(closed.at_ms, ended.get(closed.ref, closed.at_ms))
            versions[closed.ref] += earlier(closed.at_ms)
        told: list[Told] = []
        wakes: list[int] = []
        shop, _, buyer = facts.subject.partition(":")
        for order in placed:
            known_ms = order.at_ms + rules.tell_after_s * 1000
            end_ms, paid_ms = ended.get(order.ref, NEVER), paid.get(order.ref, NEVER)
            if end_ms <= known_ms:
                continue
            if known_ms > horizon_ms:
                wakes.append(known_ms)
                continue
            for item_id, units in order.items:
                if units >= tell_units:
                    version = versions[order.ref]
                    signal = _tell(buyer, order, item_id, units, paid_ms, end_ms, version)
                    told.append(Told("item", f"{shop}:{item_id}", signal))
        return Verdict((), min(wakes, default=None), first_of_days(told, MAX_TOLD_A_DAY))

    def least(self, rules: Rules) -> Least:
        return Least(OrderPlaced, paid_within_s=rules.tell_after_s, units_of_one=rules.tell_units)


class _Order(NamedTuple):
    """What an item was told about an order that holds it. `NEVER` where it was not paid or did not end.

    `close_ms` is when the platform closes it, and `end_ms` is that at the latest once it has come.
    """

    signal: Signal
    order_id: str
    buyer: str
    units: int
    paid_ms: int
    end_ms: int
    close_ms: int

    @property
    def state(self) -> HeldState:
        return state_of(self.paid_ms, self.end_ms)

    def as_of(self, at_ms: int) -> _Order:
        """What was known by then: what ends later has not ended, and nothing said about it changes."""
        if self.end_ms <= at_ms or self.end_ms == NEVER:
            return self
        ends = ("until_ms", "paid_ms")
        values = {name: it for name, it in self.signal.values.items() if name not in ends}
        signal = msgspec.structs.replace(self.signal, values=values)
        return self._replace(signal=signal, paid_ms=NEVER, end_ms=NEVER)


class StockSquat(Detector[Rules]):
    """On items: the share of the stock that stays held.

    Cost: linear in the readings kept, and for each episode in the orders that hold the item meanwhile.
    """

    id = "D02"
    name = "stock_squat"
    subject = "item"
    triggers = (StockReading,)
    topics = ("stock",)
    rules = Rules
    wording = Wording(
        title=("拍下架", "Stock squatting"),
        thresholds={
            "held_share": ("占库存", "Share of the stock held"),
            "held_units": ("占用件数", "Units held"),
            "held_for": ("持续占用", "Held for"),
        },
        rules={
            "sustain_s": ("占用持续至少", "Held for at least"),
            "tell_units": ("单笔订单至少占用", "Units that one order holds at least"),
            "tell_after_s": ("下单后未付款至少", "Unpaid after the order for at least"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        episodes: list[Episode] = []
        wakes: list[int] = []
        orders: list[_Order] | None = None
        for run, end_ms in _held_runs(facts.of(StockReading), rules):
            opened_ms = run[0].at_ms + rules.sustain_s * 1000
            if end_ms is not None and end_ms <= opened_ms:
                continue
            if opened_ms > horizon_ms:
                wakes.append(opened_ms)
                continue
            expires_ms = max(opened_ms, run[-1].at_ms) + rules.T01.close_s * 1000
            if end_ms is None and expires_ms > horizon_ms:
                wakes.append(expires_ms)
            if orders is None:
                # Most items are told of orders and never squatted.
                orders = _orders(facts, horizon_ms, rules)
            episode = _episode(run, end_ms, opened_ms, expires_ms, horizon_ms, facts, orders, rules)
            episodes.append(episode)
            if episode.status == "open" and episode.details["auto_close_ms"]:
                wakes.append(int(episode.details["auto_close_ms"]))
        return Verdict(episodes, min(wakes, default=None))

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        item = subject.partition(":")[2]
        is_off, is_held = episode.severity == "critical", episode.status == "open"
        close_ms = int(d["auto_close_ms"])
        wait_zh, wait_en = (
            ("请勿主动关闭订单。", " Don't close the orders.") if is_held else ("", "")
        )
        return Presentation(
            title=(
                ("商品因未付款订单被拍下架", "Item knocked off the shelf by unpaid orders")
                if is_off
                else ("未付款订单占用大量库存", "Unpaid orders hold much of an item's stock")
            ),
            summary=(
                f"商品{item}的{d['on_hand']}件库存中{'' if is_held else '曾'}有{d['held_units']}件"
                f"({d['percent']}%)被未付款订单占用,"
                f"已知大量拍下未付款的买家:{d['holders']}个。{wait_zh}",
                f"{d['held_units']} of the {d['on_hand']} units of {item} ({d['percent']} %) "
                f"{'are' if is_held else 'were'} held by unpaid orders; buyers known to hold many: "
                f"{d['holders']}.{wait_en}",
            ),
            not_if=(
                f"占用不足{rules.held_share_percent}%或不足{rules.min_held_units}件,"
                f"或在{rules.sustain_s // 60}分钟内付款或释放;商品已是付款减库存",
                f"less than {rules.held_share_percent} % or {rules.min_held_units} units held, or paid "
                f"or released within {rules.sustain_s // 60} minutes; the item deducts on payment",
            ),
            ended=(
                ("库存占用已解除", "The stock is no longer held")
                if episode.status == "resolved"
                else ("平台应已关闭这些订单", "The platform should have closed the orders by now")
            ),
            steps=(
                Step(
                    "A3_relist",
                    "如商品已下架,补充库存后重新上架",
                    "If it is off the shelf, relist it",
                ),
                # What is released is not to be freed any more, and the ledger frees what orders hold.
                *(playbooks.FREE_STOCK if is_held and close_ms else playbooks.FREE_STOCK[:1]),
            ),
            deadlines=(playbooks.auto_close(close_ms),) if is_held and close_ms else (),
        )


def _tell(
    buyer: str,
    order: OrderPlaced,
    item_id: str,
    units: int,
    paid_ms: int,
    end_ms: int,
    version: int,
) -> Signal:
    """What an item hears. `version` is of all that is known to have ended the order, so it only grows."""
    values: dict[str, int | str | bool] = {"buyer": buyer, "order": order.ref, "units": units}
    if end_ms < NEVER:
        values["until_ms"] = end_ms
    if paid_ms < NEVER:
        values["paid_ms"] = paid_ms
    return Signal(
        order.at_ms,
        order.event_id,
        # An order can hold many items, and each hears of it.
        f"{SIGNAL}/{item_id}/{buyer}/{order.ref}",
        SIGNAL,
        order.at_ms + version,
        values,
    )


def _orders(facts: Facts, horizon_ms: int, rules: Rules) -> list[_Order]:
    """The orders that the item was told about, by when they were placed, those that ended too."""
    found = []
    close_after_ms = rules.T01.close_s * 1000
    for signal in facts.of(Signal):
        v = signal.values
        # Without values it was taken back.
        if signal.name != SIGNAL or not v:
            continue
        order_id, units = v.get("order"), v.get("units")
        if not isinstance(order_id, str) or not 0 < len(order_id) <= LONGEST_ID:
            continue
        if not isinstance(units, int):
            continue
        until_ms, paid_ms = v.get("until_ms"), v.get("paid_ms")
        # Former versions said 0 where there is no end yet.
        end_ms = until_ms if isinstance(until_ms, int) and until_ms else NEVER
        close_ms = signal.at_ms + close_after_ms
        found.append(
            _Order(
                signal,
                order_id,
                str(v.get("buyer")),
                units,
                paid_ms if isinstance(paid_ms, int) and paid_ms else NEVER,
                as_closed_ms(end_ms, close_ms, horizon_ms),
                close_ms,
            )
        )
    return found


def _during(orders: Sequence[_Order], began_ms: int, last_ms: int, over_ms: int) -> list[_Order]:
    """The orders placed up to the last reading that did not end before the first, as of the end."""
    placed = bisect_right(orders, last_ms, key=lambda order: order.signal.at_ms)
    return [order.as_of(over_ms) for order in orders[:placed] if order.end_ms > began_ms]


def _is_squatted(reading: StockReading, rules: Rules) -> bool:
    return (
        reading.deduct_mode == "order"
        and reading.held_unpaid >= rules.min_held_units
        and 100 * reading.held_unpaid >= rules.held_share_percent * reading.on_hand
    )


def _held_runs(
    readings: Sequence[StockReading], rules: Rules
) -> list[tuple[list[StockReading], int | None]]:
    """Runs of readings with too much held, each with the time of the reading that ended it."""
    found: list[tuple[list[StockReading], int | None]] = []
    run: list[StockReading] = []
    for reading in readings:
        if _is_squatted(reading, rules):
            run.append(reading)
        elif run:
            found.append((run, reading.at_ms))
            run = []
    if run:
        found.append((run, None))
    return found


def _is_sold_out(run: list[StockReading], over_ms: int, facts: Facts) -> bool:
    """Whether nothing could be sold until it was over: by the numbers, or off the shelf."""
    if any(r.on_hand - r.held_unpaid - r.paid_reserved <= 0 for r in run):
        return True
    listings = facts.of(ListingState)
    before = bisect_right(listings, run[0].at_ms, key=lambda listing: listing.at_ms)
    during = [
        *listings[max(0, before - 1) : before],
        *(listing for listing in listings[before:] if listing.at_ms < over_ms),
    ]
    return any(not listing.on_shelf and listing.reason == "sold_out" for listing in during)


def _episode(
    run: list[StockReading],
    end_ms: int | None,
    opened_ms: int,
    expires_ms: int,
    horizon_ms: int,
    facts: Facts,
    orders: Sequence[_Order],
    rules: Rules,
) -> Episode:
    status, ended_at_ms = outcome(end_ms, expires_ms, horizon_ms)
    shelf_ms = expires_ms if end_ms is None else min(end_ms, expires_ms)
    severity: Severity = "critical" if _is_sold_out(run, shelf_ms, facts) else "warn"
    worst = max(run, key=lambda r: (r.held_unpaid, r.at_ms, r.event_id))
    last_ms = max(opened_ms, run[-1].at_ms)
    over_ms = NEVER if ended_at_ms is None else ended_at_ms
    during = _during(orders, run[0].at_ms, last_ms, over_ms)
    held = [order for order in during if order.state == "held"]
    holders = {order.buyer for order in during}
    percent = 100 * worst.held_unpaid // max(1, worst.on_hand)
    sellable = worst.on_hand - worst.held_unpaid - worst.paid_reserved
    item = facts.subject.partition(":")[2]
    return Episode(
        detector="D02",
        anchor=run[0],
        opened_at_ms=opened_ms,
        last_at_ms=last_ms,
        status=status,
        ended_at_ms=ended_at_ms,
        severity=severity,
        steps=len(run) + 2 * len(during) - len(held) + (status != "open"),
        window_s=rules.sustain_s,
        members=(*(order.signal for order in during), *run),
        thresholds=(
            Threshold("held_share", percent, "%", rules.held_share_percent),
            Threshold("held_units", worst.held_unpaid, "units", rules.min_held_units),
            Threshold("held_for", (last_ms - run[0].at_ms) // 1000, "s", rules.sustain_s),
        ),
        details={
            "on_hand": worst.on_hand,
            "held_units": worst.held_unpaid,
            "percent": percent,
            "holders": len(holders),
            # Of what is paid or closed the platform closes nothing any more.
            "auto_close_ms": min((order.close_ms for order in held), default=0),
        },
        counter=(
            (
                f"已付款预留{worst.paid_reserved}件;当时可售{max(0, sellable)}件",
                f"{worst.paid_reserved} units were reserved by paid orders; "
                f"{max(0, sellable)} could still be sold",
            ),
        ),
        holds=tuple(Hold(item, o.order_id, o.units, o.state) for o in during),
        # With as many as are kept, others may have been let go; what was taken back is kept as well.
        has_more_holds=sum(s.name == SIGNAL for s in facts.of(Signal)) >= MAX_FACTS_PER_KIND,
    )


DETECTORS = (UnpaidHolds(), StockSquat())
