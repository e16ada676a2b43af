"""Parcels of one buyer: whether a carrier had them, came back with them, and which orders came in one.

What a newcomer gets wrong: events name the order and no parcel, so that of several parcels only the last is
known; and `Shipped` is a click of the shop's own (发货), which is not to say that there is a parcel.
"""

from __future__ import annotations

from collections.abc import Set

from streams.detect.detector import Facts
from streams.detect.facts import NEVER, ParcelRefused, PickedUp, Shipped


def pickups_ms(facts: Facts) -> dict[str, int]:
    """By order that was shipped, when the carrier took its last parcel, if pickups are told at all.

    `NEVER` where one should be told and is not known. Without an entry there is the shop's own word only.
    """
    picked_ms = {parcel.ref: parcel.at_ms for parcel in facts.of(PickedUp)}
    found = {}
    for sent in facts.of(Shipped):
        # Before the click it was an earlier parcel's, of an order that is sent in two or sent again.
        if picked_ms.get(sent.ref, 0) >= sent.at_ms:
            found[sent.ref] = picked_ms[sent.ref]
        elif sent.pickup_follows:
            found[sent.ref] = NEVER
    return found


def parcel_of(facts: Facts) -> dict[str, int]:
    """By order that was shipped with a tracking number: its last parcel.

    What a buyer puts into one basket platforms split into several orders, which shops then pack together.
    One parcel is lost, smashed or late for all of them at once, and is asked about once.
    """
    return {sent.ref: sent.parcel for sent in facts.of(Shipped) if sent.parcel}


def came_back(facts: Facts) -> Set[str]:
    """The orders whose parcel came back without the buyer, which only the carrier can say.

    It was refused or returned, and not sent again after that.
    """
    back_ms = {parcel.order_id: parcel.at_ms for parcel in facts.of(ParcelRefused)}
    if not back_ms:
        return frozenset()
    out_again = {p.ref for p in facts.of(Shipped) if p.at_ms > back_ms.get(p.ref, NEVER)}
    return back_ms.keys() - out_again
