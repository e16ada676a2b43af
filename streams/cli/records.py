"""Commands that work on Kafka itself: topics, produce, tail and the dead letters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import typer

from streams.cli.arguments import moment

topics = typer.Typer(no_args_is_help=True, help="Create and inspect the topics of the registry.")
dlq = typer.Typer(no_args_is_help=True, help="List, read and replay dead letters.")

# Nobody counts further, and what counts here does not count without end.
MOST: Final = 10**9

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Raw = Annotated[
    bool, typer.Option("--raw", help="Do not mask phones, names, addresses and paying accounts.")
]


@topics.command("apply")
def topics_apply(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Alter configs that differ.")] = False,
) -> None:
    """Create missing topics; report, or with --fix correct, those that differ from the registry."""
    from streams.cli import tables
    from streams.kafka import topics as registry

    report = registry.apply(context.obj.settings(), dry_run=dry_run, fix=fix)
    tables.show_topic_report(report)
    if report.is_blocked:
        raise typer.Exit(1)


@topics.command("list")
def topics_list(context: typer.Context, as_json: Json = False) -> None:
    """Show the registry: name, key, partitions, retention, and whether the broker has it."""
    from streams.cli import tables
    from streams.kafka import topics as registry

    tables.show_topics(registry.listing(context.obj.settings()), as_json)


def produce(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…", help="JSON Lines, plain, .gz or .zst; - is stdin."),
    ],
    speed: Annotated[
        str, typer.Option(help="`max`, `real`, or a factor such as `10x` of event time.")
    ] = "max",
    rate: Annotated[float | None, typer.Option(min=0.001, help="At most so many a second.")] = None,
    topic: Annotated[
        str | None, typer.Option(help="Every line is a bare event of this topic.")
    ] = None,
    allow_bad: Annotated[
        bool, typer.Option("--allow-bad", help="Send what is invalid too, byte for byte.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Validate all lines, send none.")] = False,
    stamp_now: Annotated[
        bool,
        typer.Option("--stamp-now", help="Records get the present as their time, not event time."),
    ] = False,
) -> None:
    """Send events from files to their topics and wait until every one is delivered."""
    from streams.cli import progress
    from streams.kafka import produce as producing

    plan = producing.Plan(
        paths=files,
        speed=speed,
        rate=rate,
        topic=topic,
        allow_bad=allow_bad,
        check=check,
        stamp_now=stamp_now,
    )
    with progress.counter("produce") as count:
        try:
            sent = producing.produce(context.obj.settings(), plan, count)
        except KeyboardInterrupt:
            if not check:
                progress.done(
                    f"Interrupted when {count.records:,} records were on their way. To send all from the "
                    "beginning does no harm: events are known by their ids."
                )
            raise
    progress.done(sent.summary())
    progress.problems(sent.refused)
    if sent.refused:
        raise typer.Exit(1)


def tail(
    context: typer.Context,
    topic: Annotated[str, typer.Argument(help="A topic of the registry.")] = "alerts",
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Start at the oldest record.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="End after so many records.")
    ] = None,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow/--no-follow",
            help="Wait for more, or show what is there from the oldest record on and end.",
        ),
    ] = True,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="With --no-follow: of that time (UTC) or later, as the broker has it.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            parser=moment, metavar="TIME", help="With --no-follow: from before that time (UTC)."
        ),
    ] = None,
    as_json: Json = False,
    raw: Raw = False,
) -> None:
    """Show the records of a topic as they arrive (alerts unless another topic is named)."""
    from streams.cli import tail as tailing
    from streams.cli.console import stdout

    view = tailing.View(
        topic=topic,
        from_beginning=from_beginning,
        limit=limit,
        follow=follow,
        as_json=as_json,
        raw=raw,
        since=since,
        until=until,
    )
    console = stdout()
    for line in tailing.lines(context.obj.settings(), view):
        console.print(line.text, style=line.style, soft_wrap=True)


@dlq.command("list")
def dlq_list(
    context: typer.Context,
    limit: Annotated[
        int, typer.Option(min=0, max=MOST, help="How many of the latest to show.")
    ] = 20,
    as_json: Json = False,
) -> None:
    """Count dead letters by topic and reason, and show the latest."""
    from streams.cli import tables
    from streams.kafka import deadletters

    tables.show_dead_letters(deadletters.read(context.obj.settings()), limit, as_json)


@dlq.command("show")
def dlq_show(
    context: typer.Context,
    position: Annotated[
        str, typer.Argument(metavar="PARTITION:OFFSET", help="As `dlq list` shows.")
    ],
    raw: Raw = False,
) -> None:
    """Show one dead letter in full: why, from where, and its bytes as text and hex."""
    from streams.cli.console import stdout
    from streams.kafka import deadletters

    letter = deadletters.find(context.obj.settings(), position)
    stdout().print(deadletters.describe(letter, raw=raw), soft_wrap=True)


@dlq.command("replay")
def dlq_replay(
    context: typer.Context,
    reason: Annotated[str | None, typer.Option(help="Only those with this reason.")] = None,
    topic: Annotated[str | None, typer.Option(help="Only those of this topic.")] = None,
    rekey: Annotated[
        bool, typer.Option("--rekey", help="Take the key from the body instead of the record.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, max=MOST, help="At most so many.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
) -> None:
    """Send dead letters back where they came from, each of them once; the rest stays replayable."""
    from streams.cli import progress, tables
    from streams.kafka import resend

    wanted = resend.Selection(reason=reason, topic=topic, limit=limit, rekey=rekey)
    with progress.counter("replay") as count:
        try:
            outcome = resend.replay(context.obj.settings(), wanted, dry_run=dry_run, count=count)
        except KeyboardInterrupt:
            if not dry_run:
                progress.done(
                    f"Interrupted when {count.records:,} letters were sent back and marked. The same "
                    "command goes on; letters on their way are sent again, which does no harm: events "
                    "are known by their ids."
                )
            raise
    tables.show_replayed(outcome, dry_run)
    if outcome.failed:
        raise typer.Exit(1)
