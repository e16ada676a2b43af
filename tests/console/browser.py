"""A real browser driven over its debugging pipe: just what the tests of the console need.

Speaks the DevTools protocol as JSON, one message ended by a zero byte, over two inherited file
descriptors; so there is no port to find and nothing to install but the browser.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

DEADLINE_S = 60.0
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The browser reads commands from descriptor 3 and writes answers to 4.
_EXEC_WITH_PIPES = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def find_browser() -> str | None:
    """The path of a Chromium on this machine, or None."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


class Browser:
    """One browser process with a profile of its own."""

    def __init__(self, binary: str, profile: Path) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        launcher = [sys.executable, "-I", "-S", "-c", _EXEC_WITH_PIPES, str(to_read), str(to_write)]
        self._process = subprocess.Popen(
            [*launcher, binary, *_FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._buffer = b""
        self._next_id = 0
        self.events: list[dict[str, Any]] = []
        self._contexts: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._write)
        os.close(self._read)
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._next_id += 1
        message: dict[str, Any] = {"id": self._next_id, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + DEADLINE_S
        while True:
            answer = self._receive(end, method)
            if answer.get("id") == self._next_id:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def page(self, *, width: int = 1280, height: int = 900) -> Page:
        """A new tab in a context of its own: cookies are not shared."""
        context = self.send("Target.createBrowserContext")["browserContextId"]
        self._contexts.append(context)
        target = self.send("Target.createTarget", url="about:blank", browserContextId=context)
        attached = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, attached["sessionId"])
        page.resize(width, height)
        return page

    def close_pages(self) -> None:
        """Close all tabs: one whose console is gone would try to reach it for ever."""
        while self._contexts:
            self.send("Target.disposeBrowserContext", browserContextId=self._contexts.pop())

    def _receive(self, end: float, method: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = end - time.monotonic()
            assert left > 0, f"the browser did not answer {method} in time"
            if select.select([self._read], [], [], left)[0]:
                chunk = os.read(self._read, 1 << 16)
                assert chunk, f"the browser ended before it answered {method}"
                self._buffer += chunk
        raw, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        return message


class Page:
    """One tab. `texts` and clicks go through the page itself, as a person's do."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._send(f"{domain}.enable")

    def goto(self, url: str) -> None:
        self._send("Page.navigate", url=url)
        self.wait(f"document.readyState === 'complete' && location.href.startsWith({url!r})")

    def goto_refusing(self, url: str, pattern: str, status: int) -> None:
        """Open a page whose first request of that pattern gets this answer, as from a proxy."""
        self._send("Fetch.enable", patterns=[{"urlPattern": pattern}])
        self.goto(url)
        end = time.monotonic() + DEADLINE_S
        while not (paused := self._events("Fetch.requestPaused")):
            assert time.monotonic() < end, f"the page asked for nothing like {pattern}"
        request = paused[0]["params"]["requestId"]
        self._send("Fetch.fulfillRequest", requestId=request, responseCode=status)
        self._send("Fetch.disable")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; an exception in it fails the test."""
        result = self._send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, expression: str) -> Any:
        """The value of the expression once it is true; a page that is just changing is not yet."""
        end = time.monotonic() + DEADLINE_S
        while True:
            result = self._send("Runtime.evaluate", expression=expression, returnByValue=True)
            value = result["result"].get("value")
            if value and "exceptionDetails" not in result:
                return value
            assert time.monotonic() < end, f"not true in time: {expression}\n{self.text()}"
            time.sleep(0.02)

    def click(self, selector: str) -> None:
        """Click the middle of an element with the mouse, once it is loaded, in view and on top."""
        place = (
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "if (!e || document.readyState !== 'complete') return null;"
            "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
            "const x = b.x + b.width / 2, y = b.y + b.height / 2;"
            "const top = document.elementFromPoint(x, y);"
            "return top && (e.contains(top) || top.contains(e)) ? [x, y] : null; })()"
        )
        x, y = self.wait(place)
        for kind in ("mousePressed", "mouseReleased"):
            self._send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press a key: Tab, Enter."""
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self._send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **(text if kind == "keyDown" else {}),
            )

    def back(self) -> None:
        """The button Back of the browser."""
        history = self._send("Page.getNavigationHistory")
        before = history["entries"][history["currentIndex"] - 1]
        self._send("Page.navigateToHistoryEntry", entryId=before["id"])

    def choose(self, selector: str, value: str) -> None:
        """Choose an option of a select box."""
        self.evaluate(
            f"(() => {{ const s = document.querySelector({json.dumps(selector)});"
            f"s.value = {json.dumps(value)}; s.dispatchEvent(new Event('change', {{bubbles:true}})); }})()"
        )

    def text(self) -> str:
        """What a person can read."""
        return str(self.evaluate("document.body ? document.body.innerText : ''"))

    def resize(self, width: int, height: int) -> None:
        self._send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def go_offline(self, *, is_offline: bool = True) -> None:
        """Let every new request fail, as without a network."""
        self._send(
            "Network.emulateNetworkConditions",
            offline=is_offline,
            latency=0,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )

    def hide(self, *, is_hidden: bool = True) -> None:
        """Be behind another tab from now on, also after the next navigation; or in front again."""
        shown = "true" if is_hidden else "false"
        self._pretend(
            f"Object.defineProperty(document, 'hidden', {{value: {shown}, configurable: true}})"
        )
        self.evaluate("document.dispatchEvent(new Event('visibilitychange')) && null")

    def type(self, selector: str, text: str) -> None:
        """Type into a field, as a keyboard does."""
        self.wait(f"!!document.querySelector({json.dumps(selector)})")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self._send("Input.insertText", text=text)

    def prefer(self, scheme: str) -> None:
        """Dark or light."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._send("Emulation.setEmulatedMedia", features=[feature])

    def screenshot(self, path: Path) -> None:
        shot = self._send("Page.captureScreenshot", format="png", captureBeyondViewport=False)
        path.write_bytes(base64.b64decode(shot["data"]))

    def requests(self) -> set[str]:
        """Every address that this tab has asked for."""
        return {
            event["params"]["request"]["url"] for event in self._events("Network.requestWillBeSent")
        }

    def complaints(self) -> list[str]:
        """Script errors and refusals of the content security policy."""
        thrown = self._events("Runtime.exceptionThrown")
        logged = self._events("Log.entryAdded")
        return [json.dumps(event["params"], ensure_ascii=False) for event in (*thrown, *logged)]

    def _pretend(self, script: str) -> None:
        # A browser without a screen has no tab that is behind another one.
        self._send("Page.addScriptToEvaluateOnNewDocument", source=script)
        self.evaluate(f"{script} && null")

    def _events(self, method: str) -> list[dict[str, Any]]:
        # Asking for anything collects what the browser has reported since.
        self.evaluate("1")
        return [
            event
            for event in self._browser.events
            if event.get("method") == method and event.get("sessionId") == self._session
        ]

    def _send(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.send(method, self._session, **params)
