"""For the tests of components that heal themselves (8.3); pytest fixtures of the same names.

    from hms.agents.healing.testing import FakeClock, Faults, recovers_within_s, run

Loaded by tests only. See docs/testing.md.
"""

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.testing.faults import Faults, faults_kept
from hms.agents.healing.testing.recovery_time import (
    Recovery,
    recovers_within_s,
    recovers_within_s_async,
)
from hms.agents.healing.testing.virtual_loop import VirtualLoop, run

__all__ = [
    "FakeClock",
    "Faults",
    "Recovery",
    "VirtualLoop",
    "faults_kept",
    "recovers_within_s",
    "recovers_within_s_async",
    "run",
]
