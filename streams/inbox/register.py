"""The register (登记表) of alerts as a workbook: which order, which account, and what was counted.

S0 「將可疑的訂單編號、旺旺小號登記到excel中」. It leaves the console: who is accused no longer
is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.alerts import Alert, EvidenceFact
from streams.inbox.events import buyer_of, order_of
from streams.inbox.fact_words import money
from streams.inbox.redaction import clean
from streams.inbox.sheets import Book, local
from streams.inbox.texts import Words
from streams.inbox.workflow import stands

# About three seconds of work; more than anybody registers by hand, and less than a sheet can hold.
MOST_ALERTS: Final = 1000
MOST_LINES: Final = 20_000
_COLUMNS: Final[Sequence[tuple[str, int]]] = (
    ("order", 24),
    ("account", 22),
    ("shop", 14),
    ("at", 20),
    ("units", 8),
    ("amount", 12),
    ("currency", 8),
    ("counted", 26),
    ("matter", 30),
    ("severity", 8),
    ("status", 12),
    ("label", 16),
    ("opened", 20),
    ("zone", 16),
    ("alert", 38),
)


@dataclass
class Line:
    """One order of one account, as far as the facts of an alert tell of it."""

    order: str
    account: str
    at: datetime | None = None
    units: int | None = None
    amount: Decimal | None = None
    currency: str = ""
    kinds: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Entry:
    """An alert that is to be registered, and the label that somebody gave it."""

    alert: Alert
    label: str | None


def lines_of(alert: Alert) -> list[Line]:
    """The lines of an alert, in the order of its facts; none if it is about no order and no account.

    What has no order, such as a message, is a line of its account alone only where nothing else is.
    """
    buyer = buyer_of(alert) or ""
    found: dict[tuple[str, str], Line] = {}
    for fact in sorted(alert.evidence.facts, key=lambda fact: fact.at):
        order = _order_of(fact)
        if order:
            account = _said(fact.detail.get("buyer")) or buyer
            _count(found.setdefault((order, account), Line(order, account)), fact)
    units: dict[str, int] = {}
    for hold in alert.held_units:
        units[hold.order_id] = units.get(hold.order_id, 0) + hold.units
        # More orders are held than facts are listed. What others hold of an item accuses nobody.
        if buyer:
            found.setdefault((hold.order_id, buyer), Line(hold.order_id, buyer))
    for line in found.values():
        line.units = units.get(line.order, line.units)
    if found:
        return list(found.values())
    order = alert.subject.id.partition(":")[2] if alert.subject.kind == "order" else ""
    if not order and not buyer:
        return []
    line = Line(order, buyer)
    for fact in sorted(alert.evidence.facts, key=lambda fact: fact.at):
        _count(line, fact)
    return [line]


def _order_of(fact: EvidenceFact) -> str | None:
    # A signal is about an order of whoever it names.
    return order_of(fact) or _said(fact.detail.get("order")) or None


def _said(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(line: Line, fact: EvidenceFact) -> None:
    line.at = line.at or fact.at
    units = fact.detail.get("units")
    if isinstance(units, int) and not isinstance(units, bool) and units > 0:
        line.units = units
    # In a chat, an amount is what was demanded and not what the order costs.
    if line.order and (told := money(fact.detail)):
        line.amount, line.currency = told
    if fact.kind not in line.kinds:
        line.kinds.append(fact.kind)


@dataclass
class _Tally:
    lines: int = 0
    alerts: int = 0
    fallen: int = 0
    about_none: int = 0
    capped: int = 0
    is_full: bool = False


def workbook(
    entries: Iterable[Entry],
    words: Words,
    zone_of: Callable[[str], ZoneInfo],
    left_out: int = 0,
) -> bytes:
    """The register as an XLSX file: the lines, and a sheet that says what they are and what is missing.

    `words` say the language and when it is made. Times are by the clocks of each shop, `zone_of` its id.
    `left_out` alerts were wanted beyond those that are `entries`. The same input gives the same bytes.
    """
    book = Book(words)
    tally = _Tally()
    columns = [(words(f"register.{name}"), width) for name, width in _COLUMNS]
    rows = _rows(entries, words, zone_of, tally)
    sheet = book.table(words("register.title"), columns, rows, frozen=2)
    sheet.autofilter(0, 0, tally.lines, len(_COLUMNS) - 1)
    book.notes(words("register.notes"), _notes(words, tally, left_out))
    if tally.is_full or left_out:
        # Whoever reads only the first sheet must know that it is not all.
        sheet.write_string(tally.lines + 2, 0, words("register.is_not_all"), book.bold)
    return book.close()


def _rows(
    entries: Iterable[Entry], words: Words, zone_of: Callable[[str], ZoneInfo], tally: _Tally
) -> Iterator[Sequence[Any]]:
    for entry in entries:
        alert = entry.alert
        if not stands(alert.status, entry.label):
            tally.fallen += 1
            continue
        lines = lines_of(alert)
        if not lines:
            tally.about_none += 1
            continue
        if tally.lines + len(lines) > MOST_LINES:
            tally.is_full = True
            return
        tally.alerts += 1
        tally.lines += len(lines)
        tally.capped += alert.evidence.facts_capped or alert.held_capped
        zone = zone_of(alert.shop_id)
        for line in lines:
            yield _cells(entry, line, words, zone)


def _cells(entry: Entry, line: Line, words: Words, zone: ZoneInfo) -> Sequence[Any]:
    alert = entry.alert
    kinds = [words.phrase("fact", kind) for kind in line.kinds] or [words("register.held")]
    return (
        line.order,
        line.account,
        alert.shop_id,
        local(line.at, zone) if line.at else "",
        "" if line.units is None else line.units,
        "" if line.amount is None else line.amount,
        line.currency,
        words("register.and").join(kinds),
        # The title says 疑似 where nothing more is known, and of a notice accuses nobody.
        f"{alert.detector} {clean(words.of(alert.title))}",
        words.phrase("severity", alert.severity),
        words.phrase("status", alert.status),
        words.phrase("label", entry.label) if entry.label else "",
        local(alert.opened_at, zone),
        zone.key,
        alert.alert_id,
    )


def _notes(words: Words, tally: _Tally, left_out: int) -> list[str]:
    counted = (
        ("register.total", tally.lines, True),
        ("register.left_out", left_out, False),
        ("register.fallen", tally.fallen, False),
        ("register.about_none", tally.about_none, False),
        ("register.capped", tally.capped, False),
    )
    notes = [words("register.made", at=words.clock(words.now)), words("register.about")]
    notes += [
        words(key, n=number, alerts=tally.alerts)
        for key, number, is_always in counted
        if number or is_always
    ]
    if tally.is_full:
        notes.append(words("register.full", n=MOST_LINES))
    return notes
