"""What the worker answers over HTTP: metrics, whether it lives, and whether it can be relied upon."""

from __future__ import annotations

from typing import Any

from prometheus_client import generate_latest

from streams.runtime.app import WorkerApp


def add_pages(app: WorkerApp) -> None:
    """`/metrics`, `/healthz` (the process works), `/readyz` (owned state is read back, brokers answer)."""

    @app.page("/metrics")
    async def metrics(web: Any, request: Any) -> Any:
        return web.text(generate_latest(app.metrics.registry).decode(), content_type="text/plain")

    @app.page("/healthz")
    async def healthz(web: Any, request: Any) -> Any:
        # A stalled worker does not get here: the pulse ends its process.
        return web.json({"status": "alive"})

    @app.page("/readyz")
    async def readyz(web: Any, request: Any) -> Any:
        owned = {stage.plan.name: len(stage.partitions) for stage in app.stages}
        status = _status(app)
        code = 200 if status == "ready" else 503
        return web.json({"status": status, "partitions": owned}, status=code)


def _status(app: WorkerApp) -> str:
    if app.is_cut_off:
        return "cut off"
    if app.is_settled:
        return "ready"
    return "joining" if app.rebalancing else "recovering"
