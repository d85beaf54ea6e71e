"""The tables of a SQL store, as the newest revision leaves them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()
ROW = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts by itself only in a column of this type; PostgreSQL would run out of Integer."""


def _text(name: str) -> Column[Any]:
    return Column(name, Text, nullable=False, server_default="")


def _number(name: str) -> Column[Any]:
    return Column(name, Float(53), nullable=False, server_default="0")


def _whole(name: str) -> Column[Any]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _switch(name: str) -> Column[Any]:
    return Column(name, Boolean, nullable=False, server_default="0")


def _table(name: str, own: tuple[str, ...], *columns: Column[Any]) -> Table:
    """A table of one kind of record: whose, which, then what is told.

    Args:
        name: the table's.
        own: the columns that together name a row.
        columns: what is told.
    """
    return Table(
        name,
        METADATA,
        Column("row", ROW, primary_key=True, autoincrement=True),
        Column("component_id", Text, nullable=False),
        Column("instance_id", Text, nullable=False),
        *columns,
        UniqueConstraint(*own, name=f"{name}_own"),
        Index(f"{name}_newest", "component_id", "row"),
    )


INSTANCES = Table(
    "instances",
    METADATA,
    Column("component_id", Text, primary_key=True),
    Column("instance_id", Text, primary_key=True),
    _text("token"), _text("host"), _whole("pid"), _text("started"), _text("boot_id"),
    _number("renewed_at_s"),
)  # fmt: skip

OF_INSTANCE = ("component_id", "instance_id")
OWN = {
    "breakers": (*OF_INSTANCE, "dependency"),
    "attempts": ("component_id", "key"),
    "effectiveness": (*OF_INSTANCE, "issue", "by"),
    "incidents": (*OF_INSTANCE, "key"),
    "configurations": (*OF_INSTANCE, "number"),
}
"""By which columns a row is found again; an act's key is unique in its component."""

TABLES = {
    "breakers": _table(
        "breakers", OWN["breakers"],
        Column("dependency", Text, nullable=False), _text("phase"), _number("left_s"),
        _whole("opened_in_row"), _number("open_u"), _text("cause"), _text("last_error"),
        _text("holders"), _number("open_since_s"), _switch("given"),
        _number("wall_s"), _text("boot_id"), _number("boot_s"),
    ),
    "attempts": _table(
        "attempts", OWN["attempts"],
        Column("key", Text, nullable=False), _number("at_s"), _text("issue"), _text("by"),
        _text("action"), _text("error"), _text("verdict"), _switch("undone"), _text("state"),
    ),
    "effectiveness": _table(
        "effectiveness", OWN["effectiveness"],
        _text("issue"), _text("by"), _number("tried"), _number("effective"),
    ),
    "incidents": _table(
        "incidents", OWN["incidents"],
        Column("key", Text, nullable=False), _text("issue"), _number("began_at_s"),
        Column("ended_at_s", Float(53)), _whole("severity"), _text("evidence"), _text("detail"),
    ),
    "configurations": _table(
        "configurations", OWN["configurations"],
        _whole("number"), _whole("version"), _text("door"), _text("source"),
        _number("timestamp"), _text("parameters"), _text("outcome"), _text("reason"),
        _text("in_force"), _number("at_s"),
    ),
}  # fmt: skip
