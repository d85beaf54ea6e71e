"""Two engines, one meaning: `fluid` beside `request` on generated incidents.

The same compiled incident under the same policy, twenty seeds on each engine. An incident counts
as agreed when both give the same commonest verdict, or when `request` itself cannot tell: the
interval of how often it gives fluid's verdict contains a half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import TYPE_CHECKING

from hms.evolution import baselines
from hms.experiments.fidelity.measures import residence_s
from hms.experiments.fidelity.row import SEEDS, wilson
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines import fluid, request
from hms.scenarios.generator.frozen_split import FROZEN, VALIDATION
from hms.scenarios.generator.incidents import draw_incident
from hms.scenarios.policy_tables import tables
from hms.scenarios.split import IncidentId

if TYPE_CHECKING:
    from hms.scenarios.model import Scenario
    from hms.scenarios.outcome import Outcome

POLICIES = ("platform", "resilience4j", "ladder")
INCIDENTS = 90
SEED = "fidelity"


@dataclass(frozen=True, slots=True)
class Sides:
    """What one engine gave over its seeds.

    Attributes:
        verdicts: how often each.
        availability, answered_rps, residence_s: means over the seeds.
    """

    verdicts: Counter[str]
    availability: float
    answered_rps: float
    residence_s: float

    @property
    def verdict(self) -> str:
        """The commonest; of equals the first by name."""
        return max(sorted(self.verdicts), key=self.verdicts.__getitem__)


@dataclass(frozen=True, slots=True)
class Compared:
    """One incident on both engines.

    Attributes:
        open: `request` does not tell which verdict it is.
    """

    incident: str
    family: str
    topology: str
    policy: str
    fluid: Sides
    request: Sides
    open: bool

    @property
    def agreed(self) -> bool:
        """Same verdict, or an open one."""
        return self.open or self.fluid.verdict == self.request.verdict

    def error(self, name: str) -> float:
        """Distance of fluid's mean from request's, as a share of it."""
        ours, theirs = getattr(self.fluid, name), getattr(self.request, name)
        return float(abs(ours - theirs) / theirs if theirs else abs(ours))


def compared(
    count: int = INCIDENTS, seeds: int = SEEDS, said: Callable[[Compared], None] | None = None
) -> list[Compared]:
    """The first validation incidents of the frozen split, each under one of three policies."""
    found = []
    for index, identity in enumerate(FROZEN.incidents(VALIDATION, count)):
        drawn = draw_incident(identity, seed=SEED)
        policy = POLICIES[index % len(POLICIES)]
        ours = _sides(fluid.run, drawn.scenario, policy, seeds)
        theirs = _sides(request.run, drawn.scenario, policy, seeds)
        low, high = wilson(theirs.verdicts[ours.verdict], seeds)
        one = Compared(
            str(identity), identity.family, identity.topology, policy, ours, theirs,
            low <= 0.5 <= high,
        )
        found.append(one)
        if said is not None:
            said(one)
    return found


def _sides(
    run: Callable[..., Outcome], scenario: Scenario, policy_name: str, seeds: int
) -> Sides:
    settings = tables(baselines.load(policy_name).policy, scenario)
    residence = residence_s(scenario.workload[0].entry, scenario.warm_up_s)
    outcomes = [
        run(compile_scenario(scenario, IncidentId("fidelity", "pair", k).seed(SEED)), settings,
            record=True)
        for k in range(seeds)
    ]
    lasting_s = scenario.horizon_s - scenario.warm_up_s
    return Sides(
        Counter(each.verdict for each in outcomes),
        mean(each.availability for each in outcomes),
        mean((each.good + each.bad) / lasting_s for each in outcomes),
        mean(residence(each) for each in outcomes),
    )


def line_of(one: Compared) -> str:
    """What the terminal shows of an incident."""
    mark = "ok " if one.agreed else "RED"
    return (
        f"{mark}  {one.incident:52} {one.policy:12}  fluid {_told(one.fluid):28}"
        f" request {_told(one.request)}"
    )


def agreement_page(found: Sequence[Compared], seeds: int = SEEDS) -> str:
    """The page's part on the two engines, in Markdown."""
    agreed = sum(each.agreed for each in found)
    lines = [
        "## Two engines, one meaning\n",
        f"`fluid` beside `request` on {len(found)} generated incidents (the validation part of"
        " [the frozen split](generator.md), every family and topology in turn, under"
        f" {', '.join(POLICIES)} in turn; {seeds} seeds on each side). An incident of which"
        " `request` cannot tell the verdict (its interval contains a half) counts as agreed.\n",
        f"**Verdicts agree on {agreed} of {len(found)} ({agreed / len(found):.0%}).**\n",
        "| | median error | 90th percentile |",
        "|-|-|-|",
    ]
    for name, told in (
        ("answered_rps", "throughput"), ("availability", "availability"),
        ("residence_s", "time in the system"),
    ):  # fmt: skip
        errors = sorted(each.error(name) for each in found)
        lines.append(
            f"| {told} | {median(errors):.1%} | {errors[int(0.9 * (len(errors) - 1))]:.1%} |"
        )
    lines += ["", *_families(found), "", *_apart(found)]
    return "\n".join(lines) + "\n"


def _families(found: Sequence[Compared]) -> Iterator[str]:
    yield "| family | incidents | verdicts agree | median error: throughput | availability | time |"
    yield "|-|-|-|-|-|-|"
    for family in sorted({each.family for each in found}):
        inside = [each for each in found if each.family == family]
        errors = (
            f"{median(each.error(name) for each in inside):.1%}"
            for name in ("answered_rps", "availability", "residence_s")
        )
        agreed = sum(each.agreed for each in inside)
        yield f"| {family} | {len(inside)} | {agreed} | {' | '.join(errors)} |"


def _apart(found: Sequence[Compared]) -> Iterator[str]:
    apart = [each for each in found if not each.agreed]
    if not apart:
        return
    yield "Where they differ:\n"
    yield "| incident | policy | fluid | request | availability: fluid, request |"
    yield "|-|-|-|-|-|"
    for each in apart:
        yield (
            f"| {each.incident} | {each.policy} | {_told(each.fluid)} | {_told(each.request)} "
            f"| {each.fluid.availability:.3f}, {each.request.availability:.3f} |"
        )


def _told(sides: Sides) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(sides.verdicts.items()))
