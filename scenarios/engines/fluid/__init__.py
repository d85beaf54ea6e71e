"""The `fluid` engine: mean flows, tick by tick. docs/world.md has its equations."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hms.scenarios.engines.fluid.engine import Physics, run_batch
    from hms.scenarios.engines.fluid.engine import run as run

__all__ = ["Physics", "run", "run_batch"]


def __getattr__(name: str) -> Any:
    """The doors are loaded when first used: scenario files are compiled without the engine."""
    if name in __all__:
        from hms.scenarios.engines.fluid import engine

        return getattr(engine, name)
    raise AttributeError(name)
