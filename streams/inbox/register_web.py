"""The register of many alerts as a download: all that a list holds, or those that were chosen on it.

Nothing is changed by either. Those that were chosen come as a form, for their ids fill an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import Depends, FastAPI, Request, Response

from schemas.alerts import AlertEnvelope
from streams.inbox.console import Console
from streams.inbox.list_web import View
from streams.inbox.models import AlertRow
from streams.inbox.register import MOST_ALERTS, Entry, workbook
from streams.inbox.requests import admit, check_change, chosen_of, filter_of, form_of, language_of
from streams.inbox.session import Session
from streams.inbox.sheets import XLSX
from streams.inbox.texts import CHINA, Words

REGISTER: Final = "/register.xlsx"
_OF_COMPLAINTS: Final = "/complaints/register.xlsx"


def add_register(app: FastAPI, console: Console, view: View) -> None:
    """The routes of the register."""

    def admitted(request: Request) -> Session:
        return admit(request, console.keeper)

    @app.get(REGISTER, dependencies=[Depends(admitted)])
    @app.get(_OF_COMPLAINTS, dependencies=[Depends(admitted)])
    def all_of_the_list(request: Request) -> Response:
        wanted = filter_of(request, complaints_only=request.url.path == _OF_COMPLAINTS)
        urgent = console.board.in_order() if wanted.is_by_deadline else ()
        found = console.store.page(replace(wanted, page=1), MOST_ALERTS, urgent)
        return _register(console, request, found.rows, found.total - len(found.rows))

    @app.post(REGISTER)
    def chosen(request: Request, form: Annotated[dict[str, str], Depends(form_of)]) -> Response:
        admit(request, console.keeper)
        check_change(request, console.keeper, form)
        rows = console.store.rows_of(list(chosen_of(form)))
        if not rows:
            return view.problem(request, 400, "register.nothing")
        return _register(console, request, rows)


def _register(
    console: Console, request: Request, rows: Sequence[AlertRow], left_out: int = 0
) -> Response:
    @cache
    def zone_of(shop_id: str) -> ZoneInfo:
        return console.rules.deadlines(shop_id).zone

    words = Words(language_of(request), console.now(), is_dated=True)
    entries = (
        Entry(AlertEnvelope.model_validate_json(row.body).data, row.case.label) for row in rows
    )
    name = f"register-{words.now.astimezone(CHINA):%Y%m%d-%H%M}.xlsx"
    disposition = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(
        workbook(entries, words, zone_of, left_out), media_type=XLSX, headers=disposition
    )
