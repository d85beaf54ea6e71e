"""Load a finished run as tidy pandas frames, for notebooks and for whoever asks further.

    from hms.experiments import load_run

    run = load_run()                 # the newest; or a path, an id, the beginning of an id
    run.closing_frame()              # a row for each stack, with intervals
    run.held_out                     # a row for each stack and held-out failure
    run.generations, run.front, run.validation
    run.replay, run.acts             # one failure second by second; who acted when

Frames are read when first asked for. Nothing here changes a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hms.documents import read
from hms.errors import MissingError, PolicyError
from hms.experiments.report.closing_table import ClosingTable, Section, closing_table
from hms.experiments.run_directory import read_manifest, resolve_run

if TYPE_CHECKING:
    import pandas as pd

    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.experiments.report.page import Timeline

UNFINISHED = "the run was interrupted before it"


@dataclass(frozen=True)
class Run:
    """One run directory.

    Attributes:
        path: the folder.
        manifest: what `manifest.json` says: seed, budget, versions, scenario ids, hashes.
    """

    path: Path
    manifest: dict[str, Any]

    @property
    def id(self) -> str:
        """`<UTC>-<name>`."""
        return str(self.manifest["id"])

    @property
    def finished(self) -> bool:
        """False for a run that was interrupted; it has some of the frames only."""
        return bool(self.manifest["status"] == "finished")

    @cached_property
    def policy(self) -> HealingPolicy:
        """The champion."""
        from hms.agents.policy.healing_policy import HealingPolicy

        return read(self._file("policy.yaml"), HealingPolicy.parse, PolicyError)

    @cached_property
    def generations(self) -> pd.DataFrame:
        """The search's history: a row for each generation.

        Columns: generation, incidents, best_ and median_ of each objective, hypervolume, …
        """
        return self._frame("generations")

    @cached_property
    def front(self) -> pd.DataFrame:
        """The non-dominated policies of the last population and the other finalists.

        Of an interrupted run: those of its last whole generation, finalists as far as chosen.

        Columns: policy_sha256, finalist, on_front, the objectives in training, policy (JSON).
        """
        return self._frame("front")

    @cached_property
    def validation(self) -> pd.DataFrame:
        """A row for each finalist or baseline and validation scenario.

        Columns: stack, kind (champion, finalist, baseline), incident, family, outcome columns.
        """
        return self._frame("validation")

    @cached_property
    def held_out(self) -> pd.DataFrame:
        """A row for each stack and held-out scenario.

        Columns: stack, set (held_out, held_out_never_trained), incident, family, outcomes.
        """
        return self._frame("held_out")

    @cached_property
    def replay(self) -> pd.DataFrame:
        """One failure second by second under champion and best baseline.

        Columns: stack, incident, t_s, offered_rps, good_rps, bad_rps, down.
        """
        return self._frame("replay")

    @cached_property
    def acts(self) -> pd.DataFrame:
        """What was done in that failure: acts of healing, and breakers' refusals.

        Columns: stack, incident, t_s, kind (act, breaker), component, act, issue.
        """
        return self._frame("acts")

    @cached_property
    def closing(self) -> ClosingTable:
        """The closing table, worked out again from `held_out`."""
        interval = self.manifest["interval"]
        return closing_table(
            self.held_out,
            seed=self.manifest["seed"],
            resamples=interval["resamples"],
            level=interval["level"],
            incidents=self.manifest["incidents_spent"],
            footnotes=self.manifest["footnotes"],
        )

    @property
    def best_baseline(self) -> str:
        """The baseline with the lowest downtime on the held-out failures."""
        return self.closing.gate.best_baseline

    @property
    def timeline(self) -> Timeline:
        """What `report.pictures.timeline_picture` draws."""
        from hms.experiments.report.page import Timeline

        shown = self.manifest["replay"]
        faults = [(label, start, _end(end)) for label, start, end in shown["faults"]]
        return Timeline(shown["incident"], self.replay, self.acts, faults, shown["slo"])

    def closing_frame(self) -> pd.DataFrame:
        """The closing table as a frame: a row for each set and stack, intervals as columns."""
        import pandas as pd

        sections = [self.closing.held_out, self.closing.never_trained]
        return pd.DataFrame([row for part in sections if part for row in _rows(part)])

    def validation_points(self) -> pd.DataFrame:
        """Means over the validation scenarios: a row for each finalist and baseline."""
        from hms.experiments.outcome_frame import validation_points

        return validation_points(self.validation)

    def _frame(self, name: str) -> pd.DataFrame:
        import pandas as pd

        return pd.read_parquet(self._file(f"results/{name}.parquet"))

    def _file(self, name: str) -> Path:
        path = self.path / name
        if not path.is_file():
            why = "" if self.finished else f": {UNFINISHED}"
            raise MissingError(f"{self.path.name} has no {name}{why}")
        return path


def load_run(run: str | Path = "latest", runs: Path | None = None) -> Run:
    """Open a run.

    Args:
        run: a path, an id, the beginning of an id, or `latest`.
        runs: where runs are looked for; `$HMS_RUNS` or `./runs` if not given.

    Raises:
        MissingError: there is no such run; the message names the nearest.
        ManifestError: its manifest is not one of ours.
    """
    path = resolve_run(str(run), runs)
    return Run(path, read_manifest(path))


def _end(end_s: float | None) -> float:
    """JSON has no infinity: a fault without end is null there."""
    return float("inf") if end_s is None else float(end_s)


def _rows(section: Section) -> list[dict[str, Any]]:
    found = []
    for row in section.rows:
        cells: dict[str, Any] = {
            "set": section.set,
            "stack": row.stack,
            "scenarios": section.scenarios,
            "downtime_s": row.downtime_s,
            "cvar_s": row.cvar_s,
            "availability": row.availability,
            "time_to_recover_s": row.time_to_recover_s,
            "not_recovered": row.not_recovered,
            "disruption_s": row.disruption_s,
            "restarts": row.restarts,
        }
        for name, interval in (
            ("downtime_difference_s", row.downtime_difference),
            ("disruption_difference_s", row.disruption_difference),
        ):
            bounds = (interval.mean, interval.low, interval.high) if interval else (None,) * 3
            cells |= dict(zip((name, f"{name}_low", f"{name}_high"), bounds, strict=True))
        found.append(cells)
    return found
