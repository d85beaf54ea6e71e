"""A review as data: what `hms check --json` prints."""

from __future__ import annotations

from typing import Any

from hms.experiments.check.findings import Cost, Finding
from hms.experiments.check.places import Place
from hms.experiments.check.review import Review
from hms.experiments.check.rules import RULES
from hms.experiments.check.snippets import snippet


def review_mapping(review: Review) -> dict[str, Any]:
    """All findings, the dearest first."""
    return {
        "scenario": review.system.scenario.name,
        "seed": review.seed,
        "engine": review.engine,
        "draws": review.draws,
        "draws_unwell_at_rest": review.unwell,
        "not_simulated": review.refused,
        "wall_s": round(review.wall_s, 3),
        "rules": list(RULES),
        "findings": [_finding(each) for each in review.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "subject": finding.subject,
        "where": _place(finding.where),
        "also": [_place(place) for place in finding.also],
        "says": finding.says,
        "assumed": list(finding.assumed),
        "cost": _cost(finding.cost),
        "change": finding.change,
        "paste": snippet(finding),
    }


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "sure": place.sure}


def _cost(cost: Cost | None) -> dict[str, Any] | None:
    if cost is None:
        return None
    return {
        "per": cost.trial.words,
        "downtime_s": cost.saved.mean,
        "low_s": cost.saved.low,
        "high_s": cost.saved.high,
        "level": cost.saved.level,
        "as_it_is_s": cost.as_is_s,
        "with_the_change_s": cost.changed_s,
        "not_back_by_the_end": cost.unrecovered,
        "outlives_its_cause": cost.outlives,
        "outlives_its_cause_with_the_change": cost.outlives_changed,
    }
