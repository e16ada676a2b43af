"""Stories of AliExpress disputes (D28 to D32): what the seller has to do in time, and what needs nothing.

A dispute accuses nobody: labels get mixed up, parcels break, returns are slow.
"""

from __future__ import annotations

from typing import Any

from streams.simulate.journal import Purchase, iso
from streams.simulate.scene import Scene, story

# A dispute may be opened once the parcel is there.
_OPENED_H = 70.0


class _Dispute:
    """One dispute about an order that was delivered."""

    def __init__(self, scene: Scene, at_h: float, reason: str, **body: Any) -> None:
        self._scene = scene
        self.order: Purchase = scene.bought(scene.at(h=at_h - _OPENED_H), scene.buyer())
        self._header = {
            "dispute_id": scene.journal.number(14),
            "order_id": self.order.order_id,
        }
        self.put(at_h, "opened", reason=reason, **body)

    def put(self, at_h: float, step: str, **body: Any) -> None:
        """Write down a step of the dispute."""
        self.order.put(self._scene.at(h=at_h), "disputes", step, {**self._header, **body})

    def returned(self, at_h: float) -> None:
        """The parcel comes back."""
        body = {"return_id": f"back-{self.order.order_id}", "order_id": self.order.order_id}
        self.order.put(self._scene.at(h=at_h), "returns", "delivered", body)


def _wrong_item(scene: Scene, channel: str) -> None:
    dispute = _Dispute(scene, _OPENED_H, "wrong_item", channel=channel, country="ES")
    dispute.put(_OPENED_H + 20, "evidence_added", by="buyer", kind="label_photo")


@story("label-mixed-up", "notice", "D28", "buyer", "info")
def wrong_item_by_cainiao(scene: Scene) -> None:
    """The wrong thing arrived by Cainiao; a photo shows another label underneath."""
    _wrong_item(scene, scene.pick(("cainiao", "菜鸟")))


@story("wrong-item-by-post", "honest-lookalike", "D28", "buyer", "none")
def wrong_item_by_another_carrier(scene: Scene) -> None:
    """The same by another carrier."""
    _wrong_item(scene, "epacket")


def _disputed(scene: Scene, reason: str) -> None:
    dispute = _Dispute(scene, _OPENED_H, reason, country="FR")
    dispute.put(_OPENED_H + 30, "withdrawn")


@story("broken-parcel-abroad", "notice", "D29", "buyer", "info")
def arrives_broken(scene: Scene) -> None:
    """A dispute about damage, withdrawn after a talk."""
    _disputed(scene, "damaged")


@story("not-as-good-as-hoped", "honest-lookalike", "D29", "buyer", "none")
def is_disappointed(scene: Scene) -> None:
    """A dispute about quality."""
    _disputed(scene, "quality")


def _return_is_awaited(scene: Scene, returned_h: float | None) -> None:
    """A dispute about a return, to be confirmed within ten days."""
    ends_ms = scene.at(h=_OPENED_H + 240)
    dispute = _Dispute(scene, _OPENED_H, "return", country="DE", countdown_ends_at=iso(ends_ms))
    if returned_h is not None:
        dispute.returned(_OPENED_H + returned_h)


@story("return-never-comes", "notice", "D30", "buyer", "critical")
def no_parcel_before_the_countdown_ends(scene: Scene) -> None:
    """No parcel comes before the countdown ends."""
    _return_is_awaited(scene, None)


@story("return-comes-late", "notice", "D30", "buyer", "warn")
def parcel_on_the_last_day_but_one(scene: Scene) -> None:
    """The parcel comes when less than two days are left."""
    _return_is_awaited(scene, 240 - scene.between(20, 40))


@story("return-comes-in-time", "honest-lookalike", "D30", "buyer", "none")
def parcel_in_time(scene: Scene) -> None:
    """The parcel comes two days and a bit before the countdown ends."""
    _return_is_awaited(scene, 240 - 50)


def _disputes_of_a_shop(scene: Scene, withdrawn: int, standing: int) -> None:
    at_h = _OPENED_H
    for number in range(withdrawn + standing):
        dispute = _Dispute(scene, at_h, "quality", country="PL")
        if number < withdrawn:
            dispute.put(at_h + 2, "withdrawn")
        at_h += scene.between(4, 8)


@story("ten-disputes", "notice", "D31", "shop", "info", has_own_shop=True)
def ten_disputes_in_a_month(scene: Scene) -> None:
    """Ten disputes stand at once: the rate of this shop deserves a look."""
    _disputes_of_a_shop(scene, 0, 10)


@story("nine-disputes", "honest-lookalike", "D31", "shop", "none", has_own_shop=True)
def nine_disputes_in_a_month(scene: Scene) -> None:
    """Nine stand; three more were withdrawn before."""
    _disputes_of_a_shop(scene, 3, 9)


def _ruled(scene: Scene, country: str) -> None:
    dispute = _Dispute(scene, _OPENED_H, "quality", country=country)
    dispute.put(_OPENED_H + 120, "ruled", ruling="return_and_refund", country=country)
    dispute.put(_OPENED_H + 140, "evidence_added", by="seller", kind="tracking_no")


@story("return-to-italy", "notice", "D32", "buyer", "critical")
def ruled_return_from_italy(scene: Scene) -> None:
    """A return from Italy was ruled: the seller has to enter the tracking number."""
    _ruled(scene, scene.pick(("IT", "Italy", "意大利")))


@story("return-to-spain", "honest-lookalike", "D32", "buyer", "none")
def ruled_return_from_spain(scene: Scene) -> None:
    """The same from Spain."""
    _ruled(scene, "ES")
