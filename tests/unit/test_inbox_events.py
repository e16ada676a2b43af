"""What people do in the inbox becomes events: with the step, once each, whatever fails in between."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from schemas.alerts import Alert, Evidence, EvidenceFact, Subject
from schemas.topics import value_adapter
from streams.errors import TransientError
from streams.inbox.board import Board
from streams.inbox.desk import Desk, Outcome
from streams.inbox.events import orders_of
from streams.inbox.metrics import InboxMetrics
from streams.inbox.outbox import Outbox, Sender, Waiting
from streams.inbox.store import Store
from streams.inbox.workflow import Channel, Label, StepRequest
from streams.kafka.publisher import Outgoing
from tests.factories import T0, alert_id, make_alert
from tests.inbox import NOW, Clock, default_rules, inbox_in, records


class Broker:
    """Keeps what it took; some topics it refuses, and after taking some it kills the sender."""

    def __init__(self) -> None:
        self.taken: list[Outgoing] = []
        self.refused: set[str] = set()
        self.is_away = False
        self.kills_after_taking = False
        self.connections: list[Connection] = []

    def connect(self) -> Connection:
        if self.is_away:
            raise TransientError("no broker")
        self.connections.append(Connection(self))
        return self.connections[-1]


class Connection:
    """A publisher that takes nothing more once anything was refused, as an idempotent producer."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.is_fatal = False
        self.is_closed = False

    def publish(self, records: Sequence[Outgoing]) -> None:
        broker = self.broker
        is_refused = bool(broker.refused & {record.topic for record in records})
        self.is_fatal = self.is_fatal or is_refused
        if broker.is_away or self.is_fatal or self.is_closed:
            raise TransientError("not written")
        broker.taken += records
        if broker.kills_after_taking:
            raise KeyboardInterrupt

    def close(self) -> None:
        self.is_closed = True


