"""The oracle: what the best of all acts and data planes would have saved, told fault and place."""

from hms.evolution.oracle.best import DELAY_S, RUNS, best_rows, planes
from hms.evolution.oracle.gap import gap_closed

__all__ = ["DELAY_S", "RUNS", "best_rows", "gap_closed", "planes"]
