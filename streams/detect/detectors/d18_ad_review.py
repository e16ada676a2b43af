"""D18 ad_review (广告评价): a review that carries advertising of the four kinds that may be reported.

The definition is docs/detectors/D18.md. What a newcomer gets wrong: the platform masks the advertising
and keeps the review, and advertising of any other kind is nobody's business (N09, N10).
"""

from __future__ import annotations

from streams.detect import cases
from streams.detect.deadlines import ReviewComplaint, review_complaint_refused
from streams.detect.detector import Count, Detector, Facts, Presentation, RuleBlock, Step, Wording
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict
from streams.detect.facts import ReviewStood, SellsToo
from streams.detect.reviews import BAD_RATINGS, Review, complain, reviews, t04

_KINDS = {
    "ad.affiliate": ("淘宝客链接", "affiliate links"),
    "ad.cashback": ("返利网站", "a cashback site"),
    "ad.part_time": ("兼职信息", "part-time work"),
    "ad.resale": ("商品转让转卖", "resale"),
}


class Rules(RuleBlock):
    """D18 has the deadline for reporting a review and how many kinds of advertising it takes."""

    T04: ReviewComplaint
    kinds: Count


class AdReview(Detector[Rules]):
    """D18 on buyers: one case per review. Cost: linear in the buyer's reviews that left a fact."""

    id = "D18"
    name = "ad_review"
    subject = "buyer"
    triggers = (ReviewStood,)
    topics = ("reviews",)
    rules = Rules
    wording = Wording(
        title=("广告评价", "Advertising in a review"),
        thresholds={"kinds_of_advertising": ("广告种类", "Kinds of advertising")},
        rules={
            "kinds": ("广告种类数", "Kinds of advertising"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        if not any("ad." in fact.found for fact in facts.of(ReviewStood)):
            return NOTHING
        known = facts.of(SellsToo)
        sells = bool(known) and bool(known[-1].leaf_categories)
        found = [case for review in reviews(facts) if (case := _case(review, rules, sells=sells))]
        return cases.verdict(self.id, found, horizon_ms, expire_after_s=0) if found else NOTHING

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        is_over = episode.status == "resolved"
        next_zh, next_en = _next(episode, rules.T04)
        return Presentation(
            title=("评价含广告", "Review contains advertising"),
            summary=(
                f"评价{'曾' if is_over else ''}含{d['kinds_zh']}广告,{next_zh}",
                f"The review {'advertised' if is_over else 'advertises'} {d['kinds_en']}. {next_en}",
            ),
            not_if=(
                "没有联系方式或链接的普通提及;转述商家的话;四类之外的广告",
                "a mere mention without a way to get in touch; what the seller is said to have "
                "written; advertising of any other kind",
            ),
            ended=(
                ("广告内容已修改或评价已删除", "The text was changed or the review is gone")
                if is_over
                else ("举报期限已过", "The time to report it has passed")
            ),
            steps=(
                Step("A6_evidence_pack", "截图保存评价", "Keep a screenshot of the review"),
                complain(episode, "广告评价", f"评价含{d['kinds_zh']}广告", rules.T04),
            ),
            deadlines=t04(episode, rules.T04),
        )


# S3 「又涉及同行竞争给中差评,又涉及评语中打广告,根据同行竞争属于恶意评价处理范畴,评价删除」.
_RIVAL = (
    "评价者也是卖家:如与所购商品同类目(见D22),按同行评价投诉,成立后评价删除。",
    " The reviewer sells too: if it is the category that was bought (D22), complain of it as a competitor's "
    "review, which is deleted if upheld.",
)


def _next(episode: Episode, rule: ReviewComplaint) -> tuple[str, str]:
    """What may still be made of it: nothing of what cannot be read any more, or is too old (N17)."""
    if episode.status == "resolved":
        return "现已修改或删除。", "It was changed or is gone."
    posted_ms, at_ms = int(episode.details["posted_ms"]), episode.updated_at_ms
    if review_complaint_refused(posted_ms, at_ms, rule, is_mutual=True) is not None:
        return "已过举报期限。", "The time to report it has passed."
    is_rival = episode.details["may_be_a_rivals"] and episode.status == "open"
    rival_zh, rival_en = _RIVAL if is_rival else ("", "")
    return (
        f"可举报;平台会屏蔽评论内容中的广告信息,评价保留。{rival_zh}",
        f"It can be reported: the platform masks the advertising and the review stays.{rival_en}",
    )


def _case(review: Review, rules: Rules, *, sells: bool) -> cases.Case | None:
    """The case of a review with advertising; settled when no part of it can be read any more."""
    parts = [part for part in review.parts if part.says("ad.")]
    kinds = dict.fromkeys(c for part in parts for c in part.codes() if c.startswith("ad."))
    if len(kinds) < rules.kinds:
        return None
    ends = [review.ended_ms(part) for part in parts]
    last_end_ms = max((end for end in ends if end is not None), default=None)
    return cases.Case(
        anchor=parts[0],
        level="warn",
        members=parts,
        opened_at_ms=parts[0].at_ms,
        details={
            "kinds_zh": "、".join(_KINDS[kind][0] for kind in kinds),
            "kinds_en": ", ".join(_KINDS[kind][1] for kind in kinds),
            "may_be_a_rivals": int(sells and review.rating != "good"),
            **review.age,
        },
        thresholds=(Threshold("kinds_of_advertising", len(kinds), "kinds", rules.kinds),),
        counter=(
            (
                f"该评价评分为{_RATINGS[review.rating][0]};命中位置见证据,可核对原文",
                f"the rating is {_RATINGS[review.rating][1]}; the evidence says where the words "
                "stand, compare with the text",
            ),
        ),
        resolved_at_ms=None if None in ends else last_end_ms,
        expires_at_ms=review.complaint_over_ms(rules.T04, parts[0].at_ms),
    )


_RATINGS = {"good": ("好评", "good"), **BAD_RATINGS}

DETECTORS = (AdReview(),)
