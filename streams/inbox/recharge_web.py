"""The page of top-ups without a result (充值): those that wait, each with its form, and what was recorded.

A result is the same step as on the page of the alert. A person has looked it up at the provider; nothing
here asks or tells a provider anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from streams.inbox import pages, recharges
from streams.inbox.console import Console
from streams.inbox.desk import Outcome
from streams.inbox.events import buyer_of, recharge_of
from streams.inbox.list_web import View
from streams.inbox.models import AlertRow, AuditRow
from streams.inbox.requests import admit, check_change, form_of, page_of, step_of, typed_in
from streams.inbox.session import Session
from streams.inbox.workflow import StepRequest, can_record


@dataclass(frozen=True)
class TopUp:
    """A top-up as its alert tells it. Without an id it is none whose result could be recorded."""

    card: pages.Card
    recharge_id: str
    order_id: str
    buyer: str
    sent_at: datetime | None

    @property
    def can_record(self) -> bool:
        return bool(self.recharge_id) and can_record(self.card.state)

    @property
    def assignee(self) -> str:
        return self.card.row.case.assignee or ""


@dataclass(frozen=True)
class Entry:
    """One line of what was recorded by hand."""

    top_up: TopUp
    step: AuditRow
    result: str
    reason: str


@dataclass(frozen=True)
class Undone:
    """Why a result was not recorded, and what was typed for it."""

    what: pages.Undone
    kept: pages.Kept


def add_recharges(app: FastAPI, console: Console, view: View) -> None:
    """The routes below /recharges."""

    def admitted(request: Request) -> Session:
        return admit(request, console.keeper)

    @app.get("/recharges", dependencies=[Depends(admitted)])
    def listed(request: Request) -> HTMLResponse:
        return recharge_page(console, view, request)

    @app.post("/recharges/{alert_id}")
    def record(
        request: Request, alert_id: str, form: Annotated[dict[str, str], Depends(form_of)]
    ) -> Response:
        session = admit(request, console.keeper)
        check_change(request, console.keeper, form)
        wanted = step_of(alert_id, "reconcile", form, session.operator)
        outcome = console.desk.perform(wanted)
        console.metrics.stepped(wanted.step, outcome.kind, outcome.waited)
        if outcome.kind in ("done", "repeated"):
            console.live.announce()
            return RedirectResponse(_address(request), 303)
        return recharge_page(console, view, request, _undone(console, wanted, outcome, request))


def recharge_page(
    console: Console, view: View, request: Request, undone: Undone | None = None
) -> HTMLResponse:
    """The page; after a result that was not recorded, with the reason on top."""
    engine, shop = console.store.engine, request.query_params.get("shop") or None
    waiting = recharges.waiting(engine, shop, console.now(), page_of(request, "page"))
    recorded = recharges.recorded(engine, shop, page_of(request, "log"))
    return view.page(
        request,
        "recharges.html",
        status=200 if undone is None else 409,
        waiting=waiting,
        top_ups=[top_up(row) for row in waiting.rows],
        recorded=recorded,
        entries=_entries(recorded.rows),
        shop=shop or "",
        shops=console.store.choices()[0],
        undone=undone,
        tab="recharges",
    )


def top_up(row: AlertRow) -> TopUp:
    card = pages.card(row)
    recharge_id, order_id = recharge_of(card.alert) or ("", "")
    sent = [fact.at for fact in card.alert.evidence.facts if fact.kind == "RechargeSubmitted"]
    return TopUp(card, recharge_id, order_id, buyer_of(card.alert) or "", min(sent, default=None))


def _entries(rows: Iterable[recharges.Recorded]) -> list[Entry]:
    entries = []
    for one in rows:
        said = json.loads(one.step.detail)
        entries.append(
            Entry(top_up(one.row), one.step, said.get("result", ""), said.get("reason", ""))
        )
    return entries


def _undone(console: Console, wanted: StepRequest, outcome: Outcome, request: Request) -> Undone:
    detail = console.store.detail(wanted.alert_id)
    reason = f"refusal.{outcome.reason}" if outcome.reason else f"bulk.{outcome.kind}"
    what = pages.undone(wanted.alert_id, reason, detail)
    return Undone(what, pages.Kept(wanted.alert_id, typed_in(request)))


def _address(request: Request) -> str:
    """The list from which a result was sent, with its shop and its pages."""
    query = request.url.query
    return f"/recharges?{query}" if query else "/recharges"
