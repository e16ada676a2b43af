"""Law L3 when the network fails one worker only: others hear the broker, and it does not."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from streams.demo.broker import HOST, free_port
from tests.brokers import ApacheKafka, also_listening
from tests.workers import Worker, expected, load, settled, simulated, truth, worker

PRODUCE = 0


class Cable:
    """Lies between clients and a listener of the broker, and can be pulled out in the middle of a request."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._server = socket.create_server((HOST, 0))
        self.port = int(self._server.getsockname()[1])
        self._ends: list[socket.socket] = []
        self._at: bytes | None = None
        self.is_out = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def pull_at(self, topic: str) -> None:
        """Pull it out when somebody next writes to this topic, before the broker hears of it."""
        self._at = topic.encode()

    def plug_in(self) -> None:
        """Let everybody through again."""
        self._at = None
        self.is_out.clear()

    def close(self) -> None:
        """Hang up."""
        self._server.close()
        self._hang_up()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                if self.is_out.is_set():
                    client.close()
                    continue
                broker = socket.create_connection((HOST, self._broker_port))
                self._ends += [client, broker]
                threading.Thread(target=self._ask, args=(client, broker), daemon=True).start()
                threading.Thread(target=self._answer, args=(broker, client), daemon=True).start()

    def _ask(self, client: socket.socket, broker: socket.socket) -> None:
        with suppress(OSError, struct.error), client.makefile("rb") as requests:
            while True:
                size = requests.read(4)
                request = requests.read(struct.unpack(">i", size)[0])
                is_write = struct.unpack(">h", request[:2])[0] == PRODUCE
                if is_write and self._at is not None and self._at in request:
                    self.is_out.set()
                    self._hang_up()
                broker.sendall(size + request)

    def _answer(self, broker: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while some := broker.recv(65536):
                client.sendall(some)
            client.shutdown(socket.SHUT_RDWR)

    def _hang_up(self) -> None:
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()


class CabledKafka(ApacheKafka):
    """Apache Kafka with a second listener, which is reached through a cable."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.cabled_port = free_port()
        self.cable = Cable(self.cabled_port)

    def _properties(self, controller_port: int) -> dict[str, str]:
        plain = super()._properties(controller_port)
        return also_listening(plain, "CABLE", "PLAINTEXT", self.cabled_port, self.cable.port)


@pytest.fixture
def cabled_kafka(kafka_bootstrap: str, tmp_path: Path) -> Iterator[CabledKafka]:
    """Takes `kafka_bootstrap` for its skip where there is no Java."""
    with CabledKafka(tmp_path / "kafka") as broker, closing(broker.cable):
        yield broker


@contextmanager
def two_workers(
    broker: CabledKafka, prefix: str, directory: Path
) -> Iterator[tuple[Worker, Worker]]:
    """Two members of one group, the first on the cable; none is started."""
    folders = directory / "cabled", directory / "other"
    for folder in folders:
        folder.mkdir()
    with worker(broker.bootstrap, prefix, folders[1]) as other:
        cabled = Worker(f"{HOST}:{broker.cable.port}", prefix, folders[0])
        try:
            yield cabled, other
        finally:
            cabled.close()


@pytest.mark.kafka
@pytest.mark.slow
def test_what_a_worker_could_not_write_in_its_session_is_never_written(
    cabled_kafka: CabledKafka, topic_prefix: str, tmp_path: Path
) -> None:
    """Written later, it would lie over the state of whoever has the partition by then."""
    events = simulated(tmp_path / "events.jsonl", 6_000)
    lines = events.read_bytes().splitlines()
    third = len(lines) // 3
    states = [TopicPartition(f"{topic_prefix}buyer-state", number) for number in range(4)]
    with two_workers(cabled_kafka, topic_prefix, tmp_path) as (cabled, other):

        def written() -> dict[TopicPartition, int]:
            with closing(KafkaConsumer(bootstrap_servers=other.bootstrap)) as client:
                return dict(client.end_offsets(states))

        cabled.start()
        load(cabled_kafka.bootstrap, topic_prefix, lines[:third])
        cabled.wait_for(lambda: cabled.metric("orderwatch_records_total") >= third, "it works")
        cabled_kafka.cable.pull_at(states[0].topic)
        load(cabled_kafka.bootstrap, topic_prefix, lines[third : 2 * third])
        cabled.wait_for(cabled_kafka.cable.is_out.is_set, "it is cut off while it writes")
        other.start()
        load(cabled_kafka.bootstrap, topic_prefix, lines[2 * third :])
        settled(other, expected(truth(events)))
        other.wait_for(lambda: other.metric("orderwatch_consumer_lag_records") == 0, "its end")
        before = written()
        cabled_kafka.cable.plug_in()
        process = cabled.process
        assert process is not None
        other.wait_for(lambda: process.poll() is not None or written() != before, "how it ends")
        assert written() == before
        assert process.returncode == 3
        assert other.stop() == 0
