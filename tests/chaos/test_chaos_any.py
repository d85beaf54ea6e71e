"""Any object that the vocabulary allows becomes faults, or is refused in one message."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hms.errors import InputError
from hms.scenarios.chaos.experiment import read_experiments
from hms.scenarios.chaos.translate import with_chaos
from hms.scenarios.chaos.vocabulary import (
    DURATION,
    FLAG,
    FREE,
    GROUPS,
    INEXPRESSIBLE,
    LABELS,
    OFFSET,
    PERCENT,
    RATE,
    SIZE,
    SPECS,
    TEXT,
    TEXTS,
    WHOLE,
    Field,
    Items,
)

NAMES = st.sampled_from(["cart", "web", "cart-db", "people", "a", "PodChaos", "all", "@every 40s"])
FORMS = {
    TEXT: NAMES,
    TEXTS: st.lists(NAMES, max_size=3),
    LABELS: st.dictionaries(st.sampled_from(["app", "tier", "metadata.name"]), NAMES, max_size=2),
    DURATION: st.sampled_from(["0", "10ms", "30s", "2h", "400h"]),
    OFFSET: st.sampled_from(["-10m", "1ns", "100000h"]),
    PERCENT: st.sampled_from(["0", "25", "100", 50]),
    FLAG: st.booleans(),
    RATE: st.sampled_from(["0bps", "1bit", "100kbps", "1tbit"]),
    SIZE: st.sampled_from(["0", "50MB", "100%", "4TB"]),
    FREE: st.one_of(NAMES, st.dictionaries(NAMES, st.lists(NAMES, max_size=1), max_size=1)),
}


def values(spec) -> st.SearchStrategy:
    """What may stand for a part of a spec; mandatory fields are nearly always there."""
    if isinstance(spec, Items):
        return st.lists(values(spec.tree), max_size=3)
    if not isinstance(spec, Field):
        needed = {k: values(s) for k, s in spec.items() if k in MOSTLY or getattr(s, "needed", 0)}
        others = {k: values(s) for k, s in spec.items() if k not in needed}
        return st.fixed_dictionaries(needed, optional=others)
    if spec.choices:
        return st.sampled_from(spec.choices)
    if spec.form == WHOLE:
        return st.integers(spec.low, min(spec.high, 120))
    return FORMS[spec.form]


MOSTLY = (
    "selector", "labelSelectors", "podChaos", "networkChaos", "deadline", "value", "duration",
    "stressors", "delay", "abort", "http", "fault",
)  # fmt: skip
OBJECTS = st.one_of(
    [st.tuples(st.just(kind), values(tree)) for kind, tree in SPECS.items()]
    + [st.tuples(st.sampled_from(INEXPRESSIBLE), st.just({"anything": 1}))]
)


@given(st.lists(OBJECTS, min_size=1, max_size=2), st.sampled_from("01"))
@settings(
    max_examples=40, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow,
                           HealthCheck.data_too_large],
)  # fmt: skip
def test_any_object_is_understood_or_refused(shop, write, objects, seed):
    groups = {kind: group for group, kinds in GROUPS.items() for kind in kinds}
    documents = [
        {"apiVersion": f"{groups[kind]}/v1alpha1", "kind": kind, "metadata": {"name": f"n{i}"},
         "spec": spec}
        for i, (kind, spec) in enumerate(objects)
    ]  # fmt: skip
    path = write("\n---\n".join(json.dumps(each) for each in documents))
    try:
        struck = with_chaos(shop, read_experiments([path]), seed)
    except InputError as refused:
        assert str(refused).count("\n") < 80
        assert "the faults of the chaos files" not in str(refused)  # what we made of them fits
    else:
        assert struck.added == len(struck.scenario.faults)
        assert all(fault.start_s < struck.scenario.horizon_s for fault in struck.scenario.faults)
