"""Baselines that are tuned as hard as evolution searches: equal incidents, the same scenarios."""

from hms.evolution.tuning.tuned import LADDER_TUNED, TPE, TUNED, tune_stack

__all__ = ["LADDER_TUNED", "TPE", "TUNED", "tune_stack"]
