"""Apache Kafka itself, from its published jars, for tests and benchmarks.

One KRaft node that is broker and controller. Ports and data directory stay the same over `stop`
and `start`, so a test can take the broker away and give it back. Needs Java and Maven, no Docker.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from streams.demo.broker import HOST, await_broker, end_child, free_port, spawn_bound

ROOT = Path(__file__).resolve().parents[1]
POM = ROOT / "deploy" / "kafka" / "pom.xml"
CACHE = ROOT / ".orderwatch" / "kafka"

# The identity of a node lives in its data directory; any constant of 16 bytes in base64 will do.
_CLUSTER_ID = "b3JkZXJ3YXRjaC10ZXN0cw"


class KafkaUnavailableError(Exception):
    """Apache Kafka cannot be run here; the text says what to install."""


def kafka_jars() -> Path:
    """The directory with the jars that `deploy/kafka/pom.xml` names, fetched when it is not there.

    Raises:
        KafkaUnavailableError: Java or Maven is missing, or Maven could not fetch the jars.
    """
    if shutil.which("java") is None:
        raise KafkaUnavailableError(
            "Apache Kafka needs Java 17 or later: apt-get install openjdk-17-jre-headless maven"
        )
    jars = CACHE / hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        # Several test processes may come here at once; one fetches, the others wait for it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.is_dir():
            _fetch(jars)
    return jars


def _fetch(jars: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailableError("the jars of Apache Kafka need Maven: apt-get install maven")
    partial = jars.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
    done = subprocess.run(
        [*command, f"-DoutputDirectory={partial}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode != 0:
        raise KafkaUnavailableError(f"Maven could not fetch Apache Kafka:\n{done.stdout[-2000:]}")
    partial.rename(jars)


def also_listening(
    properties: Mapping[str, str],
    name: str,
    protocol: str,
    port: int,
    advertised: int | None = None,
) -> dict[str, str]:
    """Properties of a broker that listens on a further port of the loopback, known there as `advertised`."""
    mapping = "listener.security.protocol.map"
    known_as = f"{name}://{HOST}:{port if advertised is None else advertised}"
    return {
        **properties,
        "listeners": f"{properties['listeners']},{name}://{HOST}:{port}",
        "advertised.listeners": f"{properties['advertised.listeners']},{known_as}",
        mapping: f"{properties[mapping]},{name}:{protocol}",
    }


class ApacheKafka:
    """One broker with its data in `directory`; `with ApacheKafka(tmp_path) as broker: …`.

    `settings` are further lines of server.properties. `heap_mb` and `jvm_options` are for
    benchmarks: the defaults favour a quick start over throughput.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        heap_mb: int = 512,
        jvm_options: tuple[str, ...] = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        start_timeout_s: float = 90.0,
    ) -> None:
        self.directory = directory
        self.log_path = directory / "broker.log"
        self._settings = dict(settings or {})
        self._java = ("-Xms128m", f"-Xmx{heap_mb}m", *jvm_options)
        self._start_timeout_s = start_timeout_s
        self._port = 0
        self._is_formatted = False
        self._child: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """The bootstrap address; the same over all restarts."""
        return f"{HOST}:{self._port}"

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> Self:
        """Start on the data that is there, and return once the broker answers.

        Raises:
            KafkaUnavailableError: see `kafka_jars`.
            TransientError: the broker ended or stayed silent.
        """
        if self.is_running:
            return self
        jars = kafka_jars()
        if not self._is_formatted:
            self._format(jars)
        self._output = self.log_path.open("ab")
        self._child = spawn_bound(
            [*self._java_command(jars), "kafka.Kafka", str(self._properties_path)], self._output
        )
        with self.log_path.open("rb") as log:
            await_broker(self._child, self._port, self._start_timeout_s, log)
        return self

    def stop(self, grace_s: float = 30.0) -> None:
        """Shut down in good order; the data stays."""
        if self._child is not None:
            self.resume()
            end_child(self._child, grace_s)
        self._forget()

    def kill(self) -> None:
        """End it at once, as a power cut would; the data stays as it was on disk."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._forget()

    def suspend(self) -> None:
        """Freeze it: connections stay open and nothing answers, once all of its threads have stopped."""
        assert self._child is not None, "the broker is not running"
        self._child.send_signal(signal.SIGSTOP)
        # On a busy machine a thread may answer once more before the signal reaches it.
        os.waitid(os.P_PID, self._child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """End what `suspend` began."""
        if self._child is not None:
            self._child.send_signal(signal.SIGCONT)

    def _forget(self) -> None:
        self._child = None
        if self._output is not None:
            self._output.close()
            self._output = None

    @property
    def _properties_path(self) -> Path:
        return self.directory / "server.properties"

    def _java_command(self, jars: Path) -> list[str]:
        java = shutil.which("java")
        assert java is not None, "kafka_jars() has looked for it"
        log_level = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        return [java, *self._java, log_level, "-cp", f"{jars}{os.sep}*"]

    def _format(self, jars: Path) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._port = free_port()
        properties = self._properties(controller_port=free_port()) | self._settings
        self._properties_path.write_text("".join(f"{k}={v}\n" for k, v in properties.items()))
        arguments = ["format", "-t", _CLUSTER_ID, "-c", str(self._properties_path)]
        done = subprocess.run(
            [*self._java_command(jars), "kafka.tools.StorageTool", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"formatting the storage failed:\n{done.stdout}{done.stderr}"
        self._is_formatted = True

    def _properties(self, controller_port: int) -> dict[str, str]:
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{HOST}:{controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{HOST}:{self._port},CONTROLLER://{HOST}:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self._port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.directory / "data"),
            # A typo in a topic name must fail, not make a topic.
            "auto.create.topics.enable": "false",
            # The first member of a group need not wait for others; nor need a killed one be waited
            # for as long as in production.
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.num.partitions": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            # The default is a quarter of this heap.
            "log.cleaner.dedupe.buffer.size": "8388608",
            "num.network.threads": "2",
            "num.io.threads": "4",
        }

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.kill()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
