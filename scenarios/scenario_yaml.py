"""Lays a scenario's mapping out as YAML: one line for each value, edge, fault and source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml

Entry = dict[str, Any]

_WORDS = ("true", "false", "null")


class _Line(dict[str, Any]):
    """A mapping that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes top levels in block style, what is below them on one line each."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_line(dumper: _Dumper, data: _Line) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)


def _represent_text(dumper: _Dumper, text: str) -> yaml.Node:
    """Quotes what our reader takes for a number though PyYAML does not, as `1e3`."""
    plain = re.match(r"[A-Za-z_/*]", text) and text.lower() not in _WORDS
    style = None if plain else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(_Line, _represent_line)
_Dumper.add_representer(str, _represent_text)


def to_yaml(data: Mapping[str, Any]) -> str:
    """YAML of a scenario's mapping: one line for each value, edge, fault and source."""
    shaped = {key: _SHAPES.get(key, _as_is)(value) for key, value in data.items()}
    return yaml.dump(shaped, Dumper=_Dumper, sort_keys=False, width=4096, allow_unicode=True)


def _as_is(value: Any) -> Any:
    return value


def _lines(value: Mapping[str, Any]) -> Entry:
    """Each entry on a line of its own."""
    return {name: _line(entry) for name, entry in value.items()}


def _line(value: Any) -> Any:
    return _Line({k: _line(v) for k, v in value.items()}) if isinstance(value, Mapping) else value


def _sources(value: Mapping[str, Any]) -> Entry:
    """Short sources on one line, long ones as a block."""
    return {name: _line(s) if len(str(s)) < 100 else dict(s) for name, s in value.items()}


def _blocks(value: Mapping[str, Any]) -> Entry:
    """Each entry a block with a line for each of its values; empty ones on one line."""
    return {name: _lines(entry) if entry else _Line() for name, entry in value.items()}


def _items(value: Iterable[Any]) -> list[Any]:
    return [_line(item) for item in value]


_SHAPES: dict[str, Callable[[Any], Any]] = {
    "sources": _sources,
    "slo": _lines,
    "workload": _items,
    "defaults": _blocks,
    "components": _blocks,
    "edges": _lines,
    "faults": _items,
    "expect": _line,
}
