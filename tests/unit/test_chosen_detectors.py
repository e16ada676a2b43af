"""Which detectors run is the operator's choice; what the others said stays as it was."""

from __future__ import annotations

import inspect
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from streams.detect.address import receivers
from streams.detect.detector import Detector, find_detectors
from streams.detect.engine import Engine
from streams.detect.state import unpack
from streams.errors import ConfigurationError
from streams.rules import build_engine
from streams.settings import Settings
from tests.oracle.story import DAY, HOUR, MINUTE, Story, ms
from tests.pipeline import IDENTITY_KEY, Pipeline, default_engine

OF_RECEIVERS = (
    "Identified",
    "Redirected",
    "ReceiverDoubted",
    "SentAbroad",
    "receivers_given",
    "tied_orders",
)
RECEIVER = ("", "13800138000", "", "", "", "", "")


@pytest.fixture(autouse=True)
def _same_reader_afterwards() -> Any:
    yield
    receivers.use(IDENTITY_KEY)


def running(detectors: str, tmp_path: Path, rules_path: Path | None = None) -> Engine:
    key = SecretStr(IDENTITY_KEY.decode())
    return build_engine(
        Settings(detectors=detectors, data_dir=tmp_path, identity_key=key, rules_path=rules_path)
    )


def said_by(engine: Engine, story: Story) -> set[str]:
    pipeline = Pipeline(engine)
    pipeline.send(story.events)
    pipeline.finish(ms(HOUR))
    return {alert.detector for alert in pipeline.alerts}


def burst() -> Story:
    """A D01, with a phone that cannot exist, which is a D06."""
    story = Story()
    for number in range(6):
        story.created(f"o{number}", MINUTE * number, receiver={"phone": "11111111111"})
    return story


def test_all_run_unless_some_are_chosen(tmp_path: Path) -> None:
    assert said_by(running("", tmp_path), burst()) >= {"D01", "D06"}
    assert said_by(running(" D01, D08 ", tmp_path), burst()) == {"D01"}


def test_an_unknown_detector_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no detector 'D99'; expected some of D01, D02"):
        running("D01,D99", tmp_path)


@pytest.mark.parametrize("alone, needed", [("D35", "D03"), ("D17", "D13")])
def test_a_detector_does_not_run_without_those_whose_signals_it_reads(
    alone: str, needed: str, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigurationError, match=f"{alone} reads what {needed} finds; add {needed}"
    ):
        running(alone, tmp_path)
    running(f"{alone},{needed}", tmp_path)


@pytest.mark.parametrize("chosen", ["D25", "D25,D02", "D25,D05", "D25,D18", "D25,D04,D20"])
def test_who_puts_findings_together_does_not_run_where_it_would_stay_silent(
    chosen: str, tmp_path: Path
) -> None:
    """D02 is about items, D05 is no act, D18 is one, and D04 and D20 are one together."""
    with pytest.raises(
        ConfigurationError,
        match=r"D25 puts together what others find about a buyer.*; add some of D01.*leave D25 out",
    ):
        running(chosen, tmp_path)
    running(f"{chosen},D01,D08", tmp_path)


def test_out_of_reach_beside_unpaid_orders_is_enough_to_put_together(tmp_path: Path) -> None:
    story = Story()
    for number in range(12):
        story.created(f"o{number}", MINUTE + number, units=25)
    for number in range(2):
        story.contact(20 * MINUTE + number)
    assert said_by(running("D25,D01", tmp_path), story) == {"D01", "D25"}


def test_the_rules_say_how_many_findings_are_enough(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    shipped = files("streams.detect").joinpath("rules.yaml").read_text(encoding="utf-8")
    path.write_text(shipped.replace("min_acts: 2", "min_acts: 1"), encoding="utf-8")
    running("D25,D18", tmp_path, path)


def test_receivers_are_read_only_for_who_asks(tmp_path: Path) -> None:
    running("D01,D08", tmp_path)
    assert receivers.reader().read(*RECEIVER).phone == ""
    running("D01,D03", tmp_path)
    assert receivers.reader().read(*RECEIVER).phone != ""


@pytest.mark.parametrize("detector", find_detectors(), ids=lambda d: f"{d.id}-{d.subject}")
def test_who_reads_facts_about_receivers_says_so(detector: Detector[Any]) -> None:
    source = inspect.getsource(inspect.getmodule(type(detector)) or type(detector))
    reads = any(name in source for name in OF_RECEIVERS)
    same_file = [d for d in find_detectors() if d.id == detector.id]
    assert reads == any(one.reads_receivers for one in same_file)


def told_of_a_burst() -> tuple[Story, Pipeline]:
    """With all detectors."""
    story, before = burst(), Pipeline(default_engine())
    before.send(story.events)
    return story, before.finish(ms(HOUR))


def gone_on(before: Pipeline, engine: Engine) -> Pipeline:
    """What another choice of detectors makes of the stored buyers."""
    after = Pipeline(engine)
    for key, packed in before.buyers[0].states.items():
        after.buyers[0].load(key, packed)
    return after


def test_alerts_of_a_detector_that_was_switched_off_are_neither_changed_nor_taken_back(
    tmp_path: Path,
) -> None:
    story, before = told_of_a_burst()
    after = gone_on(before, running("D06", tmp_path))
    story.paid("o0", HOUR)
    after.send(story.events[-1:])
    after.finish(ms(2 * HOUR))
    assert not [alert for alert in after.alerts if alert.detector == "D01"]
    again = gone_on(after, default_engine())
    story.paid("o1", HOUR + MINUTE)
    again.send(story.events[-1:])
    again.finish(ms(3 * HOUR))
    first = next(alert for alert in before.alerts if alert.detector == "D01")
    assert {a.alert_id for a in again.alerts if a.detector == "D01"} == {first.alert_id}
    assert all(a.revision > first.revision for a in again.alerts if a.detector == "D01")


def test_an_alert_of_a_detector_that_was_switched_off_ends_once_it_is_as_old_as_facts_become(
    tmp_path: Path,
) -> None:
    story, before = told_of_a_burst()
    after = gone_on(before, running("D06", tmp_path))
    for number in range(10):
        known = len(story.events)
        story.created(f"later{number}", number * 10 * DAY + HOUR)
        after.send(story.events[known:])
        after.finish(ms(number * 10 * DAY + 2 * HOUR))
    (ended,) = [alert for alert in after.alerts if alert.detector == "D01"]
    (opened,) = [alert for alert in before.alerts if alert.detector == "D01"]
    assert (ended.alert_id, ended.revision) == (opened.alert_id, opened.revision + 1)
    assert (ended.change, ended.status) == ("expired", "expired")
    assert not unpack(after.state_of("b/s:b")).published
