"""Prometheus, Alertmanager and Grafana ask only for what is really exported, and their files load."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.exported import exported_series

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = PROMETHEUS / "rules.yml"
STORIES = sorted((ROOT / "tests" / "deploy").glob("rules_*test.yml"))
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "orderwatch.json"
PACKAGES = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}


def run_tool(tool: str, *arguments: str) -> None:
    """Run promtool or amtool and fail with what it says; skip with the cure when it is missing."""
    path = shutil.which(tool)
    if path is None:
        cure = f"{tool} is missing: apt-get install {PACKAGES[tool]}"
        if os.environ.get("REQUIRE_PROMTOOL") == "1":
            pytest.fail(f"REQUIRE_PROMTOOL=1, but {cure}")
        pytest.skip(cure)
    done = subprocess.run(
        [path, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> Iterator[tuple[str, str, str]]:
    """(title, expression, legend) of each query of the dashboard."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"], target["legendFormat"]


def without_variables(expression: str) -> str:
    """What Prometheus would see: Grafana puts a duration there, as text and in milliseconds."""
    return expression.replace("$__rate_interval_ms", "60000").replace("$__rate_interval", "1m")


EXPRESSIONS = [
    *((rule["alert"], str(rule["expr"])) for rule in rules()),
    *((title, expression) for title, expression, _ in panels()),
]


def test_prometheus_loads_its_configuration_and_rules() -> None:
    run_tool("promtool", "check", "config", str(PROMETHEUS / "prometheus.yml"))


