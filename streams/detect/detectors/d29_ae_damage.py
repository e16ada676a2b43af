"""D29 ae_damage (包裹破损): a dispute about damage, which the carrier may have caused.

The definition is docs/detectors/D29.md. It informs and accuses nobody: what broke on its way
is the carrier's liability (N19).
"""

from __future__ import annotations

from streams.detect import playbooks
from streams.detect.cases import verdict
from streams.detect.deadlines import Negotiation
from streams.detect.detector import Detector, Facts, Presentation, RuleBlock, Seconds, Step, Wording
from streams.detect.disputes import ENDED, disputes_of, next_steps, photo_case, standing, t07
from streams.detect.episodes import NOTHING, Episode, Verdict
from streams.detect.facts import DisputeOpened

_COUNTER = (
    "运输破损的责任在物流,不在买家",
    "For damage on the way the carrier is liable, not the buyer",
)
_CARRIER = Step(
    "A6_evidence_pack",
    "整理打包照片,向物流申请定责和赔付",
    "Collect packing photos, and ask the carrier to take liability",
)


class Rules(RuleBlock):
    """T07 says until when the parties may settle it."""

    T07: Negotiation
    expire_after_s: Seconds


class Damage(Detector[Rules]):
    """D29 on buyers, one case per dispute. Cost: linear in the buyer's disputes."""

    id = "D29"
    name = "ae_damage"
    subject = "buyer"
    triggers = (DisputeOpened,)
    topics = ("disputes",)
    rules = Rules
    accuses = False
    wording = Wording(
        title=("包裹破损", "Damage"),
        thresholds={"disputes_about_damage": ("破损纠纷", "Disputes about damage")},
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        cases = [
            photo_case(dispute, "package_photo", "disputes_about_damage", _COUNTER)
            for dispute in disputes_of(facts)
            if dispute.opened.reason == "damaged"
        ]
        if not cases:
            return NOTHING
        return verdict("D29", cases, horizon_ms, rules.expire_after_s)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        next_zh, next_en = standing(
            episode,
            ("请买家提供外包装和实物照片以便定责", "Ask for photos of the outer box and the goods"),
        )
        return Presentation(
            title=("包裹破损,请先定责", "Damage: find out who is liable"),
            summary=(
                f"订单{d['order']}买家称商品破损。{next_zh};运输破损由物流负责。",
                f"Order {d['order']} is said to be damaged. {next_en}; for damage on the way the carrier "
                "is liable.",
            ),
            not_if=("其他纠纷原因", "another reason"),
            ended=ENDED[str(d["ended_by"])],
            steps=next_steps(episode, rules.T07, playbooks.ASK_BOX_PHOTO, _CARRIER),
            deadlines=t07(episode, rules.T07),
        )


DETECTORS = (Damage(),)
