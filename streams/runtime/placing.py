"""Records that lie in a partition where their key does not belong, as of a producer with another partitioner.

librdkafka has one, by default. Orders sent by it do not meet the payments of another producer, and then
everybody seems to order and never pay, one partition after the other, with nothing else amiss.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from streams.errors import PoisonError
from streams.runtime.bulk import partition_of
from streams.runtime.intake import Batch, Record


def refuse_misplaced(
    batch: Batch,
    records: Sequence[Record],
    number: int,
    partitions: int,
    known: Container[str],
) -> None:
    """Move what is misplaced from the facts of a batch of partition `number` to its poison.

    Whose state the partition has was looked at when that began, so `known` is passed over: a hash costs 3 µs,
    as much as reading the event, and is paid once for each subject.
    """
    strays = [key for key in batch.facts if key not in known and _home(key, partitions) != number]
    if not strays:
        return
    for key in strays:
        del batch.facts[key]
    names = {_name(key) for key in strays}
    refused = {record.offset for record, _ in batch.poison}
    batch.poison.extend(
        (record, _misplaced(record.key, number, partitions))
        for record in records
        if record.key in names and record.offset not in refused
    )


def _name(key: str) -> bytes:
    """The record key behind a stored key."""
    return key[2:].encode()


def _home(key: str, partitions: int) -> int:
    return partition_of(_name(key), partitions)


def _misplaced(key: bytes, number: int, partitions: int) -> PoisonError:
    return PoisonError(
        "key_mismatch",
        f"the record lies in partition {number}, but its key belongs to {partition_of(key, partitions)} "
        f"of {partitions}: producers must choose the partition as Java's do (librdkafka: "
        "partitioner=murmur2_random); `dlq replay` sends it where it belongs",
    )
