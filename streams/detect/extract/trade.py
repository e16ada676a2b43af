"""Facts from events of the trade itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from zlib import crc32

from schemas import fast_types as ev
from streams.detect import facts as f
from streams.detect.address.receivers import UNREAD, Reading, reader
from streams.detect.extract.times import deadline_ms, to_ms


def _placed(e: ev.OrderCreated) -> Sequence[f.AnyFact]:
    lines = e.items
    at_ms = to_ms(e.occurred_at)
    ship_by_ms = 0 if e.ship_by is None else deadline_ms(e.ship_by)
    items: tuple[tuple[str, int], ...]
    categories: tuple[str, ...] = ()
    if len(lines) == 1:
        line = lines[0]
        units = line.quantity
        items = ((line.item_id, units),)
        if line.category is not None:
            categories = (line.category,)
    else:
        units, items, categories = _basket(lines)
    placed = f.OrderPlaced(
        at_ms, e.event_id, e.order_id, units, items, ship_by_ms, e.free_shipping, categories
    )
    found: list[f.AnyFact] = [placed]
    if items[0][1] >= f.LARGE_UNITS or e.amount_minor >= f.LARGE_AMOUNT_MINOR:
        found.append(
            f.LargeOrder(
                at_ms, e.event_id, e.order_id, items[0][1], e.amount_minor, iso_currency(e.currency)
            )
        )
    who = reader()
    if not who.is_asked:
        return found
    read = UNREAD if e.receiver is None else who.of(e.receiver)
    device = who.device(e.device_hash)
    if device or read.phone or read.address or read.consignee:
        found.append(
            f.Identified(
                at_ms,
                e.event_id,
                e.order_id,
                read.phone,
                read.address,
                read.consignee,
                device,
                read.place,
            )
        )
    if read.address_doubts or read.phone_doubt or read.region:
        found += _noticed(e, at_ms, read)
    return found


def iso_currency(currency: str) -> str:
    """Its code in ISO 4217, for shops that write 人民币 as RMB."""
    code = currency.upper()
    return "CNY" if code == "RMB" else code


def _basket(
    lines: Sequence[ev.OrderItem],
) -> tuple[int, tuple[tuple[str, int], ...], tuple[str, ...]]:
    """All units; the largest items with their units; their categories, if any has one."""
    units: Counter[str] = Counter()
    category_of: dict[str, str] = {}
    for line in lines:
        units[line.item_id] += line.quantity
        if line.category is not None:
            category_of[line.item_id] = line.category
    largest = sorted(units.items(), key=lambda item: (-item[1], item[0]))[: f.MAX_ITEMS_PER_ORDER]
    categories = tuple([category_of.get(item, "") for item, _ in largest]) if category_of else ()
    return units.total(), tuple(largest), categories


def _noticed(
    e: ev.OrderCreated | ev.OrderAddressChanged, at_ms: int, read: Reading
) -> Iterator[f.AnyFact]:
    if read.address_doubts or read.phone_doubt:
        yield f.ReceiverDoubted(
            at_ms,
            e.event_id,
            e.event_id,
            e.order_id,
            ",".join(read.address_doubts),
            read.phone_doubt,
        )
    if read.region:
        yield f.SentAbroad(at_ms, e.event_id, e.event_id, e.order_id, read.region)


def _redirected(e: ev.OrderAddressChanged) -> list[f.AnyFact]:
    at_ms = to_ms(e.occurred_at)
    read = reader().of(e.receiver)
    return [
        f.Redirected(
            at_ms, e.event_id, e.order_id, read.phone, read.address, read.consignee, read.place
        ),
        *_noticed(e, at_ms, read),
    ]


def _closed(e: ev.OrderClosed) -> Sequence[f.AnyFact]:
    at_ms, event_id, order_id = to_ms(e.occurred_at), e.event_id, e.order_id
    closed = f.OrderClosed(at_ms, event_id, order_id, e.closed_by)
    over = f.ShippingOver(at_ms, event_id, order_id, "closed")
    if e.closed_by != "seller":
        return closed, over
    return closed, over, f.ClosedBySeller(at_ms, event_id, order_id)


def _paid(e: ev.PaymentSucceeded) -> Sequence[f.AnyFact]:
    # One payment may settle several orders (合并付款).
    name = f"{e.payment_id}/{e.order_id}"
    paid = f.OrderPaid(to_ms(e.occurred_at), e.event_id, name, e.order_id)
    return (paid,) if e.payer_account is None else _with_payer(paid, e.payer_account)


def _payment_failed(e: ev.PaymentFailed) -> Sequence[f.AnyFact]:
    # Every try counts, of each order that it was to settle: a later one must not hide the one in time.
    name = f"{e.payment_id}/{e.order_id}/{e.event_id}"
    failed = f.PaymentFailed(to_ms(e.occurred_at), e.event_id, name, e.order_id)
    return (failed,) if e.payer_account is None else _with_payer(failed, e.payer_account)


def _with_payer(payment: f.OrderPaid | f.PaymentFailed, account: str) -> Sequence[f.AnyFact]:
    hashed = reader().payer(account)
    if not hashed:
        return (payment,)
    at_ms = payment.at_ms
    seen = f.PayerSeen(at_ms, payment.event_id, f"{hashed}/{at_ms // f.PAYER_PERIOD_MS}")
    return payment, seen


def _shipped(e: ev.ShipmentShipped) -> tuple[f.Shipped, f.ShippingOver]:
    at_ms, event_id, order_id = to_ms(e.occurred_at), e.event_id, e.order_id
    promised = 0 if e.promised_by is None else deadline_ms(e.promised_by)
    parcel = 0 if e.tracking_no is None else crc32(e.tracking_no.encode())
    return (
        f.Shipped(at_ms, event_id, order_id, promised, e.pickup_follows, parcel),
        f.ShippingOver(at_ms, event_id, order_id, "shipped"),
    )


def _picked_up(e: ev.ShipmentPickedUp) -> tuple[f.PickedUp]:
    return (f.PickedUp(to_ms(e.occurred_at), "", e.order_id),)


def _parcel_refused(e: ev.ShipmentRefused) -> tuple[f.ParcelRefused]:
    return (f.ParcelRefused(to_ms(e.occurred_at), e.event_id, e.event_id, e.order_id, "refused"),)


def _parcel_returned(e: ev.ShipmentReturnedToSender) -> tuple[f.ParcelRefused]:
    return (f.ParcelRefused(to_ms(e.occurred_at), e.event_id, e.event_id, e.order_id, "returned"),)


def _stock(
    e: ev.StockLevel | ev.StockHeld | ev.StockReleased | ev.StockAdjusted,
) -> tuple[f.StockReading]:
    return (
        f.StockReading(
            to_ms(e.occurred_at),
            e.event_id,
            e.event_id,
            e.on_hand,
            e.held_unpaid,
            e.paid_reserved,
            e.deduct_mode,
        ),
    )


def _on_shelf(
    e: ev.ListingPublished | ev.ListingOnShelf,
) -> tuple[f.ListingState, f.ListingTerms]:
    state = f.ListingState(to_ms(e.occurred_at), e.event_id, e.event_id, True, "")
    return state, _terms(e, True)


def _off_shelf(e: ev.ListingOffShelf) -> tuple[f.ListingState, f.ListingTerms]:
    state = f.ListingState(to_ms(e.occurred_at), e.event_id, e.event_id, False, e.reason)
    return state, _terms(e, False)


def _changed(e: ev.ListingChanged) -> tuple[f.ListingTerms]:
    # An edit while off the shelf is not told apart; the next on_shelf or off_shelf says.
    return (_terms(e, True),)


# Words by which titles promise free shipping, name exclusions of it, and say what is no goods.
# 「不包邮」 promises nothing.
_FREE_SHIPPING = re.compile("(?<![不非])(?:包邮|免邮|包郵|免郵)|free shipping")
# 「满99包邮」, 「两件包邮」, 「江浙沪包邮」: the title itself says when, or where to.
_ON_CONDITION = re.compile(
    r"(?:[满滿]\s?[\d一二两三四五六七八九十百]+\s?[元块塊件个個]?|(?:[2-9]|\d\d+|[二两兩三四五六七八九十])件"
    r"|起|以上|江浙[沪滬]皖?|珠三角|京津冀|省[内內]|同城|部分地[区區]|会员|會員|首单|首單)"
    r"[即可就]?\s?$"
)
_CONDITION_CHARS = 16
_EXCLUSIONS = (
    *("除外", "不包邮", "不包郵", "偏远", "偏遠", "补邮", "補郵"),
    *("江浙沪包邮", "江浙沪皖包邮", "部分地区", "部分地區"),
)
# These leave out what lies abroad, and Xinjiang and Tibet (S1) are the mainland.
_ABROAD = re.compile("香港|澳[门門]|[台臺][湾灣]|港澳|海外|境外|[国國]外")
_MAINLAND_ONLY = re.compile("港澳[台臺]|大[陆陸]|[内內]地包")
# Goods may well come with a gift or with 运费险 (freight insurance): only a title that *is* one counts.
_GIFTS = ("赠品链接", "赠品专拍", "赠品勿拍", "赠品请勿", "贈品鏈接", "贈品專拍")
_FREIGHT = (
    "补邮费",
    "补运费",
    "补差价",
    "邮费补",
    "邮费链接",
    "邮费专拍",
    "运费专拍",
    "補郵費",
    "補差價",
)
# S3 「其他-赠品“类目下;邮费放置在“其他-邮费”类目下」.
_EXTRA_CATEGORIES = frozenset({"其他-赠品", "其他-邮费", "其他-贈品", "其他-郵費"})
# A path is written with all of these: 其他>邮费, 其它/赠品.
_PARTED = re.compile(r"\s*[-/>—－＞]+\s*")


def _terms(
    e: ev.ListingPublished | ev.ListingOnShelf | ev.ListingOffShelf | ev.ListingChanged,
    on_shelf: bool,
) -> f.ListingTerms:
    title = e.title.lower()
    extra = ""
    if title.startswith(("赠品", "贈品")) or any(word in title for word in _GIFTS):
        extra = "gift"
    elif title.startswith(("邮费", "郵費")) or any(word in title for word in _FREIGHT):
        extra = "freight"
    return f.ListingTerms(
        to_ms(e.occurred_at),
        e.event_id,
        e.event_id,
        on_shelf,
        e.claims_free_shipping or _promises_free_shipping(title),
        e.post_fee_minor > 0,
        bool(e.excluded_regions),
        _names_exclusions(e),
        e.is_overseas,
        e.overseas_disclosed,
        e.min_price_quantity,
        extra,
        _PARTED.sub("-", (e.category or "").replace("其它", "其他")) in _EXTRA_CATEGORIES,
        e.deduct_on_payment_supported is True,
    )


def _promises_free_shipping(title: str) -> bool:
    return any(
        _ON_CONDITION.search(title[max(0, promise.start() - _CONDITION_CHARS) : promise.start()])
        is None
        for promise in _FREE_SHIPPING.finditer(title)
    )


def _names_exclusions(
    e: ev.ListingPublished | ev.ListingOnShelf | ev.ListingOffShelf | ev.ListingChanged,
) -> bool:
    """Whether title or description say so in general, or name every region that is left out."""
    said = f"{e.title.lower()}\n{e.description}"
    if any(word in said for word in _EXCLUSIONS):
        return True
    is_mainland_only = _MAINLAND_ONLY.search(said) is not None
    # 新疆 stands for 新疆维吾尔自治区 as well.
    return bool(e.excluded_regions) and all(
        region[:2] in said or (is_mainland_only and _ABROAD.search(region) is not None)
        for region in e.excluded_regions
    )


FACTS_OF: dict[type, Callable[[Any], Sequence[f.AnyFact]]] = {
    ev.OrderCreated: _placed,
    ev.OrderAddressChanged: _redirected,
    ev.OrderClosed: _closed,
    ev.PaymentSucceeded: _paid,
    ev.PaymentFailed: _payment_failed,
    ev.ShipmentShipped: _shipped,
    ev.ShipmentPickedUp: _picked_up,
    ev.ShipmentRefused: _parcel_refused,
    ev.ShipmentReturnedToSender: _parcel_returned,
    ev.StockLevel: _stock,
    ev.StockHeld: _stock,
    ev.StockReleased: _stock,
    ev.StockAdjusted: _stock,
    ev.ListingPublished: _on_shelf,
    ev.ListingOnShelf: _on_shelf,
    ev.ListingOffShelf: _off_shelf,
    ev.ListingChanged: _changed,
}
