"""Events on their way into a file, and the account of every row that was read.

The rule that tests hold: each row read was either used for an event or left out for a named reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from pydantic import ValidationError

from schemas.base import BuyerEvent, Event
from streams.errors import first_problem
from streams.replay.files import event_line

# A topic, and how to build the event; building is late so that a refusal can be counted.
Draft = tuple[str, Callable[[], Event]]

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:orderwatch:import")
# Enough to see what is wrong with a file, few enough to print.
MAX_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import read, wrote and left out.

    `rows_read` is by table and equals `rows_used` plus the sum of `left_out`; `remarks` count what
    was kept but changed or could not be said; `examples` are positions of unreadable rows.
    """

    kind: str
    rows_read: dict[str, int]
    rows_used: int
    left_out: dict[str, int]
    remarks: dict[str, int]
    events: dict[str, int]
    examples: tuple[str, ...]
    first_at: datetime | None
    last_at: datetime | None

    @property
    def events_total(self) -> int:
        """Events written, over all topics."""
        return sum(self.events.values())

    def summary(self) -> list[str]:
        """The report as plain lines for a terminal."""
        lines = [f"{self.kind}: {sum(self.rows_read.values())} rows, {self.events_total} events"]
        if self.first_at and self.last_at:
            lines.append(f"  from {self.first_at.isoformat()} to {self.last_at.isoformat()}")
        lines += [f"  wrote {n:>7} {topic}" for topic, n in self.events.items()]
        lines += [f"  left out {n:>7} rows: {reason}" for reason, n in self.left_out.items()]
        lines += [f"  remark {n:>7} {remark}" for remark, n in self.remarks.items()]
        lines += [f"  e.g. {example}" for example in self.examples]
        return lines


class Ledger:
    """Collects the events of one import and accounts for its rows."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._rows_read: Counter[str] = Counter()
        self._rows_used = 0
        self._left_out: Counter[str] = Counter()
        self._remarks: Counter[str] = Counter()
        self._examples: list[str] = []
        self._events: list[tuple[float, int, str, bytes]] = []
        self._first_at: datetime | None = None
        self._last_at: datetime | None = None

    def read(self, table: str, rows: int = 1) -> None:
        """Rows of a table were read."""
        self._rows_read[table] += rows

    def leave_out(self, reason: str, rows: int = 1, *, example: str | None = None) -> None:
        """Rows will give no event, because of `reason`."""
        if rows:
            self._left_out[reason] += rows
        if example is not None and len(self._examples) < MAX_EXAMPLES:
            self._examples.append(example)

    def remark(self, remark: str) -> None:
        """Something was kept although it is not whole."""
        self._remarks[remark] += 1

    def event_id(self, *parts: str) -> str:
        """An id that depends only on what the event is about, so that imports repeat exactly."""
        return str(uuid5(_NAMESPACE, "/".join((self._kind, *parts))))

    def add(self, rows: int, *drafts: Draft, where: str) -> bool:
        """Build events from `rows` rows; all are left out if the contract or a worker refuses one."""
        try:
            events = [(topic, build()) for topic, build in drafts]
        except ValidationError as error:
            self.leave_out(
                "refused by the contract", rows, example=f"{where}: {first_problem(error)}"
            )
            return False
        for _, event in events:
            # It is half of the record key, which has to be printable.
            if isinstance(event, BuyerEvent) and not event.buyer_id.isprintable():
                example = f"{where}: buyer_id is {event.buyer_id!r}; expected printable text"
                self.leave_out("an id that is not printable", rows, example=example)
                return False
        self._rows_used += rows
        for topic, event in events:
            self._keep(topic, event)
        return True

    def _keep(self, topic: str, event: Event) -> None:
        at = event.occurred_at
        # Two datetimes of one zone compare by wall clock, which runs twice through an hour in
        # autumn; their timestamps do not.
        stamp = at.timestamp()
        self._first_at = min(self._first_at or at, at, key=datetime.timestamp)
        self._last_at = max(self._last_at or at, at, key=datetime.timestamp)
        body = event.model_dump_json(exclude_defaults=True).encode()
        self._events.append((stamp, len(self._events), topic, body))

    def lines(self) -> Iterator[bytes]:
        """All events by event time; events of one instant in the order in which they were added."""
        self._events.sort()
        for _, _, topic, body in self._events:
            yield event_line(topic, body)

    def report(self) -> ImportReport:
        """The account so far."""
        return ImportReport(
            kind=self._kind,
            rows_read=dict(self._rows_read),
            rows_used=self._rows_used,
            left_out=dict(sorted(self._left_out.items())),
            remarks=dict(sorted(self._remarks.items())),
            events=dict(sorted(Counter(topic for _, _, topic, _ in self._events).items())),
            examples=tuple(self._examples),
            first_at=self._first_at,
            last_at=self._last_at,
        )
