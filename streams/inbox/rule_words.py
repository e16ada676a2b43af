"""What the numbers of the rules are called, and their values in words, in Chinese and English.

Only what several blocks share, and the deadlines. What one detector has alone is named in its own file;
what is a limit of something that an alert counts is called as it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from streams.detect.deadlines import in_words
from streams.detect.detector import Wording
from streams.inbox.fact_words import in_whole_units

Pair = tuple[str, str]

NAMES: Final[dict[str, Pair]] = {
    "after_s": ("未接通后多久再联系", "Call again after"),
    "attempts": ("最多联系次数", "Attempts at most"),
    "chat_window_s": ("聊天统计窗口", "Window of the chat"),
    "close_s": ("系统关闭未付款订单", "The platform closes after"),
    "concludes_from_silence": (
        "没有消息时也下结论",
        "Concludes from what is not told",
    ),
    "cooldown_s": ("间隔不超过此值的算同一次", "One episode if no further apart than"),
    "critical_before_s": ("紧急提醒：到期前", "Critical, before the end"),
    "critical_remind_before_s": (
        "紧急预警：到期前提醒",
        "Reminder of a critical alert, before the end",
    ),
    "critical_s": ("紧急预警的查看期限", "Look at a critical alert within"),
    "currency": ("金额的币种", "Currency of the amount"),
    "due_days": ("应答复（工作日）", "Reply due, working days"),
    "expire_after_s": ("无新情况后过期", "Expires without news after"),
    "failed_payment_grace_s": ("付款失败后的宽限", "Time to pay after a failed payment"),
    "hub_paying_buyers": (
        "视为公共地址或设备的付款买家数",
        "Paying buyers that make it a shared place or device",
    ),
    "hubs": ("公共地址、柜机等（不计入关联）", "Shared places that tie nobody"),
    "large_units": ("大额订单的件数", "Units of a large order"),
    "last_days": ("最迟答复（工作日）", "Reply at the latest, working days"),
    "limit_s": ("发货期限", "Limit to ship"),
    "named_within_s": ("向前查找提到的订单", "Looks back for the order that is meant"),
    "platform_s": ("平台的发货期限", "The platform's own limit"),
    "reasons": ("计入的退款理由", "Reasons that count"),
    "remind_before_days": ("到期前提醒", "Reminders before the end"),
    "remind_before_s": ("到期前提醒", "Reminder before the end"),
    "resolve_paid_share_percent": (
        "付款达到此比例即解除",
        "Resolved once this share is paid",
    ),
    "target_s": ("发货目标", "Target to ship"),
    "time_zone": ("时区", "Time zone"),
    "warn_before_s": ("提醒：到期前", "Warning, before the end"),
    "warn_remind_before_s": ("警告预警：到期前提醒", "Reminder of a warning, before the end"),
    "warn_s": ("警告预警的查看期限", "Look at a warning within"),
    "window_s": ("统计窗口", "Window"),
    "within_days": ("期限", "Within"),
    "within_s": ("期限", "Within"),
}
_LIMITS: Final[dict[str, Pair]] = {
    "warn_": ("警告：", "Warning at: "),
    "critical_": ("紧急：", "Critical at: "),
    "min_": ("至少：", "At least: "),
}
# By the ending of a name. Lengths of time are said in words instead.
_UNITS: Final[dict[str, Pair]] = {
    "_days": ("天", "days"),
    "_orders": ("笔", "orders"),
    "_per_mille": ("‰", "‰"),
    "_percent": ("%", "%"),
    "_units": ("件", "units"),
}
_LENGTH: Final = "_s"
_AMOUNT: Final = "_minor"


def name_of(field: str, own: Wording) -> Pair | None:
    """What a field is called in the block of a detector with these words; None without a name."""
    if field in own.rules:
        return own.rules[field]
    if (counted := _counted(field, own.thresholds)) is not None:
        return counted
    for start, limit in _LIMITS.items():
        counted = _counted(field.removeprefix(start), own.thresholds)
        if field.startswith(start) and counted is not None:
            return limit[0] + counted[0], limit[1] + counted[1].lower()
    return NAMES.get(field)


def value_of(field: str, value: object, currency: str = "") -> Pair:
    """A value with its unit, by the ending of its name; an amount in whole units of the currency.

    Lists are said entry by entry.
    """
    if isinstance(value, Mapping):
        return _both(" · ".join(f"{key}: {', '.join(entries)}" for key, entries in value.items()))
    said = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    if field.endswith(_LENGTH) and isinstance(value, int):
        return in_words(value)
    if field.endswith(_AMOUNT) and isinstance(value, int):
        return _both(f"{in_whole_units(value, currency)} {currency}".strip())
    for ending, (zh, en) in _UNITS.items():
        if field.endswith(ending):
            return f"{said}{zh}", f"{said} {en.removesuffix('s') if said == '1' else en}"
    return _both(said or "–")


def _counted(field: str, thresholds: Mapping[str, Pair]) -> Pair | None:
    """What an alert calls the number that the field limits; units end the name of the field only."""
    for ending in ("", _LENGTH, _AMOUNT, *_UNITS):
        if field.endswith(ending) and (found := thresholds.get(field.removesuffix(ending))):
            return found
    return None


def _both(text: str) -> Pair:
    return text, text
