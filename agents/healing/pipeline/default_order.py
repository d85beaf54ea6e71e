"""The pipeline of a guarded dependency: the default order, of what its settings ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.calls.classification import Classification, RetryAfter
from hms.agents.healing.clock import Clock
from hms.agents.healing.pipeline.bulkhead import Bulkhead
from hms.agents.healing.pipeline.fallback import Fallback
from hms.agents.healing.pipeline.hedge import Hedge
from hms.agents.healing.pipeline.pipeline import Pipeline
from hms.agents.healing.pipeline.retry import Retry
from hms.agents.healing.pipeline.retry_after import told_retry_after_s
from hms.agents.healing.pipeline.retry_budget import RetryBudget
from hms.agents.healing.pipeline.timeout import Timeout
from hms.agents.policy.healing_policy import EdgeParameters
from hms.errors import CallRefused, CallTimeout, ConfigRefused

HEDGE_QUANTILE = 0.95
S = TypeVar("S")


class PipelineSettings(Protocol):
    """What a user said of a dependency; None is nothing said."""

    @property
    def bulkhead(self) -> Any:
        """How many calls at once, or a `Bulkhead`."""
        ...

    @property
    def fallback(self) -> Any:
        """What answers instead: a value, a function (see `Fallback`), or a `Fallback`."""
        ...

    @property
    def hedge(self) -> Any:
        """A `Hedge`; True: one after the 0.95 quantile."""
        ...

    @property
    def idempotent(self) -> bool:
        """Whether a call may be made twice."""
        ...

    @property
    def retry_after(self) -> RetryAfter | None:
        """For how long an error or value asks callers to stay away."""
        ...

    @property
    def timeout(self) -> Any:
        """For one attempt, in seconds, or a `Timeout`."""
        ...


def build_pipeline(
    settings: PipelineSettings,
    edge: EdgeParameters,
    breaker: Breaker,
    classification: Classification,
    budget: RetryBudget,
    clock: Clock,
    draw: Callable[[], float],
    previous: Pipeline | None = None,
) -> Pipeline | None:
    """Fallback > total Timeout > Retry > Bulkhead > Breaker > Hedge > Timeout, if asked for.

    Args:
        previous: the pipeline that this one replaces: calls under way in its bulkhead, the
            durations that its hedge knows and its counters go on.

    Returns:
        None where a breaker is all that is asked for.

    Raises:
        ConfigRefused: a setting is of the wrong type, or a hedge without idempotence.
    """
    inside = (
        _bulkhead(settings.bulkhead, previous),
        breaker,
        _hedge(settings, classification, previous),
        _attempt_limit(settings.timeout, edge.timeout.call_s),
    )
    around = (
        _fallback(settings.fallback, classification),
        Timeout(edge.timeout.total_s or None, scope="total"),
        _retry(settings, edge, classification),
    )
    pipeline = Pipeline.of(
        *around, *inside, name=breaker.dependency, clock=clock, draw=draw, budget=budget,
        classification=classification, counts=previous.counts if previous else None,
    )
    return pipeline if len(pipeline.stages) > 1 else None


def _retry(
    settings: PipelineSettings, edge: EdgeParameters, classification: Classification
) -> Retry | None:
    if edge.retry.max_attempts <= 1:
        return None
    return Retry(
        classification.counts, parameters=edge.retry, idempotent=settings.idempotent,
        retry_after=settings.retry_after or told_retry_after_s,
    )


def _attempt_limit(said: Any, policy_s: float) -> Timeout:
    if isinstance(said, Timeout):
        return said
    return Timeout(policy_s or None if said is None else said)


def _bulkhead(said: Any, previous: Pipeline | None) -> Bulkhead | None:
    if said is None or isinstance(said, Bulkhead):
        return said
    return kept(previous, Bulkhead) or Bulkhead(said)


def _fallback(said: Any, classification: Classification) -> Fallback | None:
    """Answers failures and refusals; what is neutral, such as "not found", is an answer itself."""
    if said is None or isinstance(said, Fallback):
        return said

    def on(error: Exception) -> bool:
        return isinstance(error, CallRefused | CallTimeout) or classification.counts(error)

    return Fallback(said, on=on) if callable(said) else Fallback.value(said, on=on)


def _hedge(
    settings: PipelineSettings, classification: Classification, previous: Pipeline | None
) -> Hedge | None:
    said = settings.hedge
    if said is None or said is False:
        return None
    if not settings.idempotent:
        raise ConfigRefused("hedge: a call that is not idempotent must not be made twice")
    if isinstance(said, Hedge):
        return said
    if said is not True:
        raise ConfigRefused(f"hedge is {said!r}\n    expected: a Hedge, or True")
    return kept(previous, Hedge) or Hedge(
        idempotent=True, quantile=HEDGE_QUANTILE, on=classification.counts
    )


def kept(previous: Pipeline | None, kind: type[S]) -> S | None:
    """The stage of this kind in the pipeline before."""
    stages = previous.stages if previous else ()
    return next((each for each in stages if isinstance(each, kind)), None)
