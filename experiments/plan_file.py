"""Reads an experiment file and reports all of its mistakes at once (docs/formats.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hms.documents import Problem, load_yaml, located, nearest
from hms.errors import ExperimentError, InputError
from hms.evolution.baselines import MADE, ORACLE
from hms.experiments import plan as plans
from hms.experiments.plan import (
    Budget,
    ChoosePlan,
    ComparePlan,
    ExperimentPlan,
    Prices,
    SearchPlan,
    TopologyPlan,
)
from hms.experiments.plan_sweep import read_sweep
from hms.experiments.plan_topology import IMPORTERS, read_topology
from hms.scenarios.file_keys import INTEGER, SWITCH, TEXT, FileKey, table
from hms.scenarios.generate import EVERY_FAMILY, FailurePlan
from hms.scenarios.importers.files import system_name
from hms.scenarios.read_fields import Fields, shown

LIBRARY = Path(__file__).resolve().parent / "library"
"""Experiments that the project ships; `hms run NAME` finds them by name."""

TOP_KEYS = (
    "schema", "name", "seed", "topology", "failures", "budgets", "search", "choose", "compare",
    "prices", "replay", "sweep",
)  # fmt: skip
NAME = r"[a-z0-9][a-z0-9-]{0,40}"
SEED = r"[ -~]{1,64}"
SEED_EXPECTED = 'a text of 1 to 64 plain characters, such as "20261124"'

BUDGET_KEYS = table(
    FileKey(key, kind=INTEGER, low=low, high=1e8)
    for key, low in (
        ("incidents", 1.0), ("train", 1.0), ("validation", 1.0), ("held_out", 1.0),
        ("held_out_never_trained", 0.0),
    )
)  # fmt: skip
OWN_KEYS = table(
    (
        FileKey("incidents_per_genome", kind=INTEGER, low=1, high=100_000),
        FileKey("overrides", kind=SWITCH),
    )
)
"""What a budget may say for itself instead of `search`."""
SEARCH_KEYS = table(
    (
        FileKey("algorithm", kind=TEXT, choices=plans.ALGORITHMS),
        FileKey("engine", kind=TEXT, choices=plans.ENGINES),
        FileKey("population", kind=INTEGER, low=4, high=10_000),
        *OWN_KEYS.values(),
        FileKey("rotation_share", low=0.01, high=1.0),
        FileKey("polish_share", high=0.5),
    )
)
CHOOSE_KEYS = table(
    (
        FileKey("set", kind=TEXT, choices=("validation",)),
        FileKey("finalists", kind=INTEGER, low=1, high=1_000),
        FileKey("lowest", kind=TEXT, choices=("downtime_s",)),
        FileKey("disruption_s_at_most", low=1.0, high=100.0),
    )
)
INTERVAL_KEYS = table(
    (
        FileKey("method", kind=TEXT, choices=("paired_bootstrap",)),
        FileKey("stratify", kind=TEXT, choices=("family",)),
        FileKey("resamples", kind=INTEGER, low=100, high=1e6),
        FileKey("level", low=0.5, high=0.999),
    )
)
ALSO_KEYS = table((FileKey("from_incidents", kind=INTEGER, low=1, high=1e8),))
PRICE_KEYS = table(
    FileKey(key, high=1e6)
    for key in ("out_of_service", "added_replica", "quality_loss", "lost_in_flight")
)
REPLAY_KEYS = table(
    (
        FileKey("engine", kind=TEXT, choices=("actors",)),
        FileKey("hosts", kind=TEXT, choices=("one_per_component",)),
    )
)


def load_plan(source: str | Path) -> ExperimentPlan:
    """The experiment in a file, or the shipped one of that name.

    Raises:
        ExperimentError: every mistake of the file, with line, what was expected, nearest name;
            or that there is neither such a file nor a shipped experiment of that name.
    """
    path = find_experiment(source)
    document = load_yaml(path, error=ExperimentError)
    plan, problems = parse_plan(document.data, path)
    if plan is None:
        raise ExperimentError(located(problems, document), str(path))
    return plan


def find_experiment(source: str | Path) -> Path:
    """A path to a file, or the name of a shipped experiment."""
    path = Path(source)
    if path.is_file():
        return path
    shipped = {found.stem: found for found in sorted(LIBRARY.glob("*.yaml"))}
    if str(source) in shipped:
        return shipped[str(source)]
    near = nearest(str(source), shipped)
    names = f"nearest: {near}" if near else f"shipped experiments: {', '.join(shipped)}"
    raise ExperimentError(f"no experiment file {source}\n    expected: a file, or a name; {names}")


def seeded(plan: ExperimentPlan, seed: str) -> ExperimentPlan:
    """The plan with another seed, as `--seed` gives it.

    Raises:
        InputError: a file could not say it, so that the run's own copy could not be run again.
    """
    if not re.fullmatch(SEED, seed):
        raise InputError([Problem((), f"--seed {shown(seed)}", SEED_EXPECTED)])
    return replace(plan, seed=seed)


def import_instead(plan: ExperimentPlan, importer: str, folder: str) -> ExperimentPlan:
    """The plan with the system of these manifests; overlays of the file's own system go.

    Raises:
        InputError: no such importer or folder.
    """
    if importer not in IMPORTERS:
        near = nearest(importer, IMPORTERS)
        problem = Problem((), f"--import {importer}", ", ".join(IMPORTERS), near)
        raise InputError([problem])
    if not Path(folder).exists():
        raise InputError([Problem((), f"--import {importer}: no {folder}", "a file or a folder")])
    topology = TopologyPlan(
        importer=importer, manifests=(Path(folder),), quantities=plan.topology.quantities
    )
    return replace(plan, name=system_name(folder), topology=topology)


def parse_plan(data: Any, file: Path) -> tuple[ExperimentPlan | None, list[Problem]]:
    """A plan from the file's mapping; None with all problems if there are any."""
    problems: list[Problem] = []
    reader = Fields({}, problems)
    top = reader.mapping(data, (), "the experiment")
    if not _schema_is_ours(top, reader):
        return None, problems
    reader.refuse_unknown(top, TOP_KEYS, (), "the experiment")
    topology = read_topology(top.get("topology"), file, reader)
    failures = _failures(top.get("failures"), topology.quantities, reader)
    plan_parts: dict[str, Any] = {
        "name": _name(top.get("name"), reader),
        "seed": _seed(top.get("seed", "1"), reader),
        "topology": topology,
        "budgets": _budgets(top.get("budgets"), reader),
        "search": _search(top.get("search"), reader),
        "choose": _choose(top.get("choose"), reader),
        "compare": _compare(top.get("compare"), reader),
        "prices": Prices(**_values(top.get("prices"), PRICE_KEYS, ("prices",), reader)),
        "replayed": _replayed(top.get("replay"), reader),
        "sweep": read_sweep(top.get("sweep"), EVERY_FAMILY, reader),
    }
    if problems or failures is None:
        return None, problems
    return ExperimentPlan(**plan_parts, failures=failures, file=str(file)), []


