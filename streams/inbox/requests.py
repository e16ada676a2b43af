"""Reading requests: filters from a query, steps from a form, the language, and who may ask at all.

A field that makes no sense is treated as absent in a filter and refused in a step.
"""

from __future__ import annotations

from typing import Final, TypeVar, get_args
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from schemas.alerts import AlertStatus, Severity
from streams.detect.entries import ComplaintKind
from streams.inbox.banlist import BanRequest, Proposal, View
from streams.inbox.bans import Asking, BanStep
from streams.inbox.bulk import request_id_of
from streams.inbox.casebook import CaseRequest, OpenRequest
from streams.inbox.checklist import KEY
from streams.inbox.complaints import CaseStep
from streams.inbox.listing import PAGE_SIZE, Filter, Grouping, Sort
from streams.inbox.session import Gatekeeper, Session, is_same_origin
from streams.inbox.snooze import later_of
from streams.inbox.texts import Language
from streams.inbox.workflow import (
    BESIDE,
    FOR_MANY,
    Channel,
    Label,
    RechargeResult,
    Step,
    StepRequest,
)

LANGUAGE_COOKIE: Final = "orderwatch_language"
_MAX_FORM_BYTES: Final = 32 * 1024
# Every alert of a page may be chosen, each in a field of its own.
_MAX_FIELDS: Final = 40 + PAGE_SIZE
_CHOSEN: Final = "alert."
_CHOSEN_GROUP: Final = "group."
_MAX_PAGE: Final = 1_000_000
_MAX_SEARCH: Final = 128
_Choice = TypeVar("_Choice", bound=str)


class LoginNeededError(Exception):
    """The console asks for its token first."""


class ForbiddenError(Exception):
    """A change that does not provably come from our own page."""


class BadFormError(Exception):
    """A form that our own pages do not send; `hint` names a text that says what is wrong."""

    def __init__(self, hint: str = "") -> None:
        super().__init__(hint)
        self.hint = hint


def session_of(request: Request) -> Session:
    session: Session = request.state.session
    return session


def admit(request: Request, keeper: Gatekeeper) -> Session:
    """The session of somebody who may read. Raises LoginNeededError or TooManyTriesError."""
    session = session_of(request)
    if keeper.needs_login and not (session.is_authenticated or _is_bearer(request, keeper)):
        raise LoginNeededError
    return session


def address_of(request: Request) -> str:
    """Where a request comes from; behind a proxy that is not named to the server, the proxy."""
    return request.client.host if request.client else ""


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form, lines ended by a newline alone. Raises BadFormError."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            raise BadFormError("problem.too_large")
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise BadFormError from None
    # Browsers send CR LF, and a page would show the CR as the control character that it is.
    form = {name: value.replace("\r\n", "\n") for name, value in fields}
    request.state.form = form
    return form


def typed_in(request: Request) -> str:
    """What somebody wrote in the form of this request, so that a page that refuses it gives it back."""
    form: dict[str, str] = getattr(request.state, "form", {})
    names = ("note", "reason", "story", "assignee")
    return next((text for name in names if (text := form.get(name, ""))), "")


def check_change(request: Request, keeper: Gatekeeper, form: dict[str, str]) -> None:
    """Refuse a change that another site may have caused. Raises ForbiddenError."""
    if _is_bearer(request, keeper):
        return
    is_ours = is_same_origin(request.headers)
    if not is_ours or not keeper.is_form_token(session_of(request), form.get("token", "")):
        raise ForbiddenError


def filter_of(request: Request, *, complaints_only: bool) -> Filter:
    """The list that a query string asks for."""
    fields = request.query_params
    return Filter(
        is_handled=fields.get("view") == "handled",
        is_snoozed=fields.get("view") == "snoozed",
        severity=_one_of(get_args(Severity), fields.get("severity")),
        shop=fields.get("shop") or None,
        detector=fields.get("detector") or None,
        subject=fields.get("subject") or None,
        assignee=fields.get("assignee") or None,
        status=_one_of(get_args(AlertStatus), fields.get("status")),
        search=search_of(request),
        complaints_only=complaints_only,
        with_suppressed=fields.get("suppressed") == "1",
        sort=_one_of(get_args(Sort), fields.get("sort")) or "severity",
        group=_one_of(get_args(Grouping), fields.get("group")) or "subject",
        page=_number(fields.get("page"), default=1, greatest=_MAX_PAGE),
        cases_page=_number(fields.get("cases"), default=1, greatest=_MAX_PAGE),
    )


