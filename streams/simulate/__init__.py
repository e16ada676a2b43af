"""Invented shop traffic with labelled attacks, for demos, benchmarks and measuring detection.

Owns its own randomness: one seed gives the same bytes each time. Nothing of real data is copied;
only the shape of payment delays and of the day is fitted to it (see `shapes`).
"""

from streams.simulate.journal import SimEvent
from streams.simulate.labels import Label
from streams.simulate.pacing import paced
from streams.simulate.scenarios import ATTACKS, FAULTS, LOOKALIKES, NOTICES, scenario
from streams.simulate.scene import Story
from streams.simulate.simulation import SimulationReport, simulate

__all__ = [
    "ATTACKS",
    "FAULTS",
    "LOOKALIKES",
    "NOTICES",
    "Label",
    "SimEvent",
    "SimulationReport",
    "Story",
    "paced",
    "scenario",
    "simulate",
]
