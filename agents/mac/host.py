"""A host steps the agents of one or several components, here or in a Ray actor.

One call steps all its agents that have something to decide, so that a tick costs one barrier
over the hosts and not one over the agents. The module imports neither Ray nor numba nor numpy:
a host process starts fast and stays small. (Ray imports numpy itself when it reads arguments.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from hms.agents.mac.agent import AgentDescription, AgentInput, AgentOutput, MacAgent
from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import HmsError, PolicyError

CALL_LONGEST_S = 60.0  # a host that is silent for so long is dead; starting one takes 15 s

HostHandle: TypeAlias = Any
"""An `AgentHost`, or a Ray actor handle of one."""


class AgentHost:
    """Agents by the engine's number of their component."""

    def __init__(self) -> None:
        """A host without agents; it never raises, so that Ray can restart it."""
        self._agents: dict[int, MacAgent] = {}

    def place(
        self, descriptions: Sequence[AgentDescription], policy: Mapping[str, Any]
    ) -> int:
        """Put agents here, fresh ones, in place of those that were.

        Args:
            descriptions: one for each agent.
            policy: a policy in its file's form.

        Returns:
            How many agents there are.

        Raises:
            PolicyError: the policy is wrong.
        """
        read, problems = HealingPolicy.parse(policy)
        if read is None:
            raise PolicyError(problems)
        self._agents = {each.index: MacAgent(each, read) for each in descriptions}
        return len(self._agents)

    def step(
        self, tick: int, now_s: float, dt_s: float, batch: Sequence[tuple[int, AgentInput]]
    ) -> list[AgentOutput]:
        """One tick of the agents named in `batch`, in its order."""
        return [self._agents[index].step(tick, now_s, dt_s, seen) for index, seen in batch]

    def states(self) -> dict[int, tuple[list[float], list[float]]]:
        """Each agent's numbers: of its edges, and its own."""
        return {index: agent.state() for index, agent in self._agents.items()}

    def imported(self) -> list[str]:
        """Names of the top-level modules that this process has imported."""
        import sys

        return sorted({name.partition(".")[0] for name in sys.modules})


def start_hosts(ray: Any, count: int) -> list[HostHandle]:
    """Start Ray actors that wait for agents; returns at once, they come up meanwhile.

    Args:
        ray: the module of a running Ray (`cluster.start(...).ray`).
        count: how many.
    """
    actor = ray.remote(num_cpus=0)(AgentHost)  # they take turns, so they need no core each
    return [actor.remote() for _ in range(count)]


def stop_hosts(ray: Any, hosts: Sequence[HostHandle]) -> None:
    """End hosts that `start_hosts` started."""
    for host in hosts:
        ray.kill(host)


def call_all(hosts: Sequence[HostHandle], method: str, arguments: Sequence[tuple[Any, ...]]) -> Any:
    """Call a method of each host and wait for all: one barrier.

    Args:
        hosts: all of one kind, here or on Ray.
        method: its name.
        arguments: of each host's call.

    Returns:
        The results, in the order of the hosts.

    Raises:
        HmsError: a host on Ray did not answer within `CALL_LONGEST_S`.
    """
    if all(isinstance(host, AgentHost) for host in hosts):
        pairs = zip(hosts, arguments, strict=True)
        return [getattr(host, method)(*given) for host, given in pairs]
    import ray

    pairs = zip(hosts, arguments, strict=True)
    waiting = [getattr(host, method).remote(*given) for host, given in pairs]
    try:
        return ray.get(waiting, timeout=CALL_LONGEST_S)
    except ray.exceptions.GetTimeoutError as error:
        raise HmsError(
            f"an agent host did not answer `{method}` within {CALL_LONGEST_S:g} s"
        ) from error
