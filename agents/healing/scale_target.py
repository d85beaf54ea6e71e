"""The port to a platform that can run more or fewer replicas of a component."""

from __future__ import annotations

from typing import Protocol


class ScaleTarget(Protocol):
    """Replicas of one component; both methods may block, and raise when it does not work."""

    def replicas(self) -> int:
        """How many there shall be now."""
        ...

    def scale(self, replicas: int) -> None:
        """From now on there shall be so many."""
        ...
