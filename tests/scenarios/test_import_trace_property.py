"""Any system that writes spans is read back: calls, work, order and clocks do not matter."""

import json
import random
import statistics
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from import_spans import Recorder

from hms.scenarios.importers.traces import read_traces

NETWORK = 2.0  # ms one way
SERVICES = ["a", "b", "c", "d", "e"]


class System:
    """Requests of random shape; remembers what each service did."""

    def __init__(self, chance: random.Random, skewed: bool) -> None:
        self.chance = chance
        self.seen = Recorder()
        self.work = defaultdict(list)
        self.calls = defaultdict(int)
        self.skew = {name: chance.uniform(-9e3, 9e3) if skewed else 0.0 for name in SERVICES}

    def serve(self, level: int, start: float, parent=None) -> float:
        """One request of the service of a level, from `start` by nobody's clock; its end."""
        name = SERVICES[level]
        span = self.seen.span(name, start, start, parent=parent)
        now, worked = start, 0.0
        for _ in range(self.chance.randint(0, 2)):
            step = self.chance.randint(0, 8) * 0.5
            now, worked = now + step, worked + step
            if level + 1 < len(SERVICES):
                now = self._ask(span, level, now)
        step = self.chance.randint(1, 8) * 0.5
        worked += step
        span.end = now + step
        self.work[name].append(worked)
        return span.end

    def _ask(self, span, level: int, now: float) -> float:
        """One call, or several at once; when the last of them is back."""
        ends = []
        for _ in range(self.chance.choice([1, 1, 2])):
            callee = self.chance.randint(level + 1, len(SERVICES) - 1)
            client = self.seen.span(span.service, now, now, "client", span)
            done = self.serve(callee, now + NETWORK, client)
            client.end = done + NETWORK
            ends.append(client.end)
            self.calls[f"{span.service} -> {SERVICES[callee]}"] += 1
        return max(ends)

    def document(self) -> str:
        """The spans in no order, each by its host's clock."""
        for span in self.seen.spans:
            span.start += self.skew[span.service] + 1e5
            span.end += self.skew[span.service] + 1e5
        self.chance.shuffle(self.seen.spans)
        return json.dumps(self.seen.otlp())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), skewed=st.booleans())
def test_calls_and_work_are_read_back_whatever_the_shape_order_and_clocks(
    tmp_path_factory, seed, skewed
):
    system = System(random.Random(seed), skewed)
    for number in range(8):
        system.serve(0, 1e4 * number)
    path = tmp_path_factory.mktemp("spans") / "s.json"
    path.write_text(system.document())
    found = read_traces([path])
    assert set(found.components) == set(system.work)
    for name, work in system.work.items():
        facts = {key: fact.value for key, fact in found.components[name].facts.items()}
        assert facts["service_time_ms"] == pytest.approx(statistics.mean(work), rel=1e-5)
        if len(work) > 1:
            cv = statistics.stdev(work) / statistics.mean(work)
            assert facts["service_cv"] == pytest.approx(cv, rel=1e-4, abs=1e-6)
    assert {f"{a} -> {b}" for a, b in found.edges} == set(system.calls)
    for (caller, callee), edge in found.edges.items():
        calls = system.calls[f"{caller} -> {callee}"] / len(system.work[caller])
        assert edge.facts["calls"].value == pytest.approx(calls, rel=1e-5)
        assert edge.facts["network_ms"].value == pytest.approx(NETWORK, abs=1e-6)
