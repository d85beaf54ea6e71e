"""Files read with the line of every key, and written whole.

Our own files are untrusted data: no anchors, tags or duplicate keys, 32 levels and 1 MiB at most,
only `true` and `false` are booleans, `1e3` is a float, `22:22` is a text. Foreign files
(Kubernetes, compose) may use anchors, within limits.
"""

import difflib
import math
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from hms.errors import InputError, MissingError

T = TypeVar("T")
KeyPath = tuple[Any, ...]

MOST_BYTES = 1 << 20
MOST_FOREIGN_BYTES = 16 << 20
MOST_LEVELS = 32
MOST_NODES = 500_000

_FLOAT = re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$")
_INTEGER = re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$")
_SPECIAL = {".nan": math.nan, ".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf}


@dataclass(frozen=True)
class Problem:
    """One mistake: where in the data, what, what was expected, the nearest known name."""

    path: KeyPath
    what: str
    expected: str = ""
    nearest: str = ""
    line: int = 0


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


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like `name`, "" if none is near."""
    found = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return found[0] if found else ""


class _Refused(Exception):
    def __init__(self, what: str, line: int, expected: str = "") -> None:
        super().__init__(what)
        self.problem = Problem((), what, expected, line=line)


class _Builder:
    """Plain data from a composed tree, within limits."""

    def __init__(self, foreign: bool) -> None:
        self.foreign = foreign
        self.lines: dict[KeyPath, int] = {}
        self.nodes = 0

    def build(self, node: yaml.Node | None, path: KeyPath, level: int = 0) -> Any:
        if node is None:
            return None
        line = node.start_mark.line + 1
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise _Refused("too much data behind its aliases", line)
        if level > MOST_LEVELS:
            raise _Refused(f"more than {MOST_LEVELS} levels", line)
        self.lines.setdefault(path, line)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, line)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(each, (*path, i), level + 1) for i, each in enumerate(node.value)]
        return self.mapping(node, path, level)

    def mapping(self, node: Any, path: KeyPath, level: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise _Refused("a key that is not a plain value", line)
            key = self.scalar(key_node, line)
            if key == "<<" and self.foreign:
                merged = self.build(value_node, path, level + 1)
                for part in merged if isinstance(merged, list) else [merged]:
                    result = {**part, **result} if isinstance(part, dict) else result
                continue
            if key in result and not self.foreign:
                raise _Refused(f"key `{key}` is there twice", line)
            self.lines[(*path, key)] = line
            result[key] = self.build(value_node, (*path, key), level + 1)
        return result

    def scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        text = str(node.value)
        if node.style is not None:
            return text
        if text in ("", "~", "null", "Null", "NULL"):
            return None
        if text in ("true", "false"):
            return text == "true"
        if text.lower() in _SPECIAL:
            return _SPECIAL[text.lower()]
        if _INTEGER.match(text):
            if len(text) > 400:
                raise _Refused("a number of more than 400 digits", line)
            return int(text)
        if _FLOAT.match(text):
            return float(text)
        return text


def _check_events(text: str, foreign: bool) -> None:
    """Refuse, before anything is built, what our files may not hold."""
    level = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            level += 1
            if level > MOST_LEVELS:
                raise _Refused(f"more than {MOST_LEVELS} levels", line)
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            level -= 1
        if foreign:
            continue
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused("anchors and aliases are not allowed", line, "the value itself")
        if getattr(event, "tag", None):
            raise _Refused(f"tag `{event.tag}` is not allowed", line, "plain data")


def _read_text(source: Path | str, file: str | None, most: int, error: type[InputError]) -> Any:
    if isinstance(source, str) and ("\n" in source or file is not None):
        return source, file or "<text>"
    path = Path(source)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        near = nearest(path.name, os.listdir(path.parent) if path.parent.is_dir() else ())
        problem = Problem((), "no such file", "a file that exists", near)
        raise error([problem], str(path)) from None
    except OSError as problem_of_system:
        raise error(f"cannot be read: {problem_of_system.strerror}", str(path)) from None
    if len(raw) > most:
        raise error([Problem((), f"{len(raw):,} bytes", f"at most {most:,} bytes")], str(path))
    try:
        return raw.decode("utf-8"), str(path)
    except UnicodeDecodeError:
        raise error([Problem((), "not UTF-8 text")], str(path)) from None


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
        foreign: anchors and duplicate keys are allowed, within limits.
    """
    most = MOST_FOREIGN_BYTES if foreign else MOST_BYTES
    text, name = _read_text(source, file, most, error)
    if len(text) > most:
        raise error([Problem((), f"{len(text):,} bytes", f"at most {most:,} bytes")], name)
    try:
        _check_events(text, foreign)
        documents = []
        for node in yaml.compose_all(text, Loader=yaml.SafeLoader):
            builder = _Builder(foreign)
            data = builder.build(node, ())
            documents.append(Document(data, name, builder.lines))
        return documents
    except _Refused as refused:
        raise error([refused.problem], name) from None
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        line = mark.line + 1 if mark else 0
        raise error([Problem((), f"not YAML: {broken.problem}", line=line)], name) from None
    except (yaml.YAMLError, RecursionError, ValueError) as broken:
        raise error([Problem((), f"not YAML: {broken}")], name) from None


def load_yaml(
    source: Path | str,
    *,
    file: str | None = None,
    error: type[InputError] = InputError,
    foreign: bool = False,
) -> Document:
    """The one document of a file; see `load_yaml_all`."""
    documents = load_yaml_all(source, file=file, error=error, foreign=foreign)
    if len(documents) > 1:
        line = documents[1].line_of(())
        problem = Problem((), "a second document", "one document", line=line)
        raise error([problem], documents[0].file)
    if documents:
        return documents[0]
    return Document(None, file or str(source), {(): 1})


def read(
    source: Path | str,
    parse: Callable[[Any], tuple[T | None, Sequence[Any]]],
    error: type[InputError] = InputError,
    *,
    file: str | None = None,
) -> T:
    """Load and parse a file of ours; all its mistakes are raised at once, with their lines."""
    document = load_yaml(source, file=file, error=error)
    value, problems = parse(document.data)
    if problems or value is None:
        raise error(located(problems, document), document.file)
    return value


def located(problems: Sequence[Any], document: Document) -> list[Problem]:
    """The problems with the line of their path, in the order of the file."""
    placed = [
        Problem(
            tuple(p.path),
            p.what,
            getattr(p, "expected", ""),
            getattr(p, "nearest", ""),
            getattr(p, "line", 0) or document.line_of(p.path),
        )
        for p in problems
    ]
    return sorted(placed, key=lambda p: p.line)


def in_line(problem: Problem, line: int) -> Problem:
    """The problem, placed."""
    return replace(problem, line=line)


def dump_yaml(data: Any) -> str:
    """Block YAML in the order of the data, which `load_yaml` reads back equal."""
    text: str = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100,
        default_flow_style=None,
    )
    return text


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _float_text(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    if math.isnan(value) or math.isinf(value):
        text = ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    else:
        text = repr(value)
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


def _plain_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None
    number = _FLOAT.match(value) or _INTEGER.match(value) or value.lower() in _SPECIAL
    if number or value in ("", "~", "null", "Null", "NULL", "true", "false", "<<"):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(float, _float_text)
_Dumper.add_representer(str, _plain_text)


def write_whole(path: Path | str, content: bytes | str) -> None:
    """Write a file so that it is there whole or not at all: temporary name, fsync, rename."""
    target = Path(path)
    raw = content.encode("utf-8") if isinstance(content, str) else content
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except FileNotFoundError:
        raise MissingError(f"no such folder: {target.parent}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
