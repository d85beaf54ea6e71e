"""The port to the lab: incidents go out, a better policy may come back (3.4.4, 6.3).

What comes back enters as any other configuration does: by the local door, checked against the
parameter table, versioned, taken back by a rollback, and nothing an operator has set is touched.
The runtime neither knows nor imports the lab: it is another process with a command line.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from hms.agents.healing.configuration.config import AdaptiveConfig
from hms.agents.healing.learning.incidents import Incident
from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.policy_file import write_step
from hms.errors import ConfigRefused, HmsError, MissingError

if TYPE_CHECKING:
    from hms.agents.healing.instance import HealingInstance

SOURCE = "optimizer"
COMMAND = (sys.executable, "-m", "hms.experiments.optimizer")
NEEDED = "numba"  # a part of the lab that nothing else brings
MISSING_EXIT = 3


@dataclass(frozen=True, slots=True)
class Budget:
    """What one search may cost.

    Attributes:
        cpu_s: processor time of the other process; it is ended when that is spent.
        incidents: simulated incidents.
        least_new: incidents that must have ended since the last search.
        least_apart_s: time between two searches.
    """

    cpu_s: float
    incidents: int
    least_new: int = 5
    least_apart_s: float = 3600.0


ADVANCED = Budget(cpu_s=120.0, incidents=1_000)
FULL = Budget(cpu_s=600.0, incidents=10_000)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A policy, and why it is thought better: figures by name, and a sentence under `says`."""

    policy: HealingPolicy
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Optimizer(Protocol):
    """Whoever can make a policy better; may block for as long as the budget allows."""

    def propose(
        self, incidents: Sequence[Incident], policy: HealingPolicy, budget: Budget
    ) -> Proposal | None:
        """A better policy for such incidents; None if none was found.

        Raises:
            MissingError: the lab is not installed.
        """
        ...


class ProcessOptimizer:
    """Asks the lab in a process of its own, so that neither its memory nor a crash is ours.

    Args:
        command: reads a question as JSON and answers so; the lab's, unless told otherwise.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self.command = tuple(command)

    def propose(
        self, incidents: Sequence[Incident], policy: HealingPolicy, budget: Budget
    ) -> Proposal | None:
        """Ask, and wait for the answer.

        Raises:
            MissingError: the lab is not installed.
            HmsError: the process failed, or answered what is no policy.
        """
        import subprocess  # slow to import, and needed once an hour

        if self.command == COMMAND and importlib.util.find_spec(NEEDED) is None:
            raise MissingError("the lab is not installed\n    pip install 'hms-healing[lab]'")
        question = {
            "incidents": [each.to_json() for each in incidents],
            "policy": policy.to_mapping(sparse=True),
            "budget": {"cpu_s": budget.cpu_s, "incidents": budget.incidents},
        }
        try:
            done = subprocess.run(
                self.command, input=json.dumps(question), capture_output=True, text=True,
                timeout=budget.cpu_s * 20.0, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise HmsError(f"optimizer: {error}") from error
        if done.returncode == MISSING_EXIT:
            raise MissingError(done.stderr.strip()[-400:])
        if done.returncode != 0:
            raise HmsError(f"optimizer: exit code {done.returncode}: {done.stderr.strip()[-400:]}")
        return answer_of(done.stdout)


def answer_of(text: str) -> Proposal | None:
    """Read what the process wrote last.

    Raises:
        HmsError: it is no proposal.
    """
    try:
        told = json.loads(text.strip().rpartition("\n")[2])
        given, evidence = told["policy"], dict(told["evidence"])
    except (ValueError, KeyError, TypeError) as error:
        raise HmsError(f"optimizer: no answer in {text[-200:]!r}: {error!r}") from error
    if given is None:
        return None
    policy, problems = HealingPolicy.parse(given)
    if policy is None:
        raise HmsError("optimizer: " + "; ".join(str(each) for each in problems))
    return Proposal(policy, evidence)


def changes(held: HealingPolicy, proposed: HealingPolicy) -> dict[str, Any]:
    """The ladders that a proposal changes, as a section of a configuration.

    Nothing else is taken from it: incidents of one component say which act helps it, not what
    its neighbours' breakers or its own limits should be.
    """
    ladders = {
        issue: [write_step(step, sparse=True) for step in ladder]
        for issue, ladder in proposed.recovery.items()
        if held.recovery.get(issue) != ladder
    }
    return {"recovery": ladders} if ladders else {}


@dataclass(slots=True)
class Tuning:
    """Decides when an instance asks its optimiser, and puts the answer in force.

    Attributes:
        searches: how often it asked; `adopted`: proposals that are in force.
        trouble: why the last question had no answer.
    """

    host: HealingInstance
    optimizer: Optimizer
    budget: Budget
    searches: int = 0
    adopted: int = 0
    trouble: str = ""
    _newest: int = 0
    _asked_s: float | None = None
    _is_missing: bool = False

    def is_due(self, now_s: float) -> bool:
        """Whether enough has happened since the last search."""
        if self._is_missing or self.host.incidents is None:
            return False
        if self._asked_s is not None and now_s < self._asked_s + self.budget.least_apart_s:
            return False
        return len(self.host.incidents.finished(self._newest)) >= self.budget.least_new

    async def run_if_due(self) -> None:
        """Ask when enough has happened."""
        if self.is_due(self.host.clock.now_s()):
            await self.run()

    async def run(self) -> Proposal | None:
        """Ask, and put what comes back in force; without the lab, say so once and go on."""
        from hms.agents.healing.recovery.healing_round import in_thread

        host = self.host
        incidents = host.incidents.finished() if host.incidents is not None else ()
        self._asked_s = host.clock.now_s()
        self._newest = max((each.number for each in incidents), default=self._newest)
        self.searches += 1
        policy = host.policy_in_force()
        try:
            proposal = await in_thread(self.optimizer.propose, incidents, policy, self.budget)
            self.trouble = ""
            return self._adopt(policy, proposal)
        except MissingError as error:
            self._is_missing, self.trouble = True, str(error)
            self._say(f"{error}; learning goes on by effectiveness alone")
        except Exception as error:  # noqa: BLE001 - healing outlives its optimiser; said below
            self.trouble = f"{type(error).__name__}: {error}"
            self._say(f"no proposal: {self.trouble}")
        return None

    def _say(self, text: str) -> None:
        import logging

        log = logging.getLogger("hms.healing")
        log.warning("%s: %s", self.host.config.component_id, text)

    def _adopt(self, held: HealingPolicy, proposal: Proposal | None) -> Proposal | None:
        if proposal is None:
            return None
        sections = changes(held, proposal.policy)
        if not sections:
            return None
        config = AdaptiveConfig(sections, SOURCE, self.host.wall())
        try:
            self.host.configuration.apply(config)
        except ConfigRefused as error:
            self.trouble = str(error)
            return None
        self.adopted += 1
        self._say(f"a better policy is in force: {proposal.evidence.get('says', '')}")
        return proposal
