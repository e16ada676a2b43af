"""Random histories that come close to thresholds: made of bursts, refund sagas, claims and waves.

Uniformly random events would almost never fire. The times and numbers here sit on, just before and
just after every limit of the detectors' pages. Everything stays within 40 days, inside retention.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, ms
from tests.pipeline import Event
from tests.property import seller_scenes

Draw = Callable[[st.SearchStrategy[Any]], Any]
TICK = 0.001

BEGINS = st.sampled_from([0, 600, 1800, 6 * HOUR, DAY, DAY + 1800, 2 * DAY, 5 * DAY])
SHORT_GAPS = st.sampled_from([0, TICK, 1, 30, 120, 360, 450, 600, 1800 - TICK, 1800, 1800 + TICK])
GRACES = [30 - TICK, 30, 30 + TICK, 180 - TICK, 180, 180 + TICK]
ENDS = st.sampled_from(
    [5, *GRACES, 600, 1800, 1980, HOUR, DAY, 3 * DAY - TICK, 3 * DAY, 3 * DAY + 1]
)
UNITS = st.sampled_from([1, 1, 1, 5, 10, 16, 40, 49, 50, 199, 200])
DAYS_APART = st.sampled_from(
    [0, TICK, HOUR, DAY - TICK, DAY, 5 * DAY, 7 * DAY, 14 * DAY - TICK, 14 * DAY, 14 * DAY + TICK]
)
LAST = 40 * DAY


class Scene:
    """Where a scene takes place: it hands out order ids of its own and keeps to the 40 days."""

    def __init__(self, draw: Draw, story: SellerStory, number: int, begin: float) -> None:
        self.draw = draw
        self.story = story
        self.number = number
        self.at = begin
        self.orders = 0

    def order(self) -> str:
        self.orders += 1
        # Now and then an order id of another scene: corrections, and one id under two buyers.
        shared = self.draw(st.integers(0, 9)) == 0
        return f"o-{'x' if shared else self.number}-{self.orders}"

    def chance(self, percent: int) -> bool:
        return bool(self.draw(st.integers(1, 100)) > 100 - percent)

    def later(self, gaps: st.SearchStrategy[float]) -> float:
        self.at = min(LAST, self.at + self.draw(gaps))
        return self.at


def _burst(scene: Scene) -> None:
    """Orders close together; most stay unpaid, some are paid, closed, tried or corrected."""
    story, units = scene.story, scene.draw(UNITS)
    pays = scene.draw(st.sampled_from([0, 10, 50, 90]))
    closes = scene.draw(st.sampled_from([15, 15, 15, 95]))
    end = scene.draw(ENDS)
    gap = scene.draw(SHORT_GAPS)
    for _ in range(scene.draw(st.integers(2, 12))):
        at = scene.later(st.just(gap) if scene.chance(80) else SHORT_GAPS)
        order = scene.order()
        story.created(order, at, units if scene.chance(80) else scene.draw(UNITS))
        if scene.chance(pays):
            story.paid(order, at + (end if scene.chance(60) else scene.draw(ENDS)))
        if scene.chance(closes):
            story.closed(order, at + (end if scene.chance(80) else scene.draw(ENDS)))
            if scene.chance(15):
                story.closed_by("system", order, at + 3 * DAY)
        if scene.chance(10):
            failed = at + scene.draw(st.sampled_from([-1, 0, 10, *GRACES]))
            # One payment may be for several orders, and may be tried again.
            payment = "merged" if scene.chance(50) else f"f-{order}"
            story.failed(order, failed, payment=payment)
            if scene.chance(50):
                again = failed + scene.draw(st.sampled_from([1, 60, 170, HOUR]))
                story.failed(order, again, payment=payment)
        if scene.chance(5):
            story.created(order, at + scene.draw(SHORT_GAPS), scene.draw(UNITS))
    if scene.chance(15):
        story.wrote(max(0, at + scene.draw(st.sampled_from([-DAY, 0, DAY, 2 * DAY]))), "我付不了款")
    if scene.chance(15):
        taken_back = at + scene.draw(st.sampled_from([HOUR, DAY]))
        story.decided(order, taken_back, refund=f"r-{order}")
    if scene.chance(15):
        asked = max(0, at + scene.draw(st.sampled_from([-DAY - TICK, -DAY, 0, DAY, DAY + TICK])))
        story.seller_wrote(
            "您先拍下不要付款", asked, scene.draw(st.sampled_from([None, None, order]))
        )


def _saga(scene: Scene) -> None:
    """One order, asked for again and again, refused or withdrawn, with calls in between."""
    story, order = scene.story, scene.order()
    if scene.chance(80):
        story.created(order, scene.at)
        story.paid(order, scene.at)
    named = scene.draw(st.sampled_from([[None], [None], ["a"], ["a", "b"], ["a", "b", None]]))
    for attempt in range(1, scene.draw(st.integers(3, 6))):
        at = scene.later(DAYS_APART)
        story.requested(
            order,
            at,
            attempt=attempt,
            refund_only=scene.chance(95),
            reason="damaged" if scene.chance(90) else "late_shipment",
            goods=scene.draw(
                st.sampled_from(["received"] * 7 + ["not_received"] * 2 + ["unknown"])
            ),
            sub_order=scene.draw(st.sampled_from(named)),
            amount_minor=100,
            paid_minor=scene.draw(st.sampled_from([None, None, 0, 100, 111, 112])),
        )
        if scene.chance(10):
            _sent(scene, order, at + scene.draw(st.sampled_from([-1, 0, TICK])))
        if scene.chance(5):
            story.seller_wrote("金额填错了,您重新申请一下", at + scene.draw(SHORT_GAPS))
        if scene.chance(80):
            at = scene.later(st.sampled_from([0, TICK, HOUR]))
            about = scene.draw(st.sampled_from(named))
            text = "请补充照片,您重新申请" if scene.chance(8) else ""
            story.refund_step("refused", order, at, attempt=attempt, sub_order=about, text=text)
        if scene.chance(5):
            story.refund_step("withdrawn", order, at + HOUR, attempt=attempt)
        for _ in range(scene.draw(st.integers(0, 2))):
            answered = scene.draw(st.sampled_from([True, None, *[False] * 4]))
            story.contact(scene.later(st.sampled_from([0, HOUR, 14 * DAY])), answered=answered)
    if scene.chance(8):
        decided = at + scene.draw(st.sampled_from([-60 * DAY, -TICK, 0]))
        story.decided(order, max(0, decided), refund=f"r-{order}")
    if scene.chance(20):
        story.wrote(scene.later(st.sampled_from([-15 * DAY, -14 * DAY, -DAY, 0, HOUR])))
    _carried(scene, order, at)


def _carried(scene: Scene, order: str, at: float) -> None:
    """What the carrier says of a parcel, if anything, close to one time."""
    kinds = ["delivered", "refused", "returned_to_sender", "shipped", "pickup"]
    for _ in range(scene.draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
        kind = scene.draw(st.sampled_from(kinds))
        when = at + scene.draw(st.sampled_from([-DAY, -TICK, 0, TICK, DAY]))
        if kind == "shipped":
            scene.story.shipped(order, when, awaits=scene.chance(40))
        else:
            scene.story.parcel(kind, order, when)


def _sent(scene: Scene, order: str, at: float, promised_by: float | None = None) -> None:
    """A click on 发货, perhaps of a shop that tells of pickups, and those of one parcel or two."""
    awaits = scene.chance(30)
    # Orders of one basket may share a parcel; many parcels have no number, or one of their own.
    number = scene.draw(st.sampled_from([None, None, "one", "other", f"of {order}"]))
    scene.story.shipped(order, at, promised_by=promised_by, awaits=awaits, tracking_no=number)
    for _ in range(scene.draw(st.sampled_from([0, 1, 1, 2] if awaits else [0, 0, 0, 1]))):
        taken = at + scene.draw(st.sampled_from([-HOUR, 0, HOUR, DAY, DAY, DAY + TICK, 2 * DAY]))
        scene.story.parcel("pickup", order, taken)


def _across(scene: Scene) -> None:
    """Several orders of one buyer, many of them refunded without a return."""
    story = scene.story
    goods = scene.draw(st.sampled_from(["received", "not_received"]))
    granted, explains = scene.draw(st.sampled_from([(0, 0), (0, 0), (95, 0), (0, 95), (95, 95)]))
    for _ in range(scene.draw(st.integers(3, 7))):
        at, order = scene.later(st.sampled_from([0, HOUR, DAY, 5 * DAY])), scene.order()
        if scene.chance(70):
            story.created(order, at)
        if scene.chance(80):
            story.paid(order, at + scene.draw(st.sampled_from([0, 10])))
        wait = scene.draw(st.sampled_from([HOUR, 5 * DAY]))
        if scene.chance(60):
            _sent(scene, order, at + wait + scene.draw(st.sampled_from([-1, 0, TICK])))
        if scene.chance(80):
            reason = "quality" if scene.chance(85) else "stockout"
            asked = min(LAST, at + wait)
            story.requested(order, asked, reason=reason, goods=goods, refund=f"a-{order}")
            if scene.chance(8):
                named = order if scene.chance(50) else None
                invited = asked - scene.draw(st.sampled_from([HOUR, TICK, 0, -TICK]))
                text = scene.draw(
                    st.sampled_from(["您申请仅退款就行", "不好意思,少发了一件", "您留着用吧"])
                )
                story.seller_wrote(text, invited, named)
            if scene.chance(granted):
                story.granted(order, asked + scene.draw(st.sampled_from([-TICK, 0, DAY])))
            if scene.chance(explains):
                story.wrote(max(0, asked - scene.draw(st.sampled_from([0, HOUR, DAY]))), "全坏了")
            if scene.chance(5):
                story.refund_step("refused", order, asked + HOUR, refund=f"a-{order}")
            if scene.chance(5):
                story.refund_step("withdrawn", order, asked + HOUR, refund=f"a-{order}")
            if scene.chance(10):
                decided = asked + scene.draw(st.sampled_from([-HOUR, 0, TICK]))
                ruling = scene.draw(st.sampled_from(["buyer", "buyer", "seller"]))
                story.decided(order, decided, refund=f"a-{order}", ruling=ruling)
            if scene.chance(20):
                _carried(scene, order, asked)


def _claim(scene: Scene, order: str, placed: float, claimed: float, plain: int = 30) -> None:
    """One order and a claim about it; in `plain` percent of cases it was simply shipped in time."""
    story = scene.story
    due = placed + scene.draw(st.sampled_from([DAY, 2 * DAY]))
    reason = scene.draw(st.sampled_from(["stockout", "late_shipment"]))
    # Of several items a part may have been out of stock.
    more = {"second": 1} if scene.chance(15) else None
    if scene.chance(plain):
        story.created(order, placed, ship_by=due, more=more)
        _sent(scene, order, placed + HOUR)
        story.requested(order, claimed, reason=reason, goods="not_received", refund=f"c-{order}")
        return
    if scene.chance(8):
        text = scene.draw(st.sampled_from(["亲,没货了", "不好意思,少发了一件"]))
        named = scene.draw(st.sampled_from([None, order, "another"]))
        when = claimed + scene.draw(st.sampled_from([-DAY, -TICK, 0, TICK]))
        story.seller_wrote(text, when, named)
    if scene.chance(8):
        named = scene.draw(st.sampled_from([None, order, "another"]))
        when = scene.draw(
            st.sampled_from([placed + HOUR - TICK, placed + HOUR, claimed, claimed + TICK])
        )
        story.seller_wrote("亲,还没发出,明天发", when, named)
    if scene.chance(8):
        story.parcel(
            "returned_to_sender", order, claimed + scene.draw(st.sampled_from([-DAY, 0, TICK]))
        )
    promise = scene.draw(st.integers(0, 3))
    # Of several units some may have been.
    units = scene.draw(st.sampled_from([1, 1, 2, 5]))
    if scene.chance(95):
        story.created(order, placed, units, ship_by=due if promise == 0 else None, more=more)
    if scene.chance(70):
        story.paid(order, due - 2 * DAY, payment=f"c-{order}")
    if scene.chance(85):
        at = HOUR + placed if scene.chance(60) else due + scene.draw(st.sampled_from([0, TICK]))
        _sent(scene, order, at, due if promise == 1 else None)
        if scene.chance(10):
            # Sent again, or in two parts; what it promises is not what was promised first.
            again = due + scene.draw(st.sampled_from([-HOUR, 0, TICK, DAY]))
            later = again + DAY if scene.chance(30) else None
            _sent(scene, order, again, later)
    for part in range(scene.draw(st.sampled_from([0, 1, 1, 1, 2]))):
        story.requested(
            order,
            claimed + part * HOUR,
            reason=reason,
            goods="not_received",
            refund=f"c{part}-{order}",
            paid_minor=scene.draw(st.sampled_from([None, None, 100, 111, 112])),
            text=scene.draw(st.sampled_from(["", "", "少发两件"])),
        )
        if scene.chance(8):
            story.refund_step("withdrawn", order, claimed + HOUR, refund=f"c{part}-{order}")
    if scene.chance(50):
        _complaint(scene, order, reason, claimed + scene.draw(st.sampled_from([0, HOUR])))


def _complaint(scene: Scene, order: str, kind: str, at: float) -> None:
    """A complaint, perhaps about something else or without its order, and perhaps its ruling."""
    story, complaint = scene.story, f"k-{scene.story.buyer}-{order}"
    if scene.chance(20):
        kind = "postage"
    if scene.chance(90):
        story.filed(complaint, order if scene.chance(90) else None, at, kind)
    if scene.chance(50):
        # An appeal may be ruled otherwise.
        for number in range(2 if scene.chance(30) else 1):
            ruling = scene.draw(st.sampled_from(["upheld", "rejected", "withdrawn"]))
            named = order if scene.chance(50) else None
            story.ruled(complaint, named, at + DAY + number * HOUR, ruling, kind)


def _claims(scene: Scene) -> None:
    """One buyer who claims on several orders."""
    for _ in range(scene.draw(st.integers(1, 4))):
        placed = scene.later(st.sampled_from([0, HOUR, DAY]))
        claimed = placed + scene.draw(st.sampled_from([HOUR, DAY - TICK, DAY, 3 * DAY, 5 * DAY]))
        _claim(scene, scene.order(), placed, claimed)


def _wave(scene: Scene) -> None:
    """Many buyers of one shop who claim within about a day, again a day later."""
    gap = scene.draw(st.sampled_from([0, 1, HOUR, 2 * HOUR, 6 * HOUR, 6 * HOUR + TICK]))
    at = scene.at + 3 * DAY
    for number in range(scene.draw(st.integers(4, 14))):
        scene.story.buyer = f"w{scene.number}-{number % 12}"
        _claim(scene, scene.order(), scene.at, at, plain=80)
        at += DAY + TICK if scene.chance(5) else gap


_PHONES = ("13800138000", "13900139000", "13700137000")
_ADDRESSES = ("文三路90号3幢502室", "解放路17号4幢101室", "文三路90号丰巢快递柜")
_TIES = st.sampled_from([0, 0, 1, 2])


def _who(scene: Scene) -> tuple[dict[str, str], str | None]:
    """A receiver and a device, each of which may be somebody else's."""
    own = f"{scene.story.buyer}-{scene.orders}"
    receiver = {"state": "浙江省", "city": "杭州市", "district": "西湖区"}
    if scene.chance(50):
        receiver["phone"] = _PHONES[scene.draw(_TIES)]
    if scene.chance(50):
        receiver["detail"] = _ADDRESSES[scene.draw(_TIES)]
    receiver["name"] = "同名人" if scene.chance(15) else f"收件人{own}"
    device = f"dev-{scene.draw(_TIES)}" if scene.chance(30) else None
    return receiver, device


