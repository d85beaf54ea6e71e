"""The engines that a check may run: means, or single requests as a second judge."""

from __future__ import annotations

from collections.abc import Callable

from hms.errors import ScenarioError
from hms.experiments.single_run import FLUID
from hms.scenarios.compile import CompiledScenario
from hms.scenarios.machine_code import cache_folder
from hms.scenarios.object_code import kept
from hms.scenarios.outcome import Outcome
from hms.scenarios.policy_tables import PolicyTables

REQUEST = "request"
ENGINES = (FLUID, REQUEST)

Runner = Callable[[CompiledScenario, PolicyTables, bool], Outcome]
"""Runs one incident; the flag asks for its timeline, telemetry and event log."""


def is_compiled(name: str) -> bool:
    """Whether an engine's machine code is kept from an earlier run of this version."""
    return kept(cache_folder(name)) is not None


def runner(name: str) -> Runner:
    """The engine of a name in `ENGINES`, loaded when asked for."""
    return _requests() if name == REQUEST else _means()


def _means() -> Runner:
    from hms.scenarios.engines.fluid import engine

    def run(compiled: CompiledScenario, tables: PolicyTables, record: bool) -> Outcome:
        return engine.run(compiled, tables, record=record)

    return run


def _requests() -> Runner:
    from hms.experiments.request_run import EVENT_BUDGET
    from hms.scenarios.engines.request.build import Budget
    from hms.scenarios.engines.request.engine import run as run_requests

    def run(compiled: CompiledScenario, tables: PolicyTables, record: bool) -> Outcome:
        outcome = run_requests(compiled, tables, record=record, budget=Budget(events=EVENT_BUDGET))
        if outcome.stopped:
            raise ScenarioError(
                f"{compiled.name}: the engine `{REQUEST}` stopped after {outcome.reached_s:.0f} s:"
                f" {outcome.stopped}\n    expected: a smaller load, or --engine {FLUID}"
            )
        return outcome

    return run