class Office:
    """A store with its desk, and a sender that may be started again."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clock = Clock()
        self.store = Store(engine, self.clock)
        rules = default_rules()
        self.desk = Desk(engine, rules, self.clock)
        board = Board(self.store, rules, self.clock)
        self.metrics = InboxMetrics(self.store, board, self.clock)
        self.broker = Broker()
        self.start()

    def start(self) -> None:
        """A new process on the same database."""
        self.sender = Sender(Outbox(self.engine, self.clock), self.broker.connect, self.metrics)

    def step(self, step: str, request_id: str = "", key: str = "1", **rest: Any) -> Outcome:
        """The step, as of whatever version the case has."""
        detail = self.store.detail(alert_id(key))
        assert detail is not None
        version = detail.row.case.version
        request_id = request_id or f"request-{key}-{version}"
        return self.desk.perform(
            StepRequest(alert_id(key), step, "李雷", request_id, version, **rest)  # type: ignore[arg-type]
        )

    def label_for_filing(self, key: str = "1") -> None:
        self.step("take", key=key)
        self.step("contact", key=key, channel=Channel.PHONE)
        self.step("label", key=key, label=Label.WRONG_ADDRESS_UNREACHABLE)

    def sent(self, topic: str) -> list[Any]:
        """What the broker took, read as its consumers read it."""
        read = value_adapter(topic).validate_json
        return [read(record.value) for record in self.broker.taken if record.topic == topic]

    def metric(self, name: str, topic: str) -> float:
        text = self.metrics.exposition().decode()
        samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
        return sum(s.value for s in samples if s.name == name and s.labels == {"topic": topic})


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    engine = inbox_in(tmp_path / "inbox.db")
    yield Office(engine)
    engine.dispose()


def about(*facts: tuple[str, str, str | None], key: str = "1", **overrides: Any) -> Alert:
    """An alert whose facts are (kind, ref, order they are about)."""
    listed = [
        EvidenceFact(
            event_id=f"e-{ref}",
            kind=kind,
            at=T0,
            ref=ref,
            detail={"order_id": order} if order else {},
        )
        for kind, ref, order in facts
    ]
    evidence = make_alert().evidence.model_copy(update={"facts": listed, "facts_total": len(facts)})
    return make_alert(key, evidence=Evidence.model_validate(evidence), **overrides)


ONE_ORDER = about(("ReceiverDoubted", "e1", "o1"), ("Contacted", "c1", None))


def test_a_contact_is_an_event_about_its_buyer_and_its_only_order(office: Office) -> None:
    office.store.apply(records([ONE_ORDER]))
    office.step("take")
    office.step("contact", channel=Channel.PHONE, answered=False)
    office.sender.step()
    (event,) = office.sent("contacts")
    assert (event.shop_id, event.buyer_id, event.order_id) == ("shop1", "b42", "o1")
    assert (event.channel, event.answered, event.occurred_at) == ("phone", False, NOW)
    assert [record.key for record in office.broker.taken] == ["shop1:b42"]


def test_a_contact_about_several_orders_names_none(office: Office) -> None:
    office.store.apply(records([make_alert()]))
    office.step("take")
    office.step("contact", channel=Channel.WANGWANG, answered=True)
    office.sender.step()
    (event,) = office.sent("contacts")
    assert (event.order_id, event.answered) == (None, True)


def test_a_step_that_was_refused_or_repeated_tells_nothing(office: Office) -> None:
    office.store.apply(records([ONE_ORDER]))
    assert office.step("contact", channel=Channel.PHONE).kind == "refused"
    office.step("take")
    for _ in range(2):
        office.step("contact", "the-same-click", channel=Channel.PHONE)
    assert office.store.waiting_events() == {
        "contacts": 1,
        "filings": 0,
        "recharges": 0,
        "accounts": 0,
        "timers": 0,
        "control": 0,
    }


@pytest.mark.parametrize(
    "subject",
    [
        Subject(kind="item", id="shop1:cup"),
        Subject(kind="shop", id="shop1"),
        Subject(kind="buyer", id="other:b42"),
        Subject(kind="buyer", id="shop1:" + "b" * 129),
    ],
)
def test_an_alert_that_names_no_buyer_keeps_its_steps_to_itself(
    office: Office, subject: Subject
) -> None:
    office.store.apply(records([about(("OrderPlaced", "o1", None), subject=subject)]))
    office.label_for_filing()
    assert office.step("file", order_id="o1").kind == "done"
    assert office.step("filing_accepted").kind == "done"
    assert set(office.store.waiting_events().values()) == {0}


def test_a_filing_and_its_answer_name_each_other(office: Office) -> None:
    office.store.apply(records([ONE_ORDER]))
    office.label_for_filing()
    office.step("file", order_id="o1")
    office.clock.forward(hours=5)
    office.step("filing_accepted")
    office.sender.step()
    submitted, accepted = office.sent("filings")
    assert (submitted.type, submitted.order_id) == ("submitted", "o1")
    assert submitted.label == "WRONG_ADDRESS_UNREACHABLE"
    assert (accepted.type, accepted.order_id) == ("accepted", "o1")
    assert accepted.filing_id == submitted.filing_id
    assert (submitted.occurred_at, accepted.occurred_at) == (NOW, office.clock.at)


def test_after_a_rejection_a_second_filing_is_another_one(office: Office) -> None:
    office.store.apply(records([ONE_ORDER]))
    office.label_for_filing()
    for answer in ("filing_rejected", "filing_accepted"):
        office.step("file", order_id="o1")
        office.step(answer)
        office.step("label", label=Label.WRONG_ADDRESS_UNREACHABLE)
    office.sender.step()
    events = office.sent("filings")
    assert [event.type for event in events] == ["submitted", "rejected", "submitted", "accepted"]
    first, rejected, second, accepted = (event.filing_id for event in events)
    assert first == rejected != second == accepted


def test_of_several_orders_the_filed_one_is_chosen(office: Office) -> None:
    alert = make_alert(orders=2)
    office.store.apply(records([alert]))
    office.label_for_filing()
    assert office.step("file") == Outcome("refused", "order_first")
    assert office.step("file", order_id="not-of-this-alert") == Outcome("refused", "order_first")
    chosen = orders_of(alert)[1]
    assert office.step("file", order_id=chosen).kind == "done"
    office.sender.step()
    assert [event.order_id for event in office.sent("filings")] == [chosen]


def test_the_order_that_was_shown_is_filed_even_when_another_is_all_that_is_left(
    office: Office,
) -> None:
    office.store.apply(records([about(("OrderPlaced", "o1", None), ("OrderPlaced", "o2", None))]))
    office.label_for_filing()
    left = about(("OrderPlaced", "o2", None), revision=2)
    office.store.apply(records([left]))
    assert office.step("file", order_id="o1") == Outcome("refused", "order_first")
    assert office.step("file") == Outcome("refused", "order_first")
    assert office.step("file", order_id="o2").kind == "done"
    office.sender.step()
    assert [event.order_id for event in office.sent("filings")] == ["o2"]


def test_an_order_is_filed_once_from_whichever_alert_unless_it_was_rejected(office: Office) -> None:
    facts = (("OrderPlaced", "o1", None),)
    office.store.apply(records([about(*facts, key=key) for key in ("1", "2")]))
    office.store.apply(records([about(*facts, key="3", shop="shop2")]))
    for key in ("1", "2", "3"):
        office.label_for_filing(key)
    assert office.step("file", key="1", order_id="o1").kind == "done"
    assert office.step("file", key="2", order_id="o1") == Outcome("refused", "filed_already")
    # Another shop may have an order of the same number.
    assert office.step("file", key="3", order_id="o1").kind == "done"
    office.step("filing_rejected", key="1")
    assert office.step("file", key="2", order_id="o1").kind == "done"
    office.step("filing_accepted", key="2")
    office.step("label", key="1", label=Label.WRONG_ADDRESS_UNREACHABLE)
    assert office.step("file", key="1", order_id="o1") == Outcome("refused", "filed_already")


def test_what_is_typed_as_the_reason_of_a_top_up_is_masked_before_it_leaves(
    office: Office,
) -> None:
    office.store.apply(records([about(("RechargeSubmitted", "r7", "o1"), detector="D27")]))
    office.step("take")
    office.step("reconcile", result="failed", reason="号码13812345678有误")
    office.sender.step()
    (event,) = office.sent("recharges")
    assert "13812345678" not in event.reason and "有误" in event.reason


def test_a_top_up_is_settled_by_hand_and_a_failure_has_its_reason(office: Office) -> None:
    office.store.apply(records([about(("RechargeSubmitted", "r7", "o1"), detector="D27")]))
    office.step("take")
    assert office.step("reconcile", result="failed") == Outcome("refused", "reason_first")
    assert office.step("reconcile", result="failed", reason="号码有误").kind == "done"
    office.sender.step()
    (event,) = office.sent("recharges")
    assert (event.type, event.recharge_id, event.order_id) == ("reconciled", "r7", "o1")
    assert (event.status, event.reason) == ("failed", "号码有误")


def test_nothing_else_is_a_top_up(office: Office) -> None:
    office.store.apply(records([ONE_ORDER]))
    office.step("take")
    outcome = office.step("reconcile", result="succeeded")
    assert outcome == Outcome("refused", "nothing_to_reconcile")


def test_what_was_acknowledged_is_not_sent_again(office: Office) -> None:
    office.store.apply(records([ONE_ORDER]))
    office.step("take")
    office.step("contact", channel=Channel.PHONE)
    for _ in range(3):
        office.sender.step()
        office.start()
    assert len(office.broker.taken) == 1
    assert office.metric("orderwatch_inbox_events_sent_total", "contacts") == 1


def test_a_kill_between_sending_and_marking_sends_the_same_event_again(office: Office) -> None:
    office.store.apply(records([ONE_ORDER]))
    office.step("take")
    office.step("contact", channel=Channel.PHONE)
    office.broker.kills_after_taking = True
    with pytest.raises(KeyboardInterrupt):
        office.sender.step()
    office.broker.kills_after_taking = False
    office.start()
    office.sender.step()
    office.sender.step()
    first, second = office.broker.taken
    assert first == second
    assert json.loads(first.value)["event_id"] == json.loads(second.value)["event_id"]
    assert set(office.store.waiting_events().values()) == {0}


def test_without_a_broker_people_go_on_and_nothing_is_lost(office: Office) -> None:
    office.store.apply(records([ONE_ORDER]))
    office.broker.is_away = True
    office.step("take")
    pauses = []
    for _ in range(3):
        assert office.step("contact", channel=Channel.PHONE).kind == "done"
        pauses.append(office.sender.step())
    assert pauses == sorted(set(pauses))
    assert office.metric("orderwatch_inbox_events_waiting", "contacts") == 3
    assert office.metric("orderwatch_inbox_event_failures_total", "contacts") == 3
    office.broker.is_away = False
    assert office.sender.step() < pauses[0]
    assert len({event.event_id for event in office.sent("contacts")}) == 3
    assert office.metric("orderwatch_inbox_events_waiting", "contacts") == 0


def test_a_topic_that_cannot_be_written_holds_back_no_other(office: Office) -> None:
    office.store.apply(records([ONE_ORDER]))
    office.label_for_filing()
    office.step("file", order_id="o1")
    office.broker.refused = {"contacts"}
    office.sender.step()
    assert [record.topic for record in office.broker.taken] == ["filings"]
    assert office.store.waiting_events()["contacts"] == 1
    office.broker.refused = {"filings"}
    office.sender.step()
    assert [record.topic for record in office.broker.taken] == ["filings", "contacts"]


def test_a_connection_that_refused_something_is_closed_and_another_is_made(office: Office) -> None:
    office.store.apply(records([ONE_ORDER]))
    office.step("take")
    office.step("contact", channel=Channel.PHONE)
    office.broker.refused = {"contacts"}
    office.sender.step()
    office.broker.refused = set()
    office.sender.step()
    assert len(office.sent("contacts")) == 1
    assert [one.is_closed for one in office.broker.connections] == [True, False]
    office.sender.close()
    assert all(one.is_closed for one in office.broker.connections)


def test_a_sender_waits_for_a_connection_to_the_database(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(_self: Outbox, _topic: str) -> list[Waiting]:
        raise PoolTimeoutError("QueuePool limit of size 5 overflow 10 reached")

    office.store.apply(records([ONE_ORDER]))
    office.step("take")
    office.step("contact", channel=Channel.PHONE)
    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "waiting", exhausted)
        office.sender.step()
    office.sender.step()
    assert len(office.sent("contacts")) == 1


def test_nobody_connects_before_there_is_something_to_send(office: Office) -> None:
    office.broker.is_away = True
    office.sender.step()
    assert office.metric("orderwatch_inbox_event_failures_total", "contacts") == 0


def test_the_same_step_has_the_same_id_in_every_database(tmp_path: Path) -> None:
    ids = set()
    for name in ("a", "b"):
        engine = inbox_in(tmp_path / f"{name}.db")
        office = Office(engine)
        office.store.apply(records([make_alert("2"), ONE_ORDER][name == "b" :]))
        office.step("take")
        office.step("contact", "one-click", channel=Channel.PHONE)
        office.sender.step()
        ids |= {event.event_id for event in office.sent("contacts")}
        engine.dispose()
    assert len(ids) == 1