def _ring(scene: Scene) -> None:
    """A few accounts whose orders share phones, addresses and devices; some pay, some correct."""
    story, units = scene.story, scene.draw(st.sampled_from([1, 5, 10, 17, 25, 70]))
    pays = scene.draw(st.sampled_from([0, 0, 10, 50, 90]))
    closes = scene.draw(st.sampled_from([5, 5, 90]))
    buyers = scene.draw(st.integers(2, 8))
    gap = scene.draw(st.sampled_from([1, 60, 600, 1800, 7200 - TICK, 7200, DAY, DAY + TICK]))
    payers = scene.draw(st.sampled_from([None, None, "payer@example.com"]))
    for _ in range(scene.draw(st.integers(3, 14))):
        story.buyer = f"r{scene.draw(st.integers(1, buyers))}"
        at = scene.later(st.just(gap) if scene.chance(80) else SHORT_GAPS)
        order = scene.order()
        receiver, device = _who(scene)
        story.created(order, at, units, receiver=receiver, device=device)
        wait = scene.draw(st.sampled_from([5, 180, 180 + TICK, 1800, 1800 + TICK, HOUR, DAY]))
        if scene.chance(pays):
            story.paid(order, at + wait, payer=payers)
        if scene.chance(closes):
            story.closed(order, at + scene.draw(ENDS))
        if scene.chance(10):
            tried = at + scene.draw(st.sampled_from([10, 180, 181, 1800]))
            story.failed(order, tried, payer=payers)
        if scene.chance(10):
            story.redirected(order, at + wait, _who(scene)[0])


