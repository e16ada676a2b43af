"""Bans (W6): proposed on an alert that was confirmed, approved by a second person, told while they stand."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from html import escape, unescape
from pathlib import Path
from typing import Any, get_args
from zipfile import ZipFile

import httpx
import openpyxl
import pytest
from openpyxl.cell.cell import Cell
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from schemas.alerts import Alert, EvidenceFact, Subject, SuggestedAction, Text
from schemas.topics import value_adapter
from streams.detect.detectors.d35_banned_buyer_reorder import COUNTS_MS
from streams.detect.facts import AnyFact, talk
from streams.inbox import events
from streams.inbox.ban_web import workbook
from streams.inbox.banlist import TELL_EVERY, BanOutcome, BanRequest, Proposal, Reminder
from streams.inbox.bans import (
    CONFIRMING,
    ENDED,
    TRANSITIONS,
    Asking,
    BanRefusal,
    BanState,
    BanStep,
    refusal,
    unproposable,
)
from streams.inbox.models import BanRow, OutgoingRow
from streams.inbox.session import LOCAL_OPERATOR
from streams.inbox.sheets import XLSX
from streams.inbox.texts import TEXTS, Words
from streams.inbox.workflow import Label, StepRequest, stands
from tests.factories import T0, alert_id, make_alert
from tests.inbox import NOW, Clock, Inbox, Served
from tests.oracle.story import DAY, T0_MS, Story, ms
from tests.pipeline import Event, Pipeline
from tests.visiting import get, visiting

ONE = f"/alerts/{alert_id('1')}"
TOKEN = "a-token-that-is-long-enough"
MALICIOUS = Label.CONFIRMED_MALICIOUS
LI = Asking("李雷", are_told_apart=True)
HAN = Asking("韩梅梅", are_told_apart=True)


def said(kind: str, ref: str, **detail: Any) -> EvidenceFact:
    return EvidenceFact(event_id=f"e-{ref}", kind=kind, at=T0, ref=ref, detail=detail)


def about(*facts: EvidenceFact, **fields: Any) -> Alert:
    evidence = make_alert().evidence.model_copy(
        update={"facts": list(facts), "facts_total": len(facts)}
    )
    return make_alert(**{"evidence": evidence, **fields})


# The rules, without a database


def refused(step: BanStep, state: BanState, asking: Asking = HAN, **given: Any) -> str | None:
    fields = {"grounds": None, "reason": "核对过", "is_confirmed": True, **given}
    return refusal(step, state, "李雷", asking, **fields)


def proposable(alert: Alert, label: Label | None) -> str | None:
    return unproposable(alert, label, events.own_orders_of(alert))


def test_a_ban_takes_two_steps_and_a_note_and_none_of_them_is_about_an_order() -> None:
    assert set(TRANSITIONS) == set(BanState)
    assert {state for state in BanState if not TRANSITIONS[state]} == ENDED
    into = {new: {old for old in BanState if new in TRANSITIONS[old]} for new in BanState}
    assert into[BanState.EXPORTED] == {BanState.APPROVED}
    assert into[BanState.APPROVED] == {BanState.PROPOSED}
    assert into[BanState.LIFTED] == {BanState.EXPORTED}
    assert not [s for s in get_args(BanStep) if re.search("clos|order|auto|submit", s)]


@pytest.mark.parametrize("state", BanState)
def test_what_each_state_allows_to_the_proposer_and_to_others(state: BanState) -> None:
    def allowed(asking: Asking) -> set[str]:
        return {step for step in get_args(BanStep) if refused(step, state, asking) is None}

    others = {
        BanState.PROPOSED: {"approve", "decline"},
        BanState.APPROVED: {"restrict", "decline"},
        BanState.EXPORTED: {"lift"},
    }
    own = {
        BanState.PROPOSED: {"withdraw", "decline"},
        BanState.APPROVED: {"restrict", "withdraw", "decline"},
        BanState.EXPORTED: {"lift"},
    }
    assert allowed(HAN) == others.get(state, set())
    assert allowed(LI) == own.get(state, set())


@pytest.mark.parametrize("name", ["李雷", " 李 雷 ", "李雷\u3000", "李\u200b雷", "\u202e李雷"])
def test_who_proposes_does_not_approve_however_the_name_is_written(name: str) -> None:
    assert refused("approve", BanState.PROPOSED, Asking(name, are_told_apart=True)) == (
        "second_person"
    )
    latin = Asking("ＬＩ lei", are_told_apart=True)
    assert refusal(
        "approve", BanState.PROPOSED, "Li Lei", latin, None, reason="", is_confirmed=True
    ) == ("second_person")


def test_where_people_sign_in_nobody_without_a_name_approves() -> None:
    nameless = Asking(LOCAL_OPERATOR, are_told_apart=True)
    assert refused("approve", BanState.PROPOSED, nameless) == "name_first"


def test_where_nobody_is_told_apart_a_second_step_has_to_do() -> None:
    local = Asking(LOCAL_OPERATOR, are_told_apart=False)
    for name in (LOCAL_OPERATOR, "李雷"):
        asked = refusal(
            "approve", BanState.PROPOSED, name, local, None, reason="", is_confirmed=True
        )
        assert asked is None
    assert refused("approve", BanState.PROPOSED, local, is_confirmed=False) == "permanence_first"


def test_approving_needs_that_its_permanence_is_known_and_taking_back_a_reason() -> None:
    assert refused("approve", BanState.PROPOSED, is_confirmed=False) == "permanence_first"
    assert refused("decline", BanState.PROPOSED, reason="") == "ban_reason_first"
    assert refused("lift", BanState.EXPORTED, reason="") == "ban_reason_first"
    assert refused("withdraw", BanState.PROPOSED, LI, reason="") is None


def test_what_fell_since_is_neither_approved_nor_restricted_and_can_be_taken_back() -> None:
    fallen: dict[str, Any] = {"grounds": "stands_not"}
    assert refused("approve", BanState.PROPOSED, **fallen) == "stands_not"
    assert refused("restrict", BanState.APPROVED, **fallen) == "stands_not"
    assert refused("decline", BanState.APPROVED, **fallen) is None
    assert refused("lift", BanState.EXPORTED, **fallen) is None


def test_n20_nobody_is_proposed_who_never_ordered() -> None:
    assert proposable(make_alert(orders=0), MALICIOUS) == "no_order"
    assert proposable(make_alert(orders=1), MALICIOUS) is None


def test_n20_an_order_that_somebody_only_speaks_of_is_not_their_own() -> None:
    """D13: an account asks for the receiver of another one's order."""
    bait = about(
        said("ChatSaid", "m1", order_id="somebody-elses"),
        said("ChatRevealed", "m2", order_id="somebody-elses"),
        detector="D13",
    )
    assert events.orders_of(bait) == ("somebody-elses",)
    assert proposable(bait, MALICIOUS) == "no_order"
    twin = about(*bait.evidence.facts, said("RefundRequested", "r1#1", order_id="o1"))
    assert (proposable(twin, MALICIOUS), events.own_orders_of(twin)) == (None, ("o1",))


