"""D10 stockout_compensation_fraud (缺货骗赔): claims of stockout or lateness about parcels sent in time.

The definition is docs/detectors/D10.md: buyers claim, and the shop sees the wave through signals.
`stockout_claims` says which claims there are and how they ended, `stockout_excuses` what excuses them,
`stockout_waves` when they cross; here are the thresholds, and what is said.
What a newcomer gets wrong: if the seller really was late, the claims are genuine and nobody is accused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from streams.detect import playbooks
from streams.detect import stockout_waves as waves
from streams.detect.deadlines import Ship, in_words
from streams.detect.detector import (
    Count,
    Detector,
    Facts,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Wording,
    counted,
)
from streams.detect.episodes import (
    NOTHING,
    Crossing,
    Episode,
    Run,
    Threshold,
    Told,
    Verdict,
    outcome,
    runs,
)
from streams.detect.facts import ComplaintFiled, RefundRequested, Signal
from streams.detect.parcels import parcel_of
from streams.detect.refunds import all_granted
from streams.detect.stockout_claims import Claim, Terms, claims

SIGNAL = "stockout_claim"


class Rules(RuleBlock):
    """Thresholds of D10; the shop's critical one is 「十几个」, the deadline T02's, the rest proposed.

    `picked_up_within_s` counts from 发货, and only where the carrier's pickup is told.
    """

    at_least = (
        ("buyer_critical", "buyer_warn"),
        ("shop_critical", "shop_warn"),
        ("buyer_cooldown_s", "buyer_window_s"),
        ("shop_cooldown_s", "shop_window_s"),
    )

    T02: Ship
    picked_up_within_s: Seconds
    buyer_window_s: Seconds
    buyer_warn: Count
    buyer_critical: Count
    buyer_cooldown_s: Seconds
    buyer_expire_after_s: Seconds
    shop_window_s: Seconds
    shop_warn: Count
    shop_critical: Count
    shop_cooldown_s: Seconds
    shop_expire_after_s: Seconds

    @property
    def terms(self) -> Terms:
        """What claims are judged by."""
        return Terms(self.T02, self.picked_up_within_s * 1000)

    @property
    def of_buyers(self) -> waves.Limits:
        """The thresholds of a buyer."""
        return waves.Limits(
            self.buyer_window_s,
            self.buyer_warn,
            self.buyer_critical,
            self.buyer_cooldown_s,
            self.buyer_expire_after_s,
        )

    @property
    def of_shops(self) -> waves.Limits:
        """The thresholds of a shop."""
        return waves.Limits(
            self.shop_window_s,
            self.shop_warn,
            self.shop_critical,
            self.shop_cooldown_s,
            self.shop_expire_after_s,
        )


class _StockoutFraud(Detector[Rules]):
    """What both subjects have in common: texts and steps."""

    id = "D10"
    name = "stockout_compensation_fraud"
    rules = Rules
    wording = Wording(
        title=("缺货骗赔", "Stockout claim fraud"),
        thresholds={
            "claims": ("索赔(同一包裹算一次)", "Claims, one for each parcel"),
            "shipped_in_time": ("其中已按时发货", "Shipped in time"),
        },
        rules={
            "picked_up_within_s": ("揽收期限", "Time to be picked up"),
            "buyer_window_s": ("买家：统计窗口", "Buyer: window"),
            "buyer_warn": ("买家：警告起数", "Buyer: warning at"),
            "buyer_critical": ("买家：紧急起数", "Buyer: critical at"),
            "buyer_cooldown_s": (
                "买家：间隔不超过此值的算同一次",
                "Buyer: one episode if no further apart than",
            ),
            "buyer_expire_after_s": ("买家：无新情况后过期", "Buyer: expires without news after"),
            "shop_window_s": ("全店：统计窗口", "Shop: window"),
            "shop_warn": ("全店：警告起数", "Shop: warning at"),
            "shop_critical": ("全店：紧急起数", "Shop: critical at"),
            "shop_cooldown_s": (
                "全店：间隔不超过此值的算同一次",
                "Shop: one episode if no further apart than",
            ),
            "shop_expire_after_s": ("全店：无新情况后过期", "Shop: expires without news after"),
        },
        details={"is_picked_up": ("快递已揽收", "picked up by the carrier")},
    )

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        buyer = subject.partition(":")[2]
        is_shop = not buyer
        zh = f"{d['buyers']}个买家" if is_shop else f"买家{buyer}"
        en = f"{counted(d['buyers'], 'buyer')} claimed" if is_shop else f"{buyer} claimed"
        granted_zh, granted_en = (
            ("", "") if d["contested"] else all_granted(set(str(d["granted"]).split()))
        )
        taken_zh, taken_en = in_words(rules.picked_up_within_s)
        behind_zh, behind_en = (f";{granted_zh}", f"; {granted_en}") if granted_zh else ("", "")
        return Presentation(
            title=("疑似缺货骗赔", "Stockout claims on orders shipped in time"),
            summary=(
                f"{zh}以缺货/未按约定时间发货索赔{d['claims']}单,但其中{d['proven']}单已按时发货{behind_zh}。",
                f"{en} stockout or late shipping on {counted(d['claims'], 'order')}, "
                f"though {d['proven']} of them shipped on time{behind_en}.",
            ),
            not_if=(
                "卖家确实延迟发货或平台判定投诉成立;申请或投诉被撤回;没有已按时发货的订单;"
                "几笔订单同装一个包裹(算一次);卖家曾告知缺货或少发,或点击发货后称尚未发出;包裹已被快递退回;"
                f"多种或多件商品的订单部分缺货;点击发货后{taken_zh}内快递未揽收(须接入揽收信息)",
                "the seller really shipped late, or a complaint was upheld; the claims were "
                "withdrawn; none of the orders is proven to have shipped on time; the orders came in one "
                "parcel (they count once); the seller had told that it is out of stock, or owned up to have "
                "sent too little, or had said after the click on 发货 that nothing had left; the carrier had "
                "brought the parcel back; a part of an order of several items or units was out of stock; no "
                f"carrier picked the parcel up within {taken_en} of that click (where pickups are told)",
            ),
            ended=("窗口期内没有新的索赔", "No further claim within the window"),
            steps=(
                Step(
                    "A6_evidence_pack",
                    "整理物流单号、发货时间和快递揽收记录作为凭证",
                    "Collect tracking numbers, shipping times and the carrier's pickups as proof",
                ),
                playbooks.complaint("异常投诉")
                if d["contested"]
                else _ask_carrier(granted_zh, granted_en),
            ),
        )


class StockoutFraudByBuyer(_StockoutFraud):
    """D10 on buyers; tells the shop the outcome of every claim."""

    subject = "buyer"
    triggers = (RefundRequested, ComplaintFiled)
    # Payments need not be awaited: with none an order is due when promised or never, with one no earlier.
    topics = ("shipments", "orders", "refunds", "complaints", "chats")

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        known = claims(facts, horizon_ms, rules.terms)
        if not known:
            return NOTHING
        limits = rules.of_buyers
        episodes, expiries = _episodes(
            waves.crossings_of_buyer(known, parcel_of(facts), limits),
            limits,
            waves.numbers_of_buyer(known),
            _counter(known),
            horizon_ms,
        )
        wakes = expiries + [claim.wake_ms for claim in known if claim.wake_ms is not None]
        is_any_unknown = any(claim.outcome == "unknown" for claim in known)
        return Verdict(
            episodes,
            min((at for at in wakes if at > horizon_ms), default=None),
            [_tell(facts.subject, claim) for claim in known],
            ("shipping_unknown",) if is_any_unknown else (),
        )


class StockoutFraudByShop(_StockoutFraud):
    """D10 on shops: the wave of claims of many buyers, each on a parcel that shipped in time."""

    subject = "shop"
    triggers = (Signal,)
    topics = ("signals",)

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        told = [signal for signal in facts.of(Signal) if signal.name == SIGNAL]
        proven = [signal for signal in told if signal.values.get("outcome") == "proven"]
        genuine = sum(signal.values.get("outcome") == "genuine" for signal in told)
        limits = rules.of_shops
        episodes, expiries = _episodes(
            waves.crossings_of_shop(proven, limits),
            limits,
            waves.numbers_of_shop,
            (
                f"本店另有{genuine}单索赔属实",
                f"{genuine} other claims at this shop are genuine",
            ),
            horizon_ms,
        )
        return Verdict(episodes, min((at for at in expiries if at > horizon_ms), default=None))


def _tell(subject: str, claim: Claim) -> Told:
    """What the shop hears of a claim of one of its buyers."""
    shop, _, buyer = subject.partition(":")
    order_id = claim.fact.order_id
    signal = Signal(
        claim.fact.at_ms,
        claim.fact.event_id,
        f"{SIGNAL}/{buyer}/{order_id}",
        SIGNAL,
        claim.version,
        {
            "buyer": buyer,
            "order": order_id,
            "outcome": claim.outcome,
            "is_picked_up": claim.is_picked_up,
        },
    )
    return Told("shop", shop, signal)


def _counter(known: Sequence[Claim]) -> tuple[str, str]:
    of = Counter(claim.outcome for claim in known)
    return (
        f"该买家另有{of['genuine']}单索赔属实,{of['withdrawn']}单已撤回,{of['unknown']}单情况不明",
        f"{of['genuine']} other claims of this buyer are genuine, {of['withdrawn']} were withdrawn, "
        f"{of['unknown']} cannot be judged",
    )


def _episodes(
    crossings: Sequence[Crossing],
    limits: waves.Limits,
    count: Callable[[Run], waves.Numbers],
    counter: tuple[str, str],
    horizon_ms: int,
) -> tuple[list[Episode], list[int]]:
    """Step 6 of the definition: the episodes, and the times at which they expire."""
    found = []
    expiries = []
    for run in runs(crossings, limits.cooldown_s * 1000):
        expires_ms = run.last_at_ms + limits.expire_after_s * 1000
        expiries.append(expires_ms)
        status, ended_at_ms = outcome(None, expires_ms, horizon_ms)
        numbers = count(run)
        # What the window held that reached most, the first such.
        compared, shipped = max(run.crossings, key=lambda one: one.compared[0]).compared
        found.append(
            Episode(
                detector="D10",
                anchor=run.anchor,
                opened_at_ms=run.opened_at_ms,
                last_at_ms=run.last_at_ms,
                status=status,
                ended_at_ms=ended_at_ms,
                severity=run.level,
                steps=numbers.claims + numbers.proven + (status != "open"),
                window_s=limits.window_s,
                members=run.members,
                thresholds=(
                    Threshold("claims", compared, "claims", limits.warn, limits.critical),
                    Threshold("shipped_in_time", shipped, "orders", 1, 1),
                ),
                # With what was compared, though no text needs it: an alert is told anew when details change.
                details=numbers._asdict() | {"compared": compared, "compared_shipped": shipped},
                counter=(counter, _whose_word(numbers)),
                cooldown_s=limits.cooldown_s,
            )
        )
    return found, expiries


def _whose_word(numbers: waves.Numbers) -> tuple[str, str]:
    """On whose word it rests that parcels left: that of the carrier, or only that of the shop."""
    if not numbers.by_word:
        return (
            "已按时发货的订单均有快递揽收记录",
            "The carrier picked up the parcels of all orders that shipped in time",
        )
    return (
        f"其中{numbers.by_word}单仅以店铺点击发货为凭,没有快递揽收记录,请先核实包裹已交快递",
        f"That {numbers.by_word} of them shipped in time is the shop's own word: no pickup by the carrier is "
        "known, so make sure first that it has the parcels",
    )


def _ask_carrier(granted_zh: str, granted_en: str) -> Step:
    """Instead of a complaint: nobody complains of refunds that were agreed to, or of who was found right.

    A parcel that left in time may have got stuck (N19).
    """
    return Step(
        "A4_remind",
        f"{granted_zh},不宜投诉买家;逐单向快递核实是否揽收、停滞或丢件",
        f"{granted_en[0].upper()}{granted_en[1:]}, so nobody complains of the buyer: ask the carrier whether "
        "each parcel was picked up, got stuck or was lost",
    )


DETECTORS = (StockoutFraudByBuyer(), StockoutFraudByShop())
