"""D31 ae_dispute_rate (纠纷率): disputes of a shop, less those withdrawn, against its orders of thirty days.

The definition is docs/detectors/D31.md. What a newcomer gets wrong: how a dispute is ruled does not
matter, only whether it was withdrawn; and a rate without a known number of orders is no rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

from schemas.alerts import AlertStatus, Severity
from streams.detect import playbooks
from streams.detect.deadlines import Negotiation, negotiation
from streams.detect.detector import (
    Count,
    Detector,
    Due,
    Facts,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Wording,
)
from streams.detect.disputes import Dispute, disputes_of
from streams.detect.episodes import LEVELS, NOTHING, Episode, Threshold, Told, Verdict, higher
from streams.detect.facts import MAX_FACTS_PER_KIND, AnyFact, DisputeOpened, Signal

SIGNAL = "dispute"
# A buyer tells of this many disputes at most: the first, for what is not told any more counts as taken back.
MAX_TOLD = 50


class Rules(RuleBlock):
    """Thresholds of D31. `orders_per_window` is 0 while nobody has said how many there are."""

    at_least = (("critical_per_mille", "warn_per_mille"), ("cooldown_s", "window_s"))

    T07: Negotiation
    window_s: Seconds
    orders_per_window: Annotated[int, Field(ge=0)]
    min_disputes: Count
    warn_per_mille: Count
    critical_per_mille: Count
    cooldown_s: Seconds


class DisputesOfBuyer(Detector[Rules]):
    """On buyers: tells the shop of each dispute, which is rare. Raises nothing itself."""

    id = "D31"
    name = "ae_dispute_rate"
    subject = "buyer"
    triggers = (DisputeOpened,)
    topics = ("disputes",)
    rules = Rules
    accuses = False

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        shop, _, buyer = facts.subject.partition(":")
        disputes = disputes_of(facts)[:MAX_TOLD]
        return Verdict(signals=[_tell(shop, buyer, dispute) for dispute in disputes])


def _tell(shop: str, buyer: str, dispute: Dispute) -> Told:
    opened, withdrawn, over = dispute.opened, dispute.withdrawn, dispute.negotiated_until
    steps = (withdrawn, dispute.escalated, dispute.ruled)
    signal = Signal(
        opened.at_ms,
        opened.event_id,
        f"{SIGNAL}/{buyer}/{opened.ref}",
        SIGNAL,
        # Grows with each step, so that this wins over the opening.
        opened.at_ms + sum(step.at_ms for step in steps if step),
        {
            "buyer": buyer,
            "order": opened.order_id,
            "withdrawn_ms": withdrawn.at_ms if withdrawn else 0,
            "negotiated_until_ms": over.at_ms if over else 0,
        },
    )
    return Told("shop", shop, signal)


class _Change(NamedTuple):
    """A dispute begins to stand, or stops to: withdrawn, or older than the window."""

    at_ms: int
    event_id: str
    step: int
    is_by_age: bool
    signal: Signal


class _Span(NamedTuple):
    """A stretch of time in which the level stood; `end_ms` is None while it does."""

    start_ms: int
    end_ms: int | None
    last_ms: int
    level: Severity
    highest: int
    members: tuple[Signal, ...]


class DisputeRate(Detector[Rules]):
    """D31 on shops. Cost: for each change linear in the disputes kept, which the cap bounds."""

    id = "D31"
    name = "ae_dispute_rate"
    subject = "shop"
    triggers = (Signal,)
    topics = ("signals",)
    rules = Rules
    accuses = False
    wording = Wording(
        title=("纠纷率", "Dispute rate"),
        thresholds={
            "disputes_standing": ("未撤销纠纷", "Disputes that stand"),
            "dispute_rate": ("纠纷率", "Dispute rate"),
        },
        details={
            "withdrawn": ("撤销时间", "withdrawn"),
            "negotiated_until": ("协商结束时间", "negotiation ended"),
        },
        rules={
            "orders_per_window": (
                "窗口内的订单数（0为未知）",
                "Orders in the window (0: not known)",
            ),
            "min_disputes": ("至少：未撤销纠纷", "At least: disputes that stand"),
            "warn_per_mille": ("警告：纠纷率", "Warning at: dispute rate"),
            "critical_per_mille": ("紧急：纠纷率", "Critical at: dispute rate"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        told = [signal for signal in facts.of(Signal) if signal.name == SIGNAL]
        disputes = [signal for signal in told if signal.values]
        if len(disputes) < rules.min_disputes:
            return NOTHING
        insufficient = [] if rules.orders_per_window else ["orders_per_window_unknown"]
        if len(told) >= MAX_FACTS_PER_KIND:
            # A big shop may have more than are kept: its rate is then no more than a lower bound.
            insufficient.append("disputes_capped")
        known: list[_Change] = []
        ageing: list[int] = []
        for change in _changes(disputes, rules):
            if change.is_by_age and change.at_ms > horizon_ms:
                ageing.append(change.at_ms)
            else:
                known.append(change)
        wake_at_ms = min(ageing, default=None)
        spans = _joined(_spans(known, rules), rules.cooldown_s * 1000)
        episodes = [_episode(span, rules) for span in spans]
        return Verdict(episodes, wake_at_ms, insufficient=insufficient)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        orders = rules.orders_per_window
        rate = int(d["per_mille"])
        rate_zh = (
            f"纠纷率{rate / 10:g}%"
            if orders
            else f"纠纷{d['standing']}起(订单数未配置,无法计算比率)"
        )
        rate_en = (
            f"Dispute rate {rate / 10:g}%"
            if orders
            else f"{d['standing']} disputes (no rate: orders_per_window is not set)"
        )
        days = rules.window_s // 86_400
        return Presentation(
            # Nothing is called a rate until it is one.
            title=("纠纷率偏高", "Dispute rate") if orders else ("纠纷较多", "Many disputes"),
            summary=(
                f"{days}天内{rate_zh},其中{d['negotiable']}单仍在协商期,买家撤销后不计入。",
                f"{rate_en} within {days} days; {d['negotiable']} are still in negotiation and do not "
                "count once withdrawn.",
            ),
            not_if=(
                f"未撤销的纠纷少于{rules.min_disputes}起,或比率低于{rules.warn_per_mille / 10:g}%",
                f"fewer than {rules.min_disputes} disputes that stand, or a rate below "
                f"{rules.warn_per_mille / 10:g} %",
            ),
            ended=(
                ("纠纷率已低于限值", "The rate is below the limit again")
                if orders
                else ("未撤销的纠纷已少于限值", "Fewer disputes stand than the limit")
            ),
            steps=(
                *((playbooks.settle(),) if d["negotiable"] else ()),
                Step(
                    "A6_evidence_pack",
                    "逐单整理照片和物流凭证",
                    "Collect photos and tracking proof",
                ),
            ),
            deadlines=(
                (
                    Due(
                        "T07",
                        int(d["first_due_ms"]),
                        "最早一单协商期结束",
                        "The first negotiation ends",
                    ),
                )
                if d["first_due_ms"]
                else ()
            ),
        )


def _withdrawn_ms(signal: Signal) -> int:
    return int(signal.values.get("withdrawn_ms", 0))


def _changes(disputes: Sequence[Signal], rules: Rules) -> list[_Change]:
    found = []
    for signal in disputes:
        # The window includes both ends, so a dispute leaves it a millisecond after.
        gone_ms = signal.at_ms + rules.window_s * 1000 + 1
        withdrawn_ms = _withdrawn_ms(signal)
        is_by_age = not withdrawn_ms or withdrawn_ms >= gone_ms
        if not is_by_age:
            gone_ms = withdrawn_ms
        if gone_ms > signal.at_ms:
            found.append(_Change(signal.at_ms, signal.event_id, 1, False, signal))
            found.append(_Change(gone_ms, signal.event_id, -1, is_by_age, signal))
    return sorted(found, key=lambda change: change[:3])


def _level(standing: int, rules: Rules) -> Severity | None:
    if standing < rules.min_disputes:
        return None
    if not rules.orders_per_window:
        return "info"
    per_mille = 1000 * standing // rules.orders_per_window
    if per_mille >= rules.critical_per_mille:
        return "critical"
    return "warn" if per_mille >= rules.warn_per_mille else None


def _spans(changes: Sequence[_Change], rules: Rules) -> list[_Span]:
    """Walk the changes, those of one moment together."""
    found: list[_Span] = []
    standing: dict[str, Signal] = {}
    members: dict[str, Signal] = {}
    start_ms = last_ms = highest = 0
    level: Severity | None = None
    for i, change in enumerate(changes):
        at_ms, signal = change.at_ms, change.signal
        if change.step > 0:
            standing[signal.ref] = signal
        else:
            standing.pop(signal.ref, None)
        if i + 1 < len(changes) and changes[i + 1].at_ms == at_ms:
            continue
        now = _level(len(standing), rules)
        if now is None:
            if level is not None:
                span = _Span(start_ms, at_ms, last_ms, level, highest, tuple(members.values()))
                found.append(span)
            level = None
            continue
        if level is None:
            start_ms, highest, level, members = at_ms, 0, now, {}
        members |= {ref: one for ref, one in standing.items() if ref not in members}
        if len(standing) > highest:
            highest, last_ms = len(standing), at_ms
        level = higher(level, now)
    if level is not None:
        found.append(_Span(start_ms, None, last_ms, level, highest, tuple(members.values())))
    return found


def _joined(spans: Sequence[_Span], cooldown_ms: int) -> list[_Span]:
    """Spans no further apart than the cooldown are one."""
    found: list[_Span] = []
    for span in spans:
        before = found[-1] if found else None
        if before and before.end_ms is not None and span.start_ms - before.end_ms <= cooldown_ms:
            seen = {member.ref for member in before.members}
            found[-1] = _Span(
                before.start_ms,
                span.end_ms,
                span.last_ms,
                higher(before.level, span.level),
                max(before.highest, span.highest),
                (*before.members, *(m for m in span.members if m.ref not in seen)),
            )
        else:
            found.append(span)
    return found


def _episode(span: _Span, rules: Rules) -> Episode:
    orders = rules.orders_per_window
    per_mille = 1000 * span.highest // orders if orders else 0
    due = [
        negotiation(member.at_ms, rules.T07).last_ms
        for member in span.members
        if not member.values.get("negotiated_until_ms")
    ]
    ahead = [due_ms for due_ms in due if due_ms >= span.last_ms]
    # Of its own members only: what else is withdrawn, before or long after, is no news about it.
    withdrawn = sum(_withdrawn_ms(member) > 0 for member in span.members)
    status: AlertStatus = "open" if span.end_ms is None else "resolved"
    members: tuple[AnyFact, ...] = span.members
    thresholds = [Threshold("disputes_standing", span.highest, "disputes", info=rules.min_disputes)]
    if orders:
        thresholds.append(
            Threshold(
                "dispute_rate",
                per_mille,
                "per_mille",
                rules.warn_per_mille,
                rules.critical_per_mille,
            )
        )
    return Episode(
        detector="D31",
        anchor=members[0],
        opened_at_ms=span.start_ms,
        last_at_ms=span.last_ms,
        status=status,
        ended_at_ms=span.end_ms,
        severity=span.level,
        steps=len(members) + withdrawn + LEVELS.index(span.level) + (status != "open"),
        window_s=rules.window_s,
        members=members,
        thresholds=tuple(thresholds),
        details={
            "standing": span.highest,
            "per_mille": per_mille,
            "negotiable": len(ahead),
            "first_due_ms": min(ahead, default=0),
        },
        counter=(
            (
                f"其中{withdrawn}起纠纷已撤销,不再计入;"
                f"窗口期订单总数{f'按配置为{orders}单' if orders else '未配置'}",
                f"{withdrawn} of these disputes were withdrawn and count no more; orders as configured: "
                f"{orders or 'none'}",
            ),
        ),
        cooldown_s=rules.cooldown_s,
    )


DETECTORS = (DisputesOfBuyer(), DisputeRate())
