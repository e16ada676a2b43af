"""The pages of bans: propose one from an alert, approve it as somebody else, download the list.

A person restricts buyers on the platform; nothing here sends anything anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, get_args
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from streams.inbox import pages
from streams.inbox.banlist import VIEWS, BanDetail, BanOutcome
from streams.inbox.bans import Asking, BanState, BanStep, unproposable, untakeable
from streams.inbox.console import Console
from streams.inbox.events import buyer_of, buyers_of
from streams.inbox.list_web import View
from streams.inbox.models import BanRow
from streams.inbox.requests import (
    admit,
    ban_step_of,
    ban_view_of,
    check_change,
    form_of,
    language_of,
    page_of,
    proposal_of,
    search_of,
    session_of,
    typed_in,
)
from streams.inbox.session import Session
from streams.inbox.sheets import XLSX, Book, local
from streams.inbox.texts import Words

_STEPS: Final[tuple[BanStep, ...]] = get_args(BanStep)
_COLUMNS: Final = (("buyer", 24), ("shop", 14), ("orders", 48), ("approved", 24))


def add_bans(app: FastAPI, console: Console, view: View) -> None:
    """The routes below /bans."""

    def admitted(request: Request) -> Session:
        return admit(request, console.keeper)

    def asking(session: Session) -> Asking:
        return Asking(session.operator, are_told_apart=console.keeper.needs_login)

    def ban_page(
        request: Request,
        detail: BanDetail,
        outcome: BanOutcome | None = None,
        kept: pages.Kept = pages.NOTHING_KEPT,
    ) -> HTMLResponse:
        row, who = detail.row, asking(session_of(request))
        state = BanState(row.state)
        untaken = {
            step: untakeable(step, state, row.proposed_by, who, detail.grounds) for step in _STEPS
        }
        return view.page(
            request,
            "ban.html",
            status=200 if outcome is None else 409,
            ban=row,
            detail=detail,
            named=console.store.named([row.alert_id]),
            moves=[step for step in _STEPS if untaken[step] is None],
            # Whoever may not approve is told why; that no step leads there goes without saying.
            unapproved=untaken["approve"] if state is BanState.PROPOSED else None,
            are_told_apart=who.are_told_apart,
            message=_message(outcome),
            kept=kept,
            tab="bans",
        )

    def new_page(
        request: Request, alert_id: str, outcome: BanOutcome | None = None
    ) -> HTMLResponse:
        found = console.store.detail(alert_id)
        if found is None:
            return view.problem(request, 404, "problem.missing", "problem.missing_hint")
        card = pages.card(found.row)
        bans = console.banlist.of_buyers(card.alert.shop_id, [buyer_of(card.alert) or ""])
        orders = console.banlist.orders_of(card.alert)
        untaken = "banned_already" if bans else unproposable(card.alert, card.label, orders)
        if asking(session_of(request)).is_nameless:
            untaken = untaken or "name_first"
        return view.page(
            request,
            "ban_new.html",
            status=200 if outcome is None else 409,
            card=card,
            orders=orders,
            bans=bans,
            untaken=untaken,
            message=_message(outcome),
            kept=typed_in(request),
            tab="bans",
        )

    @app.get("/bans", dependencies=[Depends(admitted)])
    def listed(request: Request) -> HTMLResponse:
        wanted, search = ban_view_of(request), search_of(request)
        return view.page(
            request,
            "bans.html",
            view=wanted,
            views=tuple(VIEWS),
            search=search,
            bans=console.banlist.page(wanted, page_of(request, "page"), search),
            tab="bans",
        )

    # Registered before the page of a ban, whose pattern would take these words as an id.
    @app.get("/bans/list.xlsx", dependencies=[Depends(admitted)])
    def exported(request: Request) -> Response:
        wanted = ban_view_of(request)
        words = Words(language_of(request), console.now(), is_dated=True)
        name = f"bans-{wanted}-{words.now.astimezone(words.zone):%Y%m%d}.xlsx"
        disposition = {"content-disposition": f'attachment; filename="{name}"'}
        book = workbook(console.banlist.exported(wanted), words)
        return Response(book, media_type=XLSX, headers=disposition)

    @app.get("/bans/new", dependencies=[Depends(admitted)])
    def new(request: Request) -> HTMLResponse:
        return new_page(request, request.query_params.get("alert", ""))

    @app.post("/bans")
    def propose(request: Request, form: Annotated[dict[str, str], Depends(form_of)]) -> Response:
        session = admit(request, console.keeper)
        check_change(request, console.keeper, form)
        wanted = proposal_of(form, asking(session))
        outcome = console.banlist.propose(wanted)
        console.metrics.stepped("ban_propose", outcome.kind)
        if outcome.kind in ("done", "repeated"):
            console.live.announce()
            return RedirectResponse(f"/bans/{outcome.ban_id}", 303)
        return new_page(request, wanted.alert_id, outcome)

    @app.get("/bans/{ban_id}", dependencies=[Depends(admitted)])
    def ban(request: Request, ban_id: str) -> HTMLResponse:
        detail = console.banlist.detail(ban_id)
        return ban_page(request, detail) if detail else _missing(view, request)

    @app.post("/bans/{ban_id}/{step}")
    def perform(
        request: Request,
        ban_id: str,
        step: str,
        form: Annotated[dict[str, str], Depends(form_of)],
    ) -> Response:
        session = admit(request, console.keeper)
        check_change(request, console.keeper, form)
        wanted = ban_step_of(ban_id, step, form, asking(session))
        outcome = console.banlist.perform(wanted)
        console.metrics.stepped(f"ban_{wanted.step}", outcome.kind)
        if outcome.kind in ("done", "repeated"):
            console.live.announce()
            return RedirectResponse(f"/bans/{quote(ban_id)}#work", 303)
        detail = console.banlist.detail(ban_id)
        kept = pages.Kept(step, typed_in(request))
        return ban_page(request, detail, outcome, kept) if detail else _missing(view, request)


def beside_alert(console: Console, card: pages.Card) -> dict[str, object]:
    """What the page of an alert says of bans: those of the buyers in it, and whether one may be proposed."""
    alert = card.alert
    bans = console.banlist.of_buyers(alert.shop_id, buyers_of(alert))
    is_free = buyer_of(alert) not in {ban.buyer_id for ban in bans}
    untaken = unproposable(alert, card.label, console.banlist.orders_of(alert))
    return {"bans": bans, "can_propose": is_free and untaken is None}


def workbook(bans: Sequence[BanRow], words: Words) -> bytes:
    """The list for whoever restricts these buyers on the platform, as an XLSX file; times by `words.zone`."""
    book = Book(words)
    rows = (
        (
            ban.buyer_id,
            ban.shop_id,
            ban.orders.replace("\n", " "),
            local(ban.approved_at, words.zone) if ban.approved_at else "",
        )
        for ban in bans
    )
    columns = [(words(f"banlist.{name}"), width) for name, width in _COLUMNS]
    book.table(words("tab.bans"), columns, rows)
    return book.close()


def _message(outcome: BanOutcome | None) -> str:
    if outcome is None:
        return ""
    return f"refusal.{outcome.reason}" if outcome.reason else "problem.ban_conflict"


def _missing(view: View, request: Request) -> HTMLResponse:
    return view.problem(request, 404, "problem.ban_missing", "problem.missing_hint")
