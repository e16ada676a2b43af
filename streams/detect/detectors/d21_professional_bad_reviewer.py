"""D21 professional_bad_reviewer (职业差评): bad reviews on most orders of a buyer who demanded money.

The definition is docs/detectors/D21.md. What a newcomer gets wrong: a high share alone accuses nobody;
it only informs. And an order without a review counts as one that was fine.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from schemas.alerts import Severity
from streams.detect import cases
from streams.detect.deadlines import ReviewComplaint
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
from streams.detect.detectors.d20_review_coercion import Demands
from streams.detect.episodes import NOTHING, Crossing, Episode, Run, Threshold, Verdict, runs
from streams.detect.facts import AnyFact, ChatSaid, ReviewStood, by_time
from streams.detect.paid_share import AmongPaid, payments_for_something
from streams.detect.reviews import Review, complain, reviews, t04


class Rules(RuleBlock):
    """Thresholds of D21, all proposed; the chat window is D04's, T04 is the deadline."""

    # Shorter, and two episodes could begin with one and the same review.
    at_least = (("cooldown_s", "window_s"),)

    T04: ReviewComplaint
    window_s: Seconds
    chat_window_s: Seconds
    min_orders: Count
    min_share_percent: Annotated[int, Field(ge=1, le=100)]
    cooldown_s: Seconds
    expire_after_s: Seconds


