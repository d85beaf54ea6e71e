"""Files read with the line of every key, and written whole.

`load_yaml` and `read` are for our own files, which must be plain data of at most 1 MiB;
`load_yaml_all` is for foreign ones (Kubernetes, compose). `yaml_tree.py` says what each may hold.
"""

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

import yaml

from hms.errors import InputError
from hms.problems import KeyPath, Problem, nearest
from hms.yaml_tree import LOADER, Refused, Tree, check_events, needs_quotes, syntax_problem

__all__ = [
    "Document",
    "KeyPath",
    "Problem",
    "dump_yaml",
    "load_yaml",
    "load_yaml_all",
    "located",
    "nearest",
    "read",
    "write_whole",
]

T = TypeVar("T")

MOST_BYTES = 1 << 20
MOST_FOREIGN_BYTES = 8 << 20


@dataclass
class Document:
    """Plain data, and the 1-based line of every key and item."""

    data: Any
    file: str
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def line_of(self, path: Sequence[Any]) -> int:
        """The line of a path, or of the longest part of it that is known."""
        for length in range(len(path), -1, -1):
            line = self.lines.get(tuple(path[:length]))
            if line:
                return line
        return 0


def load_yaml_all(
    source: Path | str,
    *,
    file: str | None = None,
    error: type[InputError] = InputError,
    foreign: bool = True,
) -> list[Document]:
    """Every document of a file.

    Args:
        source: a path, or a text (of several lines, or with `file` given).
        file: the name for messages.
        error: what is raised on a mistake.
        foreign: anchors, tags and duplicate keys are allowed, within limits.
    """
    text, name = _text_and_name(source, file, MOST_FOREIGN_BYTES if foreign else MOST_BYTES, error)
    try:
        check_events(text, foreign)
        tree = Tree(foreign)
        documents = []
        for node in yaml.compose_all(text, Loader=LOADER):
            data = tree.document(node)
            documents.append(Document(data, name, tree.lines))
        return documents
    except Refused as refused:
        raise error([refused.problem], name) from None
    except yaml.YAMLError as broken:
        raise error([syntax_problem(broken, text)], name) from None


def load_yaml(
    source: Path | str,
    *,
    file: str | None = None,
    error: type[InputError] = InputError,
    foreign: bool = False,
) -> Document:
    """The one document of a file; of an empty one, None. See `load_yaml_all`."""
    documents = load_yaml_all(source, file=file, error=error, foreign=foreign)
    if len(documents) > 1:
        line = documents[1].line_of(())
        problem = Problem((), "a second document", "one document", line=line)
        raise error([problem], documents[0].file)
    if documents:
        return documents[0]
    return Document(None, _name(source, file), {(): 1})


def read(
    source: Path | str,
    parse: Callable[[Any], tuple[T | None, Sequence[Any]]],
    error: type[InputError] = InputError,
    *,
    file: str | None = None,
) -> T:
    """Load and parse a file of ours; all its mistakes are raised at once, with their lines.

    Args:
        source: a path, or a text, as for `load_yaml`.
        parse: the value and its mistakes (objects like `Problem`) from plain data.
        error: what is raised on a mistake.
        file: the name for messages.
    """
    document = load_yaml(source, file=file, error=error)
    value, problems = parse(document.data)
    if problems or value is None:
        raise error(located(problems, document), document.file)
    return value


def located(problems: Sequence[Any], document: Document) -> list[Problem]:
    """The problems with the line of their path, in the order of the file."""
    placed = [
        Problem(
            tuple(problem.path),
            problem.what,
            getattr(problem, "expected", ""),
            getattr(problem, "nearest", ""),
            getattr(problem, "line", 0) or document.line_of(problem.path),
        )
        for problem in problems
    ]
    return sorted(placed, key=lambda problem: problem.line)


def dump_yaml(data: Any) -> str:
    """YAML in the order of the data, innermost lists and mappings on one line.

    `load_yaml` reads it back equal.
    """
    text: str = yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=98,
        default_flow_style=None,
    )
    return text


def write_whole(path: Path | str, content: bytes | str) -> None:
    """Write a file so that it is there whole or not at all: temporary name, fsync, rename.

    Raises:
        InputError: it cannot be written there.
    """
    target = Path(path)
    raw = content.encode("utf-8") if isinstance(content, str) else content
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    try:
        with open(temporary, "xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except OSError as refused:
        raise InputError(f"cannot be written: {refused.strerror}", str(target)) from None
    finally:
        temporary.unlink(missing_ok=True)  # after an error or Ctrl-C; renamed otherwise


def _sync_folder(folder: Path) -> None:
    """Make a rename in it last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _text_and_name(
    source: Path | str, file: str | None, most: int, error: type[InputError]
) -> tuple[str, str]:
    name = _name(source, file)
    raw = source.encode("utf-8") if _is_text(source, file) else _bytes_of(source, most, error)
    if len(raw) > most:
        raise error([Problem((), f"more than {most:,} bytes", f"at most {most:,}")], name)
    try:
        return raw.decode("utf-8"), name
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        raise error([Problem((), "not UTF-8 text", line=line)], name) from None


def _is_text(source: Path | str, file: str | None) -> TypeGuard[str]:
    return isinstance(source, str) and ("\n" in source or file is not None)


def _name(source: Path | str, file: str | None) -> str:
    return file or ("<text>" if _is_text(source, file) else str(source))


def _bytes_of(source: Path | str, most: int, error: type[InputError]) -> bytes:
    """At most one byte more than allowed: the path may be a device without an end."""
    path = Path(source)
    try:
        with open(path, "rb") as file:
            return file.read(most + 1)
    except FileNotFoundError:
        near = nearest(path.name, os.listdir(path.parent) if path.parent.is_dir() else ())
        problem = Problem((), "no such file", "a file that exists", near)
        raise error([problem], str(path)) from None
    except (OSError, ValueError) as refused:  # ValueError: a NUL in the name
        reason = getattr(refused, "strerror", None) or refused
        raise error(f"cannot be read: {reason}", str(path)) from None


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if needs_quotes(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
