"""What people read names the facts, and neither phones nor control characters get through."""

from __future__ import annotations

import pytest

from schemas.alerts import Severity, Text
from streams.notify.text import (
    DIGEST,
    GROUP,
    QUIET_HOURS,
    REMINDER,
    Occasion,
    marked_as_repeat,
    render,
    render_summary,
    without_names,
)
from tests.factories import make_alert


def test_the_console_line_begins_with_the_detector() -> None:
    line = render(make_alert(severity="critical"), "both").line
    assert line.startswith("D01 critical opened shop1:b42 买家b42在30分钟内拍下6笔")
    assert " | b42 placed 6 unpaid orders" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("language", "has_zh", "has_en"), [("zh", True, False), ("en", False, True)]
)
def test_a_channel_may_want_one_language(language: str, has_zh: bool, has_en: bool) -> None:
    alert = make_alert(reason=Text(zh="又下了一单", en="one order more"))
    text = alert.deadlines[0].text, alert.suggested_actions[0].text, alert.reason, alert.title
    message = render(alert, language)  # type: ignore[arg-type]
    said = message.title + message.body
    assert {one.zh in said for one in text if one} == {has_zh}
    assert {one.en in said for one in text if one} == {has_en}


def test_phones_are_masked_everywhere() -> None:
    phone = "13812345678"
    text = Text(zh=f"电话{phone}", en=f"call +86 {phone}")
    alert = make_alert(buyer=phone, summary=text, title=text, reason=text)
    message = render(alert, "both")
    assert "12345" not in message.line + message.title + message.body


def test_control_characters_cannot_forge_lines_or_move_the_cursor() -> None:
    evil = "x\n2026 D99 fake\x1b[2J\u202e"
    message = render(make_alert(summary=Text(zh=evil, en=evil)), "both")
    assert "\x1b" not in message.line + message.body
    assert "\n" not in message.line
    assert "\u202e" not in message.body
    assert "\n2026" not in message.body


@pytest.mark.parametrize(
    ("buyer", "active"),
    [
        ("<!channel>", "<!"),
        ("<@U123>", "<@"),
        ("@all", "@all"),
        ("@所有人", "@所"),
        ("<at user_id='all'></at>", "<at"),
        ("[x](http://evil)", "["),
        ("[x](http://evil)", "http://"),
        ("https://evil.example/a", "://"),
    ],
)
def test_a_nickname_calls_nobody_and_links_nowhere(buyer: str, active: str) -> None:
    text = Text(zh=f"买家{buyer}", en=f"buyer {buyer}")
    alert = make_alert(buyer=buyer, title=text, summary=text, reason=text)
    message = render(alert, "both")
    storm = render_summary([message])
    for sent in (message.title, message.body, storm.title, storm.body):
        assert active not in sent
    # A terminal calls nobody, and what it shows is searched for.
    assert f"shop1:{buyer}" in message.line


def test_what_a_channel_shows_still_reads_the_same() -> None:
    body = render(make_alert(summary=Text(zh="a@b", en="[x] <y>")), "both").body
    assert body.replace("\u200d", "").startswith("a@b\n［x］ ＜y＞")


def test_a_message_of_mentions_only_stays_within_it_too() -> None:
    long = Text(zh="@" * 5000, en="<!" * 5000)
    message = render(make_alert(buyer="@" * 100, summary=long, title=long, reason=long), "both")
    assert len((message.title + message.body).encode()) < 2048


def test_a_message_stays_within_what_chat_services_take() -> None:
    long = Text(zh="货" * 5000, en="x" * 5000)
    message = render(make_alert(summary=long, title=long, reason=long), "zh")
    assert len((message.title + message.body).encode()) < 2048


def test_a_message_carries_what_to_do_and_by_when() -> None:
    body = render(make_alert(), "both").body
    # In the time of the platform, as the inbox has it.
    assert "T01 2026-11-14 20:00 +0800" in body
    assert "→ 将商品设置为付款减库存" in body


@pytest.mark.parametrize(
    ("status", "is_asked"),
    [("open", True), ("resolved", False), ("retracted", False), ("expired", True)],
)
def test_nobody_is_asked_to_do_anything_about_what_is_over(status: str, is_asked: bool) -> None:
    body = render(make_alert(status=status, reason=Text(zh="已付款", en="paid")), "both").body
    assert ("→" in body) is is_asked
    assert ("T01" in body) is is_asked


def test_what_an_alert_without_an_episode_has_to_say_is_said_once() -> None:
    why = Text(zh="不再跟踪", en="followed no longer")
    alert = make_alert(status="expired", change="expired", summary=why, reason=why)
    assert render(alert, "en").body.count(why.en) == 1


