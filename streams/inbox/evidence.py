"""The evidence of one alert as a file to keep and to print: what goes into a complaint.

It says what the inbox knows, and what a person must still add. The trap: it leaves the console, so the
names of those who handled the alert are left out, and what was taken back says so on top.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from fastapi import Depends, FastAPI, Request, Response

from streams.detect.entries import ComplaintKind
from streams.detect.playbooks import NEEDS, PROOFS
from streams.inbox import pages
from streams.inbox.casebook import CaseDetail, kind_of
from streams.inbox.console import Console
from streams.inbox.events import orders_of
from streams.inbox.models import ComplaintStepRow
from streams.inbox.requests import admit
from streams.inbox.session import Session
from streams.inbox.store import Detail
from streams.inbox.timers import Timer
from streams.inbox.workflow import Label

# By these, what the alert says is not so, or no longer.
_SETTLED: Final = frozenset({Label.FALSE_POSITIVE, Label.BUYER_PAID, Label.WITHDRAWN})


class View(Protocol):
    """Fills a document that is read outside of the console."""

    def document(self, request: Request, template: str, shop_id: str, **values: object) -> str: ...

    def problem(self, request: Request, status: int, text: str, hint: str = "") -> Response: ...


@dataclass(frozen=True)
class Needed:
    """What one kind of complaint is proved with, and which of it somebody has noted."""

    kind: ComplaintKind
    proofs: Sequence[tuple[str, str]]
    noted: Mapping[tuple[str, str], ComplaintStepRow]


@dataclass(frozen=True)
class Part:
    """One alert of the file; a campaign has those that it puts together as well."""

    card: pages.Card
    detail: Detail
    needed: Sequence[Needed]
    cases: Sequence[CaseDetail]

    @property
    def stands(self) -> bool:
        """Whether anybody may be accused by it: neither the facts nor whoever handled it say otherwise."""
        return self.card.alert.status != "retracted" and self.detail.row.case.label not in _SETTLED

    @property
    def deadlines(self) -> Sequence[Timer]:
        """Those of the platform; what we promised ourselves is nobody else's business."""
        return [timer for timer in self.card.timers if not timer.is_own()]

    @property
    def orders(self) -> Sequence[str]:
        return orders_of(self.card.alert)


def add_evidence(app: FastAPI, console: Console, view: View) -> None:
    """The route of the file; a GET, for nothing is changed by it."""

    def admitted(request: Request) -> Session:
        return admit(request, console.keeper)

    @app.get("/alerts/{alert_id}/evidence", dependencies=[Depends(admitted)])
    def evidence(request: Request, alert_id: str) -> Response:
        whole = _part(console, alert_id)
        if whole is None:
            return view.problem(request, 404, "problem.missing", "problem.missing_hint")
        alert = whole.card.alert
        found = {one: _part(console, one) for one in alert.groups}
        grouped = [part for part in found.values() if part]
        text = view.document(
            request,
            "evidence.html",
            alert.shop_id,
            parts=[whole, *grouped],
            has_fallen=not all(part.stands for part in grouped),
            absent=[one for one, part in found.items() if part is None],
        )
        name = f"evidence-{whole.detail.row.alert_id}-r{alert.revision}.html"
        disposition = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(text, media_type="text/html", headers=disposition)


def _part(console: Console, alert_id: str) -> Part | None:
    detail = console.store.detail(alert_id)
    if detail is None:
        return None
    card = pages.card(detail.row, console.board.of_alerts([alert_id]).get(alert_id, ()))
    found = [
        console.casebook.detail(row.complaint_id) for row in console.casebook.of_alert(alert_id)
    ]
    cases = [case for case in found if case is not None]
    kinds = dict.fromkeys([*(kind_of(case.row) for case in cases), *card.complaint_kinds()])
    return Part(card, detail, [_needed(kind, cases) for kind in kinds], cases)


def _needed(kind: ComplaintKind, cases: Sequence[CaseDetail]) -> Needed:
    proofs = [step for case in cases if kind_of(case.row) == kind for step in case.proofs]
    noted = {PROOFS[step.proof]: step for step in proofs if step.proof in PROOFS}
    return Needed(kind, [PROOFS[code] for code in NEEDS[kind]], noted)
