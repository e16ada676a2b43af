"""docker-compose.yml, the Dockerfile and .env.example agree with the settings and with each other."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.settings import Settings, load_settings, variable_names

START = "import sys, streams.cli; sys.exit(streams.cli.main(sys.argv[1:]))"
ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
ENV_EXAMPLE = (ROOT / ".env.example").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()

# The broker of the compose file needs no login, and worker containers have no lasting name that a
# static membership could use.
NOT_IN_COMPOSE = {
    "ORDERWATCH_SASL_MECHANISM",
    "ORDERWATCH_SASL_USERNAME",
    "ORDERWATCH_SASL_PASSWORD",
    "ORDERWATCH_SSL_CA_FILE",
    "ORDERWATCH_GROUP_INSTANCE_ID",
}


def test_the_compose_file_follows_the_published_schema() -> None:
    arguments = ["--builtin-schema", "vendor.compose-spec", str(ROOT / "docker-compose.yml")]
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_by_its_version(name: str) -> None:
    image = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", SERVICES[name]["image"])
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-\w+)?", image), image


def test_compose_runs_the_kafka_that_the_tests_run() -> None:
    pom = ET.parse(ROOT / "deploy" / "kafka" / "pom.xml")
    version = pom.findtext("{*}properties/{*}kafka.version")
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version}"


@pytest.mark.parametrize("name", SERVICES)
def test_no_password_has_a_default(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"PASSWORD|TOKEN|SECRET", variable):
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), variable
        if "://" in str(value) and "@" in str(value):
            assert re.search(r":\$\{\w+:\?[^}]+\}@", value), variable


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_watched_restarted_and_given_time_to_stop(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("on-failure:5" if name == "topics-apply" else "unless-stopped")
    assert "stop_grace_period" in service
    assert (
        service["healthcheck"].get("disable") is True
        if name == "topics-apply"
        else (service["healthcheck"]["test"][0] == "CMD")
    )


def test_the_database_is_asked_where_the_inbox_reaches_it() -> None:
    """While the image sets the database up it answers on its socket already, and on TCP not yet."""
    test = SERVICES["postgres"]["healthcheck"]["test"]
    assert test[test.index("-h") + 1] == "127.0.0.1"


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_published_beyond_the_loopback(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("127.0.0.1:"), port


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_write_only_their_volume(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service, "the image has its own user"


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_the_command_line(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START, *OURS[name]["command"], "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"COLUMNS": "100"},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [name for name in OURS if name != "topics-apply"])
def test_services_start_when_their_topics_exist(name: str) -> None:
    assert OURS[name]["depends_on"]["topics-apply"] == {
        "condition": "service_completed_successfully"
    }


def test_volumes_are_declared_and_used() -> None:
    used = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", ())
        if not volume.startswith((".", "$"))
    }
    assert used == set(COMPOSE["volumes"])


def test_compose_hands_on_every_setting() -> None:
    given = {variable for service in OURS.values() for variable in service["environment"]}
    assert given | NOT_IN_COMPOSE == set(variable_names())
    assert not given & NOT_IN_COMPOSE


@pytest.mark.parametrize("name", OURS)
def test_what_one_service_takes_the_others_take(name: str) -> None:
    limits = {"ORDERWATCH_MAX_FUTURE_S", "ORDERWATCH_MAX_RECORD_BYTES"}
    assert limits <= set(OURS[name]["environment"])


def example_lines() -> dict[str, str]:
    return dict(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$", ENV_EXAMPLE, flags=re.MULTILINE))


def test_the_example_environment_shows_every_setting_with_its_default() -> None:
    shown = {
        name: value for name, value in example_lines().items() if name.startswith("ORDERWATCH_")
    }
    defaults = {}
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        text = str(default).lower() if isinstance(default, bool) else str(default)
        defaults[f"ORDERWATCH_{name.upper()}"] = "" if default is None else text
    assert shown == defaults


def test_a_line_of_the_example_changes_nothing_when_it_is_uncommented(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An empty path or key is refused, so the page says that such lines need a value."""
    head = " ".join(line.removeprefix("# ") for line in ENV_EXAMPLE.splitlines()[:3])
    assert "Where nothing stands behind the = there is none: give it a value when" in head
    before = load_settings()
    for name, value in example_lines().items():
        if name.startswith("ORDERWATCH_") and value:
            monkeypatch.setenv(name, value)
    assert load_settings() == before


def test_the_example_environment_has_each_variable_that_compose_asks_for() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    required = set(re.findall(r"\$\{(\w+):\?", text))
    optional = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text))
    shown = example_lines()
    assert required | set(optional) <= set(shown)
    assert {name: shown[name] for name in optional} == optional
    set_already = dict(re.findall(r"^([A-Z]\w*)=(.*)$", ENV_EXAMPLE, flags=re.MULTILINE))
    assert set_already == dict.fromkeys(required, ""), "only what has to be filled in stands bare"


def stages() -> list[list[tuple[str, str]]]:
    """The Dockerfile's instructions, (name, arguments), by stage."""
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    found: list[list[tuple[str, str]]] = []
    for line in joined.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, arguments = line.strip().partition(" ")
        if name == "FROM":
            found.append([])
        found[-1].append((name, arguments))
    return found


def test_the_image_runs_as_nobody_in_particular() -> None:
    users = [arguments for name, arguments in stages()[-1] if name == "USER"]
    assert users
    user, _, group = users[-1].partition(":")
    assert int(user) >= 10_000
    assert int(group) >= 10_000


def test_the_image_has_a_health_check_and_keeps_its_builder_out() -> None:
    build, final = stages()
    assert "HEALTHCHECK" in dict(final)
    assert dict(build)["FROM"].partition(" ")[0] == dict(final)["FROM"]
    assert re.fullmatch(r"python:3\.11-slim-\w+", dict(final)["FROM"])
    assert "pip" not in "".join(arguments for name, arguments in final if name == "RUN")


def test_the_image_installs_the_locked_versions_without_development() -> None:
    (install,) = [a for name, a in stages()[0] if name == "RUN" and "pip install" in a]
    assert "-c requirements.lock" in install
    assert "dev" not in install
    assert "embedded" not in install


def test_everything_that_the_image_copies_exists_and_is_sent_to_the_builder() -> None:
    sent = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    for name, arguments in stages()[0]:
        if name == "COPY":
            for source in arguments.split()[:-1]:
                if source.endswith("*"):
                    assert source.rstrip("*") in sent
                else:
                    assert (ROOT / source).exists()
                    assert source in sent


def test_locked_versions_are_plain_pins() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    for line in lines:
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.!+-]+", line), line
