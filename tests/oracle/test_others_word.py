"""Whose word speaks for a buyer: what the pages imply, worked out by hand, and by the engine as well."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.episode_rows import engine_rows, oracle_rows
from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, MINUTE, ms
from tests.pipeline import run

TICK = 0.001
Tell = Callable[[SellerStory], None]


def _rings(story: SellerStory, paid: int) -> None:
    for number in range(6):
        story.buyer = f"b{number // 2}"
        story.created(f"o{number}", number, receiver={"phone": "13800138000"})
        if number < paid:
            story.paid(f"o{number}", HOUR + number)


def _requests(story: SellerStory, orders: int = 3) -> None:
    for number in range(orders):
        story.created(f"o{number}", number)
        story.paid(f"o{number}", number)
        story.requested(f"o{number}", DAY + number, event_id=f"q{number}")


def _invited(
    story: SellerStory, at: float, order: str | None = None, text: str = "您申请仅退款就行"
) -> None:
    _requests(story)
    story.seller_wrote(text, at, order)


def _decided(story: SellerStory, at: float) -> None:
    _requests(story)
    story.decided("o1", at, refund="r-o1")


def _swapped(story: SellerStory, units: int, grams: int) -> None:
    one = {"expected_sku_id": "a", "received_sku_id": "b", "expected_weight_g": 900}
    other = {"expected_sku_id": "b", "received_sku_id": "a", "expected_quantity": 2}
    story.inspected("o1", DAY, **one, received_quantity=units, expected_quantity=1)
    story.inspected("o2", DAY + 1, **other, received_quantity=1, received_weight_g=grams)


def _owned_up(story: SellerStory, at: float, order: str | None = None) -> None:
    story.created("o", HOUR)
    story.seller_wrote("不好意思,少发了一件", at, order)
    story.inspected("o", DAY)


def _claims(
    story: SellerStory, *, reason: str = "stockout", units: int = 1, asked: int = 100
) -> None:
    for number in range(2):
        story.created(f"o{number}", number, units)
        story.paid(f"o{number}", number)
        story.shipped(f"o{number}", HOUR)
        story.requested(
            f"o{number}", DAY + number, reason=reason, amount_minor=asked, paid_minor=100
        )


def _part(story: SellerStory, units: int, asked: int, *, more: bool = False) -> None:
    _claims(story, units=units, asked=asked)
    for order in ("o0", "o1") if more else ():
        story.requested(order, 2 * DAY, reason="stockout", refund=f"m-{order}", paid_minor=100)


def _forgot(
    story: SellerStory, at: float, order: str | None = None, text: str = "不好意思,少发了一件"
) -> None:
    _claims(story)
    story.seller_wrote(text, at, order)


def _unsent(story: SellerStory, at: float, order: str | None = None) -> None:
    _claims(story, reason="late_shipment")
    story.seller_wrote("亲,还没发出", at, order)


def _refused(story: SellerStory, at: float | None = None, order: str | None = None) -> None:
    story.created("o", HOUR, 50)
    if at is not None:
        story.seller_wrote("麻烦您拒收一下", at, order)
    story.parcel("refused", "o", DAY)
    story.requested("o", DAY + HOUR, reason="other", goods="not_received")


def _settled(story: SellerStory, at: float, refund: str = "r-o") -> None:
    _refused(story)
    story.granted("o", at, refund=refund)


def _freight(story: SellerStory, at: float, order: str | None = None) -> None:
    story.created("o", HOUR)
    story.seller_wrote("新疆要补20元运费", at, order)
    story.filed("k", "o", DAY, "postage")


def _at_it_again(story: SellerStory, text: str) -> None:
    story.created("o", 0)
    for attempt in (1, 2, 3):
        story.requested("o", attempt * DAY / 4, attempt=attempt)
        story.refund_step("refused", "o", attempt * DAY / 4 + 1, attempt=attempt, text=text)


def _kept(
    story: SellerStory, at: float, order: str | None = None, sku: str = "a", grams: int = 500
) -> None:
    story.created("o", HOUR)
    story.seller_wrote("碎的您留着用吧", at, order)
    numbers = {"expected_weight_g": 900, "received_weight_g": grams}
    story.inspected("o", DAY, expected_sku_id="a", received_sku_id=sku, **numbers)


def _wait(story: SellerStory, at: float, order: str | None = None, orders: int = 1) -> None:
    for number in range(orders):
        story.created(f"o{number}", DAY + number, 200)
    story.seller_wrote("您先拍下不要付款", at, order)


def _spoiled(story: SellerStory, orders: int) -> None:
    """Refund-only for so many orders, one an hour."""
    for number in range(orders):
        story.created(f"o{number}", 0)
        story.requested(f"o{number}", DAY + number * HOUR)


def _granted(story: SellerStory, orders: int, how: str, granted: int) -> None:
    _spoiled(story, orders)
    for number in range(granted):
        at = DAY + number * HOUR
        if how == "ruled":
            story.decided(f"o{number}", at + TICK, refund=f"r-o{number}")
        elif how == "upheld":
            story.filed(f"k{number}", f"o{number}", at, "other")
            story.ruled(f"k{number}", None, at + TICK, "upheld", "other")
        else:
            story.granted(f"o{number}", at, how)


def _gave_in(story: SellerStory, how: str) -> None:
    _at_it_again(story, "不同意")
    if how == "ruled":
        story.decided("o", DAY, refund="r-o")
    else:
        story.granted("o", DAY)


def _told_of(
    story: SellerStory,
    at: float = 2 * HOUR,
    text: str = "你们发错颜色了",
    short: int = 0,
    more: bool = False,
) -> None:
    story.created("o", HOUR)
    story.wrote(at, text)
    for order in ("o", "other") if more else ("o",):
        skus = {"expected_sku_id": "red", "received_sku_id": "blue"}
        numbers = {"expected_quantity": 2, "received_quantity": 2 - short}
        story.inspected(order, DAY, **skus, **numbers)


def _broken(story: SellerStory, reason: str, grams: int = 700) -> None:
    story.created("o", HOUR)
    story.requested("o", 2 * HOUR, reason=reason, refund_only=False)
    story.inspected("o", DAY, expected_weight_g=900, received_weight_g=grams)


def _judged(story: SellerStory, at: float, order: str = "o") -> None:
    story.created("o", HOUR)
    story.inspected("o", DAY)
    story.decided(order, at, refund=f"r-{order}")


def _came_back(story: SellerStory, whole: int, last: str = "match", judged: bool = False) -> None:
    for number in range(5):
        order = f"o{number}"
        story.created(order, 0)
        story.paid(order, 0)
        story.requested(order, DAY + number, reason="quality", refund_only=False)
        if number < whole:
            story.inspected(order, 2 * DAY, "match" if number else last)
        if judged:
            story.decided(order, 2 * DAY, refund=f"r-{order}")


def _admitted(story: SellerStory, *at: float) -> None:
    for one in at:
        story.seller_wrote("不好意思,少发了一件", one)
    _came_back(story, 0)


def _turned_away(story: SellerStory, *, sent: float = 2 * HOUR, how: str = "refused") -> None:
    story.created("o", HOUR, 30)
    story.paid("o", HOUR)
    story.shipped("o", sent)
    story.parcel(how, "o", 2.5 * DAY)
    story.requested("o", 2.6 * DAY, reason="other", goods="not_received", refund_only=False)


def _decided_for(story: SellerStory, ruling: str) -> None:
    _turned_away(story)
    story.decided("o", 2.7 * DAY, refund="r-o", ruling=ruling)


def _form(story: SellerStory, at: float, order: str = "o", *, invoice: bool = False) -> None:
    story.created("o", HOUR)
    if invoice:
        story.invoiced(order, at)
    else:
        story.requested(order, at, refund_only=False)
    story.filed("k", "o", DAY, "postage")


STORIES: dict[str, tuple[str, Tell, list[str]]] = {
    "a third of a ring is paid": ("D03", lambda s: _rings(s, 2), ["critical"]),
    "half of a ring is paid": ("D03", lambda s: _rings(s, 3), ["info"]),
    "three requests": ("D08", _requests, ["warn"]),
    "one was asked for": ("D08", lambda s: _invited(s, DAY - TICK), []),
    "of one the shop owned up": ("D08", lambda s: _invited(s, DAY, text="不好意思,少发了一件"), []),
    "at the very time": ("D08", lambda s: _invited(s, DAY + 2), []),
    "after the last": ("D08", lambda s: _invited(s, DAY + 2 + TICK), ["warn"]),
    "of this order": ("D08", lambda s: _invited(s, 1, "o2"), []),
    "of none of them": ("D08", lambda s: _invited(s, 1, "o9"), ["warn"]),
    "before it was placed": ("D08", lambda s: _invited(s, -1), ["warn"]),
    "decided with the request": ("D08", lambda s: _decided(s, DAY + 1), []),
    "decided after it": ("D08", lambda s: _decided(s, DAY + 1 + TICK), ["warn"]),
    "let keep": ("D08", lambda s: _invited(s, DAY, text="您留着用吧"), []),
    "refused three times": ("D08", lambda s: _at_it_again(s, "不同意"), ["warn"]),
    "refused to be told better": ("D08", lambda s: _at_it_again(s, "您重新申请"), []),
    "three ruled": ("D08", lambda s: _granted(s, 3, "ruled", 3), ["info"]),
    "five ruled": ("D08", lambda s: _granted(s, 5, "ruled", 5), ["info"]),
    "five upheld": ("D08", lambda s: _granted(s, 5, "upheld", 5), ["info"]),
    "five of which four ruled": ("D08", lambda s: _granted(s, 5, "ruled", 4), ["critical"]),
    "given in to": ("D08", lambda s: _gave_in(s, "agreed"), ["warn"]),
    "refused without reason": ("D08", lambda s: _gave_in(s, "ruled"), ["info"]),
    "placed unpaid": ("D01", lambda s: _wait(s, -DAY), ["critical"]),
    "asked to, a day before": ("D01", lambda s: _wait(s, 0), ["info"]),
    "asked to, more than a day before": ("D01", lambda s: _wait(s, -TICK), ["critical"]),
    "asked to, a day after": ("D01", lambda s: _wait(s, 2 * DAY), ["info"]),
    "asked to, more than a day after": ("D01", lambda s: _wait(s, 2 * DAY + TICK), ["critical"]),
    "asked to, by name": ("D01", lambda s: _wait(s, -DAY, "o0"), ["info"]),
    "asked to, by the name of another": ("D01", lambda s: _wait(s, DAY, "x"), ["critical"]),
    "asked to, one of two": ("D01", lambda s: _wait(s, DAY, "o0", 2), ["critical"]),
    "let keep some of it": ("D09", lambda s: _kept(s, DAY), []),
    "let keep afterwards": ("D09", lambda s: _kept(s, DAY + TICK), ["critical"]),
    "let keep, and another came": ("D09", lambda s: _kept(s, DAY, sku="b"), ["critical"]),
    "let keep, and more came": ("D09", lambda s: _kept(s, DAY, grams=1200), ["critical"]),
    "let keep, and half came": ("D09", lambda s: _kept(s, DAY, grams=450), []),
    "let keep, and less than half came": ("D09", lambda s: _kept(s, DAY, grams=449), ["critical"]),
    "let keep of another": ("D09", lambda s: _kept(s, 2 * HOUR, "x"), ["critical"]),
    "each holds the other": ("D09", lambda s: _swapped(s, 2, 990), []),
    "one is too light for the other": ("D09", lambda s: _swapped(s, 2, 809), ["critical"]),
    "one is less than the other": ("D09", lambda s: _swapped(s, 1, 900), ["critical"]),
    "owned up when it came": ("D09", lambda s: _owned_up(s, DAY), []),
    "owned up afterwards": ("D09", lambda s: _owned_up(s, DAY + TICK), ["critical"]),
    "owned up before the order": ("D09", lambda s: _owned_up(s, HOUR - TICK), ["critical"]),
    "owned up of the order by name": ("D09", lambda s: _owned_up(s, HOUR - TICK, "o"), []),
    "owned up of another": ("D09", lambda s: _owned_up(s, 2 * HOUR, "x"), ["critical"]),
    "told of another colour": ("D09", _told_of, ["info"]),
    "told of it when it came": ("D09", lambda s: _told_of(s, DAY), ["info"]),
    "told of it afterwards": ("D09", lambda s: _told_of(s, DAY + TICK), ["critical"]),
    "told of it before the order": ("D09", lambda s: _told_of(s, HOUR - TICK), ["critical"]),
    "told of something else": ("D09", lambda s: _told_of(s, text="什么时候到"), ["critical"]),
    "told of it, and one is missing": ("D09", lambda s: _told_of(s, short=1), ["warn"]),
    "told of it, and of two orders": ("D09", lambda s: _told_of(s, more=True), ["critical"]),
    "broken and light": ("D09", lambda s: _broken(s, "damaged"), ["warn"]),
    "broken and very light": ("D09", lambda s: _broken(s, "damaged", 100), ["critical"]),
    "unwanted and light": ("D09", lambda s: _broken(s, "other"), ["critical"]),
    "found right about it": ("D09", lambda s: _judged(s, DAY), ["info"]),
    "found right before it": ("D09", lambda s: _judged(s, DAY - TICK), ["critical"]),
    "found right about another": ("D09", lambda s: _judged(s, DAY, "x"), ["critical"]),
    "five came back": ("D09", lambda s: _came_back(s, 0), ["warn"]),
    "five came back whole": ("D09", lambda s: _came_back(s, 5), ["info"]),
    "four came back whole": ("D09", lambda s: _came_back(s, 4), ["warn"]),
    "five came back, one damaged": ("D09", lambda s: _came_back(s, 5, "damaged"), ["warn"]),
    "five were found right": ("D09", lambda s: _came_back(s, 0, judged=True), ["info"]),
    "owned up to one of five": ("D09", lambda s: _admitted(s, 1), []),
    "owned up after the fifth": ("D09", lambda s: _admitted(s, DAY + 5), ["warn"]),
    "a part of one unit": ("D10", lambda s: _part(s, 1, 40), ["warn"]),
    "a part of two units": ("D10", lambda s: _part(s, 2, 89), []),
    "all of two units": ("D10", lambda s: _part(s, 2, 90), ["warn"]),
    "a part, and all in the end": ("D10", lambda s: _part(s, 2, 40, more=True), ["warn"]),
    "something was forgotten": ("D10", lambda s: _forgot(s, HOUR), []),
    "forgotten in one parcel": ("D10", lambda s: _forgot(s, HOUR, "o1"), []),
    "forgotten in another": ("D10", lambda s: _forgot(s, HOUR, "x"), ["warn"]),
    "forgotten after the claims": ("D10", lambda s: _forgot(s, DAY + 2), ["warn"]),
    "nothing left for any order": ("D10", lambda s: _forgot(s, HOUR, "x", "亲,没货了"), []),
    "not sent, when it was clicked": ("D10", lambda s: _unsent(s, HOUR), []),
    "not sent, before the click": ("D10", lambda s: _unsent(s, HOUR - TICK), ["warn"]),
    "not sent, after the claims": ("D10", lambda s: _unsent(s, DAY + 2), ["warn"]),
    "not sent, of another": ("D10", lambda s: _unsent(s, 2 * HOUR, "x"), ["warn"]),
    "not sent, of one": ("D10", lambda s: _unsent(s, 2 * HOUR, "o1"), []),
    "refused": ("D12", _refused, ["warn"]),
    "refused as asked": ("D12", lambda s: _refused(s, DAY), []),
    "asked to afterwards": ("D12", lambda s: _refused(s, DAY + TICK), ["warn"]),
    "asked to of another": ("D12", lambda s: _refused(s, DAY, "x"), ["warn"]),
    "turned away": ("D12", _turned_away, ["warn"]),
    "turned away, left too late": (
        "D12",
        lambda s: _turned_away(s, sent=2 * DAY + HOUR + TICK),
        ["info"],
    ),
    "turned away, left in time": ("D12", lambda s: _turned_away(s, sent=2 * DAY + HOUR), ["warn"]),
    "came back unrefused": ("D12", lambda s: _turned_away(s, how="returned_to_sender"), ["info"]),
    "ruled the buyer's": ("D12", lambda s: _decided_for(s, "buyer"), ["info"]),
    "ruled the seller's": ("D12", lambda s: _decided_for(s, "seller"), ["warn"]),
    "granted before it was refused": ("D12", lambda s: _settled(s, DAY), []),
    "granted after it was refused": ("D12", lambda s: _settled(s, DAY + TICK), ["warn"]),
    "another refund was granted": ("D12", lambda s: _settled(s, DAY, "another"), ["warn"]),
    "asked for a refund by form": ("D15", lambda s: _form(s, DAY), []),
    "asked by form afterwards": ("D15", lambda s: _form(s, DAY + TICK), ["warn"]),
    "asked by form of another": ("D15", lambda s: _form(s, 2 * HOUR, "x"), ["warn"]),
    "asked for an invoice": ("D15", lambda s: _form(s, 2 * HOUR, invoice=True), []),
    "asked for freight": ("D15", lambda s: _freight(s, DAY), []),
    "asked for it afterwards": ("D15", lambda s: _freight(s, DAY + TICK), ["warn"]),
    "asked for it of another": ("D15", lambda s: _freight(s, 2 * HOUR, "x"), ["warn"]),
    "asked for it before the order": ("D15", lambda s: _freight(s, HOUR - MINUTE), ["warn"]),
}


@pytest.mark.parametrize(("detector", "tell", "wanted"), STORIES.values(), ids=STORIES)
def test_oracle_and_engine_say_what_the_page_says(
    detector: str, tell: Tell, wanted: list[str]
) -> None:
    story = SellerStory()
    tell(story)
    assert [episode.severity for episode in story.told(detector, 3 * DAY)] == wanted
    pipeline = run(story.events, ms(3 * DAY))
    found = engine_rows(pipeline.alerts, pipeline.partitions)
    assert [row for row in found if row.detector == detector] == oracle_rows(
        story.events, ms(3 * DAY), detectors=[detector]
    )
