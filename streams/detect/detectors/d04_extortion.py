"""D04 extortion (敲诈): a buyer wants money and threatens with a complaint, a bad review or the like.

The definition is docs/detectors/D04.md. What a newcomer gets wrong: half of it is an ordinary
conversation. Anger threatens without a demand, and haggling demands without a threat.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Literal

from schemas.alerts import Severity
from streams.detect import cases
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
    Verdict,
    runs,
    slide,
)
from streams.detect.facts import (
    DAY_MS,
    LARGE_AMOUNT_MINOR,
    NEVER,
    ChatSaid,
    ComplaintFiled,
    ComplaintRuled,
    OfferedMoney,
    OwnMoney,
    ReasonGiven,
    RefundRequested,
    SaidMistake,
    SaidStockout,
)
from streams.detect.playbooks import complaint, police_report
from streams.detect.text.extortion import CLAIM

_THREATS = {
    "threat.complaint": ("投诉", "a complaint"),
    "threat.bad_review": ("差评", "a bad review"),
    "threat.refusal": ("拒收或退货", "refusing or returning parcels"),
    "threat.sabotage": ("扰乱经营", "disrupting the shop"),
    "threat.report": ("举报", "reporting the shop"),
    "threat.exposure": ("曝光", "exposure"),
    "threat.retraction": ("改评价或撤诉", "keeping the review or complaint"),
}


class Rules(RuleBlock):
    """Thresholds of D04, all proposed."""

    at_least = (("cooldown_s", "window_s"), ("critical_score", "warn_score"))

    window_s: Seconds
    cooldown_s: Seconds
    expire_after_s: Seconds
    # C4: the sources disagree on whether gifts and unnamed compensation are extortion.
    soft_level: Literal["info", "warn"]
    warn_score: Count
    critical_score: Count


class Extortion(Detector[Rules]):
    """D04 on buyers. Cost: linear in the messages that carry signals; one look for everybody else."""

    id = "D04"
    name = "extortion"
    subject = "buyer"
    triggers = (ChatSaid,)
    topics = ("chats",)
    rules = Rules
    wording = Wording(
        title=("敲诈", "Extortion"),
        thresholds={
            "score": ("综合分值", "Score"),
            "threats": ("威胁留言", "Threats"),
            "demands": ("索要留言", "Demands"),
            "complaints_open": ("未结投诉", "Open complaints"),
        },
        units={
            "points": ("分值", "points"),
            "complaints": ("起", "complaints"),
        },
        rules={
            "soft_level": ("索要赠品等的级别", "Level of a demand for gifts"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        crossings = demands_under_threat(facts, rules.window_s, rules.soft_level)
        if not crossings:
            return NOTHING
        complaints, reasons = _Complaints(facts), Reasons(facts)
        refunds = len({request.order_id for request in facts.of(RefundRequested)})
        found = [
            _case(run, complaints, reasons, refunds, rules)
            for run in runs(crossings, rules.cooldown_s * 1000)
        ]
        return cases.verdict(self.id, found, horizon_ms, rules.expire_after_s)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        buyer = subject.partition(":")[2]
        # As a number alone, for dollars are demanded too, and a bare number does not say of what.
        amount = _amount(int(d["amount_minor"]))
        zh = f"索要{amount or '财物'}"
        en = f"demands {amount}" if amount else "makes a demand"
        is_soft = episode.severity == "info"
        return Presentation(
            title=(
                ("要求补偿并提及投诉或评价", "Asks for compensation and mentions a complaint")
                if is_soft
                else ("疑似敲诈:以投诉或差评索要财物", "Money demanded under threat")
            ),
            summary=(
                f"买家{buyer}以{d['threats_zh']}为由{zh}。请勿协商或私下转账,保留旺旺举证号。"
                if not is_soft
                else f"买家{buyer}提到{d['threats_zh']}并要求补偿或赠品,可能是正常售后诉求,请先核实。",
                f"{buyer} {en} and threatens with {d['threats_en']}. Don't bargain and don't transfer "
                "anything privately; keep the chat's evidence number."
                if not is_soft
                else f"{buyer} mentions {d['threats_en']} and asks for compensation or a gift; it may "
                "be an ordinary claim, look into it first.",
            ),
            not_if=(
                "只有威胁没有索要;只谈发货、运费、退款或差价;转述他人的话;两者相隔超过"
                f"{rules.window_s // 60}分钟;当天或前一天说明过原因的赔偿只作提示",
                "a threat without a demand; talk of shipping, freight, refunds or price differences "
                f"only; others' words; more than {rules.window_s // 60} minutes between the two; "
                "compensation whose reason was given that day or the day before only informs",
            ),
            ended=("之后没有新的威胁和索要", "No further demand under a threat since then"),
            steps=(
                Step(
                    "A5_notify",
                    "通知店铺负责人,由专人接手会话",
                    "Tell whoever is in charge; one person takes over the chat",
                ),
                Step(
                    "A11_warn_agent",
                    "提醒客服:如实处理商品问题,不私下承诺任何财物",
                    "Remind the agent: solve problems with the goods, promise nothing privately",
                ),
                Step(
                    "A6_evidence_pack",
                    "保存旺旺举证号和完整聊天截图(含第三方聊天工具)",
                    "Keep the chat's evidence number and whole screenshots, of other messengers too",
                ),
                *(
                    ()
                    if is_soft
                    else (complaint("恶意敲诈", "买家以投诉或评价为由索要财物"), police_report())
                ),
            ),
        )


def _amount(hundredths: int) -> str:
    """The number as it was meant; empty for none."""
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02}" if rest else str(whole or "")


def demands_under_threat(
    facts: Facts, window_s: int, soft_level: Severity = "info"
) -> list[Crossing]:
    """Step 1 of the definition: the moments at which a window holds a threat and a demand.

    A demand for money gives warn, or critical with an amount and another channel; other demands give
    `soft_level`. Complaints are not looked at. Other detectors ask this too.
    """
    reasons = Reasons(facts)
    marks_of = partial(_marks, reasons=reasons)
    messages = [m for m in facts.of(ChatSaid) if marks_of(m)]
    marks = "".join(map(marks_of, messages))
    if "T" not in marks or not ("M" in marks or "S" in marks):
        return []

    def level_of(window: Counter[str]) -> Severity | None:
        held = "".join(window)
        if "T" not in held:
            return None
        if "M" in held:
            return "critical" if "A" in held and "C" in held else "warn"
        return soft_level if "S" in held else None

    return slide(messages, window_s * 1000, marks_of, level_of)


class Reasons:
    """On which days a reason was given, and what that makes of demands for compensation.

    By the buyer, or by the seller, who owned up to a mistake or had no goods: then nobody need say it again.
    """

    def __init__(self, facts: Facts) -> None:
        self._since = {int(given.ref): given.at_ms for given in facts.of(ReasonGiven)}
        for said in (*facts.of(SaidMistake), *facts.of(SaidStockout)):
            day = said.at_ms // DAY_MS
            self._since[day] = min(said.at_ms, self._since.get(day, NEVER))
        self._offered = _Sums(facts.of(OfferedMoney))
        # S1 「金额从一千到上万不等」: of so much a word alone excuses nothing.
        self._own = _Sums([o for o in facts.of(OwnMoney) if o.amount_minor < LARGE_AMOUNT_MINOR])

    def wants_money(self, message: ChatSaid) -> bool:
        """Whether a message wants money that it is not known to have any claim to."""
        return "demand.money" in message.found and not self.is_claim(message)

    def is_claim(self, message: ChatSaid) -> bool:
        """Whether all money that it wants is due, or is compensation whose reason was given.

        That day or the day before. Whole days, for of the buyer's only the first reason of a day is kept.
        """
        if self._is_due(message):
            return True
        if f"{CLAIM}@" not in message.found or "demand.money@" in message.found:
            return False
        day = message.at_ms // DAY_MS
        return day - 1 in self._since or self._since.get(day, NEVER) <= message.at_ms

    def _is_due(self, message: ChatSaid) -> bool:
        """Whether the shop had offered as much, that day or the day before: 「说给我的50呢」.

        Or the buyer had told, in another message, that as much is its own: 「我付了两次,多付了120」. Not
        where it is to go through another channel, which S3 has extortion do.
        """
        wanted = message.amount_minor
        return wanted > 0 and (
            self._offered.most(message) >= wanted
            or ("contact." not in message.found and self._own.most(message) >= wanted)
        )


class _Sums:
    """The sums that were told, asked in logarithmic time for the largest that a message may go by."""

    def __init__(self, told: Sequence[OfferedMoney | OwnMoney]) -> None:
        # By day the times, and up to each the largest sum, the event that told it, and the next largest.
        self._days: defaultdict[int, tuple[list[int], list[tuple[int, str, int]]]]
        self._days = defaultdict(lambda: ([], [(0, "", 0)]))
        for said in told:
            times, most = self._days[said.at_ms // DAY_MS]
            largest, event_id, next_largest = most[-1]
            times.append(said.at_ms)
            if said.amount_minor > largest:
                most.append((said.amount_minor, said.event_id, largest))
            else:
                most.append((largest, event_id, max(next_largest, said.amount_minor)))

    def most(self, message: ChatSaid) -> int:
        """The largest sum that day, up to the message, or the day before; not what it says itself."""
        day = message.at_ms // DAY_MS
        found = 0
        for times, most in (self._days[d] for d in (day - 1, day) if d in self._days):
            largest, event_id, next_largest = most[bisect_right(times, message.at_ms)]
            found = max(found, next_largest if event_id == message.event_id else largest)
        return found


def _marks(message: ChatSaid, reasons: Reasons) -> str:
    """Which of threat, money, soft demand, amount and channel a message carries."""
    found, is_claim = message.found, reasons.is_claim(message)
    marks = "T" if "threat." in found else ""
    if "demand.money" in found and not is_claim:
        marks += "M"
    if "demand.soft" in found or is_claim:
        marks += "S"
    # As where the reason stands in the same message: what is claimed is no amount of a demand.
    if message.amount_minor and not is_claim:
        marks += "A"
    if "contact." in found:
        marks += "C"
    return marks


class _Complaints:
    """The buyer's complaints, asked by when they were open; not those in which the buyer was right."""

    def __init__(self, facts: Facts) -> None:
        ruled = {fact.ref: fact for fact in facts.of(ComplaintRuled)}
        self._spans = [
            (filed, ruled[filed.ref].at_ms if filed.ref in ruled else NEVER)
            for filed in facts.of(ComplaintFiled)
            if filed.ref not in ruled or ruled[filed.ref].ruling != "upheld"
        ]

    def open_within(self, from_ms: int, to_ms: int) -> list[ComplaintFiled]:
        """Those that were filed by the end and not ruled on by the beginning."""
        return [filed for filed, ruled in self._spans if filed.at_ms <= to_ms and ruled > from_ms]


