"""Chaos experiments as they stand in files, and each single injection of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from hms.documents import Document, Problem, load_yaml_all, located, nearest
from hms.errors import ManifestError
from hms.scenarios.chaos.checking import checked, refuse_incomplete
from hms.scenarios.chaos.vocabulary import BESIDE, GROUPS, INEXPRESSIBLE, ISTIO, MESH, OBJECT, SPECS
from hms.scenarios.read_fields import Fields, Path, shown

MOST_OBJECTS = 1000
PAUSED = "experiment.chaos-mesh.org/pause"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file a spec stands.

    Attributes:
        path: keys from the top of the document to the spec.
    """

    document: Document
    path: Path

    def line(self, *keys: str | int) -> int:
        """The line of a field of the spec."""
        return self.document.line_of((*self.path, *keys))

    def raw(self, *keys: str | int) -> Any:
        """A field as the file writes it; None for one that is not there, and for the whole spec."""
        data = self.document.data
        for key in (*self.path, *keys):
            try:
                data = data[key]
            except (KeyError, IndexError, TypeError):
                return None
        return data if keys else None

    def below(self, *keys: str | int) -> Place:
        """The place of a spec that stands inside this one."""
        return Place(self.document, (*self.path, *keys))


@dataclass(frozen=True, slots=True)
class Experiment:
    """One object of a file.

    Attributes:
        kind: PodChaos, NetworkChaos, …, Schedule, Workflow, VirtualService.
        spec: checked, in seconds and shares; {} of a kind that has no fault here.
        paused: an annotation says that it shall not run.
    """

    kind: str
    name: str
    spec: Mapping[str, Any]
    place: Place
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Injection:
    """One experiment at one time: what a schedule or a workflow comes down to.

    Attributes:
        name: of the object, and of the template of a workflow.
        number: which firing of a schedule; random choices are keyed by name and number.
        duration_s: None where nothing says how long.
    """

    kind: str
    name: str
    spec: Mapping[str, Any]
    place: Place
    start_s: float
    duration_s: float | None
    number: int = 0


def read_experiments(files: Sequence[str | FilePath]) -> list[Experiment]:
    """All chaos objects of the files, in their order.

    Raises:
        ManifestError: a file's mistakes, all at once, or a file without any such object.
    """
    found: list[Experiment] = []
    for file in files:
        documents = load_yaml_all(file, error=ManifestError)
        problems: list[Problem] = []
        own: list[Experiment] = []
        for document in documents:
            mistakes: list[Problem] = []
            reader = Fields({}, mistakes)
            own += _objects(document, reader)
            problems += located(mistakes, document)
        if problems:
            raise ManifestError(problems, str(file))
        if not own:
            kinds = ", ".join(kind for kinds in GROUPS.values() for kind in kinds)
            raise ManifestError([Problem((), "no chaos experiment in it", kinds)], str(file))
        found += own
    return found


def _objects(document: Document, reader: Fields) -> Iterator[Experiment]:
    """The objects of one document; those of a List one by one."""
    data = document.data
    if data is None:
        return
    top = reader.mapping(data, (), "the file")
    if str(top.get("kind", "")).endswith("List") and isinstance(top.get("items"), list):
        listed = top["items"][:MOST_OBJECTS]
        items: list[tuple[Path, Any]] = [(("items", i), item) for i, item in enumerate(listed)]
    else:
        items = [((), top)] if top else []
    for path, item in items:
        experiment = _object(item, document, path, reader)
        if experiment is not None:
            yield experiment


def _object(item: Any, document: Document, path: Path, reader: Fields) -> Experiment | None:
    fields = reader.mapping(item, path, "an object")
    kind, group = fields.get("kind"), str(fields.get("apiVersion", "")).partition("/")[0]
    if kind not in GROUPS.get(group, ()):
        _refuse_kind(kind, group, path, reader)
        return None
    reader.refuse_unknown(fields, OBJECT, path, f"a {kind}")
    metadata = reader.mapping(fields.get("metadata"), (*path, "metadata"), "`metadata`")
    at = (*path, "spec")
    spec = {}
    if kind not in INEXPRESSIBLE:
        spec = checked(fields.get("spec"), SPECS[kind], at, f"the spec of a {kind}", reader)
        refuse_incomplete(kind, spec, at, reader)
    annotations = metadata.get("annotations")
    marks = annotations if isinstance(annotations, Mapping) else {}
    name = str(metadata.get("name") or kind)
    return Experiment(kind, name, spec, Place(document, at), str(marks.get(PAUSED)) == "true")


def _refuse_kind(kind: Any, group: str, path: Path, reader: Fields) -> None:
    """A problem for what was meant as a chaos experiment; a Deployment beside it is passed over."""
    kinds = {name: api for api, names in GROUPS.items() for name in names}
    near = nearest(str(kind), kinds)
    if (group == ISTIO and kind != near) or (group == MESH and kind in BESIDE):
        return  # a DestinationRule, a RemoteCluster, …
    if group in GROUPS:
        what = f"unknown kind {shown(kind)} of {group}"
        reader.wrong((*path, "kind"), what, ", ".join(GROUPS[group]), near)
    elif str(kind) in kinds:
        what = f"apiVersion of a {kind} is {shown(group)}"
        reader.wrong((*path, "apiVersion"), what, f"{kinds[str(kind)]}/…", kinds[str(kind)])
    elif not isinstance(kind, str) or not group:
        reader.wrong(path, "no object with `apiVersion` and `kind`", ", ".join(kinds))
