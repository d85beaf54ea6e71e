"""The table of rules: name, what it looks for, who finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hms.experiments.check import breakers, probes, queues, replicas, retries, timeouts
from hms.experiments.check.findings import Finding
from hms.experiments.check.system import System

PAGES = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        title: what is wrong where it is broken.
        find: its findings, in the order of names.
    """

    name: str
    title: str
    find: Callable[[System], Iterator[Finding]]

    @property
    def page(self) -> str:
        """The page that `--explain` prints."""
        return (PAGES / f"{self.name}.md").read_text(encoding="utf-8")


RULES = {
    rule.name: rule
    for rule in (
        Rule(
            replicas.SINGLE_REPLICA,
            "one replica on a path that requests need",
            replicas.single_replica,
        ),
        Rule(
            timeouts.TIMEOUT_NESTING,
            "a time-out that does not fit into its caller's",
            timeouts.timeout_nesting,
        ),
        Rule(
            retries.RETRY_MULTIPLICATION,
            "retries that multiply along a path",
            retries.retry_multiplication,
        ),
        Rule(
            retries.RETRY_WITHOUT_BUDGET, "retries without a budget", retries.retry_without_budget
        ),
        Rule(
            breakers.BREAKER_NEVER_OPENS, "a breaker that cannot open", breakers.breaker_never_opens
        ),
        Rule(
            breakers.EJECTION_ROUNDS_TO_ZERO,
            "an ejection limit that rounds to zero",
            breakers.ejection_rounds_to_zero,
        ),
        Rule(
            queues.QUEUE_LONGER_THAN_TIMEOUT,
            "a queue longer than the time-out",
            queues.queue_longer_than_timeout,
        ),
        Rule(
            probes.PROBE_ON_REQUEST_PATH,
            "a liveness probe that waits behind requests",
            probes.probe_on_request_path,
        ),
        Rule(
            probes.PROBE_SHORTER_THAN_OVERLOAD,
            "a liveness probe shorter than an overload",
            probes.probe_shorter_than_overload,
        ),
        Rule(
            probes.PROBE_CANNOT_SEE_HANG,
            "a probe that cannot see a hang",
            probes.probe_cannot_see_hang,
        ),
        Rule(probes.NO_LIVENESS_PROBE, "no liveness probe", probes.no_liveness_probe),
    )
}
"""By name."""
