"""Reads the `topology` section of an experiment file: which system, where its files are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hms
from hms.experiments import plan as plans
from hms.experiments.plan import TopologyPlan
from hms.problems import nearest
from hms.scenarios.file_keys import TEXT, FileKey
from hms.scenarios.read_fields import Fields, shown

PACKAGE = Path(hms.__file__).resolve().parent
TOPOLOGY_KEYS = ("scenario", "import", "overlay", "quantities")
IMPORTERS = ("kubernetes", "compose")
QUANTITIES = FileKey("quantities", kind=TEXT, choices=plans.QUANTITIES)


def read_topology(data: Any, file: Path, reader: Fields) -> TopologyPlan:
    """The section; mistakes go to the reader. `file` is the experiment's own."""
    path = ("topology",)
    section = reader.mapping(data, path, "`topology`")
    reader.refuse_unknown(section, TOPOLOGY_KEYS, path, "`topology`")
    if "scenario" in section and "import" in section:
        reader.wrong(path, "`topology` has both `scenario` and `import`", "one of them")
    elif "scenario" not in section and "import" not in section:
        reader.wrong(path, "`topology` needs `scenario` or `import`", "scenario: FILE")
    said = section.get("quantities", "drawn")
    quantities = reader.scalar(said, QUANTITIES, (*path, "quantities"))
    overlays = section.get("overlay", [])
    listed = overlays if isinstance(overlays, list) else [overlays]
    scenario = section.get("scenario")
    near = [file.parent]
    found = None if scenario is None else _file(scenario, near, (*path, "scenario"), reader)
    if found is not None:
        near.append(found.parent)
    importer, manifests = _import(section.get("import"), file, reader)
    return TopologyPlan(
        scenario=found,
        importer=importer,
        manifests=manifests,
        overlays=tuple(
            each
            for i, name in enumerate(listed)
            if (each := _file(name, near, (*path, "overlay", i), reader)) is not None
        ),
        quantities=quantities or "drawn",
    )


def _import(data: Any, file: Path, reader: Fields) -> tuple[str, tuple[Path, ...]]:
    path = ("topology", "import")
    section = reader.mapping(data, path, "`import`")
    if not section:
        return "", ()
    reader.refuse_unknown(section, IMPORTERS, path, "`import`")
    if len(section) > 1:
        reader.wrong(path, f"`import` has {len(section)} formats", "one of them")
    kind = next(iter(section))
    names = reader.list_of(section[kind], (*path, kind), f"`{kind}`")
    found = [_file(name, [file.parent], (*path, kind, i), reader) for i, name in enumerate(names)]
    return kind, tuple(each for each in found if each is not None)


def _file(
    name: Any, near: Sequence[Path], path: tuple[str | int, ...], reader: Fields
) -> Path | None:
    """A file or folder: beside the experiment (or scenario) file, or among the shipped ones."""
    if not isinstance(name, str) or not name:
        reader.wrong(path, f"a path is {shown(name)}", "a text")
        return None
    places = [*near, PACKAGE]
    for place in places:
        if (place / name).exists():
            return place / name
    looked = ", ".join(dict.fromkeys(str(place) for place in near))
    siblings = [each.name for place in near if place.is_dir() for each in place.iterdir()]
    expected = f"a path below {looked or '.'}, or a file that hms ships"
    reader.wrong(path, f"no file {shown(name)}", expected, nearest(Path(name).name, siblings))
    return None
