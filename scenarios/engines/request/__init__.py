"""The `request` engine: one event for each arrival, start, finish, call, answer and retry."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hms.scenarios.engines.request.build import Budget
    from hms.scenarios.engines.request.engine import run as run
    from hms.scenarios.engines.request.results import RequestOutcome
    from hms.scenarios.engines.request.sketch import Sketch

__all__ = ["Budget", "RequestOutcome", "Sketch", "run"]

_WHERE = {"Budget": "build", "RequestOutcome": "results", "Sketch": "sketch", "run": "engine"}


def __getattr__(name: str) -> Any:
    """Loaded when first used, as the engine of means is."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(f"hms.scenarios.engines.request.{_WHERE[name]}"), name)
    raise AttributeError(name)
