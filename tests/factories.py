"""Alerts for tests: realistic by default, every field can be overridden.

The trap: ids are derived from what identifies an alert, so two calls with the same arguments give
the same alert, and a second revision needs the same `key`.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.alerts import (
    Alert,
    AlertEnvelope,
    Deadline,
    Evidence,
    EvidenceFact,
    HeldUnits,
    Subject,
    SuggestedAction,
    Text,
    ThresholdCheck,
    Window,
)
from schemas.outputs import StockAdjustment

T0 = datetime(2026, 11, 11, 12, 0, tzinfo=UTC)
_NAMESPACE = uuid.UUID("5f3a1c8e-1a7b-4f0e-9d55-0c1d6b1f2a10")


def alert_id(key: str) -> str:
    """The id of the alert that `make_alert(key=key)` makes."""
    return str(uuid.uuid5(_NAMESPACE, key))


def make_alert(
    key: str = "1", *, buyer: str = "b42", shop: str = "shop1", orders: int = 6, **overrides: Any
) -> Alert:
    """A D01 alert about a buyer with `orders` unpaid orders; `overrides` replace whole fields."""
    opened_at = overrides.get("opened_at", T0)
    order_ids = [f"{shop}-{buyer}-o{n}" for n in range(1, orders + 1)]
    placed = [opened_at - timedelta(minutes=orders - n) for n in range(orders)]
    fields: dict[str, Any] = {
        "alert_id": alert_id(key),
        "revision": 1,
        "change": "opened",
        "detector": "D01",
        "tenant": "default",
        "shop_id": shop,
        "subject": Subject(kind="buyer", id=f"{shop}:{buyer}"),
        "severity": "warn",
        "status": "open",
        "opened_at": opened_at,
        "updated_at": opened_at,
        "window": Window(start=placed[0], end=placed[-1])
        if placed
        else Window(start=opened_at, end=opened_at),
        "evidence": Evidence(
            facts=[
                EvidenceFact(
                    event_id=f"evt-{order_id}",
                    kind="OrderPlaced",
                    at=at,
                    ref=order_id,
                    detail={"units": 3, "paid": False},
                )
                for order_id, at in zip(order_ids, placed, strict=True)
            ],
            facts_total=orders,
            thresholds=[
                ThresholdCheck(
                    name="orders", value=orders, warn=5, critical=10, unit="orders", crossed="warn"
                ),
                ThresholdCheck(name="units", value=3 * orders, warn=50, critical=200, unit="units"),
            ],
            counter_evidence=[
                Text(zh="该买家此前有2笔已付款订单", en="The buyer has 2 paid orders before these")
            ],
            not_if=Text(
                zh="3分钟内付款、付款失败后30分钟内重试，或未付款订单少于5笔且少于50件",
                en="Payment within 3 minutes, a retry within 30 minutes of a failed payment, "
                "or fewer than 5 unpaid orders and fewer than 50 units",
            ),
        ),
        "held_units": [
            HeldUnits(item_id="item-red-dress", order_id=order_id, units=3, state="held")
            for order_id in order_ids
        ],
        "rule_version": "2026.11.1",
        "source": "S3",
        "as_of": "2023-05",
        "title": Text(zh="短时间大量拍下未付款", en="Burst of unpaid orders"),
        "summary": Text(
            zh=f"买家{buyer}在30分钟内拍下{orders}笔共{3 * orders}件未付款。请勿主动关闭订单。",
            en=f"{buyer} placed {orders} unpaid orders ({3 * orders} units) in 30 minutes. "
            "Don't close them.",
        ),
        "suggested_actions": [
            SuggestedAction(
                code="A2_deduct_on_payment",
                text=Text(
                    zh="将商品设置为付款减库存", en="Set the item to deduct stock on payment"
                ),
            ),
            SuggestedAction(
                code="A7_draft_message",
                text=Text(
                    zh="旺旺联系买家，核实是否付款", en="Ask the buyer whether they will pay"
                ),
            ),
        ],
        "deadlines": [
            Deadline(
                code="T01",
                due_at=opened_at + timedelta(days=3),
                text=Text(
                    zh="系统自动关闭未付款订单", en="The platform closes unpaid orders by itself"
                ),
            )
        ],
    }
    return Alert(**(fields | overrides))


def envelope(alert: Alert) -> AlertEnvelope:
    """The CloudEvents envelope in which `alert` travels on the alerts topic."""
    return AlertEnvelope(
        source="/orderwatch/test",
        id=f"{alert.alert_id}:{alert.revision}",
        time=alert.updated_at,
        subject=alert.subject.id,
        dataschema="alert.v1.json",
        data=alert,
    )


def make_decision(order: str = "o1", **overrides: Any) -> StockAdjustment:
    """What the stock ledger says of an order that waits for a person; `overrides` replace whole fields."""
    fields: dict[str, Any] = {
        "adjustment_id": f"{order}-{overrides.get('reason', 'needs_approval')}",
        "shop_id": "shop1",
        "item_id": "item-red-dress",
        "order_id": order,
        "alert_id": alert_id("1"),
        "kind": "none",
        "delta": 0,
        "is_dry_run": False,
        "reason": "needs_approval",
        "decided_at": T0,
        "closes_at": T0 + timedelta(days=3),
        **overrides,
    }
    return StockAdjustment(**fields)