_HELD_FOR = st.sampled_from(
    [0, TICK, 60, 300 - TICK, 300, 300 + TICK, HOUR, DAY, 3 * DAY - TICK, 3 * DAY, 3 * DAY + HOUR]
)
# What is known of an item's stock is kept for a week.
_STOCK_KEPT = 6.5 * DAY


def _squat(scene: Scene) -> None:
    """Two items whose stock is held or free, on the shelf or off it, and buyers who order many of both."""
    items = [f"i{scene.number}", f"j{scene.number}"]
    for item in items:
        _stock(scene, item)
    units = st.sampled_from([1, 4, 5, 5, 6, 10])
    ends = st.sampled_from([5, 180 - TICK, 180, 180 + TICK, 300, HOUR, DAY, 3 * DAY])
    for number in range(scene.draw(st.integers(1, 6))):
        scene.story.buyer = f"q{scene.draw(st.integers(1, 3))}"
        placed = scene.at + scene.draw(
            st.sampled_from([0, 60, 300, 300 + TICK, HOUR, DAY, 3 * DAY])
        )
        order = scene.order()
        for _ in range(2 if scene.chance(15) else 1):
            lines = {item: scene.draw(units) for item in items}
            scene.story.created(order, placed, 0, more=lines)
            placed += scene.draw(st.sampled_from([TICK, HOUR]))
        for attempt in range(scene.draw(st.sampled_from([0, 0, 0, 1, 2]))):
            scene.story.paid(order, placed + scene.draw(ends), f"q-{number}-{attempt}")
        for _ in range(scene.draw(st.sampled_from([0, 0, 1, 2]))):
            scene.story.closed(order, placed + scene.draw(ends))


