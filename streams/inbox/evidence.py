"""The evidence of one alert to keep, to print and to hand in: single pages, or all of it as a pack.

It says what the inbox knows, and what a person must still add. The trap: it leaves the console, so the
names of those who handled the alert are left out, and what was taken back says so on top.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from fastapi import Depends, FastAPI, Request, Response

from schemas.alerts import EvidenceFact
from streams.detect.entries import ComplaintKind
from streams.detect.playbooks import NEEDS, PROOFS
from streams.inbox import pages
from streams.inbox.casebook import CaseDetail, kind_of
from streams.inbox.console import Console
from streams.inbox.fact_words import money
from streams.inbox.models import ComplaintStepRow
from streams.inbox.pack import packed
from streams.inbox.redaction import clean_envelope
from streams.inbox.register import Entry, Line, lines_of, workbook
from streams.inbox.requests import admit, language_of
from streams.inbox.session import Session
from streams.inbox.store import Detail
from streams.inbox.texts import Language, Words
from streams.inbox.timers import Timer

# Of a campaign; each takes some milliseconds and up to fifty facts. Detectors put together a handful.
MOST_PARTS: Final = 100
# What of a fact a stranger understands; the rest are hashes, and codes of what a rule found in a text.
_PLAIN: Final = frozenset(
    {
        "answered",
        "expected_g",
        "expected_units",
        "goods_status",
        "how",
        "is_banned",
        "is_other_sku",
        "kind",
        "outcome",
        "paid",
        "posted",
        "rating",
        "reason",
        "received_g",
        "received_units",
        "refund_only",
        "result",
        "ruling",
        "status",
        "units",
    }
)


class View(Protocol):
    """Fills a document that is read outside of the console."""

    def document(self, template: str, words: Words, **values: object) -> str: ...

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
        return self.card.stands

    @property
    def deadlines(self) -> Sequence[Timer]:
        """Those of the platform; what we promised ourselves is nobody else's business."""
        return [timer for timer in self.card.timers if not timer.is_own()]

    @property
    def lines(self) -> Sequence[Line]:
        return lines_of(self.card.alert)

    @property
    def orders(self) -> Sequence[str]:
        return list(dict.fromkeys(line.order for line in self.lines if line.order))

    @property
    def accounts(self) -> Sequence[str]:
        return list(dict.fromkeys(line.account for line in self.lines if line.account))

    @property
    def facts(self) -> Sequence[EvidenceFact]:
        return sorted(self.card.alert.evidence.facts, key=lambda fact: fact.at)


@dataclass(frozen=True)
class Whole:
    """An alert with what it puts together: `grouped` of the `total`, without those that are `absent`."""

    first: Part
    grouped: Sequence[Part]
    total: int
    absent: Sequence[str]
    has_fallen: bool

    @property
    def parts(self) -> Sequence[Part]:
        return [self.first, *self.grouped]

    @property
    def standing(self) -> Sequence[Part]:
        """Those that accuse somebody still. Of a campaign in doubt, its parts each by itself."""
        whole = [] if self.has_fallen else [self.first]
        return (
            [part for part in [*whole, *self.grouped] if part.stands] if self.first.stands else []
        )

    @property
    def why_no_report(self) -> str:
        """The text that says why there is nothing for the police; empty where there is."""
        if not self.first.stands:
            return "police.stands_not"
        if self.has_fallen:
            return "police.part_doubted"
        return "" if self.first.card.may_be_reported else "police.not_suggested"


def add_evidence(app: FastAPI, console: Console, view: View) -> None:
    """The routes of the files; GETs, for nothing is changed by them."""
    files = _Files(console, view)

    def admitted(request: Request) -> Session:
        return admit(request, console.keeper)

    @app.get("/alerts/{alert_id}/evidence", dependencies=[Depends(admitted)])
    def evidence(request: Request, alert_id: str) -> Response:
        whole = _whole(console, alert_id)
        if whole is None:
            return view.problem(request, 404, "problem.missing", "problem.missing_hint")
        text = files.page(whole, language_of(request), console.now())
        return _download(whole, "evidence", "html", text.encode())

    @app.get("/alerts/{alert_id}/police-report", dependencies=[Depends(admitted)])
    def police_report(request: Request, alert_id: str) -> Response:
        whole = _whole(console, alert_id)
        if whole is None:
            return view.problem(request, 404, "problem.missing", "problem.missing_hint")
        if whole.why_no_report:
            return view.problem(request, 404, whole.why_no_report)
        text = files.report(whole, "zh", console.now())
        return _download(whole, "police-report", "html", text.encode())

    @app.get("/alerts/{alert_id}/evidence.zip", dependencies=[Depends(admitted)])
    def pack(request: Request, alert_id: str) -> Response:
        whole = _whole(console, alert_id)
        if whole is None:
            return view.problem(request, 404, "problem.missing", "problem.missing_hint")
        return _download(
            whole, "evidence", "zip", files.pack(whole, language_of(request), console.now())
        )


