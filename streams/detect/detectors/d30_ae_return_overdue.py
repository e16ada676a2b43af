"""D30 ae_return_overdue (退货未到): the countdown to confirm a return runs out and no parcel has come.

The definition is docs/detectors/D30.md. What a newcomer gets wrong: the date comes with the dispute's
events, and a later event may move it; nothing here counts days. One order may be disputed twice.
"""

from __future__ import annotations

from typing import NamedTuple

from schemas.alerts import Severity
from streams.detect.cases import Case, verdict
from streams.detect.deadlines import ReturnCountdown, Term, return_countdown
from streams.detect.detector import Detector, Facts, Presentation, RuleBlock, Step, Wording
from streams.detect.disputes import (
    REFUNDED,
    Dispute,
    ParcelsBack,
    disputes_of,
    refunds_for_good,
)
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict
from streams.detect.facts import (
    NEVER,
    AnyFact,
    DisputeOpened,
    RefundGranted,
    ReturnArrived,
    ReturnUnderWay,
    by_time,
)
from streams.detect.refunds import first_grant, granted_by

_HOUR_MS = 3_600_000


class Rules(RuleBlock):
    """The times are T08's."""

    T08: ReturnCountdown


class _Return(NamedTuple):
    """A return that a dispute waits for: since when, until when, and what ended the wait.

    `came` is the parcel that arrived after the wait was over, `perhaps` one that may be another dispute's.
    """

    dispute: Dispute
    term: Term
    end: AnyFact | None
    ended_by: str
    came: ReturnArrived | None
    perhaps: ReturnArrived | None


