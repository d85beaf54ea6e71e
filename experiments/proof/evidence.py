"""The evidence file: all figures of a proof, for machines (schema hms.evidence/1)."""

from __future__ import annotations

import json
import math
import platform
import sys
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

import hms
from hms.documents import write_whole
from hms.evolution.proof.engines import SCENARIOS_LEAST, TAU_LEAST
from hms.evolution.proof.gate import family_means
from hms.experiments.proof.running import ALL_COLUMNS
from hms.experiments.proof.safety import CHECKED, NOT_CHECKED
from hms.scenarios.generator.frozen_split import FROZEN
from hms.scenarios.generator.frozen_split import VERSION as GENERATOR_VERSION
from hms.scenarios.outcome import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

    from hms.evolution.proof.compared import Comparison
    from hms.experiments.proof.proof import Met, Proof

SCHEMA = "hms.evidence/1"
VERSIONS = ("numpy", "scipy", "numba")


def evidence(proof: Proof) -> dict[str, Any]:
    """The whole file; the same policy, look and version give the same but for `seconds`."""
    data: dict[str, Any] = _clean(
        {
            "schema": SCHEMA,
            "passed": proof.passed,
            "policy": {
                "sha256": proof.subject.policy.sha256,
                "name": proof.subject.name,
                "source": proof.subject.source,
                "about": proof.subject.policy.about,
            },
            "on": list(proof.look.on),
            "split_sha256": proof.split_sha256,
            "generator": {"sha256": FROZEN.sha256, "version": GENERATOR_VERSION},
            "seeds": _seeds(proof),
            "look": {
                "number": proof.look.number,
                "draw": proof.look.draw,
                "before": proof.looks_before,
                "id": proof.look.id,
                "at": proof.look.at,
                "lineage": sorted(proof.subject.kin.names),
                "alpha": proof.verdict.alpha,
            },
            "gate": _gate(proof),
            "held_out": _compared(proof.verdict.comparison),
            "families": _families(proof),
            "apart": {name: _compared(found) for name, found in proof.apart_found.items()},
            "widths": [
                {"width": width, **_compared(found)} for width, found in proof.widths.items()
            ],
            "oracle": _oracle(proof),
            "safety": {
                "runs": proof.safety_runs,
                "breaches": dict(proof.breaches),
                "checked": CHECKED,
                "not_checked": NOT_CHECKED,
            },
            "request": _request(proof),
            "stacks": [
                {
                    "name": stack.name,
                    "sha256": None if stack.policy is None else stack.policy.sha256,
                    "footnote": stack.footnote,
                }
                for stack in proof.setting.stacks
            ],
            "incidents": {
                "held_out": _incidents(proof, proof.main),
                **{name: _incidents(proof, met) for name, met in proof.apart.items()},
            },
            "versions": _versions(),
            "command": proof.asked.command,
            "seconds": dict(proof.seconds),
        }
    )
    return data


def write_evidence(data: dict[str, Any], path: Path) -> None:
    """Write it whole; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def _gate(proof: Proof) -> dict[str, Any]:
    return {
        "passed": proof.verdict.passed,
        "best_baseline": proof.verdict.comparison.best,
        "parts": [
            {
                "name": part.name, "passed": part.passed, "found": part.found,
                "limit": part.limit, "wanted": part.wanted, "told": part.told,
            }
            for part in proof.verdict.parts
        ],
    }  # fmt: skip


def _compared(found: Comparison) -> dict[str, Any]:
    return {
        "scenarios": found.scenarios,
        "champion": {
            "downtime_s": found.downtime_s, "cvar_s": found.cvar_s,
            "disruption_s": found.disruption_s,
        },
        "best_baseline": found.best,
        "gain_share": found.beaten.gain_share,
        "baselines": {
            name: {
                "downtime_s": one.downtime_s,
                "cvar_s": one.cvar_s,
                "disruption_s": one.disruption_s,
                "champion_minus_it_s": {
                    "mean": one.difference.mean, "low": one.difference.low,
                    "high": one.difference.high, "level": one.difference.level,
                },
                "gain_share": one.gain_share,
                "wilcoxon_p": one.p,
                "wilcoxon_p_holm": one.p_holm,
                "rank_biserial": one.effect,
            }
            for name, one in found.against.items()
        },
    }  # fmt: skip


def _families(proof: Proof) -> dict[str, Any]:
    best = proof.verdict.comparison.best
    rival = proof.main.baselines(proof.setting)[best]
    means = family_means(proof.main.scores(0), rival, proof.main.families)
    return {
        name: {"champion_s": ours_s, f"{best}_s": theirs_s}
        for name, (ours_s, theirs_s) in means.items()
    }


def _oracle(proof: Proof) -> dict[str, Any] | None:
    return None if proof.oracle is None else asdict(proof.oracle)


def _request(proof: Proof) -> dict[str, Any] | None:
    ranks = proof.ranks
    if ranks is None:
        return None
    fluid_s, request_s = ranks.gain_s
    return {
        "passed": proof.engines_agree,
        "scenarios": ranks.scenarios,
        "scenarios_least": SCENARIOS_LEAST,
        "kendall_tau": ranks.tau,
        "tau_least": TAU_LEAST,
        "same_sign": ranks.same_sign,
        "gain_s": {"fluid": fluid_s, "request": request_s, "to": ranks.best},
        "downtime_s": {
            name: {"fluid": ranks.fluid_s[name], "request": ranks.request_s[name]}
            for name in ranks.fluid_s
        },
        "breakers": [
            {
                "name": check.name, "can_open": check.can_open, "cases": check.cases,
                "opened": check.opened, "opened_anywhere": check.anywhere,
                "passed": check.passed,
            }
            for check in proof.breakers
        ],
    }  # fmt: skip


def _seeds(proof: Proof) -> dict[str, Any]:
    """Of the experiments, and of the held-out draws that follow from them and the policy."""
    parts = (proof.main, *proof.apart.values())
    drawn = {
        order.system(proof.setting.places): order.seed for met in parts for order in met.orders
    }
    places = {place.name: place.seed for place in proof.setting.places}
    return {"experiment": places or {"frozen split": proof.look.seed}, "held_out": drawn}


def _incidents(proof: Proof, met: Met) -> list[dict[str, Any]]:
    """Downtime and disruption of every stack on every failure."""
    names = [stack.name for stack in proof.setting.stacks]
    down, disrupt = (ALL_COLUMNS.index(name) for name in ("downtime_s", "disruption_s"))
    assert ALL_COLUMNS[: len(COLUMNS)] == COLUMNS
    return [
        {
            "incident": str(order.incident),
            "system": order.system(proof.setting.places),
            "family": order.family,
            "downtime_s": dict(zip(names, np.round(row[:, down], 6).tolist(), strict=True)),
            "disruption_s": dict(zip(names, np.round(row[:, disrupt], 6).tolist(), strict=True)),
        }
        for order, row in zip(met.orders, met.rows, strict=True)
    ]


def _versions() -> dict[str, str]:
    return {
        "hms": hms.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in VERSIONS},
        "machine": f"{sys.platform} {platform.machine()}",
    }


def _clean(data: Any) -> Any:
    """JSON knows no infinity: where there is none, None."""
    if isinstance(data, dict):
        return {key: _clean(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_clean(value) for value in data]
    if isinstance(data, np.generic):
        return _clean(data.item())
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data
