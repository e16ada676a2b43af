"""D22 competitor_review (同行评价): a bad or neutral review by a seller of the very category that was bought.

The definition is docs/detectors/D22.md. What a newcomer gets wrong: being a seller is no reason (N04). A
seller of dresses who buys a bag is a customer; only the leaf category of the bought item counts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from streams.detect.cases import Case, verdict
from streams.detect.deadlines import ReviewComplaint
from streams.detect.detector import Detector, Facts, Presentation, RuleBlock, Step, Wording
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict
from streams.detect.facts import OrderPlaced, SellsToo
from streams.detect.reviews import BAD_RATINGS, Review, complain, reviews, t04, why_ended


class Rules(RuleBlock):
    """D22 has no threshold but the time to complain."""

    T04: ReviewComplaint


class CompetitorReview(Detector[Rules]):
    """D22 on buyers: one case per review. Cost: nothing for buyers who are no sellers."""

    id = "D22"
    name = "competitor_review"
    subject = "buyer"
    triggers = (SellsToo,)
    topics = ("reviews",)
    rules = Rules
    wording = Wording(
        title=("同行评价", "Review by a competitor"),
        thresholds={"same_leaf_category": ("相同类目", "Categories in common")},
        units={"categories": ("个类目", "categories")},
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        known = facts.of(SellsToo)
        if not known or not known[-1].leaf_categories:
            return NOTHING
        bad = [r for r in reviews(facts) if any(part.rating in BAD_RATINGS for part in r.parts)]
        if not bad:
            return NOTHING
        orders = {order.ref: order for order in facts.of(OrderPlaced)}
        cases: list[Case] = []
        is_unknown = False
        for review in bad:
            order = orders.get(review.order_id)
            category = _category(review, order) if order is not None else ""
            is_unknown = is_unknown or not category
            seller = _since(known, category)
            if order is not None and seller is not None:
                cases.append(_case(review, seller, order, category, rules))
        found = verdict(self.id, cases, horizon_ms, expire_after_s=0)
        return found._replace(insufficient=("category_unknown",)) if is_unknown else found

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d, is_over = episode.details, episode.status == "resolved"
        return Presentation(
            title=("评价者为同类目卖家", "Reviewer sells in the same category"),
            summary=(
                f"给出{d['rating_zh']}的买家在同一叶子类目({d['category']})开店,"
                f"{'评价已改为好评或已删除' if is_over else '请核实后再处理'}。",
                f"The buyer who left a {d['rating_en']} review sells in the same leaf category "
                f"({d['category']}); "
                f"{'it was changed to good or is gone' if is_over else 'look into it before anything else'}.",
            ),
            not_if=(
                "买家经营的叶子类目与所购商品不同;评价为好评、已改为好评或已删除",
                "the buyer sells in another leaf category than the bought item's; the review is good, "
                "was changed to good, or is gone",
            ),
            ended=why_ended(episode),
            steps=(
                Step(
                    "A6_evidence_pack",
                    "整理评价截图和对方店铺类目截图",
                    "Put together screenshots of the review and of the other shop's category",
                ),
                complain(episode, "不合理评价", "范围「同行」:评价者为同类目卖家", rules.T04),
            ),
            deadlines=t04(episode, rules.T04),
        )


def is_same(bought: str, sold: str) -> bool:
    """Whether two leaf categories are one; either may be written with the path above it (女装/连衣裙).

    With both paths known they must be equal: 女装/毛衣 and 男装/毛衣 are two.
    """
    if not bought or not sold:
        return False
    a, b = _path(bought), _path(sold)
    return a == b if len(a) > 1 and len(b) > 1 else a[-1] == b[-1]


def _since(known: Sequence[SellsToo], category: str) -> SellsToo | None:
    """The first event since which the buyer has sold in a category without a break; None if not now.

    Platforms repeat what an account sells, and a repetition makes no case a newer one.
    """
    first = None
    for seller in reversed(known):
        if not any(is_same(category, own) for own in seller.leaf_categories):
            break
        first = seller
    return first


def _path(category: str) -> list[str]:
    text = unicodedata.normalize("NFKC", category).casefold().replace(">", "/")
    return [part.strip() for part in text.split("/")]


def _category(review: Review, order: OrderPlaced) -> str:
    """The category of the reviewed item; of an unnamed one only if the whole order has one category."""
    named = [part.item_id for part in review.parts if part.item_id]
    if not named:
        return order.categories[0] if len(set(order.categories)) == 1 else ""
    of_item = dict(zip((item for item, _ in order.items), order.categories, strict=False))
    return of_item.get(named[0], "")


def _case(
    review: Review, seller: SellsToo, order: OrderPlaced, category: str, rules: Rules
) -> Case:
    bad = [part for part in review.parts if part.rating in BAD_RATINGS]
    given = bad[0]
    opened_ms = max(given.at_ms, seller.at_ms, order.at_ms)
    ends = [review.gone.at_ms] if review.gone is not None else []
    if review.rating not in BAD_RATINGS:
        ends.append(max(part.at_ms for part in review.standing))
    return Case(
        given,
        "warn",
        (given, seller, order),
        opened_ms,
        {
            "category": category,
            "rating_zh": BAD_RATINGS[bad[-1].rating][0],
            "rating_en": BAD_RATINGS[bad[-1].rating][1],
            **review.age,
        },
        (Threshold("same_leaf_category", 1, "categories", 1),),
        (
            (
                "同行也可能是真实买家,评价内容需人工核实",
                "A seller may be an honest customer too: read the review itself",
            ),
        ),
        min(ends, default=None),
        review.complaint_over_ms(rules.T04, opened_ms),
    )


DETECTORS = (CompetitorReview(),)
