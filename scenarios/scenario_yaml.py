"""Lays a scenario's mapping out as YAML: one line for each value, edge, fault and source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml

Entry = dict[str, Any]


class _Line(dict[str, Any]):
    """A mapping that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes top levels in block style, what is below them on one line each."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_line(dumper: _Dumper, data: _Line) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)


_Dumper.add_representer(_Line, _represent_line)


def to_yaml(data: Mapping[str, Any]) -> str:
    """YAML of a scenario's mapping: one line for each value, edge, fault and source."""
    shaped = {key: _SHAPES.get(key, _as_is)(value) for key, value in data.items()}
    return yaml.dump(shaped, Dumper=_Dumper, sort_keys=False, width=98, allow_unicode=True)


def _as_is(value: Any) -> Any:
    return value


def _lines(value: Mapping[str, Any]) -> Entry:
    """Each entry on a line of its own."""
    return {name: _line(entry) for name, entry in value.items()}


def _line(value: Any) -> Any:
    return _Line({k: _line(v) for k, v in value.items()}) if isinstance(value, Mapping) else value


def _blocks(value: Mapping[str, Any]) -> Entry:
    """Each entry a block with a line for each of its values; empty ones on one line."""
    return {name: _lines(entry) if entry else _Line() for name, entry in value.items()}


def _items(value: Iterable[Any]) -> list[Any]:
    return [_line(item) for item in value]


_SHAPES: dict[str, Callable[[Any], Any]] = {
    "sources": _lines,
    "slo": _lines,
    "workload": _items,
    "defaults": _blocks,
    "components": _blocks,
    "edges": _lines,
    "faults": _items,
    "expect": _line,
}
