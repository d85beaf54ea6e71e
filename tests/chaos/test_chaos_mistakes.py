"""A wrong file is refused with all of its mistakes, and nothing else can happen."""

import pytest
from chaos_shop import mesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hms.errors import InputError, ManifestError
from hms.scenarios.chaos.experiment import read_experiments
from hms.scenarios.chaos.translate import with_chaos

GOOD = """\
action: delay
mode: all
selector: {labelSelectors: {app: cart}}
delay: {latency: 90ms, jitter: 10ms, correlation: "25"}
direction: to
target: {mode: fixed-percent, value: "50", selector: {labelSelectors: {app: web}}}
duration: 10s
"""


@pytest.mark.parametrize(
    ("old", "new", "told", "near"),
    [
        ("latency", "latencyy", "unknown field `latencyy` in `delay`", "latency"),
        ("duration: 10s", "duraton: 10s", "unknown field `duraton`", "duration"),
        ("action: delay", "action: dely", "`action` is `dely`", "delay"),
        ("mode: all", "mode: al", "`mode` is `al`", "all"),
        ("labelSelectors: {app: cart}", "labelSelector: {app: cart}", "`labelSelector`",
         "labelSelectors"),
    ],
)  # fmt: skip
def test_a_wrong_name_is_told_with_line_and_nearest(write, old, new, told, near):
    path = write(mesh("NetworkChaos", GOOD.replace(old, new, 1)))
    with pytest.raises(ManifestError) as caught:
        read_experiments([path])
    assert told in str(caught.value)
    assert f"nearest: `{near}`" in str(caught.value)
    assert f"{path}:" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "spec", "told"),
    [
        ("NetworkChaos", GOOD.replace("90ms", "90"), '`latency` is 90\n    expected: a duration'),
        ("NetworkChaos", "action: loss\n" + GOOD.split("\n", 1)[1], "action loss without `loss`"),
        ("PodChaos", "action: pod-failure\nmode: one\nselector: {pods: {}}", "without `duration`"),
        ("HTTPChaos", "mode: one\ntarget: Request\nselector: {}", "no action"),
        ("StressChaos", "mode: one\nselector: {}", "no stressors"),
        ("PodChoas", "mode: one", "nearest: `PodChaos`"),
        ("PodChaos", "[1]", "a list of 1"),
    ],
)
def test_what_is_missing_or_of_another_form_is_told(write, kind, spec, told):
    with pytest.raises(ManifestError) as caught:
        read_experiments([write(mesh(kind, spec))])
    assert told in str(caught.value)


def test_all_mistakes_are_told_at_once(write):
    text = mesh("NetworkChaos", GOOD.replace("90ms", "9").replace("mode: all", "mode: al"))
    with pytest.raises(ManifestError) as caught:
        read_experiments([write(text + "---\n" + text)])
    assert str(caught.value).count("`latency` is 9") == 2
    assert str(caught.value).count("`mode` is `al`") == 2


@pytest.mark.parametrize("text", ["", "a: 1", "[]", "kind: Deployment\napiVersion: apps/v1"])
def test_a_file_without_chaos_is_refused(write, text):
    with pytest.raises(ManifestError):
        read_experiments([write(text)])


PUT = st.sampled_from(["", "x", "{", "[", "-1", "\n", ":", "1e9", "all", "%"])
CHANGES = st.lists(st.tuples(st.integers(0, len(GOOD) - 1), PUT), min_size=1, max_size=4)


@given(CHANGES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutated_file_is_refused_or_understood(shop, write, changes):
    text = GOOD
    for place, put in changes:
        text = text[:place] + put + text[place + 1 :]
    head = "apiVersion: chaos-mesh.org/v1alpha1\nkind: NetworkChaos\nmetadata: {name: m}\nspec:\n"
    path = write(head + "".join(f"  {line}\n" for line in text.splitlines()))
    try:
        struck = with_chaos(shop, read_experiments([path]), "0")
    except InputError as refused:
        assert str(refused)
    else:
        assert struck.added == len(struck.scenario.faults)
