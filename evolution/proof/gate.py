"""The gate of `hms prove`: every part must hold, and each says its number and its limit.

The best baseline is the one with the lowest mean downtime on the held-out failures, never the one
that suits the champion; an oracle is no baseline. A later look at the same lineage must be surer:
look n is judged at a chance of error of .01 / n, so that many looks do not add up to a proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hms.evolution.gate import Scores, allowed_disruption_s
from hms.evolution.proof.compared import ALPHA, RESAMPLES, Comparison, compare

SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits.

    Attributes:
        scenarios: held-out failures, at least.
        gain_share: mean downtime below the best baseline's, at least, as a share of it.
        cvar_times: the worst tenth's downtime, at most, times the best baseline's.
        family_times: any family's mean downtime, at most, times the best baseline's there.
        safe_runs: runs of the champion without a safety breach, at least.
        alpha: chance of error of the lower bound at the first look.
    """

    scenarios: int = 400
    gain_share: float = 0.05
    cvar_times: float = 1.02
    family_times: float = 1.05
    safe_runs: int = 3_000
    alpha: float = ALPHA


RULES = Rules()


@dataclass(frozen=True, slots=True)
class Safety:
    """Runs of the champion that were looked at, and the breaches found, by kind."""

    runs: int
    breaches: Mapping[str, int]

    @property
    def count(self) -> int:
        """All breaches."""
        return sum(self.breaches.values())


@dataclass(frozen=True, slots=True)
class GatePart:
    """One condition.

    Attributes:
        found, limit: what was measured and what it is held against, in the unit of `wanted`.
        wanted, told: both in words.
    """

    name: str
    passed: bool
    found: float
    limit: float
    wanted: str
    told: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says."""

    parts: tuple[GatePart, ...]
    comparison: Comparison
    alpha: float

    @property
    def passed(self) -> bool:
        """Every part holds."""
        return all(part.passed for part in self.parts)

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the parts that do not hold."""
        return tuple(part.name for part in self.parts if not part.passed)


def judge(
    champion: Scores,
    baselines: Mapping[str, Scores],
    families: Sequence[str],
    safety: Safety,
    *,
    seed: str,
    look: int = 1,
    rules: Rules = RULES,
    resamples: int = RESAMPLES,
) -> Verdict:
    """Judge a champion on held-out failures.

    Args:
        champion, baselines: scores on the same failures in the same order, seconds.
        families: the family of each failure.
        safety: what the champion's runs showed.
        seed: names the bootstrap's streams.
        look: which look at this lineage it is, from 1.

    Raises:
        ValueError: no baseline, scores that do not pair up, or a look below 1.
    """
    if look < 1:
        raise ValueError(f"looks are counted from 1, not {look}")
    alpha = rules.alpha / look
    found = compare(champion, baselines, families, seed=seed, alpha=alpha, resamples=resamples)
    rival = baselines[found.best]
    parts = (
        _enough(found, rules),
        _lower(found, rules),
        _surely(found, alpha),
        _worst_tenth(found, rules),
        _disruption(found),
        _families(champion, rival, families, found.best, rules),
        _safe(safety, rules),
    )
    return Verdict(parts, found, alpha)


def _enough(found: Comparison, rules: Rules) -> GatePart:
    count = found.scenarios
    return GatePart(
        "scenarios", count >= rules.scenarios, count, rules.scenarios,
        f"{rules.scenarios} held-out failures or more", f"{count}",
    )  # fmt: skip


def _lower(found: Comparison, rules: Rules) -> GatePart:
    share = found.beaten.gain_share
    return GatePart(
        "downtime", share >= rules.gain_share - SLACK, share, rules.gain_share,
        f"{rules.gain_share:.0%} below {found.best} or more",
        f"{found.downtime_s:.2f} s beside {found.beaten.downtime_s:.2f} s: {_below(share)}",
    )  # fmt: skip


def _surely(found: Comparison, alpha: float) -> GatePart:
    bound_s = found.beaten.bound_s
    return GatePart(
        "certainty", bound_s > 0.0, bound_s, 0.0,
        f"a gain above 0 s, {1.0 - alpha:.4g} sure",
        f"at least {bound_s:.2f} s",
    )  # fmt: skip


def _worst_tenth(found: Comparison, rules: Rules) -> GatePart:
    limit_s = rules.cvar_times * found.beaten.cvar_s
    return GatePart(
        "worst tenth", found.cvar_s <= limit_s + SLACK, found.cvar_s, limit_s,
        f"at most {limit_s:.2f} s ({rules.cvar_times - 1.0:+.0%})", f"{found.cvar_s:.2f} s",
    )  # fmt: skip


def _disruption(found: Comparison) -> GatePart:
    limit_s = allowed_disruption_s(found.beaten.disruption_s)
    return GatePart(
        "disruption", found.disruption_s <= limit_s + SLACK, found.disruption_s, limit_s,
        f"at most {limit_s:.2f} s (+10 % or 1 s)", f"{found.disruption_s:.2f} s",
    )  # fmt: skip


def _families(
    champion: Scores, rival: Scores, families: Sequence[str], best: str, rules: Rules
) -> GatePart:
    """The family in which the champion does worst beside the best baseline."""
    worst, worst_times, told = "", -np.inf, ""
    for name, (ours_s, theirs_s) in family_means(champion, rival, families).items():
        times = _times(ours_s, theirs_s)
        if times > worst_times:
            worst, worst_times = name, times
            told = f"{worst}: {ours_s:.2f} s beside {theirs_s:.2f} s"
    return GatePart(
        "families", worst_times <= rules.family_times + SLACK, worst_times, rules.family_times,
        f"none more than {rules.family_times - 1.0:.0%} above {best}", told,
    )  # fmt: skip


def family_means(
    champion: Scores, rival: Scores, families: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Mean downtime of champion and rival in each family, seconds, by the family's name."""
    labels = np.asarray(list(families))
    ours, theirs = np.asarray(champion.downtime_s), np.asarray(rival.downtime_s)
    return {
        name: (float(ours[labels == name].mean()), float(theirs[labels == name].mean()))
        for name in sorted(set(families))
    }


def _times(ours_s: float, theirs_s: float) -> float:
    if theirs_s > SLACK:
        return ours_s / theirs_s
    return 1.0 if ours_s <= SLACK else np.inf


def _safe(safety: Safety, rules: Rules) -> GatePart:
    kinds = ", ".join(f"{n} {name}" for name, n in safety.breaches.items() if n)
    return GatePart(
        "safety", safety.count == 0 and safety.runs >= rules.safe_runs, safety.count, 0.0,
        f"no breach in {rules.safe_runs:,} runs or more",
        f"{safety.count} in {safety.runs:,}{f' ({kinds})' if kinds else ''}",
    )  # fmt: skip


def _below(share: float) -> str:
    return f"{share:.1%} below" if share >= 0.0 else f"{-share:.1%} above"
