"""The whole pipeline is timed beside an empty decorator and beside tenacity. No time asserted."""

import pytest

from hms.experiments.bench.runtime_pipeline import CALLS, WHOLE, measure
from hms.experiments.bench.size import SMALL


@pytest.mark.slow
def test_the_whole_pipeline_is_timed_beside_retries_alone() -> None:
    figures = {each.name: each for each in measure(SMALL)}
    whole = figures[WHOLE]
    assert (whole.floor, whole.goal, whole.answer) == (1.5, 1.0, f"{CALLS} right")
    assert figures["tenacity alone"].ours == whole.got
    assert all(each.answer.endswith(" right") and each.got > 0.0 for each in figures.values())
