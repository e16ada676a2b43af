"""What every request passes: a known host, a session, and headers that let a browser load only ours.

Plain ASGI, because a wrapper around the response would hold back a stream of events.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.inbox.session import SESSION_MAX_AGE_S, Gatekeeper, Session

_SECURITY_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    # Not no-referrer: with it, browsers send "Origin: null" with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Gate:
    """Middleware. Puts the `Session` into `scope["state"]["session"]`.

    `allowed_hosts` guards a console without a token: a foreign page can point a name of its own at
    127.0.0.1 (DNS rebinding), but it cannot change the Host header that the browser then sends.
    `is_tls_in_front` marks cookies as Secure although what arrives here is plain HTTP.
    """

    def __init__(
        self,
        app: ASGIApp,
        keeper: Gatekeeper,
        cookie: str,
        allowed_hosts: frozenset[str] | None,
        *,
        is_tls_in_front: bool,
    ) -> None:
        self._app = app
        self._keeper = keeper
        self._cookie = cookie
        self._allowed_hosts = allowed_hosts
        self._is_tls_in_front = is_tls_in_front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self._allowed_hosts is not None and _host(headers) not in self._allowed_hosts:
            refused = PlainTextResponse("This console only answers to its own address.", 421)
            await refused(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        session = self._keeper.open(_cookie(headers, self._cookie))
        state["session"] = session or self._keeper.begin()
        state["is_new_session"] = session is None

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    out.setdefault(name, value)
                out.setdefault("cache-control", "no-store")
                if state["is_new_session"]:
                    is_secure = self._is_tls_in_front or scope.get("scheme") == "https"
                    out.append("set-cookie", self._set_cookie(state["session"], is_secure))
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _set_cookie(self, session: Session, is_secure: bool) -> str:
        secure = "; Secure" if is_secure else ""
        return (
            f"{self._cookie}={self._keeper.seal(session)}; Path=/; HttpOnly; SameSite=Strict; "
            f"Max-Age={SESSION_MAX_AGE_S}{secure}"
        )


def _host(headers: Headers) -> str:
    host = headers.get("host", "")
    # [::1]:8080 and localhost:8080
    return host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host


def _cookie(headers: Headers, name: str) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return morsel.value if morsel else None
