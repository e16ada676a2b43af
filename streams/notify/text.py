"""What people read: one line for a console, title and body for a channel.

Everything that came from outside passes `_safe`: phones masked, control characters escaped, so that
a nickname can neither leak a number nor move a terminal's cursor. What goes to a channel passes
`_inert` too, because chat services call everybody and make links of what a nickname contains.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Literal

from schemas.alerts import SEVERITIES, Alert, Severity, Text
from schemas.outputs import DeadlineTurn, TurnKind
from streams.display.masking import mask_phones, visible

Language = Literal["zh", "en", "both"]
Tone = Literal["info", "success", "warning", "failure"]
MAX_FIELD_CHARACTERS = 160
# WeCom takes 2048 bytes, and cuts or refuses what is longer.
MAX_BYTES = 1900
SUBJECTS_IN_SUMMARY = 5
# Five names of mentions only, four bytes each once they are harmless, leave room for the counts.
MAX_NAME_IN_SUMMARY = 40
# Of the others a summary quotes the titles, as long as they fit.
MAX_TITLE_IN_SUMMARY = 80
MAX_COUNTS = 8

# The platforms' clock, by which the inbox tells the same deadlines.
_CHINA: Final = timezone(timedelta(hours=8))
# The joiner has no width: people read the same, and programs no longer see a mention or an address.
_JOINER: Final = "\u200d"
_INERT: Final = [
    ("<!", f"＜!{_JOINER}"),
    ("@", f"@{_JOINER}"),
    ("://", f":{_JOINER}//"),
    *zip("<>[]", "＜＞［］", strict=True),
]
_OVER: Final = frozenset({"resolved", "retracted", "expired"})
# As the inbox calls them.
_TURNED: Final[dict[TurnKind, Text]] = {
    "coming_up": Text(zh="提醒", en="Coming up"),
    "due": Text(zh="到期", en="Due"),
    "past": Text(zh="已过期限", en="Past its time"),
}
# The first word of what is told of a deadline; of an alert it is its detector.
_IS_DEADLINE: Final = re.compile(r"T\d\d")
_UNTIL: Final = Text(zh="最晚", en="last moment")
_TONES: dict[str, Tone] = {"info": "info", "warn": "warning", "critical": "failure"}


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered notification; what the outbox keeps."""

    line: str
    title: str
    body: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why many things are told in one message: its first word, and the two lines with the counts.

    `n` is how many, `what` says of what, and `more` that there were others before.
    """

    word: str
    zh: str
    en: str


STORM: Final = Occasion(
    "STORM",
    "通知过多，另有{n}条未逐条发送（{counts}）",
    "Too many notifications: {n} more were not sent one by one ({counts})",
)
QUIET_HOURS: Final = Occasion(
    "QUIET", "免打扰时段内共有{what}（{counts}）", "{what} from the quiet hours ({counts})"
)
DIGEST: Final = Occasion("DIGEST", "汇总，共{what}（{counts}）", "Digest of {what} ({counts})")
GROUP: Final = Occasion(
    "GROUP", "同店同类另有{what}（{counts}）", "{more} of the same kind ({counts})"
)
REMINDER: Final = Occasion(
    "OPEN", "提醒：{what}仍未结束（{counts}）", "Reminder: {what} are still open ({counts})"
)
# The lines of a summary that hold nothing from outside come first.
_LINES_WITHOUT_NAMES: Final = 2


def is_over(alert: Alert) -> bool:
    """Whether it is resolved or taken back: whoever has not heard of it need not hear of it any more."""
    return alert.status in ("resolved", "retracted")


def render(alert: Alert, language: Language, told: Severity | None = None) -> Message:
    """The message about one revision; `told` is the severity that its readers heard last."""
    head = f"{alert.detector} {alert.severity} {alert.change} {_safe(alert.subject.id)}"
    summary = [*_milder(alert, language, told), *_in(language, alert.summary)]
    lines = [*summary]
    # An alert without an episode has nothing to say but its reason.
    if alert.reason is not None and alert.reason != alert.summary:
        lines += _in(language, alert.reason)
    # After an expiry there may be a complaint.
    if not is_over(alert):
        for deadline in alert.deadlines[:3]:
            said = " ".join(_in(language, deadline.text))
            lines.append(f"{deadline.code} {_moment(deadline.due_at)} {said}")
        for action in alert.suggested_actions[:4]:
            lines.append(f"→ {' '.join(_in(language, action.text))}")
    title = _inert(f"{head} {' '.join(_in(language, alert.title))}")
    identity = f"{alert.alert_id}:{alert.revision}"
    room = MAX_BYTES - len(title.encode()) - len(identity)
    return Message(
        line=f"{head} {' | '.join(summary)}",
        title=title,
        body="\n".join([*_fitting([_inert(line) for line in lines], room), identity]),
        tone=_TONES[alert.severity] if alert.status == "open" else "success",
    )


def render_turn(turn: DeadlineTurn, language: Language) -> Message:
    """The message about a deadline that turned."""
    # The head has the parts of an alert's, by which a summary counts.
    head = f"{turn.code} {turn.severity} {turn.turn} {_safe(turn.subject.id)}"
    due_at = _moment(turn.due_at)
    state = Text(
        zh=f"{_TURNED[turn.turn].zh}，{_UNTIL.zh} {due_at}",
        en=f"{_TURNED[turn.turn].en}, {_UNTIL.en} {due_at}",
    )
    said = _in(language, turn.text)
    title = _inert(f"{head} {' '.join(said)}")
    origin = f"{turn.detector} " if turn.detector else ""
    lines = [*_in(language, state), f"{origin}{' '.join(_in(language, turn.title))}"]
    # By its alert or complaint it can be found; the deadline has no page of its own.
    identity = turn.alert_id or turn.complaint_id or turn.deadline_id
    room = MAX_BYTES - len(title.encode()) - len(identity)
    return Message(
        line=f"{head} {' | '.join([*said, *lines])}",
        title=title,
        body="\n".join([*_fitting([_inert(line) for line in lines], room), identity]),
        tone=_TONES[turn.severity],
    )


def render_summary(covered: Sequence[Message], occasion: Occasion = STORM) -> Message:
    """One message in place of many; `covered` in the order of importance."""
    heads = [message.line.split(" ", 4) for message in covered]
    detectors = _counts([head[0] for head in heads])
    # A critical alert that is over is nothing critical any more.
    severities = _counts([head[2] if head[2] in _OVER else head[1] for head in heads])
    counts = f"{severities}; {detectors}"
    turns = sum(_IS_DEADLINE.fullmatch(head[0]) is not None for head in heads)
    alerts = len(heads) - turns
    lines = [
        occasion.zh.format(n=len(heads), counts=counts, what=_what_zh(alerts, turns)),
        occasion.en.format(
            n=len(heads),
            counts=counts,
            what=_what_en(alerts, turns),
            more=_what_en(alerts, turns, " more"),
        ),
    ]
    if occasion is STORM:
        names = [_cut(head[3], MAX_NAME_IN_SUMMARY) for head in heads[:SUBJECTS_IN_SUMMARY]]
        lines.append(f"首先查看 look first at: {', '.join(dict.fromkeys(names))}")
    else:
        lines += [_quoted(message) for message in covered[:SUBJECTS_IN_SUMMARY]]
    title = f"{occasion.word} {_what_en(alerts, turns)} ({detectors})"
    return Message(
        line=f"{occasion.word} {' | '.join(lines)}",
        title=title,
        body="\n".join(_fitting([_inert(line) for line in lines], MAX_BYTES - len(title.encode()))),
        # A storm is an alarm of its own.
        tone="failure" if occasion is STORM else covered[0].tone,
    )


def without_names(summary: Message) -> Message:
    """The same summary with nothing in it that came from outside."""
    return replace(
        summary,
        line=" | ".join(summary.line.split(" | ")[:_LINES_WITHOUT_NAMES]),
        body="\n".join(summary.body.split("\n")[:_LINES_WITHOUT_NAMES]),
    )


def marked_as_repeat(message: Message) -> Message:
    """The message with a note that it may have arrived before, see docs/notify.md."""
    return _noted(message, "（可能重复 may be a repeat）")


def marked_as_reminder(message: Message) -> Message:
    """The message with a note that it was told before and is still open."""
    return _noted(message, "（再次提醒，仍未结束 still open）")


def dump(message: Message) -> str:
    """How a message is kept."""
    return json.dumps(asdict(message), ensure_ascii=False)


def load(body: str) -> Message:
    """A message that was kept."""
    fields: dict[str, Any] = json.loads(body)
    return Message(**fields)


def _noted(message: Message, note: str) -> Message:
    return Message(
        message.line + note, message.title + note, f"{message.body}\n{note}", message.tone
    )


def _quoted(message: Message) -> str:
    # A body ends with the alert and its revision, by which it can be found.
    identity = message.body.rpartition("\n")[2]
    return f"{_cut(message.title, MAX_TITLE_IN_SUMMARY)} {identity}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(_CHINA):%Y-%m-%d %H:%M %z}"


def _fitting(lines: list[str], room: int) -> list[str]:
    """As many whole lines, from the most important on, as fit into `room` bytes."""
    kept = []
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        kept.append(line)
    return kept


def _what_zh(alerts: int, turns: int) -> str:
    return "和".join([f"{alerts}条预警"] * (alerts > 0) + [f"{turns}条时限提醒"] * (turns > 0))


def _what_en(alerts: int, turns: int, more: str = "") -> str:
    counted = ((alerts, "alert"), (turns, "deadline"))
    return " and ".join(f"{n}{more} {noun}{'s' * (n > 1)}" for n, noun in counted if n)


def _counts(values: list[str]) -> str:
    counts = [f"{value} ×{count}" for value, count in Counter(values).most_common()]
    return ", ".join(counts[:MAX_COUNTS] + ["…"] * (len(counts) > MAX_COUNTS))


def _milder(alert: Alert, language: Language, told: Severity | None) -> list[str]:
    if told is None or is_over(alert):
        return []
    if SEVERITIES.index(alert.severity) >= SEVERITIES.index(told):
        return []
    change = f"{told} → {alert.severity}"
    return _in(language, Text(zh=f"已降级：{change}", en=f"Milder than told: {change}"))


def _in(language: Language, text: Text) -> list[str]:
    chosen = {"zh": [text.zh], "en": [text.en], "both": [text.zh, text.en]}[language]
    return [_safe(each) for each in chosen]


def _inert(text: str) -> str:
    for active, harmless in _INERT:
        text = text.replace(active, harmless)
    return text


def _safe(text: str) -> str:
    # Masked before it is cut, so that a cut can not hide a number from the mask.
    return _cut(visible(mask_phones(text)), MAX_FIELD_CHARACTERS)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
