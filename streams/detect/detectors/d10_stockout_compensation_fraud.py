"""D10 stockout_compensation_fraud (缺货骗赔): claims of stockout or lateness about parcels sent in time.

The definition is docs/detectors/D10.md: buyers claim, and the shop sees the wave through signals.
What a newcomer gets wrong: if the seller really was late, the claims are genuine and nobody is accused;
and `Shipped` is a click, which is not to say that there is a parcel.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Literal, NamedTuple, TypeVar

from schemas.alerts import Severity
from streams.detect import playbooks
from streams.detect.deadlines import Ship, in_words, ship_times
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
    level_at,
    outcome,
    runs,
    slide,
)
from streams.detect.facts import (
    NEVER,
    AnyFact,
    ComplaintFiled,
    ComplaintRuled,
    OrderPaid,
    OrderPlaced,
    ParcelRefused,
    PickedUp,
    RefundRequested,
    RefundWithdrawn,
    SaidMistake,
    SaidStockout,
    SaidUnsent,
    Shipped,
    ShippingOver,
    Signal,
    by_time,
)
from streams.detect.orders import (
    SellerSaid,
    all_granted,
    first_grant,
    granted_by,
    grants_of,
    parcels,
    pickups_ms,
    rulings,
)

C = TypeVar("C", RefundRequested | ComplaintFiled, Signal)

STOCKOUT = "stockout"
KINDS = frozenset({STOCKOUT, "late_shipment"})
SIGNAL = "stockout_claim"
# Pending: it would accuse, but not everything that may speak for the buyer is read.
Outcome = Literal["proven", "premature", "genuine", "unknown", "withdrawn", "pending"]
# Later than every date there is, in milliseconds: what is told earlier must count for more.
_LATEST_MS = 1 << 48


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


class _Claim(NamedTuple):
    """An order's earliest claim and what became of it.

    `wake_ms` is when silence would settle it; `version` grows with every fact about the order, and with
    what silence settles. `is_picked_up`: the carrier says to have had its parcel, and not only the shop.
    """

    fact: RefundRequested | ComplaintFiled
    outcome: Outcome
    wake_ms: int | None
    version: int
    is_picked_up: bool


class _Count(NamedTuple):
    """The numbers of a whole episode, over all of its windows.

    `contested` are the claims that nobody has granted, or that were complaints; a shop's all are.
    `by_word` are those of `proven` whose parcel no carrier is known to have picked up.
    `granted` is how the others were, as `granted_by` names it, with blanks between.
    """

    claims: int
    proven: int
    buyers: int
    contested: int
    by_word: int
    granted: str = ""


class _Limits(NamedTuple):
    """The thresholds of one of the two subjects."""

    window_s: int
    warn: int
    critical: int
    cooldown_s: int
    expire_after_s: int


class _Reached(NamedTuple):
    """When a threshold was reached. `compared` is the number that reached it, by the time of the crossing.

    `proven_ms` are the times of the proven claims, sorted.
    """

    crossings: list[Crossing]
    compared: Mapping[int, int]
    proven_ms: list[int]

    def highest(self, run: Run, window_s: int) -> tuple[int, int]:
        """What the window of an episode held that reached most, the first such: compared, and proven."""
        moments = [at for at in self.compared if run.opened_at_ms <= at <= run.last_at_ms]
        at_ms = max(moments, key=self.compared.__getitem__)
        oldest = bisect_left(self.proven_ms, at_ms - window_s * 1000)
        return self.compared[at_ms], bisect_right(self.proven_ms, at_ms) - oldest


class _StockoutClaims:
    """What both subjects have in common: texts and steps."""

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
        granted_zh, granted_en = ("", "") if d["contested"] else _granted(episode)
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


def _granted(episode: Episode) -> tuple[str, str]:
    """What is said of claims that were all granted."""
    return all_granted(set(str(episode.details["granted"]).split()))


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


class StockoutFraudByBuyer(_StockoutClaims, Detector[Rules]):
    """D10 on buyers; tells the shop the outcome of every claim."""

    id = "D10"
    name = "stockout_compensation_fraud"
    subject = "buyer"
    triggers = (RefundRequested, ComplaintFiled)
    # Payments need not be awaited: with none an order is due when promised or never, with one no earlier.
    topics = ("shipments", "orders", "refunds", "complaints", "chats")
    rules = Rules

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        claims = _claims(facts, horizon_ms, rules)
        if not claims:
            return NOTHING
        false = [c.fact for c in claims if c.outcome in ("proven", "premature")]
        proven = {c.fact.event_id for c in claims if c.outcome == "proven"}
        by_word = {c.fact.event_id for c in claims if c.outcome == "proven" and not c.is_picked_up}
        limits = _Limits(
            rules.buyer_window_s,
            rules.buyer_warn,
            rules.buyer_critical,
            rules.buyer_cooldown_s,
            rules.buyer_expire_after_s,
        )

        first_of = _firsts(false, parcels(facts))
        reached = _reached(
            false,
            limits,
            lambda fact: first_of[fact.event_id],
            lambda window: not proven.isdisjoint(window),
            [fact.at_ms for fact in false if fact.event_id in proven],
        )

        granted = _granted_requests(facts)

        def count(run: Run) -> _Count:
            shipped = sum(member.event_id in proven for member in run.members)
            ways = [granted.get(member.event_id, "") for member in run.members]
            return _Count(
                len(ways),
                shipped,
                1,
                ways.count(""),
                sum(member.event_id in by_word for member in run.members),
                " ".join(sorted({w for w in ways if w})),
            )

        episodes, expiries = _episodes(reached, limits, count, _counter(claims), horizon_ms)
        wakes = expiries + [c.wake_ms for c in claims if c.wake_ms is not None]
        return Verdict(
            episodes,
            min((at for at in wakes if at > horizon_ms), default=None),
            [_tell(facts.subject, claim) for claim in claims],
            ("shipping_unknown",) if any(c.outcome == "unknown" for c in claims) else (),
        )


class StockoutFraudByShop(_StockoutClaims, Detector[Rules]):
    """D10 on shops: the wave of claims of many buyers, each on a parcel that shipped in time."""

    id = "D10"
    name = "stockout_compensation_fraud"
    subject = "shop"
    triggers = (Signal,)
    topics = ("signals",)
    rules = Rules

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        claims = [s for s in facts.of(Signal) if s.name == SIGNAL]
        proven = [s for s in claims if s.values.get("outcome") == "proven"]
        limits = _Limits(
            rules.shop_window_s,
            rules.shop_warn,
            rules.shop_critical,
            rules.shop_cooldown_s,
            rules.shop_expire_after_s,
        )
        reached = _reached(
            proven, limits, _buyer, lambda window: True, [signal.at_ms for signal in proven]
        )

        def count(run: Run) -> _Count:
            buyers = len({_buyer(m) for m in run.members if isinstance(m, Signal)})
            claims = len(run.members)
            by_word = claims - sum(_is_picked_up(m) for m in run.members if isinstance(m, Signal))
            return _Count(claims, claims, buyers, claims, by_word)

        genuine = sum(s.values.get("outcome") == "genuine" for s in claims)
        counter = (
            f"本店另有{genuine}单索赔属实",
            f"{genuine} other claims at this shop are genuine",
        )
        episodes, expiries = _episodes(reached, limits, count, counter, horizon_ms)
        return Verdict(episodes, min((at for at in expiries if at > horizon_ms), default=None))


def _buyer(signal: Signal) -> str:
    return str(signal.values.get("buyer", ""))


def _is_picked_up(signal: Signal) -> bool:
    return signal.values.get("is_picked_up") is True


def _claims(facts: Facts, horizon_ms: int, rules: Rules) -> list[_Claim]:
    """Steps 1 to 3 of the definition, in order of time."""
    withdrawals = {fact.ref: fact for fact in facts.of(RefundWithdrawn)}
    ruling_of = {fact.ref: fact for fact in facts.of(ComplaintRuled)}
    asked: list[RefundRequested | ComplaintFiled] = [
        *(r for r in facts.of(RefundRequested) if r.reason in KINDS),
        *(c for c in facts.of(ComplaintFiled) if c.kind in KINDS and c.order_id),
    ]
    if not asked:
        return []
    asked.sort(key=by_time)
    versions: Counter[str] = Counter()
    # Any complaint of an order may be upheld, whatever it is about.
    upheld: set[str] = set()
    for order_id, ruled in rulings(facts):
        # Whatever it says: the next ruling may say the contrary.
        versions[order_id] += ruled.at_ms
        if ruled.ruling == "upheld":
            upheld.add(order_id)
    first_of: dict[str, RefundRequested | ComplaintFiled] = {}
    withdrawn_of: dict[str, RefundRequested | ComplaintFiled] = {}
    for claim in asked:
        end: AnyFact | None
        if isinstance(claim, RefundRequested):
            end = withdrawals.get(claim.ref)
            is_withdrawn = end is not None
        else:
            end = ruling = ruling_of.get(claim.ref)
            is_withdrawn = ruling is not None and ruling.ruling == "withdrawn"
        versions[claim.order_id] += claim.at_ms + (end.at_ms if end else 0)
        (withdrawn_of if is_withdrawn else first_of).setdefault(claim.order_id, claim)
    shipping = _Shipping(facts, rules)
    claims = []
    for order_id, claim in sorted((withdrawn_of | first_of).items(), key=lambda c: by_time(c[1])):
        outcome: Outcome = "withdrawn"
        wake_ms = None
        settled = 0
        if order_id in upheld:
            outcome = "genuine"
        elif order_id in first_of:
            outcome, wake_ms, settled = shipping.judge(claim, horizon_ms)
        version = versions[order_id] + shipping.version(order_id)
        is_picked_up = shipping.is_picked_up(order_id)
        claims.append(_Claim(claim, outcome, wake_ms, 3 * version + settled, is_picked_up))
    return claims


def _firsts(
    claims: Sequence[RefundRequested | ComplaintFiled], parcel_of: Mapping[str, int]
) -> dict[str, str]:
    """By claim, the first one about its parcel, both by event: one parcel is one claim."""
    first: dict[int, str] = {}
    found = {}
    for claim in claims:
        parcel = parcel_of.get(claim.order_id)
        event_id = claim.event_id
        found[event_id] = event_id if parcel is None else first.setdefault(parcel, event_id)
    return found


def _granted_requests(facts: Facts) -> dict[str, str]:
    """How requests were granted, by event, where they are all that the buyer did about the order."""
    grants = grants_of(facts)
    complained = {c.order_id for c in facts.of(ComplaintFiled) if c.kind in KINDS}
    found = {}
    for request in facts.of(RefundRequested):
        grant = first_grant(grants.get(request.order_id, ()), request.at_ms)
        if grant and request.order_id not in complained:
            found[request.event_id] = granted_by(grant)
    return found


def _claimed_in_part(facts: Facts) -> Set[str]:
    """The orders of which a part is claimed as out of stock, and never all that was paid."""
    withdrawn = {fact.ref for fact in facts.of(RefundWithdrawn)}
    parts: set[str] = set()
    wholes: set[str] = set()
    for request in facts.of(RefundRequested):
        if request.reason == STOCKOUT and request.ref not in withdrawn:
            (parts if request.says_sent_wrong else wholes).add(request.order_id)
    return parts - wholes


class _Shipping:
    """What is known about the shipping of a buyer's orders, and what it says about a claim."""

    def __init__(self, facts: Facts, rules: Rules) -> None:
        self._rule = rules.T02
        self._picked_up_within_ms = rules.picked_up_within_s * 1000
        self._placed = {fact.ref: fact for fact in facts.of(OrderPlaced)}
        # The last parcel of an order, and when nothing more had to be shipped for it.
        self._sent = {fact.ref: fact for fact in facts.of(Shipped)}
        self._over = {fact.ref: fact for fact in facts.of(ShippingOver)}
        self._picked = {fact.ref: fact for fact in facts.of(PickedUp)}
        self._pickups_ms = pickups_ms(facts)
        self._returned_ms: dict[str, list[int]] = {}
        for parcel in facts.of(ParcelRefused):
            if parcel.how == "returned":
                self._returned_ms.setdefault(parcel.order_id, []).append(parcel.at_ms)
        self._of_a_part = _claimed_in_part(facts)
        self._stockouts_ms = [said.at_ms for said in facts.of(SaidStockout)]
        self._mistakes = SellerSaid(facts, SaidMistake)
        self._unsent = SellerSaid(facts, SaidUnsent)
        # Every claim asks for it.
        self._all_said_ms = sum(
            said.at_ms
            for kind in (SaidStockout, SaidMistake, SaidUnsent)
            for said in facts.of(kind)
        )
        self._paid: dict[str, int] = {}
        self._payments: Counter[str] = Counter()
        for payment in facts.of(OrderPaid):
            self._paid.setdefault(payment.order_id, payment.at_ms)
            self._payments[payment.order_id] += payment.at_ms

    def version(self, order_id: str) -> int:
        """Grows with every fact about the shipping of the order."""
        order, sent, over = (of.get(order_id) for of in (self._placed, self._sent, self._over))
        picked = self._picked.get(order_id)
        return (
            self._payments[order_id]
            + (order.at_ms if order else 0)
            + (sent.at_ms if sent else 0)
            + (picked.at_ms if picked else 0)
            + (_LATEST_MS - over.at_ms if over else 0)
            + self._all_said_ms
            + sum(self._returned_ms.get(order_id, ()))
        )

    def judge(
        self, claim: RefundRequested | ComplaintFiled, horizon_ms: int
    ) -> tuple[Outcome, int | None, int]:
        """Step 3 of the definition; when silence would change it, and how often it has."""
        order_id, claimed_ms = claim.order_id, claim.at_ms
        deadline_ms = self._deadline_ms(order_id)
        if deadline_ms is None:
            return "unknown", None, 0
        sent, over = self._sent.get(order_id), self._over.get(order_id)
        if over and over.at_ms <= deadline_ms and (not sent or sent.at_ms > deadline_ms):
            # What left in time and was sent again, or in two parts, proves nothing to anybody; nor does
            # what had not to be sent any more: closed, refunded, or filed (S2 「備案成功可不發貨」).
            return "unknown", None, 0
        if sent and sent.at_ms > deadline_ms:
            return "genuine", None, 0
        if sent and _reason(claim) == STOCKOUT and not self._was_sent_whole(order_id):
            # Nobody says what was in the parcel: the item that is missed may have been out of stock.
            return "unknown", None, 0
        if not sent and claimed_ms >= deadline_ms:
            return "genuine", None, 0
        if self._was_told(order_id, claimed_ms):
            # Who is told that there is none, or which reason to choose, claims it with reason.
            return "unknown", None, 0
        if min(self._returned_ms.get(order_id, ()), default=NEVER) <= claimed_ms:
            # The carrier took it back, and nobody has a reason for that.
            return "unknown", None, 0
        if sent and self._unsent.about(order_id, claimed_ms, sent.at_ms):
            # The click was followed by the shop's own word that nothing had left.
            return "unknown", None, 0
        if claimed_ms > horizon_ms:
            return "pending", claimed_ms, 0
        if sent:
            return self._if_taken(sent, horizon_ms)
        if horizon_ms >= deadline_ms:
            return "genuine", None, 2
        return "premature", deadline_ms, 1

    def _was_told(self, order_id: str, claimed_ms: int) -> bool:
        """Whether the seller had written so from the order to the claim, both inclusive.

        That it is out of stock, be it of another order of the same basket, or that too little was sent.
        """
        placed = self._placed.get(order_id)
        first = bisect_left(self._stockouts_ms, placed.at_ms) if placed else 0
        return first < bisect_right(self._stockouts_ms, claimed_ms) or self._mistakes.about(
            order_id, claimed_ms
        )

    def is_picked_up(self, order_id: str) -> bool:
        """Whether the carrier is known to have its last parcel."""
        return self._pickups_ms.get(order_id, NEVER) != NEVER

    def _if_taken(self, sent: Shipped, horizon_ms: int) -> tuple[Outcome, int | None, int]:
        """What 发货 in time says of a claim: nothing, if no carrier had the parcel soon after (虚假发货)."""
        at_ms = self._pickups_ms.get(sent.ref)
        last_ms = sent.at_ms + self._picked_up_within_ms
        if at_ms is None or at_ms <= last_ms:
            return "proven", None, 1
        if at_ms == NEVER and horizon_ms < last_ms:
            return "pending", last_ms, 0
        return "unknown", None, 1

    def _was_sent_whole(self, order_id: str) -> bool:
        """Whether that is known: an order that is not read may be of several items.

        Of several units of one some may be missing, if no more than these are claimed.
        """
        placed = self._placed.get(order_id)
        if placed is None or len(placed.items) > 1:
            return False
        return placed.units == 1 or order_id not in self._of_a_part

    def _deadline_ms(self, order_id: str) -> int | None:
        """Step 2 of the definition: T02, or what the parcel promised if that is earlier."""
        placed, paid_ms = self._placed.get(order_id), self._paid.get(order_id)
        ship_by_ms = placed.ship_by_ms if placed else 0
        if paid_ms is not None:
            deadline_ms = ship_times(paid_ms, self._rule, ship_by_ms).limit_ms
        elif ship_by_ms:
            deadline_ms = ship_by_ms
        else:
            # Not what a parcel promises either: a payment that is not read yet may make it earlier.
            return None
        sent, over = self._sent.get(order_id), self._over.get(order_id)
        if sent and sent.promised_by_ms:
            if over and over.at_ms < sent.at_ms:
                # Sent again: what the first parcel promised is not known any more.
                return None
            return min(deadline_ms, sent.promised_by_ms)
        return deadline_ms


