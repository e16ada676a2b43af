"""The ends of the line: a terminal, and everything that apprise can reach.

`send` returns when the receiver took the message and raises DeliveryError otherwise; nothing else
counts as delivered. URLs hold tokens, so every text that leaves this module goes through a mask.
"""

from __future__ import annotations

import logging
import queue
import re
import sys
import threading
from collections.abc import Callable
from typing import Protocol, TextIO, TypeVar
from urllib.parse import unquote, urlsplit

from apprise import Apprise, AppriseResult, AppriseResultStatus, NotifyFormat, URLBase

from streams.errors import ConfigurationError
from streams.notify.text import Message

# apprise logs on its own and may quote a URL; what matters is in the result, masked below.
logging.getLogger("apprise").addHandler(logging.NullHandler())
logging.getLogger("apprise").propagate = False

# apprise limits itself; this is for a plugin that hangs where it can not.
GRACE_S = 5.0
MAX_ERROR_CHARACTERS = 300

T = TypeVar("T")


class DeliveryError(Exception):
    """The receiver did not take the message, or did not say so in time. Safe to log."""


class Channel(Protocol):
    """One receiver; used by one thread."""

    def send(self, message: Message) -> None:
        """Deliver and return; blocks at most for the channel's time-out. Raises DeliveryError."""
        ...


class ConsoleChannel:
    """One line for each message on a terminal or in a log."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def send(self, message: Message) -> None:
        """See Channel."""
        try:
            print(message.line, file=self._stream or sys.stdout, flush=True)
        except (OSError, ValueError) as error:
            raise DeliveryError(f"cannot write: {type(error).__name__}") from None


class AppriseChannel:
    """One apprise URL. Let it name one receiver: with several, one failure repeats to all."""

    def __init__(self, name: str, url: str, timeout_s: float) -> None:
        self._apprise = Apprise()
        self._timeout_s = timeout_s
        self._secrets = _secrets_of(url)
        if not self._apprise.add(url) or len(self._apprise) == 0:
            raise ConfigurationError(
                f"channels.{name}.url ({urlsplit(url).scheme or 'no scheme'}://********) is not "
                "understood by apprise: check its scheme and the parts that this scheme needs."
            )
        for service in self._apprise:
            # Unless its URL says `rto`, apprise hangs up after four seconds, when a slower receiver has the
            # message already, and would get it again with every attempt. The time-out of the call comes
            # first, for it says what it is.
            if service.socket_read_timeout == URLBase.socket_read_timeout:
                service.socket_read_timeout = timeout_s + GRACE_S

    def send(self, message: Message) -> None:
        """See Channel."""
        with within(lambda: self._notify(message), self._timeout_s + GRACE_S) as result:
            # NOMATCH (nobody was addressed) and PARTIAL are no deliveries either.
            if result.status is not AppriseResultStatus.SUCCESS:
                raise DeliveryError(self._explain(result))

    def _notify(self, message: Message) -> AppriseResult:
        return self._apprise.notify(
            body=message.body,
            title=message.title,
            notify_type=message.tone,
            body_format=NotifyFormat.TEXT,
            timeout=self._timeout_s,
        )

    def _explain(self, result: AppriseResult) -> str:
        said = "; ".join(entry.message for entry in result.logs())
        return self._mask(f"{result.status.name.lower()}: {said}")[:MAX_ERROR_CHARACTERS]

    def _mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "********")
        return re.sub(r"\w+://\S+", "********", text)


def within(call: Callable[[], T], timeout_s: float) -> T:
    """The result of `call`, made in a thread that is left behind when it takes too long.

    Raises DeliveryError then, and for anything that `call` raises: a plugin's bug is a failure of
    its channel, not of the service.
    """
    answers: queue.Queue[T | BaseException] = queue.Queue()

    def work() -> None:
        try:
            answers.put(call())
        except BaseException as error:  # it is handed over
            answers.put(error)

    threading.Thread(target=work, daemon=True, name="notify-send").start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise DeliveryError(f"no answer within {timeout_s:g} s") from None
    if isinstance(answer, BaseException):
        # Only its type: the text may quote the URL.
        raise DeliveryError(f"the channel's plugin raised {type(answer).__name__}") from None
    return answer


def _secrets_of(url: str) -> list[str]:
    """The parts of a URL that may be tokens, longest first, so that no part of one remains."""
    split = urlsplit(url)
    parts = {split.netloc, split.username or "", split.password or "", *split.path.split("/")}
    parts |= {value.partition("=")[2] for value in split.query.split("&")}
    parts |= {unquote(part) for part in parts}
    return sorted((part for part in parts if len(part) >= 4), key=len, reverse=True)
