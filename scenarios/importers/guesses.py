"""Reads `ranges.yaml`: the guesses for what manifests never say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hms.documents import Problem, load_yaml, located
from hms.errors import ScenarioError
from hms.scenarios.file_keys import COMPONENT_KEYS, EDGE_KEYS, SLO_KEYS, FileKey, table
from hms.scenarios.model import Range
from hms.scenarios.read_fields import Fields

RANGES_FILE = Path(__file__).resolve().parents[1] / "ranges.yaml"
SCHEMA = "hms.ranges/1"

_SHARE = "idle_share_of_memory_limit"
_BUSIEST = FileKey("busiest_utilisation", low=0.001, high=1.0, may_range=True)
_KINDS = ("service", "store", "queue")
_SECTIONS = (*_KINDS, "edge", "client", "load", "slo")


@dataclass(frozen=True, slots=True)
class Guesses:
    """The guesses in the form of a scenario file's values.

    Attributes:
        components: by kind, then by file key: a plain value or `{between: [low, high]}`.
        idle_share: by kind, memory in use without load over the limit.
        busiest_utilisation: share of its capacity that the busiest component uses.
    """

    components: Mapping[str, Mapping[str, Any]]
    idle_share: Mapping[str, float]
    edge: Mapping[str, Any]
    client: Mapping[str, Any]
    slo: Mapping[str, Any]
    busiest_utilisation: Range


def load_guesses(path: str | Path = RANGES_FILE) -> Guesses:
    """The guesses of a ranges file.

    Raises:
        ScenarioError: every mistake of the file, with its line.
    """
    document = load_yaml(path, error=ScenarioError)
    problems: list[Problem] = []
    reader = Fields({}, problems)
    top = reader.mapping(document.data, (), "the ranges file")
    if top.get("schema") != SCHEMA:
        reader.wrong(("schema",), f"`schema` is {top.get('schema')!r}", SCHEMA)
    reader.refuse_unknown(top, ("schema", *_SECTIONS), (), "the ranges file")
    share = FileKey(_SHARE, high=1.0)
    component_keys = COMPONENT_KEYS | table((share,))
    allowed = dict.fromkeys(_KINDS, component_keys)
    allowed |= {"edge": EDGE_KEYS, "client": EDGE_KEYS, "slo": SLO_KEYS}
    allowed["load"] = table((_BUSIEST,))
    sections: dict[str, dict[str, Any]] = {}
    values: dict[str, dict[str, Any]] = {}
    for name, keys in allowed.items():
        sections[name] = reader.mapping(top.get(name), (name,), f"`{name}`")
        reader.refuse_unknown(sections[name], keys, (name,), f"`{name}`")
        values[name], _ = reader.fields(sections[name], keys, (name,))
    if problems:
        raise ScenarioError(located(problems, document), document.file)
    busiest = values["load"].get(_BUSIEST.key, 0.4)
    return Guesses(
        {k: {n: v for n, v in sections[k].items() if n != _SHARE} for k in _KINDS},
        {kind: values[kind].get(_SHARE, 0.5) for kind in _KINDS},
        sections["edge"],
        sections["client"],
        sections["slo"],
        busiest if isinstance(busiest, Range) else Range(busiest, busiest),
    )
