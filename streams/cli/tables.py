"""Results as tables for people, or as JSON lines for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from streams.cli.console import stderr, stdout
from streams.display.masking import json_line, mask_phones, show_bytes, visible

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.alerts import Alert
    from streams.cli.doctor import Check
    from streams.detect.rules import RuleSet
    from streams.kafka.deadletters import Contents
    from streams.kafka.resend import Outcome
    from streams.kafka.topics import Report, Row
    from streams.replay.comparison import Difference
    from streams.replay.run import Replayed

ALERTS_SHOWN = 50
_TOPIC_STYLES = {"ok": "green", "created": "green", "fixed": "green", "drift": "yellow"}
_MARKS = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "skipped": ("–", "dim"),
    "failed": ("✗", "red"),
}


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """Print a table; cells are text or styled text, never markup."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title, title_justify="left", expand=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    stdout().print(shown)


def json_lines(rows: Iterable[dict[str, Any]]) -> None:
    """Print one JSON object a line."""
    console = stdout()
    for row in rows:
        console.print(json_line(row), soft_wrap=True)


def show_topic_report(report: Report) -> None:
    """What `topics apply` did or would do, and what is left for a person."""
    from rich.text import Text

    from streams.kafka.topics import BLOCKED_CURE

    rows = [
        (row.wanted.name, Text(_action(row, report.is_dry_run), _style(row.action)), row.detail)
        for row in report.rows
    ]
    table(("topic", "state", "detail"), rows)
    console = stdout()
    if report.is_blocked:
        console.print(f"Nothing was created or altered. {BLOCKED_CURE}", soft_wrap=True)
    elif any(row.action == "drift" for row in report.rows):
        console.print("Some topics differ from the registry; --fix alters their configs.")


def show_topics(rows: Iterable[Row], as_json: bool) -> None:
    """The registry beside what the broker has."""
    entries = [
        {
            "topic": row.wanted.name,
            "direction": row.wanted.topic.direction,
            "key": row.wanted.topic.key,
            "partitions": row.wanted.partitions,
            "cleanup": row.wanted.topic.cleanup_policy,
            "retention_days": row.wanted.topic.retention_days,
            "state": row.action,
            "detail": row.detail,
        }
        for row in rows
    ]
    if as_json:
        json_lines(entries)
        return
    table(
        ("topic", "kind", "key", "n", "kept", "state", "detail"),
        [
            (
                entry["topic"],
                entry["direction"],
                entry["key"],
                entry["partitions"],
                f"{entry['retention_days']} d" if entry["retention_days"] else "by key",
                entry["state"],
                entry["detail"],
            )
            for entry in entries
        ],
    )


def show_dead_letters(contents: Contents, limit: int, as_json: bool) -> None:
    """Counts by topic and reason, then the latest letters."""
    latest = contents.latest(limit)
    if as_json:
        counts = [
            {"topic": topic, "reason": reason, "count": total, "waiting": waiting}
            for topic, reason, total, waiting in contents.counts()
        ]
        json_lines([*counts, *map(_letter, latest)])
        return
    if not contents.letters:
        stdout().print("No dead letters.")
        return
    counted = [(visible(t), visible(r), n, w) for t, r, n, w in contents.counts()]
    table(("topic", "reason", "count", "waiting"), counted)
    if not latest:
        return
    # Why in full, and the bytes, are what `dlq show` is for.
    table(
        ("position", "at (UTC)", "from", "reason", "state", "key", "event id"),
        [
            (
                letter.record.position,
                visible(letter.at)[:19].replace("T", " "),
                visible(letter.source),
                visible(letter.reason),
                "replayed" if letter.is_replayed else "waiting",
                show_bytes(letter.record.key, raw=False),
                visible(letter.event_id or ""),
            )
            for letter in latest
        ],
        title=f"latest {len(latest)}",
    )


def show_replayed(outcome: Outcome, dry_run: bool) -> None:
    """What was sent back, what could not be and why."""
    console = stdout()
    verb = "would be sent back" if dry_run else "sent back"
    left = f", {outcome.left} left by the limit" if outcome.left else ""
    console.print(f"{len(outcome.sent)} dead letters {verb}{left}.")
    if outcome.failed:
        table(
            ("position", "from", "why it stays"),
            [
                (letter.record.position, visible(letter.source), visible(mask_phones(why)))
                for letter, why in outcome.failed
            ],
        )


