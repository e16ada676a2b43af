"""D03 sybil_burst (小号恶拍): several accounts that share identities hold stock with unpaid orders.

The definition is docs/detectors/D03.md. Three steps: a buyer tells the identities behind unpaid orders,
an identity that several buyers use passes them on, the shop ties them together. What a newcomer gets
wrong: families and offices share identities too, so sharing alone is nothing and paying ends it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, NamedTuple

from pydantic import Field

from streams.detect import hubs, playbooks
from streams.detect.deadlines import UnpaidClose
from streams.detect.detector import (
    Awaits,
    Count,
    Detector,
    Facts,
    Least,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Wording,
)
from streams.detect.episodes import (
    NOTHING,
    Episode,
    Hold,
    Run,
    Threshold,
    Told,
    Verdict,
    runs,
)
from streams.detect.facts import DAY_MS, NEVER, Identified, OrderPaid, Redirected, Signal
from streams.detect.hubs import Hub
from streams.detect.rings import Limits, Name, RingOrder, Use, crossings, ring_id, rings
from streams.detect.suspicion import (
    LINKED,
    MAX_TOLD_ITEMS,
    PAYER,
    STRONG_KINDS,
    UNPAID,
    Accounts,
    Graces,
    UnpaidOrder,
    first_of_days,
    orders_with_identities,
    pass_on,
    tell,
)
from streams.detect.unpaid import (
    as_closed_ms,
    beside_the_most,
    is_half_paid,
    outcome_of_burst,
    state_of,
)

# More add nothing to a ring. The first ones, for what is not told any more counts as taken back; and whole
# orders, for their addresses are told later than their phones and must not take the place of these.
MAX_ORDERS_TOLD_A_DAY = 50
MAX_PASSED_ON_A_DAY = 200
_KINDS = {
    "phone": ("手机号", "phone"),
    "device": ("设备", "device"),
    "address": ("收货地址", "address"),
    "consignee": ("收货人", "consignee"),
    "payer": ("付款账户", "paying account"),
}


class Rules(RuleBlock):
    """Thresholds of D03: the limits of D01, reached jointly; the rest is proposed."""

    at_least = (
        ("critical_orders", "warn_orders"),
        ("critical_units", "warn_units"),
        ("cooldown_s", "window_s"),
        ("link_gap_s", "window_s"),
        ("weak_grace_s", "grace_s"),
    )

    window_s: Seconds
    grace_s: Seconds
    weak_grace_s: Seconds
    failed_payment_grace_s: Seconds
    min_buyers: Annotated[int, Field(ge=2)]
    warn_orders: Count
    warn_units: Count
    critical_orders: Count
    critical_units: Count
    link_gap_s: Seconds
    hub_paying_buyers: Count
    established_paid_orders: Count
    established_payer_orders: Count
    hubs: list[str]
    cooldown_s: Seconds
    resolve_paid_share_percent: Annotated[int, Field(ge=1, le=100)]
    T01: UnpaidClose

    @cached_property
    def graces(self) -> Graces:
        """How long an order may wait for its payment before an identity hears of it."""
        return Graces(
            1000 * self.grace_s, 1000 * self.weak_grace_s, 1000 * self.failed_payment_grace_s
        )


class UnpaidIdentities(Detector[Rules]):
    """On buyers: tells the identities of orders that stay unpaid. Raises nothing itself."""

    id = "D03"
    name = "sybil_burst"
    subject = "buyer"
    triggers = (Identified, Redirected)
    topics = ("orders", "payments")
    rules = Rules
    reads_receivers = True

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        graces = rules.graces
        wakes: list[int] = []
        told: list[Told] = []
        days: Counter[int] = Counter()
        accounts = Accounts(facts)
        for order in orders_with_identities(facts, graces.strong_ms):
            day = order.placed.at_ms // DAY_MS
            days[day] += 1
            if days[day] > MAX_ORDERS_TOLD_A_DAY:
                continue
            strong_ms, weak_ms = order.counted_ms(graces)
            for kind, hashed in order.identities:
                counted_ms = strong_ms if kind in STRONG_KINDS else weak_ms
                if counted_ms >= order.end_ms:
                    continue
                if counted_ms > horizon_ms:
                    wakes.append(counted_ms)
                else:
                    told.append(tell(facts.subject, order, f"{kind}:{hashed}", counted_ms))
            # Whoever pays for others must first be asked. Known of an order that others are told of already:
            # then whatever is heard of who pays is looked at, whenever it comes.
            if not order.identities or weak_ms >= order.end_ms:
                continue
            if weak_ms > horizon_ms:
                wakes.append(weak_ms)
            else:
                told += _of_accounts(facts.subject, order, accounts, weak_ms)
        return Verdict((), min(wakes, default=None), told) if wakes or told else NOTHING

    def awaits(self, rules: Rules) -> Sequence[Awaits]:
        return (Awaits(Identified, rules.grace_s, OrderPaid),)


def _of_accounts(
    subject: str, order: UnpaidOrder, accounts: Accounts, counted_ms: int
) -> Iterator[Told]:
    """What the accounts hear that had paid or tried to when it counted, and those that paid it at last.

    The payment that ends an order must not tie it for the time before.
    """
    placed_ms = order.placed.at_ms
    tried_ms = [at_ms for at_ms in order.failed if at_ms < order.end_ms]
    known = accounts.known(placed_ms, max([counted_ms, *tried_ms]))
    for account in known:
        yield tell(subject, order, f"{PAYER}:{account}", counted_ms)
    if order.paid_ms < NEVER:
        for account in accounts.known(placed_ms, order.paid_ms):
            if account not in known:
                yield tell(subject, order, f"{PAYER}:{account}", counted_ms, settles=True)


class SharedIdentity(Detector[Rules]):
    """On identities: passes unpaid orders on to the shop once several buyers share the identity."""

    id = "D03"
    name = "sybil_burst"
    subject = "identity"
    triggers = (Signal,)
    topics = ("signals",)
    rules = Rules

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        signals = [s for s in facts.of(Signal) if s.name == UNPAID and s.values]
        if len({s.values.get("buyer") for s in signals}) < 2:
            return NOTHING
        passed = [pass_on(facts.subject, signal) for signal in signals]
        return Verdict(signals=first_of_days(passed, MAX_PASSED_ON_A_DAY))

    def least(self, rules: Rules) -> Least:
        return Least(Signal, facts=2)


class SybilBurst(Detector[Rules]):
    """On shops: rings of accounts. Cost: sorting the linked orders kept, a thousand at most."""

    id = "D03"
    name = "sybil_burst"
    subject = "shop"
    triggers = (Signal,)
    topics = ("signals",)
    rules = Rules
    wording = Wording(
        title=("小号恶拍", "Burst over several accounts"),
        thresholds={
            "accounts": ("关联账号", "Accounts tied together"),
            "orders": ("未付款订单", "Unpaid orders"),
            "units": ("未付款件数", "Unpaid units"),
            "grace": ("付款宽限", "Time to pay"),
        },
        units={"accounts": ("个", "accounts")},
        rules={
            "weak_grace_s": (
                "仅地址相同时的付款宽限",
                "Time to pay where only an address is shared",
            ),
            "min_buyers": ("至少：关联账号", "At least: accounts tied together"),
            "link_gap_s": ("关联订单间隔不超过", "Tied orders no further apart than"),
            "established_paid_orders": (
                "视为老买家的已付款订单数",
                "Paid orders of an established buyer",
            ),
            "established_payer_orders": (
                "不再以付款账户关联的已付款订单数",
                "Paid orders from which on a paying account ties no more",
            ),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        signals = [s for s in facts.of(Signal) if s.name == LINKED and s.values]
        if not signals:
            return NOTHING
        uses, left_out = _uses(signals, rules)
        limits = Limits(
            rules.window_s * 1000,
            rules.min_buyers,
            rules.warn_orders,
            rules.warn_units,
            rules.critical_orders,
            rules.critical_units,
        )
        episodes: list[Episode] = []
        wakes: list[int] = []
        for ring in rings(uses, rules.link_gap_s * 1000, limits):
            of_signal = {order.signal.ref: order for order in ring}
            for run in runs(crossings(ring, limits), rules.cooldown_s * 1000):
                members = [of_signal[member.ref] for member in run.members]
                episodes.append(_episode(run, members, left_out, horizon_ms, rules))
                closings = [(_auto_close_ms(order, rules), order) for order in members]
                wakes += [at for at, o in closings if horizon_ms < at < o.end_ms]
        return Verdict(
            episodes,
            min(wakes, default=None),
            insufficient=("identity_shared_by_payers",) if left_out.of_payers else (),
        )

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        kinds = str(d["kinds"]).split(",")
        shared_zh = "、".join(_KINDS[kind][0] for kind in kinds)
        shared_en = ", ".join(_KINDS[kind][1] for kind in kinds)
        hours = rules.window_s // 3600
        held_units = int(d["held_units"])
        dont_close_en = " Don't close the orders." if held_units else ""
        all_zh, all_en = beside_the_most(d)
        zh = f"疑似同一人使用{d['buyers']}个小号恶拍"
        en = f"{d['buyers']} accounts look like one actor"
        title = "疑似多个小号合拍未付款", "Several accounts, one burst of unpaid orders"
        if d["is_by_payer"]:
            # 代付: who pays for strangers, or an account that is told of every payment, looks the same.
            zh = f"{d['buyers']}个账号由同一账户付款,可能是同一人,也可能是他人代付"
            en = f"{d['buyers']} accounts that one account pays for may be one actor or strangers"
            title = (
                "同一账户付款的多个账号未付款",
                "Accounts that one account pays for left orders unpaid",
            )
        if d["is_half_paid"]:
            # 宿舍, 同事: who pays for half of it is hardly one who holds stock for nothing.
            zh = f"{d['buyers']}个账号可能是同住或同事合拍,至少半数已付款"
            en = f"{d['buyers']} accounts, perhaps of people who live together, have paid for half of it"
        return Presentation(
            title=title,
            summary=(
                f"{zh}:账号之间共用{shared_zh},"
                f"{hours}小时内合计拍下{d['most_orders']}笔共{d['most_units']}件未付款{all_zh},"
                f"目前仍占用{held_units}件库存。关联编号{d['ring']}。"
                f"{'请勿主动关闭订单。' if held_units else ''}",
                f"{en}: they share {shared_en} and left "
                f"{d['most_orders']} orders ({d['most_units']} units) unpaid within {hours} hours"
                f"{all_en}; units still held: {held_units}. Ring {d['ring']}.{dont_close_en}",
            ),
            not_if=(
                f"账号少于{rules.min_buyers}个;合计未付款不足{rules.warn_orders}笔且不足"
                f"{rules.warn_units}件;宽限期内付款或由买家关闭;半数账号付款且付清半数订单和件数;地址改正后不再共用;"
                f"仅付款账户相同而此前已付过{rules.established_payer_orders}笔;"
                f"共用者中有{rules.hub_paying_buyers}个以上付款买家(如公司、宿舍、自提柜)",
                f"fewer than {rules.min_buyers} accounts; jointly fewer than {rules.warn_orders} unpaid "
                f"orders and {rules.warn_units} units; payment, or closing by the buyer, within the "
                "grace; half of the accounts paid, and half of orders and units is paid; a corrected "
                "address; only a paying account in common, after "
                f"{rules.established_payer_orders} paid orders; {rules.hub_paying_buyers} or more "
                "paying buyers behind the identity, as in an office, a dormitory or at a locker",
            ),
            ended=(
                ("大部分订单已付款", "Most of the orders were paid")
                if episode.status == "resolved"
                else (
                    "订单已全部付款或关闭,库存不再被占用",
                    "All orders are paid or closed; no stock is held",
                )
            ),
            steps=(
                *playbooks.steps_after_burst(held_units),
                Step(
                    "A6_evidence_pack",
                    "将相关订单编号和账号登记成表",
                    "Register the orders and accounts in a sheet",
                ),
                *(
                    ()
                    if d["is_half_paid"] or d["is_by_payer"]
                    else (
                        playbooks.complaint(
                            "异常拍下",
                            f"{d['buyers']}个账号共用{shared_zh},{hours}小时内合计拍下{d['most_orders']}笔"
                            f"共{d['most_units']}件未付款{all_zh}",
                        ),
                    )
                ),
            ),
            deadlines=(playbooks.auto_close(int(d["auto_close_ms"])),) if held_units else (),
            cluster_id=str(d["ring"]),
        )


class _LeftOut(NamedTuple):
    """The hubs that orders used, by the names of these; and how many there are because of who paid."""

    of_order: Mapping[Name, Sequence[Hub]]
    of_payers: int


def _uses(signals: Sequence[Signal], rules: Rules) -> tuple[list[Use], _LeftOut]:
    """The links that count, and those that do not because of whom an identity belongs to."""
    by_identity: defaultdict[str, list[Use]] = defaultdict(list)
    for signal in signals:
        v = signal.values
        use = Use(
            str(v.get("identity", "")),
            str(v.get("buyer", "")),
            str(v.get("order", "")),
            int(v.get("counted_ms", 0)),
            int(v.get("paid_ms", 0)) or NEVER,
            int(v.get("paid_before", 0)),
            signal,
        )
        if _may_tie(use, rules):
            by_identity[use.identity].append(use)
    found: list[Use] = []
    of_order: defaultdict[Name, list[Hub]] = defaultdict(list)
    of_payers = 0
    declared = frozenset(rules.hubs)
    for identity, uses in by_identity.items():
        buyers = {use.buyer for use in uses}
        payers = {use.buyer for use in uses if use.paid_ms < NEVER}
        links = [use for use in uses if not use.signal.values.get("settles")]
        if identity in declared:
            hub = hubs.declared(identity)
        elif len({use.buyer for use in links}) < 2:
            continue
        elif len(payers) >= rules.hub_paying_buyers and 2 * len(payers) >= len(buyers):
            hub = hubs.of_payers(identity, len(payers), len(buyers))
            of_payers += 1
        else:
            found += links
            continue
        for use in uses:
            of_order[use.name].append(hub)
    return found, _LeftOut(of_order, of_payers)


def _may_tie(use: Use, rules: Rules) -> bool:
    """Whether its buyer has not bought so much before that the identity says nothing of him."""
    if use.kind == PAYER:
        # Of an account that pays, a payment is known of nearly all whom it could tie.
        most = rules.established_payer_orders
        return bool(use.signal.values.get("settles")) or use.paid_before < most
    return use.is_strong or use.paid_before < rules.established_paid_orders


def _auto_close_ms(order: RingOrder, rules: Rules) -> int:
    return order.signal.at_ms + rules.T01.close_s * 1000


def _episode(
    run: Run, members: Sequence[RingOrder], left_out: _LeftOut, horizon_ms: int, rules: Rules
) -> Episode:
    """What became of the members: as for D01, paid for the most part, or over."""
    paid = sorted(use.paid_ms for use in (o.uses[0] for o in members) if use.paid_ms < NEVER)
    ends = [_end_ms(order, horizon_ms, rules) for order in members]
    percent = rules.resolve_paid_share_percent
    status, ended_at_ms = outcome_of_burst(paid, ends, run.last_at_ms, percent)
    holds = tuple(
        hold for order, end_ms in zip(members, ends, strict=True) for hold in _holds(order, end_ms)
    )
    ended = sum(end_ms < NEVER for end_ms in ends)
    held = [_auto_close_ms(o, rules) for o, end in zip(members, ends, strict=True) if end == NEVER]
    units = sum(order.units for order in members)
    most_buyers, most_orders, most_units = run.compared
    buyers = {order.name[0] for order in members}
    established = {order.name[0] for order in members if order.uses[0].paid_before}
    payers = {order.name[0] for order in members if order.uses[0].paid_ms < NEVER}
    anchor = next(order for order in members if order.signal.ref == run.anchor.ref)
    kinds = {use.kind for order in members for use in order.uses}
    is_half = 2 * len(payers) >= len(buyers) and is_half_paid(
        [order.units for order in members if order.uses[0].paid_ms < NEVER],
        [order.units for order in members],
    )
    return Episode(
        detector="D03",
        anchor=run.anchor,
        opened_at_ms=run.opened_at_ms,
        last_at_ms=run.last_at_ms,
        status=status,
        ended_at_ms=ended_at_ms,
        severity="info" if is_half or PAYER in kinds else run.level,
        steps=len(members) + ended + (status != "open"),
        window_s=rules.window_s,
        members=tuple(order.signal for order in members),
        thresholds=(
            Threshold("accounts", most_buyers, "accounts", rules.min_buyers, rules.min_buyers),
            Threshold("orders", most_orders, "orders", rules.warn_orders, rules.critical_orders),
            Threshold("units", most_units, "units", rules.warn_units, rules.critical_units),
            Threshold("grace", rules.grace_s, "s"),
        ),
        details={
            "buyers": len(buyers),
            "orders": len(members),
            "units": units,
            "most_buyers": most_buyers,
            "most_orders": most_orders,
            "most_units": most_units,
            "held_units": sum(h.units for h in holds if h.state == "held"),
            "is_half_paid": int(is_half),
            "is_by_payer": int(PAYER in kinds),
            "kinds": ",".join(sorted(kinds)),
            # The strongest, earliest identity of the first order: the same while the ring grows, and next
            # time. An address, or who pays, is told later and may not rename it.
            "ring": ring_id(anchor.uses[0].identity),
            # Of what is paid or closed the platform closes nothing any more.
            "auto_close_ms": min(held, default=0),
        },
        counter=(
            *_counter(len(established), len(payers)),
            *hubs.left_out(
                hub for order in members for hub in left_out.of_order.get(order.name, ())
            ),
            *hubs.at_places(str(order.signal.values.get("place", "")) for order in members),
        ),
        holds=holds,
        cooldown_s=rules.cooldown_s,
    )


def _end_ms(order: RingOrder, horizon_ms: int, rules: Rules) -> int:
    return as_closed_ms(order.end_ms, _auto_close_ms(order, rules), horizon_ms)


def _holds(order: RingOrder, end_ms: int) -> Iterator[Hold]:
    state = state_of(order.uses[0].paid_ms, end_ms)
    v = order.signal.values
    for number in range(MAX_TOLD_ITEMS):
        item_id = v.get(f"item{number}")
        if isinstance(item_id, str):
            yield Hold(item_id, order.name[1], int(v.get(f"units{number}", 0)), state)


def _counter(established: int, payers: int) -> tuple[tuple[str, str], ...]:
    return (
        (
            f"其中{established}个账号此前有付款订单,{payers}个账号后来付了款;家人、同事也可能共用手机、地址或代付",
            f"{established} of the accounts had paid before, {payers} paid later; families and "
            "colleagues share phones and addresses, and pay for each other, too",
        ),
    )


DETECTORS = (UnpaidIdentities(), SharedIdentity(), SybilBurst())
