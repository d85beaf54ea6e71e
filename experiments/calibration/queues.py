"""Waiting at a station, and the service time behind a measured time in it.

Mean wait: Erlang's C for M/M/c, times (ca² + cv²)/2 (Allen and Cunneen); exact for M/G/1
(Pollaczek and Khinchine). Its variance: for one server Takács' second moment with a gamma service
time, for several that of an exponential wait behind a probability of waiting. Arrivals at one of n
replicas under round robin are smoother than Poisson: ca² = 1/n, as in the engine of means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hms.scenarios.engines.fluid.closure import erlang_c
from hms.scenarios.model import Component

MOST_LOAD = 0.995
STEPS = 60
MOST_CV = 8.0


@dataclass(frozen=True, slots=True)
class Replica:
    """One replica as a queue.

    Attributes:
        rate_rps: arrivals at it.
        arrival_cv2: squared coefficient of variation of the times between them.
    """

    rate_rps: float
    servers: int
    arrival_cv2: float = 1.0

    def wait_s(self, service_s: float, cv: float) -> float:
        """Mean wait; infinite from `MOST_LOAD` of its capacity on."""
        load = self.rate_rps * service_s / self.servers
        if load >= MOST_LOAD:
            return math.inf
        if load <= 0.0:
            return 0.0
        exponential_s = self._waiting(load) / (self.servers / service_s - self.rate_rps)
        return exponential_s * (self.arrival_cv2 + cv * cv) / 2.0

    def _waiting(self, load: float) -> float:
        """The probability of waiting in M/M/c."""
        return float(erlang_c(self.servers, np.array([load]))[0])

    def wait_variance(self, service_s: float, cv: float) -> float:
        """Variance of the wait."""
        mean = self.wait_s(service_s, cv)
        load = self.rate_rps * service_s / self.servers
        if load <= 0.0 or not math.isfinite(mean):
            return 0.0 if load <= 0.0 else math.inf
        if self.servers == 1 and self.arrival_cv2 == 1.0:
            third = service_s**3 * (1.0 + cv * cv) * (1.0 + 2.0 * cv * cv)
            return mean * mean + self.rate_rps * third / (3.0 * (1.0 - load))
        waiting = self._waiting(load)
        return mean * mean * (2.0 / waiting - 1.0) if waiting > 0.0 else 0.0

    def service_s(self, stay_s: float, cv: float) -> float:
        """The service time with which a request stays `stay_s` on average, by bisection."""
        low, high = 0.0, stay_s
        for _ in range(STEPS):
            middle = 0.5 * (low + high)
            if middle + self.wait_s(middle, cv) > stay_s:
                high = middle
            else:
                low = middle
        return 0.5 * (low + high)

    def service_and_cv(self, stay_s: float, stay_variance: float) -> tuple[float, float]:
        """Service time and its cv behind mean and variance of the time at a station."""
        low, high = 0.0, MOST_CV
        for _ in range(STEPS):
            cv = 0.5 * (low + high)
            mean = self.service_s(stay_s, cv)
            if (mean * cv) ** 2 + self.wait_variance(mean, cv) > stay_variance:
                high = cv
            else:
                low = cv
        cv = 0.5 * (low + high)
        return self.service_s(stay_s, cv), cv

    def cv_of_wait(self, wait_s: float, service_s: float) -> float | None:
        """The cv of a known service time behind a mean wait; None where nearly nobody waits."""
        smooth_s = self.wait_s(service_s, 0.0)
        if not math.isfinite(smooth_s) or smooth_s <= 0.01 * service_s:
            return None
        return math.sqrt(max(0.0, wait_s / smooth_s - 1.0) * self.arrival_cv2)


def replica_of(component: Component, rate_rps: float) -> Replica:
    """One of a component's replicas, at a share of the component's rate."""
    even = component.balancer == "round_robin" and component.replicas > 1
    return Replica(
        rate_rps / component.replicas,
        max(1, math.ceil(component.cores - 1e-9)),
        1.0 / component.replicas if even else 1.0,
    )
