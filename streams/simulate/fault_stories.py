"""Faults of the shop itself (D33, D34): nobody attacks, and only the seller is told."""

from __future__ import annotations

from streams.simulate.scene import Scene, story


@story("closes-by-hand", "shop-fault", "D33", "buyer", "critical")
def seller_closes_an_unpaid_order(scene: Scene) -> None:
    """Somebody of the shop closes an unpaid order instead of leaving it to the platform."""
    order = scene.place(scene.at(), scene.buyer())
    order.close(scene.at(h=scene.between(1, 60)), "seller", "买家未付款")


@story("ships-late", "shop-fault", "D34", "buyer", "critical")
def shipped_after_the_limit(scene: Scene) -> None:
    """A paid order leaves hours after the promise; the buyer does not complain."""
    scene.bought(scene.at(), scene.buyer(), shipped_h=48 + scene.between(2, 20), delivered_h=120)


@story("closed-by-the-buyer", "honest-lookalike", "D33", "buyer", "none")
def buyer_closes_an_unpaid_order(scene: Scene) -> None:
    """The buyer closes the order, which is the buyer's right."""
    order = scene.place(scene.at(), scene.buyer())
    order.close(scene.at(h=scene.between(1, 60)), "buyer", "不想要了")


@story("ships-early-enough", "honest-lookalike", "D34", "buyer", "none")
def shipped_before_the_first_reminder(scene: Scene) -> None:
    """A paid order leaves an hour before anybody has to be reminded."""
    scene.bought(scene.at(), scene.buyer(), shipped_h=48 - 7)