class ProfessionalBadReviewer(Detector[Rules]):
    """D21 on buyers. Cost: nothing below the number of bad reviews that the share needs, else n log n."""

    id = "D21"
    name = "professional_bad_reviewer"
    subject = "buyer"
    triggers = (ReviewStood,)
    topics = ("reviews", "payments", "shipments")
    rules = Rules
    wording = Wording(
        title=("职业差评", "Many bad reviews"),
        thresholds={
            "bad_share": ("差评占比", "Share of bad reviews"),
            "orders": ("订单", "Orders"),
            "demand_messages": ("索要财物的留言", "Messages that demand something"),
        },
        rules={
            "min_share_percent": ("至少：差评占比", "At least: share of bad reviews"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        needed = -(-rules.min_orders * rules.min_share_percent // 100)
        if sum(r.rating == "bad" for r in facts.of(ReviewStood)) < needed:
            return NOTHING
        written = reviews(facts)
        crossings, wakes = _crossings(facts, written, horizon_ms, rules)
        if not crossings and not wakes:
            return NOTHING
        found = [_case(run, written, rules) for run in runs(crossings, rules.cooldown_s * 1000)]
        return cases.verdict(self.id, found, horizon_ms, rules.expire_after_s, wakes)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        buyer = subject.partition(":")[2]
        is_warning = episode.severity != "info"
        return Presentation(
            title=(
                ("疑似职业差评", "Bad reviews on most orders, and a demand")
                if is_warning
                else ("买家差评占比高,仅供参考", "Bad reviews on most orders, for information")
            ),
            summary=(
                f"买家{buyer}近期{d['paid']}笔订单中{d['bad']}笔给出差评({d['percent']}%)"
                + (
                    "且有索要财物的记录。"
                    if is_warning
                    else ",没有索要财物的记录,请先改进商品和服务。"
                ),
                f"{buyer} left bad reviews on {d['bad']} of {d['paid']} recent orders "
                f"({d['percent']} %)"
                + (
                    " and demanded money under a threat."
                    if is_warning
                    else "; no demand is known, so look at goods and service first."
                ),
            ),
            not_if=(
                f"订单少于{rules.min_orders}笔;差评占比低于{rules.min_share_percent}%;"
                "评价已修改或删除;没有索要记录时仅作提示",
                f"fewer than {rules.min_orders} orders, or bad reviews on less than "
                f"{rules.min_share_percent} % of them; reviews changed or gone; without a demand it is "
                "for information only",
            ),
            ended=("之后没有新的差评或索要", "No further bad review or demand since then"),
            steps=(
                Step(
                    "A6_evidence_pack",
                    "整理各订单的评价和聊天记录",
                    "Put together the reviews and chats of these orders",
                ),
                *(
                    (
                        complain(
                            episode,
                            "不合理评价",
                            "范围「不合理要求」:买家多次给出差评并索要财物",
                            rules.T04,
                        ),
                    )
                    if is_warning
                    else (
                        Step(
                            "A4_remind",
                            "逐条核实差评反映的问题",
                            "Look into the problem that each review names",
                        ),
                    )
                ),
            ),
            deadlines=[_of_the_last(due, rules) for due in t04(episode, rules.T04) if is_warning],
        )


def _of_the_last(due: Due, rules: Rules) -> Due:
    """T04 where there are several reviews, each with its own: the last one that runs out."""
    days = rules.T04.within_days
    return due._replace(
        zh=f"{due.zh};逐条计算,此为最晚的一条",
        en=f"{due.en}; each review has {days} days of its own, and this is the last of them",
    )


def _crossings(
    facts: Facts, written: Sequence[Review], horizon_ms: int, rules: Rules
) -> tuple[list[Crossing], list[int]]:
    """Steps 2 and 3 of the definition; and the first crossing that unread payments may undo."""
    given_first = _bad_orders(written)
    demands = Demands(facts, rules.chat_window_s)
    talk = _Talk(demands.messages(demands.times), rules.chat_window_s * 1000)
    window_ms = rules.window_s * 1000
    window = AmongPaid(given_first, payments_for_something(facts), window_ms)
    found: list[Crossing] = []
    for at_ms in sorted({*(given.at_ms for given in given_first), *demands.times}):
        window.move(at_ms)
        if window.total < rules.min_orders:
            continue
        if 100 * window.orders < rules.min_share_percent * window.total:
            continue
        if at_ms > horizon_ms:
            return found, [at_ms]
        if found and at_ms - found[-1].at_ms > rules.cooldown_s * 1000:
            talk.begin()
        asked = demands.within(at_ms - window_ms, at_ms)
        members: list[AnyFact] = [*window.fresh(), *talk.fresh(asked)]
        level: Severity = "warn" if asked else "info"
        compared = window.orders, window.total
        found.append(Crossing(at_ms, level, sorted(members, key=by_time), compared))
    return found, []


def _bad_orders(written: Sequence[Review]) -> list[ReviewStood]:
    """Of each order that is bad, the part of a review with which it became so; oldest first."""
    bad: dict[str, ReviewStood] = {}
    for review in written:
        if review.gone is None and review.rating == "bad":
            given = next(part for part in review.parts if part.rating == "bad")
            known = bad.get(review.order_id)
            if known is None or by_time(given) < by_time(known):
                bad[review.order_id] = given
    return sorted(bad.values(), key=by_time)


class _Talk:
    """The messages of an episode, each given once."""

    def __init__(self, messages: list[ChatSaid], before_ms: int) -> None:
        self._messages, self._before_ms = messages, before_ms
        self._times = [message.at_ms for message in messages]
        self._given = 0

    def begin(self) -> None:
        """Another episode begins, to which messages just before it may belong as well."""
        self._given = 0

    def fresh(self, asked: list[int]) -> list[ChatSaid]:
        """Those from a while before the first demand to the last that were not given before."""
        if not asked:
            return []
        begin = max(self._given, bisect_left(self._times, asked[0] - self._before_ms))
        self._given = max(begin, bisect_right(self._times, asked[-1]))
        return self._messages[begin : self._given]


def _case(run: Run, written: Sequence[Review], rules: Rules) -> cases.Case:
    # The numbers of the last window that crossed: the whole episode holds orders that it was not about.
    bad, total = run.last.compared
    percent = 100 * bad // total
    demands = sum(not isinstance(m, ReviewStood) for m in run.members)
    return cases.Case(
        anchor=run.anchor,
        level=run.level,
        members=run.members,
        opened_at_ms=run.opened_at_ms,
        details={"bad": bad, "paid": total, "percent": percent, **_age(run, written)},
        thresholds=(
            Threshold("bad_share", percent, "%", info=rules.min_share_percent),
            Threshold("orders", total, "orders", info=rules.min_orders),
            Threshold("demand_messages", demands, "messages", 1),
        ),
        counter=(
            (
                f"另有{total - bad}笔订单没有差评",
                f"{total - bad} orders have no bad review",
            ),
        ),
        # The last crossing may be at a message that is no member, such as one that names a channel.
        expires_at_ms=run.last_at_ms + rules.expire_after_s * 1000,
        window_s=rules.window_s,
        cooldown_s=rules.cooldown_s,
    )


def _age(run: Run, written: Sequence[Review]) -> dict[str, int]:
    """That of the review that may be complained about longest: the newest with a mutual rating, if any."""
    counted = {m.review_id for m in run.members if isinstance(m, ReviewStood)}
    ages = [review.age for review in written if review.id in counted]
    return max(ages, key=lambda age: (age["is_mutual"], age["posted_ms"]))


DETECTORS = (ProfessionalBadReviewer(),)
