"""Walks a mapping that was read from a file, and gathers every mistake in it.

A wrong value is noted and its default (or zero) returned, so that the walk goes on and a user
sees all mistakes at once.
"""

import math
from collections.abc import Iterable
from typing import Any, Final

from hms.problems import KeyPath, Problem, nearest

SHOWN_LETTERS = 60
MOST_BITS = 128  # a longer int is not written out: Python refuses above 4,300 digits


class _Required:
    """The default of a key that must be there."""


REQUIRED: Final = _Required()


def shown(value: Any) -> str:
    """A value as a message shows it: short, on one line."""
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return "a very large number"
    text = f"`{' '.join(value.split())}`" if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN_LETTERS else text[: SHOWN_LETTERS - 1] + "…"


class Reader:
    """The keys of one mapping.

    Args:
        data: what should be a mapping.
        path: where it stands in the file.
        problems: the list that takes the mistakes; shared by all readers of a file.
        where: its name in messages.
    """

    def __init__(
        self,
        data: Any,
        path: KeyPath = (),
        problems: list[Problem] | None = None,
        where: str = "the file",
    ) -> None:
        self.path = path
        self.problems: list[Problem] = [] if problems is None else problems
        self.where = where
        self.known: dict[str, None] = {}  # in the order of asking
        if data is None:
            data = {}
        if not isinstance(data, dict):
            self.wrong(path, f"{where} is {shown(data)}", "a mapping")
            data = {}
        self.data: dict[Any, Any] = data

    def wrong(self, path: KeyPath, what: str, expected: str = "", near: str = "") -> None:
        """Note one mistake."""
        self.problems.append(Problem(path, what, expected, near))

    def has(self, key: str) -> bool:
        """Whether the key is there, with a value."""
        self.known[key] = None
        return self.data.get(key) is not None

    def number(
        self,
        key: str,
        default: float | _Required = REQUIRED,
        low: float | None = None,
        high: float | None = None,
    ) -> float:
        """A finite number within its limits, which belong to it; never a boolean."""
        value = self._take(key, default, _limits("a number", low, high))
        if value is None:
            return 0.0 if isinstance(default, _Required) else float(default)
        found = _as_float(value)
        if found is not None and _within(found, low, high):
            return found
        self._refuse(key, value, _limits("a number", low, high))
        return 0.0 if isinstance(default, _Required) else float(default)

    def integer(
        self,
        key: str,
        default: int | _Required = REQUIRED,
        low: int | None = None,
        high: int | None = None,
    ) -> int:
        """A whole number within its limits, which belong to it; 3.0 is one."""
        expected = _limits("a whole number", low, high)
        value = self._take(key, default, expected)
        fallback = 0 if isinstance(default, _Required) else default
        if value is None:
            return fallback
        found = _as_float(value)
        if found is not None and found.is_integer() and _within(found, low, high):
            return int(value)
        self._refuse(key, value, expected)
        return fallback

    def text(
        self,
        key: str,
        default: str | _Required = REQUIRED,
        choices: Iterable[str] | None = None,
    ) -> str:
        """A text, one of the choices where there are any."""
        allowed = None if choices is None else list(choices)
        expected = "a text" if allowed is None else "one of " + ", ".join(allowed)
        value = self._take(key, default, expected)
        fallback = "" if isinstance(default, _Required) else default
        if value is None:
            return fallback
        if isinstance(value, str) and (allowed is None or value in allowed):
            return value
        near = nearest(value, allowed) if allowed and isinstance(value, str) else ""
        self._refuse(key, value, expected, near)
        return fallback

    def boolean(self, key: str, default: bool | _Required = REQUIRED) -> bool:
        """`true` or `false`, nothing else."""
        value = self._take(key, default, "true or false")
        fallback = False if isinstance(default, _Required) else default
        if value is None:
            return fallback
        if isinstance(value, bool):
            return value
        self._refuse(key, value, "true or false")
        return fallback

    def mapping(self, key: str) -> "Reader":
        """A reader of the mapping below a key; of an empty one where the key is not there."""
        self.known[key] = None
        return Reader(self.data.get(key), (*self.path, key), self.problems, f"`{key}`")

    def values(self, key: str) -> list[Any]:
        """The list below a key; [] where the key is not there."""
        self.known[key] = None
        value = self.data.get(key)
        if value is None:
            return []
        if isinstance(value, list):
            return value
        self._refuse(key, value, "a list")
        return []

    def items(self, key: str) -> "list[Reader]":
        """A reader for each mapping of the list below a key."""
        return [
            Reader(each, (*self.path, key, i), self.problems, f"item {i + 1} of `{key}`")
            for i, each in enumerate(self.values(key))
        ]

    def finish(self) -> list[Problem]:
        """Note every key that nobody asked for; return all the mistakes so far."""
        for key in self.data:
            if key not in self.known:
                what = f"unknown key {_key(key)} in {self.where}"
                expected = ", ".join(self.known) or "no keys"
                self.wrong((*self.path, key), what, expected, nearest(str(key), self.known))
        return self.problems

    def _take(self, key: str, default: Any, expected: str) -> Any:
        """The value; None where the default holds, which is a mistake if there is none."""
        self.known[key] = None
        value = self.data.get(key)
        if value is None and isinstance(default, _Required):
            what = f"`{key}` is empty" if key in self.data else f"`{key}` is missing"
            self.wrong((*self.path, key), f"{what} in {self.where}", expected)
        return value

    def _refuse(self, key: str, value: Any, expected: str, near: str = "") -> None:
        self.wrong((*self.path, key), f"`{key}` is {shown(value)}", expected, near)


def _as_float(value: Any) -> float | None:
    """A finite number as a float; None for a boolean, a text, NaN, infinity, 10**400."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _limits(kind: str, low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{kind} from {low:,} to {high:,}"
    if low is not None:
        return f"{kind}, at least {low:,}"
    return f"{kind}, at most {high:,}" if high is not None else kind


def _key(key: Any) -> str:
    return shown(key) if isinstance(key, str) else f"`{key}`"
