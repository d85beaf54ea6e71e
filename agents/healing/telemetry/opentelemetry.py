"""OpenTelemetry: observable instruments on a meter; the service's provider exports them.

`observe(healing, meter=provider.get_meter("hms"))`, once; a reader's collecting asks from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from hms.agents.healing.telemetry.instruments import (
    INSTRUMENTS,
    Instrument,
    Observed,
    View,
)
from hms.errors import MissingError

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter

try:
    from opentelemetry.metrics import Observation, get_meter
except ImportError as error:
    raise MissingError(
        "opentelemetry is not installed\n    expected: pip install 'hms-healing[telemetry]'"
    ) from error

NAMES_MOST = 300
"""The SDK keeps 2,000 series of an instrument unless a view says more; calls have six a name."""

Callback = Callable[["CallbackOptions"], Iterable[Observation]]


def observe(
    *instances: Observed, meter: Meter | None = None, names_most: int = NAMES_MOST
) -> None:
    """Register every instrument for these instances; call it once for a meter.

    Args:
        instances: several of one process.
        meter: of the service's meter provider; without, of the global one.
        names_most: dependencies of each with series of their own; the rest is `other`.
    """
    meter = meter or get_meter("hms")
    views = [View(instance, names_most) for instance in instances]
    for each in INSTRUMENTS:
        create = meter.create_observable_counter if each.rises else meter.create_observable_gauge
        create(each.name, [callback(each, views)], each.unit, each.says)


def callback(instrument: Instrument, views: list[View]) -> Callback:
    """Reads an instrument of all instances when a reader collects."""

    def observations(options: CallbackOptions) -> Iterator[Observation]:
        for view in views:
            for labels, value in instrument.read(view):
                yield Observation(value, {**view.own, **labels})

    return observations
