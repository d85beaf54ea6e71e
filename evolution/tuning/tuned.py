"""The tuned baselines by name: which proposals each has, and what it starts from."""

from collections.abc import Sequence

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution.backends import Backend
from hms.evolution.baselines.made import LADDER_TUNED, TPE, TUNED
from hms.evolution.baselines.stacks import load, names
from hms.evolution.genome import Space
from hms.evolution.settings import SearchSettings
from hms.evolution.tuning.parzen import ParzenSearch
from hms.evolution.tuning.random_search import RandomSearch
from hms.evolution.tuning.tuner import Progress, Proposals, Tuned, Tuner

LADDER = "ladder"


def tune_stack(
    name: str,
    settings: SearchSettings,
    backend: Backend,
    seed: str,
    progress: Progress | None = None,
    *,
    space: Space | None = None,
    start: Sequence[HealingPolicy] = (),
    reference: HealingPolicy | None = None,
) -> Tuned:
    """Tune one baseline.

    Args:
        name: `ladder-tuned`, by random search with the ladder's own order of acts, or `tpe`, over
            everything that the search may vary.
        settings: the search's; its budget is this tuner's as well, spent apart.
        seed: the search's: the tuner meets the same windows of scenarios.
        space: the search's; all genes without overrides by default.
        start: policies that are tried beside those that the name starts from.
        reference: what costs are compared with; the hand-written ladder by default.

    Raises:
        KeyError: no tuned baseline of that name.
    """
    if name not in TUNED:
        raise KeyError(f"no tuned baseline {name!r}; there are {', '.join(TUNED)}")
    searched = space or Space()
    ladder = load(LADDER).policy
    first = [ladder] if name == LADDER_TUNED else [load(each).policy for each in names()]
    given = [searched.encode(policy) for policy in start]
    known = [searched.encode(policy) for policy in first]
    proposals: Proposals = (
        RandomSearch(searched, known + given, seed)
        if name == LADDER_TUNED
        else ParzenSearch(searched, given + known, seed)
    )
    tuner = Tuner(proposals, settings, backend, seed, searched, reference or ladder)
    found = tuner.run(progress)
    policy = found.policy
    about = {"name": name, "stands_for": STANDS_FOR[name]}
    named = HealingPolicy(about, policy.groups, policy.recovery, policy.overrides)
    return Tuned(named, found.cost_s, found.incidents, found.log, found.costs_s)


STANDS_FOR = {
    LADDER_TUNED: "the hand-written ladder, its settings tuned by random search",
    TPE: "tree-structured Parzen estimators over the whole search space",
}
