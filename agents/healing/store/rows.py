"""Records as rows of a table, and back; text is made such that every database takes it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from hms.agents.healing.store.moment import Moment
from hms.agents.healing.store.records import RECORDS, BreakerRecord, Record

MOST_LETTERS = 2000
"""Of a free text, such as an exception's, that may be a page of somebody's HTML."""
FREE_TEXTS = ("last_error", "error", "evidence", "reason", "source")
MOMENT = ("wall_s", "boot_id", "boot_s")
OF_TABLE: dict[str, type[Any]] = {record.table: record for record in RECORDS}
FIELDS = {
    table: [field.name for field in dataclasses.fields(record) if field.name != "saved"]
    for table, record in OF_TABLE.items()
}


def to_row(record: Record) -> dict[str, Any]:
    """The columns of a record, without whose it is."""
    row = {name: _plain(name, getattr(record, name)) for name in FIELDS[record.table]}
    if isinstance(record, BreakerRecord):
        saved = record.saved or Moment(0.0)
        row.update(wall_s=saved.wall_s, boot_id=saved.boot_id, boot_s=saved.boot_s)
    return row


def from_row(table: str, row: Mapping[str, Any]) -> Record:
    """The record that a row holds; a torn breaker keeps its fault, for `fault()` to name."""
    told = {name: row[name] for name in FIELDS[table]}
    if table == "breakers":
        told["holders"] = _holders(told["holders"])
        told["saved"] = Moment(*(row[name] for name in MOMENT))
    record: Record = OF_TABLE[table](**told)
    return record


def clean(text: str) -> str:
    """Without what UTF-8 or PostgreSQL cannot hold: lone surrogates and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return json.dumps([clean(each) for each in value])
    if not isinstance(value, str):
        return value
    text = clean(value)
    return text[:MOST_LETTERS] if name in FREE_TEXTS else text


def _holders(text: Any) -> tuple[Any, ...]:
    try:
        found = json.loads(text or "[]")
    except (TypeError, ValueError):
        return (None,)  # not a text: the record says that it is torn
    return tuple(found) if isinstance(found, list) else (None,)
