"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None
ROW = sa.BigInteger().with_variant(sa.Integer, "sqlite")
RECORDS = ("breakers", "attempts", "effectiveness", "incidents", "configurations")


def text(name: str) -> sa.Column[str]:
    """A text; empty where nothing is said."""
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def number(name: str) -> sa.Column[float]:
    """A number; 0 where nothing is said."""
    return sa.Column(name, sa.Float(53), nullable=False, server_default="0")


def whole(name: str) -> sa.Column[int]:
    """A whole number; 0 where nothing is said."""
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def records(name: str, own: tuple[str, ...], *columns: sa.Column[Any]) -> None:
    """A table of one kind of record, and the index by which its newest rows are found."""
    op.create_table(
        name,
        sa.Column("row", ROW, primary_key=True, autoincrement=True),
        sa.Column("component_id", sa.Text, nullable=False),
        sa.Column("instance_id", sa.Text, nullable=False),
        *columns,
        sa.UniqueConstraint("component_id", *own, name=f"{name}_own"),
    )
    op.create_index(f"{name}_newest", name, ["component_id", "row"])


def upgrade() -> None:
    """From nothing."""
    op.create_table(
        "instances",
        sa.Column("component_id", sa.Text, primary_key=True),
        sa.Column("instance_id", sa.Text, primary_key=True),
        text("token"), text("host"), whole("pid"), text("started"), text("boot_id"),
        number("renewed_at_s"),
    )  # fmt: skip
    records(
        "breakers", ("instance_id", "dependency"),
        text("dependency"), text("phase"), number("left_s"), whole("opened_in_row"),
        number("open_u"), text("cause"), text("last_error"), text("holders"),
        number("wall_s"), text("boot_id"), number("boot_s"),
    )  # fmt: skip
    records(
        "attempts", ("key",),
        text("key"), number("at_s"), text("issue"), text("by"), text("action"), text("error"),
        text("verdict"), sa.Column("undone", sa.Boolean, nullable=False, server_default="0"),
        text("state"),
    )  # fmt: skip
    records(
        "effectiveness", ("instance_id", "issue", "by"),
        text("issue"), text("by"), number("tried"), number("effective"),
    )  # fmt: skip
    records(
        "incidents", ("instance_id", "key"),
        text("key"), text("issue"), number("began_at_s"), sa.Column("ended_at_s", sa.Float(53)),
        whole("severity"), text("evidence"), text("detail"),
    )  # fmt: skip
    records(
        "configurations", ("instance_id", "number"),
        whole("number"), whole("version"), text("door"), text("source"), number("timestamp"),
        text("parameters"), text("outcome"), text("reason"), text("in_force"), number("at_s"),
    )  # fmt: skip


def downgrade() -> None:
    """To nothing."""
    for name in (*RECORDS, "instances"):
        op.drop_table(name)
