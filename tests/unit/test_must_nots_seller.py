"""Must-nots of the seller's side (domain N01, N18, N19, N22, N23), each with its positive twin."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest

from schemas.alerts import ActionCode
from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, ms
from tests.pipeline import Event, Pipeline, build_engine, run

ITEM = {"event_id": "l1", "schema_version": 1, "occurred_at": "2026-11-01T00:00:00Z"}


def told(events: list[Event], until: float = 20 * DAY) -> dict[str, dict[str, Any]]:
    """The standing alert of each detector that says anything."""
    return {alert["detector"]: alert for alert in run(events, ms(until)).standing.values()}


def test_n01_closing_by_hand_is_observed_and_never_suggested() -> None:
    story = SellerStory()
    for number in range(3):
        story.created(f"o{number}", number)
    story.closed_by("seller", "o0", HOUR)
    alert = told(story.events, 2 * HOUR)["D33"]
    codes = {action["code"] for action in alert["suggested_actions"]}
    assert codes == {"A5_notify", "A6_evidence_pack"}
    assert not [code for code in get_args(ActionCode) if re.search("close|cancel", code)]
    assert "Unpaid orders of this buyer besides: 2." in alert["summary"]["en"]


def test_n01_twin_what_the_platform_closes_is_no_case() -> None:
    story = SellerStory()
    story.created("o", 0)
    story.closed_by("system", "o", 3 * DAY)
    assert told(story.events) == {}


@pytest.mark.parametrize("reason", ["seven_day_no_reason", "damaged"])
def test_n18_one_return_or_one_refund_is_nothing(reason: str) -> None:
    story = SellerStory()
    story.created("o", 0)
    story.paid("o", 10)
    story.shipped("o", HOUR)
    story.requested("o", 3 * DAY, reason=reason, refund_only=reason == "damaged")
    story.returned("label_created", "o", 4 * DAY)
    story.inspected("o", 8 * DAY, "match")
    assert told(story.events) == {}


def test_n18_twin_another_thing_in_the_parcel_is_not_a_seven_day_return() -> None:
    story = SellerStory()
    story.requested("o", 3 * DAY, reason="seven_day_no_reason", refund_only=False)
    story.inspected("o", 8 * DAY, expected_sku_id="new", received_sku_id="old")
    assert told(story.events)["D09"]["severity"] == "critical"


def test_n19_what_the_carrier_broke_or_mixed_up_is_the_carriers() -> None:
    story = SellerStory()
    story.inspected("o", DAY, "damaged", expected_weight_g=1000, received_weight_g=300)
    story.disputed("p", DAY, "wrong_item", channel="cainiao_online")
    story.disputed("q", DAY, "damaged", channel="cainiao_online")
    alerts = told(story.events, 2 * DAY)
    assert {name: alert["severity"] for name, alert in alerts.items()} == {
        "D28": "info",
        "D29": "info",
    }
    for alert in alerts.values():
        assert "物流" in alert["summary"]["zh"]
        assert "carrier" in alert["summary"]["en"]


def test_n22_a_complaint_after_a_chat_is_no_d15() -> None:
    story = SellerStory()
    story.created("o", 0)
    story.chatted(HOUR)
    story.filed("k", "o", 3 * DAY, "postage")
    assert told(story.events) == {}


def test_n22_twin_without_a_chat_it_is_expected_to_fail() -> None:
    story = SellerStory()
    story.created("o", 0)
    story.filed("k", "o", 3 * DAY, "postage")
    alert = told(story.events)["D15"]
    assert "不成立" in alert["summary"]["zh"]


@pytest.mark.parametrize("ruling", ["upheld", "rejected", "withdrawn"])
def test_once_a_complaint_is_ruled_nothing_is_expected_of_it(ruling: str) -> None:
    story = SellerStory()
    story.created("o", 0)
    story.filed("k", "o", 3 * DAY, "postage")
    story.ruled("k", "o", 5 * DAY, ruling, "postage")
    alert = told(story.events)["D15"]
    assert "预计" not in alert["summary"]["zh"]
    assert "expected" not in alert["summary"]["en"]
    assert {"upheld": "upheld", "rejected": "rejected", "withdrawn": "withdrew"}[ruling] in (
        alert["summary"]["en"]
    )
    codes = {action["code"] for action in alert["suggested_actions"]}
    assert "A10_draft_complaint" not in codes
    assert ("A11_warn_agent" in codes) is (ruling == "upheld")
    assert "A4_remind" in codes


def bad_listing() -> Event:
    body = {"title": "保温杯 包邮", "post_fee_minor": 1500, "type": "published"}
    return "listings", {**ITEM, "shop_id": "s", "item_id": "i", **body}


def test_n23_a_template_error_is_told_to_the_seller_although_the_buyer_is_flagged() -> None:
    story = SellerStory()
    for number in range(6):
        story.created(f"o{number}", 60 * number)
    story.filed("k", "o0", 3 * HOUR, "postage")
    alerts = told([*story.events, bad_listing()], 12 * HOUR)
    assert {"D01", "D15", "D26"} <= alerts.keys()
    listing = alerts["D26"]
    assert (listing["subject"]["kind"], listing["severity"]) == ("item", "warn")
    assert "b" not in {fact["ref"] for fact in listing["evidence"]["facts"]}
    assert "D26" in str(alerts["D15"]["suggested_actions"])


def test_n23_twin_a_listing_that_names_its_exclusions_is_nothing() -> None:
    topic, listing = bad_listing()
    fair = {**listing, "post_fee_minor": 0, "excluded_regions": ["西藏"], "description": "西藏除外"}
    assert told([(topic, fair)]) == {}


def test_a_shop_without_chats_is_told_nothing_about_missing_ones() -> None:
    story = SellerStory()
    story.created("o", 0)
    story.filed("k", "o", 3 * DAY, "postage")
    silent = build_engine(shops={"s": {"D15": {"concludes_from_silence": False}}})
    pipeline = Pipeline(silent)
    pipeline.send(story.events)
    assert pipeline.finish(ms(20 * DAY)).standing == {}


def late_and_claimed(shipped: float) -> dict[str, dict[str, Any]]:
    story = SellerStory()
    for order in ("a", "b"):
        story.created(order, 0)
        story.paid(order, 0)
        story.shipped(order, shipped)
        story.requested(order, 4 * DAY, reason="late_shipment", goods="not_received")
    return told(story.events)


def test_n15_a_late_seller_is_told_of_the_breach_and_the_claims_are_genuine() -> None:
    alerts = late_and_claimed(3 * DAY)
    assert alerts.keys() == {"D34"}
    assert alerts["D34"]["severity"] == "critical"
    # What was shipped, however late, need not be filed any more.
    assert {deadline["code"] for deadline in alerts["D34"]["deadlines"]} == {"T02"}


def test_n15_twin_claims_on_parcels_shipped_in_time_are_not() -> None:
    assert late_and_claimed(HOUR).keys() == {"D10"}


def test_a_shop_whose_shipments_are_not_told_is_not_called_late() -> None:
    story = SellerStory()
    story.paid("o", 0)
    silent = build_engine(shops={"s": {"D34": {"concludes_from_silence": False}}})
    pipeline = Pipeline(silent)
    pipeline.send(story.events)
    assert pipeline.finish(ms(20 * DAY)).standing == {}


@pytest.mark.parametrize("how", ["closed", "refunded"])
def test_nobody_is_told_to_ship_what_need_not_be_shipped_any_more(how: str) -> None:
    story = SellerStory()
    story.created("o", 0)
    story.paid("o", 10)
    if how == "closed":
        story.closed_by("buyer", "o", 50 * HOUR)
    else:
        story.requested("o", 50 * HOUR, reason="no_longer_wanted", goods="not_received")
        story.refund_step("agreed", "o", 51 * HOUR)
    alert = told(story.events)["D34"]
    assert alert["status"] == "resolved"
    said = [alert["summary"], *(action["text"] for action in alert["suggested_actions"])]
    assert not any(re.search("尽快发货|前发货|备案", text["zh"]) for text in said)
    assert not any(re.search("(?i)^ship|ship it|ship before|file ", text["en"]) for text in said)
    assert alert["deadlines"] == []
    (step,) = alert["suggested_actions"]
    assert "无需发货" in step["text"]["zh"]
    # A part of the money may have been refunded, and then the rest of the order is still due.
    assert ("部分退款的仍须发货" in step["text"]["zh"]) is (how == "refunded")


def test_twin_while_it_is_open_shipping_is_what_to_do() -> None:
    story = SellerStory()
    story.created("o", 0)
    story.paid("o", 10)
    alert = told(story.events, 50 * HOUR)["D34"]
    assert "尽快发货" in alert["summary"]["zh"]
    assert {due["code"] for due in alert["deadlines"]} == {"T02", "T12"}
