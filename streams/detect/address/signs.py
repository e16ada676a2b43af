"""What speaks against a receiver and an account, as it stands now, from the facts of one buyer.

What a newcomer gets wrong: a doubt is about the receiver that stands. The last change of an order, or the
order told anew, replaces what was doubted before, and then the doubt is cleared and not merely old.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

from streams.detect.detector import Facts
from streams.detect.facts import (
    AccountDoubted,
    AccountFlagged,
    AccountVerified,
    AnyFact,
    OrderPlaced,
    ReceiverDoubted,
    Redirected,
)


class DoubtedOrder(NamedTuple):
    """The doubts about the receivers of one order, oldest first; `standing` is the one of the last.

    `standing` is None where the last receiver has none; `redirected_ms` and `redirected_by` are when, and by
    which event, that one was given.
    """

    order_id: str
    doubts: Sequence[ReceiverDoubted]
    standing: ReceiverDoubted | None
    redirected_ms: int
    redirected_by: str


class Sign(NamedTuple):
    """Something odd about who the buyer is, and when that was put right, if it was."""

    code: str
    fact: AnyFact
    cleared_ms: int | None


def doubted_orders(facts: Facts) -> list[DoubtedOrder]:
    """The orders of which any receiver was doubted, by the time of the first doubt."""
    of_order: dict[str, list[ReceiverDoubted]] = {}
    for doubt in facts.of(ReceiverDoubted):
        of_order.setdefault(doubt.order_id, []).append(doubt)
    given = receivers_given(facts, of_order)
    return [
        _doubted(order_id, doubts, *given.get(order_id, (0, "")))
        for order_id, doubts in of_order.items()
    ]


def receivers_given(facts: Facts, orders: Container[str]) -> dict[str, tuple[int, str]]:
    """When, and by which event, the receiver that stands was given, for these orders."""
    given: dict[str, tuple[int, str]] = {}
    for fact in (*facts.of(OrderPlaced), *facts.of(Redirected)):
        if fact.ref in orders:
            given[fact.ref] = max(given.get(fact.ref, (0, "")), (fact.at_ms, fact.event_id))
    return given


def _doubted(
    order_id: str, doubts: Sequence[ReceiverDoubted], given_ms: int, event_id: str
) -> DoubtedOrder:
    last = doubts[-1]
    # The doubt itself is proof of a receiver, should nothing else of its order be kept.
    is_standing = last.event_id == event_id or (last.at_ms, last.event_id) > (given_ms, event_id)
    return DoubtedOrder(order_id, doubts, last if is_standing else None, given_ms, event_id)


def identity_signs(facts: Facts) -> list[Sign]:
    """The signs about the account and the phones of its orders, by time.

    `unverified` and `account_phone` come from the account; `phone_invalid` and `phone_disposable` from
    the receivers of orders.
    """
    found = []
    for doubt in facts.of(AccountDoubted):
        if doubt.why == "unverified":
            cleared = [v for v in facts.of(AccountVerified) if v.verified]
            found.append(Sign("unverified", doubt, _first_after(doubt, cleared)))
        else:
            valid = [flags for flags in facts.of(AccountFlagged) if flags.phone_valid]
            found.append(Sign("account_phone", doubt, _first_after(doubt, valid)))
    for order in doubted_orders(facts):
        for doubt_of_phone in order.doubts:
            if doubt_of_phone.phone:
                is_standing = order.standing is doubt_of_phone
                cleared_ms = None if is_standing else _replaced_ms(order, doubt_of_phone)
                found.append(Sign(doubt_of_phone.phone, doubt_of_phone, cleared_ms))
    return sorted(found, key=lambda sign: (sign.fact.at_ms, sign.fact.event_id))


def _replaced_ms(order: DoubtedOrder, doubt: ReceiverDoubted) -> int:
    """When the receiver after a doubted one was given."""
    later = [other.at_ms for other in order.doubts if other.at_ms > doubt.at_ms]
    return min([*later, max(order.redirected_ms, doubt.at_ms)])


def _first_after(doubt: AnyFact, facts: Sequence[AnyFact]) -> int | None:
    return next((fact.at_ms for fact in facts if fact.at_ms > doubt.at_ms), None)
