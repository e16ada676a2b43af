"""Olist's Brazilian marketplace: orders, payments, shipments and reviews, 2016 to 2018.

How its columns are read:

- The marketplace is one shop: an order may hold items of several sellers. The buyer is
  `customer_unique_id` (`customer_id` is new with every order).
- An order is paid when the platform approved it; one event per row of payments.
- `shipping_limit_date` of the items is the promise to ship; the earliest one counts, so that nobody
  is accused of claiming falsely against a seller who was late with one item. The estimated delivery
  date is a promise of the carrier and is not used.
- A review is posted when the customer answered (`review_answer_timestamp`); the creation date is
  when the questionnaire was sent. Five and four stars are good, three neutral, two and one bad.
- Cancelled orders have no time of cancelling, so no closing is written for them.
- Times are taken as São Paulo time: where its clocks went forward at midnight, dates without a time
  of day read 01:00 instead of 00:00.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from schemas.base import Event
from schemas.events.people import ReviewPosted
from schemas.events.trade import (
    OrderCreated,
    OrderItem,
    PaymentSucceeded,
    Receiver,
    ShipmentDelivered,
    ShipmentShipped,
)
from streams.errors import ConfigurationError
from streams.importers.accounting import Draft, Ledger
from streams.importers.tables import Row, UnreadableError, find_table, read_table

DEFAULT_SHOP_ID = "olist"
ZONE = ZoneInfo("America/Sao_Paulo")
ORDERS = "olist_orders_dataset.csv"
ITEMS = "olist_order_items_dataset.csv"
PAYMENTS = "olist_order_payments_dataset.csv"
REVIEWS = "olist_order_reviews_dataset.csv"
CUSTOMERS = "olist_customers_dataset.csv"
PRODUCTS = "olist_products_dataset.csv"
TABLES = (ORDERS, ITEMS, PAYMENTS, REVIEWS, CUSTOMERS, PRODUCTS)

Rating = Literal["good", "neutral", "bad"]
_RATINGS: dict[str, Rating] = {"1": "bad", "2": "bad", "3": "neutral", "4": "good", "5": "good"}


@dataclass(slots=True)
class _Basket:
    """Items of one order; equal products of one price are one line."""

    lines: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    freight_minor: int = 0
    ship_by: datetime | None = None
    rows: int = 0


@dataclass(frozen=True, slots=True)
class _Order:
    order_id: str
    buyer_id: str
    receiver: Receiver
    approved_at: datetime | None


class _Importer:
    def __init__(self, source_dir: Path, ledger: Ledger, shop_id: str) -> None:
        self._dir = source_dir
        self._ledger = ledger
        self._shop_id = shop_id
        self._orders: dict[str, _Order] = {}
        self._baskets: dict[str, _Basket] = {}

    def run(self) -> None:
        self._read_items()
        self._read_orders()
        for order_id, basket in self._baskets.items():
            if order_id not in self._orders:
                self._ledger.leave_out("of an order that was left out", basket.rows)
        self._read_payments()
        self._read_reviews()

    def _rows(self, file: str, *columns: str) -> list[Row]:
        rows = list(read_table(find_table(self._dir, file), columns))
        self._ledger.read(file, len(rows))
        return rows

    def _unreadable(self, row: Row, error: UnreadableError) -> None:
        self._ledger.leave_out("unreadable", example=f"{row.where}: {error}")

    def _read_items(self) -> None:
        columns = ("order_id", "product_id", "shipping_limit_date", "price", "freight_value")
        for row in self._rows(ITEMS, *columns):
            try:
                line = (row.required("product_id"), row.amount_minor("price"))
                freight_minor = row.amount_minor("freight_value")
                ship_by = row.local_time("shipping_limit_date", ZONE)
                basket = self._baskets.setdefault(row.required("order_id"), _Basket())
            except UnreadableError as error:
                self._unreadable(row, error)
                continue
            basket.rows += 1
            basket.lines[line] += 1
            basket.freight_minor += freight_minor
            basket.ship_by = min(basket.ship_by or ship_by, ship_by)

    def _customers(self) -> dict[str, Row]:
        columns = ("customer_id", "customer_unique_id", "customer_city", "customer_state")
        rows = read_table(find_table(self._dir, CUSTOMERS), columns)
        return {row.text("customer_id"): row for row in rows}

    def _categories(self) -> dict[str, str]:
        try:
            path = find_table(self._dir, PRODUCTS)
        except ConfigurationError:
            return {}  # Categories are an extra; orders are whole without them.
        rows = read_table(path, ("product_id", "product_category_name"))
        return {row.text("product_id"): row.text("product_category_name") for row in rows}

    def _read_orders(self) -> None:
        customers, categories = self._customers(), self._categories()
        for row in self._rows(
            ORDERS,
            "order_id",
            "customer_id",
            "order_status",
            "order_purchase_timestamp",
            "order_approved_at",
            "order_delivered_carrier_date",
            "order_delivered_customer_date",
        ):
            customer = customers.get(row.text("customer_id"))
            basket = self._baskets.get(row.text("order_id"))
            if customer is None:
                self._ledger.leave_out("order of an unknown customer")
            elif row.text("order_id") in self._orders:
                self._ledger.leave_out("order that was read before")
            elif basket is None:
                self._ledger.leave_out("order without items")
            else:
                try:
                    self._order(row, customer, basket, categories)
                except UnreadableError as error:
                    self._unreadable(row, error)

    def _order(self, row: Row, customer: Row, basket: _Basket, categories: dict[str, str]) -> None:
        order = _Order(
            order_id=row.required("order_id"),
            buyer_id=customer.required("customer_unique_id"),
            receiver=Receiver(
                country="BR",
                state=customer.text("customer_state"),
                city=customer.text("customer_city"),
            ),
            approved_at=row.optional_time("order_approved_at", ZONE),
        )
        created_at = row.local_time("order_purchase_timestamp", ZONE)
        shipped_at = row.optional_time("order_delivered_carrier_date", ZONE)
        delivered_at = row.optional_time("order_delivered_customer_date", ZONE)
        created = partial(self._created, order, created_at, basket, categories)
        drafts: list[Draft] = [("orders", created)]
        if shipped_at is not None:
            drafts.append(("shipments", partial(self._shipped, order, shipped_at)))
        if delivered_at is not None:
            drafts.append(("shipments", partial(self._delivered, order, delivered_at)))
        if self._ledger.add(1 + basket.rows, *drafts, where=row.where):
            self._orders[order.order_id] = order
            self._remark(row, created_at, shipped_at)
        else:
            basket.rows = 0  # Accounted for together with the order.

    def _remark(self, row: Row, created_at: datetime, shipped_at: datetime | None) -> None:
        if row.text("order_status") in ("canceled", "unavailable"):
            self._ledger.remark("cancelled orders without a time of cancelling")
        if shipped_at is not None and shipped_at < created_at:
            self._ledger.remark("orders shipped before they were placed, kept as they are")

    def _created(
        self, order: _Order, at: datetime, basket: _Basket, categories: dict[str, str]
    ) -> Event:
        items = [
            OrderItem(
                item_id=product_id,
                quantity=quantity,
                unit_price_minor=price_minor,
                category=categories.get(product_id) or None,
            )
            for (product_id, price_minor), quantity in basket.lines.items()
        ]
        goods_minor = sum(item.quantity * item.unit_price_minor for item in items)
        return OrderCreated(
            event_id=self._ledger.event_id(self._shop_id, order.order_id, "created"),
            schema_version=1,
            occurred_at=at,
            shop_id=self._shop_id,
            buyer_id=order.buyer_id,
            type="created",
            order_id=order.order_id,
            items=items,
            currency="BRL",
            amount_minor=goods_minor + basket.freight_minor,
            post_fee_minor=basket.freight_minor,
            receiver=order.receiver,
            ship_by=basket.ship_by,
        )

    def _shipped(self, order: _Order, at: datetime) -> Event:
        return ShipmentShipped(
            event_id=self._ledger.event_id(self._shop_id, order.order_id, "shipped"),
            schema_version=1,
            occurred_at=at,
            shop_id=self._shop_id,
            buyer_id=order.buyer_id,
            type="shipped",
            order_id=order.order_id,
        )

    def _delivered(self, order: _Order, at: datetime) -> Event:
        return ShipmentDelivered(
            event_id=self._ledger.event_id(self._shop_id, order.order_id, "delivered"),
            schema_version=1,
            occurred_at=at,
            shop_id=self._shop_id,
            buyer_id=order.buyer_id,
            type="delivered",
            order_id=order.order_id,
        )

    def _read_payments(self) -> None:
        columns = ("order_id", "payment_sequential", "payment_value")
        for row in self._rows(PAYMENTS, *columns):
            order = self._orders.get(row.text("order_id"))
            try:
                amount_minor = row.amount_minor("payment_value")
                sequence = row.required("payment_sequential")
            except UnreadableError as error:
                self._unreadable(row, error)
                continue
            if order is None:
                self._ledger.leave_out("of an order that was left out")
            elif order.approved_at is None:
                self._ledger.leave_out("payment that was never approved")
            elif amount_minor == 0:
                self._ledger.leave_out("payment of nothing")
            else:
                draft = self._payment(order, order.approved_at, sequence, amount_minor)
                self._ledger.add(1, draft, where=row.where)

    def _payment(self, order: _Order, at: datetime, sequence: str, amount_minor: int) -> Draft:
        return "payments", lambda: PaymentSucceeded(
            event_id=self._ledger.event_id(self._shop_id, order.order_id, "paid", sequence),
            schema_version=1,
            occurred_at=at,
            shop_id=self._shop_id,
            buyer_id=order.buyer_id,
            type="succeeded",
            order_id=order.order_id,
            payment_id=f"{order.order_id}-{sequence}",
            currency="BRL",
            amount_minor=amount_minor,
        )

    def _read_reviews(self) -> None:
        for row in self._rows(
            REVIEWS,
            "review_id",
            "order_id",
            "review_score",
            "review_comment_title",
            "review_comment_message",
            "review_answer_timestamp",
        ):
            order = self._orders.get(row.text("order_id"))
            if order is None:
                self._ledger.leave_out("of an order that was left out")
                continue
            try:
                self._ledger.add(1, self._review(row, order), where=row.where)
            except UnreadableError as error:
                self._unreadable(row, error)

    def _review(self, row: Row, order: _Order) -> Draft:
        rating = _RATINGS.get(row.text("review_score"))
        if rating is None:
            raise UnreadableError(f"review_score is {row.text('review_score')!r}; expected 1 to 5")
        review_id = row.required("review_id")
        at = row.local_time("review_answer_timestamp", ZONE)
        texts = (row.text("review_comment_title"), row.text("review_comment_message"))
        return "reviews", lambda: ReviewPosted(
            # One review may speak of several orders, so its id alone would not be unique.
            event_id=self._ledger.event_id(self._shop_id, order.order_id, "review", review_id),
            schema_version=1,
            occurred_at=at,
            shop_id=self._shop_id,
            buyer_id=order.buyer_id,
            type="posted",
            review_id=review_id,
            order_id=order.order_id,
            rating=rating,
            text="\n".join(text for text in texts if text),
        )


def import_olist(source_dir: Path, ledger: Ledger, shop_id: str) -> None:
    """Orders, payments, shipments and reviews of the data set's tables."""
    _Importer(source_dir, ledger, shop_id).run()
