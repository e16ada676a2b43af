"""D20 review_coercion (以差评要挟): a bad or neutral review by a buyer who demanded money under threat.

The definition is docs/detectors/D20.md. What a newcomer gets wrong: neither the demand nor the review
is enough. A bad review without a demand before it is what reviews are for (N02, N03).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from streams.detect import cases
from streams.detect.deadlines import ReviewComplaint
from streams.detect.detector import Detector, Facts, Presentation, RuleBlock, Seconds, Step, Wording
from streams.detect.detectors.d04_extortion import Reasons, demands_under_threat
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict
from streams.detect.facts import ChatSaid, ReviewStood
from streams.detect.reviews import BAD_RATINGS, Review, complain, reviews, t04, why_ended

_GONE = (",该评价已改为好评或已删除", ", which was changed to good or is gone")
_RANK = {"good": 0, "neutral": 1, "bad": 2}


class Rules(RuleBlock):
    """Thresholds of D20; the thirty days are the seeds', the chat window is D04's."""

    T04: ReviewComplaint
    chat_window_s: Seconds
    before_s: Seconds


class ReviewCoercion(Detector[Rules]):
    """D20 on buyers: one case per review. Cost: nothing for buyers who never threatened.

    Else linear in reviews and messages, and in the evidence: a case names all messages behind it.
    """

    id = "D20"
    name = "review_coercion"
    subject = "buyer"
    triggers = (ReviewStood,)
    topics = ("reviews",)
    rules = Rules
    wording = Wording(
        title=("以差评要挟", "Review as a threat"),
        thresholds={
            "demands_before": ("评价前索要", "Demands before the review"),
            "days_since_demand": ("距索要", "Since the demand"),
        },
        units={"times": ("次", "times")},
        rules={
            "before_s": ("向前查找索要", "Looks back for a demand"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        if not facts.of(ChatSaid):
            return NOTHING
        demands = Demands(facts, rules.chat_window_s)
        if not demands.times:
            return NOTHING
        found = [case for review in reviews(facts) if (case := _case(review, demands, rules))]
        return cases.verdict(self.id, found, horizon_ms, expire_after_s=0)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d, is_over = episode.details, episode.status == "resolved"
        after_zh, after_en = _GONE if is_over else ("", "")
        return Presentation(
            title=("买家索要财物后给出中差评", "Bad review after a demand under threat"),
            summary=(
                f"买家{subject.partition(':')[2]}曾以评价或投诉索要财物({d['demands']}次),"
                f"{'当时' if is_over else '现'}给出{d['rating_zh']}{after_zh}。请保留旺旺举证号。",
                f"{subject.partition(':')[2]} demanded money under a threat (times: {d['demands']}) and "
                f"{'' if is_over else 'now '}left a {d['rating_en']} review{after_en}. "
                "Keep the chat's evidence number.",
            ),
            not_if=(
                f"评价前{rules.before_s // 86400}天内没有索要财物的聊天;之后评分没有变差;"
                "评价为好评或已改为好评",
                f"no demand for money in the {rules.before_s // 86400} days before the review; a "
                "rating that did not get worse after it; a review that is good, or was changed to good",
            ),
            ended=why_ended(episode),
            steps=(
                Step(
                    "A6_evidence_pack",
                    "整理旺旺举证号、聊天截图和评价截图",
                    "Put together the evidence number, the chat and the review",
                ),
                complain(
                    episode,
                    "不合理评价",
                    f"场景「利用中差评谋取额外钱财或不当利益」:买家以评价索要财物后给出{d['rating_zh']}",
                    rules.T04,
                ),
            ),
            deadlines=t04(episode, rules.T04),
        )


class Demands:
    """The crossings of D04 that are about money, and the messages behind them, asked by time.

    `times` are those of the crossings. Made once per evaluation: each question costs a bisection.
    """

    def __init__(self, facts: Facts, window_s: int) -> None:
        crossings = demands_under_threat(facts, window_s)
        self.times = [c.at_ms for c in crossings if c.level != "info"]
        self._window_ms = window_s * 1000
        reasons = Reasons(facts)
        self._messages = (
            [m for m in facts.of(ChatSaid) if m.says("threat.") or reasons.wants_money(m)]
            if self.times
            else []
        )
        self._message_times = [m.at_ms for m in self._messages]

    def within(self, from_ms: int, to_ms: int) -> list[int]:
        """The times of the demands between two moments, both included."""
        return self.times[bisect_left(self.times, from_ms) : bisect_right(self.times, to_ms)]

    def messages(self, times: Sequence[int]) -> list[ChatSaid]:
        """Those that threaten or want money, from a window before the first of these to the last."""
        if not times:
            return []
        start = bisect_left(self._message_times, times[0] - self._window_ms)
        return self._messages[start : bisect_right(self._message_times, times[-1])]


def _given(review: Review, demands: Demands, rules: Rules) -> tuple[ReviewStood, list[int]] | None:
    """The part with which the rating first got worse after a demand, and the demands before it."""
    rank_before = 0
    for part in review.parts:
        rank = _RANK[part.rating]
        if rank > rank_before:
            before = demands.within(part.at_ms - rules.before_s * 1000, part.at_ms)
            if before:
                return part, before
        rank_before = rank
    return None


def _case(review: Review, demands: Demands, rules: Rules) -> cases.Case | None:
    found = _given(review, demands, rules)
    if found is None:
        return None
    given, before = found
    is_bad_now = review.rating in BAD_RATINGS and review.gone is None
    ends = [review.gone.at_ms] if review.gone else []
    if review.rating not in BAD_RATINGS:
        ends.append(max(part.at_ms for part in review.standing))
    rating = [part for part in review.parts if part.rating in BAD_RATINGS][-1].rating
    return cases.Case(
        anchor=given,
        level="critical",
        members=[*demands.messages(before), given],
        opened_at_ms=given.at_ms,
        details={
            "rating_zh": BAD_RATINGS[rating][0],
            "rating_en": BAD_RATINGS[rating][1],
            "demands": len(before),
            **review.age,
        },
        thresholds=(
            Threshold("demands_before", len(before), "times", 1, 1),
            Threshold(
                "days_since_demand", (given.at_ms - before[-1]) // 86_400_000, "days", info=0
            ),
        ),
        counter=(
            (
                "已双方互评" if review.is_mutual else "尚未双方互评,暂不能投诉该评价",
                "both sides have rated"
                if review.is_mutual
                else "not rated by both sides yet, so no complaint about the review is accepted",
            ),
        ),
        resolved_at_ms=None if is_bad_now else min(ends),
        expires_at_ms=review.complaint_over_ms(rules.T04, given.at_ms),
    )


DETECTORS = (ReviewCoercion(),)
