"""From a change of an episode to the alert that the world reads, with its evidence and its envelope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from schemas.alerts import (
    Alert,
    AlertEnvelope,
    AlertStatus,
    Deadline,
    Evidence,
    EvidenceFact,
    HeldUnits,
    Scalar,
    Severity,
    Subject,
    SuggestedAction,
    Text,
    ThresholdCheck,
    Window,
)
from streams.detect.detector import Presentation, Step
from streams.detect.diff import Change, alert_id
from streams.detect.episodes import Episode, Hold, Threshold
from streams.detect.facts import AnyFact
from streams.detect.playbooks import for_shop
from streams.detect.rules import Rule

# An alert lists this many facts at most, the first and the last ones. The total is true unless the
# episode outgrew what is kept about a subject, and then the alert says so.
LISTED_FIRST, LISTED_LAST = 40, 10
LISTED_HOLDS = 500
# Already said, or, like the version of a signal, moving without anything new to say.
NOT_SAID = frozenset({"at_ms", "event_id", "ref", "version"})
AGAINST_SOMEBODY = frozenset(
    {"A8_propose_ban", "A9_draft_filing", "A10_draft_complaint", "A13_draft_police_report"}
)
# What `data` adheres to: the definition within the schema of the topic.
SCHEMA_URI = "urn:orderwatch:schema:v1:alerts#/$defs/Alert"


def to_datetime(at_ms: int) -> datetime:
    """An aware UTC time from epoch milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def build(
    change: Change,
    episode: Episode,
    presentation: Presentation,
    subject: Subject,
    tenant: str,
    rule: Rule,
    is_partial: bool,
) -> Alert:
    """The alert for one change of an episode.

    `is_partial` when earlier facts of the episode are no longer kept, so that it may be larger.
    """
    entry = change.published
    ended_at = None if episode.ended_at_ms is None else to_datetime(episode.ended_at_ms)
    times = [member.at_ms for member in episode.members]
    counter_evidence = [_text(pair) for pair in episode.counter]
    if is_partial:
        times.append(entry.anchor_at_ms)
        counter_evidence.append(_LOWER_BOUNDS)
    return Alert(
        alert_id=entry.alert_id,
        revision=entry.revision,
        change=change.change,
        supersedes=change.supersedes,
        detector=episode.detector,
        tenant=tenant,
        shop_id=_shop_of(subject),
        subject=subject,
        severity=episode.severity,
        status=episode.status,
        opened_at=to_datetime(entry.opened_at_ms),
        updated_at=to_datetime(episode.updated_at_ms),
        resolved_at=ended_at,
        window=Window(start=to_datetime(min(times)), end=to_datetime(max(times))),
        evidence=Evidence(
            facts=[_fact(member) for member in _listed(episode.members)],
            facts_total=len(episode.members),
            facts_capped=is_partial or len(episode.members) > LISTED_FIRST + LISTED_LAST,
            thresholds=[_threshold(t) for t in episode.thresholds],
            counter_evidence=counter_evidence,
            not_if=_text(presentation.not_if),
        ),
        held_units=[
            HeldUnits(item_id=h.item_id, order_id=h.order_id, units=h.units, state=h.state)
            for h in _largest(episode.holds)
        ],
        held_capped=episode.has_more_holds or len(episode.holds) > LISTED_HOLDS,
        rule_version=rule.version,
        source=rule.block.source,
        as_of=rule.block.as_of,
        title=_text(presentation.title),
        summary=_text(presentation.summary),
        reason=None if episode.status == "open" else _text(presentation.ended),
        suggested_actions=[
            _action(for_shop(step, rule.shop_type))
            for step in _still_due(presentation.steps, episode.status)
        ],
        deadlines=[
            Deadline(code=due.code, due_at=to_datetime(due.at_ms), text=Text(zh=due.zh, en=due.en))
            for due in presentation.deadlines
        ],
        groups=[
            alert_id(child.detector, tenant, child.kind, child.subject, child.anchor_event_id)
            for child in presentation.groups
        ],
        cluster_id=presentation.cluster_id,
        suppressed_by=rule.suppressed_by(subject),
    )


def without_episode(change: Change, subject: Subject, tenant: str, rule: Rule) -> Alert:
    """The alert for a change to an episode that there is none of any more: disproved, or forgotten."""
    entry = change.published
    title, reason = _RETRACTED if entry.status == "retracted" else _FORGOTTEN
    ended_at = to_datetime(entry.last_at_ms)
    return Alert(
        alert_id=entry.alert_id,
        revision=entry.revision,
        change=change.change,
        detector=entry.detector,
        tenant=tenant,
        shop_id=_shop_of(subject),
        subject=subject,
        severity=entry.severity,
        status=entry.status,
        opened_at=to_datetime(entry.opened_at_ms),
        updated_at=ended_at,
        resolved_at=ended_at,
        window=Window(start=to_datetime(entry.anchor_at_ms), end=ended_at),
        evidence=Evidence(facts=[], facts_total=0, thresholds=[], not_if=reason),
        rule_version=rule.version,
        source=rule.block.source,
        as_of=rule.block.as_of,
        title=title,
        summary=reason,
        reason=reason,
        suppressed_by=rule.suppressed_by(subject),
    )


