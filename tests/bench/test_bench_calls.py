"""A protected call is timed beside its peers, and what was timed was counted. No time asserted."""

import pytest

from hms.experiments.bench.runtime_calls import ASYNC, CALLS, SYNC, a_million, guard, measure
from hms.experiments.bench.size import SMALL


@pytest.mark.slow
def test_a_protected_call_is_timed_beside_its_peers_and_counted() -> None:
    figures = {each.name: each for each in measure(SMALL)}
    assert (figures[SYNC].goal, figures[ASYNC].goal) == (0.33, 0.48)
    assert figures[SYNC].floor == figures["circuitbreaker, sync"].got
    assert figures["pybreaker, sync"].ours == figures[SYNC].got
    assert figures["right, of as many calls"].got == float(CALLS)
    assert figures["a guarded dependency"].got <= 3072.0
    assert figures["a further result"].got == pytest.approx(24.0, abs=0.5)


def test_calls_that_were_not_counted_are_no_figure() -> None:
    with pytest.raises(ValueError, match="0 right of"):
        a_million(guard(), int)
