"""Where a platform does not say, the contract has a value for that, and it accuses nobody.

The same story with the guess that would accuse somebody stands beside it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.example_stories import events_of, ms, seconds
from tests.pipeline import run

Event = dict[str, Any]


def levels(events: list[Event], until: str = "20d") -> dict[str, str]:
    """By detector, how grave its alert that stands is."""
    told = run(events_of(sorted(events, key=lambda e: seconds(e["at"]))), ms(seconds(until))).alerts
    standing = {alert.alert_id: alert for alert in told}.values()
    return {a.detector: a.severity for a in standing if a.status != "retracted"}


def closed(at: str, by: str, order: str = "o") -> Event:
    return {"at": at, "orders.closed": {"order_id": order, "closed_by": by}}


def placed(order: str = "o", **more: Any) -> Event:
    return {"at": "0s", "orders.created": {"order_id": order, "units": 1, **more}}


def test_a_closing_of_which_nobody_knows_whose_it_was_warns_no_shop_of_six_points() -> None:
    assert levels([placed(), closed("1h", "seller")]) == {"D33": "critical"}
    assert levels([placed(), closed("1h", "unknown")]) == {}


@pytest.mark.parametrize("by", ["unknown", "system"])
def test_an_order_that_is_closed_holds_nothing_whoever_closed_it(by: str) -> None:
    """Seven orders that all end within the grace are no burst (D01)."""
    orders = [f"o{n}" for n in range(7)]
    events = [placed(o) for o in orders]
    assert levels(events, "1h") == {"D01": "warn"}
    assert levels([*events, *(closed("2m", by, o) for o in orders)], "1h") == {}
    paid = [{"at": "1m", "payments.succeeded": {"order_id": "o"}}, closed("1h", by)]
    assert levels([placed(), *paid]) == {}, "nothing need be shipped (D34)"


@pytest.mark.parametrize(
    ("first", "alerts"), [("unknown", {"D33": "critical"}), ("buyer", {}), ("system", {})]
)
def test_what_the_shop_says_of_its_own_closing_holds_beside_a_message_that_names_nobody(
    first: str, alerts: dict[str, str]
) -> None:
    """The platform's clock is a few seconds ahead of the shop's."""
    assert levels([placed(), closed("1h", first), closed("1h5s", "seller")]) == alerts


def tried(answered: bool | None, times: int = 2) -> list[Event]:
    outcome = {} if answered is None else {"answered": answered}
    return [{"at": f"{h}h", "contacts.attempted": outcome} for h in range(2, 2 + times)]


def asked(at: str, **more: Any) -> Event:
    body = {"order_id": "o", "reason": "quality", "goods_status": "received", **more}
    return {"at": at, "refunds.requested": body}


def asked_again() -> list[Event]:
    events = [placed(), {"at": "1m", "payments.succeeded": {"order_id": "o"}}]
    events.append({"at": "1h", "shipments.shipped": {"order_id": "o"}})
    for n in (1, 2, 3):
        events.append(asked(f"{n}d", attempt_no=n))
        events.append({"at": f"{n}d1h", "refunds.refused": {"order_id": "o", "attempt_no": n}})
    return events


def odd_address() -> list[Event]:
    receiver = {"state": "浙江省", "city": "杭州市", "detail": "不知道"}
    return [placed(receiver=receiver), {"at": "1m", "payments.succeeded": {"order_id": "o"}}]


def burst() -> list[Event]:
    return [placed(f"o{n}") for n in range(12)]


@pytest.mark.parametrize(
    ("story", "detector", "until"),
    [(asked_again, "D08", "4d"), (odd_address, "D05", "1d"), (burst, "D25", "1d")],
)
def test_an_attempt_of_which_nobody_knows_the_outcome_makes_nobody_unreachable(
    story: Any, detector: str, until: str
) -> None:
    in_vain = levels([*story(), *tried(False)], until)
    assert in_vain[detector] == "critical"
    assert levels([*story(), *tried(None)], until).get(detector) != "critical"
    # Nor is it an answer, which would speak for the buyer.
    assert levels([*story(), *tried(False), *tried(None, 3)], until) == in_vain


def test_an_attempt_meets_t03_whatever_came_of_it() -> None:
    receiver = {"country": "HK", "state": "香港特别行政区"}
    order = placed(receiver=receiver, free_shipping=True)
    paid = {"at": "1m", "payments.succeeded": {"order_id": "o"}}

    def deadlines(*more: Event) -> list[str]:
        alerts = run(events_of([order, paid, *more]), ms(seconds("5h"))).alerts
        (last,) = {a.alert_id: a for a in alerts if a.detector == "D16"}.values()
        return [deadline.code for deadline in last.deadlines]

    assert deadlines() == ["T03"]
    assert deadlines(*tried(None, 1)) == []


@pytest.mark.parametrize(
    ("goods", "alerts"), [("received", {"D08": "warn"}), ("unknown", {}), ("not_received", {})]
)
def test_goods_of_which_nobody_knows_where_they_are_are_not_kept(
    goods: str, alerts: dict[str, str]
) -> None:
    """Three orders are cancelled before anything leaves."""
    events: list[Event] = []
    for n in range(3):
        order = f"o{n}"
        events.append(placed(order))
        events.append({"at": "1m", "payments.succeeded": {"order_id": order}})
        request = {"order_id": order, "reason": "no_longer_wanted", "goods_status": goods}
        events.append({"at": f"{n + 1}h", "refunds.requested": request})
        events.append({"at": f"{n + 1}h1m", "refunds.agreed": {"order_id": order}})
    assert levels(events) == alerts


def test_without_a_parcel_nobody_is_said_to_lack_a_test_report() -> None:
    assert "D11" in levels([placed(), asked("1d")], "2d")
    assert "D11" not in levels([placed(), asked("1d", goods_status="unknown")], "2d")


def test_of_a_parcel_that_left_the_request_counts_wherever_the_goods_are() -> None:
    events: list[Event] = []
    for n in range(3):
        order = f"o{n}"
        events.append(placed(order))
        events.append({"at": "1m", "payments.succeeded": {"order_id": order}})
        events.append({"at": "1h", "shipments.shipped": {"order_id": order}})
        request = {"order_id": order, "reason": "quality", "goods_status": "unknown"}
        events.append({"at": f"{n + 1}d", "refunds.requested": request})
    assert levels(events)["D08"] == "warn"


def test_an_account_of_which_only_the_age_is_known_is_not_unverified() -> None:
    """Shopify knows since when there is a customer, and nothing of 实名认证."""

    def story(**said: Any) -> list[Event]:
        verified = {
            "at": "-1m",
            "accounts.verified": {"created_at": "2025-10-01T00:00:00+08:00", **said},
        }
        large = {"order_id": "o", "units": 40}
        paid = {"at": "1m", "payments.succeeded": {"order_id": "o"}}
        return [verified, {"at": "0s", "orders.created": large}, paid]

    assert levels(story(alipay_verified=False), "2m")["D06"] == "warn"
    assert levels(story(), "2m") == {}
    assert "D07" in levels(story()[1:], "2m"), "the age is what speaks for it"


def test_a_verification_stands_until_somebody_says_otherwise() -> None:
    doubted = {"at": "-2h", "accounts.verified": {"alipay_verified": False}}
    age = {"at": "-1h", "accounts.verified": {"created_at": "2025-10-01T00:00:00+08:00"}}
    assert levels([doubted, age, placed()], "2m") == {"D06": "info"}


@pytest.mark.parametrize(("reason", "severity"), [("sold_out", "critical"), ("unknown", "warn")])
def test_who_does_not_know_why_an_item_went_off_the_shelf_does_not_say_that_it_was_sold_out(
    reason: str, severity: str
) -> None:
    level = {"on_hand": 100, "held_unpaid": 60}
    events: list[Event] = [
        {"at": at, "stock.level": level, "item": "i"} for at in ("0s", "5m", "20m")
    ]
    events.append({"at": "10m", "listings.off_shelf": {"reason": reason}, "item": "i"})
    assert levels(events, "30m") == {"D02": severity}
