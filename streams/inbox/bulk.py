"""One step for many alerts that were chosen on a list: each as if it had been taken on its own page.

Each is a transaction, so that what was done stays done whatever becomes of the next one. The trap: the
form has one request id, and the same form may be sent again from a page that the browser kept, with
another step or other alerts. So the id of each step follows from all three.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from streams.inbox.database import said_of
from streams.inbox.desk import Desk, Outcome
from streams.inbox.metrics import InboxMetrics
from streams.inbox.workflow import StepRequest

log = structlog.get_logger(__name__)

_NAMESPACE: Final = uuid.UUID("0d9c2f3e-58a4-4b0e-9a53-7f6f1f0c7a21")


@dataclass(frozen=True)
class Told:
    """What became of a step for many alerts: the requests of each kind, in the order of the list.

    `untried` are those after which the database was away, and all that would have come next. `sooner` of
    those that were set aside come back before the time that was asked for.
    """

    done: Sequence[StepRequest] = ()
    undone: Sequence[tuple[StepRequest, Outcome]] = ()
    untried: Sequence[StepRequest] = ()
    sooner: int = 0

    def chosen(self) -> frozenset[str]:
        """The alerts that stay chosen: for another try, else for the next step."""
        return frozenset(one.alert_id for one in self.untried or self.done)


def request_id_of(request_id: str, alert_id: str, do: str) -> str:
    """The id of the step of one alert, equal for the same form, alert and step."""
    return str(uuid.uuid5(_NAMESPACE, f"{request_id}\n{alert_id}\n{do}"))


def perform_each(desk: Desk, metrics: InboxMetrics, wanted: Sequence[StepRequest]) -> Told:
    """Take the steps one after the other; one that is refused holds back no other."""
    done: list[StepRequest] = []
    undone: list[tuple[StepRequest, Outcome]] = []
    sooner = 0
    for number, request in enumerate(wanted):
        try:
            outcome = desk.perform(request)
        except SQLAlchemyError as error:
            # Each of the others would wait for the database as long as this one did.
            log.error("inbox_bulk_interrupted", step=request.step, reason=said_of(error))
            return Told(done, undone, wanted[number:], sooner)
        metrics.stepped(request.step, outcome.kind, outcome.waited)
        if outcome.kind in ("done", "repeated"):
            done.append(request)
            sooner += outcome.is_sooner
        else:
            undone.append((request, outcome))
    return Told(done, undone, sooner=sooner)
