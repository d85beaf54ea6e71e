"""Where incidents are simulated: in this process, or by stateless Ray tasks.

Both take a list of (policy, scenario) pairs and answer one row a pair, in order. What a task
gets is fixed by plan (a number of incidents), never by how long the last one took, and rows
are placed by index: neither the worker count nor who finishes first can change a bit.
"""

import hashlib
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import HmsError

Floats = NDArray[np.float64]
Pairs = NDArray[np.int64]

Simulate = Callable[[Sequence[HealingPolicy], Sequence[Any], Pairs], Floats]
"""Runs the pairs (policy index, case index) and answers rows, shape (pairs, columns).

A function at the top of a module: Ray ships it by name.
"""

CHUNK_INCIDENTS = 48  # about 150 ms of the fluid engine on the demo: 12 components, 300 s
CHUNK_WORK = CHUNK_INCIDENTS * 12 * 300.0  # in components times seconds simulated
CHUNK_MOST = 192  # very small systems: what is started at all costs more than its components
TIMEOUT_S = 900.0


class Backend(Protocol):
    """What the search and the experiment ask of a place that simulates."""

    def evaluate(
        self,
        policies: Sequence[HealingPolicy],
        scenario_indices: Sequence[int],
        set_name: str,
    ) -> Floats:
        """Every policy on every scenario, shape (policies, scenarios, columns)."""
        ...

    def evaluate_pairs(
        self, policies: Sequence[HealingPolicy], pairs: Pairs, set_name: str
    ) -> Floats:
        """Rows of the pairs (policy index, scenario index), shape (pairs, columns)."""
        ...


def all_pairs(policies: int, scenario_indices: Sequence[int]) -> Pairs:
    """Each of `policies` policies with each scenario, policy by policy, shape (pairs, 2)."""
    first = np.repeat(np.arange(policies, dtype=np.int64), len(scenario_indices))
    second = np.tile(np.asarray(scenario_indices, dtype=np.int64), policies)
    return np.stack([first, second], axis=-1)


def _checked(
    sets: Mapping[str, Sequence[Any]],
    policies: Sequence[HealingPolicy],
    pairs: Pairs,
    set_name: str,
) -> None:
    """Refuse what would index past an end.

    Raises:
        KeyError: no such set.
        IndexError: a pair names a policy or a scenario that is not there.
    """
    if set_name not in sets:
        raise KeyError(f"no scenario set {set_name!r}; there are {', '.join(sets)}")
    limits = (len(policies), len(sets[set_name]))
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) == 0:
        raise IndexError(f"pairs of indices are needed, not shape {pairs.shape}")
    if (pairs < 0).any() or (pairs >= limits).any():
        raise IndexError(f"a pair is outside {limits} (policies, scenarios of {set_name})")


class SerialBackend:
    """Simulates in this process.

    Args:
        sets: the cases of each named set, in index order, as `simulate` wants them.
        simulate: what runs the pairs.
    """

    def __init__(self, sets: Mapping[str, Sequence[Any]], simulate: Simulate) -> None:
        self._sets = {name: list(cases) for name, cases in sets.items()}
        self._simulate = simulate

    def evaluate(
        self,
        policies: Sequence[HealingPolicy],
        scenario_indices: Sequence[int],
        set_name: str,
    ) -> Floats:
        """Every policy on every scenario, shape (policies, scenarios, columns)."""
        rows = self.evaluate_pairs(policies, all_pairs(len(policies), scenario_indices), set_name)
        return rows.reshape(len(policies), len(scenario_indices), -1)

    def evaluate_pairs(
        self, policies: Sequence[HealingPolicy], pairs: Pairs, set_name: str
    ) -> Floats:
        """Rows of the pairs (policy index, scenario index), shape (pairs, columns)."""
        _checked(self._sets, policies, pairs, set_name)
        return self._simulate(policies, self._sets[set_name], pairs)