def _case(
    run: Run, complaints: _Complaints, reasons: Reasons, refunds: int, rules: Rules
) -> cases.Case:
    messages = [m for m in run.members if isinstance(m, ChatSaid)]
    codes = dict.fromkeys(code for m in messages for code in m.codes() if code in _THREATS)
    threats = [_THREATS[code] for code in codes]
    # A threat may be carried out after the last message about it: for as long as another message
    # would belong to the same episode.
    carried_out = (
        complaints.open_within(run.opened_at_ms, run.last_at_ms + rules.cooldown_s * 1000)
        if run.level == "warn"
        else []
    )
    level: Severity = "critical" if carried_out else run.level
    score = {"info": 1, "warn": rules.warn_score, "critical": rules.critical_score}[level]
    return cases.Case(
        anchor=run.anchor,
        level=level,
        members=(*run.members, *carried_out),
        opened_at_ms=run.opened_at_ms,
        details={
            "threats_zh": "、".join(zh for zh, _ in threats),
            "threats_en": ", ".join(en for _, en in threats),
            "amount_minor": max(0 if reasons.is_claim(m) else m.amount_minor for m in messages),
            "messages": len(messages),
        },
        thresholds=(
            Threshold("score", score, "points", rules.warn_score, rules.critical_score, 1),
            Threshold("threats", sum(m.says("threat.") for m in messages), "messages", info=1),
            Threshold("demands", sum(m.says("demand.") for m in messages), "messages", info=1),
            Threshold("complaints_open", len(carried_out), "complaints", critical=1),
        ),
        counter=tuple(_counter(refunds)),
        window_s=rules.window_s,
        cooldown_s=rules.cooldown_s,
    )


def _counter(refunds: int) -> list[tuple[str, str]]:
    found = [
        (
            "以上话语由规则识别,请通读对话:玩笑、转述或事先的约定也可能如此",
            "the words were found by rules: read the conversation, for a joke, a quotation or an "
            "agreement may read the same",
        )
    ]
    if refunds:
        found.append(
            (
                f"该买家另有{refunds}笔订单申请过退款,其中可能有真实的商品问题",
                f"refunds were asked for on {counted(refunds, 'order')} of this buyer; there may be a real "
                "problem with the goods",
            )
        )
    return found


DETECTORS = (Extortion(),)
