"""Scenes for the detectors of returns, disputes, top-ups and closing by hand, on and beside their limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.oracle.story import DAY, HOUR

if TYPE_CHECKING:
    from tests.property.histories import Scene

TICK = 0.001
NEAR = st.sampled_from([-TICK, 0, TICK])


def closings(scene: Scene) -> None:
    """Orders closed by hand, paid just before or after, or never; some of them never told of."""
    story = scene.story
    for _ in range(scene.draw(st.integers(1, 4))):
        at, order = scene.later(st.sampled_from([0, HOUR, DAY])), scene.order()
        if scene.chance(85):
            story.created(order, at)
        closed = at + scene.draw(st.sampled_from([60, HOUR, 2 * DAY]))
        if scene.chance(40):
            story.paid(order, closed + scene.draw(NEAR))
        who = "seller" if scene.chance(80) else scene.draw(st.sampled_from(["buyer", "unknown"]))
        story.closed_by(who, order, closed)
        if scene.chance(30):
            # Told again, perhaps by somebody else.
            who = scene.draw(st.sampled_from(["buyer", "seller", "system", "unknown"]))
            story.closed_by(who, order, closed + scene.draw(st.sampled_from([-1, TICK, 3 * DAY])))


def returns(scene: Scene) -> None:
    """Parcels that come back right, wrong, broken, light or heavy; claims of quality beside them."""
    story = scene.story
    weights = st.sampled_from([899, 900, 1000, 1100, 1101])
    for _ in range(scene.draw(st.integers(1, 4))):
        at, order = scene.later(st.sampled_from([0, HOUR, DAY, 14 * DAY])), scene.order()
        result = scene.draw(st.sampled_from(["mismatch", "mismatch", "damaged", "match"]))
        given: dict[str, object] = {}
        if scene.chance(50):
            given |= {"expected_weight_g": 1000, "received_weight_g": scene.draw(weights)}
        if scene.chance(30):
            given |= {"expected_quantity": 2, "received_quantity": scene.draw(st.integers(1, 3))}
        if scene.chance(40):
            # One may hold what the other should.
            given |= {
                "expected_sku_id": scene.draw(st.sampled_from("ab")),
                "received_sku_id": scene.draw(st.sampled_from("ab")),
            }
        if scene.chance(15):
            said = at + scene.draw(st.sampled_from([-DAY, -TICK, 0, TICK]))
            named = scene.draw(st.sampled_from([None, order, "another"]))
            texts = ["不好意思,少发了一件", "碎的您留着用吧"]
            story.seller_wrote(scene.draw(st.sampled_from(texts)), said, named)
            if scene.chance(50):
                story.created(order, said + scene.draw(st.sampled_from([-TICK, 0, TICK])))
        if scene.chance(15):
            story.wrote(max(0, at + scene.draw(st.sampled_from([-DAY, 0, TICK]))), "你们发错颜色了")
        if scene.chance(10):
            reason = scene.draw(st.sampled_from(["damaged", "other"]))
            story.requested(order, max(0, at - HOUR), reason=reason, refund_only=False)
        story.inspected(order, at, result, **given)
        if scene.chance(15):
            ruling = scene.draw(st.sampled_from(["buyer", "buyer", "seller"]))
            decided = at + scene.draw(st.sampled_from([-TICK, 0, DAY]))
            story.decided(order, max(0, decided), refund=f"r-{order}", ruling=ruling)
        if scene.chance(25):
            # The rest of it in another parcel, or what was sent instead.
            if scene.chance(50):
                story.shipped(order, at + scene.draw(st.sampled_from([-HOUR, 0, HOUR])))
            again = at + scene.draw(st.sampled_from([HOUR, DAY]))
            story.inspected(order, again, "mismatch", number=2, **given)


def odd_refunds(scene: Scene) -> None:
    """Several orders of one buyer refunded for odd reasons; some withdrawn, some agreed to."""
    story = scene.story
    reasons = st.sampled_from(["quality", "ineffective", "allergy", "wrong_item", "other"])
    whole, right = scene.draw(st.sampled_from([(0, 0), (0, 0), (95, 0), (0, 95), (50, 50)]))
    for _ in range(scene.draw(st.integers(4, 9))):
        at, order = scene.later(st.sampled_from([0, HOUR, DAY])), scene.order()
        if scene.chance(70):
            story.created(order, at)
            story.paid(order, at)
        if scene.chance(75):
            asked = at + HOUR
            refund_only = scene.chance(10)
            goods = scene.draw(st.sampled_from(["received", "received", "not_received", "unknown"]))
            reason = scene.draw(reasons)
            story.requested(order, asked, reason=reason, goods=goods, refund_only=refund_only)
            if scene.chance(whole):
                story.inspected(order, asked + DAY, "match" if scene.chance(95) else "damaged")
            if scene.chance(right):
                story.decided(order, asked + DAY, refund=f"r-{order}")
            if scene.chance(5):
                story.seller_wrote("不好意思,少发了一件", asked, order)
            if scene.chance(10):
                story.refund_step("withdrawn", order, asked + HOUR)
            if scene.chance(30):
                kind = scene.draw(st.sampled_from(["agreed", "succeeded"]))
                story.granted(order, asked + scene.draw(st.sampled_from([-1, 0, HOUR])), kind)


def unasked_complaints(scene: Scene) -> None:
    """Complaints about freight with a chat before, after, on the day, or not at all."""
    story = scene.story
    for _ in range(scene.draw(st.integers(1, 3))):
        at, order = scene.later(st.sampled_from([0, HOUR, DAY])), scene.order()
        if scene.chance(85):
            story.created(order, at)
        filed = at + scene.draw(st.sampled_from([HOUR, 2 * DAY, 5 * DAY]))
        kind = scene.draw(st.sampled_from(["postage", "breach_of_promise", "invoice"]))
        complaint = f"k-{story.buyer}-{order}"
        story.filed(complaint, order, filed, kind)
        touched = scene.draw(st.sampled_from([at - DAY, at, filed, filed + DAY, filed + HOUR]))
        if scene.chance(30):
            story.chatted(touched, scene.draw(st.sampled_from(["buyer", "buyer", "system"])))
        if scene.chance(20):
            story.contact(touched, answered=scene.draw(st.sampled_from([True, False, None])))
        if scene.chance(20):
            named = scene.draw(st.sampled_from([None, order, "another"]))
            texts = [
                "新疆要补20元运费",
                "亲,没货了",
                "亲,还没发出",
                "不好意思,少发了一件",
                "开不了发票",
            ]
            story.seller_wrote(scene.draw(st.sampled_from(texts)), touched, named)
        if scene.chance(20):
            asked = scene.draw(st.sampled_from([touched, filed, filed + TICK]))
            about = order if scene.chance(80) else "another"
            if scene.chance(50):
                story.requested(about, asked, refund_only=False)
            else:
                story.invoiced(about, asked)
        if scene.chance(40):
            ruling = scene.draw(st.sampled_from(["upheld", "rejected", "withdrawn"]))
            story.ruled(complaint, order, filed + DAY, ruling, kind)


def top_ups(scene: Scene) -> None:
    """Top-ups with an answer on, before or after ten minutes, of any kind, or none."""
    story = scene.story
    for number in range(scene.draw(st.integers(1, 4))):
        at = scene.later(st.sampled_from([0, 60, DAY]))
        recharge = f"u-{scene.number}-{number}"
        if scene.chance(90):
            story.topped_up(recharge, at)
        for _ in range(scene.draw(st.integers(0, 2))):
            kind, status = scene.draw(
                st.sampled_from(
                    [
                        ("callback", "pending"),
                        ("callback", "succeeded"),
                        ("callback", "failed"),
                        ("reconciled", "failed"),
                    ]
                )
            )
            wait = scene.draw(st.sampled_from([60, 600 - TICK, 600, 600 + TICK, HOUR]))
            story.answered(recharge, at + wait, status, kind)


def disputes(scene: Scene) -> None:
    """Disputes of any reason with any steps, and returns that come or do not."""
    story = scene.story
    reasons = st.sampled_from(["wrong_item", "damaged", "return", "return", "quality"])
    for _ in range(scene.draw(st.integers(1, 4))):
        at, order = scene.later(st.sampled_from([0, HOUR, DAY])), scene.order()
        ends = at + scene.draw(st.sampled_from([HOUR, DAY, 4 * DAY, 10 * DAY]))
        more: dict[str, object] = {}
        if scene.chance(60):
            more["channel"] = scene.draw(st.sampled_from(["cainiao_online", "菜鸟", "dhl"]))
        if scene.chance(50):
            more["country"] = scene.draw(st.sampled_from(["IT", "Italy", "es", "somewhere"]))
        if scene.chance(95):
            counts = ends if scene.chance(70) else None
            story.disputed(order, at, scene.draw(reasons), ends=counts, **more)
        if scene.chance(30):
            story.returned("label_created", order, at + scene.draw(st.sampled_from([-HOUR, HOUR])))
        if scene.chance(40):
            _refunded(scene, order, at, ends)
        for _ in range(scene.draw(st.integers(0, 3))):
            _dispute_step(scene, order, at, ends)
        if scene.chance(25):
            _disputed_again(scene, order, at, ends)


def _disputed_again(scene: Scene, order: str, at: float, ends: float) -> None:
    """Another item of the same order, before or after the first one came back."""
    story = scene.story
    when = scene.draw(st.sampled_from([at, at + HOUR, ends - DAY, ends])) + scene.draw(NEAR)
    reason = scene.draw(st.sampled_from(["return", "return", "quality"]))
    story.disputed(
        order, max(0, when), reason, ends=max(0, when) + 4 * DAY, dispute_id=f"d-{order}-2"
    )
    if scene.chance(50):
        came = max(0, when) + scene.draw(st.sampled_from([-HOUR, 0, DAY, 3 * DAY, 5 * DAY]))
        story.returned("delivered", order, max(0, came), number=2, refund=_named(scene, order))


def _named(scene: Scene, order: str) -> str | None:
    """Which refund a parcel says that it is for: most say nothing, some that of a dispute, some another."""
    names = [None, None, f"d-{order}", f"d-{order}-2", f"r-{order}"]
    return scene.draw(st.sampled_from(names))


def _refunded(scene: Scene, order: str, at: float, ends: float) -> None:
    """Money asked for and granted, in a dispute itself or beside it; some of it taken back."""
    story, name = scene.story, _named(scene, order) or f"d-{order}"
    when = max(at, scene.draw(st.sampled_from([at, ends - DAY, ends])) + scene.draw(NEAR))
    if scene.chance(70):
        story.requested(
            order,
            max(at, when - HOUR),
            refund=name,
            reason=scene.draw(st.sampled_from(["quality", "other"])),
            refund_only=scene.chance(60),
        )
    if scene.chance(20):
        story.refund_step("withdrawn", order, when, refund=name)
    story.granted(order, when, scene.draw(st.sampled_from(["agreed", "succeeded"])), refund=name)


def _dispute_step(scene: Scene, order: str, at: float, ends: float) -> None:
    story = scene.story
    limits = [at, at + HOUR, ends - 2 * DAY, ends - DAY / 2, ends]
    when = max(at, scene.draw(st.sampled_from(limits)) + scene.draw(NEAR))
    step = scene.draw(st.integers(0, 6))
    if step == 0:
        story.dispute_step("withdrawn", order, when)
    elif step == 1:
        later = ends + DAY if scene.chance(50) else None
        story.dispute_step("escalated", order, when, ends=later)
    elif step == 2:
        ruling = scene.draw(st.sampled_from(["return_and_refund", "return_and_refund", "refund"]))
        later = when + 5 * DAY if scene.chance(70) else None
        story.dispute_step("ruled", order, when, ends=later, ruling=ruling)
    elif step == 6:
        story.dispute_step("arbitration_withdrawn", order, when)
    elif step == 3:
        story.returned("delivered", order, when, refund=_named(scene, order))
    else:
        kind = scene.draw(st.sampled_from(["label_photo", "package_photo", "tracking_no"]))
        by = scene.draw(st.sampled_from(["buyer", "seller"]))
        story.shown(kind, by, order, when)


def dispute_wave(scene: Scene) -> None:
    """Many buyers of one shop open disputes; some withdraw; the first may have left the window."""
    story = scene.story
    gap = scene.draw(st.sampled_from([0, 1, DAY, 3 * DAY]))
    at = scene.at
    for number in range(scene.draw(st.integers(8, 16))):
        story.buyer = f"v{scene.number}-{number}"
        order = scene.order()
        story.disputed(order, min(at, 39 * DAY), "other")
        if scene.chance(15):
            withdrawn = at + scene.draw(st.sampled_from([0, HOUR, 5 * DAY]))
            story.dispute_step("withdrawn", order, min(withdrawn, 40 * DAY))
        at += gap


def hurries(scene: Scene) -> None:
    """Orders promised within hours or days, paid at once or much later, shipped or filed near a limit."""
    story = scene.story
    for _ in range(scene.draw(st.integers(1, 3))):
        placed, order = scene.later(st.sampled_from([0, HOUR, DAY])), scene.order()
        promise = scene.draw(st.sampled_from([None, HOUR, 6 * HOUR, 30 * HOUR, 2 * DAY, 7 * DAY]))
        ship_by = None if promise is None else placed + promise + scene.draw(NEAR)
        paid = placed + scene.draw(st.sampled_from([0, 10, 20 * HOUR, 40 * HOUR]))
        story.created(order, placed, ship_by=ship_by)
        story.paid(order, paid)
        limit = ship_by if ship_by is not None and ship_by > paid else paid + 2 * DAY
        moments = st.sampled_from([(paid + limit) / 2, limit - 6 * HOUR, paid + DAY, limit])
        if scene.chance(60):
            story.shipped(order, max(paid, scene.draw(moments) + scene.draw(NEAR)))
        for number in range(scene.draw(st.integers(0, 2))):
            filed = max(paid, scene.draw(moments) + scene.draw(NEAR))
            story.filing("submitted", order, filed, number=number)
            if scene.chance(70):
                answer = scene.draw(st.sampled_from(["accepted", "rejected"]))
                story.filing(answer, order, filed + HOUR, number=number)


_TITLES = st.sampled_from(["保温杯", "保温杯 包邮", "保温杯 满99包邮", "赠品 杯刷", "补邮费链接"])
_REGIONS = st.sampled_from([[], [], ["新疆", "西藏"], ["港澳台"]])
_SAID = st.sampled_from(["", "偏远地区除外", "新疆不发", "新疆、西藏联系客服", "大陆以外不发"])
_CATEGORIES = st.sampled_from([None, "餐饮具", "其他-赠品", "其它/邮费", "其他>邮费", "其他-杯子"])
# What is known of an item's stock is kept for a week.
_KEPT = 6.5 * DAY


def audits(scene: Scene) -> None:
    """Listings with one thing wrong or nothing, with readings of the stock between and at their changes."""
    for number in range(scene.draw(st.integers(1, 3))):
        at, item = scene.at, f"l{scene.number}-{number}"
        may_deduct = scene.draw(st.sampled_from([None, True, True, False]))
        for _ in range(scene.draw(st.integers(1, 7))):
            at = min(
                scene.at + _KEPT,
                at + scene.draw(st.sampled_from([0, TICK, HOUR, HOUR, DAY, 3 * DAY])),
            )
            if scene.chance(50):
                scene.story.stock(item, at, 10, mode=scene.draw(_MODES))
            else:
                _listed(scene, item, at, may_deduct if scene.chance(85) else None)


_MODES = st.sampled_from(["order", "order", "payment"])


def _listed(scene: Scene, item: str, at: float, may_deduct: bool | None) -> None:
    kind = scene.draw(st.sampled_from(["published", "on_shelf", "changed", "changed", "off_shelf"]))
    is_right = scene.chance(40)
    body: dict[str, object] = {"deduct_on_payment_supported": may_deduct}
    if not is_right:
        body |= {
            "title": scene.draw(_TITLES),
            "category": scene.draw(_CATEGORIES),
            "description": scene.draw(_SAID),
            "excluded_regions": scene.draw(_REGIONS),
            "claims_free_shipping": scene.chance(30),
            "post_fee_minor": 500 if scene.chance(30) else 0,
            "min_price_quantity": scene.draw(st.sampled_from([1, 1, 1, 2, 30])),
            "is_overseas": scene.chance(30),
            "overseas_disclosed": scene.chance(50),
        }
    if kind == "off_shelf":
        body["reason"] = scene.draw(st.sampled_from(["sold_out", "seller"]))
    scene.story.listing(kind, item, at, **body)


SCENES = (
    audits,
    hurries,
    closings,
    returns,
    odd_refunds,
    unasked_complaints,
    top_ups,
    disputes,
    dispute_wave,
)