def _stock(scene: Scene, item: str) -> None:
    story, at = scene.story, scene.at
    last = scene.at + _STOCK_KEPT
    held = st.sampled_from([0, 4, 5, 5, 6, 10, 10])
    for _ in range(scene.draw(st.integers(1, 7))):
        at = min(last, at + scene.draw(_HELD_FOR))
        on_hand, reserved = scene.draw(st.sampled_from([(10, 0), (10, 5), (11, 0), (30, 0)]))
        mode = "order" if scene.chance(90) else "payment"
        story.stock(item, at, on_hand, scene.draw(held), reserved=reserved, mode=mode)
        if scene.chance(25):
            kind = scene.draw(st.sampled_from(["off_shelf", "off_shelf", "on_shelf"]))
            reason = scene.draw(st.sampled_from(["sold_out", "sold_out", "seller"]))
            why = {"reason": reason} if kind == "off_shelf" else {}
            moved = at + scene.draw(st.sampled_from([-1, 0, 1, HOUR, 3 * DAY, 3 * DAY + 300]))
            story.listing(kind, item, min(last, moved), **why)


_SCENES = (
    *(_squat, _squat, _ring, _ring, _burst, _burst),
    *(_saga, _across, _claims, _claims, _wave, _wave),
    *seller_scenes.SCENES,
)


@st.composite
def histories(draw: Draw, most_scenes: int = 4, shops: int = 2) -> list[Event]:
    """The events of a few scenes about a few buyers of a few shops, in no particular order."""
    story = SellerStory()
    for number in range(draw(st.integers(1, most_scenes))):
        story.shop = f"s{draw(st.integers(1, shops))}"
        story.buyer = draw(st.sampled_from(["b", "c", "d"]))
        scene = Scene(draw, story, number, draw(BEGINS))
        draw(st.sampled_from(_SCENES))(scene)
    return list(story.events)


# Where the horizon may stand: amid the history, at its limits, and beyond every expiry.
HORIZONS = st.sampled_from(
    [
        ms(at)
        for at in (
            *(1800, 2 * HOUR, DAY - TICK, DAY, 3 * DAY, 3 * DAY + 180, 3 * DAY + 2 * HOUR),
            *(4 * DAY, 6 * DAY, 9 * DAY, 20 * DAY, 35 * DAY, 40 * DAY, 80 * DAY),
        )
    ]
)
