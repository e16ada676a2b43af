"""The web console. Reading is GET, changing is POST with a form token, and nothing closes an order."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from sqlalchemy.exc import SQLAlchemyError
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from schemas.alerts import Alert
from streams.inbox import pages
from streams.inbox.approvals import approval
from streams.inbox.ban_web import add_bans, beside_alert
from streams.inbox.case_web import add_cases
from streams.inbox.checklist import since_return, ticks_of
from streams.inbox.console import Console
from streams.inbox.database import said_of
from streams.inbox.desk import Outcome
from streams.inbox.disputes import disputes_of
from streams.inbox.evidence import add_evidence
from streams.inbox.gate import Gate
from streams.inbox.list_web import add_lists, offers_of
from streams.inbox.listing_audit import add_audit
from streams.inbox.recharge_web import add_recharges
from streams.inbox.recharges import count_waiting
from streams.inbox.redaction import clean_envelope
from streams.inbox.register_web import REGISTER, add_register
from streams.inbox.requests import (
    LANGUAGE_COOKIE,
    BadFormError,
    ForbiddenError,
    LoginNeededError,
    address_of,
    admit,
    check_change,
    form_of,
    language_of,
    local_path,
    page_of,
    session_of,
    step_of,
    typed_in,
)
from streams.inbox.rules_page import add_rules
from streams.inbox.session import LOCAL_OPERATOR, Session, TooManyTriesError, is_same_origin
from streams.inbox.store import Detail
from streams.inbox.texts import Words
from streams.inbox.workflow import BESIDE

log = structlog.get_logger(__name__)

STATIC: Final = Path(__file__).parent / "static"
_YEAR_S: Final = 365 * 24 * 3600
# Where a form stands that is sent to another address than its page has, and what its page is asked with.
_FORMS: Final = {
    "/bans": ("/bans/new", ("alert",)),
    "/cases": ("/cases/new", ("alert", "kind")),
    "/login": ("/login", ("next",)),
}


def create_app(console: Console) -> FastAPI:
    """The application; it opens nothing but the files of its templates."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        watcher = asyncio.create_task(console.live.run())
        yield
        watcher.cancel()

    # The generated documentation loads scripts from elsewhere, and the pages are no API.
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(
        Gate,
        keeper=console.keeper,
        cookie=console.cookie,
        allowed_hosts=console.allowed_hosts,
        is_tls_in_front=console.is_tls_in_front,
    )
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    view = _View(console)
    _add_probes(app, console)
    add_lists(app, console, view)
    _add_reading(app, console, view)
    add_evidence(app, console, view)
    add_register(app, console, view)
    add_cases(app, console, view)
    add_recharges(app, console, view)
    add_audit(app, console, view)
    add_rules(app, console, view)
    add_bans(app, console, view)
    _add_changing(app, console, view)
    _add_problems(app, view)
    return app


