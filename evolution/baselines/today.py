"""The baseline `today`: the platform plus what the scenario's own manifests say.

A scenario keeps today's settings on single edges and components; a policy has defaults and at
most four overrides. Usually that is enough (a mesh default, a rule for one protocol). Where it
is not, the settings of as many edges and components as possible are met, and the footnote names
the others: a comparison with something that is not quite today must not look like one with it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hms.agents.policy.healing_policy import HealingPolicy, Override
from hms.agents.policy.policy_file import OVERRIDES_MAX
from hms.errors import HmsError
from hms.evolution.baselines.stacks import Baseline, load
from hms.scenarios.model import Scenario
from hms.scenarios.where import component_where, edge_where

Settings = tuple[tuple[str, Any], ...]  # (path, value), sorted: comparable and countable

TODAY = "today"
_NAMED = 3  # places that a footnote names


@dataclass(frozen=True, slots=True)
class _Place:
    """One edge or component: its name, what overrides can tell it by, and its settings."""

    name: str
    where: Mapping[str, str]
    settings: Settings


def today_policy(scenario: Scenario) -> Baseline:
    """The platform plus today's settings of a scenario; the platform alone where it has none.

    Raises:
        HmsError: a setting that loading should have refused.
    """
    platform = load("platform").policy
    edges, components = _edges(scenario, platform), _components(scenario, platform)
    left: list[str] = []
    policy = platform
    overrides: list[Override] = []
    for places in (edges, components):
        usual, found = _expressed(places, OVERRIDES_MAX - len(overrides))
        policy = policy.with_values(dict(usual))
        overrides += found
        left += _missed(places, usual, found)
    policy = policy.with_overrides(overrides)
    left += [name for name, each in scenario.components.items() if each.today.get("recovery")]
    about = {"name": TODAY, "stands_for": "the platform and the settings of today"}
    return Baseline(TODAY, HealingPolicy(about, policy.groups, {}, policy.overrides), _note(left))


def _edges(scenario: Scenario, platform: HealingPolicy) -> list[_Place]:
    """Edges of components; a client's keep the engine's defaults, whatever the policy."""
    places = []
    for edge in scenario.edges:
        if scenario.components[edge.caller].kind == "client":
            continue
        callee = scenario.components[edge.callee]
        where = edge_where(edge, callee)
        settings = _settings(platform, edge.today, ("breaker", "retry", "timeout"))
        places.append(_Place(f"{edge.caller} -> {edge.callee}", where, settings))
    return places


def _components(scenario: Scenario, platform: HealingPolicy) -> list[_Place]:
    return [
        _Place(
            name,
            component_where(each),
            _settings(platform, each.today, ("concurrency", "detection", "guard")),
        )
        for name, each in scenario.components.items()
        if each.kind != "client"
    ]


def _settings(platform: HealingPolicy, today: Mapping[str, Any], groups: Sequence[str]) -> Settings:
    """All values of the groups, as records hold them: the file's over the platform's.

    A group that today's settings name starts from the parameters' defaults, as in a policy
    file: whoever writes `breaker: {open_s: 30}` has a breaker.
    """
    data = {"schema": "hms.policy/1", **{key: today[key] for key in groups if key in today}}
    policy, problems = HealingPolicy.parse(data)
    if policy is None:
        raise HmsError(f"today's settings are not valid: {'; '.join(map(str, problems))}")
    found: dict[str, Any] = {}
    for group in groups:
        record = (policy if group in today else platform).groups[group]
        for name in record.__dataclass_fields__:
            found[f"{group}.{name}"] = getattr(record, name)
    return tuple(sorted(found.items()))


def _expressed(places: Sequence[_Place], most: int) -> tuple[Settings, list[Override]]:
    """The commonest settings, and the overrides that put most other places right."""
    if not places:
        return (), []
    usual = Counter(place.settings for place in places).most_common(1)[0][0]
    overrides: list[Override] = []
    while len(overrides) < most:
        wrong = {place.name for place in places if _at(place, usual, overrides) != place.settings}
        if not wrong:
            break
        better = _best_override(places, usual, wrong, overrides)
        if better is None:
            break
        overrides.append(better)
    return usual, overrides


def _best_override(
    places: Sequence[_Place], usual: Settings, wrong: set[str], before: Sequence[Override]
) -> Override | None:
    """The single condition under which all places agree and most wrong ones become right.

    It also says what earlier overrides changed, since those hold at some of its places too.
    """
    touched = {path for each in before for path in each.set}
    best: tuple[int, Override] | None = None
    conditions = dict.fromkeys(
        item for place in places if place.name in wrong for item in place.where.items() if item[1]
    )
    for key, value in conditions:
        inside = [place for place in places if place.where.get(key) == value]
        if len({place.settings for place in inside}) != 1:
            continue
        gain = sum(place.name in wrong for place in inside)
        if best is None or gain > best[0]:
            normal = dict(usual)
            changed = {
                path: held
                for path, held in inside[0].settings
                if held != normal[path] or path in touched
            }
            best = (gain, Override({key: value}, changed))
    return None if best is None else best[1]


def _at(place: _Place, usual: Settings, overrides: Sequence[Override]) -> Settings:
    """What the policy says at a place."""
    values = dict(usual)
    for each in overrides:
        if each.holds(place.where):
            values |= each.set
    return tuple(sorted(values.items()))


def _missed(places: Sequence[_Place], usual: Settings, overrides: Sequence[Override]) -> list[str]:
    return [place.name for place in places if _at(place, usual, overrides) != place.settings]


def _note(left: Sequence[str]) -> str:
    if not left:
        return ""
    more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
    named = ", ".join(left[:_NAMED])
    return f"a policy cannot express all of today's settings: not those of {named}{more}"
