"""Prints the Grafana dashboard; redirect it into deploy/grafana/dashboards/orderwatch.json.

The table below is the dashboard: Grafana's JSON says each of these things many times over. A test
keeps the committed JSON equal to it, and every metric in it real.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
COLUMNS = 24
HEIGHT = 8


@dataclass(frozen=True)
class Panel:
    """One panel: `queries` are (PromQL, legend); `width` is in twenty-fourths of the page."""

    title: str
    description: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    width: int = 8
    kind: str = "timeseries"
    # From this value on a stat panel turns red; without one it stays neutral.
    red_from: float | None = None
    is_stacked: bool = False


def quantiles(metric: str, by: str) -> tuple[tuple[str, str], ...]:
    """p50 and p99 of a histogram."""
    return tuple(
        (
            f"histogram_quantile({q}, sum by (le, {by}) (rate({metric}_bucket[$__rate_interval])))",
            f"p{q * 100:.0f} {{{{{by}}}}}",
        )
        for q in (0.5, 0.99)
    )


def counted(series: str, by: str, per_s: int = 60) -> str:
    """How often something rare happens in `per_s` seconds; `series` is a counter.

    Its series begin with their first event, which `rate` never sees: one dead letter would be none. A
    series that was not there before counts whole, but only where its service was: else every counter
    would look new after Prometheus had been away.
    """
    is_new = (
        f"({series} unless {series} offset $__rate_interval) "
        "and on (job, instance) up offset $__rate_interval"
    )
    return (
        f"{per_s}000 / $__rate_interval_ms * "
        f"sum by ({by}) ({is_new} or increase({series}[$__rate_interval]))"
    )


def precision() -> str:
    """Of the alerts of each detector that people have labelled, the share that were none by mistake.

    Every console that shares a database says the same numbers.
    """
    labelled = "max by (detector, label) (orderwatch_inbox_labelled_alerts)"
    wrong = 'max by (detector) (orderwatch_inbox_labelled_alerts{label="FALSE_POSITIVE"})'
    total = f"sum by (detector) ({labelled})"
    return f"1 - ({wrong} or 0 * {total}) / {total}"


ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "At a glance · 概览",
        (
            Panel(
                "Open critical · 未处理严重预警",
                "Critical alerts in the inbox that nobody has handled.",
                (('max(orderwatch_inbox_alerts_open{severity="critical"})', ""),),
                width=4,
                kind="stat",
                red_from=1,
            ),
            Panel(
                "Services down · 故障服务",
                "Instances whose metrics page does not answer, and services without any instance.",
                (
                    (
                        # A service that DNS no longer knows has no `up` at all.
                        'count(up{job=~"orderwatch-.+"} == 0 '
                        'or absent(up{job="orderwatch-worker"}) '
                        'or absent(up{job="orderwatch-notify"}) '
                        'or absent(up{job="orderwatch-stock"}) '
                        'or absent(up{job="orderwatch-inbox"})) or vector(0)',
                        "",
                    ),
                ),
                width=4,
                kind="stat",
                red_from=1,
            ),
            Panel(
                "Records waiting · 积压记录",
                "Records in the log that no worker has acknowledged.",
                (("sum(orderwatch_consumer_lag_records)", ""),),
                width=4,
                kind="stat",
                red_from=10_000,
            ),
            Panel(
                "Dead letters, 1 h · 死信",
                "Records refused in the last hour.",
                (
                    (
                        # A series that was not there an hour ago began with its first dead letters.
                        "sum((orderwatch_dead_letters_total unless "
                        "orderwatch_dead_letters_total offset 1h) "
                        "or increase(orderwatch_dead_letters_total[1h])) or vector(0)",
                        "",
                    ),
                ),
                width=4,
                kind="stat",
                red_from=1,
            ),
            Panel(
                "Payments silent · 支付中断",
                "Shops where many buyers order and nobody pays; nothing is concluded about them. "
                "Small shops count all together.",
                (
                    # Buyers of one shop lie with every worker, so each of them counts it.
                    ("max(orderwatch_payments_silent)", "shops"),
                    ("max(orderwatch_payments_silent_everywhere)", "all together"),
                ),
                width=4,
                kind="stat",
                red_from=1,
            ),
            Panel(
                "Recovering · 恢复中",
                "Workers that are reading their state back.",
                (("sum(orderwatch_recovering)", ""),),
                width=4,
                kind="stat",
                red_from=1,
            ),
        ),
    ),
    (
        "Alerts · 预警",
        (
            Panel(
                "Alerts per minute by detector · 各检测器预警",
                "Revisions published, opened and changed ones alike.",
                (
                    (
                        counted("orderwatch_alerts_total", "detector"),
                        "{{detector}}",
                    ),
                ),
                is_stacked=True,
            ),
            Panel(
                "Alerts per minute by severity and change · 按级别与变化",
                "opened, updated, escalated, resolved, retracted.",
                (
                    (
                        counted("orderwatch_alerts_total", "severity, change"),
                        "{{severity}} {{change}}",
                    ),
                ),
                is_stacked=True,
            ),
            Panel(
                "Retracted per hour · 撤回",
                "Alerts that later facts took back; many of them mean that facts come late.",
                (
                    (
                        counted(
                            'orderwatch_alerts_total{change="retracted"}', "detector", per_s=3600
                        ),
                        "{{detector}}",
                    ),
                ),
            ),
            Panel(
                "Alerts per hour by shop · 各店铺预警",
                "Opened, reopened or escalated; the ten that have most. Shops that the rules file names "
                "under shops, with an empty block as well, are here by name; all others are :other.",
                (
                    (
                        f"topk(10, {counted('orderwatch_shop_alerts_total', 'shop, detector', 3600)})",
                        "{{shop}} {{detector}}",
                    ),
                ),
            ),
            Panel(
                "Too little data to conclude · 数据不足",
                "Evaluations a minute that said so, instead of staying silent.",
                (
                    (
                        counted("orderwatch_insufficient_total", "detector, reason"),
                        "{{detector}} {{reason}}",
                    ),
                ),
            ),
            Panel(
                "Signals per second · 信号",
                "Facts about items, orders, identities and shops, sent to stage 2.",
                (
                    (
                        "sum by (name) (rate(orderwatch_signals_total[$__rate_interval]))",
                        "{{name}}",
                    ),
                ),
            ),
        ),
    ),
    (
        "Flow · 处理",
        (
            Panel(
                "Records per second by topic · 输入",
                "Read from Kafka, whatever became of them.",
                (
                    (
                        "sum by (topic) (rate(orderwatch_records_total[$__rate_interval]))",
                        "{{topic}}",
                    ),
                ),
                unit="ops",
                is_stacked=True,
            ),
            Panel(
                "Records per second by outcome · 结果",
                "applied, and everything else by what became of it.",
                (
                    (
                        "sum by (outcome) (rate(orderwatch_records_total[$__rate_interval]))",
                        "{{outcome}}",
                    ),
                ),
                unit="ops",
            ),
            Panel(
                "Dead letters by reason · 死信原因",
                "Records a minute; `orderwatch dlq list` shows them.",
                (
                    (
                        counted("orderwatch_dead_letters_total", "topic, reason"),
                        "{{topic}} {{reason}}",
                    ),
                ),
            ),
            Panel(
                "Late events · 迟到事件",
                "Events a minute that came after the retention of their facts.",
                ((counted("orderwatch_late_total", "topic"), "{{topic}}"),),
            ),
            Panel(
                "Evaluation time · 评估耗时",
                "Merging and evaluating one batch.",
                quantiles("orderwatch_evaluation_seconds", "stage"),
                unit="s",
            ),
            Panel(
                "Batch time · 批处理耗时",
                "From decoding to durable state.",
                quantiles("orderwatch_batch_seconds", "stage"),
                unit="s",
            ),
            Panel(
                "Time by detector · 各检测器耗时",
                "Of one core, of all workers together: 1 is a worker that does nothing else. "
                "The ten that take most.",
                (
                    (
                        "topk(10, sum by (detector) "
                        "(rate(orderwatch_detector_evaluation_seconds_sum[$__rate_interval])))",
                        "{{detector}}",
                    ),
                ),
                unit="percentunit",
                width=12,
            ),
            Panel(
                "Slowest subject by detector · 单个主体最慢评估",
                "One judgement took at most so long, and more than a tenth of it; 10 s stands for more as "
                "well. Above 0.1 s one subject has far more facts than any should.",
                (
                    (
                        "histogram_quantile(1, sum by (le, detector) "
                        "(rate(orderwatch_detector_evaluation_seconds_bucket[$__rate_interval])))",
                        "{{detector}}",
                    ),
                ),
                unit="s",
                width=12,
            ),
        ),
    ),
    (
        "Delay and state · 延迟与状态",
        (
            Panel(
                "Event-time lag by topic · 事件时间延迟",
                "Wall clock less the newest event time of the last batch; still while nothing comes.",
                (("max by (topic) (orderwatch_event_lag_seconds)", "{{topic}}"),),
                unit="s",
            ),
            Panel(
                "Horizon delay · 水位延迟",
                "How old the latest moment is about which absence can be concluded.",
                (("max by (stage) (orderwatch_horizon_lag_seconds)", "{{stage}}"),),
                unit="s",
            ),
            Panel(
                "Records waiting by topic · 积压",
                "In the log and not acknowledged.",
                (("sum by (topic) (orderwatch_consumer_lag_records)", "{{topic}}"),),
            ),
            Panel(
                "State size · 状态大小",
                "Packed state in memory, compressed where buyers rest.",
                (("sum by (stage) (orderwatch_state_bytes)", "{{stage}}"),),
                unit="bytes",
            ),
            Panel(
                "Subjects in state · 状态主体数",
                "Buyers, items, orders, identities and shops that have facts.",
                (("sum by (stage) (orderwatch_state_subjects)", "{{stage}}"),),
            ),
            Panel(
                "Subjects evaluated per second · 评估次数",
                "Each subject once a batch, however many events touched it.",
                (
                    (
                        "sum by (stage) (rate(orderwatch_evaluated_total[$__rate_interval]))",
                        "{{stage}}",
                    ),
                ),
                unit="ops",
            ),
        ),
    ),
    # What is read from the database is the same number on every console that shares it: `max`, not `sum`.
    (
        "Inbox · 预警处理",
        (
            Panel(
                "Not handled · 未处理预警",
                "Alerts in the inbox, by severity, with those that somebody has set aside.",
                (("max by (severity) (orderwatch_inbox_alerts_open)", "{{severity}}"),),
                width=6,
                is_stacked=True,
            ),
            Panel(
                "Set aside · 稍后提醒",
                "Those of them that somebody has set aside until later.",
                (("max by (severity) (orderwatch_inbox_alerts_snoozed)", "{{severity}}"),),
                width=6,
                is_stacked=True,
            ),
            Panel(
                "Oldest not handled · 最久未处理",
                "How long the alert that waits longest has been waiting.",
                (("max(orderwatch_inbox_oldest_unhandled_seconds)", "oldest"),),
                unit="s",
                width=6,
            ),
            Panel(
                "Until somebody takes it · 响应时间",
                "From the arrival of an alert to a person taking it.",
                tuple(
                    (
                        f"histogram_quantile({q}, "
                        "sum by (le) (rate(orderwatch_inbox_ack_seconds_bucket[1h])))",
                        f"p{q * 100:.0f}",
                    )
                    for q in (0.5, 0.95)
                ),
                unit="s",
                width=6,
            ),
            Panel(
                "Findings · 处理结论",
                "Handled alerts by detector and by what people found out.",
                (
                    (
                        "max by (detector, label) (orderwatch_inbox_labelled_alerts)",
                        "{{detector}} {{label}}",
                    ),
                ),
                width=6,
            ),
            Panel(
                "Precision · 准确率",
                "Of the labelled alerts of a detector, those that were no false positives (误报).",
                ((precision(), "{{detector}}"),),
                unit="percentunit",
                width=6,
            ),
            Panel(
                "Steps per minute · 处理步骤",
                "What people do in the inbox, refused steps too.",
                (
                    (
                        counted("orderwatch_inbox_steps_total", "step, outcome"),
                        "{{step}} {{outcome}}",
                    ),
                ),
                width=6,
            ),
            Panel(
                "Inbox behind · 收件箱积压",
                "Records of the alerts topic that the inbox has not read.",
                (("sum(orderwatch_inbox_lag_records)", "records"),),
                width=6,
            ),
            Panel(
                "Deadlines coming up · 临近时限",
                "Of alerts and complaints at work, reminded of or due; docs/deadlines.md names the codes.",
                (("max by (code) (orderwatch_inbox_timers_due)", "{{code}}"),),
                width=6,
                is_stacked=True,
            ),
            Panel(
                "Next deadline in · 最近时限剩余",
                "Until the last moment of the one that comes first and is not met, by code.",
                (("max by (code) (orderwatch_inbox_timers_next_seconds)", "{{code}}"),),
                unit="s",
                width=6,
            ),
            Panel(
                "Deadlines past · 已过时限",
                "Past their last moment and not met.",
                (("max by (code) (orderwatch_inbox_timers_breached)", "{{code}}"),),
                width=6,
                is_stacked=True,
            ),
            Panel(
                "Bans · 禁购名单",
                "Waiting for approval (PROPOSED), for the platform (APPROVED), or in force (EXPORTED).",
                (("max by (state) (orderwatch_inbox_bans)", "{{state}}"),),
                width=6,
            ),
        ),
    ),
    (
        "Notifications · 通知",
        (
            Panel(
                "Notifications per minute · 通知",
                "Attempts, by channel and what became of them.",
                (
                    (
                        counted("orderwatch_notifications_total", "channel, status"),
                        "{{channel}} {{status}}",
                    ),
                ),
                width=12,
            ),
            Panel(
                "Notifications waiting · 待发送通知",
                "Not finished, and held for quiet hours, a digest or a group.",
                (
                    ("sum by (channel) (orderwatch_notifications_waiting)", "{{channel}}"),
                    ("sum by (channel) (orderwatch_notifications_held)", "{{channel}} held"),
                ),
                width=12,
            ),
        ),
    ),
    (
        "Stock adjustment · 库存调整",
        (
            Panel(
                "Decisions per minute · 决策",
                "Suggestions, top-ups and their reversals, on paper (dry_run) or live.",
                (
                    (
                        counted("orderwatch_stock_decisions_total", "kind, mode"),
                        "{{kind}} {{mode}}",
                    ),
                ),
            ),
            Panel(
                "Units held and topped up now · 占用与已补库存",
                "Held by orders that open alerts name, and topped up for them; over every episode the "
                "latter comes back to zero.",
                (
                    ("sum(orderwatch_stock_held_units)", "held"),
                    ("sum by (mode) (orderwatch_stock_released_units)", "topped up {{mode}}"),
                ),
            ),
            Panel(
                "Actions per minute · 动作",
                "Asked for (requested), and what whoever carries them out made of them.",
                ((counted("orderwatch_actions_total", "code, status"), "{{code}} {{status}}"),),
            ),
            Panel(
                "Decisions not sent · 未发出的决策",
                "Waiting for Kafka; what is to be taken back stays topped up meanwhile.",
                (("max by (instance) (orderwatch_stock_decisions_waiting)", "{{instance}}"),),
            ),
            Panel(
                "Why nothing was done · 未调整原因",
                "Decisions a minute that left the stock as it was, by reason.",
                (
                    (
                        counted('orderwatch_stock_decisions_total{kind="none"}', "reason"),
                        "{{reason}}",
                    ),
                ),
            ),
            Panel(
                "Left to a person · 待人工处理",
                "Units that were to be taken back at the platform and were not, in orders.",
                (("sum(orderwatch_stock_reversals_not_done)", "not taken back"),),
            ),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    return {
        "uid": "orderwatch",
        "title": "orderwatch",
        "tags": ["orderwatch"],
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "annotations": {"list": []},
        "templating": {"list": []},
        "panels": list(_panels()),
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 1, 0
    for title, panels in ROWS:
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
        }
        number, top, left = number + 1, top + 1, 0
        height = 4 if panels[0].kind == "stat" else HEIGHT
        for panel in panels:
            if left + panel.width > COLUMNS:
                top, left = top + height, 0
            yield _panel(panel, number, {"x": left, "y": top, "w": panel.width, "h": height})
            number, left = number + 1, left + panel.width
        top += height


def _panel(panel: Panel, number: int, position: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": position,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "expr": expression,
                "legendFormat": legend,
                "instant": panel.kind == "stat",
                "range": panel.kind != "stat",
            }
            for index, (expression, legend) in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.red_from is not None:
        steps.append({"color": "red", "value": panel.red_from})
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 25 if panel.is_stacked else 5,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.is_stacked else "none", "group": "A"},
        }
    return defaults


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        return {
            "colorMode": "background" if panel.red_from is not None else "none",
            "graphMode": "none",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        }
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def rendered() -> str:
    """The text of the committed file."""
    return json.dumps(dashboard(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(rendered())
