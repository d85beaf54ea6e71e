"""Scores of policies on scenarios: each pair simulated once, every incident counted.

The budget of a search is a number of simulated incidents, never seconds: the same search on a
slower machine takes longer and finds the same. So this is the only place that asks a back end
on the search's behalf, and it refuses to go over.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import HmsError
from hms.evolution.backends import Backend
from hms.evolution.objectives import column

Floats = NDArray[np.float64]

BREACHES = column("breaches")


class Fitness:
    """A memo over a back end, keyed by policy hash and scenario index.

    Attributes:
        budget: incidents that may be simulated in all.
        incidents: incidents simulated so far, never above the budget.
    """

    def __init__(self, backend: Backend, set_name: str, budget: int) -> None:
        self.budget = budget
        self.incidents = 0
        self._backend = backend
        self._set_name = set_name
        self._rows: dict[str, dict[int, Floats]] = {}
        self._fresh: list[tuple[str, int]] = []
        self._breaches: dict[str, float] = {}

    @property
    def remaining(self) -> int:
        """Incidents that may still be simulated."""
        return self.budget - self.incidents

    @property
    def distinct(self) -> int:
        """How many different policies were simulated at least once."""
        return len(self._rows)

    def knows(self, policy: HealingPolicy) -> bool:
        """Whether this policy was simulated before."""
        return policy.sha256 in self._rows

    def cost(self, policies: Sequence[HealingPolicy], scenarios: Sequence[int]) -> int:
        """Incidents that `rows` would simulate for the same arguments."""
        return len(self._missing(policies, scenarios)[1])

    def rows(self, policies: Sequence[HealingPolicy], scenarios: Sequence[int]) -> Floats:
        """The result of every policy on every scenario, simulating only what is not known.

        Returns:
            Shape (policies, scenarios, columns).

        Raises:
            ValueError: it would exceed the budget; nothing is simulated then.
            HmsError: the back end answered with something that is not a finite number.
        """
        asked, pairs = self._missing(policies, scenarios)
        if len(pairs) > self.remaining:
            raise ValueError(f"{len(pairs)} incidents asked for, {self.remaining} left")
        if pairs:
            array = np.asarray(pairs, dtype=np.int64)
            found = self._backend.evaluate_pairs(asked, array, self._set_name)
            self._remember(asked, array, found)
        return np.stack(
            [np.stack([self._rows[p.sha256][index] for index in scenarios]) for p in policies]
        )

    def seen(self, policy: HealingPolicy) -> Floats:
        """All results of a policy, shape (scenarios seen, columns), in scenario order."""
        known = self._rows[policy.sha256]
        return np.stack([known[index] for index in sorted(known)])

    def breaches(self, policy: HealingPolicy) -> float:
        """Safety breaches for each scenario that a policy ever met: none is forgotten."""
        return self._breaches[policy.sha256] / len(self._rows[policy.sha256])

    def _missing(
        self, policies: Sequence[HealingPolicy], scenarios: Sequence[int]
    ) -> tuple[list[HealingPolicy], list[tuple[int, int]]]:
        """Policies with unknown pairs and those pairs (place in that list, scenario)."""
        asked: list[HealingPolicy] = []
        pairs: list[tuple[int, int]] = []
        for sha256, policy in {policy.sha256: policy for policy in policies}.items():
            known = self._rows.get(sha256, {})
            unknown = [index for index in dict.fromkeys(scenarios) if index not in known]
            pairs.extend((len(asked), index) for index in unknown)
            if unknown:
                asked.append(policy)
        return asked, pairs

    def _remember(
        self, policies: Sequence[HealingPolicy], pairs: NDArray[np.int64], found: Floats
    ) -> None:
        self.incidents += len(pairs)  # simulated, whatever came of it
        if found.ndim != 2 or len(found) != len(pairs):
            raise HmsError(f"back end answered shape {found.shape} for {len(pairs)} incidents")
        if not np.isfinite(found).all():
            place = int(np.argwhere(~np.isfinite(found))[0][0])
            policy, scenario = policies[pairs[place, 0]], int(pairs[place, 1])
            raise HmsError(
                f"policy {policy.sha256[:12]} on {self._set_name} scenario {scenario} "
                f"gave a result that is not finite: {found[place].tolist()}"
            )
        for (place, scenario), row in zip(pairs.tolist(), found, strict=True):
            sha256 = policies[place].sha256
            self._keep(sha256, scenario, row)
            self._fresh.append((sha256, scenario))

    def _keep(self, sha256: str, scenario: int, row: Floats) -> None:
        self._rows.setdefault(sha256, {})[scenario] = row
        self._breaches[sha256] = self._breaches.get(sha256, 0.0) + float(row[BREACHES])

    def take_fresh(self) -> tuple[list[tuple[str, int]], Floats]:
        """The pairs (policy hash, scenario) simulated since this was last asked, and their rows."""
        fresh, self._fresh = self._fresh, []
        rows = [self._rows[sha256][scenario] for sha256, scenario in fresh]
        return fresh, np.stack(rows) if rows else np.zeros((0, 0))

    def restore(self, pairs: Sequence[tuple[str, int]], rows: Floats) -> None:
        """Take results that an earlier process simulated for this search."""
        self.incidents += len(pairs)
        for (sha256, scenario), row in zip(pairs, rows, strict=True):
            self._keep(sha256, scenario, row)
