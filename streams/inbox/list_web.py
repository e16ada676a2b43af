"""The lists of alerts, and one step for those that were chosen on them.

A step is sent to the address of its list, so the answer is that list: with what became of the step on
top, and what was chosen still chosen.
"""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.exc import SQLAlchemyError

from streams.inbox import approvals, pages
from streams.inbox.bulk import Told, perform_each
from streams.inbox.console import Console
from streams.inbox.desk import Outcome
from streams.inbox.disputes import dispute_of
from streams.inbox.listing import PAGE_SIZE
from streams.inbox.register import MOST_ALERTS
from streams.inbox.requests import admit, check_change, filter_of, form_of, steps_of
from streams.inbox.session import Session
from streams.inbox.snooze import Offer, offers
from streams.inbox.workflow import FOR_MANY, StepRequest


class View(Protocol):
    """Fills the frame around a page."""

    def page(
        self, request: Request, template: str, *, status: int = 200, **values: object
    ) -> HTMLResponse: ...

    def problem(
        self, request: Request, status: int, text: str, hint: str = "", **values: object
    ) -> HTMLResponse: ...


def add_lists(app: FastAPI, console: Console, view: View) -> None:
    """The list of all alerts, and that of alerts and complaints."""

    def admitted(request: Request) -> Session:
        return admit(request, console.keeper)

    def perform(
        request: Request, form: dict[str, str], *, complaints_only: bool = False
    ) -> HTMLResponse:
        session = admit(request, console.keeper)
        check_change(request, console.keeper, form)
        wanted = steps_of(form, session.operator)
        told = perform_each(console.desk, console.metrics, wanted)
        console.live.announce(len(told.done))
        try:
            return list_page(console, view, request, complaints_only=complaints_only, told=told)
        except SQLAlchemyError:
            if not told.done:
                raise
            # The page of this error says that nothing was done.
            done = len(told.done)
            return view.problem(
                request, 503, "bulk.interrupted", done=done, left=len(wanted) - done
            )

    @app.get("/", dependencies=[Depends(admitted)])
    def alerts(request: Request) -> HTMLResponse:
        return list_page(console, view, request, complaints_only=False)

    @app.get("/complaints", dependencies=[Depends(admitted)])
    def complaints(request: Request) -> HTMLResponse:
        return list_page(console, view, request, complaints_only=True)

    @app.post("/")
    def step(request: Request, form: Annotated[dict[str, str], Depends(form_of)]) -> HTMLResponse:
        return perform(request, form)

    @app.post("/complaints")
    def complaints_step(
        request: Request, form: Annotated[dict[str, str], Depends(form_of)]
    ) -> HTMLResponse:
        return perform(request, form, complaints_only=True)


def list_page(
    console: Console,
    view: View,
    request: Request,
    *,
    complaints_only: bool,
    told: Told | None = None,
) -> HTMLResponse:
    """One page of a list; after a step for those chosen, with what became of it."""
    wanted = filter_of(request, complaints_only=complaints_only)
    chosen = told.chosen() if told else frozenset[str]()
    urgent = console.board.in_order() if wanted.is_by_deadline else ()
    found, groups = (
        console.store.grouped(wanted, chosen, urgent)
        if wanted.is_grouped
        else (console.store.page(wanted, urgent=urgent), {})
    )
    timers = console.board.of_alerts([row.alert_id for row in found.rows])
    first_due = console.board.first_due({lead: group.alerts for lead, group in groups.items()})
    cards = pages.cards(found.rows, groups, timers, first_due)
    shops, detectors = console.store.choices()
    return view.page(
        request,
        "list.html",
        status=_status(told),
        wanted=wanted,
        listing=found,
        cards=cards,
        awaited=approvals.waiting(
            console.store.engine, (card.alert for card in cards), console.now()
        ),
        cases=console.casebook.page(
            is_ended=wanted.is_handled,
            number=wanted.cases_page,
            shop=wanted.shop,
            search=wanted.search,
        )
        if complaints_only and not wanted.is_snoozed
        else None,
        dispute_of=lambda alert: dispute_of(
            alert, console.rules.deadlines(alert.shop_id), console.now()
        ),
        case_timer=lambda case: pages.next_timer(console.board.of_complaint(case)),
        shops=shops,
        names=console.store.names(),
        detectors=detectors,
        steps=FOR_MANY,
        offers=offers_of(console, ""),
        most_registered=MOST_ALERTS,
        labels=pages.list_labels(cards),
        told=told,
        chosen=chosen,
        most_chosen=PAGE_SIZE,
        undone=[_undone(console, one, outcome) for one, outcome in told.undone] if told else (),
        tab="complaints" if complaints_only else "alerts",
    )


def offers_of(console: Console, shop: str) -> list[Offer]:
    """Until when an alert can be set aside, on the clocks of a shop; of no shop, on those of most."""
    return offers(console.now(), console.rules.deadlines(shop).zone)


def _status(told: Told | None) -> int:
    if told is None:
        return 200
    if told.untried:
        return 503
    return 200 if told.done and not told.undone else 409


def _undone(console: Console, request: StepRequest, outcome: Outcome) -> pages.Undone:
    detail = console.store.detail(request.alert_id)
    reason = f"refusal.{outcome.reason}" if outcome.reason else f"bulk.{outcome.kind}"
    if outcome.reason == "not_from_this_state":
        # On the page of one alert its state is seen.
        reason = "bulk.refused"
    return pages.undone(request.alert_id, reason, detail)
