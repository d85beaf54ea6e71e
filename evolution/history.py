"""The history of a search: a row a generation, by DEAP's logbook and statistics."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from deap import tools

from hms.evolution.individual import Individual
from hms.evolution.objectives import hypervolume
from hms.evolution.selection import ranks


class History:
    """Rows of all generations so far.

    Attributes:
        reference: the corner that the hypervolume is measured from, fixed by the first
            generation, so that rows compare; None before it.
    """

    def __init__(self) -> None:
        self.reference: list[float] | None = None
        self._logbook = tools.Logbook()
        self._statistics = tools.Statistics(key=lambda one: one.values)
        self._statistics.register("best", np.min, axis=0)
        self._statistics.register("median", np.median, axis=0)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A copy of all rows."""
        return [dict(row) for row in self._logbook]

    def record(
        self, population: Sequence[Individual], objectives: Sequence[str], facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Add a row.

        Args:
            population: the survivors, scored on the same scenarios.
            objectives: names of their values.
            facts: the rest of the row; `evaluations`, those of this generation, is summed up.
        """
        found = self._statistics.compile(population)
        before = int(self._logbook[-1]["evaluations"]) if self._logbook else 0
        row = {**facts, "evaluations": before + facts["evaluations"]}
        for kind in ("best", "median"):
            row |= {f"{kind}_{name}": float(found[kind][at]) for at, name in enumerate(objectives)}
        row["front"] = int((ranks(population)[0] == 0).sum())
        points = np.array([one.values for one in population])
        if self.reference is None:
            self.reference = (points.max(axis=0) * 1.1 + 1.0).tolist()
        row["hypervolume"] = hypervolume(points, np.array(self.reference))
        self._logbook.record(**row)
        return row

    def restore(self, rows: Sequence[Mapping[str, Any]], reference: list[float] | None) -> None:
        """Take the rows of an earlier process."""
        self.reference = reference
        for row in rows:
            self._logbook.record(**row)
