"""Which events a step leaves in the outbox, and which word on top-ups, inside the transaction of the step.

A filing is kept beside its events, because the platform's answer comes days later and must name it.
The trap: what is said is as of the alert's greatest revision, so one that was retracted names no order.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from schemas.alerts import Alert, AlertEnvelope
from schemas.base import LONGEST_ID
from streams.inbox import approvals, events
from streams.inbox.database import hold
from streams.inbox.events import FilingStep
from streams.inbox.intake import storable
from streams.inbox.models import AlertRow, FilingRow, RevisionRow
from streams.inbox.outbox import enqueue, enqueue_word
from streams.inbox.redaction import clean
from streams.inbox.workflow import Label, Refusal, StepRequest
from streams.stock.control import spoken

_MAX_REASON = 256


def alert_of(session: Session, alert_id: str) -> Alert:
    """The alert as of its greatest revision."""
    body = session.scalars(
        select(RevisionRow.body)
        .join(AlertRow, AlertRow.alert_id == RevisionRow.alert_id)
        .where(AlertRow.alert_id == alert_id, AlertRow.revision == RevisionRow.revision)
    ).one()
    return AlertEnvelope.model_validate_json(body).data


def untold(session: Session, alert: Alert, request: StepRequest, now: datetime) -> Refusal | None:
    """Why nobody could be told what it is about, where that is the point of the step."""
    if request.step in ("approve", "refuse"):
        # An order may have been paid, or closed by the platform, since the page was made.
        about = approvals.size(request.step, approvals.lines_of(session, alert, now))
        return None if about.orders else "nothing_waits"
    if request.step == "file":
        # The page said which order; a newer revision may be about another one.
        if request.order_id not in (events.orders_of(alert) or ("",)):
            return "order_first"
        return "filed_already" if _is_filed(session, alert, request.order_id) else None
    if request.step != "reconcile":
        return None
    if events.recharge_of(alert) is None or request.result is None:
        return "nothing_to_reconcile"
    # S2 「充值失敗」 wants its reason.
    return "reason_first" if request.result == "failed" and not request.reason else None


def _is_filed(session: Session, alert: Alert, order_id: str) -> bool:
    """Whether the platform has a filing of this order that it has not rejected, from any alert."""
    # Another alert about this order has a row of its own, so its lock keeps nobody else away.
    hold(session, storable(f"filing\n{alert.shop_id}\n{order_id}"))
    standing = select(FilingRow.filing_id).where(
        FilingRow.shop_id == storable(alert.shop_id),
        FilingRow.order_id == storable(order_id, LONGEST_ID),
        FilingRow.status != "rejected",
    )
    return session.scalars(standing.limit(1)).first() is not None


def tell(
    session: Session, alert: Alert, request: StepRequest, label: Label | None, at: datetime
) -> None:
    """Leave what a step says for the sender; events where the alert names the buyer and what it is about."""
    if request.step in ("approve", "refuse"):
        control_id = events.derived_id(alert.alert_id, request.request_id, "control")
        enqueue_word(session, spoken(request.step, alert.alert_id, control_id, at), at)
        return
    if request.step == "contact" and request.channel is not None:
        said = events.contacted(
            alert, request.request_id, at, request.channel, answered=request.answered
        )
        if said is not None:
            enqueue(session, "contacts", said, at)
    elif request.step == "reconcile" and request.result is not None:
        # It leaves the console, where nobody masks it again.
        reason = storable(clean(request.reason), _MAX_REASON)
        settled = events.reconciled(alert, request.request_id, at, request.result, reason)
        if settled is not None:
            enqueue(session, "recharges", settled, at)
    elif request.step == "file":
        _file(session, alert, request, label, at)
    else:
        _answer_filing(session, alert, request, at)


def _file(
    session: Session, alert: Alert, request: StepRequest, label: Label | None, at: datetime
) -> None:
    if not request.order_id:
        return
    filing = FilingRow(
        filing_id=events.derived_id(alert.alert_id, request.request_id, "filing"),
        alert_id=alert.alert_id,
        shop_id=storable(alert.shop_id),
        order_id=storable(request.order_id, LONGEST_ID),
        status="submitted",
        submitted_at=at,
    )
    session.add(filing)
    _tell_filing(session, alert, request, filing, "submitted", at, label)


def _answer_filing(session: Session, alert: Alert, request: StepRequest, at: datetime) -> None:
    waiting = select(FilingRow).where(
        FilingRow.alert_id == alert.alert_id, FilingRow.status == "submitted"
    )
    filing = session.scalars(waiting).first()
    if filing is None:
        return
    kind: FilingStep = "accepted" if request.step == "filing_accepted" else "rejected"
    filing.status = kind
    filing.answered_at = at
    _tell_filing(session, alert, request, filing, kind, at)


def _tell_filing(
    session: Session,
    alert: Alert,
    request: StepRequest,
    filing: FilingRow,
    kind: FilingStep,
    at: datetime,
    label: Label | None = None,
) -> None:
    said = events.filed(
        alert, request.request_id, at, kind, filing.filing_id, filing.order_id, label
    )
    if said is not None:
        enqueue(session, "filings", said, at)
