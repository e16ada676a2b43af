"""Reviews put together from what was posted, added, changed and taken down.

What a newcomer gets wrong: a review that was good when posted has no fact, so its first known moment may
be a change, long after it was posted. A review counts as what it says now; what it said before tells when
something ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streams.detect.deadlines import ReviewComplaint, review_complaint, review_complaint_refused
from streams.detect.detector import Due, Facts, Step
from streams.detect.entries import ComplaintKind
from streams.detect.episodes import Episode
from streams.detect.facts import ReviewGone, ReviewStood, by_time
from streams.detect.playbooks import complaint

# The ratings that are not good, as they are called, zh and en.
BAD_RATINGS = {"neutral": ("中评", "neutral"), "bad": ("差评", "bad")}


class Review(NamedTuple):
    """One review. `parts` are all known facts about it, oldest first.

    `standing` are those that can be read now: the newest of posted and changed, and what was added.
    """

    id: str
    parts: Sequence[ReviewStood]
    standing: Sequence[ReviewStood]
    gone: ReviewGone | None

    @property
    def first(self) -> ReviewStood:
        """Its first known moment; it names the case."""
        return self.parts[0]

    @property
    def posted_ms(self) -> int:
        """When it was first published; its first known moment where nobody said."""
        return min(
            (part.posted_ms for part in self.parts if part.posted_ms), default=self.first.at_ms
        )

    @property
    def is_age_known(self) -> bool:
        """Whether `posted_ms` is more than a guess: the review may be older than its first known moment."""
        return any(part.posted_ms for part in self.parts)

    @property
    def order_id(self) -> str:
        """The order that was reviewed."""
        return self.first.order_id

    @property
    def rating(self) -> str:
        """The rating as it stands, or stood when the review was taken down."""
        return max(self.standing, key=_moment).rating

    @property
    def is_mutual(self) -> bool:
        """Whether both sides have rated, as far as is known."""
        return any(part.is_mutual for part in self.parts)

    @property
    def age(self) -> dict[str, int]:
        """What `t04` and `complain` must find among the details of an episode."""
        return {
            "posted_ms": self.posted_ms,
            "is_age_known": int(self.is_age_known),
            "is_mutual": int(self.is_mutual),
        }

    def complaint_over_ms(self, rule: ReviewComplaint, opened_ms: int) -> int:
        """When it is too late to complain (T04), not before a case of it is opened."""
        return max(opened_ms, review_complaint(self.posted_ms, rule).last_ms + 1)

    def ended_ms(self, part: ReviewStood) -> int | None:
        """When a part stopped being readable."""
        ends = [self.gone.at_ms] if self.gone else []
        if part not in self.standing:
            # Of what was posted and its change the later ends the other; what was added later ends nothing.
            ends += [one.at_ms for one in self.standing if one.part != "appended"]
        return min(ends, default=None)


def _moment(fact: ReviewStood) -> tuple[int, str]:
    return fact.at_ms, fact.event_id


def reviews(facts: Facts) -> list[Review]:
    """The buyer's reviews of which something is known, in order of their first known moments."""
    parts_of: dict[str, list[ReviewStood]] = {}
    for fact in facts.of(ReviewStood):
        parts_of.setdefault(fact.review_id, []).append(fact)
    gone = {fact.ref: fact for fact in facts.of(ReviewGone)}
    found = []
    for name, parts in parts_of.items():
        parts.sort(key=by_time)
        whole = [part for part in parts if part.part != "appended"]
        standing = [part for part in parts if part.part == "appended"]
        if whole:
            standing.append(max(whole, key=_moment))
        end = gone.get(name)
        # Whatever came after it was taken down is another one under the same id.
        is_gone = end is not None and end.at_ms >= parts[-1].at_ms
        found.append(Review(name, parts, standing, end if is_gone else None))
    return found


def t04(episode: Episode, rule: ReviewComplaint) -> tuple[Due, ...]:
    """The deadline of a complaint about the review of an episode that holds its `Review.age`.

    None once the review was changed or is gone: nobody complains about it any more.
    """
    if episode.status == "resolved":
        return ()
    zh, en = "", ""
    if not episode.details["is_age_known"]:
        zh = ";首次发布时间未知,实际期限可能更早"
        en = "; when it was first posted is not known, so it may be earlier"
    last = review_complaint(int(episode.details["posted_ms"]), rule).line()
    days = rule.within_days
    return (
        last._replace(
            zh=f"{last.zh},评价产生{days}天内{zh}", en=f"{last.en}, within {days} days of it{en}"
        ),
    )


def why_ended(episode: Episode) -> tuple[str, str]:
    """Why an episode about a bad review is over."""
    if episode.status == "resolved":
        return "评价已改为好评或已删除", "The review was changed to good, or is gone"
    return "评价投诉的受理期限已过", "The time to complain about the review has passed"


_NOTHING_LEFT = Step(
    "A4_remind",
    "评价已修改或删除,无需再投诉,留存证据即可",
    "The review was changed or is gone: nothing is left to complain about, only keep the evidence",
)


def complain(episode: Episode, kind: ComplaintKind, story_zh: str, rule: ReviewComplaint) -> Step:
    """A10 about the review of an episode that holds its `Review.age`; where N17 forbids it, why.

    As of the newest thing that happened to the episode: who reads it later has the deadline beside it.
    """
    if episode.status == "resolved":
        return _NOTHING_LEFT
    posted_ms, at_ms = int(episode.details["posted_ms"]), episode.updated_at_ms
    late = review_complaint_refused(posted_ms, at_ms, rule, is_mutual=True)
    if late is not None:
        return Step(
            "A4_remind",
            "已过评价投诉的受理期限,只留存证据",
            "Too late to complain about the review: only keep the evidence",
            (late,),
        )
    is_mutual = episode.details["is_mutual"] == 1
    not_mutual = review_complaint_refused(posted_ms, at_ms, rule, is_mutual=is_mutual)
    if not_mutual is not None:
        return Step(
            "A4_remind",
            "先完成双方互评,之后才能投诉该评价",
            "Rate the buyer first: complaints need a mutual rating",
            (not_mutual,),
        )
    return complaint(kind, story_zh)
