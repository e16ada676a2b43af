"""UCI Online Retail: a British wholesaler's invoices of 2010-12 to 2011-12, with cancellations.

What the data does not say, and what is done about it:

- There are no payments, so no payment is written: every order looks unpaid, for ever.
- Rows without a customer (website totals, counter sales, write-offs of stock) are left out: nothing
  about a buyer follows from them.
- An invoice `C…` cancels lines, not orders, and does not name the invoice that it cancels. A line
  is matched with the customer's latest earlier line of the same item and quantity. An order is
  closed, by whom is not told, when all its lines were cancelled, at the last of them; what else was
  cancelled is counted and left out: an order that lost one line of twenty is not closed.
- Postage and carriage lines become the order's postage. Manual corrections, bank charges and the
  like are not goods and are left out.
- An order may hold 200 lines in our contract: longer invoices become several orders (`573585`,
  `573585-2`, …) at the same time. Times are London time, to the minute.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from schemas.base import Event
from schemas.events.trade import OrderClosed, OrderCreated, OrderItem, Receiver
from streams.importers.accounting import Draft, Ledger
from streams.importers.tables import Row, UnreadableError, find_table, read_table

DEFAULT_SHOP_ID = "online-retail"
ZONE = ZoneInfo("Europe/London")
FILES = ("online_retail.csv.xz", "online_retail.csv.gz", "online_retail.csv")
COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
POSTAGE = frozenset({"POST", "DOT", "C2", "C3"})
NOT_GOODS = frozenset({"M", "m", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK"})
MAX_LINES = 200


@dataclass(slots=True)
class _Line:
    where: str
    customer: str
    country: str
    item_id: str
    quantity: int
    price_minor: int
    at: datetime
    cancelled_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """What a cancellation has in common with the line that it cancels."""
        return self.customer, self.item_id, abs(self.quantity)


@dataclass(slots=True)
class _Invoice:
    lines: list[_Line] = field(default_factory=list)
    postage: list[_Line] = field(default_factory=list)

    @property
    def placed_at(self) -> datetime:
        """When its first line was typed; on 43 invoices the minute changes between lines."""
        return min((line.at for line in self.lines), key=datetime.timestamp)


@dataclass(frozen=True, slots=True)
class _Order:
    order_id: str
    placed_at: datetime
    lines: list[_Line]
    postage_minor: int
    rows: int


def import_online_retail(source_dir: Path, ledger: Ledger, shop_id: str) -> None:
    """Orders, and the closing of those that were cancelled as a whole."""
    invoices: defaultdict[str, _Invoice] = defaultdict(_Invoice)
    cancellations: list[_Line] = []
    path = find_table(source_dir, *FILES)
    for row in read_table(path, COLUMNS):
        ledger.read(path.name)
        try:
            _sort_in(row, invoices, cancellations, ledger)
        except UnreadableError as error:
            ledger.leave_out("unreadable", example=f"{row.where}: {error}")
    orders = list(_orders(invoices, ledger))
    cancelled = _cancel(orders, cancellations, ledger)
    for order in orders:
        _add(order, cancelled.get(order.order_id, 0), ledger, shop_id)


def _sort_in(
    row: Row,
    invoices: defaultdict[str, _Invoice],
    cancellations: list[_Line],
    ledger: Ledger,
) -> None:
    number, code = row.required("InvoiceNo"), row.required("StockCode")
    quantity = row.integer("Quantity")
    if not row.text("CustomerID"):
        ledger.leave_out("no customer")
    elif code in NOT_GOODS:
        ledger.leave_out("not goods")
    elif number.startswith("C"):
        if code in POSTAGE:
            ledger.leave_out("cancelled postage")
        else:
            cancellations.append(_line(row, code, quantity, ledger))
    elif quantity <= 0:
        ledger.leave_out("quantity is not positive")
    elif code in POSTAGE:
        invoices[number].postage.append(_line(row, code, quantity, ledger))
    else:
        invoices[number].lines.append(_line(row, code, quantity, ledger))


def _line(row: Row, code: str, quantity: int, ledger: Ledger) -> _Line:
    pence = row.decimal("UnitPrice") * 100
    if pence < 0:
        raise UnreadableError(f"UnitPrice is {row.text('UnitPrice')!r}; expected none below zero")
    whole = pence.to_integral_value(ROUND_HALF_UP)
    if whole != pence:
        ledger.remark("prices with a fraction of a penny, rounded")
    return _Line(
        where=row.where,
        # The column went through a floating-point number once: 17850.0 is customer 17850.
        customer=row.required("CustomerID").removesuffix(".0"),
        country=row.text("Country"),
        item_id=code,
        quantity=quantity,
        price_minor=int(whole),
        at=row.local_time("InvoiceDate", ZONE),
    )


def _orders(invoices: dict[str, _Invoice], ledger: Ledger) -> list[_Order]:
    orders = []
    for number, invoice in invoices.items():
        if not invoice.lines:
            ledger.leave_out("order of postage only", len(invoice.postage))
            continue
        postage_minor = sum(line.quantity * line.price_minor for line in invoice.postage)
        placed_at, postage_rows, part = invoice.placed_at, len(invoice.postage), 1
        for begin in range(0, len(invoice.lines), MAX_LINES):
            lines = invoice.lines[begin : begin + MAX_LINES]
            order_id = number if part == 1 else f"{number}-{part}"
            rows = len(lines) + postage_rows
            orders.append(_Order(order_id, placed_at, lines, postage_minor, rows))
            postage_minor, postage_rows, part = 0, 0, part + 1
        if len(invoice.lines) > MAX_LINES:
            ledger.remark(f"invoices of more than {MAX_LINES} lines, written as several orders")
    return orders


def _cancel(orders: list[_Order], cancellations: list[_Line], ledger: Ledger) -> dict[str, int]:
    """Mark cancelled lines; returns how many cancellation rows each wholly cancelled order used."""
    open_lines: defaultdict[tuple[str, str, int], list[_Line]] = defaultdict(list)
    for order in orders:
        for line in order.lines:
            open_lines[line.key].append(line)
    for lines in open_lines.values():
        lines.sort(key=lambda line: line.at.timestamp())
    matched = 0
    for cancellation in sorted(cancellations, key=lambda line: line.at.timestamp()):
        at = cancellation.at.timestamp()
        lines = open_lines[cancellation.key]
        earlier = [index for index, line in enumerate(lines) if line.at.timestamp() <= at]
        if earlier:
            lines.pop(earlier[-1]).cancelled_at = cancellation.at
            matched += 1
        else:
            ledger.leave_out("cancellation of no known line")
    whole = {
        order.order_id: len(order.lines)
        for order in orders
        if all(line.cancelled_at is not None for line in order.lines)
    }
    ledger.leave_out("cancellation of a part of an order", matched - sum(whole.values()))
    return whole


def _add(order: _Order, cancelled_rows: int, ledger: Ledger, shop_id: str) -> None:
    drafts: list[Draft] = [("orders", partial(_created, order, ledger, shop_id))]
    if cancelled_rows:
        drafts.append(("orders", partial(_closed, order, ledger, shop_id)))
    ledger.add(order.rows + cancelled_rows, *drafts, where=order.lines[0].where)


def _created(order: _Order, ledger: Ledger, shop_id: str) -> Event:
    items = [
        OrderItem(item_id=line.item_id, quantity=line.quantity, unit_price_minor=line.price_minor)
        for line in order.lines
    ]
    goods_minor = sum(item.quantity * item.unit_price_minor for item in items)
    return OrderCreated(
        event_id=ledger.event_id(shop_id, order.order_id, "created"),
        schema_version=1,
        occurred_at=order.placed_at,
        shop_id=shop_id,
        buyer_id=order.lines[0].customer,
        type="created",
        order_id=order.order_id,
        items=items,
        currency="GBP",
        amount_minor=goods_minor + order.postage_minor,
        post_fee_minor=order.postage_minor,
        receiver=Receiver(country=order.lines[0].country),
    )


def _closed(order: _Order, ledger: Ledger, shop_id: str) -> Event:
    times = [line.cancelled_at for line in order.lines if line.cancelled_at is not None]
    return OrderClosed(
        event_id=ledger.event_id(shop_id, order.order_id, "closed"),
        schema_version=1,
        occurred_at=max(times, key=datetime.timestamp),
        shop_id=shop_id,
        buyer_id=order.lines[0].customer,
        type="closed",
        order_id=order.order_id,
        closed_by="unknown",
    )
