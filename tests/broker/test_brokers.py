"""Both brokers hold what every other test takes for granted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.demo.broker import EmbeddedBroker, answers_kafka, free_port
from streams.errors import ConfigurationError
from tests.brokers import ApacheKafka
from tests.topic_io import Message, create_topics, produce, read_to_end, read_until


def test_a_topic_reads_back_whole_with_keys_headers_and_times(
    bootstrap: str, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}orders"
    create_topics(bootstrap, {topic: 2, f"{topic_prefix}empty": 1})
    sent = [
        Message(b"v%d" % i, b"k%d" % i, i % 2, (("h", b"%d" % i),), 1_700_000_000_000 + i)
        for i in range(101)
    ]
    produce(bootstrap, topic, sent)

    got = read_to_end(bootstrap, topic, f"{topic_prefix}empty")

    assert [(r.partition, r.offset) for r in got] == [
        *((0, i) for i in range(51)),
        *((1, i) for i in range(50)),
    ]
    by_time = sorted(got, key=lambda r: r.timestamp_ms)
    assert [
        Message(r.value, r.key, r.partition, r.headers, r.timestamp_ms) for r in by_time
    ] == sent
    assert len(read_until(bootstrap, topic, enough=lambda records: len(records) >= 60)) >= 60


def test_reading_a_missing_topic_says_so(bootstrap: str) -> None:
    with pytest.raises(AssertionError, match="no such topic"):
        read_to_end(bootstrap, "nobody-made-this")


@pytest.mark.slow
def test_a_killed_kafka_comes_back_with_its_data_on_the_same_port(own_kafka: ApacheKafka) -> None:
    address = own_kafka.bootstrap
    create_topics(address, {"orders": 1})
    produce(address, "orders", [Message(b"before")])

    own_kafka.kill()
    assert not own_kafka.is_running
    own_kafka.start()
    produce(address, "orders", [Message(b"between")])
    own_kafka.stop()
    own_kafka.start()
    produce(address, "orders", [Message(b"after")])

    assert own_kafka.bootstrap == address
    values = [record.value for record in read_to_end(address, "orders")]
    assert values == [b"before", b"between", b"after"]


def test_a_suspended_kafka_is_silent_until_it_resumes(own_kafka: ApacheKafka) -> None:
    port = int(own_kafka.bootstrap.rpartition(":")[2])
    own_kafka.suspend()
    assert not answers_kafka(port, timeout_s=0.3)
    own_kafka.resume()
    assert answers_kafka(port, timeout_s=10)


def test_the_embedded_broker_starts_again_on_the_port_it_was_given() -> None:
    port = free_port()
    broker = EmbeddedBroker(port=port)
    for _ in range(2):
        with broker:
            assert broker.is_running
            assert broker.bootstrap == f"127.0.0.1:{port}"
            assert answers_kafka(port)
        assert not broker.is_running
        assert not answers_kafka(port)


def test_a_taken_port_is_a_configuration_error_that_names_it() -> None:
    with EmbeddedBroker() as first:
        port = int(first.bootstrap.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=f"port {port} .* is taken"):
            EmbeddedBroker(port=port).start()


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Path:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("streams.demo.broker.importlib.resources.files", missing)
    with pytest.raises(ConfigurationError, match=r"pip install 'orderwatch\[embedded\]'") as error:
        EmbeddedBroker().start()
    assert error.value.exit_code == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_the_embedded_broker_dies_with_its_parent() -> None:
    program = (
        "import sys; from streams.demo.broker import EmbeddedBroker\n"
        "with EmbeddedBroker() as broker:\n"
        "    print(broker.bootstrap, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline().rpartition(":")[2])
        assert answers_kafka(port)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 10
    while answers_kafka(port):
        assert time.monotonic() < deadline, "the broker outlived its parent by 10 s"
