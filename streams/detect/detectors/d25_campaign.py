"""D25 campaign (连环恶意): several kinds of abuse by one buyer, or one ring, within a month are one story.

The definition is docs/detectors/D25.md. What a newcomer gets wrong: it finds nothing new. It reads the
episodes of other detectors, and two detectors that saw the same act are one act.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from functools import cached_property
from typing import Annotated

import msgspec
from pydantic import Field

from streams.detect import acts, hubs, playbooks
from streams.detect.campaigns import UNREACHABLE, Chain, Terms, of_buyer, of_cluster
from streams.detect.detector import (
    Child,
    Count,
    Detector,
    Facts,
    Least,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Word,
    Wording,
)
from streams.detect.entries import ComplaintKind
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict, outcome
from streams.detect.facts import (
    AnyFact,
    Contacted,
    OrderPlaced,
    RefundRequested,
    Signal,
)
from streams.detect.hubs import Hub
from streams.detect.reach import Reached
from streams.detect.rings import ring_id
from streams.detect.second_order import SecondOrder
from streams.detect.suspicion import UNPAID, late_payers, tied_orders

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

    at_least = (("cooldown_s", "window_s"), ("critical_accounts", "warn_accounts"))

    acts: dict[Word, list[Word]]
    min_acts: Count
    unreachable_contacts: Count
    unreachable_beside: list[Word]
    warn_accounts: Annotated[int, Field(ge=2)]
    critical_accounts: Count
    hub_paying_buyers: Count
    hubs: list[str]
    window_s: Seconds
    cooldown_s: Seconds
    expire_after_s: Seconds

    @property
    def terms(self) -> Terms:
        """What campaigns are judged by."""
        return Terms(
            self.min_acts,
            self.unreachable_contacts,
            frozenset(self.unreachable_beside),
            self.warn_accounts,
            self.critical_accounts,
            self.window_s,
            self.cooldown_s,
        )

    @cached_property
    def kind_of(self) -> dict[str, str]:
        """The kind of act that each detector sees."""
        return {detector: kind for kind, ids in self.acts.items() for detector in ids}


class _Campaigns:
    """What people read, which is the same for both subjects."""

    wording = Wording(
        title=("连环恶意", "Campaign"),
        thresholds={
            "acts": ("行为种类", "Kinds of acts"),
            "failed_contacts": ("联系不上", "Failed contacts"),
            "accounts": ("关联账号", "Accounts tied together"),
        },
        units={"acts": ("种", "kinds"), "accounts": ("个", "accounts")},
        rules={
            "unreachable_contacts": ("联系不上的次数", "Failed contacts that count as unreachable"),
            "unreachable_beside": ("与哪类行为一起才计联系不上", "Unreachable counts beside"),
        },
    )

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        kinds = str(d["kinds"]).split(",")
        zh = "→".join(_NAMES[kind][0] if kind in _NAMES else kind for kind in kinds)
        en = " → ".join(_NAMES[kind][1] if kind in _NAMES else kind for kind in kinds)
        days = rules.window_s // 86_400
        is_over = episode.status == "resolved"
        next_zh, next_en = _TOO_FEW_LEFT if is_over else _AS_ONE
        who_zh, who_en = _who(episode, subject)
        return Presentation(
            title=(
                ("多个账号的连环恶意行为", "Linked abuse over several accounts")
                if "ring" in d
                else ("连环恶意行为", "Linked abuse")
            ),
            summary=(
                f"连环恶意行为:{who_zh}在{days}天内先后出现{zh}。{next_zh}。",
                f"Linked abuse by {who_en} within {days} days: {en}. {next_en}.",
            ),
            not_if=(
                f"{days}天内少于{rules.min_acts}种行为;其中一种已付款、撤回或被推翻;"
                "联系不上本身不算,须与紧急级别的恶拍同时出现;不同账号仅在共用手机号或设备、"
                "或同属一组小号恶拍时合并",
                f"fewer than {rules.min_acts} kinds of acts within {days} days; one of them settled or "
                "disproved; being out of reach counts only beside a critical burst of unpaid orders; "
                "accounts are put together only by a phone, a device or one ring of unpaid orders",
            ),
            ended=(
                ("其中的行为已解除", "The acts were settled")
                if is_over
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
                # Two accounts may be two of one family: nobody says of them that they are one actor.
                *(_against(episode, kinds, days, zh) if episode.severity == "critical" else ()),
                # A platform restricts only who has ordered (N20).
                *((_BAN,) if d.get("has_order") else ()),
            ),
            groups=[Child(*child) for child in msgspec.json.decode(str(d["children"]).encode())],
            cluster_id=str(d["ring"]) if "ring" in d else None,
        )


def _who(episode: Episode, subject: str) -> tuple[str, str]:
    if "accounts" not in episode.details:
        buyer = subject.partition(":")[2]
        return f"买家{buyer}", buyer
    n, ring = episode.details["accounts"], episode.details["ring"]
    zh, en = "疑似同一人", "look like one actor"
    if episode.severity != "critical":
        zh, en = "可能是同一人或一家人", "may be one actor or one family"
    return (
        f"{zh}的{n}个账号(共用手机号、设备或同属一组小号,关联编号{ring})",
        f"{n} accounts that {en} (a phone, a device or a burst in common; ring {ring})",
    )


def _against(episode: Episode, kinds: Sequence[str], days: int, zh: str) -> tuple[Step, ...]:
    accounts = episode.details.get("accounts")
    accused = f"疑似同一人的{accounts}个关联账号" if accounts else "同一买家"
    return (
        playbooks.complaint(
            next((_COMPLAINTS[kind] for kind in _COMPLAINTS if kind in kinds), "异常投诉"),
            f"{accused}在{days}天内先后出现{zh}",
        ),
        playbooks.police_report(),
    )


class Campaign(_Campaigns, SecondOrder[Rules]):
    """D25 on buyers; tells the identities of who acted. Cost: nothing for who has no act."""

    id = "D25"
    name = "campaign"
    subject = "buyer"
    topics = ("orders",)
    rules = Rules
    reads_receivers = True

    def combine(
        self, facts: Facts, episodes: Sequence[Episode], horizon_ms: int, rules: Rules
    ) -> Verdict:
        found = acts.acts(episodes, "buyer", facts.subject, rules.kind_of)
        if not found:
            return NOTHING
        contacts = facts.of(Contacted)
        # Who asks something back had an order, though its own event may be let go by now.
        has_order = bool(facts.of(OrderPlaced) or facts.of(RefundRequested))
        campaigns = [
            _of_buyer(chain, contacts, has_order, horizon_ms, rules)
            for chain in of_buyer(found, contacts, Reached(facts), rules.terms)
        ]
        # Without who pays, which ties nobody here: it may be a service, or the shop itself by mistake.
        told = acts.tell(facts.subject, found, tied_orders(facts).values())
        return Verdict(campaigns, _next_end_ms(campaigns, rules), told)

    def missing(self, running: Set[str], rules: Rules) -> Sequence[str]:
        """Those that see kinds of acts which none of the running ones sees, if these are too few."""
        seen = {kind for kind, ids in rules.acts.items() if not running.isdisjoint(ids)}
        if len(seen) + (not seen.isdisjoint(rules.unreachable_beside)) >= rules.min_acts:
            return ()
        others = (ids for kind, ids in rules.acts.items() if kind not in seen)
        return sorted({detector for ids in others for detector in ids})


class ActingIdentity(Detector[Rules]):
    """On identities: passes acts on to the shop once several suspects share the identity."""

    id = "D25"
    name = "campaign"
    subject = "identity"
    triggers = (Signal,)
    topics = ("signals",)
    rules = Rules

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        known = [signal for signal in facts.of(Signal) if signal.values]
        acted = [signal for signal in known if signal.name == acts.ACTED]
        unpaid = [signal for signal in known if signal.name == UNPAID]
        if not acted or len({signal.values["buyer"] for signal in (*acted, *unpaid)}) < 2:
            return NOTHING
        actors = {signal.values["buyer"] for signal in acted}
        if late_payers(unpaid, actors) >= rules.hub_paying_buyers:
            return Verdict(
                signals=acts.leave_out(facts.subject, acted),
                insufficient=("identity_shared_by_payers",),
            )
        return Verdict(signals=acts.pass_on(facts.subject, acted, unpaid))

    def least(self, rules: Rules) -> Least:
        return Least(Signal, facts=2)


class RingCampaign(_Campaigns, SecondOrder[Rules]):
    """D25 on shops: acts that are spread over accounts. Cost: sorting the acts kept, a thousand at most."""

    id = "D25"
    name = "campaign"
    subject = "shop"
    triggers = (Signal,)
    topics = ("signals",)
    rules = Rules

    def combine(
        self, facts: Facts, episodes: Sequence[Episode], horizon_ms: int, rules: Rules
    ) -> Verdict:
        shop = facts.subject
        kept = {signal.ref: signal for signal in facts.of(Signal)}
        of_rings = [
            # A warning may rest on addresses and names alone, which tie strangers.
            act
            for act in acts.acts(episodes, "shop", shop, rules.kind_of)
            if act.severity == "critical"
        ]
        declared = frozenset(rules.hubs)
        left_out = acts.left_out(kept.values(), declared, rules.hub_paying_buyers)
        campaigns = [
            # By the signal that is kept and let go: the act was at another time.
            _of_ring(chain, kept[chain.run.anchor.ref], left_out, horizon_ms, rules)
            for cluster in acts.clusters(shop, kept.values(), of_rings, declared)
            for chain in of_cluster(cluster, rules.terms)
        ]
        return Verdict(campaigns, _next_end_ms(campaigns, rules))

    def missing(self, running: Set[str], rules: Rules) -> Sequence[str]:
        """None: D25 on buyers says what is needed."""
        return ()


def _of_buyer(
    chain: Chain,
    contacts: Sequence[Contacted],
    has_order: bool,
    horizon_ms: int,
    rules: Rules,
) -> Episode:
    answered = sum(contact.answered is True for contact in contacts)
    return _episode(
        chain,
        chain.run.anchor,
        horizon_ms,
        rules,
        (
            Threshold("acts", len(chain.kinds), "acts", rules.min_acts, rules.min_acts),
            Threshold("failed_contacts", len(chain.missed), "attempts"),
        ),
        {"has_order": has_order},
        (f"买家接通过{answered}次联系", f"the buyer answered {answered} times"),
        (),
    )


def _of_ring(
    chain: Chain,
    anchor: Signal,
    left_out: Mapping[str, Set[Hub]],
    horizon_ms: int,
    rules: Rules,
) -> Episode:
    most_kinds, most_accounts = chain.run.compared
    accounts = {account for act in chain.acts for account in act.accounts}
    return _episode(
        chain,
        anchor,
        horizon_ms,
        rules,
        (
            Threshold("acts", most_kinds, "acts", rules.min_acts),
            Threshold(
                "accounts", most_accounts, "accounts", rules.warn_accounts, rules.critical_accounts
            ),
        ),
        {
            "accounts": len(accounts),
            # Not implied by the members: what it says is news although they are the same.
            "most_accounts": most_accounts,
            "most_kinds": most_kinds,
            # After the first act, and not what ties it, of which there may be more while the ring grows.
            "ring": ring_id(anchor.event_id),
        },
        (
            "家人、同住者可能共用手机、设备或代付",
            "families and people who live together may share a phone or a device, and pay for each other",
        ),
        hubs.left_out(hub for account in accounts for hub in left_out.get(account, ())),
    )


def _episode(
    chain: Chain,
    anchor: AnyFact,
    horizon_ms: int,
    rules: Rules,
    thresholds: tuple[Threshold, ...],
    details: dict[str, int | str],
    counter: tuple[str, str],
    left_out: tuple[tuple[str, str], ...],
) -> Episode:
    run = chain.run
    expires_ms = run.last_at_ms + rules.expire_after_s * 1000
    status, ended_ms = outcome(chain.settled_ms, expires_ms, horizon_ms)
    steps = sum(act.steps for act in chain.acts) + len(chain.missed) + (status != "open")
    children = msgspec.json.encode([act.child for act in chain.acts]).decode()
    counter_zh, counter_en = counter
    return Episode(
        detector="D25",
        anchor=anchor,
        opened_at_ms=run.opened_at_ms,
        last_at_ms=run.last_at_ms,
        status=status,
        ended_at_ms=ended_ms,
        severity=run.level,
        steps=steps,
        window_s=rules.window_s,
        members=run.members,
        thresholds=thresholds,
        details={"kinds": ",".join(chain.kinds), "children": children, **details},
        counter=(
            (
                f"所含预警中已解除{chain.settled}项;{counter_zh}",
                f"{chain.settled} of the alerts in it are settled; {counter_en}",
            ),
            *left_out,
        ),
        cooldown_s=rules.cooldown_s,
    )


def _next_end_ms(campaigns: Sequence[Episode], rules: Rules) -> int | None:
    """When the next of those that are open is over by itself."""
    open_ms = [campaign.last_at_ms for campaign in campaigns if campaign.status == "open"]
    return min(open_ms) + rules.expire_after_s * 1000 if open_ms else None


DETECTORS = (Campaign(), ActingIdentity(), RingCampaign())
