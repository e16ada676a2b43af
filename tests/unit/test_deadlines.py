"""T01 to T12: each starts, reminds, falls due, is met or broken; the last millisecond is in time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detect import deadlines as d
from streams.detect.detector import find_detectors
from streams.detect.rules import RuleError, parse
from streams.notify.text import MAX_FIELD_CHARACTERS
from tests.example_stories import stories
from tests.pipeline import default_engine, rules_document, run

HOUR = 3_600_000
DAY = 24 * HOUR
RULES = default_engine().rules.deadlines("any")
START = round(datetime(2026, 11, 11, 4, tzinfo=UTC).timestamp() * 1000)


def terms(met_ms: int | None = None) -> list[d.Term]:
    """One term of each deadline, all started at START."""
    shipping = d.ship(START, RULES.T02, done_ms=met_ms)
    ack = d.acknowledge(START, "critical", RULES.T09, met_ms)
    retry = d.contact_retry((START,), RULES.T10, met_ms)
    assert ack and retry
    return [
        d.unpaid_close(START, RULES.T01, met_ms),
        shipping,
        d.overseas_contact(START, RULES.T03, met_ms),
        d.review_complaint(START, RULES.T04, met_ms),
        d.reply(START, RULES.T05, RULES.time_zone, met_ms),
        d.appeal_reply(START, RULES.T06, RULES.time_zone, met_ms),
        d.negotiation(START, RULES.T07, met_ms),
        d.return_countdown(START, START + 7 * DAY, RULES.T08, met_ms),
        ack,
        retry,
        d.recharge_callback(START, RULES.T11, met_ms),
        d.filing(shipping, RULES.T12, met_ms),
    ]


def by_code(term: d.Term) -> str:
    return term.code


def test_there_is_a_text_and_a_term_for_each_deadline() -> None:
    codes = [term.code for term in terms()]
    assert codes == [f"T{n:02}" for n in range(1, 13)] == sorted(d.TEXTS)
    assert codes == sorted(set(d.Deadlines.model_fields) - {"time_zone"})
    for term in terms():
        line = term.line()
        assert (line.code, line.at_ms) == (term.code, term.last_ms)
        assert line.zh and line.en


@pytest.mark.parametrize("term", terms(), ids=by_code)
def test_silence_reminds_falls_due_and_breaks(term: d.Term) -> None:
    assert term.start_ms <= term.due_ms <= term.last_ms
    assert term.state(term.start_ms) == "running"
    assert term.state(term.last_ms - 1) != "breached"
    assert term.state(term.last_ms) == "breached"
    if term.due_ms < term.last_ms:
        assert term.state(term.due_ms) == "due"
    for remind_ms in term.remind_ms:
        assert term.state(remind_ms) in ("reminded", "due")


@pytest.mark.parametrize("n", range(12))
def test_who_acts_at_the_last_millisecond_is_in_time(n: int) -> None:
    last_ms = terms()[n].last_ms
    assert terms(last_ms)[n].state(last_ms) == "met"
    assert terms(last_ms + 1)[n].state(last_ms) == "met_late"
    assert terms(last_ms)[n].wake_ms(START) is None


@given(n=st.integers(0, 11), at_ms=st.integers(START - DAY, START + 40 * DAY))
def test_between_two_wake_ups_nothing_changes(n: int, at_ms: int) -> None:
    term = terms()[n]
    wake_ms = term.wake_ms(at_ms)
    if wake_ms is None:
        assert at_ms >= term.last_ms
    else:
        assert wake_ms > at_ms
        assert term.state(wake_ms - 1) == term.state(at_ms)


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (20 * d.DAY_S, "20天", "20 days"),
        (d.DAY_S, "1天", "1 day"),
        (36 * 3600, "36小时", "36 hours"),
        (15 * 60, "15分钟", "15 minutes"),
        (90, "90秒", "90 seconds"),
        (0, "0天", "0 days"),
    ],
)
def test_a_length_of_time_is_said_in_whole_units(seconds: int, zh: str, en: str) -> None:
    assert d.in_words(seconds) == (zh, en)


@pytest.mark.parametrize(
    ("code", "severity", "before_ms"),
    [
        ("T01", "", 6 * HOUR),
        ("T09", "critical", HOUR // 6),
        ("T09", "warn", HOUR),
        ("T10", "", HOUR // 2),
        ("T11", "", HOUR // 30),
    ],
)
def test_what_is_due_at_its_last_moment_is_reminded_of_before_unless_it_is_met(
    code: str, severity: Any, before_ms: int
) -> None:
    def term(met_ms: int | None = None) -> d.Term:
        if severity:
            ack = d.acknowledge(START, severity, RULES.T09, met_ms)
            assert ack is not None
            return ack
        return next(one for one in terms(met_ms) if one.code == code)

    remind_ms = term().last_ms - before_ms
    assert (term().remind_ms, term().due_ms) == ((remind_ms,), term().last_ms)
    assert term().wake_ms(START) == remind_ms
    assert term().state(remind_ms - 1) == "running"
    assert term().state(remind_ms) == term().state(term().last_ms - 1) == "reminded"
    assert term(remind_ms).state(remind_ms) == "met"
    assert term(remind_ms).wake_ms(START) is None


def test_a_shop_that_wants_no_reminder_has_none() -> None:
    silent = with_deadlines({"T10": {"remind_before_s": 0}})
    rule = parse(silent, find_detectors()).deadlines("s").T10
    retry = d.contact_retry((START,), rule)
    assert retry is not None
    assert retry.state(retry.last_ms - 1) == "running"
    assert retry.wake_ms(START) == retry.last_ms


def test_a_reminder_that_calls_for_nothing_says_so() -> None:
    """T01 is done by the platform; a message has room for no longer text."""
    assert set(d.REMINDERS) == d.DONE_BY_PLATFORM
    assert all(len(words) <= MAX_FIELD_CHARACTERS for words in d.REMINDERS["T01"])


def test_the_numbers_of_the_sources() -> None:
    last = {term.code: term.last_ms - START for term in terms()}
    assert last["T01"] == 3 * DAY
    assert last["T02"] == last["T12"] == 48 * HOUR
    assert last["T03"] == DAY
    assert last["T04"] == 30 * DAY
    assert last["T07"] == 5 * DAY
    assert last["T11"] == HOUR // 6
    review = terms()[3]
    assert [review.last_ms - at for at in review.remind_ms] == [7 * DAY, 3 * DAY, DAY]


@pytest.mark.parametrize(
    ("ship_by_h", "target_h", "warn_h", "limit_h", "platform_h"),
    [
        (0, 24, 42, 48, 72),
        (30, 24, 24, 30, 30),
        (168, 144, 162, 168, 168),  # A presale: the distance to the limit stays.
        (20, 14, 14, 20, 20),  # Shorter than the target: told as long before its own limit.
        (6, 3, 3, 6, 6),  # But not in the first half of the time.
    ],
)
def test_a_promise_replaces_the_limits_of_shipping(
    ship_by_h: int, target_h: int, warn_h: int, limit_h: int, platform_h: int
) -> None:
    times = d.ship_times(START, RULES.T02, START + ship_by_h * HOUR if ship_by_h else 0)
    hours = (target_h, warn_h, limit_h, platform_h)
    assert tuple((at - START) // HOUR for at in times) == hours


def test_a_promise_from_before_the_payment_binds_nobody() -> None:
    assert d.ship_times(START, RULES.T02, START) == d.ship_times(START, RULES.T02)


@pytest.mark.parametrize(
    ("age_ms", "is_mutual", "is_accepted"),
    [
        (0, True, True),
        (30 * DAY, True, True),
        (30 * DAY + 1, True, False),
        (DAY, False, False),
    ],
)
def test_n17_exactly_thirty_days_pass_and_only_mutual_reviews(
    age_ms: int, is_mutual: bool, is_accepted: bool
) -> None:
    refused = d.review_complaint_refused(START, START + age_ms, RULES.T04, is_mutual=is_mutual)
    assert (refused is None) == is_accepted
    assert refused is None or all(refused)


def test_no_alert_that_only_informs_must_be_looked_at() -> None:
    assert d.acknowledge(START, "info", RULES.T09) is None
    warn = d.acknowledge(START, "warn", RULES.T09)
    assert warn and warn.last_ms == START + 4 * HOUR


def test_n14_no_text_of_a_deadline_threatens_who_does_not_look() -> None:
    assert "扣" not in d.TEXTS["T09"][0]
    assert "降权" not in "".join(zh for zh, _ in d.TEXTS.values())


def test_a_buyer_is_not_called_for_ever() -> None:
    assert d.contact_retry((), RULES.T10) is None
    assert d.contact_retry((START, START + 1), RULES.T10) is not None
    assert d.contact_retry((START, START + 1, START + 2), RULES.T10) is None


def test_a_buyer_is_called_again_so_long_after_the_newest_attempt() -> None:
    retry = d.contact_retry((START, START + 1), RULES.T10)
    assert retry is not None
    assert (retry.start_ms, retry.last_ms) == (START + 1, START + 1 + RULES.T10.after_s * 1000)


@pytest.mark.parametrize("severity", ["warn", "critical"])
def test_an_alert_waits_for_as_long_as_its_severity_allows(severity: Any) -> None:
    term = d.acknowledge(START, severity, RULES.T09)
    assert term is not None
    within_s = {"warn": RULES.T09.warn_s, "critical": RULES.T09.critical_s}
    assert within_s["critical"] < within_s["warn"]
    assert term.last_ms == START + within_s[severity] * 1000


def test_what_was_filed_is_met_although_nothing_was_shipped() -> None:
    shipping = d.ship(START, RULES.T02)
    assert d.filing(shipping, RULES.T12).met_ms is None
    assert d.filing(shipping, RULES.T12, START + 5).met_ms == START + 5


def test_a_shipped_order_needs_no_filing() -> None:
    shipped = d.ship(START, RULES.T02, done_ms=START + HOUR)
    assert d.filing(shipped, RULES.T12).state(START + 10 * DAY) == "met"


def at_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("submitted", "zone", "first", "last"),
    [
        # Friday evening: Monday and Tuesday.
        ("2026-11-13T20:00+08:00", "Asia/Shanghai", "2026-11-17T00:00", "2026-11-18T00:00"),
        # The day itself never counts, neither its first nor its last moment.
        ("2026-11-11T00:00+08:00", "Asia/Shanghai", "2026-11-13T00:00", "2026-11-14T00:00"),
        ("2026-11-11T23:59:59+08:00", "Asia/Shanghai", "2026-11-13T00:00", "2026-11-14T00:00"),
        # The eve of the National Day: seven days off, then Thursday and Friday.
        ("2026-09-30T09:00+08:00", "Asia/Shanghai", "2026-10-09T00:00", "2026-10-10T00:00"),
        # Saturday the 10th is worked in lieu (调休), so it is the second day.
        ("2026-10-08T09:00+08:00", "Asia/Shanghai", "2026-10-10T00:00", "2026-10-11T00:00"),
        # One moment, two dates: it is Thursday in Shanghai and still Wednesday in Rome.
        ("2026-11-11T17:00+00:00", "Asia/Shanghai", "2026-11-14T00:00", "2026-11-17T00:00"),
        ("2026-11-11T17:00+00:00", "Europe/Rome", "2026-11-13T00:00", "2026-11-14T00:00"),
    ],
)
def test_a_reply_is_due_at_the_end_of_working_days_on_the_clocks_of_the_shop(
    submitted: str, zone: str, first: str, last: str
) -> None:
    term = d.reply(at_ms(submitted), RULES.T05, zone)
    tz = ZoneInfo(zone)
    ends = [datetime.fromisoformat(day).replace(tzinfo=tz) for day in (first, last)]
    # Both are the last millisecond of a day, so the first of the next is too late.
    wanted = [round(end.timestamp() * 1000) - 1 for end in ends]
    assert [term.due_ms, term.last_ms] == wanted
    assert term.remind_ms == (term.due_ms,)
    assert term.state(wanted[0] - 1) == "running"
    assert term.state(wanted[0]) == "due"
    assert term.state(wanted[1] - 1) == "due"
    assert term.state(wanted[1]) == "breached"


def test_an_appeal_has_three_to_five_working_days() -> None:
    term = d.appeal_reply(at_ms("2026-11-13T20:00+08:00"), RULES.T06, RULES.time_zone)
    assert term.due_ms == at_ms("2026-11-19T00:00+08:00") - 1
    assert term.last_ms == at_ms("2026-11-21T00:00+08:00") - 1


@pytest.mark.parametrize("n", [0, 1, 2, 3, 6, 7, 10, 11])
def test_from_its_last_moment_a_deadline_of_an_alert_is_the_same_again(n: int) -> None:
    """T05, T06, T09 and T10 stand on no alert: they start with what people do."""
    term = terms()[n]
    again = d.of_alert(term.code, term.start_ms, term.last_ms, RULES)
    assert again == term
    met = d.of_alert(term.code, term.start_ms, term.last_ms, RULES, term.last_ms)
    assert met.state(term.last_ms) == "met"


@pytest.mark.parametrize("code", ["T01", "T02", "T03", "T04", "T07", "T08", "T11", "T12", "T99"])
def test_no_reminder_lies_before_the_alert(code: str) -> None:
    late = d.of_alert(code, START, START + 60_000, RULES)
    assert set(late.remind_ms) <= {START}
    assert late.due_ms in (START, START + 60_000)
    over = d.of_alert(code, START, START - DAY, RULES)
    assert over.state(START) == "breached"
    assert over.start_ms <= over.due_ms <= over.last_ms


def test_the_page_says_truly_which_detectors_use_a_deadline() -> None:
    """By their rules, or by what their alerts say; the inbox has those that start with people's steps."""
    used: dict[str, set[str]] = {code: set() for code in d.TEXTS}
    for detector in find_detectors():
        for code in used.keys() & detector.rules.model_fields.keys():
            used[code].add(detector.id)
    for story in stories():
        for alert in run(story.events, story.horizon_ms).alerts:
            for deadline in alert.deadlines:
                used[deadline.code].add(alert.detector)
    page = (Path(__file__).parents[2] / "docs" / "deadlines.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (T\d\d) .*\| ([^|]+) \|$", page, re.MULTILINE)
    assert {code: set(re.findall(r"\[(D\d\d)\]", who)) for code, who in rows} == used
    assert {code for code, who in rows if "inbox.md" in who} == {"T05", "T06", "T09", "T10"}


