"""L2 on what was written: detectors agree with the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle.story import DAY, HOUR, MINUTE, ms
from tests.pipeline import Event, run
from tests.talk_stories import Talk, engine_rows, oracle_rows

Draw = Callable[[st.SearchStrategy[Any]], Any]
TICK = 0.001
NUMBERS = ("320198765432100001", "320198765432100002", "320198765432100003")
TEXTS = st.sampled_from(
    [
        "不给500元红包就差评",
        "我要投诉你们",
        "转我支付宝300元",
        "我付了两次,多付了300",
        "我付了两次,多付了1000",
        "加我微信谈",
        "要求赔偿,不然投诉",
        "衣服洗一次就破了个洞",
        "补偿我30元,不然差评",
        "好评返现吗?收件人电话是多少",
        "发票和商品分开发可以吗",
        "帮我核对一下地址",
        "什么时候发货",
        "有人打电话自称客服,让我转账",
        "接到诈骗电话,知道我的订单",
        *(f"订单{number}的收件人电话是多少" for number in NUMBERS),
        # A digit too few, too many, and two that changed places.
        *(f"订单32019876543210000{end}的收件人电话是多少" for end in ("", "11", "2")),
        "订单320198765432010001的收件人电话是多少",
        "确认一下收货地址,发票单独寄公司可以吗",
        *NUMBERS,
    ]
)
STEPS = st.sampled_from(
    [0, TICK, MINUTE, 5 * MINUTE, 10 * MINUTE - TICK, 10 * MINUTE, 10 * MINUTE + TICK, HOUR]
)
LEAPS = st.sampled_from(
    [
        *(DAY, 5 * DAY, 7 * DAY, 7 * DAY + TICK, 10 * DAY),
        *(30 * DAY - 10 * MINUTE, 30 * DAY, 30 * DAY + TICK),
    ]
)
RATINGS = st.sampled_from(["bad", "bad", "bad", "neutral", "good"])
WRITTEN = st.sampled_from(
    [
        *("", "", ""),
        *("日结兼职,加微信 abc12345", "日结兼职,加微信 abc12345"),
        "客服是傻逼",
        "傻逼商家,臭不要脸",
        "老板电话13812345678,大家打",
        "他妈的太慢了",
        "你们泄露信息,我遇到假客服,被骗了",
    ]
)
LAST = 40 * DAY
HORIZONS = st.sampled_from([ms(at) for at in (HOUR, DAY, 30 * DAY, 31 * DAY, 40 * DAY, 80 * DAY)])


@st.composite
def talks(draw: Draw) -> list[Event]:
    """Orders, some paid, with chats, reviews and complaints around them, in no particular order."""
    story = Talk()
    at = 0.0
    for _ in range(draw(st.integers(3, 14))):
        at = min(LAST, at + draw(STEPS if draw(st.integers(0, 3)) else LEAPS))
        story.buyer = draw(st.sampled_from(["b", "b", "b", "c"]))
        order = draw(st.sampled_from(NUMBERS))
        kind = draw(st.integers(0, 18))
        if kind == 18:
            offer = draw(
                st.sampled_from(["给您补偿30元", "给您补偿2000元", "如果破损补偿您2000元"])
            )
            story.said(offer, at, sender="seller")
        elif kind > 11:
            at = _baited(draw, story, at, order, f"k{at}")
        elif kind <= 4:
            story.said(draw(TEXTS), at)
        elif kind <= 6:
            part = draw(st.sampled_from(["posted", "posted", "appended", "changed"]))
            posted = draw(st.sampled_from([None, None, at - 20 * DAY, at + DAY]))
            story.reviewed(part, order, at, draw(RATINGS), draw(WRITTEN), posted=posted)
        elif kind == 7:
            complaint = draw(st.sampled_from(["k1", "k2"]))
            about = draw(st.sampled_from(["privacy_leak", "privacy_leak", "invoice", "postage"]))
            story.filed(complaint, order if draw(st.booleans()) else None, at, about)
        elif kind == 8:
            complaint = draw(st.sampled_from(["k1", "k2"]))
            ruling = draw(st.sampled_from(["upheld", "rejected", "withdrawn"]))
            story.ruled(complaint, order, at, ruling)
        elif kind == 9:
            story.created(order, at)
        elif kind == 10:
            story.taken_down(order, at)
        else:
            story.refused_invoice(order, at)
    return list(story.events)


def _baited(draw: Draw, story: Talk, at: float, order: str, complaint: str) -> float:
    """A bait and, about the window later, a complaint of the same account or of another."""
    about, bait = draw(
        st.sampled_from(
            [
                ("privacy_leak", f"订单{order}的收件人电话是多少"),
                ("privacy_leak", "好评返现吗?收件人电话是多少"),
                ("breach_of_promise", "好评返现吗?收件人电话是多少"),
                ("invoice", "发票和商品分开发可以吗"),
            ]
        )
    )
    story.said(bait, at)
    if not draw(st.integers(0, 3)):
        story.refused_invoice(order, at)
    if not draw(st.integers(0, 5)):
        story.said("不好意思,开不了发票", at, sender="seller")
    if not draw(st.integers(0, 2)):
        near = draw(st.sampled_from([-DAY - TICK, -DAY, -TICK, 0, TICK, HOUR]))
        texts = ["亲,要补12元运费", "亲,好评返现5元", "亲,这个不是我们店的订单"]
        about_it = draw(st.sampled_from([None, None, order, NUMBERS[0]]))
        story.said(draw(st.sampled_from(texts)), max(0, at + near), sender="seller", order=about_it)
    if not draw(st.integers(0, 3)):
        story.asked_invoice(order, max(0, at - draw(st.sampled_from([DAY - MINUTE, DAY, 2 * DAY]))))
        if draw(st.booleans()):
            story.issued_invoice(order, at + draw(st.sampled_from([-HOUR, 0, MINUTE])))
    if not draw(st.integers(0, 3)):
        paid = max(0, at - draw(st.sampled_from([0, DAY, 2 * DAY, 3 * DAY])))
        story.paid(order, paid)
        if draw(st.booleans()):
            story.shipped(order, paid + draw(st.sampled_from([HOUR, 2 * DAY, 2 * DAY + TICK])))
    if draw(st.booleans()):
        story.buyer = draw(st.sampled_from(["a", "b"]))
    at = min(LAST, at + draw(STEPS))
    story.filed(complaint, order if draw(st.integers(0, 5)) else None, at, about)
    if draw(st.integers(0, 2)):
        return at
    ruling = draw(st.sampled_from(["upheld", "rejected", "withdrawn"]))
    story.ruled(complaint, order, at + DAY, ruling, about)
    return at


@st.composite
def reviewers(draw: Draw) -> list[Event]:
    """A buyer with several paid orders who reviews most of them badly, and perhaps demands money."""
    story = Talk()
    ratings = draw(st.sampled_from([st.just("bad"), st.just("bad"), RATINGS]))
    for number in range(draw(st.integers(4, 8))):
        order, at = f"o{number}", number * draw(st.sampled_from([HOUR, DAY, 5 * DAY]))
        if draw(st.integers(0, 9)):
            story.paid(order, at)
        if draw(st.integers(0, 9)):
            at = min(LAST, at + draw(st.sampled_from([HOUR, 2 * DAY])))
            story.reviewed("posted", order, at, draw(ratings), draw(WRITTEN))
            if not draw(st.integers(0, 5)):
                posted = draw(st.sampled_from([None, at, at - 20 * DAY]))
                story.reviewed(
                    "changed", order, at + HOUR, draw(RATINGS), draw(WRITTEN), posted=posted
                )
            if not draw(st.integers(0, 7)):
                story.taken_down(order, at + draw(st.sampled_from([-HOUR, 2 * HOUR])))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.sampled_from([0, DAY, 5 * DAY, 10 * DAY, LAST]))
        story.said("我要投诉", at)
        story.said("给我1000元私了", at + draw(STEPS))
    return list(story.events)


@st.composite
def demanders(draw: Draw) -> list[Event]:
    """Threats and demands about the window and the cooldown apart, with complaints around them."""
    story = Talk()
    at = 0.0
    steps = st.sampled_from(
        [TICK, MINUTE, 10 * MINUTE, 10 * MINUTE + TICK, DAY - TICK, DAY, DAY + TICK]
    )
    texts = st.sampled_from(
        [
            "我要投诉你们",
            "转我支付宝300元",
            "我付了两次,多付了300",
            "我付了两次,多付了1000",
            "加我微信谈",
            "要求赔偿,不然投诉",
            "不给500元红包就差评",
            "不返现就差评",
            "衣服洗一次就破了个洞",
            "衣服破了,赔我30元",
            "补偿我30元",
            "补偿我30元,不然差评,加我微信",
        ]
    )
    for _ in range(draw(st.integers(2, 8))):
        story.said(draw(texts), at)
        if not draw(st.integers(0, 3)):
            filed = at + draw(st.sampled_from([-DAY, 0, TICK, DAY - TICK, DAY, DAY + TICK]))
            story.filed("k1", "o", filed, "postage")
            if draw(st.booleans()):
                ruling = draw(st.sampled_from(["upheld", "rejected", "withdrawn"]))
                story.ruled("k1", "o", filed + draw(steps), ruling, "postage")
        at = min(LAST, at + draw(steps))
    return list(story.events)


HENAN = {
    "name": "张三",
    "phone": "13800138000",
    "country": "CN",
    "state": "河南省",
    "city": "郑州市",
    "district": "金水区",
    "detail": "花园路88号5幢1202室",
}
BEIJING = {
    **HENAN,
    "state": "北京市",
    "city": "北京市",
    "district": "朝阳区",
    "detail": "建国路93号7幢301室",
}


@st.composite
def invoices(draw: Draw) -> list[Event]:
    """Invoices asked for, refused and issued, in the platform's form and in the chat, in any order."""
    story = Talk()
    at = 0.0
    for order in NUMBERS[:2]:
        if draw(st.booleans()):
            story.created(order, 0, receiver=draw(st.sampled_from([HENAN, BEIJING])))
    for _ in range(draw(st.integers(2, 10))):
        at = min(
            LAST, at + draw(st.sampled_from([TICK, HOUR, DAY - TICK, DAY, DAY + TICK, 5 * DAY]))
        )
        order = draw(st.sampled_from(NUMBERS[:2]))
        kind = draw(st.integers(0, 7))
        if kind == 0:
            story.asked_invoice(order, at, draw(st.sampled_from([None, HENAN, BEIJING])))
        elif kind == 1:
            story.refused_invoice(order, at)
        elif kind == 2:
            story.issued_invoice(order, at)
        elif kind == 3:
            story.redirected(order, at, draw(st.sampled_from([HENAN, BEIJING])))
        elif kind == 7:
            # Minutes after one was asked for; about that order, another one or none.
            story.asked_invoice(order, at, draw(st.sampled_from([HENAN, BEIJING])))
            at += draw(st.sampled_from([0, MINUTE, 10 * MINUTE, 10 * MINUTE + TICK]))
            about = draw(st.sampled_from([order, order, NUMBERS[0], None]))
            story.filed(f"k{at}", about, at, "invoice")
        elif kind == 4:
            named = draw(st.sampled_from([None, None, order]))
            story.said("不好意思,开不了发票", at, sender="seller", order=named)
        else:
            named = draw(st.sampled_from([None, None, order]))
            story.said("发票和商品分开发可以吗", at, order=named)
    return list(story.events)


