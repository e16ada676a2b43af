"""Where a dispute stands is read off the facts of its alerts, at the time of the look (workflow W4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_type_hints

import pytest

from schemas.alerts import Alert, EvidenceFact, Subject
from schemas.events.aftersales import DisputeEvidenceAdded, DisputeOpened, DisputeRuled
from streams.inbox.disputes import STAGES, Dispute, dispute_of, disputes_of
from streams.inbox.texts import TEXTS
from tests.example_stories import events_of, ms, seconds, stories
from tests.factories import T0, alert_id, make_alert
from tests.inbox import NOW, Served, default_rules
from tests.pipeline import run
from tests.visiting import visiting

Events = list[dict[str, Any]]
RULES = default_rules().deadlines("shop1")
TICK = timedelta(milliseconds=1)


def at(said: str) -> datetime:
    return datetime.fromtimestamp(ms(seconds(said)) / 1000, UTC)


def opened(said: str, order: str = "o1", reason: str = "damaged", **more: str) -> dict[str, Any]:
    return {"at": said, "disputes.opened": {"order_id": order, "reason": reason, **more}}


def step(said: str, name: str, order: str = "o1", **more: str) -> dict[str, Any]:
    return {"at": said, f"disputes.{name}": {"order_id": order, **more}}


def told(events: Events, until: str, detector: str = "D29") -> Alert:
    """The last revision of the only alert of a detector."""
    events.sort(key=lambda event: seconds(event["at"]))
    found = run(events_of(events), ms(seconds(until))).alerts
    (alert,) = {one.alert_id: one for one in found if one.detector == detector}.values()
    return alert


def the_dispute(alert: Alert, now: datetime) -> Dispute:
    (dispute,) = disputes_of(alert, RULES, now)
    assert dispute_of(alert, RULES, now) == dispute
    return dispute


def way(dispute: Dispute) -> list[tuple[str, str]]:
    return [(mark.name, mark.place) for mark in dispute.way()]


TALK = [("opened", "done"), ("negotiation", "now"), ("escalated", "ahead"), ("end", "ahead")]


@pytest.mark.parametrize(
    ("steps", "stage", "stations"),
    [
        ([], "negotiation", TALK),
        (["withdrawn"], "withdrawn", [*TALK[:1], ("negotiation", "done"), ("withdrawn", "done")]),
        (
            ["escalated"],
            "escalated",
            [*TALK[:1], ("negotiation", "done"), ("escalated", "now"), TALK[3]],
        ),
        (
            ["escalated", "arbitration_withdrawn"],
            "arbitration_withdrawn",
            [
                *TALK[:1],
                ("negotiation", "done"),
                ("escalated", "done"),
                ("arbitration_withdrawn", "now"),
                TALK[3],
            ],
        ),
        (
            ["escalated", "ruled"],
            "ruled",
            [*TALK[:1], ("negotiation", "done"), ("escalated", "done"), ("ruled", "done")],
        ),
        # The platform may tell of the ruling alone, and of a withdrawal after it was escalated.
        (["ruled"], "ruled", [*TALK[:1], ("negotiation", "done"), ("ruled", "done")]),
        (
            ["escalated", "withdrawn"],
            "withdrawn",
            [*TALK[:1], ("negotiation", "done"), ("escalated", "done"), ("withdrawn", "done")],
        ),
    ],
)
def test_the_newest_step_tells_where_it_stands(
    steps: Sequence[str], stage: str, stations: list[tuple[str, str]]
) -> None:
    events = [opened("0s")]
    for day, kind in enumerate(steps, 1):
        more = {"ruling": "partial_refund"} if kind == "ruled" else {}
        events.append(step(f"{day}d", kind, **more))
    dispute = the_dispute(told(events, "3d"), at("3d"))
    assert (dispute.stage, way(dispute)) == (stage, stations)
    assert dispute.ruling == ("partial_refund" if "ruled" in steps else "")
    reached = {mark.name: mark.at for mark in dispute.way() if mark.at}
    assert reached == {"opened": at("0s")} | {
        kind: at(f"{day}d") for day, kind in enumerate(steps, 1)
    }


def test_after_the_last_moment_of_negotiation_nothing_is_known_until_something_is_told() -> None:
    alert = told([opened("0s")], "5d")
    assert the_dispute(alert, at("5d")).stage == "negotiation"
    over = the_dispute(alert, at("5d") + TICK)
    assert (over.stage, way(over)) == ("overdue", TALK)


def test_evidence_of_both_parties_is_shown_in_order_and_ends_nothing() -> None:
    shown = {"by": "seller", "kind": "item_photo"}
    events = [
        opened("0s"),
        step("2d", "evidence_added", **shown),
        step("1d", "evidence_added", by="buyer", kind="package_photo"),
    ]
    dispute = the_dispute(told(events, "3d"), at("3d"))
    assert [(one.by, one.kind, one.at) for one in dispute.proofs] == [
        ("buyer", "package_photo", at("1d")),
        ("seller", "item_photo", at("2d")),
    ]
    assert dispute.stage == "negotiation"


def test_every_alert_about_a_dispute_tells_where_that_one_stands() -> None:
    """Also one about the return that was ruled: of two disputes of an order, each its own."""
    ruled = {"ruling": "return_and_refund", "country": "IT", "countdown_ends_at": "13d"}
    events = [
        opened("0s", reason="quality"),
        step("2d", "escalated"),
        step("3d", "ruled", **ruled),
        opened("4d", reason="damaged", dispute_id="other"),
    ]
    for detector, until in (("D30", "12d"), ("D32", "12d")):
        dispute = the_dispute(told(events, until, detector), at(until))
        assert (dispute.dispute_id, dispute.stage) == ("dispute-o1", "ruled")
        assert dispute.ruling == "return_and_refund"
    other = the_dispute(told(events, "5d"), at("5d"))
    assert (other.dispute_id, other.stage) == ("other", "negotiation")


def test_a_shop_sees_which_disputes_can_still_be_withdrawn_and_until_when() -> None:
    events: Events = []
    for number in range(12):
        order, buyer = f"o{number}", f"b/{number}"
        events.append(opened(f"{number}h", order, "other", buyer_id=buyer))
    events += [
        step("1d", "withdrawn", "o3", buyer_id="b/3"),
        step("1d", "escalated", "o5", buyer_id="b/5"),
        step("2d", "escalated", "o7", buyer_id="b/7"),
        step("3d", "withdrawn", "o7", buyer_id="b/7"),
    ]
    alert = told(events, "4d", "D31")
    now = at("5d2h30m")
    found = [(one.order_id, one.buyer, one.stage) for one in disputes_of(alert, RULES, now)]
    talking = [(f"o{n}", f"b/{n}", "negotiation") for n in (4, 6, 8, 9, 10, 11)]
    silent = [(f"o{n}", f"b/{n}", "overdue") for n in (0, 1, 2)]
    ended = [("o5", "b/5", "negotiated")]
    withdrawn = [("o3", "b/3", "withdrawn"), ("o7", "b/7", "withdrawn")]
    assert found == [*talking, *silent, *ended, *withdrawn]
    first = disputes_of(alert, RULES, now)[0]
    assert (first.dispute_id, first.until) == ("dispute-o4", at("5d4h"))
    assert dispute_of(alert, RULES, now) is None


def test_the_examples_have_a_course_in_every_alert_about_a_dispute_and_nowhere_else() -> None:
    told_of = set()
    for story in stories():
        for alert in run(story.events, story.horizon_ms).alerts:
            if any(fact.kind.startswith("Dispute") for fact in alert.evidence.facts):
                told_of.add(alert.detector)
                assert dispute_of(alert, RULES, NOW) is not None
    assert told_of == {"D28", "D29", "D30", "D32"}


def forged(**detail: Any) -> Alert:
    fact = EvidenceFact(
        event_id="e",
        kind="DisputeOpened",
        at=detail.pop("at", T0),
        ref=detail.pop("ref", "d"),
        detail=detail,
    )
    alert = make_alert(detector="D29", deadlines=[])
    evidence = alert.evidence.model_copy(update={"facts": [fact]})
    return alert.model_copy(update={"evidence": evidence})


def test_what_another_version_does_not_tell_is_left_open() -> None:
    dispute = the_dispute(forged(), NOW)
    assert (dispute.order_id, dispute.reason, dispute.stage) == ("", "", "negotiation")
    assert disputes_of(make_alert(detector="D29"), RULES, NOW) == []


def test_an_alert_that_only_counts_a_dispute_does_not_know_what_became_of_it() -> None:
    assert disputes_of(forged().model_copy(update={"detector": "D09"}), RULES, NOW) == []


def test_a_time_that_no_clock_has_breaks_no_page() -> None:
    late = forged(at=datetime(9999, 12, 30, tzinfo=UTC))
    assert disputes_of(late, RULES, NOW) == []
    signal = EvidenceFact(
        event_id="e",
        kind="Signal",
        at=T0,
        ref="dispute/b/d",
        detail={"name": "dispute", "withdrawn_ms": 10**30},
    )
    evidence = late.evidence.model_copy(update={"facts": [signal]})
    rate = late.model_copy(update={"detector": "D31", "evidence": evidence})
    assert disputes_of(rate, RULES, NOW) == []


def codes(event: type, field: str) -> tuple[str, ...]:
    return get_args(get_type_hints(event)[field])


def test_there_is_a_word_for_everything_that_the_platform_can_tell() -> None:
    wanted = {f"disputestage.{stage}" for stage in STAGES}
    # That nobody negotiates any more is all that a shop is told.
    wanted |= {f"disputehint.{stage}" for stage in STAGES if stage != "negotiated"}
    wanted |= {f"disputereason.{one}" for one in codes(DisputeOpened, "reason")}
    wanted |= {f"ruling.{one}" for one in codes(DisputeRuled, "ruling")}
    wanted |= {f"proofof.{one}" for one in codes(DisputeEvidenceAdded, "kind")}
    wanted |= {f"party.{one}" for one in codes(DisputeEvidenceAdded, "by")}
    assert len(wanted) > 20
    assert wanted - TEXTS.keys() == set()


def test_the_page_and_the_row_say_where_it_stands_and_follow_the_clock(served: Served) -> None:
    served.clock.at = at("1d")
    alert = told([opened("0s"), step("4h", "evidence_added", by="buyer", kind="item_photo")], "1d")
    served.add(alert)
    with visiting(served.url) as http:
        page = http.get(f"/alerts/{alert.alert_id}").text
        assert "纠纷进展" in page and "自愿撤销" in page and "实物照片" in page
        assert "纠纷协商中" in http.get("/").text
        served.clock.at = at("5d") + TICK
        assert "协商期已过" in http.get(f"/alerts/{alert.alert_id}").text
        assert "dispute past negotiation" in http.get("/?lang=en").text
        events = [opened("0s"), step("6d", "ruled", ruling="rejected")]
        served.add(told(events, "6d").model_copy(update={"revision": 9}))
        page = http.get(f"/alerts/{alert.alert_id}?lang=zh").text
        assert "已裁决" in page and "驳回" in page
        # It ended by itself, for nobody had begun.
        assert "纠纷已裁决" in http.get("/?view=handled").text


def test_all_alerts_about_a_dispute_are_found_by_its_id(served: Served) -> None:
    events = [opened("0s", reason="return", countdown_ends_at="3d"), opened("0s", "o2")]
    alerts = run(events_of(events), ms(seconds("2d"))).alerts
    served.add(*alerts)
    with visiting(served.url) as http:
        (late,) = {one.alert_id for one in alerts if one.detector == "D30"}
        assert "/?q=dispute-o1&amp;group=none" in http.get(f"/alerts/{late}").text
        found = http.get("/?q=dispute-o1&group=none").text
    (other,) = {one.alert_id for one in alerts if one.detector == "D29"}
    assert late in found and other not in found


def test_hostile_ids_and_codes_are_shown_as_text(served: Served) -> None:
    evil = "<b>x</b>&q="
    served.add(forged(ref=evil, order_id=evil, reason=evil))
    shop = forged(ref=evil)
    signal = EvidenceFact(
        event_id="e",
        kind="Signal",
        at=T0,
        ref=f"dispute/{evil}/{evil}",
        detail={"name": "dispute", "buyer": evil, "order": evil},
    )
    rate = {
        "alert_id": alert_id("2"),
        "detector": "D31",
        "subject": Subject(kind="shop", id="shop1"),
    }
    evidence = shop.evidence.model_copy(update={"facts": [signal]})
    served.add(shop.model_copy(update={**rate, "evidence": evidence}))
    with visiting(served.url) as http:
        for key in "12":
            page = http.get(f"/alerts/{alert_id(key)}").text
            assert "&lt;b&gt;" in page and "<b>x</b>" not in page
            assert "q=%3Cb%3Ex%3C%2Fb%3E%26q%3D" in page