def page_of(request: Request, table: str) -> int:
    """Which page of a table a query string asks for."""
    return _number(request.query_params.get(table), default=1, greatest=_MAX_PAGE)


def step_of(alert_id: str, step: str, form: dict[str, str], operator: str) -> StepRequest:
    """The step that a form asks for. Raises BadFormError."""
    known: Step | None = _one_of(get_args(Step), step)
    request_id = _request_id(form)
    version = _version(form)
    channel = form.get("channel")
    label = form.get("label") or None
    if known is None:
        raise BadFormError
    if label is not None and label not in list(Label):
        raise BadFormError
    if known == "contact" and (channel not in list(Channel) or "answered" not in form):
        raise BadFormError
    result: RechargeResult | None = _one_of(get_args(RechargeResult), form.get("result"))
    if known == "reconcile" and result is None:
        raise BadFormError
    if known in BESIDE and not KEY.fullmatch(form.get("action", "")):
        raise BadFormError
    later = later_of(form.get("later", "")) if known == "snooze" else None
    if known == "snooze" and later is None:
        raise BadFormError
    return StepRequest(
        alert_id=alert_id,
        step=known,
        by=operator,
        request_id=request_id,
        version=version,
        label=Label(label) if label else None,
        channel=Channel(channel) if known == "contact" and channel else None,
        answered=form.get("answered") == "yes",
        note=form.get("note", "").strip(),
        order_id=form.get("order", ""),
        result=result,
        reason=form.get("reason", "").strip(),
        assignee=form.get("assignee", "").strip(),
        action=form.get("action", ""),
        later=later,
    )


def steps_of(form: dict[str, str], operator: str) -> list[StepRequest]:
    """One step for each alert that was chosen on a list; none where nothing was chosen.

    `do` is the step, `label.` and the label, `assign.` and a name, `snooze.` and until when, or empty;
    `chosen_of` says how alerts are named. Raises BadFormError.
    """
    request_id = _request_id(form)
    do, _, what = form.get("do", "").partition(".")
    chosen = chosen_of(form)
    if not do or not chosen:
        return []
    known: Step | None = _one_of(FOR_MANY, do)
    if known is None or (known == "label") != (what in list(Label)):
        raise BadFormError
    later = later_of(what) if known == "snooze" else None
    if (known == "snooze") != (later is not None):
        raise BadFormError
    if (known == "assign") != (bool(what) and known not in ("label", "snooze")):
        raise BadFormError
    if min(chosen.values()) < 0:
        raise BadFormError
    return [
        StepRequest(
            alert_id=alert_id,
            step=known,
            by=operator,
            request_id=request_id_of(request_id, alert_id, form["do"]),
            version=version,
            label=Label(what) if known == "label" else None,
            assignee=what if known == "assign" else "",
            later=later,
        )
        for alert_id, version in chosen.items()
    ]


def chosen_of(form: dict[str, str]) -> dict[str, int]:
    """The alerts that were chosen on a list, each with the version of its case; -1 for one that is none.

    A field `alert.` and the id has the version; one that begins with `group.` has several, as
    `id.version id.version`. Raises BadFormError for more than a step takes, and for what is no id.
    """
    pairs = [
        (name[len(_CHOSEN) :], said) for name, said in form.items() if name.startswith(_CHOSEN)
    ]
    for name, said in form.items():
        if name.startswith(_CHOSEN_GROUP):
            pairs += [
                (id_, version) for id_, _, version in (one.rpartition(".") for one in said.split())
            ]
    chosen = {
        alert_id: _number(version, default=-1, greatest=2**31 - 1) for alert_id, version in pairs
    }
    if len(chosen) > PAGE_SIZE:
        raise BadFormError("bulk.too_many")
    if not all(map(_is_id, chosen)):
        raise BadFormError
    return chosen


def _is_id(text: str) -> bool:
    return len(text) <= 36 and text.isprintable()