def test_whatever_is_said_in_a_chat_proves_no_order() -> None:
    of_chats = {
        fact.__name__
        for fact in get_args(AnyFact)
        if fact.__module__ == talk.__name__ and not fact.__name__.startswith("Review")
    }
    assert len(of_chats) >= 5
    assert of_chats | {"Signal"} <= events._SAID


@pytest.mark.parametrize(
    ("fields", "label", "expected"),
    [
        ({}, None, "confirm_first"),
        ({}, Label.ADDRESS_OK_OR_CORRECTED, "confirm_first"),
        ({}, Label.WRONG_ADDRESS_UNREACHABLE, "confirm_first"),
        ({"status": "resolved"}, MALICIOUS, None),
        ({"status": "retracted"}, MALICIOUS, "stands_not"),
        ({"severity": "info"}, MALICIOUS, "stands_not"),
        ({"subject": Subject(kind="item", id="shop1:i1")}, MALICIOUS, "no_order"),
        ({"subject": Subject(kind="buyer", id="shop2:b42")}, MALICIOUS, "no_order"),
        *[({}, label, None) for label in sorted(CONFIRMING)],
        *[({}, label, "stands_not") for label in Label if not stands("open", label)],
    ],
)
def test_only_what_a_person_has_confirmed_bears_a_ban(
    fields: dict[str, Any], label: Label | None, expected: str | None
) -> None:
    assert proposable(make_alert(**fields), label) == expected


def test_there_is_a_word_for_every_state_step_and_refusal() -> None:
    for prefix, members in (
        ("banstate", tuple(BanState)),
        ("banstep", (*get_args(BanStep), "propose")),
        ("refusal", get_args(BanRefusal)),
    ):
        for member in members:
            assert f"{prefix}.{member}" in TEXTS


# In the database


@pytest.fixture
def inbox(engine: Engine) -> Inbox:
    return Inbox(engine)


def confirmed(inbox: Inbox, *keys: str, **fields: Any) -> None:
    for key in keys:
        inbox.add(make_alert(key, orders=1, **fields))
        inbox.steps(key, "take", "label", label=MALICIOUS)


def propose(inbox: Inbox, key: str = "1", asking: Asking = LI, **fields: Any) -> BanOutcome:
    wanted = {"reason": "拍下不付款", "request_id": f"ban-of-{key}", **fields}
    return inbox.banlist.propose(Proposal(alert_id(key), asking=asking, **wanted))


def state(inbox: Inbox | Served, ban_id: str) -> BanRow:
    detail = inbox.banlist.detail(ban_id)
    assert detail is not None
    return detail.row


def told(inbox: Inbox) -> list[tuple[datetime, bool]]:
    """What the detectors were told: when, and whether the buyer is banned."""
    read = value_adapter("accounts").validate_json
    with Session(inbox.engine) as session:
        rows = session.scalars(select(OutgoingRow).order_by(OutgoingRow.id)).all()
        found = [read(row.body) for row in rows if row.topic == "accounts"]
    assert len({event.event_id for event in found}) == len(found)
    return [(event.occurred_at, event.is_banned) for event in found]


