"""Reads the items of large JSON files one by one, in bounded memory.

Traces come as one document of gigabytes, as JSON lines, or as documents one after the other.
`stream` hands out the items of the arrays that are asked for, and never holds more of a file than
its largest item. Files are untrusted: size, size of an item and depth are limited, NaN is refused.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from hms.documents import Problem
from hms.errors import ManifestError

MOST_BYTES = 4 << 30
MOST_OF_AN_ITEM = 64 << 20
_CHUNK = 1 << 18
_SPACE = " \t\r\n"
_NUMERIC = "+-.eE0123456789"


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def stream(path: Path, name: str, arrays: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Items of a file: (array's key, item); and ("", the other keys) of each document.

    A document that is an array itself gives its items with the key "".

    Args:
        name: the file's name for messages.
        arrays: keys of arrays at the top of a document whose items are wanted.

    Raises:
        ManifestError: the file cannot be read, is no JSON, or goes beyond a limit.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            what = f"more than {MOST_BYTES >> 30} GiB"
            raise ManifestError([Problem((), what, "a part of it is enough")], name)
        with open(path, encoding="utf-8-sig", newline="") as file:
            yield from _Reader(file, name).documents(arrays)
    except OSError as refused:
        what = f"cannot be read: {refused.strerror or refused}"
        raise ManifestError([Problem((), what)], name) from None
    except UnicodeDecodeError:
        raise ManifestError([Problem((), "not UTF-8 text", "JSON")], name) from None


class _Reader:
    """A window on a file, and a parser of one value at a time at its start."""

    def __init__(self, file: Any, name: str) -> None:
        self._file = file
        self._name = name
        self._text = ""
        self._at = 0
        self._lines = 1
        self._ended = False

    def documents(self, arrays: Collection[str]) -> Iterator[tuple[str, Any]]:
        """All documents of the file."""
        while self._peek():
            if self._peek() == "{":
                yield from self._document(arrays)
            elif self._peek() == "[":
                for item in self._items():
                    yield "", item
            else:
                raise self._wrong("no JSON", "an object or a list")

    def _document(self, arrays: Collection[str]) -> Iterator[tuple[str, Any]]:
        """The keys of one object."""
        others: dict[str, Any] = {}
        self._take("{")
        while self._peek() != "}":
            key = self._value()
            if not isinstance(key, str):
                raise self._wrong("no key", "a text")
            self._take(":")
            if key in arrays and self._peek() == "[":
                for item in self._items():
                    yield key, item
            else:
                others[key] = self._value()
            if self._peek() != "}":
                self._take(",")
        self._take("}")
        if others:
            yield "", others

    def _items(self) -> Iterator[Any]:
        """The items of an array."""
        self._take("[")
        while self._peek() != "]":
            yield self._value()
            if self._peek() != "]":
                self._take(",")
        self._take("]")

    def _value(self) -> Any:
        """The next value; more is read until it is whole."""
        self._peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as broken:
                if self._grow():
                    continue
                raise self._wrong(f"no JSON: {broken.msg}", at=broken.pos) from None
            except RecursionError:
                raise self._wrong("nested too deep") from None
            except ValueError as refused:  # NaN, a number of thousands of digits
                raise self._wrong(str(refused)[:100]) from None
            cut = self._text[end : end + 1] in _NUMERIC  # `1` of `1.5`, or nothing yet
            if not cut or not self._grow():
                self._at = end
                return value

    def _peek(self) -> str:
        """The next character that is no space, "" at the end of the file."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._grow():
                return ""

    def _take(self, mark: str) -> None:
        found = self._peek()
        if found != mark:
            told = f"`{found}`" if found else "the end of the file"
            raise self._wrong(f"no JSON: {told}", f"`{mark}`")
        self._at += 1

    def _grow(self) -> bool:
        """Read on, twice as much as is held; False at the end of the file."""
        if self._ended:
            return False
        self._lines += self._text.count("\n", 0, self._at)
        self._text, self._at = self._text[self._at :], 0
        if len(self._text) > MOST_OF_AN_ITEM:
            raise self._wrong(f"one item of more than {MOST_OF_AN_ITEM >> 20} MiB")
        more = self._file.read(max(_CHUNK, len(self._text)))
        self._text += more
        self._ended = not more
        return bool(more)

    def _wrong(self, what: str, expected: str = "", at: int | None = None) -> ManifestError:
        line = self._lines + self._text.count("\n", 0, self._at if at is None else at)
        return ManifestError([Problem((), what, expected, line=line)], self._name)
