"""Who is asking, and whether a change really comes from our own page.

A signed cookie (HttpOnly, SameSite=Strict) holds a random session id and the operator's name. A change
needs three things: the cookie, a form token bound to it, and an Origin that is ours. A bearer token
needs none of them, because no browser sends it by itself. A session ends here after 16 hours,
whatever a browser keeps, and guessing the token is slowed down for each address.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from streams.inbox.workflow import MAX_NAME

LOCAL_OPERATOR: Final = "local"
# A working day and a night.
SESSION_MAX_AGE_S: Final = 16 * 3600
MAX_WRONG_TRIES_A_MINUTE: Final = 10


class TooManyTriesError(Exception):
    """The address offered too many wrong tokens within this minute."""


@dataclass(frozen=True)
class Session:
    """One browser. `is_authenticated` is only asked for where a token is configured."""

    id: str
    operator: str = LOCAL_OPERATOR
    is_authenticated: bool = False
    issued_at: float = 0.0


class Gatekeeper:
    """Signs and checks sessions. `token` is the setting inbox_auth_token, or None on the loopback."""

    def __init__(self, token: str | None, now: Callable[[], datetime]) -> None:
        self._token = token
        self._now = now
        self._minute = 0
        self._wrong_tries: Counter[str] = Counter()
        # Without a token, sessions last as long as the process: nothing is lost but a name.
        self._key = hashlib.sha256(b"orderwatch inbox session\0" + _secret(token)).digest()

    @property
    def needs_login(self) -> bool:
        return self._token is not None

    def is_token(self, offered: str, address: str) -> bool:
        """Whether `offered` is the configured token; takes the same time for every wrong one.

        Raises TooManyTriesError, also for the right one, or guessing would cost nothing.
        """
        if self._token is None:
            return False
        minute = int(self._now().timestamp() // 60)
        if minute != self._minute:
            self._minute = minute
            self._wrong_tries.clear()
        if self._wrong_tries[address] >= MAX_WRONG_TRIES_A_MINUTE:
            raise TooManyTriesError
        is_right = hmac.compare_digest(offered.encode(), self._token.encode())
        if not is_right:
            self._wrong_tries[address] += 1
        return is_right

    def is_bearer(self, authorization: str | None, address: str) -> bool:
        """Whether an Authorization header carries the token. Raises TooManyTriesError."""
        scheme, _, value = (authorization or "").partition(" ")
        return scheme.lower() == "bearer" and self.is_token(value.strip(), address)

    def begin(self, operator: str = LOCAL_OPERATOR, *, is_authenticated: bool = False) -> Session:
        """A new session under a new id, so that an id planted before the login is worth nothing."""
        name = " ".join(operator.split())[:MAX_NAME] or LOCAL_OPERATOR
        return Session(secrets.token_urlsafe(18), name, is_authenticated, self._now().timestamp())

    def seal(self, session: Session) -> str:
        """The cookie of a session."""
        body = json.dumps(
            [session.id, session.operator, session.is_authenticated, session.issued_at]
        ).encode()
        return f"{base64.urlsafe_b64encode(body).decode()}.{self._sign(b'cookie', body)}"

    def open(self, cookie: str | None) -> Session | None:
        """The session of a cookie, or None when it was not signed by us or is too old."""
        encoded, _, signature = (cookie or "").partition(".")
        try:
            body = base64.urlsafe_b64decode(encoded)
        except ValueError:
            return None
        if not hmac.compare_digest(self._sign(b"cookie", body).encode(), signature.encode()):
            return None
        # A cookie of an earlier version has no fourth field, and 0 is always too old.
        session = Session(*json.loads(body))
        is_fresh = self._now().timestamp() - session.issued_at < SESSION_MAX_AGE_S
        return session if is_fresh else None

    def form_token(self, session: Session) -> str:
        """The hidden field that every form of this session carries."""
        return self._sign(b"form", session.id.encode())

    def is_form_token(self, session: Session, offered: str) -> bool:
        return hmac.compare_digest(self.form_token(session).encode(), offered.encode())

    def _sign(self, purpose: bytes, body: bytes) -> str:
        return hmac.new(self._key, purpose + b"\0" + body, hashlib.sha256).hexdigest()


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that the request comes from a page of this host.

    Browsers send Origin with every POST. Only the host is compared: behind a proxy that ends TLS the
    scheme that we see is not the one that the browser saw.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "same-origin") == "same-origin"
    try:
        return bool(origin) and urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        # Brackets that hold no address.
        return False


def _secret(token: str | None) -> bytes:
    return secrets.token_bytes(32) if token is None else token.encode()
