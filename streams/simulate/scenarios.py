"""All stories by name: the attacks of the detectors' pages, and the honest behaviour near them."""

from __future__ import annotations

from datetime import datetime
from random import Random

from streams.errors import ConfigurationError
from streams.simulate import (
    case_stories,
    claim_stories,
    dispute_stories,
    fault_stories,
    parcel_stories,
    ring_stories,
    talk_stories,
    unpaid_stories,
)
from streams.simulate.journal import Journal, iso
from streams.simulate.labels import Label, SubjectKind, Truth
from streams.simulate.scene import SPECS, Scene, Spec, Story

# Importing a module of stories registers them; the tuple says that this is meant.
_MODULES = (
    unpaid_stories,
    claim_stories,
    ring_stories,
    talk_stories,
    parcel_stories,
    fault_stories,
    case_stories,
    dispute_stories,
)


def spec(name: str) -> Spec:
    """The story called `name`; ConfigurationError when there is none."""
    if name not in SPECS:
        raise ConfigurationError(
            f"scenario is {name!r}; expected one of {', '.join(sorted(SPECS))}"
        )
    return SPECS[name]


def names(truth: Truth) -> tuple[str, ...]:
    """All stories of attacks, of honest lookalikes, of the shop's own faults, or of notices."""
    return tuple(sorted(name for name, known in SPECS.items() if known.truth == truth))


def scenario(
    name: str, start: datetime, *, shop_id: str = "shop1", seed: int = 1, number: int = 0
) -> Story:
    """The story `name`, beginning at `start`; another `number` gives other people and ids.

    It is told in `shop_id`, or in a shop of its own if it needs one.
    """
    known = spec(name)
    key = f"{name}/{number}"
    if known.has_own_shop:
        shop_id = f"{shop_id}-{name}-{number}"
    scene = Scene(
        shop_id=shop_id,
        start_ms=int(start.timestamp() * 1000),
        rng=Random(f"{seed}/{key}/{shop_id}"),
        journal=Journal(Random(f"{seed}/{key}/{shop_id}/ids")),
        seed=seed,
        key=key,
    )
    known.write(scene)
    events = sorted(scene.journal.events, key=lambda event: event.at_ms)
    label = Label(
        label=known.truth,
        scenario=name,
        shop_id=shop_id,
        buyer_ids=tuple(buyer.buyer_id for buyer in scene.buyers),
        detector=known.detector,
        subject_kind=known.subject,
        subject_id=_subject_id(known.subject, scene),
        expected=known.expected,
        start=iso(events[0].at_ms),
        end=iso(events[-1].at_ms),
        also=tuple(scene.told_also),
        not_caught=known.not_caught,
    )
    return Story(name=name, events=tuple(events), label=label)


def _subject_id(kind: SubjectKind, scene: Scene) -> str:
    """How alerts spell whom a story is about: its shop, its item or its first buyer."""
    if kind == "shop":
        return scene.shop_id
    name = scene.item_id if kind == "item" else scene.buyers[0].buyer_id
    return f"{scene.shop_id}:{name}"


ATTACKS = names("attack")
LOOKALIKES = names("honest-lookalike")
FAULTS = names("shop-fault")
NOTICES = names("notice")
