"""What identities hear of unpaid orders, and how orders that identities tie together are counted."""

from __future__ import annotations

import pytest

from streams.detect.detector import Facts
from streams.detect.facts import (
    NEVER,
    Identified,
    OrderClosed,
    OrderPaid,
    OrderPlaced,
    PaymentFailed,
    Redirected,
    Signal,
)
from streams.detect.rings import Limits, Use, crossings, rings
from streams.detect.suspicion import (
    Graces,
    UnpaidOrder,
    identities_of,
    orders_with_identities,
    tell,
)

GRACES = Graces(strong_ms=100, weak_ms=1000, failed_payment_ms=50)
GRACE_MS = 100
HUGE = 1 << 20


def placed(at_ms: int = 1000, name: str = "o") -> OrderPlaced:
    return OrderPlaced(at_ms, f"e-{name}", name, 2, (("item", 2),))


def identified(name: str = "o", **known: str) -> Identified:
    return Identified(1000, f"e-{name}", name, **({"phone": "p"} | known))


def paid(at_ms: int, name: str = "o", payment: str = "pay") -> OrderPaid:
    return OrderPaid(at_ms, f"{payment}-{name}", f"{payment}/{name}", name)


def unpaid(*facts: object) -> list[UnpaidOrder]:
    found = Facts("s:b", sorted(facts, key=lambda fact: fact.at_ms))  # type: ignore[attr-defined,type-var]
    return list(orders_with_identities(found, GRACE_MS))


# Whose order counts, and from when.


def test_strangers_may_share_a_weak_identity_so_it_hears_later() -> None:
    (order,) = unpaid(placed(), identified())
    assert order.counted_ms(GRACES) == (1100, 2000)


@pytest.mark.parametrize(
    ("failed_ms", "counted_ms"), [(999, 1100), (1000, 1050), (1100, 1150), (1101, 1100)]
)
def test_who_tried_to_pay_within_the_grace_has_time_after_the_last_try(
    failed_ms: int, counted_ms: int
) -> None:
    tried = PaymentFailed(failed_ms, "f", "f/o/f", "o")
    (order,) = unpaid(placed(), identified(), tried)
    assert order.counted_ms(GRACES)[0] == counted_ms


@pytest.mark.parametrize(("paid_ms", "is_told"), [(1100, False), (1101, True)])
def test_who_pays_within_the_grace_is_not_told(paid_ms: int, is_told: bool) -> None:
    facts = [placed(), identified(), paid(paid_ms)]
    assert bool(unpaid(*facts)) == is_told
    assert unpaid(placed(), paid(paid_ms)) == [], "of nobody there is nothing to tell"


def test_an_order_ends_when_it_is_paid_or_closed_whichever_was_first() -> None:
    closed = OrderClosed(3000, "c", "o", "buyer")
    for facts, end_ms in (
        ([], NEVER),
        ([closed], 3000),
        ([paid(2000)], 2000),
        ([paid(2000), closed], 2000),
        ([paid(4000), closed], 3000),
    ):
        (order,) = unpaid(placed(), identified(), *facts)
        assert order.end_ms == end_ms
        values = tell("s:b", order, "phone:p", 1100).signal.values
        assert values.get("until_ms", NEVER) == end_ms
        assert values.get("paid_ms", NEVER) == order.paid_ms


def test_whatever_becomes_known_of_an_order_makes_a_newer_version() -> None:
    facts: list[object] = [placed(), identified()]
    (order,) = unpaid(*facts)
    for news in (
        PaymentFailed(1050, "f", "f/o/f", "o"),
        PaymentFailed(1060, "g", "g/o/g", "o"),
        OrderClosed(3000, "c", "o", "buyer"),
        Redirected(1500, "r", "o", phone="q"),
        paid(2000),
        paid(2500, payment="again"),
    ):
        facts.append(news)
        (newer,) = unpaid(*facts)
        assert newer.version > order.version
        order = newer
    # That earlier orders of the buyer were paid counts for more than its being told again.
    facts.append(paid(900, name="before"))
    (newer,) = unpaid(*facts)
    assert newer.paid_before == order.paid_before + 1
    assert newer.version == order.version + HUGE


def test_a_redirected_order_keeps_its_device_and_nothing_else() -> None:
    before = identified(device="d", address="a")
    assert identities_of(before, None) == [("phone", "p"), ("address", "a"), ("device", "d")]
    now = Redirected(1500, "r", "o", phone="q")
    assert identities_of(before, now) == [("phone", "q"), ("device", "d")]
    assert identities_of(identified(), now) == identities_of(None, now) == [("phone", "q")]
    assert identities_of(None, None) == []
    (order,) = unpaid(placed(), now)
    assert order.identities == [("phone", "q")]


