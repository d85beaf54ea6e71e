"""The stacks a champion is compared with: policy files, and today's settings of a scenario."""

from hms.evolution.baselines.made import LAST_CHAMPION, MADE, ORACLE, TUNED
from hms.evolution.baselines.stacks import Baseline, last_champion, load, names
from hms.evolution.baselines.today import TODAY, today_policy

__all__ = [
    "LAST_CHAMPION",
    "MADE",
    "ORACLE",
    "TODAY",
    "TUNED",
    "Baseline",
    "last_champion",
    "load",
    "names",
    "today_policy",
]
