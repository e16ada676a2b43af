"""The deadlines T01 to T12: when to remind, when each is due, and when it is broken.

They are derived from facts and never stored, so they survive every restart. What a newcomer gets wrong:
`last_ms` is inclusive. Whoever acts at that very millisecond is in time; silence *through* it is a breach.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.alerts import Severity
from streams.detect.detector import Count, Due, RuleBlock, Seconds
from streams.detect.working_days import end_of_working_day, time_zone

State = Literal["running", "reminded", "due", "breached", "met", "met_late"]
Code = Literal[
    "T01", "T02", "T03", "T04", "T05", "T06", "T07", "T08", "T09", "T10", "T11", "T12"
]  # fmt: skip
# Past its time, nothing is broken: the platform does it.
DONE_BY_PLATFORM: frozenset[str] = frozenset({"T01"})
# Promises to ourselves, of which the platform knows nothing and no alert speaks.
OUR_OWN: frozenset[str] = frozenset({"T09", "T10"})
# What an alert says of the others is due when they are reminded of for the last time.
_DUE_AT_ITS_END: frozenset[str] = frozenset({"T01", "T11"})
DAY_S = 86_400
_UNITS = (
    (DAY_S, "天", "day"),
    (3_600, "小时", "hour"),
    (60, "分钟", "minute"),
    (1, "秒", "second"),
)


class UnpaidClose(RuleBlock):
    """T01: the platform closes an unpaid order by itself."""

    at_least = (("close_s", "remind_before_s"),)

    close_s: Seconds
    remind_before_s: Seconds


class Ship(RuleBlock):
    """T02: ship a paid order. Three tiers, because the sources name three (24, 48 and 72 hours)."""

    at_least = (("limit_s", "target_s"), ("platform_s", "limit_s"), ("limit_s", "warn_before_s"))

    target_s: Count
    limit_s: Count
    platform_s: Count
    warn_before_s: Seconds


class OverseasContact(RuleBlock):
    """T03: tell the buyer of an overseas address about the freight."""

    within_s: Seconds
    remind_before_s: Seconds


class ReviewComplaint(RuleBlock):
    """T04: complain about a review; the last day counts (「30天内」)."""

    within_days: Count
    remind_before_days: Annotated[tuple[Count, ...], Field(strict=False)]


class WorkingDays(RuleBlock):
    """T05, T06: a reply within so many Chinese working days; the sources give a range."""

    at_least = (("last_days", "due_days"),)

    due_days: Count
    last_days: Count


class Negotiation(RuleBlock):
    """T07: settle a dispute before it goes to arbitration."""

    within_s: Seconds
    remind_before_s: Seconds


class ReturnCountdown(RuleBlock):
    """T08: a return must arrive, or the dispute be escalated, before the event's countdown ends."""

    at_least = (("warn_before_s", "critical_before_s"),)

    warn_before_s: Seconds
    critical_before_s: Seconds


class Acknowledge(RuleBlock):
    """T09: look at an alert. Our own promise to ourselves: the platform knows nothing of it."""

    at_least = (
        ("critical_s", "critical_remind_before_s"),
        ("warn_s", "warn_remind_before_s"),
    )

    critical_s: Seconds
    critical_remind_before_s: Seconds
    warn_s: Seconds
    warn_remind_before_s: Seconds


class ContactRetry(RuleBlock):
    """T10: try again to reach a buyer who did not answer."""

    at_least = (("after_s", "remind_before_s"),)

    after_s: Seconds
    remind_before_s: Seconds
    attempts: Count


class RechargeCallback(RuleBlock):
    """T11: the provider of a top-up must answer."""

    at_least = (("within_s", "remind_before_s"),)

    within_s: Seconds
    remind_before_s: Seconds


class Filing(RuleBlock):
    """T12: a filing (备案) must precede the breach of T02."""

    remind_before_s: Seconds


