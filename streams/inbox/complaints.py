"""What becomes of a complaint that the shop files: a pure state machine (workflow W3).

    DRAFT ──> EVIDENCE_OK ──> SUBMITTED ──> UPHELD
      │            │         (T05 runs) └─> REJECTED ──> APPEALED ──> UPHELD, REJECTED
      └────────────┴─> DROPPED                          (T06 runs)

A person submits on the platform and notes it here; nothing is submitted from here. The trap: that a
reply is due, or late, is no state. It is read off the time of submission (`timers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from enum import StrEnum
from typing import Final, Literal

from streams.detect.entries import ComplaintKind
from streams.detect.playbooks import NEEDS


class CaseState(StrEnum):
    """Where a complaint is."""

    DRAFT = "DRAFT"
    EVIDENCE_OK = "EVIDENCE_OK"
    SUBMITTED = "SUBMITTED"
    UPHELD = "UPHELD"
    REJECTED = "REJECTED"
    APPEALED = "APPEALED"
    DROPPED = "DROPPED"


CaseStep = Literal["prove", "submit", "uphold", "reject", "appeal", "drop"]
CaseRefusal = Literal["not_from_this_state", "evidence_first", "no_second_appeal", "unknown_proof"]

TRANSITIONS: Final[dict[CaseState, Set[CaseState]]] = {
    CaseState.DRAFT: frozenset({CaseState.EVIDENCE_OK, CaseState.DROPPED}),
    CaseState.EVIDENCE_OK: frozenset({CaseState.SUBMITTED, CaseState.DROPPED}),
    CaseState.SUBMITTED: frozenset({CaseState.UPHELD, CaseState.REJECTED}),
    CaseState.REJECTED: frozenset({CaseState.APPEALED}),
    CaseState.APPEALED: frozenset({CaseState.UPHELD, CaseState.REJECTED}),
    CaseState.UPHELD: frozenset(),
    CaseState.DROPPED: frozenset(),
}
TARGET: Final[dict[CaseStep, CaseState]] = {
    "submit": CaseState.SUBMITTED,
    "uphold": CaseState.UPHELD,
    "reject": CaseState.REJECTED,
    "appeal": CaseState.APPEALED,
    "drop": CaseState.DROPPED,
}
ENDED: Final = frozenset({CaseState.UPHELD, CaseState.REJECTED, CaseState.DROPPED})
# An appeal may bring what the first submission lacked.
PROVABLE: Final = frozenset({CaseState.DRAFT, CaseState.EVIDENCE_OK, CaseState.REJECTED})
# What is filed is itself the appeal against somebody's complaint, so it is answered by T06 and only once.
IS_APPEAL: Final[frozenset[ComplaintKind]] = frozenset({"盗图申诉"})


def missing(kind: ComplaintKind, proved: Iterable[str]) -> tuple[str, ...]:
    """The proofs that such a complaint still needs, in the order of the form."""
    known = set(proved)
    return tuple(code for code in NEEDS[kind] if code not in known)


def can_take(step: CaseStep, state: CaseState, kind: ComplaintKind, *, was_appealed: bool) -> bool:
    """Whether a page should offer the step; a submission is offered once the evidence is complete."""
    proved = NEEDS[kind] if state is not CaseState.DRAFT else ()
    return refusal(step, state, kind, proved, was_appealed=was_appealed, proof=None) is None


def refusal(
    step: CaseStep,
    state: CaseState,
    kind: ComplaintKind,
    proved: Iterable[str],
    *,
    was_appealed: bool,
    proof: str | None,
) -> CaseRefusal | None:
    """Why `step` is not allowed now, or None. `proof` is the one that the step `prove` notes."""
    if step == "prove":
        if proof is not None and proof not in NEEDS[kind]:
            return "unknown_proof"
        return None if state in PROVABLE else "not_from_this_state"
    if step == "submit" and state is CaseState.DRAFT and missing(kind, proved):
        return "evidence_first"
    if TARGET[step] not in TRANSITIONS[state]:
        return "not_from_this_state"
    if step == "appeal" and (was_appealed or kind in IS_APPEAL):
        return "no_second_appeal"
    return None


def after(
    step: CaseStep, state: CaseState, kind: ComplaintKind, proved: Iterable[str]
) -> CaseState:
    """The state after an allowed step; the last proof that was missing completes the evidence."""
    if step != "prove":
        return TARGET[step]
    if state is CaseState.DRAFT and not missing(kind, proved):
        return CaseState.EVIDENCE_OK
    return state
