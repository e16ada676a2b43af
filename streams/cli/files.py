"""Commands that work on files and need no broker: replay, import, simulate, schema and rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast

import typer

from streams.cli.arguments import moment, path
from streams.errors import ConfigurationError

schema = typer.Typer(no_args_is_help=True, help="The generated contracts.")
rules = typer.Typer(no_args_is_help=True, help="The rules of the detectors.")


@schema.command("export")
def schema_export(
    out: Annotated[Path, typer.Option("--out", "-o", parser=path, help="Directory to write into.")],
) -> None:
    """Write the JSON Schemas and the AsyncAPI document."""
    from schemas.generate import asyncapi, json_schema
    from streams.cli.progress import done

    out.mkdir(parents=True, exist_ok=True)
    topics = json_schema.json_topics()
    for topic in topics:
        text = json_schema.render(topic)
        (out / f"{topic.name}.schema.json").write_text(text, encoding="utf-8")
    (out / "asyncapi.yaml").write_text(asyncapi.render(), encoding="utf-8")
    done(f"{len(topics)} schemas and asyncapi.yaml written to {out}")


@rules.command("check")
def rules_check(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", parser=path, help="Default: the rules in use."),
    ] = None,
    shop: Annotated[str, typer.Option(help="With the overrides of this shop.")] = "",
) -> None:
    """Check a rules file and show every threshold with its source."""
    from streams.cli import tables
    from streams.detect.detector import find_detectors
    from streams.rules import load_rules

    chosen = file or context.obj.settings().rules_path
    tables.show_rules(load_rules(chosen, find_detectors()), shop, chosen)


def replay(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…", help="JSON Lines, plain, .gz or .zst; - is stdin."),
    ],
    rules: Annotated[
        Path | None,
        typer.Option("--rules", parser=path, help="Other rules than those set."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            parser=path,
            help="Replay once more under these rules, and show only what they say otherwise.",
        ),
    ] = None,
    alerts: Annotated[
        str | None,
        typer.Option(
            "--alerts",
            help="Write every revision to this file; - is stdout, but not together with --json.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="Conclude from silence up to then (UTC); default: the newest event. If it is later "
            "than the clock, it is the present.",
        ),
    ] = None,
    shuffle_seed: Annotated[
        int | None,
        typer.Option(
            "--shuffle",
            help="Feed in this random order; same final alerts, if the events span no more than the 7 "
            "to 45 days for which facts are kept.",
        ),
    ] = None,
    speed: Annotated[
        str, typer.Option(help="`max`, `real`, or a factor such as `10x` of event time.")
    ] = "max",
    shop_sizes: Annotated[
        bool,
        typer.Option(
            "--shop-sizes",
            help="Say at the end how large the orders of each shop are, as rules of D07 and D31 to paste.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the final alerts as JSON, one a line.")
    ] = False,
) -> None:
    """Run the detectors over files of events; same rules, same answers as the live worker."""
    from streams.cli import progress, tables
    from streams.identities import with_some_key
    from streams.replay import run as replaying
    from streams.replay.comparison import compare
    from streams.rules import build_engine, name_of_rules

    if as_json and alerts == "-":
        raise ConfigurationError(
            "--json and --alerts - both write to stdout, one the final alerts and the other every "
            "revision; leave one out, or give --alerts the name of a file."
        )
    if against is not None and any(map(_is_read_once, files)):
        raise ConfigurationError(
            "--against reads the files twice, and a pipe or - can be read only once; name files."
        )
    plan = replaying.Plan(files, alerts, until, shuffle_seed, speed, shop_sizes)
    settings = with_some_key(context.obj.settings(rules_path=rules))
    other = settings.model_copy(update={"rules_path": against})
    if against is not None:
        # Before an hour is spent on the first replay.
        build_engine(other)
    clock = replaying.wall_clock_ms if against is None else replaying.stopped_clock()
    with progress.counter("replay") as count:
        replayed = replaying.run(settings, plan, count, clock)
    if against is None:
        tables.show_replay(replayed, as_json=as_json, only_summary=alerts == "-")
    else:
        with progress.counter("replay against") as count:
            before = replaying.run(
                other, replace(plan, alerts=None, counts_sizes=False), count, clock
            )
        found = compare(replayed.report.standing, before.report.standing)
        names = name_of_rules(settings.rules_path), name_of_rules(against)
        tables.show_comparison(found, *names, as_json=as_json, only_summary=alerts == "-")
        for one, under in zip((replayed, before), names, strict=True):
            tables.show_replay(one, as_json=False, only_summary=True, under=under)
    if replayed.report.refused:
        raise typer.Exit(1)


def _is_read_once(name: str) -> bool:
    """Whether it is stdin, a pipe or the like; what is not there is for the reader to refuse."""
    path = Path(name)
    return name == "-" or (path.exists() and not path.is_file())


def import_(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="olist, tmall or online-retail: the data set.")
    ],
    source: Annotated[Path, typer.Argument(parser=path, help="The folder of the data set.")],
    out: Annotated[
        str, typer.Option("--out", "-o", help="File to write: .jsonl, .gz or .zst; - is stdout.")
    ],
    shop: Annotated[str | None, typer.Option(help="Shop id of the events.")] = None,
) -> None:
    """Turn a public data set into a file of events; nothing is made up, what is left out is said."""
    from streams.cli.progress import done
    from streams.importers.dataset import DatasetKind, import_dataset

    # The importer itself refuses an unknown kind and names the known ones.
    report = import_dataset(cast("DatasetKind", kind), source, out, shop_id=shop)
    for line in report.summary():
        done(line)


def simulate(
    out: Annotated[
        str, typer.Option("--out", "-o", help="File to write: .jsonl, .gz or .zst; - is stdout.")
    ],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    events: Annotated[int | None, typer.Option(help="Exact number of events.")] = None,
    buyers: Annotated[int | None, typer.Option(help="Honest buyers.")] = None,
    days: Annotated[float, typer.Option(help="Days in which orders are placed.")] = 7.0,
    shops: Annotated[str, typer.Option(help="Shop ids, separated by commas.")] = "shop1",
    scenarios: Annotated[
        str | None, typer.Option(help="Stories to tell, separated by commas; default: all.")
    ] = None,
    attack_share: Annotated[
        float, typer.Option(help="Share of attackers among buyers; 0 tells no story.")
    ] = 0.001,
    labels: Annotated[
        str | None, typer.Option(help="File for the truth; default: OUT.labels.jsonl.")
    ] = None,
) -> None:
    """Write made-up traffic, honest and malicious, and beside it the truth about the buyers."""
    from streams import simulate as simulation
    from streams.cli.progress import done

    stories = scenarios or ",".join((*simulation.ATTACKS, *simulation.LOOKALIKES))
    report = simulation.simulate(
        out,
        seed=seed,
        events=events,
        buyers=buyers,
        days=days,
        shops=[shop.strip() for shop in shops.split(",")],
        scenarios=[story.strip() for story in stories.split(",")],
        attack_share=attack_share,
        labels=labels,
    )
    for line in report.summary():
        done(line)
    truth = f", the truth to {report.labels_file}" if report.labels_file else ""
    done(f"written to {out}{truth}")
