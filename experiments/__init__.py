"""Commands, the main job, tracking, reports, export: the room that may use all the others.

`load_run` opens a finished run as tidy pandas frames; see `frames.py`. It is imported when
first asked for, so that `import hms.experiments` stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hms.experiments.frames import Run, load_run

__all__ = ["Run", "load_run"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from hms.experiments import frames

        return getattr(frames, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
