"""D19 review_abuse_or_leak (辱骂或泄露信息): a review insults, or gives away somebody's phone or address.

The definition is docs/detectors/D19.md. What a newcomer gets wrong: harsh words about goods are an
ordinary bad review (N03), and appended texts count as well (N11). The rating stays whatever happens.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.detect import cases
from streams.detect.deadlines import ReviewComplaint
from streams.detect.detector import Count, Detector, Facts, Presentation, RuleBlock, Step, Wording
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict
from streams.detect.facts import ReviewStood
from streams.detect.reviews import Review, complain, reviews, t04

_INSULTS = ("abuse.vulgar", "abuse.person", "abuse.group")


class Rules(RuleBlock):
    """Thresholds of D19, all proposed; T04 is the deadline."""

    T04: ReviewComplaint
    warn_insults: Count


class ReviewAbuseOrLeak(Detector[Rules]):
    """D19 on buyers: one case per review. Cost: linear in the buyer's reviews that left a fact."""

    id = "D19"
    name = "review_abuse_or_leak"
    subject = "buyer"
    triggers = (ReviewStood,)
    topics = ("reviews",)
    rules = Rules
    wording = Wording(
        title=("辱骂或泄露信息", "Abuse or data in a review"),
        thresholds={
            "insults": ("辱骂用语", "Insults"),
            "leaks": ("泄露的信息", "Data given away"),
            "swearing": ("不文明用语", "Swear words"),
        },
        units={
            "words": ("处", "words"),
            "pieces": ("处", "pieces"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        if not any("abuse." in r.found or "leak." in r.found for r in facts.of(ReviewStood)):
            return NOTHING
        found = [case for review in reviews(facts) if (case := _case(review, rules))]
        return cases.verdict(self.id, found, horizon_ms, expire_after_s=0)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        is_leak = bool(d["leaks"])
        next_zh, next_en = _NEXT[episode.status]
        zh = "泄露他人信息" if is_leak else "含辱骂或不文明用语"
        en = "gives away somebody's data" if is_leak else "contains insults or foul language"
        return Presentation(
            title=(f"评价{zh}", f"Review {en}"),
            summary=(
                f"评价{zh}({d['insults']}处用语,{d['leaks']}处他人信息),{next_zh}。",
                f"The review {en} ({d['insults']} words, {d['leaks']} pieces of data). {next_en}.",
            ),
            not_if=(
                "只批评商品或服务;转述他人的辱骂;留下自己的联系方式",
                "criticism of goods or service; insults that the buyer reports; one's own contact",
            ),
            ended=_NEXT["resolved" if episode.status == "resolved" else "expired"],
            steps=(
                Step(
                    "A6_evidence_pack",
                    "截图保存评价,遮盖其中的个人信息",
                    "Keep a screenshot with personal data covered",
                ),
                # One word is not enough to file anything: it may be a manner of speaking (N03).
                complain(episode, "不合理评价", f"范围「泄露信息辱骂或广告」:评价{zh}", rules.T04)
                if d["is_worth_it"]
                else Step(
                    "A4_remind",
                    "核对原文:先看评价反映的问题,一处用语未必是辱骂",
                    "Read the text first, and the problem that it names: one word need not be an insult",
                ),
            ),
            deadlines=t04(episode, rules.T04),
        )


# What may be asked for; nothing any more once the words are gone, or the time for it.
_NEXT = {
    "open": (
        "可申请删除文字内容,评分保留",
        "The text may be removed on request; the rating stays",
    ),
    "resolved": ("相关文字已修改或评价已删除", "The text was changed or the review is gone"),
    "expired": ("受理期限已过", "The time to report it has passed"),
}


def _case(review: Review, rules: Rules) -> cases.Case | None:
    parts = [part for part in review.parts if part.says("abuse.", "leak.")]
    if not parts:
        return None
    ends = [review.ended_ms(part) for part in parts]
    standing = [part for part, end in zip(parts, ends, strict=True) if end is None]
    insults, leaks, swearing = _counted(parts)
    # What was edited away is evidence, and nothing to complain about any more.
    insults_now, leaks_now, swearing_now = _counted(standing or parts)
    last_end_ms = max((end for end in ends if end is not None), default=None)
    return cases.Case(
        anchor=parts[0],
        level="warn" if _is_warning(insults, leaks, rules) else "info",
        members=parts,
        opened_at_ms=parts[0].at_ms,
        details={
            "insults": insults_now + swearing_now,
            "leaks": leaks_now,
            "is_worth_it": int(_is_warning(insults_now, leaks_now, rules)),
            **review.age,
        },
        thresholds=(
            Threshold("insults", insults, "words", rules.warn_insults, info=1),
            Threshold("leaks", leaks, "pieces", 1),
            Threshold("swearing", swearing, "words", info=1),
        ),
        counter=(
            (
                "命中的用语可能是转述或口头语,位置见证据,请核对原文",
                "the words may be quoted or a manner of speaking; the evidence says where they stand",
            ),
        ),
        resolved_at_ms=None if None in ends else last_end_ms,
        expires_at_ms=review.complaint_over_ms(rules.T04, parts[0].at_ms),
    )


def _counted(parts: Sequence[ReviewStood]) -> tuple[int, int, int]:
    """Insults, what is given away, and swearing at nobody."""
    words = [word for part in parts for word in part.found.split(" ")]
    return (
        sum(word.startswith(_INSULTS) for word in words),
        sum(word.startswith("leak.") for word in words),
        sum(word.startswith("abuse.expletive") for word in words),
    )


def _is_warning(insults: int, leaks: int, rules: Rules) -> bool:
    return leaks > 0 or insults >= rules.warn_insults


DETECTORS = (ReviewAbuseOrLeak(),)