def test_good_news_has_another_tone() -> None:
    tones = [
        render(make_alert(severity="critical"), "zh").tone,
        render(make_alert(severity="warn"), "zh").tone,
        render(make_alert(severity="critical", status="resolved", change="resolved"), "zh").tone,
    ]
    assert tones == ["failure", "warning", "success"]


@pytest.mark.parametrize(
    ("told", "status", "is_said"),
    [
        ("critical", "open", True),
        ("critical", "expired", True),
        ("critical", "resolved", False),
        ("critical", "retracted", False),
        ("warn", "open", False),
        ("info", "open", False),
        (None, "open", False),
    ],
)
def test_who_heard_it_more_severe_reads_that_it_is_milder(
    told: Severity | None, status: str, is_said: bool
) -> None:
    message = render(make_alert(severity="warn", change="updated", status=status), "both", told)
    assert message.line.startswith("D01 warn updated shop1:b42 ")
    for text in (message.line, message.body):
        assert ("已降级：critical → warn" in text) is is_said
        assert ("Milder than told: critical → warn" in text) is is_said


@pytest.mark.parametrize("character", ["买", "@", "<", "<!", "://", "\U0001f600", "b "])
def test_a_storm_summary_stays_within_what_chat_services_take(character: str) -> None:
    name = (character * 110)[:110]
    alerts = [
        make_alert(str(n), buyer=f"{n}{name}", detector=f"D{n % 60:02}", severity=severity)
        for n, severity in enumerate(["critical", "warn", "info"] * 400)
    ]
    message = marked_as_repeat(render_summary([render(alert, "both") for alert in alerts]))
    assert len((message.title + message.body).encode()) < 2048
    # All five are quoted, each once.
    for n in range(5):
        assert message.body.count(f"shop1:{n}") == 1


def test_a_storm_summary_without_names_holds_counts_only() -> None:
    alerts = [make_alert(str(n), buyer=f"b{n}") for n in range(3)]
    message = without_names(render_summary([render(alert, "both") for alert in alerts]))
    assert "warn ×3; D01 ×3" in message.body
    assert "shop1" not in message.line + message.title + message.body


def test_a_storm_summary_counts_by_severity_and_detector() -> None:
    alerts = [make_alert(str(n), buyer=f"b{n}", severity="critical") for n in range(3)]
    alerts.append(make_alert("x", buyer="b9", detector="D08"))
    message = render_summary([render(alert, "both") for alert in alerts])
    assert message.line.startswith("STORM ")
    assert "critical ×3, warn ×1; D01 ×3, D08 ×1" in message.body
    assert "shop1:b0, shop1:b1, shop1:b2, shop1:b9" in message.body


@pytest.mark.parametrize("occasion", [QUIET_HOURS, DIGEST, GROUP, REMINDER])
@pytest.mark.parametrize("character", ["买", "@", "<!", "://"])
def test_a_summary_that_quotes_titles_stays_within_what_chat_services_take(
    occasion: Occasion, character: str
) -> None:
    long = Text(zh=character * 300, en=character * 300)
    alerts = [
        make_alert(str(n), buyer=f"{n}{character * 25}", detector=f"D{n % 60:02}", title=long)
        for n in range(300)
    ]
    summary = render_summary([render(alert, "both") for alert in alerts], occasion)
    message = marked_as_repeat(summary)
    assert len((message.title + message.body).encode()) < 2048
    # However long the names, at least one is quoted.
    assert f"{alerts[0].alert_id}:1" in message.body
    if character != "买":
        assert character * 2 not in message.body
    assert alerts[0].alert_id not in without_names(summary).body


def test_a_summary_quotes_title_alert_and_revision_of_the_first_five() -> None:
    alerts = [make_alert(str(n), buyer=f"b{n}", revision=3) for n in range(7)]
    message = render_summary([render(alert, "en") for alert in alerts], DIGEST)
    assert message.body.split("\n") == [
        "汇总，共7条预警（warn ×7; D01 ×7）",
        "Digest of 7 alerts (warn ×7; D01 ×7)",
        *(
            f"D01 warn opened shop1:b{n} Burst of unpaid orders {alerts[n].alert_id}:3"
            for n in range(5)
        ),
    ]
    assert message.title == "DIGEST 7 alerts (D01 ×7)"


def test_a_summary_sounds_like_the_worst_in_it() -> None:
    over = make_alert("2", change="resolved", status="resolved", severity="critical")
    tones = [
        render_summary([render(one, "zh") for one in alerts], DIGEST).tone
        for alerts in ([make_alert(severity="critical"), over], [make_alert(), over], [over, over])
    ]
    assert tones == ["failure", "warning", "success"]
