"""Which name of one source means which component of another.

Manifests say `carts-v1` in namespace `shop`, traces say `carts.shop` or `cart-service`. The rules,
surest first; only the last two are guesses:

1. the same name;
2. the name of its Service, host or network alias;
3. the same without a namespace, in lower case, `_` for `-`;
4. the same without words such as `-service`, `-svc`, `-v1`, and without dashes;
5. the nearest name, if it is alike enough and nothing else is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hms.scenarios.importers.findings import FoundComponent

_AFFIX = re.compile(
    r"([-_.]?(service|svc|srv|server|deployment|statefulset|app)|[-_.]v\d+)$|^(svc|app)[-_]"
)
_CLUSTER = re.compile(r"\.svc(\.[a-z0-9.-]+)?$")
_ALIKE = 0.85
"""Least likeness of two names: `cart` and `carts` have 0.89."""
_MOST_COMPARED = 500
"""Above so many open names the nearest is not looked for: that takes their product."""


@dataclass(frozen=True, slots=True)
class Match:
    """A name of another source, the components it means here, and by which rule."""

    name: str
    components: tuple[str, ...]
    rule: str = ""
    sure: str = ""


def match_names(
    names: Sequence[str], known: dict[str, FoundComponent]
) -> tuple[dict[str, Match], list[str]]:
    """What each name means among the known components, and the names that mean nothing here.

    Several components for one name are the Deployments behind one Service.
    """
    found: dict[str, Match] = {}
    for rule, sure, form in _RULES:
        taken = {component for match in found.values() for component in match.components}
        index = _index(known, form, taken if sure else set())
        for name in names:
            components = () if name in found else index.get(form(name), ())
            if components and not (sure and len(components) > 1):
                found[name] = Match(name, tuple(components), rule, sure)
    left = [name for name in names if name not in found]
    taken = {component for match in found.values() for component in match.components}
    open_ = [name for name in known if name not in taken]
    if len(left) <= _MOST_COMPARED and len(open_) <= _MOST_COMPARED:
        for match in _nearest(left, open_):
            found[match.name] = match
    return found, [name for name in names if name not in found]


def _index(
    known: dict[str, FoundComponent], form: Callable[[str], str], taken: Iterable[str]
) -> dict[str, list[str]]:
    """Components by the form of their names; by those of their hosts where no name has it."""
    skipped = set(taken)
    by_name: dict[str, list[str]] = {}
    by_host: dict[str, list[str]] = {}
    for name, component in known.items():
        if name not in skipped:
            by_name.setdefault(form(name), []).append(name)
            for host in sorted({form(host) for host in component.hosts}):
                by_host.setdefault(host, []).append(name)
    return by_host | by_name


def without_namespace(name: str) -> str:
    """`carts` of `carts.shop`, `shop/carts`, `carts.shop.svc.cluster.local`, `Carts`."""
    bare = _CLUSTER.sub("", name.lower().replace("_", "-"))
    return bare.rsplit("/", 1)[-1].split(".", 1)[0]


def _core(name: str) -> str:
    bare = without_namespace(name)
    for _ in range(3):
        shorter = _AFFIX.sub("", bare)
        if not shorter or shorter == bare:
            break
        bare = shorter
    return bare.replace("-", "")


def _itself(name: str) -> str:
    return name


_RULES: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("", "", _itself),
    ("without the namespace", "", without_namespace),
    ("without words such as -service, -v1", "guessed", _core),
)


def _nearest(left: Sequence[str], open_: Sequence[str]) -> Iterable[Match]:
    """Pairs of open names of which each is the other's only near one."""
    for name in left:
        near = difflib.get_close_matches(_core(name), map(_core, open_), n=2, cutoff=_ALIKE)
        back = (
            difflib.get_close_matches(near[0], map(_core, left), n=2, cutoff=_ALIKE) if near else []
        )
        if len(near) == 1 and len(back) == 1:
            component = next(each for each in open_ if _core(each) == near[0])
            yield Match(name, (component,), "the nearest name", "guessed")
