"""agents.policy to machine code: the only place.

A dataclass becomes a record of the same fields; a decision function is copied with its globals
rebound to compiled callees and compiled as it stands. Nothing of a decision is written twice.
"""

import dataclasses
import importlib
from functools import cache
from types import FunctionType, ModuleType
from typing import Any, get_type_hints

import numpy as np

from hms.scenarios.machine_code import compiled

PACKAGE = "hms.agents.policy"
MODULES = (
    "window", "breaker", "retry", "dependency", "outlier", "detection", "guard", "recovery",
    "verification", "component", "invariants",
)
SCALARS = {float: "f8", int: "i8", bool: "?"}


@cache
def dtype_of(record: type[Any]) -> np.dtype[np.void]:
    """The record of a state or parameter dataclass: floats f8, ints i8, bools, arrays, nested."""
    hints = get_type_hints(record)
    fields: list[Any] = []
    for field in dataclasses.fields(record):
        length = field.metadata.get("length")
        kind = hints[field.name]
        if length is not None:
            fields.append((field.name, "f8", (length,)))
        elif dataclasses.is_dataclass(kind):
            fields.append((field.name, dtype_of(kind)))  # type: ignore[arg-type]
        else:
            fields.append((field.name, SCALARS[kind]))
    return np.dtype(fields, align=True)


def fill(row: Any, value: Any) -> None:
    """Copy a dataclass instance into one record of an array."""
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        if dataclasses.is_dataclass(item):
            fill(row[field.name], item)
        else:
            row[field.name] = item


def flat(value: Any) -> list[float | int | bool]:
    """Every number of a state in declared order, for the event log's last line."""
    numbers: list[float | int | bool] = []
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        if dataclasses.is_dataclass(item):
            numbers += flat(item)
        elif isinstance(item, list):
            numbers += item
        else:
            numbers.append(item)
    return numbers


def _modules() -> dict[str, ModuleType]:
    return {name: importlib.import_module(f"{PACKAGE}.{name}") for name in MODULES}


@cache
def decisions() -> dict[str, Any]:
    """Every decision function, compiled when first called, by name ("breaker.record")."""
    modules = _modules()
    spaces = {name: dict(vars(module)) for name, module in modules.items()}
    by_function: dict[Any, Any] = {}
    result = {}
    for name, module in modules.items():
        for key, function in vars(module).items():
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                copy = FunctionType(function.__code__, spaces[name], function.__name__)
                copy.__qualname__ = function.__qualname__
                copy.__module__ = function.__module__
                by_function[function] = result[f"{name}.{key}"] = compiled(copy)
    for space in spaces.values():
        for key, value in list(space.items()):
            if isinstance(value, FunctionType) and value in by_function:
                space[key] = by_function[value]
    return result
