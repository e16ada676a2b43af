"""D12 refused_then_refund (拒签后退款): the parcel was refused or came back, and then a refund is asked for.

The definition is docs/detectors/D12.md. What a newcomer gets wrong: refusing a parcel is a buyer's right and
the refund is due. The alert is about proof, above all the stamped certificate of the carrier out there;
once the refund is granted it is over, and yet the case counts for the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from schemas.alerts import Severity
from streams.detect import playbooks
from streams.detect.cases import Case, verdict
from streams.detect.deadlines import Ship
from streams.detect.detector import (
    Count,
    Currency,
    Detector,
    Facts,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Wording,
)
from streams.detect.episodes import MINOR_UNITS_OF, Episode, Threshold, Verdict
from streams.detect.facts import (
    LARGE_AMOUNT_MINOR,
    LARGE_UNITS,
    NEVER,
    AnyFact,
    AskedToRefuse,
    BuyerTold,
    LargeOrder,
    OrderPlaced,
    ParcelRefused,
    RefundRequested,
    by_time,
)
from streams.detect.filings import accepted_ms, refund_reply
from streams.detect.orders import large_orders
from streams.detect.refunds import (
    Ending,
    ended,
    first_grant,
    first_granted_ms,
    grants_of,
    refund_of,
    withdrawn_ms,
)
from streams.detect.sellers_word import SellerSaid
from streams.detect.shipments import LateSeller

# With these the carrier or the seller is at fault, and refusing the parcel was right (N15, N19).
NOT_THE_BUYERS = frozenset({"damaged", "wrong_item", "late_shipment", "stockout"})


class Rules(RuleBlock):
    """Thresholds of D12, all proposed."""

    large_units: Annotated[int, Field(ge=LARGE_UNITS)]
    large_amount_minor: Annotated[int, Field(ge=LARGE_AMOUNT_MINOR)]
    currency: Currency
    prior_cases: Count
    prior_window_s: Seconds
    expire_after_s: Seconds
    T02: Ship


class RefusedThenRefund(Detector[Rules]):
    """D12 on buyers, one case for each order. Cost: linear in the facts of a buyer who refused one."""

    id = "D12"
    name = "refused_then_refund"
    subject = "buyer"
    triggers = (ParcelRefused,)
    topics = ("shipments", "refunds", "chats")
    rules = Rules
    wording = Wording(
        title=("拒签后退款", "Refund after refusing the parcel"),
        thresholds={
            "requests": ("退款申请", "Refund requests"),
            "units": ("件数", "Units"),
            "amount": ("金额", "Amount"),
            "cases_before": ("此前的同类订单", "Such orders before"),
        },
        rules={
            "large_amount_minor": ("大额订单的金额", "Amount of a large order"),
            "prior_cases": ("此前的拒收订单", "Refused orders before"),
            "prior_window_s": ("向前查看", "Looks back"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        parcels = _parcels(facts)
        asked = _asked(facts, _unwished(parcels, facts, horizon_ms))
        withdrawn = withdrawn_ms(facts)
        grants = grants_of(facts)
        large = {order.ref: order for order in large_orders(facts)}
        filed = accepted_ms(facts)
        side = _BuyersSide(facts, parcels, rules)
        cases: list[Case] = []
        for name, requests in sorted(asked.items(), key=lambda item: by_time(item[1][0])):
            prior = _prior(cases, requests[0].at_ms, rules)
            grant = first_grant(grants.get(name, ()), requests[0].at_ms)
            end = ended(requests, withdrawn, grant)
            case = _case(parcels[name], requests, end, large.get(name), prior, side, rules)
            cases.append(case._replace(details={**case.details, "is_filed": int(name in filed)}))
        # Whether anybody was asked to refuse it may not be read yet.
        wakes = [of_order[0].at_ms for of_order in parcels.values()]
        return verdict(self.id, cases, horizon_ms, rules.expire_after_s, wakes)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        why_zh = "、".join(
            zh
            for zh, is_so in (
                ("大额订单", d["is_large"]),
                (f"此前另有{d['prior']}单拒签", d["prior"]),
            )
            if is_so
        )
        why_en = ", ".join(
            en
            for en, is_so in (
                ("a large order", d["is_large"]),
                (f"{d['prior']} refused before", d["prior"]),
            )
            if is_so
        )
        told_zh, told_en = _TOLD[str(d["ended_by"])]
        is_refused = bool(d["is_refused"])
        what_zh = (
            f"买家拒签订单{d['order_id']}" if is_refused else f"订单{d['order_id']}的包裹被退回"
        )
        return Presentation(
            title=("拒签后申请退款", "Parcel refused, then a refund")
            if is_refused
            else ("包裹退回后申请退款", "Parcel came back, then a refund"),
            summary=(
                f"{what_zh}后申请退款{f'({why_zh})' if why_zh else ''},{told_zh}。",
                f"{'Order' if is_refused else 'The parcel of order'} {d['order_id']} "
                f"{'was refused' if is_refused else 'came back'}, then a refund was asked for"
                f"{f' ({why_en})' if why_en else ''}; {told_en}.",
            ),
            not_if=(
                "退款申请撤回;因破损、错发、延迟或缺货而拒签;卖家此前请买家拒签,或在拒签前已同意退款",
                "the request is taken back; the parcel was refused for damage, a wrong item, lateness "
                "or a stockout; the seller had asked to refuse it, or had agreed to the refund before",
            ),
            ended=_ENDED[str(d["ended_by"])],
            steps=(*_PROOFS, *(() if d["ended_by"] else _replies(episode))),
        )


def _replies(episode: Episode) -> tuple[Step, ...]:
    """What to answer: nothing any more, once the refund is granted or nobody asks for it."""
    reply = refund_reply(_CHECK_FIRST, is_filed=bool(episode.details["is_filed"]))
    d = episode.details
    # Words are believed once.
    is_believed = d["was_told"] and not d["prior"]
    # A parcel may come back because the carrier gave up: then nobody did anything to complain about.
    if episode.severity == "info" or not d["is_refused"] or is_believed:
        return (reply,)
    return reply, playbooks.complaint("异常退款")


_WAS_LATE = ("卖家发货超过时限", "the shop sent it too late")
_WAS_TOLD = (
    "买家在此之前申请过退款,或在聊天中说明过包裹情况",
    "the buyer had asked for the refund before, or wrote how the parcel fared",
)
_TOLD = {
    "": ("请索取当地快递红章证明", "get the carrier's stamped certificate"),
    "agreed": (
        "已同意退款;请核对退回的包裹,保留快递红章证明",
        "the refund was agreed; check what comes back and keep the carrier's stamped certificate",
    ),
    "ruled": (
        "平台已判定买家有理;请核对退回的包裹,保留快递红章证明",
        "the platform found the buyer right; check what comes back and keep the carrier's stamped "
        "certificate",
    ),
    "succeeded": (
        "已退款;请核对退回的包裹,保留快递红章证明",
        "the refund was paid; check what comes back and keep the carrier's stamped certificate",
    ),
    "withdrawn": ("申请已撤回", "the request was taken back"),
}
_ENDED = {
    "": ("该申请已久无进展", "Nothing new about the request for long"),
    "agreed": ("已同意退款", "The refund was agreed"),
    "ruled": ("平台已判定买家有理", "The platform found the buyer right"),
    "succeeded": ("已退款", "The refund was paid"),
    "withdrawn": ("退款申请已撤回", "The request was taken back"),
}
# The parcel is on its way back whoever was right, and the carrier owes an answer for it.
_PROOFS = (
    Step(
        "A6_evidence_pack",
        "向收货地快递公司索取红章证明,写明拒签或退回",
        "Get the stamped certificate of the local carrier that says it was refused",
    ),
    Step(
        "A6_evidence_pack",
        "收到退回包裹时拍照、核对数量和重量,保留退回运费凭证",
        "When the parcel is back: photograph it, check number and weight, keep the freight receipts",
    ),
)
_CHECK_FIRST = Step(
    "A12_suggest_refund_reply",
    "包裹退回核对无误后同意退款;退回运费可与买家协商",
    "Agree to the refund once the parcel is back and checked; the return freight can be discussed with "
    "the buyer",
    (("包裹已退回", "the parcel is back"),),
)


def _parcels(facts: Facts) -> dict[str, list[ParcelRefused]]:
    """By order, the parcels of it that were refused or came back, oldest first."""
    found: dict[str, list[ParcelRefused]] = {}
    for parcel in facts.of(ParcelRefused):
        found.setdefault(parcel.order_id, []).append(parcel)
    return found


def _unwished(
    parcels: Mapping[str, Sequence[ParcelRefused]], facts: Facts, horizon_ms: int
) -> dict[str, int]:
    """By order, when it first came back: who was asked to refuse it did as the shop wished."""
    wished = SellerSaid(facts, AskedToRefuse)
    first_ms = {name: of_order[0].at_ms for name, of_order in parcels.items()}
    return {
        name: at_ms
        for name, at_ms in first_ms.items()
        if at_ms <= horizon_ms and not wished.about(name, at_ms)
    }


def _asked(facts: Facts, came_back_ms: Mapping[str, int]) -> dict[str, list[RefundRequested]]:
    """Step 2 of the definition: by order, the requests that count, oldest first."""
    settled_ms = first_granted_ms(facts)
    found: dict[str, list[RefundRequested]] = {}
    for request in facts.of(RefundRequested):
        back_ms = came_back_ms.get(request.order_id, NEVER)
        # What the shop could not stop any more (拦截) is refused because the refund is settled.
        is_settled = settled_ms.get(refund_of(request), NEVER) <= back_ms
        if request.at_ms >= back_ms and not is_settled and _counts(request):
            found.setdefault(request.order_id, []).append(request)
    return found


def _counts(request: RefundRequested) -> bool:
    """Whether nothing in the request speaks for the buyer.

    Who has the goods and sends them back was handed the parcel after all, at a second try or by another one
    (N18). What the buyer ticks proves nothing where nothing is to come back.
    """
    has_goods = request.goods_status == "received" and not request.refund_only
    return not has_goods and request.reason not in NOT_THE_BUYERS


def _prior(cases: Sequence[Case], at_ms: int, rules: Rules) -> int:
    """How many cases there had been shortly before."""
    window_ms = rules.prior_window_s * 1000
    return sum(
        # A parcel that only came back may be the carrier's doing.
        case.details["ended_by"] != "withdrawn"
        and bool(case.details["is_refused"])
        and case.opened_at_ms < at_ms <= case.opened_at_ms + window_ms
        for case in cases
    )


class _BuyersSide:
    """What speaks for a buyer whose parcel came back."""

    def __init__(
        self, facts: Facts, parcels: Mapping[str, Sequence[ParcelRefused]], rules: Rules
    ) -> None:
        # Whatever the buyer says (N15).
        self.seller = LateSeller(facts, rules.T02)
        self._placed_ms = {order.ref: order.at_ms for order in facts.of(OrderPlaced)}
        self._told_ms = [told.at_ms for told in facts.of(BuyerTold) if told.kind == "parcel"]
        withdrawn = withdrawn_ms(facts)
        self._announced = {
            request.order_id
            for request in facts.of(RefundRequested)
            if request.order_id in parcels
            and request.at_ms < parcels[request.order_id][0].at_ms
            and request.ref not in withdrawn
        }

    def was_told(self, order_id: str, to_ms: int) -> bool:
        """Whether the buyer wrote how it fared before the refund was asked for, or had asked for one before.

        Words alone: 「快递盒压扁了」, 「没给我打电话」, 「麻烦拦截」.
        """
        since_ms = self._placed_ms.get(order_id, 0)
        return order_id in self._announced or any(
            since_ms <= at_ms <= to_ms for at_ms in self._told_ms
        )


def _case(
    parcels: Sequence[ParcelRefused],
    requests: Sequence[RefundRequested],
    end: Ending,
    large: LargeOrder | None,
    prior: int,
    side: _BuyersSide,
    rules: Rules,
) -> Case:
    why_large = _why_large(large, rules)
    order_id = parcels[0].order_id
    is_refused = any(parcel.how == "refused" for parcel in parcels)
    was_late = side.seller.left_late(order_id)
    was_told = side.was_told(order_id, requests[0].at_ms)
    # What a carrier brings back nobody need have refused.
    is_doubtful = prior >= rules.prior_cases or (bool(why_large) and is_refused)
    level: Severity = "warn" if is_doubtful and not was_late and end.by != "ruled" else "info"
    members: list[AnyFact] = [*parcels, *requests]
    members += [large] if large is not None and why_large else []
    members += [end.grant] if end.grant else []
    return Case(
        parcels[0],
        level,
        members,
        requests[0].at_ms,
        {
            "order_id": order_id,
            "is_refused": int(is_refused),
            "was_late": int(was_late),
            "was_told": int(was_told),
            "is_large": int(bool(why_large)),
            "prior": prior,
            "ended_by": end.by,
        },
        (
            Threshold("requests", len(requests), "requests", info=1),
            *why_large,
            Threshold("cases_before", prior, "orders", rules.prior_cases),
        ),
        (
            (
                "拒签是买家的权利,退款本身不代表恶意",
                "Refusing a parcel is a buyer's right; the refund alone is no bad intent",
            ),
            *((_WAS_LATE,) if was_late else ()),
            *((_WAS_TOLD,) if was_told else ()),
        ),
        end.at_ms,
    )


def _why_large(order: LargeOrder | None, rules: Rules) -> tuple[Threshold, ...]:
    """The numbers of a large order; nothing of any other, for it is no evidence and may come at any time."""
    if order is None:
        return ()
    amount_minor = order.amount_in(rules.currency)
    if order.units < rules.large_units and amount_minor < rules.large_amount_minor:
        return ()
    units = Threshold("units", order.units, "units", rules.large_units)
    # An amount in another currency was not compared.
    if order.currency != rules.currency:
        return (units,)
    unit = MINOR_UNITS_OF + rules.currency
    return units, Threshold("amount", amount_minor, unit, rules.large_amount_minor)


DETECTORS = (RefusedThenRefund(),)
