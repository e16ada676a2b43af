"""The registry of topics, loaded from `topics.yaml` into frozen models.

It knows names and contracts, never a broker: the prefix and the number of partitions come from the
settings of whoever asks. The trap: `TOPICS` is keyed by the plain name, not by the name on Kafka.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

REGISTRY_PATH = Path(__file__).with_name("topics.yaml")
EXAMPLES_PATH = Path(__file__).with_name("examples")
_DAY_MS = 86_400_000

PartitionClass = Literal["buyer", "item", "subject"]
Direction = Literal["input", "output", "internal"]


class Topic(BaseModel):
    """One topic: who writes and reads it, what it carries, and how Kafka is to keep it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    direction: Direction
    description: str
    key: str
    partitions: PartitionClass | Annotated[int, Field(ge=1)]
    retention_days: Annotated[int, Field(ge=1)] | None
    cleanup_policy: Literal["delete", "compact"]
    max_message_bytes: Annotated[int, Field(ge=1)]
    segment_ms: Annotated[int, Field(ge=1)] | None = None
    min_cleanable_dirty_ratio: Annotated[float, Field(gt=0, lt=1)] | None = None
    producers: Annotated[tuple[str, ...], Field(min_length=1)]
    consumers: Annotated[tuple[str, ...], Field(min_length=1)]
    value: Literal["json", "bytes"]
    schema_ref: Annotated[str | None, Field(alias="schema")] = None
    headers: dict[str, str] = {}
    compat: Literal["backward", "none"]

    @model_validator(mode="after")
    def _is_consistent(self) -> Topic:
        if (self.value == "json") != (self.schema_ref is not None):
            raise ValueError(f"topic {self.name}: a schema belongs to value: json, and only there")
        if (self.cleanup_policy == "compact") != (self.retention_days is None):
            raise ValueError(f"topic {self.name}: keep by retention_days or by key, not both")
        return self

    @property
    def retention_ms(self) -> int:
        """Age in milliseconds at which records go; -1 means never, as Kafka spells it."""
        return -1 if self.retention_days is None else self.retention_days * _DAY_MS

    @property
    def examples(self) -> Path:
        """The folder of example messages."""
        return EXAMPLES_PATH / self.name

    def partition_count(self, configured: int) -> int:
        """The number of partitions, where `configured` is that of the topics read by key."""
        return self.partitions if isinstance(self.partitions, int) else configured

    def kafka_config(self) -> dict[str, str]:
        """The topic's configuration in the broker's own words."""
        config = {
            "cleanup.policy": self.cleanup_policy,
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
        }
        if self.segment_ms is not None:
            config["segment.ms"] = str(self.segment_ms)
        if self.min_cleanable_dirty_ratio is not None:
            config["min.cleanable.dirty.ratio"] = str(self.min_cleanable_dirty_ratio)
        return config

    def value_type(self) -> Any:
        """The pydantic model, or union of models, of the value; ValueError for a topic of bytes."""
        if self.schema_ref is None:
            raise ValueError(f"topic {self.name} carries bytes, not JSON")
        module, _, name = self.schema_ref.partition(":")
        return getattr(importlib.import_module(module), name)


def load(path: Path = REGISTRY_PATH) -> dict[str, Topic]:
    """Read a registry file; pydantic's ValidationError names the topic and key that are wrong."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    defaults = document["defaults"]
    return {
        name: Topic(name=name, **{**defaults[given["direction"]], **given})
        for name, given in document["topics"].items()
    }


TOPICS: dict[str, Topic] = load()
INPUT_TOPICS: tuple[str, ...] = tuple(t.name for t in TOPICS.values() if t.direction == "input")
BUYER_TOPICS: tuple[str, ...] = tuple(n for n in INPUT_TOPICS if TOPICS[n].partitions == "buyer")
ITEM_TOPICS: tuple[str, ...] = tuple(n for n in INPUT_TOPICS if TOPICS[n].partitions == "item")


@cache
def value_adapter(topic: str) -> TypeAdapter[Any]:
    """The careful reader of one topic's values: `validate_json` says all that is wrong with one.

    For tests and tools; `schemas.fast` takes the same set of values, and faster.
    """
    return TypeAdapter(TOPICS[topic].value_type())