def _shop_of(subject: Subject) -> str:
    return subject.id.partition(":")[0]


def envelope(alert: Alert) -> AlertEnvelope:
    """The CloudEvents envelope of an alert."""
    return AlertEnvelope(
        # A URI, and a shop id may hold a blank, a percent sign or 店.
        source=f"urn:orderwatch:{quote(alert.tenant, safe='')}:{quote(alert.shop_id, safe='')}",
        id=f"{alert.alert_id}:{alert.revision}",
        time=alert.updated_at,
        subject=alert.subject.id,
        dataschema=SCHEMA_URI,
        data=alert,
    )


# A title, and why.
_RETRACTED = (
    Text(zh="预警撤回", en="Alert retracted"),
    Text(
        zh="按现有事实和现行规则,此预警不再成立,已撤回",
        en="What is known now, by the present rules, no longer supports this alert",
    ),
)
_FORGOTTEN = (
    Text(zh="预警到期", en="Alert expired"),
    Text(
        zh="相关事实已超过保留期,不再跟踪;如仍有待办事项,请人工核对",
        en="What it rests on is older than facts are kept, so it is followed no longer; check by hand "
        "whether something is left to do",
    ),
)
_LOWER_BOUNDS = Text(
    zh="更早的事实已不再保留,以上数字为下限",
    en="Earlier facts are no longer kept: the numbers are lower bounds",
)


def _text(pair: tuple[str, str]) -> Text:
    return Text(zh=pair[0], en=pair[1])


def _still_due(steps: Sequence[Step], status: AlertStatus) -> Sequence[Step]:
    """Of an episode that was resolved nobody complains, files, bans or reports: it is settled."""
    if status != "resolved":
        return steps
    return [step for step in steps if step.code not in AGAINST_SOMEBODY] or steps


def _action(step: Step) -> SuggestedAction:
    return SuggestedAction(
        code=step.code,
        text=Text(zh=step.zh, en=step.en),
        prerequisites=[_text(pair) for pair in step.prerequisites],
        due_at=None if step.due_ms is None else to_datetime(step.due_ms),
        draft=step.draft,
    )


def _listed(members: Sequence[AnyFact]) -> Sequence[AnyFact]:
    if len(members) <= LISTED_FIRST + LISTED_LAST:
        return members
    return [*members[:LISTED_FIRST], *members[-LISTED_LAST:]]


def _largest(holds: Sequence[Hold]) -> Sequence[Hold]:
    """The largest holds; by size alone, so that an order does not drop out by being paid."""
    if len(holds) <= LISTED_HOLDS:
        return holds
    by_size = sorted(holds, key=lambda h: (-h.units, h.order_id, h.item_id))
    return by_size[:LISTED_HOLDS]


def _fact(fact: AnyFact) -> EvidenceFact:
    detail: dict[str, Scalar] = {}
    for name, value in msgspec.structs.asdict(fact).items():
        if name in NOT_SAID:
            continue
        if name.endswith("_ms"):
            # 0 stands for "not promised", "not known".
            if value:
                detail[name.removesuffix("_ms")] = to_datetime(value).isoformat()
        elif name == "items":
            detail[name] = ", ".join(f"{item} × {units}" for item, units in value[:LISTED_LAST])
        elif name == "values":
            detail |= value
        elif isinstance(value, int | str):
            detail[name] = value
    return EvidenceFact(
        event_id=fact.event_id,
        kind=type(fact).__name__,
        at=to_datetime(fact.at_ms),
        ref=fact.ref,
        detail=detail,
    )


def _threshold(threshold: Threshold) -> ThresholdCheck:
    crossed: Severity | None = None
    if threshold.info is not None and threshold.value >= threshold.info:
        crossed = "info"
    if threshold.warn is not None and threshold.value >= threshold.warn:
        crossed = "warn"
    if threshold.critical is not None and threshold.value >= threshold.critical:
        crossed = "critical"
    return ThresholdCheck(
        name=threshold.name,
        value=threshold.value,
        info=threshold.info,
        warn=threshold.warn,
        critical=threshold.critical,
        unit=threshold.unit,
        crossed=crossed,
    )