class ReturnOverdue(Detector[Rules]):
    """D30 on buyers, one case per dispute. Cost: linear in the buyer's disputes."""

    id = "D30"
    name = "ae_return_overdue"
    subject = "buyer"
    triggers = (DisputeOpened,)
    topics = ("disputes", "returns", "refunds")
    rules = Rules
    accuses = False
    wording = Wording(
        title=("退货未到", "Return not here"),
        thresholds={"return_missing_for": ("退货未到", "Return missing for")},
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        under_way = {fact.ref: fact for fact in facts.of(ReturnUnderWay)}
        cases: list[Case] = []
        wakes: list[int] = []
        is_unknown = False
        # By order: when all disputes so far were withdrawn.
        withdrawn_ms: dict[str, int] = {}
        disputes = disputes_of(facts)
        back = ParcelsBack(facts, disputes)
        refunds = refunds_for_good(facts, disputes)
        for dispute in disputes:
            order_id = dispute.opened.order_id
            # What came back before another item was disputed, and the sign of it, are not about that one.
            # Who withdrew and disputes again may well mean the same.
            opened_ms, free_ms = dispute.opened.at_ms, withdrawn_ms.get(order_id, 0)
            since_ms = opened_ms if free_ms > opened_ms else 0
            ended_ms = dispute.withdrawn.at_ms if dispute.withdrawn else NEVER
            withdrawn_ms[order_id] = max(free_ms, ended_ms)
            is_sign_ours = not back.has_any_before(order_id, since_ms)
            started_ms = _started_ms(dispute, under_way.get(order_id) if is_sign_ours else None)
            if started_ms is None:
                continue
            ends_ms = _countdown_ms(dispute)
            if ends_ms <= started_ms:
                is_unknown |= ends_ms == 0
                continue
            found = _return(
                dispute,
                (back.first(dispute, since_ms), back.perhaps(dispute)),
                first_grant(refunds.get(dispute.opened.ref, ()), started_ms),
                (started_ms, ends_ms),
                rules,
            )
            warn_ms = found.term.remind_ms[0]
            if found.end is not None and found.end.at_ms <= warn_ms:
                continue
            if found.end is None:
                wakes += (warn_ms, found.term.due_ms)
                if horizon_ms < warn_ms:
                    continue
            cases.append(_case(found, horizon_ms, rules))
        if not cases and not wakes and not is_unknown:
            return NOTHING
        insufficient = ("countdown_unknown",) if is_unknown else ()
        return verdict("D30", cases, horizon_ms, 0, wakes)._replace(insufficient=insufficient)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        term = return_countdown(int(d["started_ms"]), int(d["ends_ms"]), rules.T08)
        hours = d["hours_left"]
        ended_by, is_open = str(d["ended_by"]), episode.status == "open"
        ended_zh, ended_en = _ENDED[ended_by]
        came_zh, came_en = (
            (",之后收到退货", ", and the return came later") if d["came"] else ("", "")
        )
        next_zh = f"。{ended_zh}{came_zh}"
        next_en = f"was not here with less than {hours} h left. {ended_en}{came_en}"
        if is_open:
            next_zh = ",可升级仲裁。理由栏为灰色不可选,只需填写文字说明"
            next_en = (
                f"is not here, less than {hours} h left; the dispute can be escalated. "
                "The reason is greyed out: free text is enough"
            )
        perhaps_zh, perhaps_en = ("", "")
        if d["perhaps"]:
            perhaps_zh, perhaps_en = f"。{_MAY_HAVE_COME[0]}", f". {_MAY_HAVE_COME[1]}"
        return Presentation(
            title=("退货未到,确认收货倒计时将尽", "The return is not here and the countdown ends"),
            summary=(
                f"订单{d['order']}的退货未到,确认收货倒计时不足{hours}小时{next_zh}{perhaps_zh}。",
                f"The return of order {d['order']} {next_en}{perhaps_en}.",
            ),
            not_if=(
                "退货已送达,已退款或退款无需退货,纠纷已撤销、已升级或已改判,或没有退货",
                "a return that arrived; a refund that was paid or needs no return; a dispute that was "
                "withdrawn, escalated or ruled otherwise; no return at all",
            ),
            ended=(ended_zh, ended_en),
            steps=_while_missing(term.last_ms) if is_open else (_AFTER[str(d["next"])],),
            deadlines=(term.line(),),
        )


_KEEP_PROOF = Step(
    "A6_evidence_pack", "保留未收到退货的物流凭证", "Keep the proof that nothing came"
)
_KEEP_RECORDS = Step(
    "A6_evidence_pack",
    "保留退款和退货物流记录;之后收到退货时核对",
    "Keep the records of the refund and of the return; should that still come, check it",
)
# By what is left to do once the wait is over.
_AFTER = {
    "missing": _KEEP_PROOF,
    "refunded": _KEEP_RECORDS,
    "came": Step("A4_remind", "核对收到的退货", "Check what came back"),
    # S4 「商家可以选择撤销仲裁,若撤销仲裁遇到了报错,也不必着急,商家端不主动撤销仲裁也不影响的」.
    "arbitrated": Step(
        "A4_remind",
        "核对收到的退货;可选择撤销仲裁,不撤销或撤销时报错都不影响",
        "Check what came back; the arbitration may be withdrawn, but leaving it, or an error message "
        "there, does no harm",
    ),
}


_HAS_COME = ("退货已收到", "The return has come")
_MAY_HAVE_COME = (
    "已收到该订单的退货,但未注明属于哪个纠纷,可能就是这一件",
    "A parcel of the order came and names none of its disputes: it may be this one's",
)
_ON_ITS_WAY = ("退货可能仍在途中", "The parcel may still be on its way")
# As long as it can be escalated, or was.
_ESCALATED_OR_NOT = (
    "退货可能仍在途中;升级仲裁不影响之后收货",
    "The parcel may still be on its way; escalating does not keep it from arriving",
)


def _while_missing(last_ms: int) -> tuple[Step, ...]:
    """What to do as long as the countdown runs."""
    return (
        Step("A4_remind", "查询退货物流", "Look the return parcel up"),
        Step(
            "A5_notify",
            "仍未收到时,在倒计时结束前升级仲裁;之后收到退货可选择撤销仲裁,不撤销或撤销时报错都不影响",
            "If it is still missing, escalate before the countdown ends; should it come later, the "
            "arbitration may be withdrawn, but leaving it, or an error message there, does no harm",
            due_ms=last_ms,
        ),
        _KEEP_PROOF,
    )


_ENDED = {
    **{f"refund {way}": why for way, why in REFUNDED.items()},
    "came": ("退货已送达", "The return arrived"),
    "withdrawn": ("买家已撤销纠纷", "The buyer withdrew the dispute"),
    "escalated": ("已升级仲裁", "The dispute was escalated"),
    "ruled": ("平台已另行裁决", "The platform ruled otherwise"),
    "": ("倒计时已结束", "The countdown is over"),
}


def _started_ms(dispute: Dispute, under_way: ReturnUnderWay | None) -> int | None:
    """Since when the order is to come back; None if it is not."""
    ruled = dispute.ruled
    if ruled and ruled.ruling == "return_and_refund":
        return ruled.at_ms
    if dispute.opened.reason == "return":
        return dispute.opened.at_ms
    return max(dispute.opened.at_ms, under_way.at_ms) if under_way else None


def _countdown_ms(dispute: Dispute) -> int:
    """The end of the countdown as of the newest step that brings one; 0 if none does."""
    steps = [fact for fact in (dispute.opened, dispute.escalated, dispute.ruled) if fact]
    steps.sort(key=by_time)
    return next((fact.countdown_ms for fact in reversed(steps) if fact.countdown_ms), 0)


def _return(
    dispute: Dispute,
    parcels: tuple[ReturnArrived | None, ReturnArrived | None],
    refund: RefundGranted | None,
    from_to_ms: tuple[int, int],
    rules: Rules,
) -> _Return:
    (parcel, perhaps), (started_ms, ends_ms) = parcels, from_to_ms
    ends: list[tuple[AnyFact, str]] = []
    if parcel:
        ends.append((parcel, "came"))
    if refund:
        ends.append((refund, f"refund {granted_by(refund)}"))
    if dispute.withdrawn:
        ends.append((dispute.withdrawn, "withdrawn"))
    if dispute.escalated and dispute.escalated.at_ms > started_ms:
        ends.append((dispute.escalated, "escalated"))
    if dispute.ruled and dispute.ruled.ruling != "return_and_refund":
        ends.append((dispute.ruled, "ruled"))
    end, ended_by = min(ends, key=lambda one: by_time(one[0]), default=(None, ""))
    term = return_countdown(started_ms, ends_ms, rules.T08, end.at_ms if end else None)
    if end is not None and end.at_ms > ends_ms:
        # The countdown was over first; what came later changed nothing about that.
        end, ended_by = None, ""
    came = None if ended_by == "came" else parcel
    return _Return(dispute, term, end, ended_by, came, None if parcel else perhaps)


def _case(found: _Return, horizon_ms: int, rules: Rules) -> Case:
    term, end = found.term, found.end
    warn_ms = term.remind_ms[0]
    is_critical = horizon_ms >= term.due_ms if end is None else end.at_ms > term.due_ms
    level: Severity = "critical" if is_critical else "warn"
    since_ms = term.due_ms if is_critical else warn_ms
    before_s = rules.T08.critical_before_s if is_critical else rules.T08.warn_before_s
    waited_h = (since_ms - term.start_ms) // _HOUR_MS
    opened, came = found.dispute.opened, found.came
    return Case(
        anchor=opened,
        level=level,
        members=found.dispute.with_course(end, came, found.perhaps),
        opened_at_ms=warn_ms,
        details={
            "order": opened.order_id,
            "started_ms": term.start_ms,
            "ends_ms": term.last_ms,
            "hours_left": before_s // 3600,
            "ended_by": found.ended_by,
            "came": int(came is not None),
            "perhaps": int(found.perhaps is not None),
            "next": _next(found),
        },
        thresholds=(
            Threshold(
                "return_missing_for",
                waited_h,
                "h",
                (warn_ms - term.start_ms) // _HOUR_MS,
                (term.due_ms - term.start_ms) // _HOUR_MS,
            ),
        ),
        counter=(_counter(found),),
        resolved_at_ms=end.at_ms if end else None,
        expires_at_ms=term.last_ms,
        level_since_ms=since_ms,
    )


def _next(found: _Return) -> str:
    """What is left to do once the wait is over, as in `_AFTER`."""
    if found.ended_by == "came" or found.came or found.perhaps:
        return "arbitrated" if found.dispute.is_in_arbitration else "came"
    return "refunded" if isinstance(found.end, RefundGranted) else "missing"


def _counter(found: _Return) -> tuple[str, str]:
    if found.ended_by == "came" or found.came:
        return _HAS_COME
    if found.perhaps:
        return _MAY_HAVE_COME
    return _ESCALATED_OR_NOT if found.ended_by in ("", "escalated") else _ON_ITS_WAY


DETECTORS = (ReturnOverdue(),)
