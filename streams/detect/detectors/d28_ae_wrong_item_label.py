"""D28 ae_wrong_item_label (贴错面单): "wrong item" on a Cainiao parcel: labels may have been mixed up.

The definition is docs/detectors/D28.md. It informs and accuses nobody: on a mismatch of labels the
carrier is liable (N19).
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
    "面单不符时责任在物流,不在买家",
    "Where labels differ the carrier is liable, not the buyer",
)
_CARRIER = Step(
    "A6_evidence_pack",
    "整理打包照片和发货称重记录,向物流申请定责",
    "Collect packing photos and shipping weights, and ask the carrier to take liability",
)


class Rules(RuleBlock):
    """T07 says until when the parties may settle it."""

    T07: Negotiation
    expire_after_s: Seconds


class WrongItemLabel(Detector[Rules]):
    """D28 on buyers, one case per dispute. Cost: linear in the buyer's disputes."""

    id = "D28"
    name = "ae_wrong_item_label"
    subject = "buyer"
    triggers = (DisputeOpened,)
    topics = ("disputes",)
    rules = Rules
    accuses = False
    wording = Wording(
        title=("贴错面单", "Wrong item label"),
        thresholds={"wrong_item_by_cainiao": ("菜鸟货不对版", "Wrong item by Cainiao")},
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        cases = [
            photo_case(dispute, "label_photo", "wrong_item_by_cainiao", _COUNTER)
            for dispute in disputes_of(facts)
            if dispute.opened.reason == "wrong_item" and dispute.opened.is_cainiao
        ]
        if not cases:
            return NOTHING
        return verdict("D28", cases, horizon_ms, rules.expire_after_s)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        next_zh, next_en = standing(
            episode,
            ("请买家提供撕开面单后的底单照片以便定责", "Ask for a photo of the label underneath"),
        )
        return Presentation(
            title=("货不对版,可能贴错面单", "Wrong item: labels may have been mixed up"),
            summary=(
                f"订单{d['order']}走菜鸟线上物流,买家称货不对版。{next_zh};面单不符由物流负责。",
                f"Order {d['order']} went by Cainiao and the buyer got something else. {next_en}; "
                "if labels differ, the carrier is liable.",
            ),
            not_if=(
                "其他纠纷原因,或不是菜鸟线上物流",
                "another reason, or another carrier than Cainiao",
            ),
            ended=ENDED[str(d["ended_by"])],
            steps=next_steps(episode, rules.T07, playbooks.ASK_LABEL_PHOTO, _CARRIER),
            deadlines=t07(episode, rules.T07),
        )


DETECTORS = (WrongItemLabel(),)
