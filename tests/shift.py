"""A person at a list of the inbox, in a browser without script: chooses with boxes, and sends the form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

import httpx

from tests.factories import alert_id
from tests.inbox import Served
from tests.visiting import visiting

# The list with a row for each alert; the plain one puts together what has one cause.
EACH = "/?group=none"


class Shift:
    """Whoever is at work; the caller closes `http`."""

    def __init__(self, served: Served, **headers: str) -> None:
        self.http = visiting(served.url, headers={"origin": served.url, **headers})

    def form(self, path: str = EACH) -> tuple[str, dict[str, str], dict[str, str]]:
        """Where the form of a list is sent, its hidden fields, and its boxes: of alerts, or of groups."""
        page = self.http.get(path).text
        found = re.search(
            r'<form class="bulk" method="post" action="([^"]*)">(.*?)</form>', page, re.S
        )
        assert found is not None
        fields = [
            dict(re.findall(r'(\w+)="([^"]*)"', one))
            for one in re.findall("<input[^>]*>", found[2])
        ]
        hidden = {one["name"]: one["value"] for one in fields if one["type"] == "hidden"}
        boxes = {
            one["name"]: one["value"]
            for one in fields
            if one["type"] == "checkbox" and "name" in one
        }
        return unescape(found[1]), hidden, boxes

    def do(self, what: str, *keys: str, path: str = EACH) -> httpx.Response:
        """Choose the alerts of these keys, and say what to do."""
        action, hidden, boxes = self.form(path)
        chosen = {name: boxes[name] for key in keys if (name := f"alert.{alert_id(key)}")}
        return self.http.post(action, data={**hidden, **chosen, "do": what})

    def boxes(self) -> dict[str, str]:
        """What each box of a group would send."""
        return {name: value for name, value in self.form("/")[2].items() if "group." in name}

    def send(self, what: str, boxes: Mapping[str, str]) -> httpx.Response:
        """Say what to do with what these boxes stand for, as a page of before has them."""
        action, hidden, _ = self.form("/")
        return self.http.post(action, data={**hidden, **boxes, "do": what})
