"""Facts of people and their dealings: contacts, accounts, invoices and recharges."""

from __future__ import annotations

from streams.detect.facts.base import Fact, FirstFact


class Contacted(Fact, tag=9, frozen=True, array_like=True, gc=False):
    """The seller tried to reach the buyer. `ref` is the event id: every attempt counts.

    `answered` is None where nobody knows, and that is neither an answer nor an attempt in vain.
    """

    answered: bool | None


class AccountVerified(Fact, tag=45, frozen=True, array_like=True, gc=False):
    """Whether the account's owner is verified. `ref` is the event id; None or 0 for what is not known."""

    verified: bool | None
    created_ms: int = 0


class AccountFlagged(Fact, tag=46, frozen=True, array_like=True, gc=False):
    """Marks on the account. `ref` is the event id; None is what the event says nothing about."""

    is_new: bool | None
    is_banned: bool | None
    phone_valid: bool | None


class SellsToo(Fact, tag=47, frozen=True, array_like=True, gc=False):
    """The buyer is a seller too, in these leaf categories, or no more. `ref` is the event id."""

    leaf_categories: tuple[str, ...]


class InvoiceAsked(Fact, tag=48, frozen=True, array_like=True, gc=False):
    """An invoice was asked for. `ref` is the event id; `address` the keyed hash of where to send it.

    The hash is empty where no address was given, or one that names no home.
    """

    invoice_id: str
    order_id: str
    address: str


class InvoiceRefused(Fact, tag=49, frozen=True, array_like=True, gc=False):
    """The seller refused an invoice. `ref` is the invoice id."""

    order_id: str


class InvoiceIssued(Fact, tag=50, frozen=True, array_like=True, gc=False):
    """An invoice was issued. `ref` is the invoice id."""

    order_id: str


class AccountDoubted(Fact, tag=51, frozen=True, array_like=True, gc=False):
    """An account that is not as it should be. `ref` is the event id; rare, so detectors wake for it.

    `why` is unverified or phone_invalid; a later `AccountVerified` or `AccountFlagged` clears it.
    """

    why: str


class RechargeSubmitted(Fact, tag=70, frozen=True, array_like=True, gc=False):
    """A top-up was sent to the provider. `ref` is the recharge id."""

    order_id: str


class RechargeSettled(FirstFact, tag=71, frozen=True, array_like=True, gc=False):
    """A top-up succeeded or failed for certain. `ref` is `recharge_id/callback` or `/reconciled`."""

    recharge_id: str
    status: str
