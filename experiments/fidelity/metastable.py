"""Collapses that outlive their cause, and what prevents or ends them."""

from __future__ import annotations

from typing import Any

from hms.experiments.fidelity import measures
from hms.experiments.fidelity.row import Row, Threshold, Value, Verdict

HOTOS = "HotOS'21"
RETRIES = "Retries and budgets"
OVERLOAD = "Overload"
RATE = "workload/0/rate_rps"
LINK = "edges/gateway -> server/"
RETRY = LINK + "retry/"
SERVER = "components/server/"


def rows() -> list[Row]:
    """All of them."""
    return [*_hotos(), *_law(), *_rescue(), *_overload()]


def _hotos() -> list[Row]:
    cancel: dict[str, Any] = {LINK + "cancel_on_timeout": True, SERVER + "service_cv": 1}
    cut, keeps = "hotos-2021-cut", {LINK + "on_cut": "queue"}
    return [
        Verdict(HOTOS, "140/s with a stall of 10 s", "hotos-2021", "recovered", {RATE: 140}),
        Verdict(HOTOS, "150/s with a stall of 10 s", "hotos-2021", "collapsed", {RATE: 151}),
        Value(HOTOS, "280/s: load that stays", "hotos-2021", measures.calls_sent_rps("server"),
              560.0, 0.02, "/s", {RATE: 280}, slack=0.02),
        Threshold(HOTOS, "collapses from", "hotos-2021", RATE, 120, 180, 2.0, 145, 152),
        Threshold(HOTOS, "collapses from, late calls cancelled", "hotos-2021", RATE, 150, 290,
                  5.0, 180, 200, changes=cancel),
        Threshold(HOTOS, "collapses from, a cut that loses", cut, RATE, 200, 320, 5.0, 265, 295),
        Verdict(HOTOS, "280/s, a cut that keeps requests", cut, "collapsed", keeps),
    ]


def _law() -> list[Row]:
    found: list[Row] = []
    for retries in (1, 2, 3, 4):
        edge = 100.0 / (1 + retries)
        found.append(
            Threshold(
                RETRIES, f"{retries} retries: collapse lasts from capacity / {1 + retries}",
                "retry-law", RATE, 0.85 * edge, 1.15 * edge, 0.025 * edge, 0.95 * edge,
                1.05 * edge, changes={RETRY + "max_attempts": retries + 1}, seeds=10,
            )
        )
    return found


def _rescue() -> list[Row]:
    found: list[Row] = [
        Verdict(RETRIES, "half lost, no retries", "budget-rescue", "recovered"),
    ]
    for retries, load in ((1, 140.0), (2, 210.0), (3, 280.0)):
        changes: dict[str, Any] = {RETRY + "max_attempts": retries + 1}
        told = f"half lost, {retries} retries"
        found += [
            Verdict(RETRIES, told, "budget-rescue", "collapsed", changes),
            Value(RETRIES, f"{told}: load that stays", "budget-rescue",
                  measures.calls_sent_rps("server"), load, 0.02, "/s", changes, slack=0.02),
        ]
    for ratio in (0.1, 0.2):
        changes = {
            RETRY + "max_attempts": 4, RETRY + "budget_kind": "tokens",
            RETRY + "budget_ratio": ratio, RETRY + "budget_max": 10,
        }
        told = f"half lost, 3 retries, budget {ratio:g}"
        found.append(Verdict(RETRIES, told, "budget-rescue", "recovered", changes))
    return found


def _overload() -> list[Row]:
    return [
        Value(OVERLOAD, "goodput collapse: back at", "goodput-collapse",
              measures.back_at_s(90.0, 16), 51.0, 0.1, " s", slack=0.35,
              note="load .9: single runs differ by tens of seconds"),
        Verdict(OVERLOAD, "spike and step-down, no retries", "spike-step-down", "recovered",
                {RETRY + "max_attempts": 1}),
        Verdict(OVERLOAD, "spike and step-down, 3 retries", "spike-step-down", "collapsed"),
        Verdict(OVERLOAD, "one of two down for 5 s, 3 retries", "metastable-retry", "collapsed"),
        Value(OVERLOAD, "... load that stays", "metastable-retry",
              measures.calls_sent_rps("server"), 280.0, 0.02, "/s", slack=0.02),
        Verdict(OVERLOAD, "one of two down for 5 s, no retries", "metastable-retry",
                "recovered", {RETRY + "max_attempts": 1}),
    ]
