"""D35 banned_buyer_reorder (禁购买家再次下单): a restricted buyer, or an account linked to one, orders again.

The definition is docs/detectors/D35.md. What a newcomer gets wrong: the order stands and must be served;
what is suggested is to serve it so that nothing can be made of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from schemas.alerts import Severity
from streams.detect import hubs, playbooks, shipping_over
from streams.detect.cases import Case, verdict
from streams.detect.deadlines import Ship, UnpaidClose, ship, ship_times, unpaid_close
from streams.detect.detector import (
    ANY_NUMBER,
    Awaits,
    Count,
    Detector,
    Due,
    Facts,
    Least,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Wording,
)
from streams.detect.episodes import NOTHING, Episode, Threshold, Told, Verdict
from streams.detect.facts import (
    BAN_RETENTION_MS,
    BANNED,
    AccountFlagged,
    AnyFact,
    Fact,
    Identified,
    OrderPaid,
    OrderPlaced,
    Signal,
    by_time,
)
from streams.detect.hubs import Hub
from streams.detect.suspicion import (
    PAYER,
    TYING_KINDS,
    UNPAID,
    Accounts,
    TiedOrder,
    late_payers,
    tied_orders,
)

BANNED_LINK = "banned_link"
BANNED_HUB = "banned_hub"
# A banned buyer has few phones, devices and paying accounts; the first ones are told.
MAX_TOLD = 50
# A ban counts for so long after it was told last. All that rests on it is let go before it is.
COUNTS_MS = Fact.retention_ms
# And a strong identity for so long after the banned buyer's last order with it.
USED_MS = BAN_RETENTION_MS
DAY_S = 86_400


class Rules(RuleBlock):
    """What D35 knows beside the flags; all proposed."""

    T01: UnpaidClose
    T02: Ship
    identities: list[str]
    hub_paying_buyers: Count
    expire_after_s: Seconds


class _Reorders:
    """What people read, which is the same for both subjects."""

    wording = Wording(
        title=("禁购再下单", "Banned buyer again"),
        thresholds={"orders_after_ban": ("禁购后下单", "Orders after the ban")},
        details={"banned": ("禁购", "banned")},
        rules={
            "identities": ("禁购买家的关联身份", "Identities of banned buyers"),
        },
    )

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        ended_by = str(episode.details["ended_by"])
        steps, deadlines = _next(episode, rules)
        return Presentation(
            title=("禁购买家或其关联账号再次下单", "Banned buyer or linked account ordered again"),
            summary=_summary(episode),
            not_if=(
                "下单时未被禁购或已解除;与禁购买家不共用手机号、设备或付款账户;"
                f"该身份有{rules.hub_paying_buyers}个以上付款买家;订单已关闭、退款或无需发货",
                "no ban at the time of the order, or one that was lifted; no phone, device or paying account "
                "in common; "
                f"{rules.hub_paying_buyers} or more paying buyers behind it; an order that was closed or "
                "refunded, or need not be shipped",
            ),
            ended=(_ENDED[ended_by] if ended_by else ("已过去较久", "It is long ago")),
            steps=steps,
            deadlines=deadlines,
        )


def _next(episode: Episode, rules: Rules) -> tuple[Sequence[Step], Sequence[Due]]:
    """What to do, and until when, as the order stands."""
    d = episode.details
    paid_ms, is_shipped = int(d["paid_ms"]), bool(d["is_shipped"])
    ended_by = str(d["ended_by"])
    if ended_by == "lifted":
        return (_AS_ANY_OTHER,), ()
    if ended_by:
        return (shipping_over.step_after(ended_by, is_shipped=is_shipped),), ()
    # Of an order of long ago nobody knows whether it still waits for anything.
    if is_shipped or episode.status == "expired":
        return playbooks.paid_order(None, is_shipped=is_shipped), ()
    if not paid_ms:
        closes = unpaid_close(episode.anchor.at_ms, rules.T01).line()
        return (_ONCE_PAID, *playbooks.paid_order(None)), (closes,)
    steps = playbooks.paid_order(ship_times(paid_ms, rules.T02, int(d["ship_by_ms"])))
    last = ship(paid_ms, rules.T02, int(d["ship_by_ms"])).line()
    if isinstance(episode.anchor, Signal):
        # What a shop is told of another account's order holds no promise.
        last = last._replace(zh=f"{last.zh}(承诺更早的,以承诺为准)", en=f"{last.en}{_OR_EARLIER}")
    return steps, (last,)


_ENDED = {
    **shipping_over.REASONS,
    "lifted": ("禁购已解除", "The ban was lifted"),
}


_AS_ANY_OTHER = Step(
    "A4_remind", "禁购已解除,按普通订单处理", "The ban was lifted: serve the order as any other"
)
_ONCE_PAID = Step(
    "A4_remind",
    "订单付款前不发货,等待买家付款或由系统自动关闭;付款后按以下清单处理",
    "Until the order is paid, ship nothing and wait: the buyer pays, or the platform ends it by itself; "
    "once it is paid, follow the list below",
)
_OR_EARLIER = ", or earlier if that was promised"
_CHECK_FIRST = ": check first, and handle it with evidence"


def _summary(episode: Episode) -> tuple[str, str]:
    """Who ordered what; and what to do, or why nothing is left to do."""
    d = episode.details
    buyer, order, ended_by = d["buyer"], d["order_id"], str(d["ended_by"])
    ended_zh, ended_en = _ENDED.get(ended_by, ("", ""))
    if d["how"] == "own":
        return (
            f"禁购买家{buyer}再次下单{order},{ended_zh or '请按取证流程处理'}。",
            f"{buyer}, who {'was' if ended_by else 'is'} banned, placed order {order}"
            f"{f'. {ended_en}' if ended_by else ': handle it with evidence'}.",
        )
    return (
        f"账号{buyer}的订单{order}与禁购买家共用手机号、设备或付款账户,可能为同一人,"
        f"{ended_zh or '请先核实,按取证流程处理'}。",
        f"Order {order} of {buyer} shares a phone, a device or a paying account with a banned buyer, "
        f"who may or may not be the same person{f'. {ended_en}' if ended_by else _CHECK_FIRST}.",
    )


class BannedBuyerReorder(_Reorders, Detector[Rules]):
    """On buyers: orders while banned. Cost: nothing for who was never banned and is not listed."""

    id = "D35"
    name = "banned_buyer_reorder"
    subject = "buyer"
    triggers = (AccountFlagged, Identified)
    topics = ("accounts", "orders", "payments")
    rules = Rules
    reads_receivers = True

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        # An event about something else, such as the phone, lifts no ban.
        flags = [flag for flag in facts.of(AccountFlagged) if flag.is_banned is not None]
        if not rules.identities and not any(flag.is_banned for flag in flags):
            return NOTHING
        seen = {fact.ref: fact for fact in facts.of(Identified)}
        orders = tied_orders(facts, Accounts(facts))
        tied = {ref: [f"{k}:{h}" for k, h in order.identities] for ref, order in orders.items()}
        listed = frozenset(rules.identities)
        paid: dict[str, OrderPaid] = {}
        for payment in facts.of(OrderPaid):
            paid.setdefault(payment.order_id, payment)
        ended, shipped = shipping_over.ended_unshipped(facts), shipping_over.shipped(facts)
        cases: list[Case] = []
        wakes: list[int] = []
        for order in facts.of(OrderPlaced):
            flag = next((f for f in reversed(flags) if f.at_ms <= order.at_ms), None)
            is_own = (
                flag is not None
                and flag.is_banned is True
                and order.at_ms <= flag.at_ms + COUNTS_MS
            )
            if is_own and order.at_ms > horizon_ms:
                # The ban may have been lifted before, and nobody has told us yet.
                wakes.append(order.at_ms)
                is_own = False
            if not is_own and listed.isdisjoint(tied.get(order.ref, ())):
                continue
            lifted = [f.at_ms for f in flags if f.at_ms > order.at_ms and not f.is_banned]
            ends = [ended[order.ref]] if order.ref in ended else []
            ends += [(at_ms, "lifted") for at_ms in lifted[:1]] if is_own else []
            proof = [flag if is_own else None, paid.get(order.ref), seen.get(order.ref)]
            buyer = facts.subject.partition(":")[2]
            cases.append(
                _case(
                    order,
                    [fact for fact in proof if fact is not None],
                    order.at_ms,
                    min(((max(end, order.at_ms), by) for end, by in ends), default=None),
                    buyer,
                    order.ref,
                    paid[order.ref].at_ms if order.ref in paid else 0,
                    order.ship_by_ms,
                    "own" if is_own else "linked",
                    order.ref in shipped,
                )
            )
        concluded = verdict(self.id, cases, horizon_ms, rules.expire_after_s, wakes)
        return concluded._replace(signals=_marks(facts.subject, flags, orders.values()))

    def awaits(self, rules: Rules) -> Sequence[Awaits]:
        # Without a list only the flags matter; with one, every order must be looked at.
        return () if rules.identities else (Awaits(Identified, ANY_NUMBER, OrderPaid),)


class BannedIdentity(Detector[Rules]):
    """On identities: passes on orders of others that share what a banned buyer used."""

    id = "D35"
    name = "banned_buyer_reorder"
    subject = "identity"
    triggers = (Signal,)
    topics = ("signals",)
    rules = Rules
    needs = ("D03",)

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        known = [signal for signal in facts.of(Signal) if signal.values]
        marks = {str(s.values["buyer"]): s for s in known if s.name == BANNED}
        if not marks:
            return NOTHING
        orders = [s for s in known if s.name == UNPAID and s.values["buyer"] not in marks]
        shop, _, identity = facts.subject.partition(":")
        is_hub = late_payers(known, marks) >= rules.hub_paying_buyers
        name = BANNED_HUB if is_hub else BANNED_LINK
        links = [
            Told("shop", shop, _link(name, identity, banned, order))
            for banned, mark in sorted(marks.items())
            for order in orders
            if _is_between(order, mark)
        ]
        # By time, so that a newer order never takes the place of one that was told.
        links.sort(key=lambda one: by_time(one.signal))
        return Verdict(
            signals=links[:MAX_TOLD],
            insufficient=("identity_shared_by_payers",) if is_hub else (),
        )

    def least(self, rules: Rules) -> Least:
        # A mark and an order of somebody else.
        return Least(Signal, facts=2)


class LinkedReorder(_Reorders, Detector[Rules]):
    """On shops: orders of accounts that share a phone, a device or a paying account with a banned buyer."""

    id = "D35"
    name = "banned_buyer_reorder"
    subject = "shop"
    triggers = (Signal,)
    topics = ("signals",)
    rules = Rules
    needs = ("D03",)

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        orders: defaultdict[tuple[str, str], list[Signal]] = defaultdict(list)
        left_out: defaultdict[tuple[str, str], list[Hub]] = defaultdict(list)
        for s in facts.of(Signal):
            if s.name not in (BANNED_LINK, BANNED_HUB) or not s.values:
                continue
            order = str(s.values["buyer"]), str(s.values["order"])
            if s.name == BANNED_LINK:
                orders[order].append(s)
            else:
                identity = str(s.values["identity"])
                left_out[order].append(hubs.of_other_payers(identity, rules.hub_paying_buyers))
        cases = []
        for (buyer, order_id), links in orders.items():
            # Of one event, so time and event id do not say in which order.
            links.sort(key=lambda s: s.ref)
            first = min(links, key=lambda s: s.values["counted_ms"])
            opened_ms = int(first.values["counted_ms"])
            paid_ms = int(first.values.get("paid_ms", 0))
            until_ms = int(first.values.get("until_ms", 0))
            end = (max(until_ms, opened_ms), "closed") if until_ms and not paid_ms else None
            case = _case(first, links, opened_ms, end, buyer, order_id, paid_ms, 0, "linked")
            named = hubs.left_out(left_out.get((buyer, order_id), ()))
            is_firm = any(not _is_account(str(link.values["identity"])) for link in links)
            level: Severity = "warn" if is_firm else "info"
            cases.append(case._replace(level=level, counter=(*case.counter, *named)))
        return verdict(self.id, cases, horizon_ms, rules.expire_after_s) if cases else NOTHING


def _marks(
    subject: str,
    flags: Sequence[AccountFlagged],
    orders: Iterable[TiedOrder],
) -> list[Told]:
    """What a buyer tells the phones, devices and paying accounts of all orders: the ban, or its end."""
    if not any(flag.is_banned for flag in flags):
        return []
    last = since = flags[-1]
    for flag in reversed(flags):
        if not flag.is_banned:
            break
        since = flag
    shop, _, buyer = subject.partition(":")
    # By the last order with each; phones and devices first, for there may be any number of accounts.
    used_ms = {
        f"{kind}:{hashed}": order.at_ms
        for order in orders
        for kind, hashed in order.identities
        if kind in TYING_KINDS
    }
    told = sorted(used_ms.items(), key=lambda used: _is_account(used[0]))[:MAX_TOLD]
    return [
        Told(
            "identity",
            f"{shop}:{identity}",
            Signal(
                # As old as the flag by which it goes: letting that go takes nothing back, only a flag does.
                last.at_ms,
                since.event_id,
                f"{BANNED}/{identity}/{buyer}",
                BANNED,
                # Grows with time: who was forgotten and is banned again has fewer flags, but newer ones.
                last.at_ms + at_ms,
                {
                    "buyer": buyer,
                    "since_ms": since.at_ms,
                    "last_ms": min(last.at_ms + COUNTS_MS, at_ms + USED_MS),
                }
                if last.is_banned
                else {},
            ),
        )
        for identity, at_ms in told
    ]


def _is_account(identity: str) -> bool:
    return identity.startswith(f"{PAYER}:")


def _is_between(order: Signal, mark: Signal) -> bool:
    """Whether somebody's order came while a ban counted. Marks of before say only since when."""
    since_ms = int(mark.values.get("since_ms", mark.at_ms))
    return since_ms < order.at_ms <= int(mark.values.get("last_ms", mark.at_ms + COUNTS_MS))


