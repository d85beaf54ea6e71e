"""Scenario files are untrusted data: hostile ones are refused at once, and nothing else happens.

Times are the processor's, so that a busy machine does not fail them.
"""

from __future__ import annotations

import random
import time

import pytest

from hms.errors import ScenarioError
from hms.scenarios.compile import compile_scenario
from hms.scenarios.load import load_scenario

SECOND_S = 1.0
SCREEN = 20_000  # letters: twenty mistakes, what was expected of each
SOAK = 100_000
HEAD = "schema: hms.scenario/1\nname: x\nworkload: [{entry: c0, rate_rps: 5}]\ncomponents:\n"
ONE = f"{HEAD}  c0: {{}}\n"


def lines(text: str, count: int) -> str:
    return "".join(text.format(n) for n in range(count))


HOSTILE = {
    "an anchor": HEAD + "  c0: &a {replicas: 2}\n  c1: *a\n",
    "a merge key": HEAD + "  c0: {<<: {replicas: 2}}\n",
    "a tag that runs code": HEAD + "  c0: !!python/object/apply:os.system [echo]\n",
    "a key twice": HEAD + "  c0: {replicas: 2, replicas: 3}\n",
    "a component twice": ONE + "  c0: {}\n",
    "thirty-three levels": HEAD + "  c0: " + "{a: " * 33 + "1" + "}" * 33 + "\n",
    "deep flow": HEAD + "  c0: " + "[" * 100_000,
    "over a megabyte": ONE + "#" + "x" * (1 << 20),
    "too many components": HEAD + lines("  c{}: {{}}\n", 10_001),
    "not a number": HEAD + "  c0: {cores: .nan}\n",
    "an infinite number": HEAD + "  c0: {cores: .inf}\n",
    "an exponent beyond all floats": HEAD + "  c0: {cores: 1e999}\n",
    "a number beyond all integers": HEAD + "  c0: {replicas: " + "9" * 900_000 + "}\n",
    "a long id": HEAD + f"  {'c' * 65}: {{}}\n",
    "an id with a blank": HEAD + "  'c 0': {}\n",
    "an id with a path": HEAD + "  ../c0: {}\n",
    "a group with a path": HEAD + "  c0: {groups: {../a: {replicas: 1}}}\n",
    "many unknown keys": HEAD + "  c0: {" + lines("k{0}: 1, ", 40_000) + "}\n",
    "many edges to nowhere": ONE + "edges:\n" + lines("  c0 -> y{}: {{}}\n", 30_000),
    "many wrong names": HEAD + lines("  c{}: {{}}\n", 5_000) + "edges:\n"
    + lines("  x{0} -> y{0}: {{}}\n", 20_000),
    "faults that strike all of many at random": HEAD
    + lines("  c{}: {{labels: {{a: b}}}}\n", 5_000) + "faults:\n"
    + lines("  - {{kind: hang, target: {{label: {{a: b}}}}, start_s: {0}, mtbf_s: 1, mttr_s: 1}}\n",
            300),
    "a fault that strikes without end": ONE
    + "faults: [{kind: hang, target: {component: c0}, start_s: 1, mtbf_s: 0.1, mttr_s: 0.1}]\n",
    "a load for ages": ONE.replace("name: x", "name: x\nhorizon_s: 1e7").replace(
        "[{entry: c0, rate_rps: 5}]", "[" + lines("{{entry: c0, rate_rps: {0}}}, ", 50) + "]"
    ),
    "a load from elsewhere": ONE.replace("rate_rps: 5", "kind: csv, file: /etc/passwd"),
    "a load from above": ONE.replace("rate_rps: 5", "kind: limbo, file: ../../etc/passwd"),
    "a load from a device": ONE.replace("rate_rps: 5", "kind: csv, file: endless"),
    "two documents": ONE + "---\n" + ONE,
    "control characters": ONE.replace("name: x", "name: \x07"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_scenario_is_refused_in_under_a_second(name, tmp_path):
    path = tmp_path / "hostile.yaml"
    path.write_bytes(HOSTILE[name].encode())
    (tmp_path / "endless").symlink_to("/dev/zero")
    before_s = time.process_time()
    with pytest.raises(ScenarioError) as refused:
        load_scenario(path)
    assert time.process_time() - before_s < SECOND_S
    assert refused.value.exit_code == 2
    assert str(path) in str(refused.value)
    assert len(str(refused.value)) < SCREEN


RICH = """\
schema: hms.scenario/1
name: rich
sources: {k8s: {file: a.yaml, sure: stated}}
horizon_s: 60
warm_up_s: 5
slo: {web: {availability: 0.99, latency_ms: 800}}
workload:
  - {entry: web, client: people, kind: burst, rate_rps: {between: [10, 30], from: k8s},
     every_s: 20, burst_s: 5, factor: 3}
  - {entry: web, users: 20, think_s: 2, kind: points, points: [[0, 1], [30, 2]]}
defaults: {component: {service_time_ms: 2, lb_detect_s: 2}, edge: {timeout_ms: 500}}
components:
  people: {kind: client}
  web: {replicas: 2, labels: {tier: a}, probe: {kind: http},
        endpoints: {look: {weight: 3, calls: {stock: 1}}, pay: {calls: {mail: 2}}}}
  stock: {groups: {a: {replicas: 1, zone: east}, b: {replicas: 2, speed: 0.5}},
          cache: {backing: db, hit_rate: 0.9, keys: 100}, metric_lag_s: 2, metric_noise: 0.1}
  mail: {kind: queue, cold_s: 5, cold_factor: 2, congestion: 1}
  db: {kind: store, memory_mb: 10, memory_limit_mb: 20, concurrency: {limit: 9}}
edges:
  people -> web: {}
  web -> stock: {calls: {between: [0.5, 1.5]}, retry: {max_attempts: 2}}
  web -> mail: {mode: publish, on_cut: lose}
  stock -> db: {need: soft, calls: 3}
faults:
  - {kind: slow, target: {zone: east}, start_s: 9, duration_s: 9, factor: 3, ramp_s: 2, spread_s: 1}
  - {kind: dns, target: {callee: db}, start_s: 9, duration_s: 9, mtbf_s: 9, mttr_s: 2, seed: 4}
  - {kind: composite, start_s: 20, faults: [{kind: crash, target: {component: web}},
     {kind: cache_flush, target: {component: stock}, magnitude: 0.5}]}
expect: {recovers_within_s: 60}
"""
WORDS = (
    "web", "db", "east", "0", "-1", "1e9", ".inf", "null", "true", "[]", "{}", "{is: 1}", "&a ",
    "*a", "!!int 3", "hang", "composite", "publish", "points", "csv", "99999999999", "'", '"',
    "between", "- ", "  ", "\t", "\n", ":", ",", "}", "]", "é", "\x00", "kind", "until: restart",
)  # fmt: skip


def mutated(text: str, chance: random.Random) -> str:
    """The text with one to four wounds: words exchanged, lines doubled, other digits, gaps."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text)) if text else 0
        wound = chance.randrange(10)
        if wound > 4:
            digits = [n for n, letter in enumerate(text) if letter.isdigit()]
            place = chance.choice(digits) if digits else 0
            text = text[:place] + str(chance.randrange(10)) + text[place + 1 :]
        elif wound == 0:
            text = text[:at] + chance.choice(WORDS) + text[at:]
        elif wound == 1:
            text = text[:at] + text[at + chance.randint(1, 12) :]
        elif wound == 2:
            end = text.find(" ", at + 1)
            text = text[:at] + chance.choice(WORDS) + text[max(end, at) :]
        elif wound == 3:
            rows = text.splitlines(keepends=True)
            rows.insert(chance.randrange(len(rows) + 1), chance.choice(rows) if rows else "")
            text = "".join(rows)
        else:
            other = chance.randrange(len(text)) if text else 0
            text = text[:at] + text[other : other + 30] + text[at:]
    return text


def tried(numbers: range, folder) -> dict[str, int]:
    """What became of each: refused with the typed error, or valid and fit to be compiled."""
    count = {"refused": 0, "valid": 0}
    path = folder / "wounded.yaml"
    for number in numbers:
        path.write_text(mutated(RICH, random.Random(number)), encoding="utf-8")
        try:
            scenario = load_scenario(path)
        except ScenarioError as refused:
            assert refused.problems or str(refused)
            count["refused"] += 1
            continue
        if scenario.horizon_s <= 1000.0:
            compile_scenario(scenario.midpoint())
        count["valid"] += 1
    return count


def test_the_unwounded_file_is_valid(tmp_path):
    (tmp_path / "rich.yaml").write_text(RICH)
    assert len(load_scenario(tmp_path / "rich.yaml").faults) == 3


def test_a_wounded_file_is_refused_or_valid_and_nothing_else(tmp_path):
    count = tried(range(250), tmp_path)
    assert count["refused"] > 100 and count["valid"] > 10


@pytest.mark.soak
def test_a_hundred_thousand_wounded_files_are_refused_or_valid_and_nothing_else(tmp_path):
    count = tried(range(SOAK), tmp_path)
    assert sum(count.values()) == SOAK
