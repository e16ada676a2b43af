"""Settings from the environment: unknown variables refused, values named, secrets never shown."""

from __future__ import annotations

import pytest

from streams.errors import ConfigurationError
from streams.settings import environment, load_settings, variable_names


def test_unknown_variable_is_refused_with_the_nearest_known_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDERWATCH_BOOTSTRAP_SERVER", "k:9092")
    with pytest.raises(ConfigurationError, match="did you mean ORDERWATCH_BOOTSTRAP_SERVERS"):
        load_settings()


def test_unknown_variable_without_a_near_one_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDERWATCH_ZZZZZZZZZZZZ", "1")
    with pytest.raises(ConfigurationError, match="unset it"):
        load_settings()


def test_all_unknown_variables_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERWATCH_PARTITION", "1")
    monkeypatch.setenv("ORDERWATCH_LATENES_S", "1")
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert "ORDERWATCH_PARTITIONS" in str(refused.value)
    assert "ORDERWATCH_LATENESS_S" in str(refused.value)


def test_variable_of_the_tests_is_no_setting_and_no_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDERWATCH_DATA", "/data")
    load_settings()


def test_wrong_value_names_variable_value_and_expectation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERWATCH_PARTITIONS", "0")
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert "ORDERWATCH_PARTITIONS is '0'" in str(refused.value)
    assert "greater than or equal to 1" in str(refused.value)


@pytest.mark.parametrize(
    "brokers", ["", " ", "k:", ":9092", "k:0", "k:99999", "k1:9092,", "PLAINTEXT://k:9092", "::1"]
)
def test_what_names_no_broker_is_refused_before_anybody_is_asked(brokers: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(bootstrap_servers=brokers)
    assert f"ORDERWATCH_BOOTSTRAP_SERVERS is {brokers!r}" in str(refused.value)
    assert "expected host:port" in str(refused.value)


@pytest.mark.parametrize("brokers", ["k", "k:9092", "10.0.0.1:1,b.example:65535", "[::1]:9092"])
def test_brokers_are_taken_as_they_are_given(brokers: str) -> None:
    assert load_settings(bootstrap_servers=brokers).bootstrap_servers == brokers
    spaced = brokers.replace(",", " , ")
    assert load_settings(bootstrap_servers=f" {spaced} ").bootstrap_servers == brokers


def test_the_worker_cannot_do_without_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERWATCH_WEB_PORT", "0")
    with pytest.raises(ConfigurationError, match=r"ORDERWATCH_WEB_PORT is '0'.* equal to 1"):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("TENANT", "", "at least 1 character"),
        ("TENANT", "t" * 129, "at most 128 characters"),
        ("GROUP_ID", "", "at least 1 character"),
        ("GROUP_INSTANCE_ID", "", "at least 1 character"),
        # Servers take no host for all of them.
        ("WEB_HOST", "", "at least 1 character"),
        # A path of no name is the current folder.
        ("RULES_PATH", "", "the path of a file or folder"),
        ("DATA_DIR", "", "the path of a file or folder"),
        ("SSL_CA_FILE", "/missing/ca.pem", "does not point to a file"),
        ("TOPIC_PREFIX", "my shop/", "should match pattern"),
        ("TOPIC_PREFIX", "x" * 201, "should match pattern"),
        ("SESSION_TIMEOUT_S", "30000", "less than or equal to 1800"),
        ("SESSION_TIMEOUT_S", "0.0001", "greater than or equal to 1"),
        ("REBALANCE_TIMEOUT_S", "inf", "less than or equal to 1800"),
        ("COMMIT_INTERVAL_S", "inf", "less than or equal to 3600"),
        ("STALL_TIMEOUT_S", "inf", "less than or equal to 86400"),
    ],
)
def test_what_a_service_would_only_stumble_over_later_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(f"ORDERWATCH_{variable}", value)
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert f"ORDERWATCH_{variable} is {value!r}: " in str(refused.value)
    assert expected in str(refused.value)


def test_signing_in_needs_a_name_and_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERWATCH_SECURITY_PROTOCOL", "SASL_SSL")
    with pytest.raises(ConfigurationError, match=r"ORDERWATCH_SASL_USERNAME is not set.*SASL_SSL"):
        load_settings()
    monkeypatch.setenv("ORDERWATCH_SASL_USERNAME", "orderwatch")
    monkeypatch.setenv("ORDERWATCH_SASL_PASSWORD", "")
    with pytest.raises(ConfigurationError, match="ORDERWATCH_SASL_PASSWORD is not set"):
        load_settings()
    monkeypatch.setenv("ORDERWATCH_SASL_PASSWORD", "secret")
    load_settings()


@pytest.mark.parametrize("variable", ["ORDERWATCH_SASL_PASSWORD", "ORDERWATCH_DATABASE_URL"])
def test_secrets_are_not_shown(variable: str) -> None:
    key = variable.removeprefix("ORDERWATCH_").lower()
    with pytest.raises(ConfigurationError) as refused:
        load_settings(**{key: ["hunter2"]})
    assert variable in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERWATCH_PARTITIONS", "4")
    assert load_settings(partitions=6).partitions == 6
    assert load_settings().partitions == 4


def test_environment_of_a_child_reads_back_as_the_same_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment(partitions=5, stock_dry_run=True).items():
        if name.startswith("ORDERWATCH_"):
            monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (settings.partitions, settings.stock_dry_run) == (5, True)


def test_every_setting_has_a_variable() -> None:
    assert "ORDERWATCH_BOOTSTRAP_SERVERS" in set(variable_names())
