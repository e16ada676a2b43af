"""Scenes about single orders, for histories that come close to the limits of D05 to D07, D12 and D16.

Times and numbers sit on, just before and just after what the pages say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.oracle.case_story import CaseStory
from tests.oracle.story import DAY, HOUR
from tests.pipeline import Event

Draw = Callable[[st.SearchStrategy[Any]], Any]
TICK = 0.001
GAPS = st.sampled_from([0, TICK, HOUR, DAY, 7 * DAY - TICK, 7 * DAY, 15 * DAY - TICK, 15 * DAY])
UNITS = st.sampled_from([(1,), (19,), (20,), (10, 10), (10, 10, 19), (21, 1), (1, 1, 200)])
AMOUNTS = st.sampled_from([1000, 99_999, 100_000, 500_000])
CURRENCIES = st.sampled_from(["CNY", "CNY", "cny", "KRW"])
HOME = {"country": "CN", "state": "浙江省", "city": "杭州市", "detail": "文三路1号2幢301室"}
RECEIVERS = st.sampled_from(
    [
        None,
        HOME,
        {**HOME, "detail": "asdf"},
        {**HOME, "detail": "江苏省南京市中山路1号"},
        {**HOME, "phone": "123"},
        {**HOME, "phone": "123", "detail": "asdf"},
        {**HOME, "country": "HK"},
        {**HOME, "country": "", "state": "台湾省"},
        {**HOME, "country": "us", "state": "CA"},
    ]
)
OFTEN, SELDOM = st.sampled_from([True, True, True, False]), st.sampled_from([True, False, False])
CATEGORIES = st.sampled_from([None, "女装/连衣裙", "连衣裙", "男装/连衣裙", "箱包/女包"])
REASONS = st.sampled_from(["no_longer_wanted", "other", "damaged", "late_shipment"])


class _Buyer:
    """One buyer's line of time, within 40 days of the first event."""

    def __init__(self, draw: Draw, story: CaseStory, at: float) -> None:
        self.draw = draw
        self.story = story
        self.at = at

    def later(self) -> float:
        self.at = min(40 * DAY, self.at + self.draw(GAPS))
        return self.at

    def order(self, name: str) -> None:
        """Created, perhaps told anew, perhaps paid, moved, closed."""
        draw, story = self.draw, self.story
        for _ in range(1 + draw(SELDOM)):
            story.ordered(
                name,
                self.later(),
                draw(UNITS),
                receiver=draw(RECEIVERS),
                amount_minor=draw(AMOUNTS),
                currency=draw(CURRENCIES),
                free_shipping=draw(OFTEN),
                category=draw(CATEGORIES),
            )
        for number in range(draw(st.integers(0, 2))):
            story.paid(name, self.at + draw(st.sampled_from([-1, 0, 20, DAY])), f"{name}-{number}")
        for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 3]))):
            receiver = draw(RECEIVERS)
            if receiver is not None:
                story.moved(name, self.later(), receiver)
        if draw(SELDOM):
            story.closed(name, self.at + draw(st.sampled_from([-HOUR, 0, DAY])))

    def account(self) -> None:
        """Verified or not, new or not, of some age, with a phone or not."""
        draw, story = self.draw, self.story
        if draw(SELDOM):
            born = draw(st.sampled_from([None, "2026-08-03T00:00:00Z", "2020-01-01T00:00:00Z"]))
            is_verified = draw(st.sampled_from([None, True, False, False]))
            story.account("verified", self.later(), alipay_verified=is_verified, created_at=born)
        if draw(SELDOM):
            valid = draw(st.sampled_from([None, True, False, False]))
            story.account("flags", self.later(), is_new=draw(st.booleans()), phone_valid=valid)

    def reviews(self, name: str) -> None:
        """Whether the buyer sells too, and what the buyer says about an order."""
        draw, story = self.draw, self.story
        if draw(OFTEN):
            leaves = draw(st.lists(CATEGORIES.filter(bool), max_size=2))
            is_seller = draw(OFTEN)
            story.account(
                "seller_category", self.later(), is_seller=is_seller, leaf_categories=leaves
            )
        if not draw(OFTEN):
            return
        item = draw(st.sampled_from([None, "i1", "i2", "i9"]))
        for kind in ("posted", "appended", "changed", "deleted"):
            if kind == "posted" or draw(SELDOM):
                rating = draw(st.sampled_from(["bad", "bad", "neutral", "good"]))
                story.review(kind, f"r-{name}", name, self.later(), rating, item)

    def parcel(self, name: str) -> None:
        """Shipped, refused or sent back, refunds asked for and perhaps withdrawn."""
        draw, story = self.draw, self.story
        if draw(SELDOM):
            story.shipped(name, self.later())
        self.calls()
        if draw(SELDOM):
            named = draw(st.sampled_from([None, name, "o0"]))
            story.seller_wrote("亲,麻烦您拒收一下", self.later(), named)
        if not draw(OFTEN):
            return
        for _ in range(1 + draw(SELDOM)):
            kind = draw(st.sampled_from(["refused", "returned_to_sender", "delivered"]))
            story.parcel(kind, name, self.later())
        if draw(SELDOM):
            before = self.at + draw(st.sampled_from([-DAY, -TICK, 0, TICK]))
            story.wrote(max(0, before), "盒子压扁了")
        if draw(SELDOM):
            before = self.at + draw(st.sampled_from([-DAY, -TICK, 0, TICK]))
            story.requested(name, max(0, before), refund="first", goods="not_received")
        if draw(SELDOM):
            story.decided(name, self.at + DAY, refund=f"r-{name}")
        for attempt in range(1, draw(st.integers(1, 3))):
            at = self.at + draw(st.sampled_from([-TICK, 0, HOUR, DAY]))
            reason = draw(REASONS)
            story.requested(name, at, attempt=attempt, reason=reason, goods="returned")
            if draw(SELDOM):
                story.refund_step("withdrawn", name, at + HOUR, attempt=attempt)
        self.granted(name)

    def calls(self) -> None:
        """The seller tries to reach the buyer, who may answer, or write on that day or on the next one."""
        draw, story = self.draw, self.story
        for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2, 3]))):
            at = max(0, self.at + draw(st.sampled_from([-DAY, -HOUR, -TICK, 0, TICK, HOUR, DAY])))
            story.contact(at, answered=draw(st.sampled_from([*[False] * 8, True, None])))
        if draw(st.integers(0, 9)) == 9:
            story.wrote(self.at + draw(st.sampled_from([0, HOUR, DAY])))

    def granted(self, name: str) -> None:
        """The refund is agreed or paid back around the time of the requests, or the order is exempt."""
        draw, story = self.draw, self.story
        for kind in ("agreed", "succeeded"):
            if draw(SELDOM):
                at = min(
                    40 * DAY, self.at + draw(st.sampled_from([-DAY, -TICK, 0, HOUR, 15 * DAY]))
                )
                money = {} if kind == "agreed" else {"currency": "CNY", "amount_minor": 100}
                body = {"refund_id": f"r-{name}", "order_id": name, "attempt_no": 1}
                story._add("refunds", kind, at, None, **body, **money)
        if draw(SELDOM):
            at = self.at + draw(st.sampled_from([-DAY, 0, HOUR]))
            story._add("filings", "accepted", at, None, filing_id=f"f-{name}", order_id=name)
        if draw(st.integers(0, 9)) == 9:
            at = self.at + draw(st.sampled_from([-DAY, 0, HOUR]))
            body = {"recharge_id": f"t-{name}", "currency": "CNY", "face_value_minor": 100}
            story._add("recharges", "submitted", at, None, order_id=name, **body)


@st.composite
def case_histories(draw: Draw, most_buyers: int = 3) -> list[Event]:
    """The events of a few buyers with one to three orders each."""
    story = CaseStory()
    for number in range(draw(st.integers(1, most_buyers))):
        story.buyer = f"b{number}"
        buyer = _Buyer(draw, story, draw(st.sampled_from([0, HOUR, DAY])))
        buyer.account()
        for order in range(draw(st.integers(1, 3))):
            buyer.order(f"o{order}")
            buyer.account()
            buyer.parcel(f"o{order}")
            buyer.reviews(f"o{order}")
        buyer.account()
    return list(story.events)
