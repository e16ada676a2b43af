"""D25 campaign (连环恶意): several kinds of abuse by one buyer within a month are one story.

The definition is docs/detectors/D25.md. What a newcomer gets wrong: it finds nothing new. It reads the
episodes of other detectors, and two detectors that saw the same act are one act.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import NamedTuple

import msgspec

from streams.detect import playbooks
from streams.detect.detector import (
    Child,
    Count,
    Facts,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Word,
    Wording,
)
from streams.detect.entries import ComplaintKind
from streams.detect.episodes import (
    NOTHING,
    Crossing,
    Episode,
    Run,
    Threshold,
    Verdict,
    outcome,
    runs,
)
from streams.detect.facts import (
    AnyFact,
    ComplaintFiled,
    Contacted,
    OrderPlaced,
    RefundRequested,
    by_time,
)
from streams.detect.reach import Reached
from streams.detect.second_order import SecondOrder

UNREACHABLE = "unreachable"
_NAMES = {
    "unpaid": ("大量拍下未付款", "a burst of unpaid orders"),
    UNREACHABLE: ("联系不上", "cannot be reached"),
    "claims": ("缺货或延迟发货索赔", "claims about stockout or late shipping"),
    "refunds": ("异常退款退货", "odd refunds or returns"),
    "extortion": ("敲诈", "demands under threat"),
    "bait": ("诱导客服", "bait for agents"),
    "reviews": ("违规评价", "reviews that break the rules"),
}


# What is complained about, the first of these kinds that the campaign has; bait ends in a complaint.
_COMPLAINTS: dict[str, ComplaintKind] = {
    "unpaid": "异常拍下",
    "claims": "异常投诉",
    "refunds": "异常退款",
    "extortion": "恶意敲诈",
}


_AS_ONE = (
    "各项证据见所含预警,建议合并举证",
    "The alerts it puts together hold the evidence; present it as one",
)
# What was settled is held against nobody.
_TOO_FEW_LEFT = (
    "其中有行为已解除,其余不足以合并举证,请按各预警单独处理",
    "Some of it was settled and the rest is no campaign: handle each alert by itself",
)
_KEEP_EACH = Step(
    "A6_evidence_pack",
    "仍未解除的预警各自留存证据",
    "Keep the evidence of the alerts that still stand, each by itself",
)

_BAN = Step(
    "A8_propose_ban",
    "如确认,可提议限制该买家购买(永久有效,需两人确认)",
    "If confirmed, propose to restrict the buyer: permanent, needs two people",
    (("该买家至少有一笔订单", "the buyer has at least one order"),),
)


class Rules(RuleBlock):
    """What D25 puts together: `acts` names kinds of abuse and the detectors that see them."""

    at_least = (("cooldown_s", "window_s"),)

    acts: dict[Word, list[Word]]
    min_acts: Count
    unreachable_contacts: Count
    unreachable_beside: list[Word]
    window_s: Seconds
    cooldown_s: Seconds
    expire_after_s: Seconds


class _Act(NamedTuple):
    """One episode of another detector, as an act. `ended_ms` only when it was settled."""

    at_ms: int
    kind: str
    episode: Episode

    def is_live(self, at_ms: int, window_ms: int) -> bool:
        e = self.episode
        is_settled = e.status == "resolved" and e.ended_at_ms is not None and e.ended_at_ms <= at_ms
        return at_ms - window_ms <= self.at_ms <= at_ms and not is_settled


class Campaign(SecondOrder[Rules]):
    """D25 on buyers. Cost: nothing for who has fewer than two acts, or one that is critical."""

    id = "D25"
    name = "campaign"
    subject = "buyer"
    topics = ("orders",)
    rules = Rules
    wording = Wording(
        title=("连环恶意", "Campaign"),
        thresholds={
            "acts": ("行为种类", "Kinds of acts"),
            "failed_contacts": ("联系不上", "Failed contacts"),
        },
        units={"acts": ("种", "kinds")},
        rules={
            "unreachable_contacts": ("联系不上的次数", "Failed contacts that count as unreachable"),
            "unreachable_beside": ("与哪类行为一起才计联系不上", "Unreachable counts beside"),
        },
    )

    def combine(
        self, facts: Facts, episodes: Sequence[Episode], horizon_ms: int, rules: Rules
    ) -> Verdict:
        kind_of = {detector: kind for kind, ids in rules.acts.items() for detector in ids}
        acts = sorted(
            (
                _Act(e.opened_at_ms, kind_of[e.detector], e)
                for e in episodes
                if e.detector in kind_of and e.severity != "info" and not _is_held_against_nobody(e)
            ),
            key=lambda act: (
                act.at_ms,
                act.kind,
                act.episode.detector,
                act.episode.anchor.event_id,
            ),
        )
        if not acts:
            return NOTHING
        contacts, reached = facts.of(Contacted), Reached(facts)
        # Who asks something back had an order, though its own event may be let go by now.
        has_order = bool(facts.of(OrderPlaced) or facts.of(RefundRequested))
        crossings = []
        for at_ms in sorted({act.at_ms for act in acts} | {c.at_ms for c in contacts}):
            live = [act for act in acts if act.is_live(at_ms, rules.window_s * 1000)]
            missed = _missed(contacts, reached, at_ms, rules)
            is_unreachable = bool(missed) and _is_grave(live, rules)
            if len(_kinds(live)) + is_unreachable >= rules.min_acts:
                members = {
                    (type(a.episode.anchor), a.episode.anchor.ref): a.episode.anchor for a in live
                }
                seen = [*members.values(), *(missed if is_unreachable else ())]
                crossings.append(Crossing(at_ms, "critical", sorted(seen, key=by_time)))
        found = [
            _episode(run, acts, contacts, horizon_ms, rules, has_order=has_order)
            for run in runs(crossings, rules.cooldown_s * 1000)
        ]
        expiries = [e.last_at_ms + rules.expire_after_s * 1000 for e in found if e.status == "open"]
        return Verdict(found, min(expiries, default=None)) if found else NOTHING

    def missing(self, running: Set[str], rules: Rules) -> Sequence[str]:
        """Those that see kinds of acts which none of the running ones sees, if these are too few."""
        seen = {kind for kind, ids in rules.acts.items() if not running.isdisjoint(ids)}
        if len(seen) + (not seen.isdisjoint(rules.unreachable_beside)) >= rules.min_acts:
            return ()
        others = (ids for kind, ids in rules.acts.items() if kind not in seen)
        return sorted({detector for ids in others for detector in ids})

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        buyer = subject.partition(":")[2]
        kinds = str(d["kinds"]).split(",")
        zh = "→".join(_NAMES[kind][0] if kind in _NAMES else kind for kind in kinds)
        en = " → ".join(_NAMES[kind][1] if kind in _NAMES else kind for kind in kinds)
        days = rules.window_s // 86_400
        is_over = episode.status == "resolved"
        next_zh, next_en = _TOO_FEW_LEFT if is_over else _AS_ONE
        children: list[tuple[str, str]] = msgspec.json.decode(str(d["children"]).encode())
        return Presentation(
            title=("连环恶意行为", "Linked abuse"),
            summary=(
                f"连环恶意行为:买家{buyer}在{days}天内先后出现{zh}。{next_zh}。",
                f"Linked abuse by {buyer} within {days} days: {en}. {next_en}.",
            ),
            not_if=(
                f"{days}天内少于{rules.min_acts}种行为;其中一种已付款、撤回或被推翻;"
                "联系不上本身不算,须与紧急级别的恶拍同时出现",
                f"fewer than {rules.min_acts} kinds of acts within {days} days; one of them settled or "
                "disproved; being out of reach counts only beside a critical burst of unpaid orders",
            ),
            ended=(
                ("其中的行为已解除", "The acts were settled")
                if episode.status == "resolved"
                else ("窗口期内没有新的行为", "No further act within the window")
            ),
            steps=(
                _KEEP_EACH
                if is_over
                else Step(
                    "A6_evidence_pack",
                    "将所含预警的证据合并成一份举证材料",
                    "Put the evidence of all alerts into one pack",
                ),
                playbooks.complaint(
                    next((_COMPLAINTS[kind] for kind in _COMPLAINTS if kind in kinds), "异常投诉"),
                    f"同一买家在{days}天内先后出现{zh}",
                ),
                playbooks.police_report(),
                # A platform restricts only who has ordered (N20).
                *((_BAN,) if d["has_order"] else ()),
            ),
            groups=[Child(detector, "buyer", subject, anchor) for detector, anchor in children],
        )


def _is_held_against_nobody(episode: Episode) -> bool:
    """Whether it is a slip that was put right at once, or holds only claims that were granted."""
    d = episode.details
    return bool(d.get("was_slip")) or (d.get("contested") == 0 and not d.get("mismatches"))


def _kinds(acts: Sequence[_Act]) -> list[str]:
    """The kinds of acts about different matters, in order; one message is not two acts."""
    of_fact: dict[str, str] = {}
    found: dict[str, None] = {}
    for act in acts:
        names = {_matter(fact) for fact in act.episode.members}
        if all(of_fact.get(name, act.kind) == act.kind for name in names):
            found[act.kind] = None
            of_fact.update(dict.fromkeys(names, act.kind))
    return list(found)


def _in_order(acts: Sequence[_Act], missed: Sequence[Contacted], rules: Rules) -> list[str]:
    """The kinds as they came about, being out of reach at the attempt that was one too many."""
    kinds = _kinds(acts)
    if missed:
        since_ms = sorted(c.at_ms for c in missed)[rules.unreachable_contacts - 1]
        before = {act.kind for act in acts if act.at_ms <= since_ms}
        kinds.insert(sum(kind in before for kind in kinds), UNREACHABLE)
    return kinds


def _is_grave(acts: Sequence[_Act], rules: Rules) -> bool:
    """Whether being out of reach makes an act worse; of refunds D08 has counted it already."""
    return any(
        act.episode.severity == "critical" and act.kind in rules.unreachable_beside for act in acts
    )


def _matter(fact: AnyFact) -> str:
    """What a fact is about: all that is asked back for one order is one matter."""
    if isinstance(fact, RefundRequested | ComplaintFiled) and fact.order_id:
        return f"back/{fact.order_id}"
    return fact.event_id


def _missed(
    contacts: Sequence[Contacted], reached: Reached, at_ms: int, rules: Rules
) -> list[Contacted]:
    """The attempts to reach the buyer within the window, if all were in vain and there were enough."""
    from_ms = at_ms - rules.window_s * 1000
    if reached.within(from_ms, at_ms):
        return []
    in_vain = [c for c in contacts if from_ms <= c.at_ms <= at_ms and c.answered is False]
    return in_vain if len(in_vain) >= rules.unreachable_contacts else []


def _episode(
    run: Run,
    acts: Sequence[_Act],
    contacts: Sequence[Contacted],
    horizon_ms: int,
    rules: Rules,
    *,
    has_order: bool,
) -> Episode:
    anchors = {(type(fact), fact.ref) for fact in run.members}
    children = [
        act
        for act in acts
        if (type(act.episode.anchor), act.episode.anchor.ref) in anchors
        and run.opened_at_ms - rules.window_s * 1000 <= act.at_ms <= run.last_at_ms
    ]
    missed = [fact for fact in run.members if isinstance(fact, Contacted)]
    kinds = _in_order(children, missed, rules)
    resolved_ms = _resolved_ms(children, bool(missed), run.last_at_ms, rules)
    expires_ms = run.last_at_ms + rules.expire_after_s * 1000
    status, ended_ms = outcome(resolved_ms, expires_ms, horizon_ms)
    answered = sum(contact.answered is True for contact in contacts)
    settled = sum(act.episode.status == "resolved" for act in children)
    return Episode(
        detector="D25",
        anchor=run.anchor,
        opened_at_ms=run.opened_at_ms,
        last_at_ms=run.last_at_ms,
        status=status,
        ended_at_ms=ended_ms,
        severity=run.level,
        steps=sum(act.episode.steps for act in children) + len(missed) + (status != "open"),
        window_s=rules.window_s,
        members=run.members,
        thresholds=(
            Threshold("acts", len(kinds), "acts", rules.min_acts, rules.min_acts),
            Threshold("failed_contacts", len(missed), "attempts"),
        ),
        details={
            "kinds": ",".join(kinds),
            "has_order": has_order,
            "children": msgspec.json.encode(
                [(act.episode.detector, act.episode.anchor.event_id) for act in children]
            ).decode(),
        },
        counter=(
            (
                f"所含预警中已解除{settled}项;买家接通过{answered}次联系",
                f"{settled} of the alerts in it are settled; the buyer answered {answered} times",
            ),
        ),
        cooldown_s=rules.cooldown_s,
    )


def _resolved_ms(
    children: Sequence[_Act], is_unreachable: bool, last_ms: int, rules: Rules
) -> int | None:
    """When too few acts were left that nothing has settled, if that is so."""
    left = list(children)
    settled = [
        (act.episode.ended_at_ms, act)
        for act in children
        if act.episode.status == "resolved" and act.episode.ended_at_ms is not None
    ]
    for ended_ms, act in sorted(settled, key=lambda one: one[0]):
        left.remove(act)
        beside = is_unreachable and _is_grave(left, rules)
        if len(_kinds(left)) + beside < rules.min_acts:
            return max(ended_ms, last_ms)
    return None


DETECTORS = (Campaign(),)
