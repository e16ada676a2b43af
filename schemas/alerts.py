"""What the pipeline says: alerts with their evidence, inside a CloudEvents envelope.

An alert is identified by `alert_id` and ordered by `revision`; numbers that move (counts,
percentages) are evidence and never part of its identity. The trap: there is no action that closes
an order, and there must never be one (closing an unpaid order costs the seller six penalty points).
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from pydantic import Field, StringConstraints

from schemas.base import Contract, EventTime, Id, LongText, ShopId

Severity = Literal["info", "warn", "critical"]
# The mildest first: the position of a severity is its rank.
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
AlertStatus = Literal["open", "resolved", "retracted", "expired"]
AlertChange = Literal[
    "opened", "updated", "escalated", "resolved", "reopened", "retracted", "expired"
]
SubjectKind = Literal["buyer", "item", "order", "shop", "identity"]
ActionCode = Literal[
    "A1_adjust_held_stock",
    "A2_deduct_on_payment",
    "A3_relist",
    "A4_remind",
    "A5_notify",
    "A6_evidence_pack",
    "A7_draft_message",
    "A8_propose_ban",
    "A9_draft_filing",
    "A10_draft_complaint",
    "A11_warn_agent",
    "A12_suggest_refund_reply",
    "A13_draft_police_report",
    "A14_suggest_coupon",
]
Scalar = int | str | bool


AlertId = Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
# `shop:buyer`: a shop of 64 and a buyer of 128 characters at most.
SubjectId = Annotated[str, StringConstraints(min_length=1, max_length=193)]
# `name/buyer/order`.
SignalId = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class Text(Contract):
    """The same sentence in the two languages that we write."""

    zh: str
    en: str


class Subject(Contract):
    """Whom or what an alert is about. `id` is the record key.

    It is the shop alone, or `shop:` and the buyer, the item, the order, or kind and hash of an identity.
    Only the first colon separates: a shop id has none, the others may.
    """

    kind: SubjectKind
    id: SubjectId


class Window(Contract):
    """Event times of the first and the last fact that an episode counts, both inclusive."""

    start: EventTime
    end: EventTime


class EvidenceFact(Contract):
    """One fact that was counted."""

    event_id: Id
    kind: str
    at: EventTime
    ref: str
    detail: dict[str, Scalar] = {}


class ThresholdCheck(Contract):
    """One threshold beside the value that was compared with it."""

    name: str
    value: int
    info: int | None = None
    warn: int | None = None
    critical: int | None = None
    unit: str
    crossed: Severity | None = None


class Evidence(Contract):
    """Why an alert exists, and what would have kept it from existing."""

    facts: list[EvidenceFact]
    facts_total: int
    facts_capped: bool = False
    thresholds: list[ThresholdCheck]
    counter_evidence: list[Text] = []
    not_if: Text


class SuggestedAction(Contract):
    """A next right step for a person; nothing is ever submitted to a platform by itself.

    `prerequisites` are what must be there before the step makes sense. `due_at` is when it should be
    done. `draft` is a text to copy and complete: a Chinese message to the buyer, or a complaint form.
    """

    code: ActionCode
    text: Text
    prerequisites: list[Text] = []
    due_at: EventTime | None = None
    draft: LongText | None = None


class Deadline(Contract):
    """A timer of the domain (T01 …) that matters for this alert."""

    code: Annotated[str, Field(pattern=r"^T\d\d$")]
    due_at: EventTime
    text: Text


class HeldUnits(Contract):
    """Units of an item that an unpaid order keeps from being sold; stock adjustment reads these."""

    item_id: Id
    order_id: Id
    units: int
    state: Literal["held", "paid", "closed"]


class Alert(Contract):
    """One revision of one episode.

    `groups` are the alerts that this one puts together, oldest first. `cluster_id` names a ring of
    accounts, in this alert and in later ones about the same ring.
    """

    alert_id: AlertId
    revision: Annotated[int, Field(ge=1)]
    change: AlertChange
    supersedes: str | None = None
    detector: Annotated[str, Field(pattern=r"^D\d\d$")]
    tenant: Id
    shop_id: ShopId
    subject: Subject
    severity: Severity
    status: AlertStatus
    opened_at: EventTime
    updated_at: EventTime
    resolved_at: EventTime | None = None
    window: Window
    evidence: Evidence
    held_units: list[HeldUnits] = []
    held_capped: bool = False
    rule_version: str
    source: str
    as_of: str
    title: Text
    summary: Text
    reason: Text | None = None
    suggested_actions: list[SuggestedAction] = []
    deadlines: list[Deadline] = []
    suppressed_by: str | None = None
    groups: list[AlertId] = []
    cluster_id: Id | None = None


class AlertEnvelope(Contract):
    """CloudEvents 1.0, structured (`application/cloudevents+json`); `id` is `alert_id:revision`."""

    specversion: Literal["1.0"] = "1.0"
    type: Literal["orderwatch.alert.v1"] = "orderwatch.alert.v1"
    source: str
    id: str
    time: EventTime
    subject: str
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    data: Alert


class SignalMessage(Contract):
    """A fact about another subject, derived by a detector of the first stage.

    `version` grows with the facts that stand behind the signal, so the newest truth wins whatever
    the order of arrival. `signal_id` names the signal, not its version.
    """

    signal_id: SignalId
    name: Id
    subject: Subject
    shop_id: ShopId
    occurred_at: EventTime
    version: Annotated[int, Field(ge=0)]
    event_id: Id
    values: dict[str, Scalar]