def opened_of(form: dict[str, str], operator: str) -> OpenRequest:
    """The complaint that a form begins. Raises BadFormError."""
    kind: ComplaintKind | None = _one_of(get_args(ComplaintKind), form.get("kind"))
    shop_id = form.get("shop", "").strip()
    about, story = form.get("about", "").strip(), form.get("story", "").strip()
    if kind is None or not 1 <= len(shop_id) <= 64 or not about:
        raise BadFormError
    return OpenRequest(
        kind=kind,
        shop_id=shop_id,
        about=about,
        story=story,
        by=operator,
        request_id=_request_id(form),
        alert_id=form.get("alert") or None,
    )


def case_step_of(complaint_id: str, step: str, form: dict[str, str], operator: str) -> CaseRequest:
    """The step of a complaint that a form asks for. Raises BadFormError."""
    known: CaseStep | None = _one_of(get_args(CaseStep), step)
    version = _version(form)
    proof = form.get("proof") or None
    if known is None or (known == "prove") != (proof is not None):
        raise BadFormError
    return CaseRequest(
        complaint_id=complaint_id,
        step=known,
        by=operator,
        request_id=_request_id(form),
        version=version,
        proof=proof,
        note=form.get("note", "").strip(),
    )


def proposal_of(form: dict[str, str], asking: Asking) -> Proposal:
    """The ban that a form proposes. Raises BadFormError."""
    alert_id = form.get("alert", "")
    if not alert_id or not _is_id(alert_id):
        raise BadFormError
    reason = form.get("reason", "").strip()
    return Proposal(alert_id, reason, asking, _request_id(form))


def ban_step_of(ban_id: str, step: str, form: dict[str, str], asking: Asking) -> BanRequest:
    """The step of a ban that a form asks for. Raises BadFormError."""
    known: BanStep | None = _one_of(get_args(BanStep), step)
    version = _version(form)
    if known is None:
        raise BadFormError
    return BanRequest(
        ban_id=ban_id,
        step=known,
        asking=asking,
        request_id=_request_id(form),
        version=version,
        note=form.get("note", "").strip(),
        is_confirmed=form.get("permanent") == "yes",
    )


def ban_view_of(request: Request) -> View:
    """Which bans a query string asks for."""
    return _one_of(get_args(View), request.query_params.get("view")) or "open"


def search_of(request: Request) -> str:
    """What a query string looks for."""
    return request.query_params.get("q", "")[:_MAX_SEARCH]


def _request_id(form: dict[str, str]) -> str:
    request_id = form.get("request_id", "")
    # What the pipeline does is audited under `alert_id:revision`. Taken beforehand, such an id would
    # keep that revision from ever being stored.
    if not 8 <= len(request_id) <= 64 or not {"\x00", ":"}.isdisjoint(request_id):
        raise BadFormError("problem.request_id")
    return request_id


def language_of(request: Request) -> Language:
    """Asked for in the address, else remembered, else what the browser prefers, else Chinese."""
    for offered in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if offered in ("zh", "en"):
            return "en" if offered == "en" else "zh"
    preferred = request.headers.get("accept-language", "").strip().lower()
    return "en" if preferred.startswith("en") else "zh"


def local_path(offered: str) -> str:
    """A path of this console, whatever was offered: nobody is sent elsewhere after signing in."""
    parts = urlsplit(offered)
    # Browsers take any number of slashes at the beginning for the start of a host.
    is_path = offered.startswith("/") and not offered.startswith("//")
    is_local = is_path and not parts.scheme and not parts.netloc
    return offered if is_local and "\\" not in offered and offered.isprintable() else "/"


def _is_bearer(request: Request, keeper: Gatekeeper) -> bool:
    return keeper.is_bearer(request.headers.get("authorization"), address_of(request))


def _one_of(choices: tuple[_Choice, ...], offered: str | None) -> _Choice | None:
    return next((choice for choice in choices if choice == offered), None)


def _version(form: dict[str, str]) -> int:
    """The version of what was looked at. Raises BadFormError."""
    version = _number(form.get("version"), default=-1, greatest=2**31 - 1)
    if version < 0:
        raise BadFormError
    return version


def _number(offered: str | None, *, default: int, greatest: int) -> int:
    if not offered or not offered.isascii() or not offered.isdigit() or len(offered) > 10:
        return default
    return min(int(offered), greatest)