class RayBackend:
    """Simulates in stateless Ray tasks.

    Args:
        ray: the module of a running Ray; only agents/mac/cluster.py starts one.
        sets: the cases of each named set; put into Ray's store once, unpacked once a worker.
        simulate: what runs the pairs, a function at the top of a module.
        chunk_incidents: incidents a task; part of the plan, so that it never hangs on speed.
        timeout_s: how long one call of `evaluate_pairs` may take.
    """

    def __init__(
        self,
        ray: Any,
        sets: Mapping[str, Sequence[Any]],
        simulate: Simulate,
        *,
        chunk_incidents: int = CHUNK_INCIDENTS,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        if chunk_incidents < 1:
            raise ValueError(f"a chunk holds at least one incident, not {chunk_incidents}")
        self._ray = ray
        self._simulate = simulate
        self._chunk_incidents = chunk_incidents
        self._timeout_s = timeout_s
        self._sets = {name: list(cases) for name, cases in sets.items()}
        self._packed: dict[str, tuple[str, Any]] = {}
        self._task = ray.remote(num_cpus=1)(run_chunk)

    def evaluate(
        self,
        policies: Sequence[HealingPolicy],
        scenario_indices: Sequence[int],
        set_name: str,
    ) -> Floats:
        """Every policy on every scenario, shape (policies, scenarios, columns)."""
        rows = self.evaluate_pairs(policies, all_pairs(len(policies), scenario_indices), set_name)
        return rows.reshape(len(policies), len(scenario_indices), -1)

    def evaluate_pairs(
        self, policies: Sequence[HealingPolicy], pairs: Pairs, set_name: str
    ) -> Floats:
        """Rows of the pairs (policy index, scenario index), shape (pairs, columns).

        Raises:
            HmsError: workers were lost more often than Ray retries, or time ran out.
        """
        _checked(self._sets, policies, pairs, set_name)
        key, packed = self._shipped(set_name)
        references = [
            self._task.remote(key, packed, self._simulate, some, local)
            for some, local in chunks(policies, pairs, self._chunk_incidents)
        ]
        return np.concatenate(self._collected(references, set_name))

    def _shipped(self, set_name: str) -> tuple[str, Any]:
        """The set's name by content and its reference in Ray's store.

        It travels as bytes: arrays that Ray unpacks itself are read-only, which numba takes
        for another type and compiles everything again, and they would be unpacked every task.
        """
        if set_name not in self._packed:
            packed = pickle.dumps(self._sets[set_name], protocol=pickle.HIGHEST_PROTOCOL)
            key = hashlib.blake2b(packed, digest_size=16).hexdigest()
            self._packed[set_name] = (key, self._ray.put(np.frombuffer(packed, np.uint8)))
        return self._packed[set_name]

    def _collected(self, references: list[Any], set_name: str) -> list[Floats]:
        errors = self._ray.exceptions
        try:
            found: list[Floats] = self._ray.get(references, timeout=self._timeout_s)
        except errors.GetTimeoutError as error:
            raise HmsError(
                f"{len(references)} tasks of set {set_name} were not done after "
                f"{self._timeout_s:g} s; `hms doctor --ray` says which workers there are"
            ) from error
        except errors.RayTaskError as error:
            if isinstance(error.cause, HmsError):
                raise error.cause from error  # the same exception as in one process
            raise HmsError(f"an incident of set {set_name} failed: {error.cause}") from error
        except errors.RayError as error:
            raise HmsError(
                f"Ray lost a worker more often than it retries, set {set_name}: {error}"
            ) from error
        else:
            return found
        finally:
            self._dropped(references)

    def _dropped(self, references: list[Any]) -> None:
        """Cancel what still runs: after an error or Ctrl-C nobody waits for it any more."""
        _, unfinished = self._ray.wait(references, num_returns=len(references), timeout=0)
        for reference in unfinished:
            self._ray.cancel(reference)


def planned_chunk(components: int, horizon_s: float) -> int:
    """Incidents of a task, for 100 to 200 ms of a worker's work: by the size of the system alone.

    A shorter task costs Ray as much as it saves, a longer one leaves workers idle at the end of a
    generation. Never by a clock: a plan is the same on any machine.
    """
    return max(1, min(CHUNK_MOST, round(CHUNK_WORK / (components * horizon_s))))


def chunks(
    policies: Sequence[HealingPolicy], pairs: Pairs, incidents: int
) -> Iterator[tuple[list[HealingPolicy], Pairs]]:
    """Consecutive pairs, `incidents` at a time, with only the policies they need."""
    for start in range(0, len(pairs), incidents):
        part = pairs[start : start + incidents]
        used, local = np.unique(part[:, 0], return_inverse=True)
        yield (
            [policies[index] for index in used.tolist()],
            np.stack([local.reshape(-1).astype(np.int64), part[:, 1]], axis=-1),
        )


_UNPACKED: dict[str, list[Any]] = {}  # in a worker: the sets it has seen, by content
_UNPACKED_MOST = 8


def run_chunk(
    key: str,
    packed: NDArray[np.uint8],
    simulate: Simulate,
    policies: Sequence[HealingPolicy],
    pairs: Pairs,
) -> Floats:
    """One task: rows of its pairs. The same arguments give the same rows in any worker."""
    if key not in _UNPACKED:
        while len(_UNPACKED) >= _UNPACKED_MOST:
            _UNPACKED.pop(next(iter(_UNPACKED)))
        _UNPACKED[key] = pickle.loads(packed.tobytes())  # noqa: S301 - our own bytes, by hash
    return simulate(policies, _UNPACKED[key], pairs)
