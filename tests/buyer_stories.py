"""Stories of single buyers, told in the short form of the examples, and what is said of them."""

from __future__ import annotations

from typing import Any

from schemas.alerts import Alert
from tests.example_stories import events_of, ms, seconds
from tests.pipeline import run

Event = dict[str, Any]


def alerts(events: list[Event], until: str, *detectors: str) -> list[Alert]:
    """The last revisions of the alerts of some detectors."""
    told = run(events_of(sorted(events, key=lambda e: seconds(e["at"]))), ms(seconds(until))).alerts
    return list({a.alert_id: a for a in told if a.detector in detectors}.values())


def told(events: list[Event], until: str, detector: str) -> Alert:
    """The only one."""
    (alert,) = alerts(events, until, detector)
    return alert


def codes(alert: Alert) -> list[str]:
    """What it suggests."""
    return [action.code for action in alert.suggested_actions]


def sent(order: str = "o1", units: int = 1) -> list[Event]:
    """An order that was paid, and left in time."""
    return [
        {"at": "0s", "orders.created": {"order_id": order, "units": units}},
        {"at": "20s", "payments.succeeded": {"order_id": order}},
        {"at": "20h", "shipments.shipped": {"order_id": order}},
    ]


def chat(at: str, text: str, sender: str = "buyer", **body: Any) -> Event:
    """A message; of a seller too."""
    return {"at": at, "chats.message": {"sender": sender, "text": text, **body}}


def rotten(*said: Event) -> list[Event]:
    """Three orders of fruit, refund-only asked for each of them a day apart, and what was said meanwhile."""
    events = [*said]
    for n in (1, 2, 3):
        request = {"order_id": f"o{n}", "reason": "quality", "goods_status": "received"}
        events += sent(f"o{n}")
        events.append({"at": f"{n + 3}d", "refunds.requested": request})
    return events
