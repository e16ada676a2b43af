"""The steps that people take: one transaction each, audited, safe to repeat, safe for two at once.

A step names the case version that its page showed. The trap: a repeated request (double click,
reload) is recognised by its request id before its version, or it would look like a conflict with itself;
and only once the row is locked, or the same request at the same moment would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from streams.detect.rules import RuleSet
from streams.inbox import approvals, snooze, telling
from streams.inbox.board import timers_of
from streams.inbox.checklist import find, since_return, ticks_of
from streams.inbox.database import writing
from streams.inbox.events import derived_id
from streams.inbox.intake import storable
from streams.inbox.models import AlertRow, AuditRow, CaseRow, ContactRow
from streams.inbox.redaction import clean
from streams.inbox.workflow import (
    BESIDE,
    LOGGED,
    MAX_NAME,
    MAX_NOTE,
    ONLY_OF,
    TARGET,
    UNTOUCHED,
    WORDS,
    Label,
    Refusal,
    State,
    StepRequest,
    begins,
    is_label_of,
    refusal,
)

# The steps that the detectors hear of, or the stock ledger.
_TOLD = WORDS | {"contact", "file", "filing_accepted", "filing_rejected", "reconcile"}


@dataclass(frozen=True)
class Outcome:
    """`done`: happened now; `repeated`: had happened already; the others: nothing happened."""

    kind: Literal["done", "repeated", "refused", "conflict", "missing"]
    reason: Refusal | None = None
    waited: timedelta | None = None
    # Of one that was set aside: whether it comes back sooner than was asked for.
    is_sooner: bool = False


class Desk:
    """Carries out steps. Safe to use from several threads and processes at once."""

    def __init__(self, engine: Engine, rules: RuleSet, now: Callable[[], datetime]) -> None:
        self._writer = writing(engine)
        self._rules = rules
        self._now = now

    def perform(self, request: StepRequest) -> Outcome:
        """Take the step, or say why not."""
        try:
            with Session(self._writer) as session, session.begin():
                return self._perform(session, request)
        except IntegrityError:
            # The same request, sent twice, ran on two connections; the other one was faster.
            return Outcome("repeated")

    def _perform(self, session: Session, request: StepRequest) -> Outcome:
        case = session.get(CaseRow, request.alert_id, with_for_update=True)
        if case is None:
            return Outcome("missing")
        seen = select(AuditRow.id).where(AuditRow.request_id == request.request_id)
        if session.scalar(seen) is not None:
            return Outcome("repeated")
        # An attempt to reach the buyer happened, whatever a colleague did meanwhile.
        is_beside = request.step == "contact" or request.step in BESIDE
        if case.version != request.version and not is_beside:
            return Outcome("conflict")
        if request.step in BESIDE:
            return self._tick(session, case, request)
        old = State(case.state)
        label = request.label if request.step == "label" else _label(case)
        reason = refusal(request.step, old, label, _attempts(session, case.alert_id))
        reason = reason or _refusal(session, request)
        alert = telling.alert_of(session, case.alert_id) if request.step in _TOLD else None
        if reason is None and alert is not None:
            reason = telling.untold(session, alert, request, self._now())
        if reason is None and request.step == "wake":
            is_aside = snooze.is_snoozed(case.snoozed_until, self._now())
            reason = None if is_aside else "not_snoozed"
        if reason is not None:
            return Outcome("refused", reason)
        if request.step == "snooze":
            return self._snooze(session, case, request)
        waited = self._take(session, case, request) if begins(request.step, old) else None
        old = State(case.state)
        waited = self._take_effect(session, case, request) or waited
        step = _audit(request, old, State(case.state), case.updated_at)
        if alert is not None:
            telling.tell(session, alert, request, _label(case), case.updated_at)
        if alert is not None and (request.step == "approve" or request.step == "refuse"):
            lines = approvals.lines_of(session, alert, case.updated_at)
            step.detail = json.dumps(approvals.size(request.step, lines)._asdict())
        session.add(step)
        return Outcome("done", waited=waited)

    def _snooze(self, session: Session, case: CaseRow, request: StepRequest) -> Outcome:
        """Set an alert aside; the consumer, which may bring it a deadline, waits for the case meanwhile."""
        if request.later is None:
            raise ValueError("an alert set aside without saying until when")
        now, state = self._now(), State(case.state)
        timers, terms = timers_of(session, case.alert_id, self._rules)
        back = snooze.back(request.later, now, terms.zone, timers)
        if not isinstance(back, snooze.Back):
            return Outcome("refused", back)
        case.version += 1
        case.updated_at = now
        case.snoozed_until = back.at
        case.snoozed_by = storable(request.by, MAX_NAME)
        row = _audit(request, state, state, now)
        sooner = {"deadline": back.deadline} if back.deadline else {}
        row.detail = json.dumps({"until": back.at.isoformat(), **sooner})
        session.add(row)
        return Outcome("done", is_sooner=back.deadline is not None)

    def _tick(self, session: Session, case: CaseRow, request: StepRequest) -> Outcome:
        """Note that a suggested step was done, or was not: of two people who do so at once both are right."""
        ticked = ticks_of(since_return(_steps(session, case.alert_id)))
        is_ticked = request.action in ticked
        if is_ticked is (request.step == "tick"):
            return Outcome("repeated")
        if is_ticked:
            text = ticked[request.action].text
        else:
            action = find(
                telling.alert_of(session, case.alert_id).suggested_actions, request.action
            )
            if action is None:
                return Outcome("refused", "not_suggested")
            text = action.text
        # An alert that came back since the page was shown waits for somebody who has seen that it did.
        is_begun = begins(request.step, State(case.state)) and case.version == request.version
        waited = self._take(session, case, request) if is_begun else None
        state = State(case.state)
        row = _audit(request, state, state, self._now())
        row.detail = json.dumps({"action": request.action, "zh": text.zh, "en": text.en})
        session.add(row)
        return Outcome("done", waited=waited)

    def _take(self, session: Session, case: CaseRow, request: StepRequest) -> timedelta | None:
        """Take the alert along with the step, as a step of its own in the audit."""
        old = State(case.state)
        own_id = derived_id(case.alert_id, request.request_id, "take")
        take = replace(request, step="take", request_id=own_id)
        waited = self._take_effect(session, case, take)
        session.add(_audit(take, old, State(case.state), case.updated_at))
        return waited

    def _take_effect(
        self, session: Session, case: CaseRow, request: StepRequest
    ) -> timedelta | None:
        """Change the case; returns how long the alert had waited when this step began the work."""
        now = self._now()
        old = State(case.state)
        case.version += 1
        case.updated_at = now
        if snooze.is_snoozed(case.snoozed_until, now):
            # Whoever does something about it does so now.
            case.snoozed_until = now
        if request.step == "contact":
            session.add(_contact(request, now))
        if request.step == "assign":
            case.assignee = storable(request.assignee, MAX_NAME)
        if request.step in LOGGED:
            return None
        case.state = TARGET[request.step]
        if request.step == "label":
            case.label = request.label
        if request.step != "take":
            return None
        case.assignee = storable(request.by, MAX_NAME)
        # Whoever begins again begins without the earlier answer; the audit keeps it.
        case.label = None
        if old in UNTOUCHED:
            return now - case.waiting_since
        case.waiting_since = now
        return None


def _refusal(session: Session, request: StepRequest) -> Refusal | None:
    """What is wrong with the request itself."""
    if request.step == "assign" and not request.assignee:
        return "assignee_first"
    if request.step == "label" and request.label in ONLY_OF:
        query = select(AlertRow.detector).where(AlertRow.alert_id == request.alert_id)
        if not is_label_of(request.label, session.scalars(query).one()):
            return "label_of_others"
    return None


def _steps(session: Session, alert_id: str) -> Sequence[AuditRow]:
    steps = BESIDE | {"follow"}
    query = select(AuditRow).where(AuditRow.alert_id == alert_id, AuditRow.step.in_(steps))
    return session.scalars(query.order_by(AuditRow.id)).all()


def _label(case: CaseRow) -> Label | None:
    return Label(case.label) if case.label else None


def _attempts(session: Session, alert_id: str) -> int:
    query = select(func.count(ContactRow.id)).where(ContactRow.alert_id == alert_id)
    return session.scalar(query) or 0


def _contact(request: StepRequest, at: datetime) -> ContactRow:
    if request.channel is None:
        raise ValueError("a contact attempt without its channel")
    return ContactRow(
        alert_id=request.alert_id,
        channel=request.channel,
        answered=request.answered,
        note=storable(request.note, MAX_NOTE),
        at=at,
        by=storable(request.by, MAX_NAME),
    )


def _audit(request: StepRequest, old: State, new: State, at: datetime) -> AuditRow:
    detail: dict[str, str | bool] = {}
    if request.step == "label" and request.label:
        detail["label"] = request.label
    if request.step == "contact" and request.channel:
        detail |= {"channel": request.channel, "answered": request.answered}
    if request.step == "assign":
        detail["assignee"] = storable(request.assignee, MAX_NAME)
    if request.step == "reconcile" and request.result:
        detail["result"] = request.result
        detail["reason"] = storable(clean(request.reason), MAX_NOTE)
    return AuditRow(
        alert_id=request.alert_id,
        step=request.step,
        from_state=old,
        to_state=new,
        detail=json.dumps(detail),
        at=at,
        by=storable(request.by, MAX_NAME),
        request_id=request.request_id,
    )
