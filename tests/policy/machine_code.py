"""Decisions as machine code, for the tests of this folder: records, and rebound functions.

Each function is copied with its globals rebound to compiled callees (CONTRIBUTING.md, section 2,
"Compiling"); signatures come from the annotations.
"""

import dataclasses
import dis
import types
from collections.abc import Callable
from typing import Any, get_args, get_origin, get_type_hints

import numba
import numpy as np
from numba import from_dtype
from numba import types as nb

_SCALARS = {float: np.float64, int: np.int64, bool: np.bool_}
_compiled: dict[tuple[str, str], Any] = {}


def dtype_of(record: type[Any]) -> np.dtype[Any]:
    """The aligned record of a state or parameter dataclass."""
    hints = get_type_hints(record)
    columns: list[tuple[Any, ...]] = []
    for each in dataclasses.fields(record):
        kind = hints[each.name]
        if "length" in each.metadata:
            columns.append((each.name, np.float64, (each.metadata["length"],)))
        elif dataclasses.is_dataclass(kind):
            columns.append((each.name, dtype_of(kind)))
        else:
            columns.append((each.name, _SCALARS[kind]))
    return np.dtype(columns, align=True)


def pour(instance: Any, record: Any) -> None:
    """Copy a dataclass instance into a record of its dtype."""
    for each in dataclasses.fields(instance):
        value = getattr(instance, each.name)
        if dataclasses.is_dataclass(value):
            pour(value, record[each.name])
        else:
            record[each.name] = value


def record_of(instance: Any) -> Any:
    """A one-row record array that holds what the instance holds."""
    rows = np.zeros(1, dtype_of(type(instance)))
    pour(instance, rows[0])
    return rows


def words(instance: Any) -> list[Any]:
    """All values of an instance, flat, in declared order."""
    out: list[Any] = []
    for each in dataclasses.fields(instance):
        value = getattr(instance, each.name)
        if dataclasses.is_dataclass(value):
            out += words(value)
        elif isinstance(value, list):
            out += value
        else:
            out.append(value)
    return out


def words_of_row(row: Any) -> list[Any]:
    """The same of a record."""
    out: list[Any] = []
    for name in row.dtype.names:
        value = row[name]
        if getattr(value, "dtype", None) is not None and value.dtype.names:
            out += words_of_row(value)
        elif np.ndim(value):
            out += value.tolist()
        else:
            out.append(value.item())
    return out


def type_of(kind: Any) -> Any:
    if kind is type(None):
        return nb.void
    if kind in _SCALARS:
        return from_dtype(np.dtype(_SCALARS[kind]))
    if get_origin(kind) is list:
        return nb.Array(from_dtype(dtype_of(get_args(kind)[0])), 1, "C")
    return from_dtype(dtype_of(kind))


def compiled(function: Callable[..., Any]) -> Any:
    """The function as machine code, and all that it calls."""
    key = (function.__module__, function.__qualname__)
    if key in _compiled:
        return _compiled[key]
    names = dict(function.__globals__)
    called = {i.argval for i in dis.get_instructions(function) if i.opname == "LOAD_GLOBAL"}
    for name in sorted(called):
        callee = names.get(name)
        if isinstance(callee, types.FunctionType):
            names[name] = compiled(callee)
    copy = types.FunctionType(function.__code__, names, function.__name__)
    hints = get_type_hints(function)
    result = hints.pop("return")
    signature = type_of(result)(*[type_of(kind) for kind in hints.values()])
    done = numba.njit(signature, error_model="numpy", _nrt=False)(copy)
    _compiled[key] = done
    return done
