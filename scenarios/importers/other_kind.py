"""Compose files given as Kubernetes manifests, traces as manifests: which file looks like which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hms.documents import Document, Problem, load_yaml_all
from hms.errors import ManifestError
from hms.scenarios.importers.files import cited_as, list_files
from hms.scenarios.importers.kubernetes_objects import at

KUBERNETES, COMPOSE = "kubernetes", "compose"
ISTIO = "istio"
"""Its objects are Kubernetes' too."""
TRACES, JAEGER = "traces", "jaeger"
WORDS = {
    KUBERNETES: "Kubernetes manifests",
    COMPOSE: "a compose file",
    TRACES: "traces",
    JAEGER: "Jaeger's dependencies",
}


def other_kind(format_name: str, paths: Sequence[str | Path]) -> ManifestError | None:
    """The error that says which files are of the other kind; None where none looks so.

    Asked only after an import that found nothing: a folder of manifests may hold a compose file
    beside them.
    """
    problems: list[Problem] = []
    for file in list_files(paths):
        found = looks_like(file)
        if found and found[0] != (KUBERNETES if format_name == ISTIO else format_name):
            kind, key, line = found
            name = cited_as(file, paths)
            what = f"{name}:{line}: `{key}:`: this looks like {WORDS[kind]}, not {format_name}"
            problems.append(Problem((), what, f"the format `{kind}` for it"))
    return ManifestError(problems, None) if problems else None


def looks_like(file: Path) -> tuple[str, str, int] | None:
    """A format, the key that tells it and that key's line; None where neither can be told."""
    try:
        documents = load_yaml_all(file, error=ManifestError)
    except ManifestError:
        return None
    found = (_of_document(document) for document in documents)
    return next((each for each in found if each is not None), None)


def _of_document(document: Document) -> tuple[str, str, int] | None:
    data: Any = document.data
    if not isinstance(data, Mapping):
        return None
    if isinstance(data.get("kind"), str) and ("apiVersion" in data or "metadata" in data):
        return KUBERNETES, "kind", document.line_of(("kind",))
    if isinstance(at(data, "services"), Mapping) and "kind" not in data:
        return COMPOSE, "services", document.line_of(("services",))
    first = at(data, "data", 0)
    if "resourceSpans" in data or at(first, "spans") is not None:
        key = "resourceSpans" if "resourceSpans" in data else "data"
        return TRACES, key, document.line_of((key,))
    if at(first, "callCount") is not None:
        return JAEGER, "data", document.line_of(("data",))
    return None
