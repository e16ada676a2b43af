"""D27 recharge_unknown (充值结果未知): a top-up was sent and no result came back within T11.

The definition is docs/detectors/D27.md. What a newcomer gets wrong: "pending" is no result; only
succeeded or failed is, from the provider or by hand.
"""

from __future__ import annotations

from streams.detect.cases import Case, verdict
from streams.detect.deadlines import RechargeCallback, recharge_callback
from streams.detect.detector import Detector, Facts, Presentation, RuleBlock, Seconds, Step, Wording
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict
from streams.detect.facts import RechargeSettled, RechargeSubmitted


class Rules(RuleBlock):
    """The time is T11's."""

    T11: RechargeCallback
    expire_after_s: Seconds


class RechargeUnknown(Detector[Rules]):
    """D27 on buyers, one case per top-up. Cost: linear in the buyer's top-ups."""

    id = "D27"
    name = "recharge_unknown"
    subject = "buyer"
    triggers = (RechargeSubmitted,)
    topics = ("recharges",)
    rules = Rules
    accuses = False
    wording = Wording(
        title=("充值结果未知", "Top-up result unknown"),
        thresholds={"no_result_for": ("无充值结果", "No top-up result for")},
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        settled: dict[str, RechargeSettled] = {}
        for answer in facts.of(RechargeSettled):
            settled.setdefault(answer.recharge_id, answer)
        newest = {answer.recharge_id: answer for answer in facts.of(RechargeSettled)}
        cases: list[Case] = []
        wakes: list[int] = []
        for sent in facts.of(RechargeSubmitted):
            end = settled.get(sent.ref)
            term = recharge_callback(sent.at_ms, rules.T11, end.at_ms if end else None)
            if term.state(horizon_ms) == "met":
                continue
            if end is None and horizon_ms < term.last_ms:
                wakes.append(term.last_ms)
                continue
            waited_ms = (end.at_ms if end else term.last_ms) - sent.at_ms
            # Settled by the first answer; what is so is what the newest says, as when somebody looked it up.
            answers = dict.fromkeys((end, newest[sent.ref])) if end else ()
            cases.append(
                Case(
                    anchor=sent,
                    level="warn",
                    members=(sent, *answers),
                    opened_at_ms=term.last_ms,
                    details={
                        "order": sent.order_id,
                        "recharge": sent.ref,
                        "due_ms": term.last_ms,
                        "status": newest[sent.ref].status if end else "",
                    },
                    thresholds=(
                        Threshold("no_result_for", waited_ms // 1000, "s", rules.T11.within_s),
                    ),
                    counter=(
                        (
                            "结果未知不代表充值失败,也与买家无关",
                            "A result that is not known is no failure, and nothing about the buyer",
                        ),
                    ),
                    resolved_at_ms=end.at_ms if end else None,
                )
            )
        if not cases and not wakes:
            return NOTHING
        return verdict("D27", cases, horizon_ms, rules.expire_after_s, wakes)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        ended_zh, ended_en = _ENDED[str(d["status"])]
        term = recharge_callback(int(d["due_ms"]) - rules.T11.within_s * 1000, rules.T11)
        return Presentation(
            title=("充值结果未知", "Top-up result unknown"),
            summary=(
                f"订单{d['order']}的充值{d['recharge']}在{rules.T11.within_s // 60}分钟内没有返回结果,"
                f"{ended_zh if d['status'] else '请登录官方核对,再手工登记充值成功或充值失败'}。",
                f"Top-up {d['recharge']} of order {d['order']} had no result within "
                f"{rules.T11.within_s // 60} minutes. "
                f"{ended_en if d['status'] else _CHECK}.",
            ),
            not_if=(
                "期限内返回成功或失败(“处理中”不算结果)",
                "a result of succeeded or failed in time (pending is none)",
            ),
            ended=(ended_zh, ended_en),
            steps=(_AS_RECORDED if d["status"] else _LOOK_UP,),
            deadlines=(term.line(),),
        )


_CHECK = "Check with the provider, then record whether it succeeded or failed"
_ENDED = {
    "succeeded": ("充值成功", "The top-up succeeded"),
    "failed": ("充值失败", "The top-up failed"),
    "": ("长时间没有结果", "No result for long"),
}
_LOOK_UP = Step(
    "A4_remind",
    "登录官方查询该笔充值,登记结果;失败时填写原因",
    "Look the top-up up at the provider and record the result, with the reason if it failed",
)
_AS_RECORDED = Step(
    "A4_remind",
    "核对登记的结果与官方一致;充值失败的,告知买家原因",
    "See that the recorded result is the provider's; tell the buyer why, if it failed",
)

DETECTORS = (RechargeUnknown(),)