def test_an_address_that_everybody_shares_ties_nobody() -> None:
    assert identities_of(identified(address="a", place="locker"), None) == [("phone", "p")]


# When the orders of a ring are too many.

LIMITS = Limits(
    window_ms=100, min_buyers=2, warn_orders=4, warn_units=40, critical_orders=6, critical_units=60
)


def use(
    buyer: str,
    order: str,
    at_ms: int,
    identity: str = "address:a",
    units: int = 1,
    until_ms: int = 0,
) -> Use:
    told = Signal(at_ms, f"e-{order}", f"u/{order}", "u", 1, {"units": units, "until_ms": until_ms})
    return Use(identity, buyer, order, at_ms, NEVER, 0, told)


def levels(*uses: Use) -> list[tuple[int, str]]:
    return [
        (crossing.at_ms, crossing.level)
        for ring in rings(uses, 1000, LIMITS)
        for crossing in crossings(ring, LIMITS)
    ]


def _orders(count: int, buyers: int = 2, **more: int | str) -> list[Use]:
    return [use(f"b{n % buyers}", f"o{n}", n, **more) for n in range(count)]  # type: ignore[arg-type]


def test_so_many_orders_of_so_many_accounts_are_too_many() -> None:
    assert levels(*_orders(3)) == []
    assert levels(*_orders(4)) == [(3, "warn")]
    assert levels(*_orders(6))[-1] == (5, "critical")
    assert levels(*_orders(9, buyers=1)) == []


def test_so_many_units_are_too_many_however_few_the_orders() -> None:
    assert levels(*_orders(2, units=19)) == []
    assert levels(*_orders(2, units=20)) == [(1, "warn")]
    assert levels(*_orders(2, units=30)) == [(1, "critical")]
    assert levels(*_orders(1, units=100)) == []


def test_tied_by_a_phone_fewer_are_as_bad() -> None:
    assert levels(*_orders(4, identity="phone:p")) == [(3, "critical")]
    apart = [use(f"b{n}", f"o{n}", n, f"phone:{n}") for n in range(4)]
    assert levels(*apart) == []
    assert levels(*apart, *(use(f"b{n}", f"o{n}", n) for n in range(4))) == [(3, "warn")]


def test_accounts_tie_the_identities_that_they_use_together() -> None:
    """Two phones of which one account has used both."""
    first = [use("a", "a1", 0, "phone:1"), use("b", "b1", 1, "phone:1")]
    second = [use("a", "a2", 2, "phone:2"), use("c", "c1", 3, "phone:2")]
    assert levels(*first, *second) == [(3, "critical")]
    assert levels(*first, *(one._replace(buyer=f"x{one.buyer}") for one in second)) == []


def test_what_was_paid_or_left_the_window_is_not_counted_with_the_others() -> None:
    ended = use("b9", "over", 0, until_ms=2)
    assert levels(ended, *_orders(3)) == []
    assert levels(use("b9", "over", 0, until_ms=3), *_orders(3)) == [(2, "warn")]
    assert levels(
        use("b9", "long ago", 0), *(u._replace(at_ms=u.at_ms + 98) for u in _orders(3))
    ) == [(100, "warn")]
    assert (
        levels(use("b9", "long ago", 0), *(u._replace(at_ms=u.at_ms + 99) for u in _orders(3)))
        == []
    )
    # The units and the account of what has ended go with it.
    heavy = use("b9", "over", 0, units=38, until_ms=1)
    assert levels(heavy, *_orders(3)) == []
    assert levels(use("b9", "over", 0, until_ms=1), *_orders(4, buyers=1)) == []


def test_a_ring_is_as_bad_as_its_phone_only_while_enough_of_that_is_live() -> None:
    by_phone = [
        use(f"b{n % 2}", f"o{n}", n, identity, until_ms=5 if n == 0 else 0)
        for n in range(4)
        for identity in ("address:a", "phone:p")
    ]
    assert levels(*by_phone, use("b9", "late", 10)) == [(3, "critical"), (10, "warn")]


def test_an_order_is_shown_by_the_strongest_of_its_ties() -> None:
    both = [use(f"b{n}", f"o{n}", n, i) for n in range(4) for i in ("address:a", "phone:p")]
    (ring,) = rings(both, 1000, LIMITS)
    assert [[one.identity for one in order.uses] for order in ring] == [
        ["phone:p", "address:a"]
    ] * 4
