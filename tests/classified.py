"""What texts and addresses say, read by the code under test, for the oracle that cannot read them itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from schemas.fast import decode_line
from streams.detect.extract import FACTS_OF
from streams.detect.facts import AnyFact, ListingTerms, ReceiverDoubted
from streams.replay.files import EventReader
from tests.oracle.oracle import Classified, Doubted, Events, Titled


def classified(events: Events) -> Classified:
    """The doubted receivers and the words of all listings in a history."""
    doubted: set[Doubted] = set()
    titled: set[Titled] = set()
    for topic, value in _told(events):
        if topic == "orders":
            where = value["shop_id"], value["buyer_id"]
            doubted |= {
                Doubted(*where, fact.event_id, bool(fact.address), bool(fact.phone))
                for fact in _facts(topic, value)
                if isinstance(fact, ReceiverDoubted)
            }
        elif topic == "listings":
            where = value["shop_id"], value["item_id"]
            # What the listing claims in a field of its own the oracle reads itself.
            titled |= {
                Titled(
                    *where,
                    fact.event_id,
                    fact.says_free_shipping,
                    fact.names_exclusions,
                    fact.extra,
                )
                for fact in _facts(topic, {**value, "claims_free_shipping": False})
                if isinstance(fact, ListingTerms)
            }
    return Classified(sorted(doubted), sorted(titled))


def _told(events: Events) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return _lines(events) if isinstance(events, Path) else events


def _lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for chunk in EventReader([path]):
        for line in chunk.lines:
            told = orjson.loads(line)
            yield told["topic"], told["value"]


def _facts(topic: str, value: Mapping[str, Any]) -> Iterable[AnyFact]:
    _, decoded = decode_line(orjson.dumps({"topic": topic, "value": value}))
    make = FACTS_OF.get(type(decoded))
    return make(decoded) if make else ()
