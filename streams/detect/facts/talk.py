"""Facts of what was written: chats and reviews, reduced to signals. No text is kept.

`found` holds signals as `code@start-end/sentence`, parted by blanks: spans of the original text, half-open,
in characters, and the sentence that each begins in, from 1. Facts of an earlier version name no sentence.
`lexicon` is the version of the words by which they were found.
"""

from __future__ import annotations

from streams.detect.facts.base import DAY_MS, Fact, FirstFact

# Of what excuses a demand of the next day: it may not go before what it excuses.
_EXCUSES_MS = Fact.retention_ms + 2 * DAY_MS


class Written(Fact, frozen=True, array_like=True, gc=False):
    """What chats and reviews have in common; not a fact by itself."""

    found: str
    lexicon: str

    def says(self, *prefixes: str) -> bool:
        """Whether any signal's code begins with one of the prefixes."""
        return any(one.startswith(prefixes) for one in self.found.split(" "))

    def codes(self) -> tuple[str, ...]:
        """The codes without their places, each once, in order of place."""
        return tuple(dict.fromkeys(one.partition("@")[0] for one in self.found.split(" ") if one))


class ChatSaid(Written, tag=20, frozen=True, array_like=True, gc=False):
    """The buyer wrote something that a detector needs. `ref` is the event id.

    `amount_minor` is the largest amount demanded, 0 for none. `orders` are the ids that it names.
    """

    amount_minor: int
    orders: tuple[str, ...]


class ChatRevealed(Fact, tag=21, frozen=True, array_like=True, gc=False):
    """The seller wrote somebody's data to the buyer. `ref` is the event id; `tokens` keyed hashes."""

    tokens: tuple[str, ...]


class SellersWord(Fact, frozen=True, array_like=True, gc=False):
    """What the seller wrote to the buyer of an order; not a fact by itself. `ref` is the event id.

    `order_id` is empty where the message names none.
    """

    order_id: str = ""


class ChatRefused(SellersWord, tag=25, frozen=True, array_like=True, gc=False):
    """The seller refused an invoice in a chat."""


class SaidStockout(SellersWord, tag=82, frozen=True, array_like=True, gc=False):
    """The seller wrote that goods are out of stock or late, or to claim that."""

    retention_ms = _EXCUSES_MS


class SaidMistake(SellersWord, tag=83, frozen=True, array_like=True, gc=False):
    """The seller wrote that another thing or too little came, or nothing."""

    retention_ms = _EXCUSES_MS


class AskedToRefuse(SellersWord, tag=84, frozen=True, array_like=True, gc=False):
    """The seller asked to refuse the parcel."""


class AskedToApply(SellersWord, tag=85, frozen=True, array_like=True, gc=False):
    """The seller asked to apply for a refund without a return, or once more."""


class AskedForFreight(SellersWord, tag=86, frozen=True, array_like=True, gc=False):
    """The seller wanted freight for goods that are sent."""


class SaidUnsent(SellersWord, tag=87, frozen=True, array_like=True, gc=False):
    """The seller wrote that goods have not left."""


class SaidKeep(SellersWord, tag=88, frozen=True, array_like=True, gc=False):
    """The seller wrote that goods, or some of them, need not come back."""


class AskedToPlace(SellersWord, tag=89, frozen=True, array_like=True, gc=False):
    """The seller asked to place an order and to wait with the payment."""


class SaidNotOurs(SellersWord, tag=93, frozen=True, array_like=True, gc=False):
    """The seller wrote that an order is none of the shop's."""


class PromisedCashback(SellersWord, tag=94, frozen=True, array_like=True, gc=False):
    """The seller promised cash for a review."""


class OfferedMoney(Fact, tag=90, frozen=True, array_like=True, gc=False):
    """The seller offered the buyer money, at most so much. `ref` is the event id."""

    retention_ms = _EXCUSES_MS

    amount_minor: int


class Talked(Fact, tag=22, frozen=True, array_like=True, gc=False):
    """The buyer wrote to the shop on this day. `ref` is the day since 1970 (UTC).

    The first message of a day is the fact: all later ones change nothing and so cost nothing. Whoever
    asks "any chat since" must count the whole day.
    """

    def rank(self) -> tuple[int, str]:
        return -self.at_ms, self.event_id


class ReasonGiven(FirstFact, tag=26, frozen=True, array_like=True, gc=False):
    """The buyer said what a claim may rest on: a fault, or a rule. `ref` is the day since 1970 (UTC).

    Of a day only the first such message is kept: honest buyers write many of them, and it is no signal
    that makes anybody look at them.
    """

    retention_ms = _EXCUSES_MS


class BuyerTold(FirstFact, tag=91, frozen=True, array_like=True, gc=False):
    """The buyer told the shop its side of a matter. `ref` is `kind/day since 1970 (UTC)`.

    `kind` is one of `text.told.KINDS`. Words alone: they cost nothing. Of each day only the first are kept.
    """

    kind: str


class OwnMoney(Fact, tag=92, frozen=True, array_like=True, gc=False):
    """The buyer told of so much money that it is the buyer's own. `ref` is the event id."""

    retention_ms = _EXCUSES_MS

    amount_minor: int


class ReviewStood(Written, tag=23, frozen=True, array_like=True, gc=False):
    """A review as it stood. `ref` is the review id, with `#appended` or `#changed` where `part` says so.

    The three stay apart because all are told: what was added does not replace what was posted, and a
    change ends it. Made for a rating that is not good, for a change (it may have been bad before),
    and for a text with signals: good reviews without any leave no fact. `posted_ms` is when the review
    was first published, 0 where nobody said.
    """

    order_id: str
    item_id: str
    rating: str
    is_mutual: bool
    part: str = ""
    posted_ms: int = 0

    @property
    def review_id(self) -> str:
        """The review that it is about."""
        return self.ref.removesuffix(f"#{self.part}") if self.part else self.ref


class ReviewGone(Fact, tag=24, frozen=True, array_like=True, gc=False):
    """A review was taken down. `ref` is the review id."""
