"""One Tmall shop's order report of February 2020: when orders were placed, paid and refunded.

What the report does not say, and what is done about it:

- There is no buyer, so every row is a buyer of its own; nothing about repeated behaviour follows.
- There are no items, so every order is one unit of the item `unknown` at the order's total.
- Refunds have an amount but no time. The only time at which they are known to have happened is when
  the report was made, so each is one `succeeded` event at the latest time that the report holds.
  No request is written: who asked for what, and why, is not known.
- `买家实际支付金额` is what the seller kept: with the refund it adds up to the total in every paid
  row. What the buyer paid is therefore the total.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from schemas.base import Event
from schemas.events.aftersales import RefundSucceeded
from schemas.events.trade import OrderCreated, OrderItem, PaymentSucceeded, Receiver
from streams.importers.accounting import Draft, Ledger
from streams.importers.tables import Row, UnreadableError, find_table, read_table

DEFAULT_SHOP_ID = "tmall"
ZONE = ZoneInfo("Asia/Shanghai")
FILE = "tmall_order_report.csv"
NUMBER, TOTAL, KEPT, PROVINCE = "订单编号", "总金额", "买家实际支付金额", "收货地址"
CREATED, PAID, REFUNDED = "订单创建时间", "订单付款时间", "退款金额"
UNKNOWN_ITEM = "unknown"


@dataclass(frozen=True, slots=True)
class _Order:
    where: str
    number: str
    total_minor: int
    refunded_minor: int
    province: str
    created_at: datetime
    paid_at: datetime | None


def import_tmall(source_dir: Path, ledger: Ledger, shop_id: str) -> None:
    """Orders, payments and refunds of the report."""
    path = find_table(source_dir, FILE)
    orders: list[_Order] = []
    for row in read_table(path, (NUMBER, TOTAL, KEPT, PROVINCE, CREATED, PAID, REFUNDED)):
        ledger.read(path.name)
        try:
            orders.append(_parse(row))
        except UnreadableError as error:
            ledger.leave_out("unreadable", example=f"{row.where}: {error}")
    if not orders:
        return
    reported_at = max(order.paid_at or order.created_at for order in orders)
    for order in orders:
        drafts: list[Draft] = [("orders", partial(_created, order, ledger, shop_id))]
        if order.paid_at is None:
            ledger.remark("orders that were never paid")
        else:
            paid = partial(_paid, order, order.paid_at, ledger, shop_id)
            drafts.append(("payments", paid))
        if order.refunded_minor:
            ledger.remark("refunds without a time, placed at the end of the report")
            refunded = partial(_refunded, order, reported_at, ledger, shop_id)
            drafts.append(("refunds", refunded))
        ledger.add(1, *drafts, where=order.where)


def _parse(row: Row) -> _Order:
    order = _Order(
        where=row.where,
        number=row.required(NUMBER),
        total_minor=row.amount_minor(TOTAL),
        refunded_minor=row.amount_minor(REFUNDED),
        province=row.text(PROVINCE),
        created_at=row.local_time(CREATED, ZONE),
        paid_at=row.optional_time(PAID, ZONE),
    )
    if order.paid_at is not None and order.paid_at < order.created_at:
        raise UnreadableError(f"{PAID} lies before {CREATED}")
    if order.paid_at is None and order.refunded_minor:
        raise UnreadableError(f"{REFUNDED} of an order without {PAID}")
    return order


def _created(order: _Order, ledger: Ledger, shop_id: str) -> Event:
    item = OrderItem(item_id=UNKNOWN_ITEM, quantity=1, unit_price_minor=order.total_minor)
    return OrderCreated(
        event_id=ledger.event_id(shop_id, order.number, "created"),
        schema_version=1,
        occurred_at=order.created_at,
        shop_id=shop_id,
        buyer_id=f"row-{order.number}",
        type="created",
        order_id=order.number,
        items=[item],
        currency="CNY",
        amount_minor=order.total_minor,
        receiver=Receiver(country="CN", state=order.province),
    )


def _paid(order: _Order, at: datetime, ledger: Ledger, shop_id: str) -> Event:
    return PaymentSucceeded(
        event_id=ledger.event_id(shop_id, order.number, "paid"),
        schema_version=1,
        occurred_at=at,
        shop_id=shop_id,
        buyer_id=f"row-{order.number}",
        type="succeeded",
        order_id=order.number,
        payment_id=f"{order.number}-1",
        currency="CNY",
        amount_minor=order.total_minor,
    )


def _refunded(order: _Order, reported_at: datetime, ledger: Ledger, shop_id: str) -> Event:
    return RefundSucceeded(
        event_id=ledger.event_id(shop_id, order.number, "refunded"),
        schema_version=1,
        occurred_at=reported_at,
        shop_id=shop_id,
        buyer_id=f"row-{order.number}",
        type="succeeded",
        refund_id=f"{order.number}-refund",
        order_id=order.number,
        currency="CNY",
        amount_minor=order.refunded_minor,
    )
