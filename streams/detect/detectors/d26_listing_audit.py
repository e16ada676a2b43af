"""D26 listing_audit (商品设置): a listing that invites complaints, told to the seller and nobody else.

The definition is docs/detectors/D26.md. What a newcomer gets wrong: this is never about a buyer, also
when a buyer with other alerts is the one who complained (N23).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from schemas.alerts import Severity
from streams.detect.cases import Case, verdict
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
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict, higher
from streams.detect.facts import ListingTerms, StockReading


class Rules(RuleBlock):
    """Which bulk conditions count, and how long a finding is kept open."""

    min_price_quantity: Count
    expire_after_s: Seconds


class Issue(NamedTuple):
    """One kind of finding; `zh` and `en` say what is wrong, `step` what mends it."""

    level: Severity
    zh: str
    en: str
    step: Step


class _Audited(NamedTuple):
    """One event of a listing, the letters of what is wrong, and the reading that mended the last of it.

    `issues` are none for an item that is not for sale. `standing` are those that its terms have all the
    same and no stock reading has mended since.
    """

    listing: ListingTerms
    issues: str
    standing: str
    switched: StockReading | None


def _mend(zh: str, en: str) -> Step:
    return Step("A4_remind", zh, en)


# In the order and by the letters of docs/detectors/D26.md.
ISSUES = {
    "a": Issue(
        "warn",
        "标题包邮,但设置了运费或有未说明的除外地区",
        "the title promises free shipping, but there is a fee or an exclusion that it does not name",
        _mend(
            "修改标题或运费模板,写明不包邮的地区",
            "Change the title or the freight template, and name the regions that cost extra",
        ),
    ),
    "b": Issue(
        "warn",
        "境外商品未说明",
        "goods from overseas that are not said to be",
        _mend("在商品页说明境外发货", "Say on the page that it ships from overseas"),
    ),
    "c": Issue(
        "warn",
        "单价须购满一定件数才享受",
        "a unit price that only holds from some quantity on",
        _mend("单价改为单件可购买的价格", "Set the price at which a single unit can be bought"),
    ),
    "d": Issue(
        "warn",
        "赠品或邮费未放在“其他-赠品”“其他-邮费”类目",
        "a gift or freight item outside the categories 其他-赠品 and 其他-邮费",
        _mend("移到对应类目", "Move it to its category"),
    ),
    "e": Issue(
        "info",
        "类目支持付款减库存但未开通",
        "the category supports deduct-on-payment, but it is off",
        Step("A2_deduct_on_payment", "开通付款减库存", "Switch to deduct-on-payment"),
    ),
}


_CHECK_PAGE = _mend("核对修改已在商品页生效", "See that the change shows on the page")
# An edit does not say whether the item is for sale again.
_CHECK_LATER = _mend(
    "核对修改已生效;若仍在下架,重新上架后再看商品页",
    "See that the change holds; if it is still off the shelf, look at the page once it is back",
)
# Why a case is over, by what ended it.
_ENDED = {
    "": ("长时间没有修改", "It was not changed for long"),
    "switched": ("已开通付款减库存", "Deduct-on-payment is on"),
    "changed": ("商品设置已修改", "The listing was changed"),
    "off": ("商品已下架", "The listing was taken off the shelf"),
    "off, then right": ("商品已下架", "The listing was taken off the shelf"),
}


class ListingAudit(Detector[Rules]):
    """D26 on items. Cost: linear in the listing's changes and the readings that are kept."""

    id = "D26"
    name = "listing_audit"
    subject = "item"
    triggers = (ListingTerms,)
    topics = ("listings", "stock")
    rules = Rules
    accuses = False
    wording = Wording(
        title=("商品设置", "Listing audit"),
        thresholds={
            "listing_issues": ("商品设置问题", "Listing issues"),
            "issues_that_invite_complaints": ("易被投诉的设置", "Issues that invite complaints"),
        },
        units={"issues": ("项", "issues")},
        rules={
            "min_price_quantity": ("起购件数达到", "Least quantity from"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        cases: list[Case] = []
        run: list[_Audited] = []
        audited = _audited(facts, rules)
        for one, following in zip_longest(audited, audited[1:]):
            if one.issues:
                run.append(one)
            elif run:
                cases.append(_case(run, one, following))
                run = []
        if run:
            cases.append(_case(run, None, None))
        if not cases:
            return NOTHING
        return verdict("D26", cases, horizon_ms, rules.expire_after_s)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        item = subject.partition(":")[2]
        d = episode.details
        is_over, ended_by = episode.status == "resolved", str(d["ended_by"])
        is_off = ended_by == "off"
        # Of what is open, or was taken off the shelf as it was, what is wrong now; a part of it may be
        # mended already.
        is_mended = is_over and not is_off
        issues = [ISSUES[letter] for letter in str(d["issues"] if is_mended else d["standing"])]
        found_zh, found_en = (
            (
                f"商品{item}已下架;下架前的设置风险",
                f"Listing of {item} is off the shelf; before that",
            )
            if is_off
            else (f"商品{item}设置风险", f"Listing of {item}")
        )
        return Presentation(
            title=("商品设置风险", "Listing risk"),
            summary=(
                f"{found_zh}:{';'.join(issue.zh for issue in issues)}。",
                f"{found_en}: {'; '.join(issue.en for issue in issues)}.",
            ),
            not_if=(
                "标题、运费、除外地区、产地、起购数量和类目相符",
                "title, fee, exclusions, origin, least quantity and category that agree",
            ),
            ended=_ENDED[ended_by],
            steps=_steps(ended_by, issues),
        )


def _steps(ended_by: str, issues: Sequence[Issue]) -> tuple[Step, ...]:
    if ended_by == "off":
        # There is no page to look at, and nobody need put it back.
        return tuple(_before_it_is_back(issue.step) for issue in issues)
    if not ended_by:
        return tuple(issue.step for issue in issues)
    return (_CHECK_LATER if ended_by == "off, then right" else _CHECK_PAGE,)


def _before_it_is_back(step: Step) -> Step:
    return step._replace(
        zh=f"重新上架前:{step.zh}",
        en=f"Before it goes back on the shelf: {step.en[0].lower()}{step.en[1:]}",
    )


def _issues(listing: ListingTerms, deducts_on_order: bool, rules: Rules) -> str:
    """The letters of what is wrong with the terms, whether or not the item is for sale."""
    has_hidden_cost = listing.has_post_fee or (
        listing.excludes_regions and not listing.names_exclusions
    )
    found = {
        "a": listing.says_free_shipping and has_hidden_cost,
        "b": listing.is_overseas and not listing.overseas_disclosed,
        "c": listing.min_price_quantity >= rules.min_price_quantity,
        "d": bool(listing.extra) and not listing.is_in_extra_category,
        "e": listing.may_deduct_on_payment and deducts_on_order,
    }
    return "".join(letter for letter, is_so in found.items() if is_so)


def _audited(facts: Facts, rules: Rules) -> list[_Audited]:
    """The events of a listing, each with the stock readings that were in force until the next."""
    listings, readings = facts.of(ListingTerms), facts.of(StockReading)
    times = [reading.at_ms for reading in readings]
    found: list[_Audited] = []
    for listing, after in zip_longest(listings, listings[1:]):
        known = bisect_right(times, listing.at_ms)
        # The next event may bear the same time; what was read up to then is in force of both.
        end = max(known, bisect_left(times, after.at_ms)) if after else len(readings)
        in_force = readings[max(0, known - 1) : end]
        on_order = [i for i, one in enumerate(in_force) if one.deduct_mode == "order"]
        standing = _issues(listing, bool(on_order), rules)
        issues = standing if listing.on_shelf else ""
        switched = None
        if on_order and on_order[-1] + 1 < len(in_force):
            standing = standing.replace("e", "")
            switched = in_force[on_order[-1] + 1] if issues == "e" else None
        found.append(_Audited(listing, issues, standing, switched))
    return found


def _case(run: Sequence[_Audited], mended: _Audited | None, following: _Audited | None) -> Case:
    """The case of consecutive events with issues; `mended` is the one without, `following` the next."""
    first, last = run[0].listing, run[-1]
    issues = sorted({letter for one in run for letter in one.issues})
    end = last.switched or (mended.listing if mended else None)
    level: Severity = "info"
    for letter in issues:
        level = higher(level, ISSUES[letter].level)
    severe = sum(ISSUES[letter].level == "warn" for letter in issues)
    # What is taken off the shelf may have been changed at once.
    standing = [one for one in last.standing if mended is None or one in mended.standing]
    ended_by = _ended_by(mended, following, is_left=bool(standing)) if mended else ""
    return Case(
        anchor=first,
        level=level,
        members=(*(one.listing for one in run), *([end] if end else [])),
        opened_at_ms=first.at_ms,
        details={
            "issues": "".join(issues),
            "standing": "".join(standing),
            "ended_by": "switched" if last.switched else ended_by,
        },
        thresholds=(
            Threshold("listing_issues", len(issues), "issues", info=1),
            Threshold("issues_that_invite_complaints", severe, "issues", 1),
        ),
        counter=(
            (
                "这是商品设置问题,与任何买家无关",
                "This is about the listing and about no buyer",
            ),
        ),
        resolved_at_ms=end.at_ms if end else None,
    )


def _ended_by(mended: _Audited, following: _Audited | None, *, is_left: bool) -> str:
    """What ended a case that no reading did, as in `_ENDED`."""
    if mended.listing.on_shelf:
        return "changed"
    is_right = not is_left or (following is not None and not following.standing)
    return "off, then right" if is_right else "off"


DETECTORS = (ListingAudit(),)