def test_a_ban_goes_from_its_proposal_to_the_platform_with_who_and_when(inbox: Inbox) -> None:
    confirmed(inbox, "1")
    ban_id = propose(inbox).ban_id
    assert ban_id is not None
    for by, step in (("韩梅梅", "approve"), ("李雷", "restrict"), ("韩梅梅", "lift")):
        inbox.clock.forward(hours=1)
        inbox.ban(ban_id, step, by=by)
    detail = inbox.banlist.detail(ban_id)
    assert detail is not None
    hour = timedelta(hours=1)
    assert [(one.step, one.by, one.at - NOW) for one in detail.steps] == [
        ("propose", "李雷", 0 * hour),
        ("approve", "韩梅梅", hour),
        ("restrict", "李雷", 2 * hour),
        ("lift", "韩梅梅", 3 * hour),
    ]
    row = detail.row
    assert (row.proposed_by, row.approved_by, row.state) == ("李雷", "韩梅梅", BanState.LIFTED)
    assert (row.buyer_id, detail.orders) == ("b42", ["shop1-b42-o1"])
    # Nothing was told before it stood.
    assert told(inbox) == [(NOW + 2 * hour, True), (NOW + 3 * hour, False)]


def test_what_is_told_of_a_ban_says_nothing_else_of_the_account(inbox: Inbox) -> None:
    confirmed(inbox, "1")
    inbox.ban(str(propose(inbox).ban_id), "approve", "restrict")
    (waiting,) = inbox.outbox.waiting("accounts")
    assert waiting.record.key == "shop1:b42"
    event = json.loads(waiting.record.value)
    assert event.keys() - {"event_id", "schema_version", "occurred_at"} == {
        "shop_id",
        "buyer_id",
        "type",
        "is_banned",
    }


def test_a_buyer_has_one_ban_at_work_in_a_shop(inbox: Inbox) -> None:
    confirmed(inbox, "1", "2")
    confirmed(inbox, "3", shop="shop2")
    confirmed(inbox, "4", buyer="b43")
    first = propose(inbox)
    again = propose(inbox, "2")
    assert (again.kind, again.reason, again.ban_id) == ("refused", "banned_already", first.ban_id)
    assert [propose(inbox, key).kind for key in "34"] == ["done", "done"]
    inbox.ban(str(first.ban_id), "approve", "restrict")
    assert propose(inbox, "2").reason == "banned_already"
    inbox.ban(str(first.ban_id), "lift")
    assert propose(inbox, "2").kind == "done"
    assert [ban.shop_id for ban in inbox.banlist.of_buyers("shop1", ["b42"])] == ["shop1"]


def test_a_campaign_of_messages_rests_on_an_order_that_another_alert_of_the_buyer_names(
    inbox: Inbox,
) -> None:
    message = said("ChatSaid", "m1", order_id="somebody-elses")
    inbox.add(about(message, detector="D25", severity="critical"))
    inbox.steps("1", "take", "label", label=MALICIOUS)
    inbox.add(make_alert("2", buyer="other", orders=1), make_alert("3", shop="shop2", orders=1))
    gone = {"revision": 2, "change": "retracted", "status": "retracted"}
    inbox.add(make_alert("4", orders=1), make_alert("4", orders=1, **gone))
    assert propose(inbox).reason == "no_order"
    inbox.add(make_alert("5", orders=1))
    ban_id = str(propose(inbox).ban_id)
    detail = inbox.banlist.detail(ban_id)
    assert detail is not None
    assert (detail.orders, detail.grounds) == (["shop1-b42-o1"], None)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_who_proposes_while_a_colleague_does_waits_and_is_shown_that_ban(
    inbox: Inbox, engine: Engine
) -> None:
    confirmed(inbox, "1", "2")
    outcomes: list[BanOutcome] = []
    colleague = threading.Thread(target=lambda: outcomes.append(propose(inbox, "2")))

    def asked(_connection: object, _cursor: object, question: str, *_rest: object) -> None:
        if "bans.state NOT IN" in question and colleague.ident is None:
            colleague.start()
            # Where it waits for us, we go on.
            colleague.join(1)

    event.listen(engine, "after_cursor_execute", asked)
    mine = propose(inbox)
    colleague.join()
    assert mine.kind == "done"
    assert [(one.reason, one.ban_id) for one in outcomes] == [("banned_already", mine.ban_id)]


def test_two_people_at_once_propose_one_ban(inbox: Inbox) -> None:
    confirmed(inbox, "1", "2")
    outcomes: list[BanOutcome] = []
    threads = [
        threading.Thread(target=lambda key=key: outcomes.append(propose(inbox, key)))
        for key in "1212"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.kind for one in outcomes) in (["done", "refused", "refused", "repeated"],)
    assert inbox.rows()["bans"] == 1


def test_a_form_sent_twice_is_one_proposal_and_one_step(inbox: Inbox) -> None:
    confirmed(inbox, "1")
    first, second = propose(inbox), propose(inbox)
    assert (first.kind, second.kind, first.ban_id) == ("done", "repeated", second.ban_id)
    step = BanRequest(str(first.ban_id), "approve", HAN, "approve-it", 1, is_confirmed=True)
    assert [inbox.banlist.perform(step).kind for _ in range(2)] == ["done", "repeated"]
    late = BanRequest(str(first.ban_id), "decline", HAN, "decline-it", 1, note="不足")
    assert inbox.banlist.perform(late).kind == "conflict"
    gone = BanRequest("none", "decline", HAN, "decline-it", 1, note="不足")
    assert inbox.banlist.perform(gone).kind == "missing"
    assert inbox.rows()["ban_steps"] == 2


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"reason": ""}, "ban_reason_first"),
        ({"asking": Asking(LOCAL_OPERATOR, are_told_apart=True)}, "name_first"),
    ],
)
def test_a_proposal_says_why_and_by_whom(inbox: Inbox, fields: Any, reason: str) -> None:
    confirmed(inbox, "1")
    assert propose(inbox, **fields).reason == reason
    assert propose(inbox, "unknown").kind == "missing"
    assert "bans" not in inbox.rows()


