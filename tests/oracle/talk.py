"""The oracle for what was written: signals of texts are given, everything else is read from the events.

SQL cannot read Chinese, so a row of `said` and `reviewed` says what the text signals found; which
messages and reviews make a fact at all is the detectors' side as well, and so is what an address is
reduced to. Windows, windows' ends, who owns what, which part of a review stands, and which refusal was
answered are the oracle's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.oracle.oracle import DEFAULTS, History, OracleEpisode

Event = tuple[str, Mapping[str, Any]]


class Said(NamedTuple):
    """A message of a buyer that carries signals or names orders.

    `wants_money` is told of money without a word of compensation, `claims_money` of money with one.
    """

    shop: str
    buyer: str
    event_id: str
    at_ms: int
    threatens: bool
    wants_money: bool
    claims_money: bool
    wants_something: bool
    names_amount: bool
    names_channel: bool
    is_marked: bool
    asks_address: bool
    themes: Sequence[str]
    orders: Sequence[str]
    amount_minor: int
    tells_scam: bool


class Offered(NamedTuple):
    """A message in which the seller offers so much money."""

    shop: str
    buyer: str
    at_ms: int
    amount_minor: int


class Owned(NamedTuple):
    """A message in which the buyer tells of so much money that it is its own."""

    shop: str
    buyer: str
    event_id: str
    at_ms: int
    amount_minor: int


class Explained(NamedTuple):
    """A message that gives a reason for a claim: of the buyer, or of a seller who owns up to one."""

    shop: str
    buyer: str
    at_ms: int


class Reviewed(NamedTuple):
    """A part of a review: posted, appended or changed.

    `n_ads` are the kinds of ads in it; the other numbers are places in the text.
    """

    shop: str
    buyer: str
    review_id: str
    part: str
    event_id: str
    at_ms: int
    order_id: str
    rating: str
    posted_ms: int
    n_ads: int
    n_insults: int
    n_leaks: int
    n_swear_words: int
    tells_scam: bool


class InvoiceStep(NamedTuple):
    """An invoice was asked, refused or issued, or one was refused in the chat, which names none.

    `address` is what the address was reduced to, empty where it names no home.
    """

    shop: str
    buyer: str
    kind: str
    event_id: str
    at_ms: int
    invoice_id: str
    order_id: str
    address: str = ""


class Delivered(NamedTuple):
    """Where an order goes: as `created`, or as `changed`."""

    shop: str
    buyer: str
    order_id: str
    kind: str
    event_id: str
    at_ms: int
    address: str


class Ended(NamedTuple):
    """A review that was taken down."""

    shop: str
    buyer: str
    name: str
    at_ms: int


class TalkHistory(History):
    """A history with its signals. Close it."""

    def __init__(
        self,
        events: Iterable[Event],
        said: Sequence[Said],
        explained: Sequence[Explained],
        offered: Sequence[Offered],
        owned: Sequence[Owned],
        reviewed: Sequence[Reviewed],
        gone: Sequence[Ended],
        invoices: Sequence[InvoiceStep],
        delivered: Sequence[Delivered],
    ) -> None:
        super().__init__(events)
        self._table(
            "said(shop VARCHAR, buyer VARCHAR, event_id VARCHAR, at_ms BIGINT, threatens BOOLEAN,"
            " wants_money BOOLEAN, claims_money BOOLEAN, wants_something BOOLEAN, names_amount BOOLEAN,"
            " names_channel BOOLEAN, is_marked BOOLEAN, asks_address BOOLEAN, themes VARCHAR[],"
            " orders VARCHAR[], amount_minor BIGINT, tells_scam BOOLEAN)",
            said,
        )
        self._table("explained(shop VARCHAR, buyer VARCHAR, at_ms BIGINT)", explained)
        self._table(
            "offered(shop VARCHAR, buyer VARCHAR, at_ms BIGINT, amount_minor BIGINT)", offered
        )
        self._table(
            "owned(shop VARCHAR, buyer VARCHAR, event_id VARCHAR, at_ms BIGINT, amount_minor BIGINT)",
            owned,
        )
        self._table(
            "reviewed(shop VARCHAR, buyer VARCHAR, review_id VARCHAR, part VARCHAR,"
            " event_id VARCHAR, at_ms BIGINT, order_id VARCHAR, rating VARCHAR, posted_ms BIGINT,"
            " n_ads INTEGER, n_insults INTEGER, n_leaks INTEGER, n_swear_words INTEGER, tells_scam BOOLEAN)",
            reviewed,
        )
        self._table(
            "review_gone(shop VARCHAR, buyer VARCHAR, review_id VARCHAR, at_ms BIGINT)", gone
        )
        self._table(
            "invoice_step(shop VARCHAR, buyer VARCHAR, kind VARCHAR, event_id VARCHAR, at_ms BIGINT,"
            " invoice_id VARCHAR, order_id VARCHAR, address VARCHAR)",
            invoices,
        )
        self._table(
            "delivered(shop VARCHAR, buyer VARCHAR, order_id VARCHAR, kind VARCHAR,"
            " event_id VARCHAR, at_ms BIGINT, address VARCHAR)",
            delivered,
        )
        self.execute("talk.sql")


DETECTORS = ("D04", "D13", "D14", "D17", "D18", "D19", "D20", "D21", "D23", "D24")
__all__ = [
    "DEFAULTS",
    "DETECTORS",
    "Delivered",
    "Ended",
    "Explained",
    "InvoiceStep",
    "Offered",
    "OracleEpisode",
    "Owned",
    "Reviewed",
    "Said",
    "TalkHistory",
]
