"""The page docs/metrics.md, derived from where the services declare their metrics; a test holds them equal.

Metrics are read from the source, because the inbox's gauges exist only with a database.
Write the page with `python -m streams.cli.metrics_reference`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).resolve().parents[2]
PAGE = _ROOT / "docs" / "metrics.md"

_HEAD = """\
# Metrics

<!-- Derived from the code, do not edit: python -m streams.cli.metrics_reference -->

Every service answers `/metrics` in Prometheus' format.
Units are seconds, bytes or counts; labels come from closed sets and never name a buyer.
A histogram has the series `…_bucket`, `…_sum` and `…_count`.
[Alert rules](../deploy/prometheus/rules.yml) and the
[Grafana dashboard](../deploy/grafana/dashboards/orderwatch.json) are made of these, and tests hold
them to it.
"""

# Service, where it declares its metrics, where it answers, and its page.
_SERVICES = (
    ("worker", "streams/runtime/metrics.py", "`ORDERWATCH_WEB_PORT`", "architecture.md"),
    ("inbox", "streams/inbox/metrics.py", "`ORDERWATCH_INBOX_PORT`", "inbox.md"),
    ("notify", "streams/notify/metrics.py", "`ORDERWATCH_NOTIFY_METRICS_PORT`", "notify.md"),
    ("stock", "streams/stock/metrics.py", "`ORDERWATCH_STOCK_METRICS_PORT`", "stock.md"),
)

_KINDS = {
    "Counter": "counter",
    "Gauge": "gauge",
    "Histogram": "histogram",
    "CounterMetricFamily": "counter",
    "GaugeMetricFamily": "gauge",
    "HistogramMetricFamily": "histogram",
}


class Declared(NamedTuple):
    """One metric as the code declares it; `name` is as Prometheus shows it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


def render() -> str:
    """The whole page."""
    parts = [_HEAD]
    for service, source, port, page in _SERVICES:
        parts += [f"## orderwatch {service}", f"On {port}; see [{page}]({page}).", ""]
        parts += ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
        parts += [_row(metric) for metric in declared(_ROOT / source)]
        parts.append("")
    return "\n".join(parts)


def write() -> None:
    """Bring docs/metrics.md up to date."""
    PAGE.write_text(render(), encoding="utf-8")


def declared(source: Path) -> Iterator[Declared]:
    """The metrics of one module, in the order of its text."""
    calls = [
        node
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _name(node.func) in _KINDS
    ]
    for call in sorted(calls, key=lambda call: call.lineno):
        kind = _KINDS[_name(call.func)]
        name, meaning = (_text(argument) for argument in call.args[:2])
        suffix = "_total" if kind == "counter" else ""
        labels = tuple(_text(label) for listed in _labels(call) for label in listed.elts)
        yield Declared(name.removesuffix(suffix) + suffix, kind, labels, meaning)


def _row(metric: Declared) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    meaning = metric.meaning.removesuffix(".")
    return f"| `{metric.name}` | {metric.kind} | {labels} | {meaning}. |"


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else ""


def _labels(call: ast.Call) -> Iterator[ast.List]:
    for argument in (*call.args[2:3], *(word.value for word in call.keywords)):
        if isinstance(argument, ast.List):
            yield argument


def _text(node: ast.expr) -> str:
    if not isinstance(node, ast.Constant):
        raise TypeError(f"line {node.lineno}: a metric is declared with something but plain text")
    return str(node.value)


if __name__ == "__main__":
    write()
