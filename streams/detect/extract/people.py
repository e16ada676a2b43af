"""Facts from talking, contacts, accounts, invoices and recharges. Texts and personal data end here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from schemas import fast_types as ev
from streams.detect import facts as f
from streams.detect.address.receivers import reader
from streams.detect.extract.times import deadline_ms, to_ms


def _contacted(e: ev.ContactAttempted) -> tuple[f.Contacted]:
    return (f.Contacted(to_ms(e.occurred_at), e.event_id, e.event_id, e.answered),)


def _verified(e: ev.AccountVerified) -> Sequence[f.AnyFact]:
    at_ms, event_id = to_ms(e.occurred_at), e.event_id
    known = f.AccountVerified(
        at_ms, event_id, event_id, e.alipay_verified, deadline_ms(e.created_at)
    )
    if e.alipay_verified is not False:
        return (known,)
    return known, f.AccountDoubted(at_ms, event_id, event_id, "unverified")


def _flagged(e: ev.AccountFlags) -> Sequence[f.AnyFact]:
    at_ms, event_id = to_ms(e.occurred_at), e.event_id
    known = f.AccountFlagged(at_ms, event_id, event_id, e.is_new, e.is_banned, e.phone_valid)
    if e.phone_valid is not False:
        return (known,)
    return known, f.AccountDoubted(at_ms, event_id, event_id, "phone_invalid")


# Of more than any shop has: a fact that is much heavier than others could make its subject's state outgrow
# a record of the changelog (see `facts.merging`).
MOST_CATEGORY_CHARACTERS = 6_000


def _sells_too(e: ev.AccountSellerCategory) -> tuple[f.SellsToo]:
    leaves = sorted(set(e.leaf_categories)) if e.is_seller else []
    while sum(map(len, leaves)) > MOST_CATEGORY_CHARACTERS:
        leaves.pop()
    return (f.SellsToo(to_ms(e.occurred_at), e.event_id, e.event_id, tuple(leaves)),)


def _invoice_asked(
    e: ev.InvoiceRequested | ev.InvoiceAddressRequested,
) -> tuple[f.InvoiceAsked]:
    to = e.ship_to
    address = ""
    if to is not None:
        address = (
            reader()
            .read(to.name, to.phone, to.country, to.state, to.city, to.district, to.detail)
            .address
        )
    at_ms = to_ms(e.occurred_at)
    return (f.InvoiceAsked(at_ms, e.event_id, e.event_id, e.invoice_id, e.order_id, address),)


def _invoice_refused(e: ev.InvoiceRefused) -> tuple[f.InvoiceRefused]:
    return (f.InvoiceRefused(to_ms(e.occurred_at), e.event_id, e.invoice_id, e.order_id),)


def _invoice_issued(e: ev.InvoiceIssued) -> tuple[f.InvoiceIssued]:
    return (f.InvoiceIssued(to_ms(e.occurred_at), e.event_id, e.invoice_id, e.order_id),)


def _recharge_submitted(
    e: ev.RechargeSubmitted,
) -> tuple[f.RechargeSubmitted, f.ShippingOver]:
    at_ms, event_id, order_id = to_ms(e.occurred_at), e.event_id, e.order_id
    return (
        f.RechargeSubmitted(at_ms, event_id, e.recharge_id, order_id),
        f.ShippingOver(at_ms, event_id, order_id, "top_up"),
    )


def _recharge_answered(e: ev.RechargeCallback) -> tuple[()] | tuple[f.RechargeSettled]:
    # "Pending" is no answer: the result is as unknown as before.
    if e.status == "pending":
        return ()
    return _settled(e, "callback")


def _recharge_reconciled(e: ev.RechargeReconciled) -> tuple[f.RechargeSettled]:
    return _settled(e, "reconciled")


def _settled(e: ev.RechargeCallback | ev.RechargeReconciled, by: str) -> tuple[f.RechargeSettled]:
    ref = f"{e.recharge_id}/{by}"
    return (f.RechargeSettled(to_ms(e.occurred_at), e.event_id, ref, e.recharge_id, e.status),)


FACTS_OF: dict[type, Callable[[Any], Sequence[f.AnyFact]]] = {
    ev.ContactAttempted: _contacted,
    ev.AccountVerified: _verified,
    ev.AccountFlags: _flagged,
    ev.AccountSellerCategory: _sells_too,
    ev.InvoiceRequested: _invoice_asked,
    ev.InvoiceAddressRequested: _invoice_asked,
    ev.InvoiceRefused: _invoice_refused,
    ev.InvoiceIssued: _invoice_issued,
    ev.RechargeSubmitted: _recharge_submitted,
    ev.RechargeCallback: _recharge_answered,
    ev.RechargeReconciled: _recharge_reconciled,
}