def _schema_is_ours(top: Mapping[str, Any], reader: Fields) -> bool:
    schema = top.get("schema")
    if schema == plans.SCHEMA:
        return True
    what = f"`schema` is {shown(schema)}" if "schema" in top else "`schema` is missing"
    match = re.fullmatch(r"hms\.experiment/(\d{1,9})", schema) if isinstance(schema, str) else None
    if match and int(match[1]) > 1:
        what = f"schema {schema} is newer than this version of hms reads"
    reader.wrong(("schema",), what, plans.SCHEMA)
    return False


def _name(data: Any, reader: Fields) -> str:
    if not isinstance(data, str) or not re.fullmatch(NAME, data):
        expected = "small letters, digits and -, at most 41: it becomes a folder's name"
        reader.wrong(("name",), f"`name` is {shown(data)}", expected)
        return "unnamed"
    return data


def _seed(data: Any, reader: Fields) -> str:
    """A text; a plain number is taken as it is written."""
    text = str(data) if isinstance(data, int) and not isinstance(data, bool) else data
    if not isinstance(text, str) or not re.fullmatch(SEED, text):
        reader.wrong(("seed",), f"`seed` is {shown(data)}", SEED_EXPECTED)
        return "1"
    return text


def _failures(data: Any, quantities: str, reader: Fields) -> FailurePlan | None:
    if data is None:
        reader.wrong(("failures",), "`failures` is missing", "families: [crash, hang, …]")
        return None
    plan, problems = FailurePlan.parse(data, quantities)
    for problem in problems:
        path = ("failures", *problem.path)
        reader.problems.append(Problem(path, problem.what, problem.expected, problem.nearest))
    return plan


def _budgets(data: Any, reader: Fields) -> dict[str, Budget]:
    """The file's budgets; small, standard and large where it does not say its own."""
    budgets = dict(plans.STANDARD_BUDGETS)
    for name, node in reader.mapping(data, ("budgets",), "`budgets`").items():
        path = ("budgets", name)
        if name not in plans.STANDARD_BUDGETS:
            reader.unknown(("budgets",), name, tuple(plans.STANDARD_BUDGETS), "`budgets`")
            continue
        values = _values(node, {**BUDGET_KEYS, **OWN_KEYS}, path, reader)
        for key in BUDGET_KEYS:
            if key not in values and isinstance(node, dict) and key not in node:
                reader.wrong(path, f"`{key}` is missing", BUDGET_KEYS[key].expected)
        if set(BUDGET_KEYS) <= set(values):
            budgets[name] = Budget(name, **values)
    return budgets


