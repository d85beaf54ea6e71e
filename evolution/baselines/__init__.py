"""The stacks a champion is compared with: policy files, and today's settings of a scenario."""

from hms.evolution.baselines.stacks import Baseline, load, names
from hms.evolution.baselines.today import TODAY, today_policy

__all__ = ["TODAY", "Baseline", "load", "names", "today_policy"]