class _View:
    """Fills the frame of every page: language, tabs, counts, who works here."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._jinja = pages.environment()

    def page(
        self, request: Request, template: str, *, status: int = 200, **values: object
    ) -> HTMLResponse:
        words = Words(language_of(request), self._console.now())
        session = session_of(request)
        text = pages.render(
            self._jinja,
            template,
            words,
            session=session,
            needs_login=self._console.keeper.needs_login,
            form_token=self._console.keeper.form_token(session),
            here=_here(request),
            is_answer=request.method == "POST",
            other_language=_here(request, lang="en" if words.language == "zh" else "zh"),
            request_id=secrets.token_urlsafe(12),
            is_fed=self._console.consumer_health().is_ready,
            unchecked_since=self._console.unchecked_since(),
            is_admitted=session.is_authenticated or not self._console.keeper.needs_login,
            **self._counts(),
            **values,
        )
        response = HTMLResponse(text, status)
        if request.query_params.get("lang"):
            response.set_cookie(
                LANGUAGE_COOKIE, words.language, max_age=_YEAR_S, samesite="lax", httponly=True
            )
        return response

    def document(self, template: str, words: Words, **values: object) -> str:
        """A page without the frame, to be read elsewhere and later."""
        return pages.render(self._jinja, template, words, **values)

    def problem(
        self, request: Request, status: int, text: str, hint: str = "", **values: object
    ) -> HTMLResponse:
        """A page that says what is wrong; `values` are those of the text."""
        return self.page(
            request,
            "problem.html",
            status=status,
            text=text,
            values=values,
            hint=hint,
            kept=typed_in(request),
        )

    def _counts(self) -> dict[str, object]:
        store, now = self._console.store, self._console.now()
        try:
            return {"unhandled": store.unhandled(), "unrecorded": count_waiting(store.engine, now)}
        except SQLAlchemyError:
            # The page that says that the database is away must not need it.
            return {"unhandled": {}, "unrecorded": 0}


def _add_probes(app: FastAPI, console: Console) -> None:
    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        """The process answers. Says nothing about Kafka or the database."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        """Alerts arrive and can be worked on."""
        problems = {}
        health = console.consumer_health()
        if not health.is_ready:
            problems["consumer"] = health.reason
        try:
            console.store.version()
        except SQLAlchemyError as error:
            problems["store"] = said_of(error)
        status = "not ready" if problems else "ready"
        return JSONResponse({"status": status, "problems": problems}, 503 if problems else 200)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(
            console.metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8"
        )


def _add_reading(app: FastAPI, console: Console, view: _View) -> None:
    def admitted(request: Request) -> Session:
        return admit(request, console.keeper)

    @app.get("/deadlines", dependencies=[Depends(admitted)])
    def deadlines(request: Request) -> HTMLResponse:
        sheet = console.board.sheet()
        return view.page(
            request,
            "deadlines.html",
            coming=pages.part(sheet.coming, page_of(request, "coming")),
            past=pages.part(sheet.past, page_of(request, "past")),
            tab="deadlines",
        )

    # Registered before the page of an alert, whose pattern would take the ending as part of the id.
    @app.get("/alerts/{alert_id}.json", dependencies=[Depends(admitted)])
    def raw(request: Request, alert_id: str) -> Response:
        detail = console.store.detail(alert_id)
        if detail is None:
            return JSONResponse({"error": "no such alert"}, 404)
        name = f"{detail.row.alert_id}-r{detail.row.revision}.json"
        body = clean_envelope(detail.row.body)
        disposition = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(body, media_type="application/json", headers=disposition)

    @app.get("/alerts/{alert_id}", dependencies=[Depends(admitted)])
    def alert(request: Request, alert_id: str) -> HTMLResponse:
        return detail_page(console, view, request, alert_id)

    @app.get("/events", dependencies=[Depends(admitted)])
    async def events() -> EventSourceResponse:
        async def changes() -> AsyncIterator[ServerSentEvent]:
            async for version in console.live.versions():
                yield ServerSentEvent(data=version, event="changed", id=version, retry=2000)

        return EventSourceResponse(changes(), ping=15, send_timeout=10)


def _add_changing(app: FastAPI, console: Console, view: _View) -> None:
    @app.get("/login")
    def login_page(request: Request, next: str = "/") -> HTMLResponse:
        session = session_of(request)
        name = "" if session.operator == LOCAL_OPERATOR else session.operator
        return view.page(
            request, "login.html", next=local_path(next), name=name, message="", kept=""
        )

    @app.post("/login")
    def login(request: Request, form: Annotated[dict[str, str], Depends(form_of)]) -> Response:
        check_change(request, console.keeper, form)
        target = local_path(form.get("next", "/"))
        secret = form.get("secret", "")
        keeper = console.keeper
        if keeper.needs_login and not keeper.is_token(secret, address_of(request)):
            log.warning("inbox_login_refused")
            name = form.get("name", "")
            return view.page(
                request,
                "login.html",
                status=401,
                next=target,
                name=name,
                message="login.wrong",
                kept="",
            )
        session = console.keeper.begin(form.get("name", ""), is_authenticated=True)
        request.state.session = session
        request.state.is_new_session = True
        return RedirectResponse(target, 303)

    @app.post("/alerts/{alert_id}/{step}")
    def perform(
        request: Request,
        alert_id: str,
        step: str,
        form: Annotated[dict[str, str], Depends(form_of)],
    ) -> Response:
        session = admit(request, console.keeper)
        check_change(request, console.keeper, form)
        wanted = step_of(alert_id, step, form, session.operator)
        outcome = console.desk.perform(wanted)
        console.metrics.stepped(wanted.step, outcome.kind, outcome.waited)
        if outcome.kind in ("done", "repeated"):
            console.live.announce()
            # Whoever takes one step after the other stays where they are, on a telephone far down the page.
            where = "#steps" if wanted.step in BESIDE else "#work"
            return RedirectResponse(f"/alerts/{quote(alert_id)}{where}", 303)
        kept = pages.Kept(step, typed_in(request))
        return detail_page(console, view, request, alert_id, outcome, kept)


def detail_page(
    console: Console,
    view: _View,
    request: Request,
    alert_id: str,
    outcome: Outcome | None = None,
    kept: pages.Kept = pages.NOTHING_KEPT,
) -> HTMLResponse:
    """One alert; after a step that did not happen, with the reason on top and the true state below."""
    detail = console.store.detail(alert_id)
    if detail is None:
        return view.problem(request, 404, "problem.missing", "problem.missing_hint")
    message = ""
    if outcome is not None:
        message = f"refusal.{outcome.reason}" if outcome.reason else f"problem.{outcome.kind}"
    card = pages.card(detail.row, console.board.of_alerts([alert_id]).get(alert_id, ()))
    since, now = since_return(detail.audit), console.now()
    return view.page(
        request,
        "detail.html",
        status=200 if outcome is None else 409,
        card=card,
        cases=console.casebook.of_alert(alert_id),
        **beside_alert(console, card),
        detail=detail,
        work=pages.work(detail),
        named=console.store.named(_others(detail, card.alert)),
        approval=approval(console.store.engine, card.alert, card.state, detail.audit, now),
        names=console.store.names(),
        offers=offers_of(console, detail.row.shop_id),
        ticks=ticks_of(since),
        ticked_before=ticks_of(detail.audit[: len(detail.audit) - len(since)]),
        rule=console.rules.of(detail.row.shop_id).get(detail.row.detector),
        disputes=disputes_of(
            card.alert, console.rules.deadlines(detail.row.shop_id), console.now()
        ),
        message=message,
        kept=kept,
        tab="alerts",
    )


def _others(detail: Detail, alert: Alert) -> list[str]:
    """The alerts that the page of one speaks of."""
    filed = (filing.alert_id for filing in detail.filings)
    one_of_two = (alert.supersedes, detail.superseded_by)
    return [*alert.groups, *filed, *(one for one in one_of_two if one)]


def _add_problems(app: FastAPI, view: _View) -> None:
    @app.exception_handler(LoginNeededError)
    def needs_login(request: Request, _error: Exception) -> Response:
        if request.url.path == "/events" or request.headers.get("authorization"):
            return JSONResponse(
                {"error": "sign in first"}, 401, headers={"www-authenticate": "Bearer"}
            )
        if request.method == "POST":
            # Signing in is the next step, so that is where it says that this one was not taken.
            return view.page(
                request,
                "login.html",
                status=401,
                next=_here(request),
                name="",
                message="problem.signed_out",
                # Beside the field for the token nobody else has anything to say.
                kept=typed_in(request) if is_same_origin(request.headers) else "",
            )
        return RedirectResponse(f"/login?next={quote(_here(request))}", 303)

    @app.exception_handler(ForbiddenError)
    def forbidden(request: Request, _error: Exception) -> Response:
        log.warning("inbox_change_refused", path=request.url.path)
        return view.problem(request, 403, "problem.forbidden")

    @app.exception_handler(TooManyTriesError)
    def too_many_tries(request: Request, _error: Exception) -> Response:
        log.warning("inbox_too_many_tries", address=address_of(request))
        response = view.problem(request, 429, "problem.too_many_tries")
        response.headers["retry-after"] = "60"
        return response

    @app.exception_handler(BadFormError)
    def bad_form(request: Request, error: BadFormError) -> Response:
        return view.problem(request, 400, "problem.bad_request", error.hint)

    @app.exception_handler(HTTPException)
    def no_page(request: Request, error: HTTPException) -> Response:
        # Also the address of a step, which a browser asks for when it opens its tabs again.
        return view.problem(request, error.status_code, "problem.no_page")

    @app.exception_handler(SQLAlchemyError)
    def store_away(request: Request, error: Exception) -> Response:
        log.error("inbox_page_failed", path=request.url.path, reason=said_of(error))
        return view.problem(request, 503, "problem.store")


def _here(request: Request, **changes: str) -> str:
    """The page on which the browser is, as something to GET; a step's page is that of its alert or list."""
    url = request.url.include_query_params(**changes)
    path = url.path
    if request.method == "POST" and path in _FORMS:
        page, names = _FORMS[path]
        form: dict[str, str] = getattr(request.state, "form", {})
        return pages.address(page, **{name: form.get(name, "") for name in names}, **changes)
    if request.method == "POST" and path.startswith(
        ("/alerts/", "/bans/", "/cases/", "/recharges/")
    ):
        path = path.rpartition("/")[0]
    elif request.method == "POST" and path == REGISTER:
        # What had been chosen is not in the address, and all of the list is something else.
        path = "/"
    return f"{path}?{url.query}" if url.query else path
