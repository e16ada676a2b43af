"""The root of the command tree: global options and the long-running services."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli import files, records
from streams.cli.invocation import Invocation

app = typer.Typer(
    name="orderwatch",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Real-time alerts for suspicious orders. Settings come from ORDERWATCH_… variables.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("orderwatch"))
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    bootstrap_servers: Annotated[
        str | None,
        typer.Option(
            "--bootstrap-servers",
            "-b",
            help="Overrides ORDERWATCH_BOOTSTRAP_SERVERS (host:port,…).",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    invocation: Invocation = context.obj
    invocation.debug = debug
    if bootstrap_servers is not None:
        invocation.overrides["bootstrap_servers"] = bootstrap_servers


@app.command(rich_help_panel="Start here")
def demo(
    context: typer.Context,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", envvar="DEMO_S", min=1, help="End by itself after this long."),
    ] = None,
) -> None:
    """Start everything on this machine, play a scenario and show the alerts."""
    from streams.cli.console import stdout
    from streams.demo import run

    console = stdout()

    def say(text: str, style: str = "") -> None:
        console.print(text, style=style, soft_wrap=True)

    raise typer.Exit(run.demo(context.obj.settings(), seconds, say))


@app.command(rich_help_panel="Start here")
def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Check settings, rules, disk, broker, topics, clock, input and services; exit 1 if anything fails."""
    from streams.cli import doctor as checks
    from streams.cli import tables

    results = checks.examine(context.obj.settings())
    tables.show_checks(results, as_json)
    if any(result.status == "failed" for result in results):
        raise typer.Exit(1)


@app.command(rich_help_panel="Services")
def worker(context: typer.Context) -> None:
    """Run one detection worker: reads events, keeps facts, publishes alerts."""
    from streams.runtime import worker as service

    service.run(context.obj.settings())


@app.command(rich_help_panel="Services")
def notify(context: typer.Context) -> None:
    """Run the notifier: alerts to chat groups, e-mail and webhooks."""
    from streams.notify import service

    service.run(context.obj.settings())


@app.command(rich_help_panel="Services")
def stock(
    context: typer.Context,
    approve: Annotated[
        str | None,
        typer.Option(
            metavar="ALERT_ID",
            help="Approve the top-ups of this alert for 24 hours, and end.",
        ),
    ] = None,
    refuse: Annotated[
        str | None,
        typer.Option(
            metavar="ALERT_ID",
            help="Refuse the top-ups of this alert, take back those that went, and end.",
        ),
    ] = None,
) -> None:
    """Run stock adjustment (dry-run unless settings say otherwise)."""
    # An empty one is a variable that was not set, and no wish for a service. Of both, the refusal counts.
    if refuse is not None or approve is not None:
        from streams.cli.approval import say
        from streams.cli.console import stdout

        settings = context.obj.settings()
        stdout().print(
            say(settings, "approve", approve or "")
            if refuse is None
            else say(settings, "refuse", refuse)
        )
        return
    from streams.stock import service

    service.run(context.obj.settings())


@app.command(rich_help_panel="Services")
def inbox(
    context: typer.Context,
    copy_from: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Copy everything from this database into the empty one of ORDERWATCH_DATABASE_URL, and end.",
        ),
    ] = None,
) -> None:
    """Run the operations inbox, the web console for alerts."""
    if copy_from is not None:
        from streams.cli.console import stdout
        from streams.inbox.moving import copy_inbox

        copied = copy_inbox(copy_from, context.obj.settings().database_url)
        for table, rows in copied.items():
            stdout().print(f"{table}: {rows:,}")
        return
    from streams.inbox import service

    service.run(context.obj.settings())


app.add_typer(records.topics, name="topics", rich_help_panel="Kafka")
app.add_typer(records.dlq, name="dlq", rich_help_panel="Kafka")
app.command("produce", rich_help_panel="Kafka")(records.produce)
app.command("tail", rich_help_panel="Kafka")(records.tail)
app.command("replay", rich_help_panel="Files")(files.replay)
app.command("import", rich_help_panel="Files")(files.import_)
app.command("simulate", rich_help_panel="Files")(files.simulate)
app.add_typer(files.schema, name="schema", rich_help_panel="Files")
app.add_typer(files.rules, name="rules", rich_help_panel="Files")
