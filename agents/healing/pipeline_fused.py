"""One frame for the whole pipeline while all goes well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hms.agents.healing.stage import Stage, Surroundings


def fused(
    stages: tuple[Stage, ...], where: Surroundings
) -> Callable[[Callable[..., Any], tuple[Any, ...], Any], Any] | None:
    """None where the order is not one that can be fused."""
    return None
