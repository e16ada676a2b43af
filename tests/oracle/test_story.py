"""Stories must be valid events: an oracle checked on impossible input proves nothing."""

from __future__ import annotations

import orjson

from schemas.topics import value_adapter
from tests.oracle.story import Story


def test_every_step_of_a_story_is_a_valid_event() -> None:
    story = Story()
    story.created("o", 0, ship_by=60)
    story.closed("o", 1)
    story.paid("o", 2)
    story.failed("o", 3)
    story.shipped("o", 4, promised_by=60)
    story.requested("o", 5)
    story.refund_step("refused", "o", 6)
    story.refund_step("withdrawn", "o", 7)
    story.contact(8)
    story.filed("c", None, 9)
    story.ruled("c", "o", 10, "upheld")

    for topic, event in story.events:
        value_adapter(topic).validate_json(orjson.dumps(event))
