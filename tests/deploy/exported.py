"""Which metrics the code exports, read from its source: no service has to run for the answer."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_SUFFIXES = {
    "Counter": ("_total",),
    "Gauge": ("",),
    "Histogram": ("_bucket", "_sum", "_count"),
    "Summary": ("_sum", "_count"),
    "Info": ("_info",),
    "GaugeMetricFamily": ("",),
    "CounterMetricFamily": ("_total",),
    "HistogramMetricFamily": ("_bucket", "_sum", "_count"),
}


@cache
def exported_series(source: Path) -> dict[str, set[str]]:
    """Series name → its labels, for every metric that a module below `source` declares."""
    series: dict[str, set[str]] = {}
    for path in sorted(source.rglob("*.py")):
        for kind, name, labels in _declared(ast.parse(path.read_text())):
            name = name.removesuffix("_total") if kind.startswith("Counter") else name
            for suffix in _SUFFIXES[kind]:
                extra = {"le"} if suffix == "_bucket" else set()
                series[name + suffix] = labels | extra
    return series


def _declared(tree: ast.Module) -> Iterator[tuple[str, str, set[str]]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        kind = getattr(node.func, "id", getattr(node.func, "attr", ""))
        name = node.args[0]
        if kind not in _SUFFIXES or not isinstance(name, ast.Constant):
            continue
        if not str(name.value).startswith("orderwatch_"):
            continue
        yield kind, str(name.value), _labels(node)


def _labels(call: ast.Call) -> set[str]:
    given = [
        *call.args[2:3],
        *(k.value for k in call.keywords if k.arg in ("labelnames", "labels")),
    ]
    return {
        str(label.value)
        for listing in given
        if isinstance(listing, ast.List | ast.Tuple)
        for label in listing.elts
        if isinstance(label, ast.Constant)
    }
