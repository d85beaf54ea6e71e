"""Baselines that are tuned as hard as evolution searches: equal incidents, the same scenarios."""

from hms.evolution.baselines.made import LADDER_TUNED, TPE, TUNED
from hms.evolution.tuning.tuned import tune_stack

__all__ = ["LADDER_TUNED", "TPE", "TUNED", "tune_stack"]
