"""Law L4, live: a payments topic that says nothing accuses nobody, not even after a restart."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from tests.chaos.bursts import BURST, PARTITIONS, accused, buyers_of, hasty_rules, orders
from tests.workers import load, worker

MIN_BUYERS = 20
SHOP = "silent-shop"


def test_nobody_is_accused_until_the_payments_of_a_shop_have_caught_up(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = {
        "ORDERWATCH_RULES_PATH": str(hasty_rules(tmp_path / "rules.yaml")),
        "ORDERWATCH_SILENCE_MIN_BUYERS": str(MIN_BUYERS),
    }
    people, elsewhere = buyers_of(SHOP), buyers_of("other-shop")
    suspect, late_payer = next(people), next(people)

    def send(lines: Iterable[bytes]) -> None:
        load(kafka_bootstrap, topic_prefix, list(lines), PARTITIONS)

    def others_are_judged_and_nobody_here() -> None:
        """In another shop of the same partition somebody pays and a burst leads to its alert."""
        (paid,) = orders("other-shop", next(elsewhere))
        squatter = next(elsewhere)
        send(order.placed for order in [*orders("other-shop", squatter, each=BURST), paid])
        send([paid.paid])
        subject.wait_for(lambda: f"other-shop:{squatter}" in accused(subject), "time goes on")
        assert not accused(subject, SHOP)
        assert subject.metric("orderwatch_payments_silent") == 1

    with worker(kafka_bootstrap, topic_prefix, tmp_path, **settings) as subject:
        subject.start()
        subject.wait_ready()
        held_up = orders(SHOP, *islice(people, MIN_BUYERS))
        send(order.placed for order in held_up)
        subject.wait_for(
            lambda: subject.metric("orderwatch_payments_silent") > 0, "the silence is noticed"
        )
        held_up += orders(SHOP, late_payer, each=BURST) + orders(SHOP, *islice(people, MIN_BUYERS))
        send(order.placed for order in held_up[MIN_BUYERS:])
        send(order.placed for order in orders(SHOP, suspect, each=BURST))
        others_are_judged_and_nobody_here()

        subject.kill()
        subject.start()
        others_are_judged_and_nobody_here()

        first, *rest = held_up
        send([first.paid])
        others_are_judged_and_nobody_here()

        send(order.paid for order in rest)
        subject.wait_for(
            lambda: subject.metric("orderwatch_payments_silent") == 0, "payments have caught up"
        )
        # Being touched, the suspect is looked at now and not within a minute.
        send(order.placed for order in orders(SHOP, suspect))
        subject.wait_for(lambda: accused(subject, SHOP) == {f"{SHOP}:{suspect}"}, "the suspect")
        assert subject.stop() == 0
