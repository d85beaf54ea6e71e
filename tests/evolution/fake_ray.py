"""A Ray that runs here and answers in any order."""

import random
from collections.abc import Callable
from typing import Any


class FakeRay:
    """As much of Ray as a back end uses: tasks run when asked for, in a shuffled order."""

    class exceptions:  # noqa: N801 - the name of Ray's module
        """Ray's exceptions, as far as they are caught."""

        class RayError(Exception):
            """Anything Ray says."""

        class GetTimeoutError(RayError, TimeoutError):
            """Time ran out."""

        class WorkerCrashedError(RayError):
            """A worker died."""

        class RayTaskError(RayError):
            """The function raised."""

            def __init__(self, cause: Exception) -> None:
                super().__init__(str(cause))
                self.cause = cause

    def __init__(self, order_seed: int = 0) -> None:
        self.puts = 0
        self.tasks = 0
        self.cancelled = 0
        self.failing: Exception | None = None
        self._order = random.Random(order_seed)

    def remote(self, **options: Any) -> Callable[[Callable[..., Any]], Any]:
        """A decorator, as `ray.remote(num_cpus=1)` is."""
        assert options == {"num_cpus": 1}

        def decorate(function: Callable[..., Any]) -> Any:
            ray = self

            class Remote:
                @staticmethod
                def remote(*arguments: Any) -> dict[str, Any]:
                    ray.tasks += 1
                    return {"call": (function, arguments)}

            return Remote

        return decorate

    def put(self, value: Any) -> Any:
        """The value itself stands for its reference."""
        self.puts += 1
        return value

    def get(self, references: list[dict[str, Any]], timeout: float) -> list[Any]:
        """Run what is asked for, not in the order of asking."""
        assert timeout > 0.0
        if self.failing is not None:
            raise self.failing
        order = list(range(len(references)))
        self._order.shuffle(order)
        for place in order:
            function, arguments = references[place]["call"]
            try:
                references[place]["value"] = function(*arguments)
            except Exception as error:
                raise self.exceptions.RayTaskError(error) from error
        return [reference["value"] for reference in references]

    def wait(
        self, references: list[dict[str, Any]], num_returns: int, timeout: float
    ) -> tuple[list[Any], list[Any]]:
        """Which tasks are done."""
        assert num_returns == len(references) and timeout == 0
        done = [reference for reference in references if "value" in reference]
        return done, [reference for reference in references if "value" not in reference]

    def cancel(self, reference: dict[str, Any]) -> None:
        """Count it."""
        assert "value" not in reference
        self.cancelled += 1