def _reason(claim: RefundRequested | ComplaintFiled) -> str:
    return claim.reason if isinstance(claim, RefundRequested) else claim.kind


def _tell(subject: str, claim: _Claim) -> Told:
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


def _counter(claims: Sequence[_Claim]) -> tuple[str, str]:
    of = Counter(claim.outcome for claim in claims)
    return (
        f"该买家另有{of['genuine']}单索赔属实,{of['withdrawn']}单已撤回,{of['unknown']}单情况不明",
        f"{of['genuine']} other claims of this buyer are genuine, {of['withdrawn']} were withdrawn, "
        f"{of['unknown']} cannot be judged",
    )


def _whose_word(numbers: _Count) -> tuple[str, str]:
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


def _reached(
    claims: Sequence[C],
    limits: _Limits,
    key: Callable[[C], str],
    may_accuse: Callable[[Counter[str]], bool],
    proven_ms: list[int],
) -> _Reached:
    """Slide the window over claims, and keep beside each crossing the number that was compared."""
    numbers: list[int] = []

    def level_of(window: Counter[str]) -> Severity | None:
        if not may_accuse(window):
            return None
        level = level_at(len(window), limits.warn, limits.critical)
        if level:
            numbers.append(len(window))
        return level

    crossings = slide(claims, limits.window_s * 1000, key, level_of)
    compared = {c.at_ms: number for c, number in zip(crossings, numbers, strict=True)}
    return _Reached(crossings, compared, proven_ms)


def _episodes(
    reached: _Reached,
    limits: _Limits,
    count: Callable[[Run], _Count],
    counter: tuple[str, str],
    horizon_ms: int,
) -> tuple[list[Episode], list[int]]:
    """The episodes, and the times at which they expire."""
    found = []
    expiries = []
    for run in runs(reached.crossings, limits.cooldown_s * 1000):
        expires_ms = run.last_at_ms + limits.expire_after_s * 1000
        expiries.append(expires_ms)
        status, ended_at_ms = outcome(None, expires_ms, horizon_ms)
        numbers = count(run)
        compared, shipped = reached.highest(run, limits.window_s)
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


DETECTORS = (StockoutFraudByBuyer(), StockoutFraudByShop())
