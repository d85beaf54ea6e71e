"""Prometheus: a collector for a registry, and the text of a scrape.

`REGISTRY.register(collector(healing))` adds an instance to what a service shows already;
`body, content_type = exposition(registry_of(healing))` is a scrape behind any route.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hms.agents.healing.telemetry.instruments import (
    INSTRUMENTS,
    NAMES_MOST,
    Instrument,
    Observed,
    View,
)
from hms.errors import MissingError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

try:
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
except ImportError as error:
    raise MissingError(
        "prometheus_client is not installed\n    expected: pip install 'hms-healing[telemetry]'"
    ) from error


class HealingCollector:
    """Reads instances at each scrape; what is not scraped costs nothing.

    Args:
        instances: several of one process may share it.
        names_most: dependencies of each with series of their own; the rest is `other`.
    """

    def __init__(self, instances: Sequence[Observed], names_most: int = NAMES_MOST) -> None:
        self._views = [View(instance, names_most) for instance in instances]

    def collect(self) -> Iterator[Metric]:
        """A metric family for each instrument."""
        for each in INSTRUMENTS:
            yield self._family(each)

    def describe(self) -> Iterator[Metric]:
        """The families without samples, so that registering reads nothing."""
        for each in INSTRUMENTS:
            yield empty(each)

    def _family(self, instrument: Instrument) -> Metric:
        family = empty(instrument)
        for view in self._views:
            for labels, value in instrument.read(view):
                told = {**view.own, **labels}
                family.add_metric([told[name] for name in names_of(instrument)], value)
        return family


def empty(instrument: Instrument) -> CounterMetricFamily | GaugeMetricFamily:
    """The instrument's family, without samples."""
    kind = CounterMetricFamily if instrument.rises else GaugeMetricFamily
    return kind(prometheus_name(instrument), instrument.says, labels=names_of(instrument))


def names_of(instrument: Instrument) -> list[str]:
    """The labels of a sample, in order."""
    return ["component", "instance", *instrument.labels]


def prometheus_name(instrument: Instrument) -> str:
    """`hms_memory_usage_bytes`; a counter's text also gets `_total`."""
    name = instrument.name.replace(".", "_")
    return f"{name}_{instrument.suffix}" if instrument.suffix else name


def collector(*instances: Observed, names_most: int = NAMES_MOST) -> HealingCollector:
    """A collector of these instances, for `registry.register`."""
    return HealingCollector(instances, names_most)


def registry_of(*instances: Observed, names_most: int = NAMES_MOST) -> CollectorRegistry:
    """A registry of their own, for an endpoint beside the service's."""
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    registry.register(collector(*instances, names_most=names_most))
    return registry


def exposition(registry: CollectorRegistry, accept: str = "") -> tuple[bytes, str]:
    """The body of a scrape and its content type.

    Args:
        registry: of `registry_of`, or the service's own.
        accept: the request's Accept header; it chooses between the text formats.
    """
    from prometheus_client.exposition import choose_encoder

    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