def show_replay(replayed: Replayed, *, as_json: bool, only_summary: bool, under: str = "") -> None:
    """The final alerts on stdout, everything about the run on stderr.

    `under` is what the rules are called, where there are two runs to be told apart.
    """
    report = replayed.report
    if as_json:
        json_lines(alert.model_dump(mode="json") for alert in report.standing)
    elif not only_summary and report.standing:
        table(
            ("detector", "severity", "status", "subject", "opened (UTC)", "what"),
            [
                (
                    alert.detector,
                    alert.severity,
                    alert.status,
                    visible(alert.subject.id),
                    alert.opened_at.strftime("%Y-%m-%d %H:%M:%S"),
                    visible(mask_phones(f"{alert.title.zh} · {alert.title.en}")),
                )
                for alert in report.standing[:ALERTS_SHOWN]
            ],
        )
        if len(report.standing) > ALERTS_SHOWN:
            stdout().print(f"… and {len(report.standing) - ALERTS_SHOWN} more (--json shows all)")
    console = stderr()
    rate = replayed.events_total / replayed.elapsed_s if replayed.elapsed_s else 0.0
    if under:
        console.print(f"Under {visible(under)}:", soft_wrap=True, markup=False)
    console.print(
        f"{replayed.events_total:,} events, {report.subjects:,} subjects, {len(report.standing)} "
        f"alerts standing, {report.revisions} revisions, {replayed.elapsed_s:.1f} s "
        f"({rate:,.0f} events/s)",
        soft_wrap=True,
    )
    for detector, reason in sorted(report.insufficient):
        times = report.insufficient[detector, reason]
        console.print(f"{detector}: too little data {times:,} times ({reason})", soft_wrap=True)
    if report.late:
        console.print(f"{report.late:,} events were older than the retention of their facts")
    silent = [visible(shop) for shop in report.silent_shops[:10]]
    if report.is_silent_everywhere:
        silent.append("all shops together")
    if silent:
        console.print(f"payments fell silent, so nothing is concluded from it: {', '.join(silent)}")
    for reason, times in report.refused.most_common():
        console.print(f"{times:,} lines refused: {reason}", style="red")
    for position, _, message in report.refused_at:
        console.print(f"  {position}: {visible(message)}", style="red", soft_wrap=True)
    if replayed.sizes:
        for line in replayed.sizes.as_rules(report.newest_ms):
            console.print(visible(line), soft_wrap=True, markup=False, highlight=False)


def show_comparison(
    found: Sequence[Difference],
    under: str,
    before: str,
    *,
    as_json: bool,
    only_summary: bool = False,
) -> None:
    """What one replay says that another one of the same events does not, or says otherwise.

    `under` and `before` are what the rules of the two are called.
    """
    if as_json:
        json_lines(
            {
                "kind": one.kind,
                "alert": one.alert.model_dump(mode="json"),
                "was": one.was and one.was.model_dump(mode="json"),
            }
            for one in found
        )
    elif found and not only_summary:
        table(
            ("", "detector", "severity", "status", "subject", "opened (UTC)"),
            [
                (
                    one.kind,
                    one.alert.detector,
                    _turned(one.was.severity if one.was else None, one.alert.severity),
                    _turned(_status(one.was) if one.was else None, _status(one.alert)),
                    visible(one.alert.subject.id),
                    one.alert.opened_at.strftime("%Y-%m-%d %H:%M:%S"),
                )
                for one in found[:ALERTS_SHOWN]
            ],
        )
        if len(found) > ALERTS_SHOWN:
            stdout().print(f"… and {len(found) - ALERTS_SHOWN} more (--json shows all)")
    if found:
        stderr().print(
            f"new: only under {visible(under)}; gone: only under {visible(before)}; changed: under both, "
            "with another severity or status",
            soft_wrap=True,
            markup=False,
        )
    tally = Counter((one.alert.detector, one.kind) for one in found)
    for detector in sorted({one.alert.detector for one in found}):
        kinds = ", ".join(
            f"{tally[detector, kind]} {kind}"
            for kind in ("new", "gone", "changed")
            if tally[detector, kind]
        )
        stderr().print(f"{detector}: {kinds}")
    if not found:
        stderr().print("No alert differs.")


def _status(alert: Alert) -> str:
    return f"{alert.status}, suppressed" if alert.suppressed_by else alert.status


def _turned(was: str | None, now: str) -> str:
    return now if was in (None, now) else f"{was} → {now}"


def show_rules(rules: RuleSet, shop: str, path: Path | None) -> None:
    """The shop's type and zone, every deadline, every threshold of every detector, and where it is from."""
    terms = rules.deadlines(shop).model_dump()
    shop_type = rules.shop_type(shop) or "not said"
    blocks = {"shop": {"shop_type": shop_type, "time_zone": terms.pop("time_zone")}, **terms}
    for detector, rule in sorted(rules.of(shop).items()):
        # The deadlines and the type of the shop that it uses are said once, above.
        blocks[detector] = rule.block.model_dump(exclude={*terms, "shop_type"})
        allowed = [f"{whom or 'the whole shop'}: {why}" for whom, why in rule.allowed.items()]
        blocks[detector] |= {"allow": visible("; ".join(allowed))} if allowed else {}
    table(
        ("of", "threshold", "value"),
        [(of, name, value) for of, block in blocks.items() for name, value in block.items()],
    )
    console = stdout()
    if shop and rules.of(shop) is rules.of(""):
        console.print(
            f"{visible(shop)} has no rules of its own there: these hold for every such shop.",
            soft_wrap=True,
        )
    console.print(f"{path or 'The rules that ship with orderwatch'}: valid.", soft_wrap=True)


def show_checks(checks: Sequence[Check], as_json: bool) -> None:
    """The doctor's findings, each with its cure."""
    from rich.text import Text

    if as_json:
        json_lines([check.as_dict() for check in checks])
        return
    rows = [(Text(*_MARKS[c.status]), c.name, visible(c.found), visible(c.cure)) for c in checks]
    table(("", "check", "found", "what to do"), rows)


def _letter(letter: Any) -> dict[str, Any]:
    return {
        "position": letter.record.position,
        "at": letter.at,
        "from": letter.source,
        "reason": letter.reason,
        "error": mask_phones(letter.error),
        "replayed": letter.is_replayed,
        "event_id": letter.event_id,
        "size": letter.size,
    }


def _action(row: Row, is_dry_run: bool) -> str:
    return f"would be {_VERBS[row.action]}" if is_dry_run and row.action in _VERBS else row.action


_VERBS = {"missing": "created", "drift": "fixed with --fix"}


def _style(action: str) -> str:
    return _TOPIC_STYLES.get(action, "red")
