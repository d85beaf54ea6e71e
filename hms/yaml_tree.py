"""Plain data from YAML text, with the line of every key, within limits.

Our own files are untrusted data: no anchors, tags or duplicate keys, 32 levels at most. Only
`true` and `false` are booleans, `1e3` is a float, `22:22`, `on` and `007` are texts (YAML 1.2;
PyYAML alone follows 1.1). Foreign files (Kubernetes, compose) may use anchors, as long as what
they stand for stays small: aliases can make gigabytes of a few lines.
"""

import math
import re
from typing import Any

import yaml

from hms.problems import KeyPath, Problem

MOST_LEVELS = 32
MOST_VALUES = 100_000
MOST_FOREIGN_VALUES = 500_000  # aliases counted each time
MOST_DIGITS = 400

_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_SPECIAL = {".nan": math.nan, ".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf}
_BREAKS = set("\x85\u2028\u2029\ufeff")  # PyYAML writes them bare and reads them as line ends
_EMPTY = ("", "~", "null", "Null", "NULL")

# libyaml where the wheel has it: 10 times as fast, and a megabyte is refused within a second
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Refused(Exception):
    """The text holds something that it may not hold."""

    def __init__(self, what: str, line: int, expected: str = "") -> None:
        super().__init__(what)
        self.problem = Problem((), what, expected, line=line)


class Tree:
    """Builds the data of one file's documents; `lines` are the last document's."""

    def __init__(self, foreign: bool) -> None:
        self.foreign = foreign
        self.lines: dict[KeyPath, int] = {}
        self._values = 0

    def document(self, root: yaml.Node | None) -> Any:
        """The data of one document; its lines are in `lines`."""
        self.lines = {}
        return self._build(root, (), 0)

    def _build(self, node: yaml.Node | None, path: KeyPath, level: int) -> Any:
        if node is None:
            return None
        line = node.start_mark.line + 1
        self._values += 1
        if self._values > MOST_FOREIGN_VALUES:
            raise too_many(line, MOST_FOREIGN_VALUES)
        if level > MOST_LEVELS:  # an anchor may hold itself
            raise too_deep(line)
        self.lines.setdefault(path, line)
        if isinstance(node, yaml.ScalarNode):
            return plain_value(node, line)
        if isinstance(node, yaml.SequenceNode):
            return [self._build(each, (*path, i), level + 1) for i, each in enumerate(node.value)]
        return self._mapping(node, path, level)

    def _mapping(self, node: Any, path: KeyPath, level: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise Refused("a key that is not a plain value", line, "a text")
            key = plain_value(key_node, line)
            if key == "<<" and self.foreign:
                result = self._merged(result, self._build(value_node, path, level + 1))
                continue
            if key in result and not self.foreign:
                raise Refused(f"key `{key}` is there twice", line, "each key once")
            self.lines[(*path, key)] = line
            result[key] = self._build(value_node, (*path, key), level + 1)
        return result

    def _merged(self, own: dict[Any, Any], merged: Any) -> dict[Any, Any]:
        """`own` with the keys of `<<` that it lacks; of several, the first wins."""
        for part in merged if isinstance(merged, list) else [merged]:
            own = {**part, **own} if isinstance(part, dict) else own
        return own


def plain_value(node: yaml.ScalarNode, line: int) -> Any:
    """What a scalar stands for in YAML 1.2; one in quotes is a text."""
    text = str(node.value)
    if node.style:
        return text
    if text in _EMPTY:
        return None
    if text in ("true", "false"):
        return text == "true"
    if text.lower() in _SPECIAL:
        return _SPECIAL[text.lower()]
    if _INTEGER.fullmatch(text):
        if len(text) > MOST_DIGITS:
            raise Refused(f"a number of {len(text):,} digits", line, f"{MOST_DIGITS} at most")
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def needs_quotes(text: str) -> bool:
    """Whether a text, written as PyYAML would, would be read as something else."""
    number = _FLOAT.fullmatch(text) or _INTEGER.fullmatch(text) or text.lower() in _SPECIAL
    return bool(number) or text in (*_EMPTY, "true", "false", "<<") or bool(_BREAKS & set(text))


def check_events(text: str, foreign: bool) -> None:
    """Refuse, before anything is built, what the file may not hold.

    Raises:
        Refused: too many levels or values; in a file of ours, an anchor, an alias, a tag or a
            second document.
    """
    level = values = documents = 0
    most = MOST_FOREIGN_VALUES if foreign else MOST_VALUES
    for event in yaml.parse(text, Loader=LOADER):
        line = _line(event)
        values += isinstance(event, yaml.NodeEvent)
        if values > most:
            raise too_many(line, most)
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1
        if level > MOST_LEVELS:
            raise too_deep(line)
        if not foreign:
            documents += isinstance(event, yaml.DocumentStartEvent)
            _check_own(event, line, documents)


def _check_own(event: yaml.Event, line: int, documents: int) -> None:
    if documents > 1:
        raise Refused("a second document", line, "one document")
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise Refused("anchors and aliases are not allowed", line, "the value itself")
    tag = getattr(event, "tag", None)
    if tag:
        raise Refused(f"tag `{tag}` is not allowed", line, "plain data")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def too_deep(line: int) -> Refused:
    """The refusal of a text that is nested too deeply."""
    return Refused(f"more than {MOST_LEVELS} levels", line, f"{MOST_LEVELS} levels at most")


def too_many(line: int, most: int) -> Refused:
    """The refusal of a text that stands for too much data."""
    return Refused(f"more than {most:,} values, aliases counted", line, f"{most:,} at most")


def syntax_problem(broken: yaml.YAMLError, text: str) -> Problem:
    """PyYAML's complaint as one of ours, with its line."""
    if isinstance(broken, yaml.MarkedYAMLError):
        mark = broken.problem_mark or broken.context_mark
        return Problem((), f"not YAML: {broken.problem}", line=mark.line + 1 if mark else 0)
    if isinstance(broken, yaml.reader.ReaderError):
        line = text.count("\n", 0, broken.position) + 1
        what = f"not YAML: character U+{ord_of(broken.character):04X} is not allowed"
        return Problem((), what, "text", line=line)
    return Problem((), f"not YAML: {broken}")


def ord_of(character: int | str) -> int:
    """The code of a character, which PyYAML names as one or the other."""
    return character if isinstance(character, int) else ord(character)
