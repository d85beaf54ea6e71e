"""What the end of a call says of its dependency: failed, came back right, or nothing.

Neutral, whatever is asked for: what interrupts a program or cancels a task, and a refusal by a
guard further in. An error that is not among those that count is neutral too: a business error
proves no health. A group of errors fails if any of its leaves does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from hms.errors import CallRefused, ConfigRefused

Errors: TypeAlias = (
    type[BaseException] | tuple[type[BaseException], ...] | Callable[[Exception], bool]
)
"""Types of errors, or a question that is asked of each."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says of a returned value.

    Attributes:
        failed: True, False, or None: it says nothing of the dependency.
        open_for_s: the callee said when to come again: open at once, for so many seconds.
    """

    failed: bool | None
    open_for_s: float | None = None


SUCCEEDED = Verdict(False)
FAILURE = Verdict(True)
NEUTRAL = Verdict(None)
Judge: TypeAlias = Callable[[Any], "Verdict | bool | None"]
"""True: the value is a failure. None is no objection."""
RetryAfter: TypeAlias = Callable[[Any], "float | None"]
"""Seconds that an error or a value asks to stay away for; None: it does not ask."""


class Classification:
    """One answer for all stages of a pipeline; it never raises.

    Args:
        count: the errors that are failures.
        ignore: of those, the ones that are neutral; ignoring wins.
        judge: asked of each returned value.
        retry_after: asked of each failure and each returned value.
        on_error: told when a judge or a question raised; the call is neutral then.

    Raises:
        ConfigRefused: not errors, or not functions.
    """

    __slots__ = ("count", "ignore", "judge", "on_error", "retry_after")

    def __init__(
        self,
        count: Errors = (Exception,),
        ignore: Errors = (),
        judge: Judge | None = None,
        retry_after: RetryAfter | None = None,
        on_error: Callable[[], object] = bool,
    ) -> None:
        """Say what counts."""
        self.count = _checked("count", count)
        self.ignore = _checked("ignore", ignore)
        for name, asked in (("judge", judge), ("retry_after", retry_after)):
            if asked is not None and not callable(asked):
                raise ConfigRefused(f"{name} is {asked!r}\n    expected: a function")
        self.judge = judge
        self.retry_after = retry_after
        self.on_error = on_error

    @property
    def judges(self) -> bool:
        """Whether returned values are judged at all."""
        return self.judge is not None or self.retry_after is not None

    def counts(self, error: BaseException) -> bool:
        """Whether the error is a failure of the dependency; else it is neutral."""
        if isinstance(error, BaseExceptionGroup):
            return any(self.counts(leaf) for leaf in error.exceptions)
        if not isinstance(error, Exception) or isinstance(error, CallRefused):
            return False
        return not self._among(self.ignore, error) and self._among(self.count, error)

    def bad(self, value: Any) -> bool | None:
        """Whether a returned value is a failure; None: it says nothing."""
        return self.verdict(value).failed

    def verdict(self, value: Any) -> Verdict:
        """What a returned value says."""
        found: Verdict | bool | None = None
        if self.judge is not None:
            try:
                found = self.judge(value)
            except Exception:  # noqa: BLE001  (foreign code; counted, and the caller keeps the value)
                self.on_error()
                return NEUTRAL
        open_for_s = self.open_for_s(value)
        if isinstance(found, Verdict):
            told_s = _usable(found.open_for_s) or open_for_s
            return Verdict(found.failed if told_s is None else True, told_s)
        if open_for_s is not None:
            return Verdict(True, open_for_s)
        return FAILURE if found else SUCCEEDED

    def open_for_s(self, ended: Any) -> float | None:
        """How long an error or a value asks callers to stay away, in seconds."""
        if self.retry_after is None:
            return None
        try:
            return _usable(self.retry_after(ended))
        except Exception:  # noqa: BLE001  (foreign code; counted, and nothing was asked)
            self.on_error()
            return None

    def _among(self, errors: Errors, error: Exception) -> bool:
        if isinstance(errors, tuple):
            return isinstance(error, errors)
        try:
            return bool(errors(error))
        except Exception:  # noqa: BLE001  (foreign code; counted, and the error is neutral)
            self.on_error()
            return errors is self.ignore


def is_cancellation(error: BaseException) -> bool:
    """Whether it cuts a call short from outside, and so is no end of the call's own.

    Told by what is no `Exception`: CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit.
    """
    if isinstance(error, BaseExceptionGroup):
        return all(is_cancellation(leaf) for leaf in error.exceptions)
    return not isinstance(error, Exception)


def _checked(name: str, errors: Errors) -> Errors:
    """Types as a tuple, a question as it is."""
    if isinstance(errors, type):
        errors = (errors,)
    if isinstance(errors, list):
        errors = tuple(errors)
    if isinstance(errors, tuple):
        for each in errors:
            if not (isinstance(each, type) and issubclass(each, BaseException)):
                raise ConfigRefused(f"{name} names {each!r}\n    expected: types of errors")
    elif not callable(errors):
        raise ConfigRefused(f"{name} is {errors!r}\n    expected: types of errors, or a question")
    return errors


def _usable(seconds: float | None) -> float | None:
    if seconds is None or isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return float(seconds) if math.isfinite(seconds) and seconds > 0.0 else None


EVERY_ERROR = Classification()
"""The one where none is given: every `Exception` that was no refusal is a failure."""
