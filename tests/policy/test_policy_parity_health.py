"""The status of a live component, interpreted and compiled: no engine runs it, others may.

Random reports, gaps and silences; every word of the state equal after each batch.
"""

import random
from typing import Any

import pytest
from twins import Twin, both

from hms.agents.policy.health import (
    HealthReport,
    HealthState,
    arrive,
    is_silent,
    judge,
    learn,
    quiet_errors,
    quiet_memory,
    quiet_response_s,
    status_at,
)
from hms.agents.policy.invariants import WHOLE, health_rule
from hms.agents.policy.parameters import HealthParameters


def parameters_of(random_: random.Random) -> HealthParameters:
    """Limits in an order that may make no sense, rules switched off now and then."""
    chosen: dict[str, Any] = {
        "reports_in": random_.randint(1, 4), "reports_out": random_.randint(1, 4),
        "missing_reports": random_.randint(0, 4), "interval_s": random_.uniform(0.5, 5.0),
        "degraded_error_rate": random_.uniform(0.01, 0.3),
        "critical_memory_share": random_.choice([2.0, random_.uniform(0.5, 1.0)]),
        "degraded_slow_factor": random_.choice([0.0, random_.uniform(1.01, 5.0)]),
        "critical_response_s": random_.choice([0.0, random_.uniform(0.1, 3.0)]),
        "warm_up": random_.randint(3, 10),
    }
    return HealthParameters(**chosen)


@pytest.mark.parametrize("seed", range(2))
def test_reports_of_a_component(seed):
    random_ = random.Random(700 + seed)
    for _ in range(10):
        s, p = Twin(HealthState()), Twin(parameters_of(random_))
        now_s = 0.0
        for _ in range(200):
            now_s += random_.choice([0.0, 1.0, random_.uniform(0.0, 4.0), 30.0])
            both(arrive, s, p, now_s)
            report = HealthReport(
                error_share=random_.choice([0.0, random_.random()]),
                memory_share=random_.choice([0.0, random_.random()]),
                response_s=random_.choice([0.01, random_.uniform(0.0, 5.0)]),
            )
            both(judge, s, p, Twin(report), now_s)
            if random_.random() < 0.5:
                both(learn, s, p, report.response_s, now_s)
            both(status_at, s, p, now_s, random_.random() < 0.1, random_.random() < 0.1)
            both(is_silent, s, p, now_s + random_.uniform(0.0, 60.0))
            both(quiet_errors, s, p)
            both(quiet_memory, p)
            both(quiet_response_s, s, p)
            assert both(health_rule, s) == WHOLE
        s.check()
