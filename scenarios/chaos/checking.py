"""Checks one object of a chaos file against the vocabulary, and converts its values.

Durations become seconds, percentages shares, numbers in quotes numbers. All mistakes are gathered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hms.problems import nearest
from hms.scenarios.chaos import quantities
from hms.scenarios.chaos.vocabulary import (
    DURATION,
    EMBEDDED,
    FLAG,
    FREE,
    LABELS,
    OFFSET,
    PERCENT,
    RATE,
    SIZE,
    TEXT,
    TEXTS,
    WHOLE,
    Field,
    Items,
    Tree,
)
from hms.scenarios.read_fields import Fields, Path, shown


def checked(data: Any, tree: Tree, path: Path, where: str, reader: Fields) -> dict[str, Any]:
    """The mapping with converted values; what is wrong goes to the reader and is left out."""
    fields = reader.mapping(data, path, where)
    for key in fields:
        if key not in tree:
            what = f"unknown field `{key}` in {where}"
            reader.wrong((*path, key), what, ", ".join(sorted(tree)), nearest(key, tree))
    for key, spec in tree.items():
        if isinstance(spec, Field) and spec.needed and fields.get(key) is None:
            reader.wrong(path, f"{where} has no `{key}`", spec.expected)
    result = {}
    for key, node in fields.items():
        if key in tree and node is not None:
            value = _value(node, tree[key], (*path, key), f"`{key}`", reader)
            if value is not None:
                result[key] = value
    return result


def refuse_incomplete(kind: str, spec: Mapping[str, Any], path: Path, reader: Fields) -> None:
    """Problems for a spec, or one inside a schedule or a workflow, that lacks what it acts by."""
    for key, inner in spec.items():
        if key in EMBEDDED and isinstance(inner, Mapping):
            refuse_incomplete(EMBEDDED[key], inner, (*path, key), reader)
        elif key == "schedule" and isinstance(inner, Mapping):
            refuse_incomplete("Schedule", inner, (*path, key), reader)
    for index, template in enumerate(spec.get("templates", ())):
        refuse_incomplete("Workflow", template, (*path, "templates", index), reader)
    action = spec.get("action")
    if kind == "NetworkChaos" and action not in (None, "partition", "netem", *spec):
        reader.wrong(path, f"action {action} without `{action}`", f"`{action}`: …")
    endless = action == "pod-failure" and "duration" not in spec
    if kind == "PodChaos" and endless and "templates" not in path:  # there the deadline holds
        reader.wrong(path, "pod-failure without `duration`", DURATION)
    if kind == "StressChaos" and not (spec.get("stressors") or spec.get("stressngStressors")):
        reader.wrong(path, "no stressors", "`stressors`: cpu or memory")
    if kind == "HTTPChaos" and not {"abort", "delay", "replace", "patch"} & spec.keys():
        reader.wrong(path, "no action", "abort, delay, replace or patch")


def _value(
    node: Any, spec: Field | Items | Tree, path: Path, where: str, reader: Fields
) -> Any:
    if isinstance(spec, Items):
        listed = reader.list_of(node, path, where)
        return [
            checked(item, spec.tree, (*path, i), f"an item of {where}", reader)
            for i, item in enumerate(listed)
        ]
    if isinstance(spec, Field):
        return _leaf(node, spec, path, where, reader)
    return checked(node, spec, path, where, reader)


def _leaf(node: Any, spec: Field, path: Path, where: str, reader: Fields) -> Any:
    """A plain value in its own form; None and a problem if it is wrong."""
    if spec.form == FREE:
        return node
    value = _FORMS[spec.form](node)
    if value is None or (spec.form == WHOLE and not spec.low <= value <= spec.high):
        reader.wrong(path, f"{where} is {shown(node)}", spec.expected)
        return None
    if spec.choices and value not in spec.choices:
        near = nearest(str(value), spec.choices)
        reader.wrong(path, f"{where} is {shown(node)}", spec.expected, near)
        return None
    return value


def _text(node: Any) -> str | None:
    return node if isinstance(node, str) and len(node) <= 4096 else None


def _plain(node: Any) -> str:
    """A value that may be written with or without quotes, as a text; "" for anything else."""
    if isinstance(node, bool) or not isinstance(node, str | int | float):
        return ""
    return str(node)[: quantities.LONGEST_TEXT]


def _whole(node: Any) -> int | None:
    text = _plain(node)
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None


def _texts(node: Any) -> list[str] | None:
    if not isinstance(node, list) or not all(isinstance(each, str) for each in node):
        return None
    return node


def _labels(node: Any) -> dict[str, str] | None:
    """Values without quotes may read as numbers or switches: `version: 1`."""
    if not isinstance(node, Mapping):
        return None
    found = {str(key): value for key, value in node.items()}
    if any(isinstance(value, dict | list) for value in found.values()):
        return None
    return {key: _word(value) for key, value in found.items()}


def _word(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


_FORMS: dict[str, Callable[[Any], Any]] = {
    TEXT: _text,
    TEXTS: _texts,
    LABELS: _labels,
    DURATION: lambda node: quantities.duration_s(_plain(node)),
    OFFSET: lambda node: quantities.offset_s(_plain(node)),
    PERCENT: lambda node: quantities.share(_plain(node)),
    WHOLE: _whole,
    FLAG: lambda node: node if isinstance(node, bool) else None,
    RATE: lambda node: quantities.rate_bytes_s(_plain(node)),
    SIZE: lambda node: _plain(node) if quantities.size_mb(_plain(node), 1.0) is not None else None,
}
