"""D23 third_party_scam (第三方诈骗): somebody pretended to be the shop, and the buyer tells of it.

The definition is docs/detectors/D23.md. What a newcomer gets wrong: the buyer is the victim here. It
only informs, so that a person looks whether orders leak and whether a review is about somebody else.
"""

from __future__ import annotations

from streams.detect import cases
from streams.detect.detector import (
    Count,
    Detector,
    Facts,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Wording,
)
from streams.detect.episodes import NOTHING, Crossing, Episode, Threshold, Verdict, runs
from streams.detect.facts import AnyFact, ChatSaid, ReviewStood, by_time


class Rules(RuleBlock):
    """Thresholds of D23, all proposed."""

    tellings: Count
    cooldown_s: Seconds
    expire_after_s: Seconds


class ThirdPartyScam(Detector[Rules]):
    """D23 on buyers. Cost: linear in the messages and reviews that left a fact."""

    id = "D23"
    name = "third_party_scam"
    subject = "buyer"
    triggers = (ChatSaid, ReviewStood)
    # Told in either; a shop that sends one of them alone must not keep it open for ever.
    topics = ("orders",)
    rules = Rules
    wording = Wording(
        title=("第三方诈骗", "Third-party scam"),
        thresholds={"tellings": ("提到诈骗的内容", "Texts that tell of a scam")},
        units={"texts": ("条", "texts")},
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        told: list[AnyFact] = [m for m in facts.of(ChatSaid) if "scam" in m.found]
        told += [r for r in facts.of(ReviewStood) if "scam" in r.found]
        if len(told) < rules.tellings:
            return NOTHING
        told.sort(key=by_time)
        crossings = [Crossing(fact.at_ms, "info", (fact,)) for fact in told]
        found = [
            cases.Case(
                anchor=run.anchor,
                level="info",
                members=run.members,
                opened_at_ms=run.members[rules.tellings - 1].at_ms,
                details={"tellings": len(run.members)},
                thresholds=(Threshold("tellings", len(run.members), "texts", info=rules.tellings),),
                counter=(
                    (
                        "买家是受害方,此提示不是对买家的怀疑",
                        "the buyer is the victim; nothing is held against the buyer",
                    ),
                ),
                cooldown_s=rules.cooldown_s,
            )
            for run in runs(crossings, rules.cooldown_s * 1000)
            if len(run.members) >= rules.tellings
        ]
        return cases.verdict(self.id, found, horizon_ms, rules.expire_after_s)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        return Presentation(
            title=("买家可能遭遇第三方诈骗", "The buyer may have met a third-party scam"),
            summary=(
                "买家提到有人冒充店铺或平台。请核实并提醒买家勿向他人转账;相关评价可能与本店商品无关。",
                "The buyer tells of somebody who pretended to be the shop or the platform. Look into it "
                "and warn the buyer not to transfer money; a review may not be about the goods.",
            ),
            not_if=(
                "没有提到冒充、诈骗或被骗",
                "no mention of somebody who pretended to be the shop, or of a fraud",
            ),
            ended=("之后没有再提到", "It was not mentioned again"),
            steps=(
                Step(
                    "A4_remind",
                    "联系买家核实经过,人工标注",
                    "Ask the buyer what happened, and label it by hand",
                ),
                Step(
                    "A7_draft_message",
                    "提醒买家:官方不会索要验证码或要求转账",
                    "Tell the buyer that nobody of the shop asks for codes or transfers",
                    draft="您好,感谢您告知。我们和平台都不会通过电话或其他软件索要验证码、要求转账或"
                    "点击退款链接。如有损失,请保留记录,及时联系平台客服并报警。",
                ),
            ),
        )


DETECTORS = (ThirdPartyScam(),)