def test_a_deadline_beyond_the_holiday_table_says_so() -> None:
    late_ms = round(datetime(2099, 1, 2, tzinfo=UTC).timestamp() * 1000)
    line = d.reply(late_ms, RULES.T05, RULES.time_zone).line()
    assert d.UNCERTAIN[0] in line.zh
    assert d.UNCERTAIN[1] in line.en
    assert d.UNCERTAIN[0] not in d.reply(START, RULES.T05, RULES.time_zone).line().zh


def with_deadlines(shop: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    document = rules_document()
    document["deadlines"] = {**document["deadlines"], **changed}
    return document | {"shops": {"s": {"deadlines": shop or {}}}}


def test_a_shop_overrides_single_numbers() -> None:
    changed = {"time_zone": "Europe/Rome", "T02": {"limit_s": 100_000}}
    rules = parse(with_deadlines(changed), find_detectors())
    assert rules.deadlines("s").time_zone == "Europe/Rome"
    assert rules.deadlines("s").T02.limit_s == 100_000
    assert rules.deadlines("s").T02.target_s == rules.deadlines("t").T02.target_s == 86_400
    assert rules.deadlines("t").T02.limit_s == 172_800


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({k: v for k, v in rules_document().items() if k != "deadlines"}, "deadlines: expected"),
        (with_deadlines(T99={}), "deadlines: unknown key 'T99'"),
        (with_deadlines(T01=3), "deadlines.T01: expected a mapping"),
        (with_deadlines({"T01": {"close": 1}}), "shops.s.deadlines.T01: unknown key 'close'"),
        (with_deadlines({"T02": {"limit_s": 1}}), "shops.s.deadlines.T02: .* target_s"),
        (
            with_deadlines({"T01": {"close_s": 900}}),
            "shops.s.deadlines.T01: close_s is 900; expected at least remind_before_s, 21600",
        ),
        (with_deadlines({"T09": {"critical_s": 599}}), "T09: .* critical_remind_before_s, 600"),
        (with_deadlines({"T09": {"warn_remind_before_s": 14_401}}), "T09: warn_s is 14400; .*"),
        (with_deadlines({"T10": {"after_s": 1799}}), "T10: after_s is 1799; .* 1800"),
        (with_deadlines({"T11": {"remind_before_s": 601}}), "T11: within_s is 600; .* 601"),
        (with_deadlines({"T11": {"remind_before_s": -1}}), "T11.remind_before_s: "),
        (with_deadlines({"T04": {"remind_before_days": [0]}}), "T04.remind_before_days"),
        (with_deadlines(time_zone="Mars/Base"), "deadlines.time_zone: .* time zone"),
        (with_deadlines(time_zone="Asia"), "deadlines.time_zone: .* time zone"),
    ],
)
def test_deadlines_that_cannot_be_used_are_refused_by_name(
    document: dict[str, Any], message: str
) -> None:
    with pytest.raises(RuleError, match=message):
        parse(document, find_detectors())