def test_what_is_found_out_after_the_proposal_stops_it(inbox: Inbox) -> None:
    confirmed(inbox, "1")
    ban_id = str(propose(inbox).ban_id)
    approving = BanRequest(ban_id, "approve", HAN, "approve-it", 1, is_confirmed=True)
    inbox.steps("1", "label", label=Label.FALSE_POSITIVE)
    assert inbox.banlist.perform(approving).reason == "stands_not"
    inbox.steps("1", "label", label=MALICIOUS)
    assert inbox.banlist.perform(approving).kind == "done"
    inbox.add(make_alert("1", orders=1, revision=2, change="retracted", status="retracted"))
    restricting = BanRequest(ban_id, "restrict", HAN, "restrict-it", 2)
    assert inbox.banlist.perform(restricting).reason == "stands_not"
    assert told(inbox) == []
    inbox.ban(ban_id, "decline")
    assert state(inbox, ban_id).state == BanState.DECLINED


def grounds(inbox: Inbox, ban_id: str) -> str | None:
    detail = inbox.banlist.detail(ban_id)
    assert detail is not None
    return detail.grounds


def test_an_alert_that_is_handled_anew_has_not_fallen(inbox: Inbox) -> None:
    confirmed(inbox, "1")
    ban_id = str(propose(inbox).ban_id)
    inbox.steps("1", "confirm")
    inbox.add(make_alert("1", orders=1, revision=2, change="escalated", severity="critical"))
    assert grounds(inbox, ban_id) is None
    inbox.steps("1", "take")
    assert grounds(inbox, ban_id) == "handled_anew"
    approving = BanRequest(ban_id, "approve", HAN, "approve-it", 1, is_confirmed=True)
    assert inbox.banlist.perform(approving).reason == "handled_anew"
    for found, reason in (
        (Label.ADDRESS_OK_OR_CORRECTED, "confirm_first"),
        (Label.FALSE_POSITIVE, "stands_not"),
        (MALICIOUS, None),
    ):
        inbox.steps("1", "label", label=found)
        assert grounds(inbox, ban_id) == reason
    assert inbox.banlist.perform(approving).kind == "done"


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_who_approves_while_a_colleague_takes_the_label_back_is_told(
    inbox: Inbox, engine: Engine
) -> None:
    confirmed(inbox, "1")
    ban_id = str(propose(inbox).ban_id)
    outcomes: list[BanOutcome] = []
    approving = BanRequest(ban_id, "approve", HAN, "approve-it", 1, is_confirmed=True)
    approver = threading.Thread(target=lambda: outcomes.append(inbox.banlist.perform(approving)))

    def asked(_connection: object, _cursor: object, question: str, *_rest: object) -> None:
        if "UPDATE cases" in question and approver.ident is None:
            approver.start()
            # Where it waits for us, we go on.
            approver.join(1)

    event.listen(engine, "after_cursor_execute", asked)
    inbox.steps("1", "label", label=Label.FALSE_POSITIVE)
    approver.join()
    assert [one.reason for one in outcomes] == ["stands_not"]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_label_is_taken_back_only_once_the_ban_that_rests_on_it_is_approved(
    inbox: Inbox, engine: Engine
) -> None:
    confirmed(inbox, "1")
    ban_id = str(propose(inbox).ban_id)
    approved: list[str] = []
    take_back = StepRequest(
        alert_id("1"), "label", "李雷", "take-it-back", 3, label=Label.FALSE_POSITIVE
    )

    def relabel() -> None:
        assert inbox.desk.perform(take_back).kind == "done"
        approved.append(state(inbox, ban_id).state)

    colleague = threading.Thread(target=relabel)

    def asked(_connection: object, _cursor: object, question: str, *_rest: object) -> None:
        if "UPDATE bans" in question and colleague.ident is None:
            colleague.start()
            # Where it waits for us, we go on.
            colleague.join(1)

    event.listen(engine, "after_cursor_execute", asked)
    inbox.ban(ban_id, "approve")
    colleague.join()
    assert (approved, grounds(inbox, ban_id)) == ([BanState.APPROVED], "stands_not")


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_bans_labels_and_deletions_at_once_wait_for_nobody_for_ever(inbox: Inbox) -> None:
    """PostgreSQL ends one of two that wait for each other, and its caller would see an error."""
    keys = [str(n) for n in range(12)]
    for key in keys:
        confirmed(inbox, key, buyer=f"b{key}")
    bans = {key: str(propose(inbox, key).ban_id) for key in keys}
    ends = threading.Barrier(4)
    errors: list[Exception] = []

    def each(do: Callable[[str], object]) -> None:
        ends.wait()
        try:
            for key in keys:
                do(key)
        except Exception as error:
            errors.append(error)

    def approve(key: str) -> None:
        inbox.banlist.perform(
            BanRequest(bans[key], "approve", HAN, f"approve-{key}-1", 1, is_confirmed=True)
        )

    def withdraw(key: str) -> None:
        inbox.banlist.perform(BanRequest(bans[key], "withdraw", LI, f"withdraw-{key}-1", 1))

    def relabel(key: str) -> None:
        for n in range(3, 5):
            request = StepRequest(alert_id(key), "label", "李雷", f"l-{key}-{n}-x", n)
            inbox.desk.perform(replace(request, label=Label.FALSE_POSITIVE))

    def worsen(key: str) -> None:
        worse = {"revision": 2, "change": "escalated", "severity": "critical"}
        inbox.add(make_alert(key, buyer=f"b{key}", orders=1, **worse))

    threads = [
        threading.Thread(target=each, args=(do,)) for do in (approve, withdraw, relabel, worsen)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert {len(inbox.banlist.detail(one).steps) for one in bans.values()} <= {1, 2}  # type: ignore[union-attr]


def standing(inbox: Inbox, key: str = "1", **fields: Any) -> str:
    confirmed(inbox, key, **fields)
    ban_id = str(propose(inbox, key).ban_id)
    inbox.ban(ban_id, "approve", "restrict")
    return ban_id


def test_a_ban_that_stands_is_told_again_well_before_the_detectors_forget_it(
    inbox: Inbox,
) -> None:
    standing(inbox)
    other = Reminder(inbox.engine, inbox.clock)
    for _ in range(4 * 60):
        inbox.clock.forward(hours=6)
        # Another console over the same database, and one that was started again.
        for reminder in (inbox.reminder, other, Reminder(inbox.engine, inbox.clock)):
            reminder.step()
    times = [at for at, is_banned in told(inbox) if is_banned]
    assert times == [NOW + n * TELL_EVERY for n in range(5)]
    # Two times may be left out.
    assert timedelta(milliseconds=COUNTS_MS) >= 3 * TELL_EVERY


def when(one: Event) -> datetime:
    return datetime.fromisoformat(one[1]["occurred_at"])


def heard(inbox: Inbox) -> set[str]:
    """The orders of which D35 tells: an order a month, of the buyer and of an honest one."""
    story = Story(shop="shop1", buyer="b42")
    month = 30 * DAY
    start = (NOW - timedelta(milliseconds=T0_MS)).timestamp()
    for n in range(5):
        story.created(f"month{n}", start + n * month + 1)
    story.buyer = "honest"
    story.created("o", start + month)
    with Session(inbox.engine) as session:
        bodies = session.scalars(select(OutgoingRow.body)).all()
    found = [*story.events, *(("accounts", json.loads(body)) for body in bodies)]
    pipeline = Pipeline()
    # As they come, or the first would be forgotten before anybody looks at them.
    for one in sorted(found, key=when):
        pipeline.send([one])
        pipeline.read_to_end(int(when(one).timestamp() * 1000))
    pipeline.finish(ms(start + 5 * month))
    return {
        fact.ref
        for alert in pipeline.alerts
        if alert.detector == "D35"
        for fact in alert.evidence.facts
        if fact.kind == "OrderPlaced"
    }


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_detectors_know_a_ban_for_months_and_no_more_once_it_is_lifted(inbox: Inbox) -> None:
    ban_id = standing(inbox)
    # Told once, it is forgotten.
    assert heard(inbox) == {"month0", "month1"}
    for _ in range(105):
        inbox.clock.forward(days=1)
        inbox.reminder.tell()
    assert heard(inbox) == {f"month{n}" for n in range(5)}
    inbox.clock.forward(hours=1)
    inbox.ban(ban_id, "lift")
    inbox.clock.forward(days=60)
    inbox.reminder.tell()
    assert heard(inbox) == {f"month{n}" for n in range(4)}


def test_after_a_long_stand_still_it_is_told_once_as_of_its_last_time(inbox: Inbox) -> None:
    standing(inbox)
    inbox.clock.forward(days=100)
    assert (inbox.reminder.tell(), inbox.reminder.tell()) == (1, 0)
    assert told(inbox)[1:] == [(NOW + 6 * TELL_EVERY, True)]
    assert inbox.clock() - told(inbox)[-1][0] < TELL_EVERY


def test_what_does_not_stand_is_not_told(inbox: Inbox) -> None:
    lifted = standing(inbox)
    inbox.ban(lifted, "lift")
    confirmed(inbox, "2", buyer="b2")
    confirmed(inbox, "3", buyer="b3")
    propose(inbox, "2")
    inbox.ban(str(propose(inbox, "3").ban_id), "approve")
    inbox.clock.forward(days=40)
    assert inbox.reminder.tell() == 0
    assert [is_banned for _, is_banned in told(inbox)] == [True, False]


def test_a_clock_that_was_ahead_neither_stops_the_telling_nor_tells_of_before_the_ban(
    inbox: Inbox,
) -> None:
    standing(inbox)
    inbox.clock.forward(seconds=-5)
    assert inbox.reminder.tell() == 0
    inbox.clock.forward(days=365)
    assert inbox.reminder.tell() == 1
    inbox.clock.at = NOW - timedelta(seconds=5)
    # Of the time that is its first again, it was told already.
    assert (inbox.reminder.tell(), inbox.reminder.tell()) == (1, 0)
    assert len(told(inbox)) == 2
    inbox.clock.at = NOW + timedelta(days=16)
    # The year ahead was told; now the times that were left out come, each once.
    assert inbox.reminder.tell() == 1
    assert inbox.reminder.tell() == 0
    inbox.clock.at = NOW + timedelta(days=31)
    assert inbox.reminder.tell() == 1
    assert [at - NOW for at, _ in told(inbox)] == [n * TELL_EVERY for n in (0, 24, 1, 2)]


def test_two_consoles_at_the_same_moment_tell_it_once(inbox: Inbox) -> None:
    for n in range(30):
        standing(inbox, str(n), buyer=f"b{n}")
    inbox.clock.forward(days=16)
    reminders = [Reminder(inbox.engine, inbox.clock) for _ in range(3)]
    threads = [threading.Thread(target=one.tell) for one in reminders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    inbox.reminder.tell()
    assert len(told(inbox)) == 60


def test_metrics_count_what_waits_and_what_stands(inbox: Inbox) -> None:
    confirmed(inbox, "2", buyer="b2")
    propose(inbox, "2")
    standing(inbox)
    metrics = inbox.metrics.exposition().decode()
    for name, number in (("PROPOSED", 1), ("APPROVED", 0), ("EXPORTED", 1)):
        assert f'orderwatch_inbox_bans{{state="{name}"}} {number}.0' in metrics
    assert "LIFTED" not in metrics


def test_an_open_page_hears_of_a_ban(inbox: Inbox) -> None:
    confirmed(inbox, "1")
    word = inbox.store.version()
    propose(inbox)
    assert inbox.store.version() != word


# On the pages


class Operator:
    """A browser without script."""

    def __init__(self, served: Served, name: str = "") -> None:
        headers = {"origin": served.url}
        self.http = visiting(served.url, headers=headers, follow_redirects=True)
        if name:
            begin = {**self.fields(self.http.get("/login").text, "/login"), "secret": TOKEN}
            assert self.http.post("/login", data={**begin, "name": name}).is_success

    def fields(self, page: str, action: str) -> dict[str, str]:
        form = re.search(rf'<form[^>]*action="{re.escape(action)}">(.*?)</form>', page, re.S)
        assert form, f"no form for {action}"
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[1])
        return {name: unescape(value) for name, value in hidden}

    def send(self, where: str, action: str, **given: str) -> httpx.Response:
        hidden = self.fields(self.http.get(where).text, action)
        return self.http.post(action, data={**hidden, **given})

    def propose(self, key: str = "1", reason: str = "拍下不付款") -> str:
        page = self.send(f"/bans/new?alert={alert_id(key)}", "/bans", reason=reason)
        assert page.url.path.startswith("/bans/")
        return page.url.path

    def step(self, where: str, name: str, **given: str) -> httpx.Response:
        return self.send(where, f"{where}/{name}", **given)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, Clock(), token=TOKEN) as served:
        yield served


