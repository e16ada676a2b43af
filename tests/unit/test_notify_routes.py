"""Routes: who gets what, and what the file is refused for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.errors import ConfigurationError
from streams.notify.routes import Routes, load_routes
from streams.notify.service import open_channels
from streams.notify.told import Told
from streams.settings import Settings
from tests.factories import make_alert

FILE = """
channels:
  ops: {url: "json://ops.example/t0kent0ken"}
  desk: {url_file: desk.url, language: zh}
routes:
  - {name: critical, to: [ops, desk], min_severity: critical}
  - {name: refunds, to: [desk], detectors: [D08], shops: [shop1], changes: [opened, expired]}
"""


def with_desk(more: str) -> str:
    return FILE.replace("language: zh", f"language: zh, {more}")


def with_route(more: str) -> str:
    return FILE.replace("shops: [shop1]", f"shops: [shop1], {more}")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "desk.url").write_text("json://desk.example/s3cret\n")
    return Settings(notify_routes_path=tmp_path / "routes.yaml")


def load(settings: Settings, text: str = FILE) -> Routes:
    assert settings.notify_routes_path is not None
    settings.notify_routes_path.write_text(text, encoding="utf-8")
    return load_routes(settings)


@pytest.mark.parametrize(
    ("alert", "expected"),
    [
        (make_alert(severity="critical"), ["ops", "desk", "console"]),
        (make_alert(severity="warn"), ["console"]),
        (make_alert(severity="critical", change="updated", revision=2), []),
        (make_alert(severity="critical", suppressed_by="snooze"), []),
        (make_alert(detector="D08", severity="info"), ["desk", "console"]),
        (make_alert(detector="D08", severity="critical"), ["ops", "desk", "console"]),
        (make_alert(detector="D08", shop="shop2"), ["console"]),
        (make_alert(detector="D08", change="expired", revision=2), ["desk"]),
        (make_alert(detector="D08", change="resolved", revision=2), ["console"]),
    ],
)
def test_an_alert_goes_once_to_each_channel_of_the_routes_that_match(
    settings: Settings, alert: object, expected: list[str]
) -> None:
    assert list(load(settings).channels_for(alert)) == expected  # type: ignore[arg-type]


CRITICAL = Told(last="critical", worst="critical")
SOFTENED = Told(last="warn", worst="critical")


@pytest.mark.parametrize(
    ("told", "severity", "change", "status", "is_wanted"),
    [
        (CRITICAL, "warn", "resolved", "resolved", True),
        (CRITICAL, "info", "retracted", "retracted", True),
        (SOFTENED, "warn", "resolved", "resolved", True),
        (SOFTENED, "warn", "reopened", "open", True),
        (CRITICAL, "warn", "updated", "open", True),
        (SOFTENED, "info", "updated", "open", False),
        (CRITICAL, "critical", "updated", "open", False),
        (CRITICAL, "warn", "updated", "resolved", False),
        # Whoever is not told of expiries still believes that it is critical.
        (CRITICAL, "warn", "updated", "expired", True),
        (CRITICAL, "critical", "expired", "expired", False),
        (SOFTENED, "warn", "expired", "expired", False),
        (SOFTENED, "warn", "escalated", "open", False),
        (Told(last="warn", worst="warn"), "warn", "resolved", "resolved", False),
        (None, "warn", "resolved", "resolved", False),
        (None, "warn", "retracted", "retracted", False),
    ],
)
def test_a_channel_that_was_told_hears_the_end_and_the_first_fall(
    settings: Settings,
    told: Told | None,
    severity: str,
    change: str,
    status: str,
    is_wanted: bool,
) -> None:
    alert = make_alert(severity=severity, change=change, status=status, revision=2)
    channels = load(settings).channels_for(alert, {"ops": told} if told else {})
    assert ("ops" in channels) is is_wanted


@pytest.mark.parametrize(
    ("changes", "told_of"),
    [
        ("[opened]", []),
        ("[opened, expired]", ["expired"]),
        ("[opened, retracted]", ["updated", "retracted"]),
        ("[opened, resolved]", ["resolved"]),
    ],
)
def test_what_follows_is_still_chosen_by_the_changes_of_the_route(
    settings: Settings, changes: str, told_of: list[str]
) -> None:
    route = f"{{name: duty, to: [console], min_severity: critical, changes: {changes}}}"
    routes = load(settings, f"routes: [{route}]")
    status = {"updated": "open", "retracted": "retracted", "resolved": "resolved"}
    # The fall came before the end, as in the life of an alert.
    told = {"updated": CRITICAL}
    assert [
        change
        for change in ("updated", "expired", "retracted", "resolved")
        if routes.channels_for(
            make_alert(change=change, status=status.get(change, "expired"), revision=2),
            {"console": told.get(change, SOFTENED)},
        )
    ] == told_of


@pytest.mark.parametrize(
    ("change", "status", "hearing"),
    [
        ("resolved", "resolved", ["ops"]),
        ("retracted", "retracted", ["ops"]),
        ("reopened", "open", []),
        ("escalated", "open", []),
    ],
)
def test_of_a_suppressed_alert_only_its_end_is_told_to_whoever_heard_of_it_before(
    settings: Settings, change: str, status: str, hearing: list[str]
) -> None:
    alert = make_alert(change=change, status=status, suppressed_by="snooze", revision=3)
    assert load(settings).channels_for(alert, {"ops": CRITICAL}).keys() == set(hearing)
    assert load(settings).channels_for(alert) == {}


def test_a_route_follows_up_only_what_was_severe_enough_for_it(settings: Settings) -> None:
    """The desk heard of a warning by another route, which wants no resolutions."""
    text = FILE.replace(
        "detectors: [D08], shops: [shop1], changes: [opened, expired]", "changes: [opened]"
    )
    alert = make_alert(change="resolved", status="resolved", revision=2)
    assert list(load(settings, text).channels_for(alert, {"desk": Told("warn", "warn")})) == [
        "console"
    ]


def test_without_a_file_everything_goes_to_the_console() -> None:
    assert list(load_routes(Settings()).channels_for(make_alert())) == ["console"]


def test_a_route_that_names_the_console_replaces_the_default_one(settings: Settings) -> None:
    routes = load(settings, "routes: [{name: mine, to: [console], min_severity: critical}]")
    assert not routes.channels_for(make_alert(severity="warn"))


def test_the_console_can_be_off(settings: Settings) -> None:
    quiet = settings.model_copy(update={"notify_console": False})
    assert list(load(quiet).channels_for(make_alert(severity="critical"))) == ["ops", "desk"]
    with pytest.raises(ConfigurationError, match="Nobody would be notified"):
        load(quiet, "{}")


def test_what_is_told_later_is_read_as_it_stands_on_the_page(settings: Settings) -> None:
    page = (Path(__file__).parents[2] / "docs" / "notify.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    example = example.replace("url_file: /run/secrets/ops-dingtalk", "url: json://x")
    routes = load(settings, example)
    assert routes.channels["ops-dingtalk"].quiet is not None
    assert [route.digest is not None for route in routes.routes] == [False, True, False]
    assert routes.routes[0].repeat_s == 3600


def test_urls_are_read_from_files_beside_the_routes(settings: Settings) -> None:
    url = load(settings).channels["desk"].url
    assert url is not None
    assert url.get_secret_value() == "json://desk.example/s3cret"
    assert "s3cret" not in repr(load(settings))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chanels: {}", r"chanels is not a known key \(did you mean 'channels'\?\)\."),
        (FILE.replace("min_severity", "severity"), r"routes\.0\.severity .*'min_severity'"),
        (FILE.replace("language", "langauge"), r"channels\.desk\.langauge .*'language'"),
        (FILE.replace("to: [desk]", "to: [dsk]"), r"refunds sends to 'dsk'.*'desk'"),
        (FILE.replace("expired", "updated"), r"routes\.1\.changes"),
        (FILE.replace("D08", "D8"), r"routes\.1\.detectors"),
        (FILE.replace("D08", "D80"), r"refunds names detector 'D80', which does not exist"),
        (FILE.replace("desk.url", "gone.url"), r"channels\.desk\.url_file .*No such file"),
        (FILE.replace("url_file: desk.url,", ""), r"channels\.desk needs either url or url_file"),
        (FILE.replace("  ops:", "  console:"), r"channels\.console is built in"),
        ('channels: {ops: {url: "json://x/t0kent0ken}', r"cannot be read as YAML: line 1$"),
        # Of two `channels` the first would be gone, and with it whoever is told by them.
        (FILE + "channels: {}\n", r"YAML: the key channels stands here a second time; .*, line 8$"),
        (FILE.replace("  desk:", "  ops:"), r"the key ops stands here a second time; .*, line 4$"),
        (FILE.replace("D08", "2026-02-30"), r"cannot be read as YAML: line 7$"),
        (FILE.replace("desk.url", "!!int t0kent0ken"), r"cannot be read as YAML: line 4$"),
        (FILE + "x: " + "[" * 3000, r"cannot be read as YAML: it is nested too deeply$"),
        (FILE + "x: \0", r"cannot be read as YAML: a byte that is not UTF-8, or a character"),
        ("- routes", r"the file: "),
        (
            with_desk("quiet: {from: 2200, to: '08:00'}"),
            r"desk\.quiet\.from 2200: 2200 is no time of",
        ),
        (
            with_desk("quiet: {from: '24:00', to: '08:00'}"),
            r"desk\.quiet\.from: .*'24:00' is no time of",
        ),
        (
            with_desk("quiet: {from: '8:00', to: '22:00'}"),
            r"quiet\.from: .*'8:00' is .* quotes, like \"22",
        ),
        (
            with_desk("quiet: {from: 'json://t0kent0ken', to: '8'}"),
            r"quiet\.from: a URL is no time of",
        ),
        (with_desk("quiet: {from: '22:00'}"), r"channels\.desk\.quiet\.to: Field required"),
        (
            with_desk("quiet: {from: '22:00', to: '22:00'}"),
            r"desk\.quiet: .*both 22:00, .* always; .*say",
        ),
        (
            with_desk("quiet: {form: '22:00', to: '08:00'}"),
            r"quiet\.form is .* \(did you mean 'from'\?",
        ),
        (with_desk("quiet: {from: '22:00', to: '08:00', except: info}"), r"desk\.quiet\.except: "),
        (
            with_desk("quiet: {from: '22:00', to: '08:00', time_zone: Asia/Beijing}"),
            r"channels\.desk\.quiet\.time_zone: .*'Asia/Beijing' is no time zone",
        ),
        (
            with_desk("quiet: {from: '22:00', to: '08:00', time_zone: Asia}"),
            r"zone: .*'Asia' is no time",
        ),
        (with_desk("quiet: {from: '22:00', to: '08:00', time_zone: 8}"), r"quiet\.time_zone 8: "),
        (with_desk("group_s: -1"), r"channels\.desk\.group_s -1: .*greater than or equal to 0"),
        (with_desk("group: 60"), r"channels\.desk\.group is .* \(did you mean 'group_s'\?\)"),
        (with_route("digest: {}"), r"routes\.1\.digest: .*needs either at or every_s"),
        (
            with_route("digest: {at: '09:00', every_s: 60}"),
            r"routes\.1\.digest: .*either at or every_s",
        ),
        (with_route("digest: {every_s: 1:30}"), r"digest\.every_s: .* valid integer"),
        (with_route("digest: {every_s: 59}"), r"routes\.1\.digest\.every_s 59: "),
        (with_route("digest: {every: 60}"), r"digest\.every is .* \(did you mean 'every_s'\?\)"),
        (with_route("repeat_s: 10"), r"routes\.1\.repeat_s 10: .*greater than or equal to 60"),
        (with_route("repeat_s: 60, repeat_times: 0"), r"routes\.1\.repeat_times 0: "),
        (
            with_route("repeat_times: 2"),
            r"routes\.1: .*repeat_times is 2, but repeat_s says nothing",
        ),
    ],
)
def test_a_file_with_a_mistake_is_refused_by_its_name_and_without_secrets(
    settings: Settings, text: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as refused:
        load(settings, text)
    assert "routes.yaml" in str(refused.value)
    assert "t0ken" not in str(refused.value)


def test_a_time_means_what_it_says_without_quotes_too(settings: Settings) -> None:
    plain = with_desk("quiet: {from: 22:00, to: 08:30}")
    quoted = with_desk("quiet: {from: '22:00', to: '08:30'}")
    assert load(settings, plain).channels == load(settings, quoted).channels


@pytest.mark.parametrize("name", ["routes.yaml", "desk.url"])
def test_a_file_that_is_not_utf_8_is_refused_by_its_name(settings: Settings, name: str) -> None:
    assert settings.notify_routes_path is not None
    settings.notify_routes_path.write_text(FILE, encoding="utf-8")
    settings.notify_routes_path.with_name(name).write_bytes("频道: 1".encode("gbk"))
    with pytest.raises(ConfigurationError, match=rf"{name}.*not UTF-8"):
        load_routes(settings)


@pytest.mark.parametrize(
    ("name", "told"),
    [("routes.yaml", r"routes file .*routes\.yaml"), ("desk.url", r"desk\.url_file .*desk\.url")],
)
@pytest.mark.parametrize(
    ("make", "found"),
    [(os.mkfifo, "it is a pipe or a device"), (os.mkdir, "Is a directory")],
    ids=["pipe", "folder"],
)
def test_what_is_no_file_is_refused_and_waited_for_by_nobody(
    settings: Settings, name: str, told: str, make: Callable[[Path], None], found: str
) -> None:
    assert settings.notify_routes_path is not None
    settings.notify_routes_path.write_text(FILE, encoding="utf-8")
    path = settings.notify_routes_path.with_name(name)
    path.unlink()
    make(path)
    with pytest.raises(ConfigurationError, match=rf"{told}: {found}; expected a file"):
        load_routes(settings)


def test_a_url_that_apprise_does_not_understand_is_refused_without_showing_it(
    settings: Settings,
) -> None:
    routes = load(settings, FILE.replace("json://ops.example", "carrier-pigeon://roof"))
    with pytest.raises(ConfigurationError, match=r"channels\.ops\.url") as refused:
        open_channels(routes)
    assert "t0ken" not in str(refused.value)
