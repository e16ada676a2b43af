"""D17 bait_then_complaint (诱导后投诉): minutes after a bait a complaint follows about what it asked for.

The definition is docs/detectors/D17.md: on the buyer who baits and complains, and on the order that one
account asked about and another complains of. What a newcomer gets wrong: a refused invoice is a real
reason to complain, and an own order may be asked about, so nothing is said before both would be known.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from streams.detect import cases
from streams.detect.deadlines import Ship
from streams.detect.detector import Detector, Facts, Presentation, RuleBlock, Seconds, Step, Wording
from streams.detect.detectors import d13_privacy_bait as d13
from streams.detect.detectors.d24_cashback_bait import themes
from streams.detect.episodes import NOTHING, Episode, Threshold, Told, Verdict
from streams.detect.facts import (
    NEVER,
    AnyFact,
    AskedForFreight,
    ChatRefused,
    ChatSaid,
    ComplaintFiled,
    ComplaintRuled,
    Identified,
    InvoiceAsked,
    InvoiceIssued,
    InvoiceRefused,
    PromisedCashback,
    Redirected,
    Signal,
)
from streams.detect.playbooks import complaint
from streams.detect.shipments import LateSeller

SIGNAL = "leak_complaint"
_KINDS = {
    "privacy_leak": ("泄露信息", "leaked data"),
    "invoice": ("发票", "the invoice"),
    "breach_of_promise": ("违背承诺", "a broken promise"),
}
# Which theme of a bait message prepares which complaint.
_PREPARED_BY = {"privacy_leak": "address.", "invoice": "invoice.", "breach_of_promise": "cashback"}

# S1 「违背承诺发票问题」: a refused invoice is a promise that was broken, too.
_EXCUSED_BY_REFUSAL = frozenset({"invoice", "breach_of_promise"})


class Rules(RuleBlock):
    """Thresholds of D17: the minutes are proposed after 「5分钟后」."""

    window_s: Seconds
    named_within_s: Seconds
    invoice_within_s: Seconds
    expire_after_s: Seconds
    T02: Ship


class _Bait(NamedTuple):
    """A fact that prepares complaints of one kind, the chat it rests on being among `facts`."""

    at_ms: int
    kind: str
    order_id: str
    facts: Sequence[AnyFact]


class _BaitThenComplaint:
    """What both subjects have in common: the texts."""

    wording = Wording(
        title=("诱导后投诉", "Baited, then complained"),
        thresholds={"baits_before": ("此前的诱导留言", "Baiting messages before")},
        details={"ended": ("结束时间", "ended")},
        rules={"invoice_within_s": ("发票应开具的时间", "An invoice is due within")},
    )

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        zh, en = _KINDS[str(d["kind"])]
        is_over = episode.status == "resolved"
        next_zh, next_en = _OVER if is_over else _ANSWER
        return Presentation(
            title=("诱导对话后投诉", "Complaint after a bait"),
            summary=(
                f"{d['minutes']}分钟前的诱导对话后收到投诉:{zh}。{next_zh}",
                f"A complaint about {en} followed {d['minutes']} min after a bait. {next_en}",
            ),
            not_if=(
                f"投诉前{rules.window_s // 60}分钟内没有相应的诱导对话;投诉成立;卖家拒绝过开票、要求补运费,"
                "或申请的发票一直未开;卖家承诺过返现,或发货超时",
                f"no bait of that kind within {rules.window_s // 60} minutes before; the complaint was "
                "upheld; the seller refused the invoice, wanted freight, or had left one that was asked for "
                "unissued; had promised the cashback, or was late with the parcel",
            ),
            ended=(
                ("投诉不成立或已撤诉", "The complaint was rejected or withdrawn")
                if is_over
                else ("长时间没有新的进展", "Nothing new for a long time")
            ),
            steps=(
                Step(
                    "A6_evidence_pack",
                    "整理诱导对话、举证号和投诉时间",
                    "Put together the bait, its evidence number and the time of the complaint",
                ),
                complaint("异常投诉", f"诱导对话后{d['minutes']}分钟内投诉{zh}"),
                Step("A5_notify", "通知店铺负责人", "Tell whoever is in charge"),
            ),
        )


# S1 of both kinds: 「目前针对此类投诉,投诉均做不成立处理」.
_ANSWER = (
    "平台对此类投诉的处理原则为不成立(S1,2023年3月),请保留聊天记录并按流程申诉。",
    "The platform's principle is not to uphold such complaints (S1, March 2023): keep the chat and answer "
    "the complaint with it.",
)
# The buyer may appeal, or complain again.
_OVER = (
    "投诉不成立或已撤诉,请保留聊天记录。",
    "It was rejected or withdrawn: keep the chat.",
)


class BaitThenComplaintByBuyer(_BaitThenComplaint, Detector[Rules]):
    """D17 on buyers: one case per complaint; tells orders of complaints about leaked data."""

    id = "D17"
    name = "bait_then_complaint"
    subject = "buyer"
    triggers = (ComplaintFiled,)
    # An own order, a refused invoice or a refusal in the chat would speak for the buyer.
    topics = ("complaints", "orders", "invoices", "chats")
    rules = Rules
    reads_receivers = True

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        filed = [c for c in facts.of(ComplaintFiled) if c.kind in _KINDS]
        if not filed:
            return NOTHING
        rulings = {ruled.ref: ruled for ruled in facts.of(ComplaintRuled)}
        told = [
            _tell(facts.subject, complaint_, rulings.get(complaint_.ref))
            for complaint_ in filed
            if complaint_.kind == "privacy_leak" and complaint_.order_id
        ]
        baits, reasons = _Baits(facts, rules), _Reasons(facts, rules)
        found = [
            case for c in filed if (case := _case(c, baits, rulings.get(c.ref), reasons, rules))
        ]
        settled = [case for case in found if case.opened_at_ms <= horizon_ms]
        wakes = [case.opened_at_ms for case in found]
        verdict = cases.verdict(self.id, settled, horizon_ms, rules.expire_after_s, wakes)
        return verdict._replace(signals=told)


class BaitThenComplaintOnOrder(_BaitThenComplaint, Detector[Rules]):
    """D17 on orders: one account asked for the receiver, another complains that it leaked."""

    id = "D17"
    name = "bait_then_complaint"
    subject = "order"
    triggers = (Signal,)
    topics = ("signals",)
    rules = Rules
    needs = ("D13",)

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        # Those without values were taken back.
        signals = [signal for signal in facts.of(Signal) if signal.values]
        filed = [s for s in signals if s.name == SIGNAL and s.values.get("ruling") != "upheld"]
        asked = [s for s in signals if s.name == d13.SIGNAL]
        found = []
        for signal in filed if asked else ():
            before = [
                ask
                for ask in asked
                if ask.values.get("buyer") != signal.values.get("buyer")
                and signal.at_ms - rules.window_s * 1000 <= ask.at_ms <= signal.at_ms
            ]
            if before:
                ended = int(signal.values.get("ended_ms", 0))
                found.append(
                    _built(signal, "privacy_leak", before, before[-1].at_ms, ended or None)
                )
        if not found:
            return NOTHING
        return cases.verdict(self.id, found, horizon_ms, rules.expire_after_s)


class _Baits:
    """The baits by the kind of complaint that they prepare, asked by time."""

    def __init__(self, facts: Facts, rules: Rules) -> None:
        self._of_kind: dict[str, list[_Bait]] = {}
        for bait in _baits(facts, rules):
            self._of_kind.setdefault(bait.kind, []).append(bait)
        self._times = {kind: [b.at_ms for b in baits] for kind, baits in self._of_kind.items()}

    def before(self, filed: ComplaintFiled, window_s: int) -> list[_Bait]:
        """Those for a complaint, within the window before it, oldest first."""
        times = self._times.get(filed.kind, [])
        first = bisect_left(times, filed.at_ms - window_s * 1000)
        within = self._of_kind.get(filed.kind, [])[first : bisect_right(times, filed.at_ms)]
        return [
            bait
            for bait in within
            if not bait.order_id or not filed.order_id or bait.order_id == filed.order_id
        ]


class _Reasons:
    """What the seller did or left undone: reasons to complain about an invoice, or about a broken promise."""

    def __init__(self, facts: Facts, rules: Rules) -> None:
        self._seller = LateSeller(facts, rules.T02)
        self._promised_ms = min((said.at_ms for said in facts.of(PromisedCashback)), default=NEVER)
        self._freight_ms = [said.at_ms for said in facts.of(AskedForFreight)]
        self._issued_ms = {fact.ref: fact.at_ms for fact in facts.of(InvoiceIssued)}
        self._asked = facts.of(InvoiceAsked)
        self._within_ms = rules.invoice_within_s * 1000
        self._orders = {refused.order_id for refused in facts.of(InvoiceRefused)}
        self._first_in_chat_ms = min((r.at_ms for r in facts.of(ChatRefused)), default=NEVER)

    def speak_for(self, filed: ComplaintFiled, baited_ms: int) -> bool:
        """Whether any of it gave a reason for that complaint, which followed a bait."""
        if filed.kind not in _EXCUSED_BY_REFUSAL:
            return False
        if self._is_refused(filed) or self._is_owed(filed):
            return True
        if any(baited_ms <= at_ms <= filed.at_ms for at_ms in self._freight_ms):
            return True
        return filed.kind == "breach_of_promise" and (
            self._promised_ms <= baited_ms
            or (filed.order_id != "" and self._seller.was_late(filed.order_id, filed.at_ms))
        )

    def _is_owed(self, filed: ComplaintFiled) -> bool:
        """Whether an invoice of that order, or of any where it names none, had been asked for in vain."""
        return any(
            asked.at_ms + self._within_ms
            <= filed.at_ms
            < self._issued_ms.get(asked.invoice_id, NEVER)
            and (not filed.order_id or asked.order_id == filed.order_id)
            for asked in self._asked
        )

    def _is_refused(self, filed: ComplaintFiled) -> bool:
        """Whether an invoice of that order was refused, or one in an earlier chat, which names none.

        Of an invoice only the last refusal is known, and there may have been an earlier one.
        """
        if self._first_in_chat_ms <= filed.at_ms:
            return True
        return filed.order_id in self._orders if filed.order_id else bool(self._orders)


def _baits(facts: Facts, rules: Rules) -> list[_Bait]:
    """Step 2 of the definition, oldest first."""
    found = []
    for message in facts.of(ChatSaid):
        held = themes(message)
        if len(held) > 1 or "invoice." in held:
            found += [
                _Bait(message.at_ms, kind, "", (message,))
                for kind, theme in _PREPARED_BY.items()
                if theme in held
            ]
    for ask in d13.foreign_asks(facts, rules.named_within_s):
        found.append(_Bait(ask.message.at_ms, "privacy_leak", "", (ask.message, ask.naming)))
    home = {fact.ref: fact.address for fact in facts.of(Identified)}
    home |= {fact.ref: fact.address for fact in facts.of(Redirected)}
    for invoice in facts.of(InvoiceAsked):
        address = home.get(invoice.order_id, "")
        if invoice.address and address and invoice.address != address:
            found.append(_Bait(invoice.at_ms, "invoice", invoice.order_id, (invoice,)))
    return sorted(found, key=lambda bait: bait.at_ms)


def _case(
    filed: ComplaintFiled,
    baits: _Baits,
    ruled: ComplaintRuled | None,
    reasons: _Reasons,
    rules: Rules,
) -> cases.Case | None:
    if ruled is not None and ruled.ruling == "upheld":
        return None
    before = baits.before(filed, rules.window_s)
    if not before:
        return None
    if reasons.speak_for(filed, before[0].at_ms):
        return None
    rests_on = [fact for bait in before for fact in bait.facts]
    return _built(filed, filed.kind, rests_on, before[-1].at_ms, ruled.at_ms if ruled else None)


def _built(
    filed: AnyFact, kind: str, baits: Sequence[AnyFact], last_ms: int, ended_ms: int | None
) -> cases.Case:
    members = {fact.event_id: fact for fact in (filed, *baits)}
    return cases.Case(
        anchor=filed,
        level="critical",
        members=list(members.values()),
        opened_at_ms=filed.at_ms,
        details={"kind": kind, "minutes": (filed.at_ms - last_ms) // 60_000},
        thresholds=(Threshold("baits_before", len(members) - 1, "messages", 1, 1),),
        counter=(
            (
                "投诉是否成立以平台判定为准",
                "whether the complaint holds is for the platform to say",
            ),
        ),
        resolved_at_ms=ended_ms,
    )


def _tell(subject: str, filed: ComplaintFiled, ruled: ComplaintRuled | None) -> Told:
    shop, _, buyer = subject.partition(":")
    values: dict[str, int | str | bool] = {
        "buyer": buyer,
        "order": filed.order_id,
        "ruling": ruled.ruling if ruled else "",
        "ended_ms": ruled.at_ms if ruled else 0,
    }
    signal = Signal(
        filed.at_ms,
        filed.event_id,
        f"{SIGNAL}/{buyer}/{filed.ref}",
        SIGNAL,
        filed.at_ms + (ruled.at_ms if ruled else 0),
        values,
    )
    return Told("order", f"{shop}:{filed.order_id}", signal)


DETECTORS = (BaitThenComplaintByBuyer(), BaitThenComplaintOnOrder())
