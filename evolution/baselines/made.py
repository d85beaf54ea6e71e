"""Names of the stacks that no file holds: a run makes them, and what they cost is stated apart."""

LADDER_TUNED = "ladder-tuned"
TPE = "tpe"
TUNED = (LADDER_TUNED, TPE)
"""Tuned by the run itself, each at the search's own budget of incidents."""

ORACLE = "oracle"
"""Told fault and place; a row to compare with, never a baseline that could be the best."""

LAST_CHAMPION = "last-champion"
"""The champion that ships, where there is one."""

MADE = (*TUNED, ORACLE, LAST_CHAMPION)