@pytest.fixture
def operator(served: Served) -> Iterator[Operator]:
    operator = Operator(served)
    with closing(operator.http):
        yield operator


SUGGESTED = SuggestedAction(
    code="A8_propose_ban", text=Text(zh="如确认,可提议限制", en="If confirmed, propose")
)


def label(operator: Operator, key: str = "1", value: str = MALICIOUS) -> None:
    where = f"/alerts/{alert_id(key)}"
    operator.step(where, "take")
    operator.step(where, "label", label=value)


def test_an_alert_leads_to_a_proposal_once_somebody_has_confirmed_it(
    served: Served, operator: Operator
) -> None:
    link = f"/bans/new?alert={alert_id('1')}"
    served.add(make_alert())
    assert link not in operator.http.get(ONE).text
    label(operator)
    assert link in operator.http.get(ONE).text
    page = operator.http.get(link).text
    for part in ("永久有效", "绝大多数买家是诚信的", "b42", "shop1-b42-o1"):
        assert part in page
    where = operator.propose()
    page = operator.http.get(ONE).text
    assert where in page and "已提议，待批准" in page and link not in page


def test_a_suggestion_leads_there_and_is_told_why_it_is_too_early(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert(suggested_actions=[SUGGESTED]))
    assert f"/bans/new?alert={alert_id('1')}" in operator.http.get(ONE).text
    page = operator.http.get(f"/bans/new?alert={alert_id('1')}").text
    assert "禁购不是第一步" in page
    assert 'action="/bans"' not in page
    assert operator.http.get("/bans/new?alert=none").status_code == 404