class Deadlines(BaseModel):
    """All deadlines of one shop, as rules. Days are days on the clocks of `time_zone`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    time_zone: str
    T01: UnpaidClose
    T02: Ship
    T03: OverseasContact
    T04: ReviewComplaint
    T05: WorkingDays
    T06: WorkingDays
    T07: Negotiation
    T08: ReturnCountdown
    T09: Acknowledge
    T10: ContactRetry
    T11: RechargeCallback
    T12: Filing

    @property
    def zone(self) -> ZoneInfo:
        """The clocks of the shop."""
        return time_zone(self.time_zone)

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            time_zone(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("expected the name of a time zone such as Asia/Shanghai") from error
        return name


class Term(NamedTuple):
    """One deadline that runs. Times are epoch milliseconds of event time, `last_ms` inclusive.

    `due_ms` is when it should be done, `last_ms` when it must be. `met_ms` is when it was, if it was.
    `is_certain` is false where working days beyond the holiday table were counted.
    """

    code: str
    start_ms: int
    due_ms: int
    last_ms: int
    remind_ms: tuple[int, ...] = ()
    met_ms: int | None = None
    is_certain: bool = True

    def state(self, at_ms: int) -> State:
        """Where it stands when everything up to `at_ms`, inclusive, is known."""
        if self.met_ms is not None:
            return "met" if self.met_ms <= self.last_ms else "met_late"
        if at_ms >= self.last_ms:
            return "breached"
        if at_ms >= self.due_ms:
            return "due"
        return "reminded" if any(at_ms >= remind for remind in self.remind_ms) else "running"

    def wake_ms(self, at_ms: int) -> int | None:
        """When its state next changes by silence alone; never once it is met."""
        if self.met_ms is not None:
            return None
        times = (*self.remind_ms, self.due_ms, self.last_ms)
        return min((at for at in times if at > at_ms), default=None)

    def line(self) -> Due:
        """The deadline as an alert lists it."""
        zh, en = TEXTS[self.code]
        if not self.is_certain:
            zh, en = f"{zh}({UNCERTAIN[0]})", f"{en} ({UNCERTAIN[1]})"
        return Due(self.code, self.last_ms, zh, en)


class ShipTimes(NamedTuple):
    """The tiers of T02 for one paid order."""

    target_ms: int
    warn_ms: int
    limit_ms: int
    platform_ms: int


def in_words(seconds: int) -> tuple[str, str]:
    """A length of time in both languages, in the largest unit of which it is a whole number."""
    size, zh, en = next(unit for unit in _UNITS if seconds % unit[0] == 0)
    count = seconds // size
    return f"{count}{zh}", f"{count} {en}{'' if count == 1 else 's'}"


def unpaid_close(placed_ms: int, rule: UnpaidClose, ended_ms: int | None = None) -> Term:
    """T01. It is met by payment or closing; else the platform closes, which is no fault of anybody."""
    return _at_its_end("T01", placed_ms, rule.close_s, rule.remind_before_s, ended_ms)


def ship_times(paid_ms: int, rule: Ship, ship_by_ms: int = 0) -> ShipTimes:
    """The tiers of an order paid at `paid_ms`; 0 means that no date was promised.

    A promise replaces both limits (C2). The target keeps its distance from the limit, but is never
    earlier than that of a shop without promises, nor later than the warning. The warning never comes
    in the first half of the time: an order promised within six hours is not late when it is paid.
    """
    limit_ms = paid_ms + rule.limit_s * 1000
    platform_ms = paid_ms + rule.platform_s * 1000
    if ship_by_ms > paid_ms:
        limit_ms = platform_ms = ship_by_ms
    warn_ms = max((paid_ms + limit_ms) // 2, limit_ms - rule.warn_before_s * 1000)
    target_ms = max(
        paid_ms + rule.target_s * 1000, limit_ms - (rule.limit_s - rule.target_s) * 1000
    )
    target_ms = min(target_ms, warn_ms)
    return ShipTimes(target_ms, warn_ms, limit_ms, platform_ms)


def ship(paid_ms: int, rule: Ship, ship_by_ms: int = 0, done_ms: int | None = None) -> Term:
    """T02, up to the limit. `done_ms` is when the order was shipped, or no longer had to be."""
    times = ship_times(paid_ms, rule, ship_by_ms)
    due_ms, warn_ms = min(times.target_ms, times.limit_ms), min(times.warn_ms, times.limit_ms)
    return Term("T02", paid_ms, due_ms, times.limit_ms, (warn_ms,), done_ms)


def overseas_contact(paid_ms: int, rule: OverseasContact, contacted_ms: int | None = None) -> Term:
    """T03."""
    last_ms = paid_ms + rule.within_s * 1000
    remind_ms = last_ms - rule.remind_before_s * 1000
    return Term("T03", paid_ms, remind_ms, last_ms, (remind_ms,), contacted_ms)


def review_complaint(posted_ms: int, rule: ReviewComplaint, filed_ms: int | None = None) -> Term:
    """T04: thirty times 24 hours; exactly that passes (N17)."""
    last_ms = posted_ms + rule.within_days * DAY_S * 1000
    reminders = tuple(
        last_ms - days * DAY_S * 1000 for days in sorted(rule.remind_before_days, reverse=True)
    )
    return Term("T04", posted_ms, max(reminders, default=last_ms), last_ms, reminders, filed_ms)


def review_complaint_refused(
    posted_ms: int, at_ms: int, rule: ReviewComplaint, *, is_mutual: bool
) -> tuple[str, str] | None:
    """Why a complaint about a review may not be drafted at that time, zh and en; None if it may (N17)."""
    if not is_mutual:
        return (
            "平台只受理双方互评的订单,请先完成互评",
            "The platform only accepts orders that both sides have reviewed",
        )
    if at_ms > review_complaint(posted_ms, rule).last_ms:
        return (
            f"评价产生已超过{rule.within_days}天,平台不再受理",
            f"The review is more than {rule.within_days} days old, so it is no longer accepted",
        )
    return None


def reply(submitted_ms: int, rule: WorkingDays, zone: str, replied_ms: int | None = None) -> Term:
    """T05: the platform's reply to a complaint. From the first working day on, somebody may ask."""
    return _working_days("T05", submitted_ms, rule, zone, replied_ms)


