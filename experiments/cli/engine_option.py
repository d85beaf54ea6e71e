"""`--engine`: one of ours, or one that a package adds (docs/extending.md)."""

from __future__ import annotations

from typing import Any

import click

OURS = ("fluid", "request", "actors")


class EngineName(click.ParamType[str]):
    """The name of an engine; entry points are looked at only for a name that is not ours."""

    name = "engine"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """As --help shows it."""
        return f"[{'|'.join(OURS)}|…]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The name, or an error that lists all names."""
        from hms.scenarios.added import added_engines

        if value not in OURS and value not in added_engines():
            known = ", ".join((*OURS, *added_engines()))
            self.fail(f"{value!r} is none of {known}", param, ctx)
        return str(value)