@settings(max_examples=25)
@given(demanders(), HORIZONS)
def test_demanders_agree_with_the_oracle(events: list[Event], horizon_ms: int) -> None:
    assert engine_rows(run(events, horizon_ms)) == oracle_rows(events, horizon_ms)


@settings(max_examples=25)
@given(invoices(), HORIZONS)
def test_invoices_agree_with_the_oracle(events: list[Event], horizon_ms: int) -> None:
    assert engine_rows(run(events, horizon_ms)) == oracle_rows(events, horizon_ms)


@settings(max_examples=50)
@given(talks(), HORIZONS)
def test_talks_agree_with_the_oracle(events: list[Event], horizon_ms: int) -> None:
    assert engine_rows(run(events, horizon_ms)) == oracle_rows(events, horizon_ms)


@settings(max_examples=50)
@given(reviewers(), HORIZONS)
def test_reviewers_agree_with_the_oracle(events: list[Event], horizon_ms: int) -> None:
    assert engine_rows(run(events, horizon_ms)) == oracle_rows(events, horizon_ms)


def test_what_was_posted_after_its_own_change_ends_it() -> None:
    """Clocks differ: whichever of the two is later is what people read."""
    story = Talk()
    story.reviewed("changed", NUMBERS[0], DAY, text="日结兼职,加微信 abc12345")
    story.reviewed("posted", NUMBERS[0], 5 * DAY)
    rows = engine_rows(run(story.events, ms(6 * DAY)))
    assert [(row.detector, row.status, row.ended_at_ms) for row in rows] == [
        ("D18", "resolved", ms(5 * DAY))
    ]
    assert rows == oracle_rows(story.events, ms(6 * DAY))