def appeal_reply(
    submitted_ms: int, rule: WorkingDays, zone: str, replied_ms: int | None = None
) -> Term:
    """T06: the platform's reply to an appeal."""
    return _working_days("T06", submitted_ms, rule, zone, replied_ms)


def _working_days(
    code: str, start_ms: int, rule: WorkingDays, zone: str, met_ms: int | None
) -> Term:
    due = end_of_working_day(start_ms, rule.due_days, zone)
    last = end_of_working_day(start_ms, rule.last_days, zone)
    return Term(code, start_ms, due.at_ms, last.at_ms, (due.at_ms,), met_ms, last.is_certain)


def negotiation(opened_ms: int, rule: Negotiation, ended_ms: int | None = None) -> Term:
    """T07. It is met by withdrawal or escalation."""
    last_ms = opened_ms + rule.within_s * 1000
    remind_ms = last_ms - rule.remind_before_s * 1000
    return Term("T07", opened_ms, remind_ms, last_ms, (remind_ms,), ended_ms)


def return_countdown(
    start_ms: int, ends_ms: int, rule: ReturnCountdown, met_ms: int | None = None
) -> Term:
    """T08; the date comes with the event. It is met by delivery, a refund, escalation or withdrawal."""
    warn_ms = max(start_ms, ends_ms - rule.warn_before_s * 1000)
    due_ms = max(start_ms, ends_ms - rule.critical_before_s * 1000)
    return Term("T08", start_ms, due_ms, ends_ms, (warn_ms,), met_ms)


def acknowledge(
    opened_ms: int, severity: Severity, rule: Acknowledge, acknowledged_ms: int | None = None
) -> Term | None:
    """T09; an alert that only informs waits for nobody."""
    if severity == "info":
        return None
    within_s, before_s = rule.warn_s, rule.warn_remind_before_s
    if severity == "critical":
        within_s, before_s = rule.critical_s, rule.critical_remind_before_s
    return _at_its_end("T09", opened_ms, within_s, before_s, acknowledged_ms)


def contact_retry(
    failed_ms: tuple[int, ...], rule: ContactRetry, answered_ms: int | None = None
) -> Term | None:
    """T10, counted from the newest of the failed attempts; None without any, and after the last."""
    if not failed_ms or len(failed_ms) >= rule.attempts:
        return None
    return _at_its_end("T10", max(failed_ms), rule.after_s, rule.remind_before_s, answered_ms)


def recharge_callback(
    submitted_ms: int, rule: RechargeCallback, settled_ms: int | None = None
) -> Term:
    """T11. Only an answer that says succeeded or failed meets it."""
    return _at_its_end("T11", submitted_ms, rule.within_s, rule.remind_before_s, settled_ms)


