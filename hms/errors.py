"""The errors users meet: each says what, where, what was expected, and what to do.

Exit codes: 0 done, 1 a gate said no, 2 input, 3 missing, 70 our bug, 130 Ctrl-C, 143 SIGTERM.
"""

from collections.abc import Sequence
from typing import Any

MOST_SHOWN = 20
MOST_LETTERS = 400
"""Of one mistake: what a file holds is quoted, and may be a megabyte."""


class HmsError(Exception):
    """Everything that this project raises on purpose."""

    exit_code = 70


class InputError(HmsError):
    """A file or an argument is wrong: all of its mistakes at once, up to twenty.

    Args:
        problems: objects with `what`, `expected`, `nearest`, `path` and `line`, or one text.
        file: the file's name, "" for an argument.
    """

    exit_code = 2

    def __init__(self, problems: Sequence[Any] | str, file: str | None = None) -> None:
        self.file = file or ""
        self.problems = () if isinstance(problems, str) else tuple(problems)
        self.text = problems if isinstance(problems, str) else ""
        super().__init__(str(self))

    def __str__(self) -> str:
        if self.text:
            return f"{self.file}: {self.text}" if self.file else self.text
        shown = [describe(problem, self.file) for problem in self.problems[:MOST_SHOWN]]
        if len(self.problems) > MOST_SHOWN:
            shown.append(f"and {len(self.problems) - MOST_SHOWN} more")
        return "\n".join(shown)


def describe(problem: Any, file: str) -> str:
    """`file:line: what`, then expected and nearest on lines of their own."""
    line = getattr(problem, "line", 0)
    place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
    what = problem.what
    if len(what) > MOST_LETTERS:
        what = f"{what[:MOST_LETTERS]} … ({len(what):,} letters)"
    text = f"{place}{what}"
    if problem.expected:
        text += f"\n    expected: {problem.expected}"
    if problem.nearest:
        near = problem.nearest
        text += f"\n    nearest: {near if '`' in near else f'`{near}`'}"
    return text


class ScenarioError(InputError):
    """A scenario file is wrong."""


class PolicyError(InputError):
    """A policy file is wrong."""


class ExperimentError(InputError):
    """An experiment file is wrong."""


class ManifestError(InputError):
    """Manifests that were to be imported are wrong."""


class MissingError(HmsError):
    """An extra, a file or a server is missing; the text says how to get it."""

    exit_code = 3


class GateRefused(HmsError):
    """A gate said no."""

    exit_code = 1


class CallRefused(HmsError):
    """A protected call was not made."""


class BreakerOpen(CallRefused):
    """The breaker in front of the callee is open.

    Args:
        text: why, for people.
        dependency: the callee.
        retry_after_s: when a call may come again; 0 while probes are under way.
        cause: why it opened, such as "failure rate".
        last_error: the last failure, as text.
        phase: "open", "probing" (no probe is free) or "forced" (by hand).
    """

    def __init__(
        self, text: str, *, dependency: str = "", retry_after_s: float = 0.0, cause: str = "",
        last_error: str = "", phase: str = "open",
    ) -> None:
        self.dependency = dependency
        self.retry_after_s = retry_after_s
        self.cause = cause
        self.last_error = last_error
        self.phase = phase
        super().__init__(text)


class BulkheadFull(CallRefused):
    """No place was free."""


class BudgetExhausted(CallRefused):
    """The retry budget is empty."""


class CallTimeout(HmsError, TimeoutError):
    """A protected call took too long.

    Args:
        text: which limit, for people.
        dependency: the callee.
        scope: whose limit it was: "attempt", "total", or a name of the user's.
        limit_s: how long it might have taken, in seconds.
    """

    def __init__(
        self, text: str, *, dependency: str = "", scope: str = "", limit_s: float = 0.0
    ) -> None:
        self.dependency = dependency
        self.scope = scope
        self.limit_s = limit_s
        super().__init__(text)


class ConfigRefused(InputError):
    """A configuration was refused as a whole."""


class NotInitialized(HmsError):
    """`initialize()` was not called."""


class HealingFailed(HmsError):
    """Every strategy failed.

    Args:
        attempts: what each of them was and how it failed, in the order of the tries.
    """

    def __init__(self, attempts: Sequence[str]) -> None:
        self.attempts = tuple(attempts)
        super().__init__("every strategy failed: " + "; ".join(attempts))


class StoreError(HmsError):
    """The store could not be read or written."""


class InvariantBroken(HmsError):
    """What always holds did not: a defect of this project, raised under HMS_CHECK=1.

    Args:
        rule: its name in `agents.policy.invariants`.
        where: whose state, such as "breaker of `db`".
        component: the component.
        at_s: when it was found, on the run's clock.
        run: seed and tick, where there are any.
    """

    def __init__(
        self, rule: str, *, where: str, component: str, at_s: float, run: str = ""
    ) -> None:
        self.rule, self.where, self.component, self.at_s, self.run = (
            rule, where, component, at_s, run,
        )  # fmt: skip
        place = f"{run}, " if run else ""
        super().__init__(
            f"invariant `{rule}` is broken: {where}, component `{component}`, "
            f"{place}at {at_s:.6g} s"
        )

    def in_run(self, run: str) -> "InvariantBroken":
        """The same, with the run's seed and tick."""
        return _broken_again(self.rule, self.where, self.component, self.at_s, run)

    def __reduce__(self) -> tuple[Any, ...]:
        """It travels between processes whole."""
        return _broken_again, (self.rule, self.where, self.component, self.at_s, self.run)


def _broken_again(
    rule: str, where: str, component: str, at_s: float, run: str
) -> InvariantBroken:
    return InvariantBroken(rule, where=where, component=component, at_s=at_s, run=run)
