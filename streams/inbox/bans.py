"""What becomes of a proposal to restrict a buyer: a pure state machine (workflow W6).

    PROPOSED ──> APPROVED ──> EXPORTED ──> LIFTED      EXPORTED: a person has restricted the buyer
        │  │        │  │                               on the platform, and the ban stands.
        │  └────────┼──┴─> WITHDRAWN
        └───────────┴────> DECLINED

On the platform a restriction is permanent, so it takes two steps, by two people wherever people are told
apart. Nobody is restricted from here. The trap: one who is wrongly restricted must be able to leave *our*
list, or the detectors would hold it against that buyer for ever.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from schemas.alerts import Alert
from streams.inbox.events import buyer_of
from streams.inbox.session import LOCAL_OPERATOR
from streams.inbox.workflow import Label, stands


class BanState(StrEnum):
    """Where a ban is."""

    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    EXPORTED = "EXPORTED"
    LIFTED = "LIFTED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"


BanStep = Literal["approve", "restrict", "decline", "withdraw", "lift"]
BanRefusal = Literal[
    "not_from_this_state",
    "no_order",
    "stands_not",
    "confirm_first",
    "handled_anew",
    "banned_already",
    "ban_reason_first",
    "name_first",
    "second_person",
    "proposer_only",
    "permanence_first",
]

TRANSITIONS: Final[dict[BanState, Set[BanState]]] = {
    BanState.PROPOSED: frozenset({BanState.APPROVED, BanState.DECLINED, BanState.WITHDRAWN}),
    BanState.APPROVED: frozenset({BanState.EXPORTED, BanState.DECLINED, BanState.WITHDRAWN}),
    BanState.EXPORTED: frozenset({BanState.LIFTED}),
    BanState.LIFTED: frozenset(),
    BanState.DECLINED: frozenset(),
    BanState.WITHDRAWN: frozenset(),
}
TARGET: Final[dict[BanStep, BanState]] = {
    "approve": BanState.APPROVED,
    "restrict": BanState.EXPORTED,
    "decline": BanState.DECLINED,
    "withdraw": BanState.WITHDRAWN,
    "lift": BanState.LIFTED,
}
# A buyer has at most one ban that has not ended.
ENDED: Final = frozenset({BanState.LIFTED, BanState.DECLINED, BanState.WITHDRAWN})
# What takes something back says why.
REASONED: Final[frozenset[BanStep]] = frozenset({"decline", "lift"})
# By these a person has found that the buyer ordered in bad faith (S0 「只適合已經惡意下單過的買家」), which
# also keeps a ban from ever being the first thing that is done about an alert.
CONFIRMING: Final = frozenset(
    {Label.CONFIRMED_MALICIOUS, Label.COMPLAINT_FILED, Label.POLICE_REPORTED}
)
# What needs that the alert behind it still holds.
_GROUNDED: Final[frozenset[BanStep]] = frozenset({"approve", "restrict"})


@dataclass(frozen=True)
class Asking:
    """Who asks for a step. People are told apart where they sign in with a token and a name."""

    by: str
    are_told_apart: bool

    @property
    def is_nameless(self) -> bool:
        """Whether it cannot be said who this is, where it should be."""
        return self.are_told_apart and self.by == LOCAL_OPERATOR

    def may_be_other_than(self, name: str) -> bool:
        """Whether this is somebody else, or nobody knows; a name is all that is known of people."""
        return not self.are_told_apart or _folded(self.by) != _folded(name)

    def may_be(self, name: str) -> bool:
        """Whether this is the one of that name, or nobody knows."""
        return not self.are_told_apart or _folded(self.by) == _folded(name)


def unproposable(alert: Alert, label: Label | None, orders: Collection[str]) -> BanRefusal | None:
    """Why no ban can be proposed on the grounds of an alert, or None.

    `label` is what people found, `orders` those of the buyer that are known.
    """
    if buyer_of(alert) is None or not orders:
        return "no_order"
    if alert.severity == "info" or not stands(alert.status, label):
        return "stands_not"
    return None if label in CONFIRMING else "confirm_first"


def ungrounded(alert: Alert, label: Label | None, orders: Collection[str]) -> BanRefusal | None:
    """Why an alert does not bear the ban that was proposed on its grounds, or None."""
    reason = unproposable(alert, label, orders)
    # It was labelled once. Whoever takes it again begins without that, and has not found otherwise yet.
    return "handled_anew" if reason == "confirm_first" and label is None else reason


def untakeable(
    step: BanStep,
    state: BanState,
    proposed_by: str,
    asking: Asking,
    grounds: BanRefusal | None,
) -> BanRefusal | None:
    """Why a page should not offer the step now, or None. `grounds` is what `ungrounded` says today."""
    if TARGET[step] not in TRANSITIONS[state]:
        return "not_from_this_state"
    if step in _GROUNDED and grounds is not None:
        return grounds
    if step == "approve" and asking.is_nameless:
        return "name_first"
    if step == "approve" and not asking.may_be_other_than(proposed_by):
        return "second_person"
    if step == "withdraw" and not asking.may_be(proposed_by):
        return "proposer_only"
    return None


def refusal(
    step: BanStep,
    state: BanState,
    proposed_by: str,
    asking: Asking,
    grounds: BanRefusal | None,
    *,
    reason: str,
    is_confirmed: bool,
) -> BanRefusal | None:
    """Why `step` is not taken, or None. `is_confirmed` says that somebody knows it to be permanent."""
    untaken = untakeable(step, state, proposed_by, asking, grounds)
    if untaken is not None:
        return untaken
    if step == "approve" and not is_confirmed:
        return "permanence_first"
    return "ban_reason_first" if step in REASONED and not reason else None


def _folded(name: str) -> str:
    # One person who writes a name in other letters, or with what nobody sees, is no second one.
    letters = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in letters if unicodedata.category(c)[0] not in "CZ")