class _Files:
    """Makes the files of one alert as of one moment; the same state and moment give the same bytes."""

    def __init__(self, console: Console, view: View) -> None:
        self._console = console
        self._view = view

    def page(self, whole: Whole, language: Language, now: datetime) -> str:
        words = self._words(whole, language, now)
        return self._view.document("evidence.html", words, whole=whole, zone=self._zone(whole).key)

    def report(self, whole: Whole, language: Language, now: datetime) -> str:
        words = self._words(whole, language, now)
        return self._view.document(
            "police.html",
            words,
            whole=whole,
            zone=self._zone(whole).key,
            is_grave=any(part.card.alert.severity != "info" for part in whole.parts),
            told=lambda fact, detector: _told(fact, words, detector),
        )

    def pack(self, whole: Whole, language: Language, now: datetime) -> bytes:
        """All files of the alert as one archive, with a manifest."""
        words = self._words(whole, language, now)
        files = {"evidence.html": self.page(whole, language, now).encode()}
        for part in whole.parts:
            row = part.detail.row
            files[f"alerts/{row.alert_id}.json"] = clean_envelope(row.body).encode()
        missing = []
        if any(part.lines for part in whole.standing):
            files["register.xlsx"] = self._register(whole, words)
        else:
            missing.append(words("manifest.no_register"))
        if whole.why_no_report:
            missing.append(words("manifest.no_report", why=words(whole.why_no_report)))
        else:
            files["police-report.html"] = self.report(whole, "zh", now).encode()
            files["police-report.en.html"] = self.report(whole, "en", now).encode()
        heads = [
            words("manifest.title"),
            *(
                words("manifest.alert", id=one.alert_id, n=one.revision, rules=one.rule_version)
                for one in (part.card.alert for part in whole.parts)
            ),
            words("manifest.made", at=now.astimezone(words.zone).isoformat("T", "seconds")),
            *missing,
            words("manifest.check"),
        ]
        return packed(files, heads)

    def _register(self, whole: Whole, words: Words) -> bytes:
        entries = [Entry(part.card.alert, part.detail.row.case.label) for part in whole.standing]
        zone = self._zone(whole)
        return workbook(entries, words, lambda _shop_id: zone, whole.total - len(whole.grouped))

    def _words(self, whole: Whole, language: Language, now: datetime) -> Words:
        return Words(language, now, self._zone(whole), is_dated=True)

    def _zone(self, whole: Whole) -> ZoneInfo:
        shop_id = whole.first.card.alert.shop_id
        return self._console.rules.deadlines(shop_id).zone


def _download(whole: Whole, name: str, ending: str, body: bytes) -> Response:
    # Both are checked when an alert is read, so nothing in the name is anybody's to choose.
    alert = whole.first.card.alert
    name = f"{name}-{alert.alert_id}-r{alert.revision}.{ending}"
    media_type = "application/zip" if ending == "zip" else "text/html"
    disposition = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=media_type, headers=disposition)


def _told(fact: EvidenceFact, words: Words, detector: str) -> list[tuple[str, str]]:
    """What a fact says to somebody who has never seen the console."""
    plain = {name: value for name, value in fact.detail.items() if name in _PLAIN}
    said = list(words.said(plain, detector))
    if amount := money(fact.detail):
        said.append((words("register.amount"), f"{amount[0]} {amount[1]}".strip()))
    return said


def _whole(console: Console, alert_id: str) -> Whole | None:
    first = _part(console, alert_id)
    if first is None:
        return None
    groups = list(dict.fromkeys(first.card.alert.groups))
    found = {one: _part(console, one) for one in groups[:MOST_PARTS]}
    return Whole(
        first,
        [part for part in found.values() if part],
        len(groups),
        [one for one, part in found.items() if part is None],
        bool(console.store.fallen(groups)),
    )


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
