"""Baselines that are policy files: whole stacks as their makers ship them.

Values are those of docs/export.md, section 1: what each product does when its own defaults are
switched on, on the platform's own probes and restarts. `guard.bound` is false for stacks that
are not ours: nothing limits how often they act.
"""

from dataclasses import dataclass
from pathlib import Path

from hms.agents.policy.healing_policy import HealingPolicy
from hms.documents import nearest, read
from hms.errors import MissingError, PolicyError
from hms.evolution.baselines.made import LAST_CHAMPION

FOLDER = Path(__file__).resolve().parent
CHAMPION = FOLDER.parent / "champions" / "general.yaml"

_ORDER = (
    "platform",
    "resilience4j",
    "envoy",
    "envoy-small",
    "istio",
    "istio-rule",
    "polly",
    "restart-at-once",
    "restart-backoff",
    "otp",
    "ladder",
)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A stack to compare with.

    Attributes:
        policy: what it does.
        footnote: what a reader of the table must know; "" for nothing.
    """

    name: str
    policy: HealingPolicy
    footnote: str = ""


def names() -> tuple[str, ...]:
    """All baselines with a file, in the order of the closing table's definition."""
    return _ORDER


def load(name: str) -> Baseline:
    """The baseline of that name.

    Raises:
        MissingError: there is none; `today` is made by `today_policy`, from a scenario.
        PolicyError: its file is not a valid policy.
    """
    if name not in _ORDER:
        near = nearest(name, _ORDER)
        hint = f"; nearest: `{near}`" if near else ""
        raise MissingError(f"no baseline `{name}`; there are {', '.join(_ORDER)}{hint}")
    policy = read(FOLDER / f"{name}.yaml", HealingPolicy.parse, PolicyError)
    return Baseline(name, policy, str(policy.about.get("footnote", "")))


def last_champion() -> Baseline | None:
    """The champion that ships; None while none does.

    Raises:
        PolicyError: its file is not a valid policy.
    """
    if not CHAMPION.is_file():
        return None
    policy = read(CHAMPION, HealingPolicy.parse, PolicyError)
    return Baseline(LAST_CHAMPION, policy)
