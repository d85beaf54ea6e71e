"""Reads a scenario file, with its overlays, and reports all of its mistakes at once.

The format is docs/formats.md, "Scenario file"; docs/scenario-format.md is the user's page. Reading
goes: overlays merged into the mapping (`overlay.py`), fields read by table (`file_keys.py`),
then names checked across sections. Lines are put on problems last, from whichever file holds
the offending key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from hms.documents import Document, Problem, load_yaml, nearest
from hms.errors import ScenarioError
from hms.scenarios.fault_options import fault_document, with_faults
from hms.scenarios.faults.expand import MOST_PLAIN, strikes_too_often
from hms.scenarios.file_keys import (
    ID_PATTERN,
    SCENARIO_KEYS,
    SLO_KEYS,
    SOURCE_KEYS,
    FileKey,
)
from hms.scenarios.load_component_parts import check_parts
from hms.scenarios.load_expect import read_expect
from hms.scenarios.load_faults import read_faults
from hms.scenarios.load_parts import read_components, read_edges
from hms.scenarios.load_workload import read_workload
from hms.scenarios.model import Component, Scenario, Slo, Source, Workload
from hms.scenarios.overlay import locate, merge
from hms.scenarios.read_fields import Fields, TooManyMistakes, shown
from hms.scenarios.write import save_scenario, scenario_to_mapping

__all__ = [
    "SCHEMA",
    "load_scenario",
    "located_error",
    "parse_scenario",
    "save_scenario",
    "scenario_to_mapping",
]

SCHEMA = "hms.scenario/1"
MAX_COMPONENTS = 10_000
MOST_PROBLEMS = 100  # an error shows twenty of them
MOST_SECONDS = 50_000_000  # of all loads together: a rate is kept for each

_HORIZON = FileKey("horizon_s", low=1.0, high=1e7, unit="s")
_WARM_UP = FileKey("warm_up_s", high=1e7, unit="s")


def load_scenario(
    path: str | FilePath,
    overlays: Sequence[str | FilePath] = (),
    faults: Sequence[str] = (),
) -> Scenario:
    """The scenario in a file, with overlays merged in their order and faults added.

    Args:
        path: a scenario file.
        overlays: partial scenarios.
        faults: as `hms simulate --fault` takes them (fault_options.py).

    Raises:
        ScenarioError: every mistake of the file, with line, what was expected, nearest name.
        MissingError or ScenarioError: a file is not there (as `hms.documents` decides).
    """
    documents = [load_yaml(file, error=ScenarioError) for file in (path, *overlays)]
    data = documents[0].data
    for document in documents[1:]:
        data = merge(data, document)
    asked = [fault_document(text, data) for text in faults]
    data = with_faults(data, asked)
    scenario, problems = parse_scenario(data, FilePath(path).parent)
    if scenario is None:
        raise located_error(problems, [*documents, *asked], data)
    return scenario


def located_error(
    problems: Sequence[Problem], documents: Sequence[Document], merged: Any
) -> ScenarioError:
    """All problems of the first file that has any, with lines, in the order of the file."""
    placed = [locate(problem, documents, merged) for problem in problems]
    for document in documents:
        own = [problem for problem, holder in placed if holder is document]
        if own:
            return ScenarioError(sorted(own, key=lambda p: p.line), document.file)
    raise AssertionError("an error needs a problem")


def parse_scenario(
    data: Any, folder: FilePath | None = None
) -> tuple[Scenario | None, list[Problem]]:
    """A scenario from the mapping of a file; None with all problems if there are any.

    Args:
        folder: where the files of recorded loads lie; None: there are none.
    """
    problems: list[Problem] = []
    try:
        return _parse(data, folder, problems), problems
    except TooManyMistakes:
        return None, problems


def _parse(data: Any, folder: FilePath | None, problems: list[Problem]) -> Scenario | None:
    """The scenario, None if there are problems."""
    reader = Fields({}, problems, MOST_PROBLEMS)
    top = reader.mapping(data, (), "the scenario")
    if not top:
        if not problems:
            reader.wrong((), "the scenario is empty", f"schema: {SCHEMA}")
        return None
    if not _schema_is_ours(top, reader):
        return None
    reader.refuse_unknown(top, SCENARIO_KEYS, (), "the scenario")
    reader.sources = _read_sources(top.get("sources"), reader)
    scenario = _read_sections(top, reader, folder)
    return None if problems else scenario


def _schema_is_ours(top: Mapping[str, Any], reader: Fields) -> bool:
    """Whether the file says a schema that this version reads."""
    schema = top.get("schema")
    match = re.fullmatch(r"hms\.scenario/(\d{1,9})", schema) if isinstance(schema, str) else None
    if schema == SCHEMA:
        return True
    if match and int(match[1]) > 1:
        what = f"schema {schema} is newer than this version of hms reads"
    elif schema is None:
        what = "`schema` is missing"
    else:
        what = f"`schema` is {shown(schema)}"
    reader.wrong(("schema",), what, SCHEMA)
    return False


def _read_sources(data: Any, reader: Fields) -> dict[str, Source]:
    """The `sources` section."""
    sources: dict[str, Source] = {}
    for name, node in reader.mapping(data, ("sources",), "`sources`").items():
        path = ("sources", name)
        check_id(name, path, "source", reader)
        fields = reader.mapping(node, path, f"source `{name}`")
        reader.refuse_unknown(fields, SOURCE_KEYS, path, f"source `{name}`")
        values = {
            key: reader.scalar(value, SOURCE_KEYS[key], (*path, key))
            for key, value in fields.items()
            if key in SOURCE_KEYS
        }
        sources[name] = Source(**{k: v for k, v in values.items() if v is not None})
    return sources


def _read_sections(
    top: Mapping[str, Any], reader: Fields, folder: FilePath | None
) -> Scenario | None:
    """Everything below `sources`."""
    name = top.get("name", "")
    if not isinstance(name, str) or not name:
        reader.wrong(("name",), "`name` is missing or not a text", "a name")
        name = "unnamed"
    check_id(name, ("name",), "scenario", reader)
    defaults = reader.mapping(top.get("defaults"), ("defaults",), "`defaults`")
    reader.refuse_unknown(defaults, ("component", "edge"), ("defaults",), "`defaults`")
    components = read_components(top.get("components"), defaults.get("component"), reader)
    if not components:
        reader.wrong(("components",), "no components", "at least one")
    if len(components) > MAX_COMPONENTS:
        what = f"{len(components)} components"
        reader.wrong(("components",), what, f"at most {MAX_COMPONENTS}")
        return None
    edges = read_edges(top.get("edges"), defaults.get("edge"), components, reader)
    check_parts(components, edges, reader)
    workload = read_workload(top.get("workload"), components, edges, reader, folder)
    horizon_s = _top_number(top, _HORIZON, 300.0, reader)
    faults = read_faults(top.get("faults"), components, edges, workload, horizon_s, reader)
    warm_up_s = _top_number(top, _WARM_UP, 30.0, reader)
    if warm_up_s >= horizon_s:
        reader.wrong(("warm_up_s",), f"warm-up of {warm_up_s:g} s", "less than `horizon_s`")
    if len(workload) * horizon_s > MOST_SECONDS:
        what = f"{len(workload)} loads for {horizon_s:g} s"
        reader.wrong(("horizon_s",), what, f"at most {MOST_SECONDS:,} seconds of all loads")
    scenario = Scenario(
        name=name,
        horizon_s=horizon_s,
        warm_up_s=warm_up_s,
        slo=_read_slo(top.get("slo"), components, workload, reader),
        workload=workload,
        components=components,
        edges=tuple(edges.values()),
        faults=faults,
        sources=reader.sources,
        expect=read_expect(top.get("expect"), edges, reader),
    )
    if not reader.problems and strikes_too_often(scenario):
        reader.wrong(("faults",), "together they strike too often", f"at most {MOST_PLAIN:,} times")
    return scenario


def check_id(name: str, path: tuple[str | int, ...], what: str, reader: Fields) -> None:
    """A problem unless the name may serve as an id."""
    if not re.fullmatch(ID_PATTERN, name):
        expected = "1 to 64 of letters, digits, `_`, `.`, `-`"
        reader.wrong(path, f"{what} name {shown(name)} cannot be used", expected)


def _top_number(top: Mapping[str, Any], key: FileKey, default: float, reader: Fields) -> float:
    """A number at the top of the file."""
    if key.key not in top:
        return default
    value = reader.scalar(top[key.key], key, (key.key,))
    return default if value is None else float(value)


def _read_slo(
    data: Any,
    components: Mapping[str, Component],
    workload: tuple[Workload, ...],
    reader: Fields,
) -> dict[str, Slo]:
    """The `slo` section; an entry that it does not name gets the default."""
    slo: dict[str, Slo] = {}
    for entry, node in reader.mapping(data, ("slo",), "`slo`").items():
        path = ("slo", entry)
        if entry not in components:
            near = nearest(entry, components)
            reader.wrong(path, f"slo of unknown component `{entry}`", "a component", near)
        fields = reader.mapping(node, path, f"the slo of `{entry}`")
        reader.refuse_unknown(fields, SLO_KEYS, path, f"the slo of `{entry}`")
        slo[entry] = Slo(**reader.fields(fields, SLO_KEYS, path)[0])
    for load in workload:
        slo.setdefault(load.entry, Slo())
    return slo
