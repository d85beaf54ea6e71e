"""Held-out results made up for tests of the closing table: a row for each stack and failure."""

from collections.abc import Mapping

import pandas as pd

FAMILIES = ("crash", "hang")


def results(
    downtime_s: Mapping[str, float],
    disruption_s: Mapping[str, float] | None = None,
    set_name: str = "held_out",
    failures: int = 40,
) -> pd.DataFrame:
    """Each stack is down about as long as its mean says, longer in later failures."""
    rows = []
    for stack, mean_s in downtime_s.items():
        for number in range(failures):
            down_s = mean_s * (0.5 + number / (failures - 1))
            rows.append(
                {
                    "stack": stack,
                    "set": set_name,
                    "incident": f"{set_name}/{FAMILIES[number % 2]}/{number // 2}",
                    "family": FAMILIES[number % 2],
                    "downtime_s": down_s,
                    "time_to_recover_s": 2.0 * down_s,
                    "recovered": down_s < 30.0,
                    "disruption_s": (disruption_s or {}).get(stack, 1.0),
                    "restarts": 1.0,
                    "offered": 1000.0 * (number + 1),
                    "good": 900.0 * (number + 1),
                }
            )
    return pd.DataFrame(rows)