def _link(name: str, identity: str, banned: str, order: Signal) -> Signal:
    """That an order shares an identity with a banned buyer; all that may change in it is the order's."""
    v = order.values
    kept = v.keys() & {"buyer", "order", "units", "counted_ms", "paid_ms", "until_ms"}
    return Signal(
        order.at_ms,
        order.event_id,
        f"{name}/{identity}/{banned}/{v['buyer']}/{v['order']}",
        name,
        order.version,
        {**{key: v[key] for key in sorted(kept)}, "identity": identity, "banned": banned},
    )


def _case(
    anchor: AnyFact,
    proof: Sequence[AnyFact],
    opened_ms: int,
    end: tuple[int, str] | None,
    buyer: str,
    order_id: str,
    paid_ms: int,
    ship_by_ms: int,
    how: str,
    is_shipped: bool = False,
) -> Case:
    return Case(
        anchor,
        "warn",
        proof if anchor in proof else (anchor, *proof),
        opened_ms,
        {
            "buyer": buyer,
            "order_id": order_id,
            "paid_ms": paid_ms,
            "ship_by_ms": ship_by_ms,
            "how": how,
            "ended_by": end[1] if end else "",
            "is_shipped": int(is_shipped),
        },
        (Threshold("orders_after_ban", 1, "orders", 1),),
        (
            (
                "订单有效,禁购不影响履约;家人可能共用手机、设备或代付",
                "The order stands, a ban changes nothing about serving it; families share phones, "
                "devices and paying accounts",
            ),
        ),
        end[0] if end else None,
    )


DETECTORS = (BannedBuyerReorder(), BannedIdentity(), LinkedReorder())