def test_one_person_on_one_computer_takes_both_steps_and_is_told_what_that_is_worth(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    label(operator)
    where = operator.propose()
    page = operator.http.get(where).text
    assert "无法区分是谁在操作" in page and "永久有效" in page
    unsure = operator.step(where, "approve")
    assert (unsure.status_code, "请先确认您知道" in unsure.text) == (409, True)
    assert "待在平台限制" in operator.step(where, "approve", permanent="yes").text
    assert "客户运营" in operator.http.get(where).text
    assert "已在平台限制" in operator.step(where, "restrict", note="已加入名单").text
    assert served.store.waiting_events()["accounts"] == 1
    assert operator.step(where, "lift", note=" ").status_code == 409
    assert "已解除" in operator.step(where, "lift", note="误判").text
    assert served.store.waiting_events()["accounts"] == 2


def test_only_another_verdict_asks_to_consider_lifting_it(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    label(operator)
    where = operator.propose()
    operator.step(where, "approve", permanent="yes")
    operator.step(where, "restrict")
    operator.step(ONE, "confirm")
    served.add(make_alert(revision=2, change="escalated", severity="critical"))
    operator.step(ONE, "take")
    page = operator.http.get(where).text
    assert ("正在重新处理" in page, "请考虑解除" in page) == (True, False)
    for found, is_in_question in ((Label.FALSE_POSITIVE, True), (MALICIOUS, False)):
        operator.step(ONE, "label", label=found)
        page = operator.http.get(where).text
        assert ("正在重新处理" in page, "请考虑解除" in page) == (False, is_in_question)


def test_where_people_sign_in_a_second_one_approves(guarded: Served) -> None:
    guarded.add(make_alert())
    li, han, other_li = (Operator(guarded, name) for name in ("李雷", "韩梅梅", "李 雷"))
    with closing(li.http), closing(han.http), closing(other_li.http):
        label(li)
        where = li.propose()
        for same in (li, other_li):
            page = same.http.get(where).text
            assert "须由另一人批准" in page and f"{where}/approve" not in page
        hidden = li.fields(li.http.get(where).text, f"{where}/withdraw")
        forced = li.http.post(f"{where}/approve", data={**hidden, "permanent": "yes"})
        assert (forced.status_code, "您是提议人" in forced.text) == (409, True)
        assert f"{where}/withdraw" not in han.http.get(where).text
        assert "待在平台限制" in han.step(where, "approve", permanent="yes").text
        assert "无法区分" not in han.http.get(where).text


def test_a_bearer_has_no_name_and_neither_proposes_nor_approves(guarded: Served) -> None:
    guarded.add(make_alert())
    li = Operator(guarded, "李雷")
    with closing(li.http):
        label(li)
        bearer = {"authorization": f"Bearer {TOKEN}"}
        form = {"alert": alert_id("1"), "reason": "x", "request_id": "by-a-script"}
        with closing(visiting(guarded.url, headers=bearer)) as script:
            refused = script.post("/bans", data=form)
            assert (refused.status_code, "请先以您的姓名登录" in refused.text) == (409, True)
            where = li.propose()
            form = {"version": "1", "permanent": "yes", "request_id": "by-a-script"}
            assert script.post(f"{where}/approve", data=form).status_code == 409
    assert state(guarded, where.rpartition("/")[2]).state == BanState.PROPOSED


@pytest.mark.parametrize("path", ["/bans", "/bans/new?alert=1", "/bans/list.xlsx", "/bans/x"])
def test_nothing_of_it_is_read_without_the_token(guarded: Served, path: str) -> None:
    answer = get(guarded.url + path)
    assert (answer.status_code, "/login?next=" in answer.headers["location"]) == (303, True)


@pytest.mark.parametrize("changes", [{"token": ""}, {"token": "forged"}])
def test_a_change_without_the_token_of_the_session_is_refused(
    served: Served, operator: Operator, changes: dict[str, str]
) -> None:
    served.add(make_alert())
    label(operator)
    new = f"/bans/new?alert={alert_id('1')}"
    assert operator.send(new, "/bans", reason="x", **changes).status_code == 403
    where = operator.propose()
    hidden = operator.fields(operator.http.get(where).text, f"{where}/withdraw")
    assert operator.http.post(f"{where}/withdraw", data={**hidden, **changes}).status_code == 403
    assert state(served, where.rpartition("/")[2]).state == BanState.PROPOSED


@pytest.mark.parametrize(
    "changes",
    [{"alert": ""}, {"alert": "a" * 40}, {"request_id": "short"}, {"reason": "x" * 40000}],
)
def test_a_form_that_no_page_sends_proposes_nothing(
    served: Served, operator: Operator, changes: dict[str, str]
) -> None:
    served.add(make_alert())
    label(operator)
    new = f"/bans/new?alert={alert_id('1')}"
    given = {"reason": "x", **changes}
    assert operator.send(new, "/bans", **given).status_code == 400
    where = operator.propose()
    assert operator.step(where, "withdraw", version="x").status_code == 400
    hidden = operator.fields(operator.http.get(where).text, f"{where}/withdraw")
    assert operator.http.post(f"{where}/close", data=hidden).status_code == 400
    assert operator.http.get(f"{where}/withdraw").status_code == 405
    assert operator.http.get("/bans/none").status_code == 404


def test_what_was_typed_is_kept_where_the_step_was_not_taken(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    label(operator)
    where = operator.propose()
    hidden = operator.fields(operator.http.get(where).text, f"{where}/decline")
    operator.step(where, "approve", permanent="yes")
    note = "证据不足 <b>"
    late = operator.http.post(f"{where}/decline", data={**hidden, "note": note})
    assert late.status_code == 409
    assert "同事刚刚更新了这条禁购" in late.text and "最近一步" in late.text
    assert f"<blockquote>{escape(note)}</blockquote>" in late.text
    # A colleague was faster with the proposal: the reason can be copied, and the ban is shown.
    second = make_alert("2")
    served.add(second)
    label(operator, "2")
    form = {**hidden, "alert": second.alert_id, "reason": note, "request_id": "second-ban"}
    refused = operator.http.post("/bans", data=form)
    assert refused.status_code == 409
    assert f"<blockquote>{escape(note)}</blockquote>" in refused.text and where in refused.text


def test_hostile_and_personal_text_is_shown_as_elsewhere(
    served: Served, operator: Operator
) -> None:
    hostile = "<img src=x onerror=alert(1)> 13812345678 幸福路12号3栋"
    served.add(make_alert(buyer="<b>b\u202e42"))
    label(operator)
    where = operator.propose(reason=hostile)
    for path in (where, "/bans", ONE):
        page = operator.http.get(path).text
        assert "<img src=x" not in page and "<b>b" not in page and "\u202e" not in page
        assert "13812345678" not in page and "幸福路12号" not in page
    assert "&lt;img" in operator.http.get(where).text


def test_the_alert_of_a_banned_buyer_and_of_an_account_linked_to_one_lead_to_the_ban(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    label(operator)
    where = operator.propose()
    link = said("Signal", "banned_link/x", name="banned_link", buyer="other", banned="b42")
    served.add(make_alert("2", detector="D35"))
    served.add(about(link, key="3", detector="D35", subject=Subject(kind="shop", id="shop1")))
    served.add(make_alert("4", buyer="b4"))
    pages = [operator.http.get(f"/alerts/{alert_id(key)}").text for key in "234"]
    assert [where in page for page in pages] == [True, True, False]


def test_the_list_is_looked_through_and_its_tabs_hold_what_they_say(
    served: Served, operator: Operator
) -> None:
    inbox = Inbox(served.engine)
    for n in range(52):
        inbox.add(make_alert(str(n), buyer=f"b{n}x"))
        inbox.propose(str(n))
        inbox.clock.forward(seconds=1)
    served.clock.forward(minutes=1)
    first = operator.http.get("/bans").text
    assert "第1/2页" in first and "b0x" in first and "b51x" not in first
    assert "b51x" in operator.http.get("/bans?view=open&page=2").text
    found = operator.http.get("/bans?q=B51").text
    assert "b51x" in found and "b0x" not in found
    assert "没有符合条件的禁购" in operator.http.get("/bans?view=standing&q=b51").text
    (row,) = served.banlist.page("open", search="b51x").rows
    where = f"/bans/{row.ban_id}"
    operator.step(where, "approve", permanent="yes")
    operator.step(where, "restrict")
    assert "b51x" in operator.http.get("/bans?view=standing").text
    operator.step(where, "lift", note="误判")
    assert "b51x" in operator.http.get("/bans?view=ended").text


def cells(body: bytes) -> list[Sequence[Cell]]:
    return list(openpyxl.load_workbook(io.BytesIO(body)).worksheets[0].iter_rows())


def sheet(answer: httpx.Response) -> list[list[str]]:
    assert answer.headers["content-type"] == XLSX
    return [[str(cell.value) for cell in row] for row in cells(answer.content)]


def test_the_download_has_what_was_approved_and_opens_in_a_spreadsheet(
    served: Served, operator: Operator
) -> None:
    for key, buyer in (("1", "买家甲"), ("2", "b2"), ("3", "b3")):
        served.add(make_alert(key, buyer=buyer, orders=2))
        label(operator, key)
    approved, standing_, _proposed = (operator.propose(key, "13812345678") for key in "123")
    for where in (approved, standing_):
        operator.step(where, "approve", permanent="yes")
    operator.step(standing_, "restrict")
    answer = operator.http.get("/bans/list.xlsx")
    assert "attachment" in answer.headers["content-disposition"]
    assert "bans-open-20261111.xlsx" in answer.headers["content-disposition"]
    head, row = sheet(answer)
    assert head == ["买家账号", "店铺", "订单", "批准时间（北京时间）"]
    assert row == ["买家甲", "shop1", "shop1-买家甲-o1 shop1-买家甲-o2", "2026-11-11 20:05:00"]
    (_, other) = sheet(operator.http.get("/bans/list.xlsx?view=standing&lang=en"))
    assert other[0] == "b2"
    # Neither the reason, which somebody typed, nor who did what leaves the house.
    with ZipFile(io.BytesIO(answer.content)) as parts:
        whole = b"".join(parts.read(name) for name in parts.namelist())
    assert b"13812345678" not in whole and b"local" not in whole and "买家甲".encode() in whole
    assert len(sheet(operator.http.get("/bans/list.xlsx?view=ended"))) == 1
    # In China it is the next day by then, as the times in the list are.
    served.clock.forward(hours=6)
    late = operator.http.get("/bans/list.xlsx").headers["content-disposition"]
    assert "bans-open-20261112.xlsx" in late


@pytest.mark.parametrize(
    "account",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "{=1}",
        " =1",
        "＝1",
        '=HYPERLINK("http://x")',
        "http://x",
        "2026-11-11",
        "1e5",
        "3201987654321000019",
        "007",
        'tb,"42"_x<&>',
        "_x0041_",
    ],
)
def test_an_account_is_a_text_as_it_is_and_nothing_else(account: str) -> None:
    row = BanRow(buyer_id=account, shop_id=account, orders=f"o1\n{account}", approved_at=NOW)
    (_, found) = cells(workbook([row], Words("en", NOW)))
    assert [cell.value for cell in found[:3]] == [account, account, f"o1 {account}"]
    assert {(cell.data_type, cell.number_format) for cell in found[:3]} == {("s", "@")}
    assert [cell.hyperlink for cell in found] == [None] * 4


def test_what_nobody_sees_of_an_account_is_written_out() -> None:
    row = BanRow(buyer_id="\tb\u202e42\x01", shop_id="s", orders="o1", approved_at=None)
    (_, found) = cells(workbook([row], Words("zh", NOW)))
    assert [cell.value for cell in found] == [r"\tb\u202e42\x01", "s", "o1", None]


def test_the_same_list_at_the_same_moment_has_the_same_bytes() -> None:
    row = BanRow(buyer_id="b42", shop_id="s", orders="o1", approved_at=NOW)
    first, second = (workbook([row], Words("zh", NOW)) for _ in range(2))
    assert first == second