def _search(data: Any, reader: Fields) -> SearchPlan:
    path = ("search",)
    section = reader.mapping(data, path, "`search`")
    lists: dict[str, Any] = {
        "start_from": _words(section, "start_from", plans.STARTS, path, reader),
        "objectives": _words(section, "objectives", plans.OBJECTIVES, path, reader),
    }
    if len(lists["objectives"]) == 1:  # NSGA-II spreads along a front: there is none
        expected = f"two or more of {', '.join(plans.OBJECTIVES)}"
        reader.wrong((*path, "objectives"), "one objective", expected)
    plain = {key: value for key, value in section.items() if key not in (*lists, "racing")}
    values = _values(plain, SEARCH_KEYS, path, reader, also=(*lists, "racing"))
    if "racing" in section:
        values["racing"] = _racing(section["racing"], (*path, "racing"), reader)
    return SearchPlan(**values, **{key: found for key, found in lists.items() if found})


def _racing(data: Any, path: tuple[str | int, ...], reader: Fields) -> tuple[int, ...]:
    """Rising numbers of scenarios; an empty list is no racing."""
    spec = FileKey("racing", kind=INTEGER, low=2, high=100_000)
    nodes = reader.list_of(data, path, "`racing`")
    stages = [reader.scalar(node, spec, (*path, place)) for place, node in enumerate(nodes)]
    if None not in stages and stages != sorted(set(stages)):
        reader.wrong(path, f"`racing` is {shown(data)}", "rising, such as [8, 16, 32]")
    return tuple(stage for stage in stages if stage is not None)


def _choose(data: Any, reader: Fields) -> ChoosePlan:
    values = _values(data, CHOOSE_KEYS, ("choose",), reader)
    values.pop("set", None)
    return ChoosePlan(**values)


def _compare(data: Any, reader: Fields) -> ComparePlan:
    path = ("compare",)
    section = reader.mapping(data, path, "`compare`")
    reader.refuse_unknown(section, ("baselines", "also", "interval"), path, "`compare`")
    known = (*plans.BASELINES, *MADE)
    names = _words(section, "baselines", known, path, reader)
    if names and set(names) <= {ORACLE}:
        expected = "a baseline beside it: the oracle is none"
        reader.wrong((*path, "baselines"), "only the oracle", expected)
    interval = _values(section.get("interval"), INTERVAL_KEYS, (*path, "interval"), reader)
    kept: dict[str, Any] = {
        key: interval[key] for key in ("resamples", "level") if key in interval
    }
    if "also" in section:
        also = reader.mapping(section["also"], (*path, "also"), "`also`")
        plain = {key: value for key, value in also.items() if key != "baselines"}
        where = (*path, "also")
        found = _values(plain, ALSO_KEYS, where, reader, also=("baselines",))
        kept["also"] = _words(also, "baselines", known, where, reader)
        kept["also_from"] = found.get("from_incidents", plans.ALSO_FROM)
    elif names:
        kept["also"] = ()  # whoever lists what to compare with gets that and no more
    return ComparePlan(names or plans.BASELINES, **kept)


def _replayed(data: Any, reader: Fields) -> tuple[str, ...]:
    path = ("replay",)
    section = reader.mapping(data, path, "`replay`")
    plain = {key: value for key, value in section.items() if key != "incidents"}
    _values(plain, REPLAY_KEYS, path, reader, also=("incidents",))
    words = _words(section, "incidents", plans.REPLAYED, path, reader)
    if len(words) > 1:
        expected = f"one of {', '.join(plans.REPLAYED)}"
        reader.wrong((*path, "incidents"), f"{len(words)} incidents to replay", expected)
    return words or plans.REPLAYED[:1]


def _words(
    section: Mapping[str, Any],
    key: str,
    known: tuple[str, ...],
    path: tuple[str | int, ...],
    reader: Fields,
) -> tuple[str, ...]:
    """A list of known words, each once; () where the key is absent or wrong."""
    if key not in section:
        return ()
    words: list[str] = []
    spec = FileKey(key, kind=TEXT, choices=known)
    for place, node in enumerate(reader.list_of(section[key], (*path, key), f"`{key}`")):
        word = reader.scalar(node, spec, (*path, key, place))
        if word in words:
            reader.wrong((*path, key, place), f"`{word}` is there twice", "each once")
        elif word is not None:
            words.append(word)
    if not words:
        reader.wrong((*path, key), f"`{key}` is empty", ", ".join(known))
    return tuple(words)


def _values(
    data: Any,
    keys: Mapping[str, FileKey],
    path: tuple[str | int, ...],
    reader: Fields,
    also: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The plain values of a section whose keys are all in the table."""
    section = reader.mapping(data, path, f"`{path[-1]}`")
    reader.refuse_unknown(
        [key for key in section if key not in keys],
        (*keys, *also),
        path,
        f"`{path[-1]}`",
    )
    values: dict[str, Any] = {}
    for key, node in section.items():
        if key in keys:
            value = reader.scalar(node, keys[key], (*path, key))
            if value is not None:
                values[key] = value
    return values