def test_the_jobs_of_the_pods_are_those_that_the_rules_ask_for(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(scrape_configs:.*?)```", page, flags=re.DOTALL)
    config = yaml.safe_load(block)
    (job,) = config["scrape_configs"]
    # The tool of Debian is built without any Kubernetes.
    assert job.pop("kubernetes_sd_configs")[0]["namespaces"] == {"names": ["orderwatch"]}
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    run_tool("promtool", "check", "config", str(path))
    (naming,) = (r for r in job["relabel_configs"] if r.get("target_label") == "job")
    asked = {
        name for _, expression in EXPRESSIONS for name in re.findall(r'job="([\w-]+)"', expression)
    }
    pods = ("worker", "notify", "stock", "inbox")
    assert {naming["replacement"].replace("$1", name) for name in pods} == asked
    for name in pods:
        files = yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / f"{name}.yaml").read_text())
        template = next(file["spec"]["template"] for file in files if "template" in file["spec"])
        assert template["metadata"]["labels"]["app.kubernetes.io/name"] == name
        (container,) = template["spec"]["containers"]
        assert [port["name"] for port in container["ports"]] == ["http"]


def test_rules_fire_and_stay_silent_as_their_stories_say() -> None:
    run_tool("promtool", "test", "rules", *map(str, STORIES))


def test_every_rule_has_a_story() -> None:
    told = {
        case["alertname"]
        for path in STORIES
        for story in yaml.safe_load(path.read_text())["tests"]
        for case in story["alert_rule_test"]
        if case.get("exp_alerts")
    }
    assert told == {rule["alert"] for rule in rules()}


def test_alertmanager_loads_its_routes() -> None:
    run_tool("amtool", "check-config", str(ROOT / "deploy" / "alertmanager" / "alertmanager.yml"))


@pytest.mark.parametrize(
    ("severity", "receiver"), [("critical", "sre-on-call"), ("warning", "sre")]
)
def test_severity_decides_who_is_told(severity: str, receiver: str) -> None:
    path = str(ROOT / "deploy" / "alertmanager" / "alertmanager.yml")
    expected = f"--verify.receivers={receiver}"
    run_tool(
        "amtool",
        "config",
        "routes",
        "test",
        f"--config.file={path}",
        expected,
        f"severity={severity}",
    )


def test_every_rule_says_how_bad_it_is_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_every_metric_asked_for_is_exported_with_its_labels(where: str, expression: str) -> None:
    exported = exported_series(ROOT / "streams")
    names = set(re.findall(r"\borderwatch_\w+", expression))
    assert names <= set(exported), f"{where} asks for {sorted(names - set(exported))}"

    # What the scraper adds to every series.
    labels = {"job", "instance"}.union(*(exported[name] for name in names))
    grouped = {
        label.strip()
        for listing in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression)
        for label in listing.split(",")
        if label.strip()
    }
    matched = set(re.findall(r'(\w+)\s*=~?\s*"', expression))
    assert grouped | matched <= labels, f"{where} asks for {sorted((grouped | matched) - labels)}"


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_what_consoles_read_from_the_database_they_share_is_not_summed(
    where: str, expression: str
) -> None:
    of_alerts = "alerts_(open|snoozed)|oldest_unhandled_seconds|labelled_alerts|timers_\\w+"
    shared = f"{of_alerts}|events_waiting|bans"
    summed = re.findall(r"\bsum\b\s*(?:by\s*\([^)]*\)\s*)?\(\s*(orderwatch_\w+)", expression)
    assert not [name for name in summed if re.fullmatch(f"orderwatch_inbox_({shared})", name)], (
        where
    )


def test_every_legend_names_a_label_that_the_query_keeps() -> None:
    for title, expression, legend in panels():
        kept = {
            label.strip()
            for listing in re.findall(r"\bby\s*\(([^)]*)\)", expression)
            for label in listing.split(",")
        }
        assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= kept, title


def test_prometheus_can_read_every_query_of_the_dashboard(tmp_path: Path) -> None:
    queries = [
        {"record": f"panel:{number}", "expr": without_variables(expression)}
        for number, (_, expression, _) in enumerate(panels())
    ]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": queries}]}))
    run_tool("promtool", "check", "rules", str(path))


def expression_of(panel: str) -> str:
    (found,) = (expression for title, expression, _ in panels() if title.startswith(panel))
    return without_variables(found)


def test_panels_show_what_was_counted_once_and_services_without_instances(tmp_path: Path) -> None:
    """Counters begin with their first event; a service that has ended is no longer known to DNS."""
    dead, worker = "orderwatch_dead_letters_total", 'job="orderwatch-worker", instance="w"'
    letters, down = expression_of("Dead letters by reason"), expression_of("Services down")
    refused = '{topic="orders", reason="invalid_json"}'
    story = {
        "interval": "15s",
        "input_series": [
            {"series": f"up{{{worker}}}", "values": "1x40"},
            {"series": 'up{job="orderwatch-notify", instance="n"}', "values": "1x40"},
            {"series": 'up{job="orderwatch-inbox", instance="i"}', "values": "0x40"},
            {
                "series": f'{dead}{{{worker}, topic="orders", reason="invalid_json"}}',
                "values": "_x19 2x20",
            },
            # Was counted long before Prometheus began to look at this worker.
            {
                "series": f'{dead}{{job="orderwatch-worker", instance="old", topic="stock", reason="x"}}',
                "values": "_x19 9x20",
            },
            {
                "series": 'up{job="orderwatch-worker", instance="old"}',
                "values": "_x19 1x20",
            },
        ],
        "promql_expr_test": [
            {
                "expr": letters,
                "eval_time": "5m15s",
                "exp_samples": [
                    {"labels": refused, "value": 2},
                    {"labels": '{topic="stock", reason="x"}', "value": 0},
                ],
            },
            {"expr": down, "eval_time": "1m", "exp_samples": [{"labels": "{}", "value": 2}]},
        ],
    }
    path = tmp_path / "panels_test.yml"
    path.write_text(yaml.safe_dump({"tests": [story]}))
    run_tool("promtool", "test", "rules", str(path))


def test_panels_show_the_first_late_event_and_how_often_each_detector_was_right(
    tmp_path: Path,
) -> None:
    late, labelled = "orderwatch_late_total", "orderwatch_inbox_labelled_alerts"
    worker = 'job="orderwatch-worker", instance="w"'
    found = {("D01", "FALSE_POSITIVE"): 1, ("D01", "CONFIRMED"): 3, ("D02", "CONFIRMED"): 5}
    story = {
        "interval": "15s",
        "input_series": [
            {"series": f"up{{{worker}}}", "values": "1x40"},
            {"series": f'{late}{{{worker}, topic="orders"}}', "values": "_x19 1x20"},
            # Two consoles over one database.
            *(
                {
                    "series": f'{labelled}{{instance="{console}", detector="{detector}", label="{label}"}}',
                    "values": f"{number}x40",
                }
                for (detector, label), number in found.items()
                for console in "ab"
            ),
        ],
        "promql_expr_test": [
            {
                "expr": expression_of("Late events"),
                "eval_time": "5m15s",
                "exp_samples": [{"labels": '{topic="orders"}', "value": 1}],
            },
            {
                "expr": expression_of("Precision"),
                "eval_time": "5m",
                "exp_samples": [
                    {"labels": '{detector="D01"}', "value": 0.75},
                    {"labels": '{detector="D02"}', "value": 1},
                ],
            },
        ],
    }
    path = tmp_path / "panels_test.yml"
    path.write_text(yaml.safe_dump({"tests": [story]}))
    run_tool("promtool", "test", "rules", str(path))


def test_a_panel_shows_in_which_shop_something_began_and_what(tmp_path: Path) -> None:
    began = "orderwatch_shop_alerts_total"
    worker = 'job="orderwatch-worker", instance="w"'
    by_severity = {"warn": "1x19 1x20", "critical": "_x19 2x20"}
    story = {
        "interval": "15s",
        "input_series": [
            {"series": f"up{{{worker}}}", "values": "1x40"},
            *(
                {
                    "series": f'{began}{{{worker}, shop="s1", detector="D01", severity="{severity}"}}',
                    "values": values,
                }
                for severity, values in by_severity.items()
            ),
            {
                "series": f'{began}{{{worker}, shop=":other", detector="D10", severity="warn"}}',
                "values": "_x19 3x20",
            },
        ],
        "promql_expr_test": [
            {
                "expr": expression_of("Alerts per hour by shop"),
                "eval_time": "5m15s",
                # In the minute that was seen there were two and three, as many as 120 and 180 an hour.
                "exp_samples": [
                    {"labels": '{shop=":other", detector="D10"}', "value": 180},
                    {"labels": '{shop="s1", detector="D01"}', "value": 120},
                ],
            },
        ],
    }
    path = tmp_path / "panels_test.yml"
    path.write_text(yaml.safe_dump({"tests": [story]}))
    run_tool("promtool", "test", "rules", str(path))


def test_every_number_of_the_inbox_is_drawn() -> None:
    drawn = " ".join(expression for _, expression in EXPRESSIONS)
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    gauges = re.findall(r"`(orderwatch_inbox_\w+)` \| gauge", page)
    assert [name for name in gauges if name not in drawn] == []


def test_the_committed_dashboard_is_the_generated_one() -> None:
    program = runpy.run_path(str(ROOT / "deploy" / "grafana" / "dashboard.py"))
    cure = "run: python deploy/grafana/dashboard.py > deploy/grafana/dashboards/orderwatch.json"
    assert DASHBOARD.read_text() == program["rendered"](), cure


def test_panels_stand_beside_each_other_and_have_numbers_of_their_own() -> None:
    board = json.loads(DASHBOARD.read_text())
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_grafana_finds_the_data_source_and_the_dashboard() -> None:
    provisioning = ROOT / "deploy" / "grafana" / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())
    assert {source["uid"] for source in sources["datasources"]} == {"prometheus"}
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == "prometheus"

    (provider,) = yaml.safe_load((provisioning / "dashboards" / "orderwatch.yml").read_text())[
        "providers"
    ]
    mounts = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"][
        "volumes"
    ]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in mounts


def test_prometheus_scrapes_each_service_where_compose_says_it_listens() -> None:
    jobs = {
        job["job_name"]: job
        for job in yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    }
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    ports = {
        "worker": "ORDERWATCH_WEB_PORT",
        "notify": "ORDERWATCH_NOTIFY_METRICS_PORT",
        "stock": "ORDERWATCH_STOCK_METRICS_PORT",
        "inbox": "ORDERWATCH_INBOX_PORT",
    }
    for service, variable in ports.items():
        (target,) = jobs[f"orderwatch-{service}"]["dns_sd_configs"]
        assert target["names"] == [service]
        assert str(target["port"]) == services[service]["environment"][variable]
