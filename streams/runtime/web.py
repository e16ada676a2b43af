"""What the worker answers over HTTP: metrics, whether it lives, and whether it can be relied upon."""

from __future__ import annotations

from typing import Any

from prometheus_client import generate_latest

from streams.runtime.app import WorkerApp


def add_pages(app: WorkerApp) -> None:
    """`/metrics`, `/healthz` (the process works) and `/readyz` (all owned state is read back)."""

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
        is_ready = app.is_settled
        status = "ready" if is_ready else "joining" if app.rebalancing else "recovering"
        return web.json({"status": status, "partitions": owned}, status=200 if is_ready else 503)
