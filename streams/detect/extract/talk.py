"""Facts from chats and reviews. The text is read here and goes no further.

What a newcomer gets wrong: most messages must leave nothing but the day on which the buyer wrote. What
is made for every message is paid for with every message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from schemas import fast_types as ev
from streams.detect import facts as f
from streams.detect.address.receivers import reader
from streams.detect.extract.times import deadline_ms, to_ms
from streams.detect.text.folding import fold
from streams.detect.text.leaks import is_line_of_the_trade
from streams.detect.text.lexicon import lexicon
from streams.detect.text.numbers import mobiles, order_ids
from streams.detect.text.seller import read_seller
from streams.detect.text.signals import Signals, read_chat, read_review

# Signals that matter by themselves, or beside another message. The others need company in the same one.
_ALONE = (
    *("threat.", "demand.money", "contact.wechat", "contact.qq"),
    *("address.ask", "invoice.", "scam"),
)
_IN_COMPANY = ("cashback", "address.", "invoice.")
MAX_ORDERS = 5
MAX_TOKENS = 5
# By kind of what a seller says of an order.
_OF_AN_ORDER: dict[str, Callable[..., f.AnyFact]] = {
    "refuses_invoice": f.ChatRefused,
    "out_of_stock": f.SaidStockout,
    "mistake": f.SaidMistake,
    "not_sent": f.SaidUnsent,
    "wants_refused": f.AskedToRefuse,
    "wants_applied": f.AskedToApply,
    "wants_freight": f.AskedForFreight,
    "spares_return": f.SaidKeep,
    "wants_placed": f.AskedToPlace,
    "not_ours": f.SaidNotOurs,
    "promises_cashback": f.PromisedCashback,
}
_PARTS: dict[type, str] = {ev.ReviewAppended: "appended", ev.ReviewChanged: "changed"}


def _chat(e: ev.ChatMessage) -> Sequence[f.AnyFact]:
    if e.sender == "seller":
        return _by_seller(e)
    if e.sender != "buyer":
        return ()
    at_ms = to_ms(e.occurred_at)
    day = str(at_ms // f.DAY_MS)
    found: list[f.AnyFact] = [f.Talked(at_ms, e.event_id, day)]
    signals = read_chat(e.text)
    if signals.names_reason:
        found.append(f.ReasonGiven(at_ms, e.event_id, day))
    found += [
        f.BuyerTold(at_ms, e.event_id, f"{kind}/{day}", kind)
        for kind in signals.told
        # Who threatens with orders that nobody pays says why they wait, too.
        if kind != "unpaid" or not signals.has("threat.")
    ]
    if signals.own_minor:
        found.append(f.OwnMoney(at_ms, e.event_id, e.event_id, signals.own_minor))
    named = _orders_named(e)
    if not named and not _matters(signals):
        return found
    orders = (e.order_id, *named) if e.order_id else named
    found.append(
        f.ChatSaid(
            at_ms,
            e.event_id,
            e.event_id,
            _written(signals),
            lexicon().version,
            signals.amount_minor,
            tuple(dict.fromkeys(orders))[:MAX_ORDERS],
        )
    )
    return found


def _by_seller(e: ev.ChatMessage) -> Sequence[f.AnyFact]:
    """What the seller refused, had no more of, owned up to, asked for, offered, or gave away: often nothing.

    What was given away stands under the key of identities.
    """
    at_ms, event_id = to_ms(e.occurred_at), e.event_id
    said = read_seller(e.text)
    found: list[f.AnyFact] = [
        _OF_AN_ORDER[kind](at_ms, event_id, event_id, e.order_id or "") for kind in said.kinds
    ]
    if said.offered_minor:
        found.append(f.OfferedMoney(at_ms, event_id, event_id, said.offered_minor))
    if tokens := _numbers_shown(e.text):
        found.append(f.ChatRevealed(at_ms, event_id, event_id, tokens))
    return found


def _numbers_shown(text: str) -> tuple[str, ...]:
    if not _has_digits(text):
        return ()
    folded = fold(text).text
    hashes = (
        reader().phone(number)
        for number, start, _ in mobiles(folded)
        # 「请加客服电话…」, 「快递员电话…」: nobody's who ordered anything.
        if not is_line_of_the_trade(folded, start)
    )
    return tuple(sorted({token for token in hashes if token}))[:MAX_TOKENS]


def _orders_named(e: ev.ChatMessage) -> tuple[str, ...]:
    """The order ids typed into the message."""
    if not _has_digits(e.text):
        return ()
    return tuple(number for number, _, _ in order_ids(fold(e.text).text))


def _has_digits(text: str) -> bool:
    # Also the circled and full-width ones.
    return any(map(str.isdigit, text))


def _matters(signals: Signals) -> bool:
    if signals.has(*_ALONE):
        return True
    return len({c for one in signals.found for c in _IN_COMPANY if one.code.startswith(c)}) > 1


def _reviewed(
    e: ev.ReviewPosted | ev.ReviewAppended | ev.ReviewChanged,
) -> Sequence[f.AnyFact]:
    signals = read_review(e.text) if e.text else Signals()
    if e.rating == "good" and not signals.found and not isinstance(e, ev.ReviewChanged):
        return ()
    part = _PARTS.get(type(e), "")
    at_ms = to_ms(e.occurred_at)
    return (
        f.ReviewStood(
            at_ms,
            e.event_id,
            f"{e.review_id}#{part}" if part else e.review_id,
            _written(signals),
            lexicon().version if signals.found else "",
            e.order_id,
            e.item_id or "",
            e.rating,
            e.mutual_rated,
            part,
            _posted_ms(e.posted_at, at_ms, is_new=not part),
        ),
    )


def _posted_ms(posted_at: datetime | None, at_ms: int, *, is_new: bool) -> int:
    """When the review was first published, 0 if nobody said; nothing can be said of it before."""
    return min(deadline_ms(posted_at) or (at_ms if is_new else 0), at_ms)


def _review_gone(e: ev.ReviewDeleted) -> tuple[f.ReviewGone]:
    return (f.ReviewGone(to_ms(e.occurred_at), e.event_id, e.review_id),)


def _written(signals: Signals) -> str:
    return " ".join(f"{one.code}@{one.start}-{one.end}/{one.sentence}" for one in signals.found)


FACTS_OF: dict[type, Callable[[Any], Sequence[f.AnyFact]]] = {
    ev.ChatMessage: _chat,
    ev.ReviewPosted: _reviewed,
    ev.ReviewAppended: _reviewed,
    ev.ReviewChanged: _reviewed,
    ev.ReviewDeleted: _review_gone,
}