def _at_its_end(code: str, start_ms: int, within_s: int, before_s: int, met_ms: int | None) -> Term:
    """A deadline of which is reminded, and which is due at its last moment and not before."""
    last_ms = start_ms + within_s * 1000
    return Term(code, start_ms, last_ms, last_ms, (last_ms - before_s * 1000,), met_ms)


def filing(shipping: Term, rule: Filing, filed_ms: int | None = None) -> Term:
    """T12: while the order may still be shipped in time. An order that is shipped needs no filing."""
    remind_ms = max(shipping.start_ms, shipping.last_ms - rule.remind_before_s * 1000)
    met_ms = filed_ms if filed_ms is not None else shipping.met_ms
    return Term("T12", shipping.start_ms, remind_ms, shipping.last_ms, (remind_ms,), met_ms)


def of_alert(
    code: str, opened_ms: int, last_ms: int, rules: Deadlines, met_ms: int | None = None
) -> Term:
    """The term behind a deadline of an alert, which says only its last moment.

    Reminders are counted back from there, by the rules of today. None lies before the alert was opened:
    what is reminded of earlier is reminded of at once.
    """
    before_s = _before_s(code, rules)
    remind_ms = tuple(max(min(opened_ms, last_ms), last_ms - s * 1000) for s in before_s)
    start_ms = min(opened_ms, last_ms)
    due_ms = last_ms
    if code == "T02":
        due_ms = max(start_ms, last_ms - (rules.T02.limit_s - rules.T02.target_s) * 1000)
    elif code == "T08":
        due_ms = max(start_ms, last_ms - rules.T08.critical_before_s * 1000)
    elif remind_ms and code not in _DUE_AT_ITS_END:
        due_ms = remind_ms[-1]
    return Term(code, start_ms, due_ms, last_ms, remind_ms, met_ms)


def _before_s(code: str, rules: Deadlines) -> tuple[int, ...]:
    """How long before its last moment a deadline is reminded of, the longest first."""
    match code:
        case "T01":
            return (rules.T01.remind_before_s,)
        case "T02":
            return (rules.T02.warn_before_s,)
        case "T03":
            return (rules.T03.remind_before_s,)
        case "T04":
            days = sorted(rules.T04.remind_before_days, reverse=True)
            return tuple(day * DAY_S for day in days)
        case "T07":
            return (rules.T07.remind_before_s,)
        case "T08":
            return (rules.T08.warn_before_s,)
        case "T11":
            return (rules.T11.remind_before_s,)
        case "T12":
            return (rules.T12.remind_before_s,)
    return ()


UNCERTAIN = (
    "该年度节假日安排未知,仅按周末推算",
    "the holidays of that year are not known: only weekends were left out",
)
TEXTS = {
    "T01": (
        "系统自动关闭未付款订单;主动关闭被投诉会扣6分",
        "The platform closes unpaid orders by itself; if you close one and the buyer complains, it costs "
        "six points",
    ),
    "T02": ("发货截止", "Ship by"),
    "T03": (
        "联系境外买家,说明补邮费或集运仓",
        "Contact the overseas buyer about freight or a consolidation warehouse",
    ),
    "T04": (
        "评价投诉受理期限(须双方互评)",
        "Complaints about the review are accepted until then, once both sides have rated",
    ),
    "T05": ("平台答复投诉", "The platform's reply to the complaint"),
    "T06": ("平台重新审核并答复", "The platform's reply to the appeal"),
    "T07": ("协商期结束,之后进入仲裁", "Negotiation ends, arbitration follows"),
    "T08": ("确认收货倒计时结束", "The countdown to confirm the return ends"),
    "T09": ("查看预警", "Look at the alert"),
    "T10": ("再次联系买家", "Try to reach the buyer again"),
    "T11": ("充值结果应已返回", "The top-up's result should be known"),
    "T12": ("备案须在发货超时之前提交", "File before shipping is overdue"),
}
# What stands in place of the text while it is only reminded of, where that would look like work to be done.
REMINDERS = {
    "T01": (
        "系统将自动关闭未付款订单:此前买家仍可付款,之后占用的库存自动恢复;无需操作,请勿主动关闭",
        "The platform will close the unpaid order: until then the buyer may still pay, after it the held "
        "units come back. Nothing to do; don't close it yourself",
    ),
}
