"""What the steps of the main job share: each reads what earlier ones left and adds its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hms.experiments.plan import Budget, ExperimentPlan
from hms.experiments.progress import AnyProgress
from hms.experiments.run_directory import RunDirectory
from hms.experiments.tracking import Tracker

if TYPE_CHECKING:
    import pandas as pd

    from hms.agents.mac.cluster import Cluster
    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.evolution.backends import Backend
    from hms.evolution.choose import Choice
    from hms.evolution.individual import Individual
    from hms.evolution.proof.engines import Ranks
    from hms.evolution.search import Search, SearchResult
    from hms.evolution.settings import SearchSettings
    from hms.experiments.report.closing_table import ClosingTable
    from hms.experiments.scenario_sets import ScenarioSet
    from hms.scenarios.model import Scenario


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is made; none of it changes its result but the budget and the seed.

    Attributes:
        budget: a budget's name, or a number of incidents.
        seed: instead of the file's.
        runs: the folder that takes the run directory.
        workers: Ray tasks at once.
        tracking_uri: MLflow's store; the SQLite file among the runs if None.
        ray_address: an existing cluster; "" starts a private one.
        command: what was typed, for the report.
    """

    budget: str = "small"
    seed: str | None = None
    runs: Path = Path("runs")
    workers: int = 1
    tracking_uri: str | None = None
    ray_address: str = ""
    command: str = ""


@dataclass(slots=True)
class Replayed:
    """The replay of held-out failures on one agent host a component.

    Attributes:
        incident: the failure that the report shows.
        hosts: agent hosts, one for each component with an agent.
        equal: the actors' event log has the same bytes as the compiled engine's.
        seconds: columns stack, incident, t_s, offered_rps, good_rps, bad_rps, down.
        components: columns stack, incident, t_s, component, present, answered_rps, …
        acts: columns stack, incident, t_s, kind, component, act, issue.
        faults: (label, start_s, end_s).
        logs: event logs by file name.
    """

    incident: str
    hosts: int
    equal: bool
    seconds: pd.DataFrame
    components: pd.DataFrame
    acts: pd.DataFrame
    faults: list[tuple[str, float, float]]
    slo: float
    logs: dict[str, str]


@dataclass(slots=True)
class Job:
    """The state of a run under way.

    The fields without a default are set by the step that is named after them.
    """

    plan: ExperimentPlan
    budget: Budget
    options: Options
    started: datetime
    progress: AnyProgress
    directory: RunDirectory
    tracker: Tracker
    topology: Scenario = field(init=False)
    sets: Mapping[str, ScenarioSet] = field(init=False)
    cluster: Cluster | None = None
    backend: Backend = field(init=False)
    baselines: Mapping[str, HealingPolicy] = field(init=False)
    footnotes: Mapping[str, str] = field(init=False)
    history: list[dict[str, Any]] = field(default_factory=list)
    settings: SearchSettings = field(init=False)
    searching: Search = field(init=False)
    search: SearchResult = field(init=False)
    finalists: list[Individual] = field(init=False)
    choice: Choice = field(init=False)
    engines: Ranks | None = None
    validation: pd.DataFrame = field(init=False)
    champion: HealingPolicy = field(init=False)
    held_out: pd.DataFrame = field(init=False)
    table: ClosingTable = field(init=False)
    hosts: list[Any] = field(default_factory=list)
    replayed: Replayed = field(init=False)
    spent: dict[str, int] = field(default_factory=dict)
    step: str = ""

    @property
    def seed(self) -> str:
        """The seed of everything drawn."""
        return self.plan.seed


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the job.

    Attributes:
        name: its word in the progress, the manifest and the message after Ctrl-C.
        doing: what it does, in a few words.
        run: does it; answers what came out, in a few words.
    """

    name: str
    doing: str
    run: Callable[[Job], str]
