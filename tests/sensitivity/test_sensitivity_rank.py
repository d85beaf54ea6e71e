"""Which guess would change who is better, of two policies and of a run's champion."""

import pytest
from planted_shop import PLANTED

from hms.evolution.baselines import load
from hms.experiments.sensitivity.study import Case, Question, study
from hms.scenarios.load import load_scenario

pytestmark = pytest.mark.slow

HANG = """\
faults:
  - {kind: hang, target: {component: db}, start_s: 20, until: restart}
"""


def test_the_rank_of_two_policies_hangs_on_how_long_a_start_takes(tmp_path):
    # one restarts at once, the other leaves the hang to time: better only where starting is quick
    text = PLANTED.replace("{between: [10, 40], from: ranges}, startup_s: 2",
                           "4, startup_s: {between: [1, 80], from: ranges}")  # fmt: skip
    path = tmp_path / "rank.yaml"
    path.write_text(text[: text.index("faults:")] + HANG, encoding="utf-8")
    loaded = load_scenario(path)
    passing = loaded.faults[0].__class__("hang", "db", start_s=20.0, duration_s=25.0)
    policies = tuple((name, load(name).policy) for name in ("restart-at-once", "envoy"))
    question = Question(loaded, (Case("hang db", (passing,), 1),), policies, "0")
    answer = study(question, 12)
    unknown, effect = answer.ranked[0]
    assert (unknown.label, unknown.key) == ("db", "startup_s")
    assert effect.flips > 0.1
    assert effect.rising > 0.0
    assert 0.0 < answer.settled[0] < 1.0
