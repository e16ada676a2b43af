"""The peer: the unpaid job as Faust's documentation teaches it, with Faust's default settings.

An agent per topic, typed records, one Table, memory store. It does less than orderwatch does: no
grace, no episodes, no late or duplicate events, no evidence; so the comparison favours it.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import faust

WINDOW = timedelta(minutes=30)
ALERT_AT = 5


class Order(faust.Record, isodates=True):
    """What of an order the job needs; Faust leaves the other fields alone."""

    buyer_id: str
    order_id: str
    occurred_at: datetime


class Payment(faust.Record):
    """What of a payment the job needs."""

    buyer_id: str
    order_id: str


class Alert(faust.Record):
    """A buyer holds too many orders."""

    buyer_id: str
    unpaid: int


prefix = os.environ["BENCHMARK_TOPIC_PREFIX"]
app = faust.App(
    f"{prefix}faust",
    broker=f"kafka://{os.environ['BENCHMARK_BOOTSTRAP']}",
    datadir=os.environ["BENCHMARK_DATA_DIR"],
    web_port=int(os.environ["BENCHMARK_WEB_PORT"]),
)
orders = app.topic(f"{prefix}orders", value_type=Order)
payments = app.topic(f"{prefix}payments", value_type=Payment)
alerts = app.topic(f"{prefix}alerts", value_type=Alert)
# By buyer: when each order that is still unpaid was placed.
unpaid = app.Table("unpaid", default=dict)


@app.agent(orders)
async def ordered(stream: faust.StreamT[Order]) -> None:
    """Count the buyer's unpaid orders of the last half hour; alert when there are too many."""
    async for order in stream:
        since = (order.occurred_at - WINDOW).timestamp()
        waiting = {o: at for o, at in unpaid[order.buyer_id].items() if at >= since}
        waiting[order.order_id] = order.occurred_at.timestamp()
        unpaid[order.buyer_id] = waiting
        if len(waiting) == ALERT_AT:
            await alerts.send(key=order.buyer_id, value=Alert(order.buyer_id, len(waiting)))


@app.agent(payments)
async def paid(stream: faust.StreamT[Payment]) -> None:
    """A paid order is not waited for any longer."""
    async for payment in stream:
        waiting = unpaid[payment.buyer_id]
        if waiting.pop(payment.order_id, None) is not None:
            unpaid[payment.buyer_id] = waiting


if __name__ == "__main__":
    app.main()
