"""The cost of a report stands beside what services do today. No time is asserted."""

import pytest

from hms.experiments.bench.runtime_reports import CALLS, measure
from hms.experiments.bench.size import SMALL


@pytest.mark.slow
def test_a_report_is_timed_beside_the_least_and_beside_gauges() -> None:
    figures = {each.name: each for each in measure(SMALL)}
    ours = figures["report at Basic"]
    assert ours.floor == 3.0
    assert ours.answer == str(CALLS)
    for peer in ("kept under a lock", "five gauges set"):
        assert (figures[peer].answer, figures[peer].ours) == (str(CALLS), ours.got)
    assert figures["memory grown, 200,000 reports"].floor == 5.0
