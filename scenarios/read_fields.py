"""Reads the fields of one mapping of a scenario file, gathering every mistake.

A value has one of three forms: `v`, `{is: v, from: source:line}` and, where a range is allowed,
`{between: [low, high], from: source}`. `from` names an entry of the file's `sources`, whose
`sure` it takes unless it says `sure` itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from hms.documents import Problem, nearest
from hms.scenarios.file_keys import INTEGER, SWITCH, TEXT, FileKey
from hms.scenarios.model import Origin, Range, Source, Value

Path = tuple[str | int, ...]

SURE = ("stated", "measured", "derived", "guessed", "default")
_UNITS = {
    "ms": "milliseconds",
    "s": "seconds",
    "mb": "MB",
    "rps": "requests per second",
    "percent": "percent",
    "us": "microseconds",
    "min": "minutes",
    "gb": "GB",
    "kb": "kB",
}
_FORM_KEYS = {"is", "between", "from", "sure"}


class TooManyMistakes(Exception):
    """A file has so many that reading on helps nobody."""


def shift_decimal(value: float, places: int) -> float:
    """`value` times 10 to the power `places`, in decimal: 7.1 ms are exactly 0.0071 s."""
    return float(Decimal(repr(value)).scaleb(places))


class Fields:
    """Walks the mappings of one file and gathers problems.

    Args:
        sources: the file's sources, that a `from` may name.
        problems: where mistakes are appended.
        most: so many of them are noted; one more ends the reading.
    """

    def __init__(
        self, sources: Mapping[str, Source], problems: list[Problem], most: float = math.inf
    ) -> None:
        self.sources = sources
        self.problems = problems
        self.most = most

    def wrong(self, path: Path, what: str, expected: str = "", near: str = "") -> None:
        """Note one mistake.

        Raises:
            TooManyMistakes: nobody reads more of them.
        """
        if len(self.problems) >= self.most:
            raise TooManyMistakes
        self.problems.append(Problem(path, what, expected, near))

    def mapping(self, data: Any, path: Path, where: str) -> dict[str, Any]:
        """`data` if it is a mapping with text keys, else {} and a problem."""
        if data is None:
            return {}
        if not isinstance(data, dict):
            self.wrong(path, f"{where} is {shown(data)}", "a mapping")
            return {}
        for key in data:
            if not isinstance(key, str):
                self.wrong((*path, key), f"key {key!r} in {where} is not a text", "a text")
        return {key: value for key, value in data.items() if isinstance(key, str)}

    def list_of(self, data: Any, path: Path, where: str) -> list[Any]:
        """`data` if it is a list, else [] and a problem."""
        if data is None:
            return []
        if not isinstance(data, list):
            self.wrong(path, f"{where} is {shown(data)}", "a list")
            return []
        return data

    def fields(
        self, data: Mapping[str, Any], keys: Mapping[str, FileKey], path: Path
    ) -> tuple[dict[str, Any], dict[str, Origin]]:
        """The values of all `keys` that `data` has, by model field, and where they came from.

        Keys of `data` that are not in `keys` are the caller's; see `refuse_unknown`.
        """
        values: dict[str, Any] = {}
        origins: dict[str, Origin] = {}
        for key, node in data.items():
            spec = keys.get(key)
            if spec is None:
                continue
            value, origin = self.value(node, spec, (*path, key))
            if value is not None:
                values[spec.field] = value
            if origin is not None:
                origins[key] = origin
        return values, origins

    def value(self, node: Any, spec: FileKey, path: Path) -> tuple[Any, Origin | None]:
        """One value in any of its three forms; None and a problem if it is wrong."""
        if not isinstance(node, dict):
            return self.scalar(node, spec, path), None
        for key in node:
            if key not in _FORM_KEYS:
                self.unknown(path, str(key), _FORM_KEYS, f"the value of `{spec.key}`")
        origin = self.origin(node, path)
        if ("is" in node) == ("between" in node):
            self.wrong(path, f"`{spec.key}` needs `is` or `between`", spec.expected)
            return None, origin
        if "is" in node:
            return self.scalar(node["is"], spec, (*path, "is")), origin
        return self.between(node["between"], spec, (*path, "between")), origin

    def between(self, node: Any, spec: FileKey, path: Path) -> Value | None:
        """A range; a range of one point is that point."""
        if not spec.may_range:
            self.wrong(path, f"`{spec.key}` cannot be a range", f"{{is: …}}, {spec.expected}")
            return None
        if not isinstance(node, list) or len(node) != 2:
            self.wrong(path, f"`between` is {shown(node)}", "[low, high]")
            return None
        low = self.scalar(node[0], spec, (*path, 0))
        high = self.scalar(node[1], spec, (*path, 1))
        if low is None or high is None:
            return None
        if low > high:
            self.wrong(path, f"`between` runs from {node[0]} down to {node[1]}", "[low, high]")
            return None
        return Range(low, high)

    def scalar(self, node: Any, spec: FileKey, path: Path) -> Any:
        """A plain value in the model's unit; None and a problem if it is wrong."""
        if spec.kind == TEXT:
            return self._text(node, spec, path)
        if spec.kind == SWITCH:
            if isinstance(node, bool):
                return node
            self.wrong(path, f"`{spec.key}` is {shown(node)}", spec.expected)
            return None
        if isinstance(node, bool) or not isinstance(node, int | float):
            self.wrong(path, f"`{spec.key}` is {shown(node)}", spec.expected)
            return None
        try:
            number = float(node)
        except OverflowError:  # an int of more than 300 digits
            number = math.inf
        whole = number.is_integer() if math.isfinite(number) else False
        if not spec.low <= number <= spec.high or (spec.kind == INTEGER and not whole):
            self.wrong(path, f"`{spec.key}` is {shown(node)}", spec.expected)
            return None
        if spec.kind == INTEGER:
            return int(number)
        return shift_decimal(number, -3) if spec.milliseconds else number

    def _text(self, node: Any, spec: FileKey, path: Path) -> str | None:
        """A text, one of the choices where there are any."""
        if not isinstance(node, str) or len(node) > 500:
            self.wrong(path, f"`{spec.key}` is {shown(node)}", spec.expected)
            return None
        if spec.choices and node not in spec.choices:
            near = nearest(node, spec.choices)
            self.wrong(path, f"`{spec.key}` is {shown(node)}", spec.expected, near)
            return None
        return node

    def origin(self, node: Mapping[str, Any], path: Path) -> Origin | None:
        """Reads `from` and `sure` of a mapping; None without `from`."""
        if "from" not in node:
            if "sure" in node:
                self.wrong((*path, "sure"), "`sure` without `from`", "from: a source")
            return None
        text = node["from"]
        at = (*path, "from")
        match = re.fullmatch(r"(.+?)(?::(\d{1,9}))?", text) if isinstance(text, str) else None
        if match is None:
            self.wrong(at, f"`from` is {shown(text)}", "a source, or source:line")
            return None
        name, line = match[1], int(match[2] or 0)
        source = self.sources.get(name)
        if source is None:
            known = ", ".join(self.sources) or "an entry under `sources`"
            self.wrong(at, f"unknown source `{name}`", known, nearest(name, self.sources))
            return None
        sure = node.get("sure", source.sure)
        if sure not in SURE:
            self.wrong((*path, "sure"), f"`sure` is {shown(sure)}", "one of " + ", ".join(SURE))
            return None
        return Origin(name, line, sure)

    def refuse_unknown(
        self, data: Iterable[str], known: Collection[str], path: Path, where: str
    ) -> None:
        """A problem for each key that is not known."""
        for key in data:
            if key not in known:
                self.unknown(path, key, known, where)

    def unknown(self, path: Path, key: str, known: Collection[str], where: str) -> None:
        """An unknown key: a wrong unit says so, else the nearest known key is named."""
        expected = ", ".join(sorted(known))
        meant = _other_unit(key, known)
        if meant:
            unit = _UNITS[meant.rpartition("_")[2]]
            what = f"wrong unit: `{key}` in {where}"
            self.wrong((*path, key), what, f"`{meant}`, in {unit}", meant)
            return
        self.wrong((*path, key), f"unknown key `{key}` in {where}", expected, nearest(key, known))


def _other_unit(key: str, known: Collection[str]) -> str:
    """The known key that differs only in its unit, or ""."""
    stem, _, unit = key.rpartition("_")
    stem = stem if unit in _UNITS else key
    for candidate in sorted(known):
        known_stem, _, known_unit = candidate.rpartition("_")
        if known_unit in _UNITS and stem in (known_stem, candidate):
            return candidate
    return ""


def a_or_an(noun: str) -> str:
    """`a crash`, `an error`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


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
    if isinstance(value, int) and value.bit_length() > 128:  # repr() refuses very long ones
        return "a very large number"
    text = f"`{' '.join(value.split())}`" if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
