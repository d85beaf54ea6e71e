"""A sound system, and one fault planted in it for each rule.

`PLANTED` holds for each rule a text of `sound.yaml` and what stands there instead; the line of
its first difference is where the finding must point.
"""

from dataclasses import dataclass
from pathlib import Path

from hms.experiments.check.review import Review, review
from hms.experiments.check.subject import read_system

DRAWS = 12
SOUND = Path(__file__).with_name("sound.yaml")


@dataclass(frozen=True)
class Plant:
    """One fault.

    Attributes:
        line_holds: the text on the line that the finding must name.
        subject: the component or edge.
        others: further rules that the same lines break.
    """

    rule: str
    before: str
    after: str
    line_holds: str
    subject: str
    others: frozenset[str] = frozenset()


_RETRY = "retry: {max_attempts: 2, base_s: 0.05, budget_kind: tokens, budget_ratio: 0.1}"
_STORM = "retry: {max_attempts: 4, base_s: 0.01, budget_kind: none}"
_SHOP_CALL = "  web -> shop: {protocol: http, timeout: {call_s: 1.5}}\n"
_SHOP_STORM = f"  web -> shop:\n    timeout: {{call_s: 1.9, total_s: 3.5}}\n    {_STORM}\n"
_DB_CALL = f"timeout: {{call_s: 0.4, total_s: 0.9}}\n    {_RETRY}"
_DB_STORM = f"timeout: {{call_s: 0.4}}\n    {_STORM}  # the last layer"

PLANTED = (
    Plant(
        "single-replica",
        "shop: {cores: 1}",
        "shop: {cores: 1, replicas: 1}",
        "replicas: 1}",
        "shop",
    ),
    Plant(
        "timeout-nesting",
        "timeout: {call_s: 0.3}",
        "timeout: {call_s: 3}",
        "call_s: 3}",
        "shop -> rates",
    ),
    Plant(
        "retry-multiplication",
        f"{_SHOP_CALL}|{_DB_CALL}|rate_rps: 100|workers: 32",
        f"{_SHOP_STORM}|{_DB_STORM}|rate_rps: 60|workers: 128",
        "# the last layer",
        "shop -> db",
        frozenset({"retry-without-budget"}),
    ),
    Plant(
        "retry-without-budget",
        "budget_kind: tokens, budget_ratio: 0.1",
        "budget_kind: none",
        "budget_kind: none",
        "shop -> db",
    ),
    Plant(
        "breaker-never-opens",
        "minimum_calls: 50",
        "minimum_calls: 5000",
        "minimum_calls: 5000",
        "web -> mail",
    ),
    Plant(
        "ejection-rounds-to-zero",
        "ejected_share_max: 0.34",
        "ejected_share_max: 0.1",
        "ejected_share_max: 0.1",
        "shop -> db",
    ),
    Plant(
        "queue-longer-than-timeout",
        "web: {cores: 1}",
        "web: {cores: 1, queue_limit: 2000}",
        "queue_limit: 2000",
        "web",
    ),
    Plant(
        "probe-on-request-path",
        "shop: {cores: 1}",
        "shop: {workers: 8, liveness: {kind: http, period_s: 5, failures: 2, timeout_s: 0.5}}",
        "workers: 8",
        "shop",
    ),
    Plant(
        "probe-shorter-than-overload",
        "web: {cores: 1}",
        "web: {queue_limit: 140, liveness: {kind: http, period_s: 5, failures: 3}}",
        "queue_limit: 140",
        "web",
    ),
    Plant(
        "probe-cannot-see-hang",
        "web: {cores: 1}",
        "web: {probe: {kind: tcp, period_s: 5}}",
        "kind: tcp",
        "web",
    ),
    Plant(
        "no-liveness-probe",
        "web: {cores: 1}",
        "web: {readiness: none, liveness: none}",
        "liveness: none",
        "web",
    ),
)


def planted(plant: Plant, folder: Path) -> tuple[Path, int]:
    """The file with the fault in it, and the line that a finding must name."""
    text = SOUND.read_text(encoding="utf-8")
    for before, after in zip(plant.before.split("|"), plant.after.split("|"), strict=True):
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    lines = [n for n, line in enumerate(text.splitlines(), 1) if plant.line_holds in line]
    assert len(lines) == 1, lines
    path = folder / "planted.yaml"
    path.write_text(text, encoding="utf-8")
    return path, lines[0]


def reviewed(*names: Path | str) -> Review:
    """The review of a file."""
    system, _ = read_system([str(name) for name in names])
    return review(system, draws=DRAWS)
