"""The demo's story through both stages without a broker: what the demo must have shown at its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from streams.demo.run import demo_settings
from streams.demo.score import Score
from streams.demo.story import story
from streams.detect.alerts import envelope
from streams.settings import Settings
from tests.pipeline import Pipeline

END = datetime(2026, 11, 11, 12, tzinfo=UTC)


def moments() -> Iterator[Score]:
    """The same score after each revision that the story leads to; the demo's clock is that of its events."""
    settings = Settings(**demo_settings("127.0.0.1:9092", Path()))
    pipeline = Pipeline(partitions=settings.partitions, lateness_ms=settings.lateness_s * 1000)
    score = Score()
    for _, plays in groupby(story(END), key=lambda play: play.slot):
        known = len(pipeline.alerts)
        pipeline.send((play.topic, play.value) for play in plays)
        pipeline.read_to_newest()
        for alert in pipeline.alerts[known:]:
            score.add(envelope(alert).model_dump(mode="json"))
            yield score


def played() -> Score:
    """The score at the end."""
    *_, last = moments()
    return last
