"""Histories with receivers, accounts, parcels, invoices and reviews, beside all that a `Story` tells."""

from __future__ import annotations

from typing import Any

from tests.oracle.story import Story


class CaseStory(Story):
    """A story about single orders."""

    def ordered(
        self,
        order: str,
        at: float,
        units: tuple[int, ...] = (1,),
        *,
        receiver: dict[str, str] | None = None,
        amount_minor: int = 1000,
        currency: str = "CNY",
        free_shipping: bool = False,
        category: str | None = None,
        event_id: str | None = None,
    ) -> None:
        """An order with a line for each number of units: two lines of item 1, then one each."""
        items = [
            {
                "item_id": f"i{max(1, number)}",
                "quantity": quantity,
                "unit_price_minor": 100,
                "category": category,
            }
            for number, quantity in enumerate(units)
        ]
        self._add(
            "orders",
            "created",
            at,
            event_id,
            order_id=order,
            items=items,
            currency=currency,
            amount_minor=amount_minor,
            free_shipping=free_shipping,
            receiver=receiver,
        )

    def moved(self, order: str, at: float, receiver: dict[str, str]) -> None:
        """The receiver was changed."""
        self._add("orders", "address_changed", at, None, order_id=order, receiver=receiver)

    def account(self, kind: str, at: float, **body: Any) -> None:
        """Something became known about the account."""
        self._add("accounts", kind, at, None, **body)

    def review(
        self,
        kind: str,
        review: str,
        order: str,
        at: float,
        rating: str = "bad",
        item: str | None = "i1",
    ) -> None:
        """A review was posted, appended, changed or deleted."""
        body = {} if kind == "deleted" else {"item_id": item, "rating": rating}
        self._add("reviews", kind, at, None, review_id=review, order_id=order, **body)
