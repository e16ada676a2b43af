"""The pages of complaints: begin one, from an alert or by hand, note its evidence, move it on.

A person submits on the platform; nothing here sends anything anywhere.
"""

from __future__ import annotations

from typing import Annotated, get_args
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from streams.detect import playbooks
from streams.detect.entries import ComplaintKind, entries
from streams.display.masking import visible
from streams.inbox import pages
from streams.inbox.casebook import CaseOutcome, kind_of
from streams.inbox.complaints import PROVABLE, CaseState, CaseStep, can_take
from streams.inbox.console import Console
from streams.inbox.list_web import View
from streams.inbox.redaction import clean
from streams.inbox.requests import (
    admit,
    case_step_of,
    check_change,
    form_of,
    opened_of,
    typed_in,
)
from streams.inbox.session import Session

_MOVES: tuple[CaseStep, ...] = ("submit", "uphold", "reject", "appeal", "drop")


def add_cases(app: FastAPI, console: Console, view: View) -> None:
    """The routes below /cases."""

    def admitted(request: Request) -> Session:
        return admit(request, console.keeper)

    @app.get("/cases", dependencies=[Depends(admitted)])
    def listed() -> Response:
        return RedirectResponse("/complaints", 303)

    # Registered before the page of a complaint, whose pattern would take the word as an id.
    @app.get("/cases/new", dependencies=[Depends(admitted)])
    def new(request: Request) -> HTMLResponse:
        found = console.store.detail(request.query_params.get("alert", ""))
        return view.page(
            request,
            "case_new.html",
            card=pages.card(found.row) if found else None,
            kinds=get_args(ComplaintKind),
            chosen=request.query_params.get("kind", ""),
            shops=console.store.choices()[0],
            tab="complaints",
        )

    @app.post("/cases")
    def begin(request: Request, form: Annotated[dict[str, str], Depends(form_of)]) -> Response:
        session = admit(request, console.keeper)
        check_change(request, console.keeper, form)
        complaint_id = console.casebook.open(opened_of(form, session.operator))
        console.metrics.stepped("complaint_open", "done")
        console.live.announce()
        return RedirectResponse(f"/cases/{complaint_id}", 303)

    @app.get("/cases/{complaint_id}", dependencies=[Depends(admitted)])
    def case(request: Request, complaint_id: str) -> HTMLResponse:
        return case_page(console, view, request, complaint_id)

    @app.post("/cases/{complaint_id}/{step}")
    def perform(
        request: Request,
        complaint_id: str,
        step: str,
        form: Annotated[dict[str, str], Depends(form_of)],
    ) -> Response:
        session = admit(request, console.keeper)
        check_change(request, console.keeper, form)
        wanted = case_step_of(complaint_id, step, form, session.operator)
        outcome = console.casebook.perform(wanted)
        console.metrics.stepped(f"complaint_{wanted.step}", outcome.kind)
        if outcome.kind in ("done", "repeated"):
            console.live.announce()
            where = "#body" if wanted.step == "prove" else "#work"
            return RedirectResponse(f"/cases/{quote(complaint_id)}{where}", 303)
        return case_page(
            console, view, request, complaint_id, outcome, pages.Kept(step, typed_in(request))
        )


def case_page(
    console: Console,
    view: View,
    request: Request,
    complaint_id: str,
    outcome: CaseOutcome | None = None,
    kept: pages.Kept = pages.NOTHING_KEPT,
) -> HTMLResponse:
    """One complaint; after a step that did not happen, with the reason on top."""
    detail = console.casebook.detail(complaint_id)
    if detail is None:
        return view.problem(request, 404, "problem.case_missing", "problem.missing_hint")
    row, kind = detail.row, kind_of(detail.row)
    state = CaseState(row.state)
    shop_type = console.rules.shop_type(row.shop_id)
    message = ""
    if outcome is not None:
        message = f"refusal.{outcome.reason}" if outcome.reason else "problem.case_conflict"
    return view.page(
        request,
        "case.html",
        status=200 if outcome is None else 409,
        case=row,
        detail=detail,
        named=console.store.named([row.alert_id] if row.alert_id else []),
        needs=[(code, *playbooks.PROOFS[code]) for code in playbooks.NEEDS[kind]],
        noted={step.proof: step for step in detail.proofs},
        is_provable=state in PROVABLE,
        moves=[
            step
            for step in _MOVES
            if can_take(step, state, kind, was_appealed=row.appealed_at is not None)
        ],
        entries=entries(kind, shop_type),
        proofs=playbooks.PROOFS,
        # What it is about is an id to be found by, and no sentence.
        draft=playbooks.form(kind, clean(row.story), shop_type, visible(row.about)),
        timers=console.board.of_complaint(row),
        message=message,
        kept=kept,
        tab="complaints",
    )
