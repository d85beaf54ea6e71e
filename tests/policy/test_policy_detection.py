"""Is it ill, and of what? Entering, leaving, learning the usual."""

import pytest
from agent_case import failing, hung, starting, well

from hms.agents.policy.detection import (
    DetectionState,
    SlotObservation,
    calmed_s,
    changed_s,
    copy_slot,
    detect_slot,
    slo_failing,
)
from hms.agents.policy.kinds import (
    DEPENDENCY,
    ERRORS,
    FLAPPING,
    FOREVER_S,
    MEMORY,
    NONE,
    SATURATED,
    SLOW,
    UNRESPONSIVE,
)
from hms.agents.policy.parameters import DetectionParameters

P = DetectionParameters()


class Slot:
    def __init__(self, p: DetectionParameters = P) -> None:
        self.s, self.p, self.now_s = DetectionState(), p, 0.0
        self.see(well(), 30)

    def see(self, o: SlotObservation, periods: int = 2) -> int:
        issue = NONE
        for _ in range(periods):
            issue = detect_slot(self.s, self.p, o, 0, self.now_s)
            self.now_s += 1.0
        return issue


ILL = [
    (SlotObservation(replicas=1.0, arrivals_rps=10.0), UNRESPONSIVE),
    (hung(3.0), UNRESPONSIVE),
    (well(memory_share=0.85), MEMORY),
    (well(own_error_share=0.2, error_share=0.2), ERRORS),
    (well(own_response_s=0.08, response_s=0.11), SLOW),
    (well(queue_share=0.9), SATURATED),
    (well(refused_share=0.2), SATURATED),
    (well(error_share=0.2), DEPENDENCY),
    (well(response_s=0.2), DEPENDENCY),
]


@pytest.mark.parametrize(("seen", "issue"), ILL)
def test_each_illness_is_found_at_its_threshold_once_confirmed(seen, issue):
    slot = Slot()
    assert slot.see(seen, 1) == NONE
    assert slot.see(seen, 1) == issue


NOT_QUITE = [
    hung(2.9),
    well(memory_share=0.849),
    well(own_error_share=0.199, error_share=0.199),
    well(own_response_s=0.079),
    well(queue_share=0.89, refused_share=0.19),
    well(error_share=0.19, response_s=0.199),
]


@pytest.mark.parametrize("seen", NOT_QUITE)
def test_below_its_threshold_nothing_is_found(seen):
    assert Slot().see(seen, 10) == NONE


@pytest.mark.parametrize(("seen", "issue"), ILL[2:])
def test_it_is_left_below_the_way_back_and_not_before(seen, issue):
    slot = Slot()
    assert slot.see(seen) == issue
    nearly = {
        MEMORY: (well(memory_share=0.60), well(memory_share=0.59)),
        ERRORS: (well(own_error_share=0.15), well(own_error_share=0.13)),
        SLOW: (well(own_response_s=0.057), well(own_response_s=0.055)),
        SATURATED: (well(queue_share=0.64), well(queue_share=0.62, refused_share=0.13)),
        DEPENDENCY: (well(error_share=0.15), well(error_share=0.13, response_s=0.13)),
    }
    stays, leaves = nearly[issue]
    assert slot.see(stays, 5) == issue
    assert slot.see(leaves, 1) == NONE


def test_the_most_urgent_of_several_is_named():
    seen = failing(memory_share=0.9, silence_s=5.0, queue_share=1.0)
    assert Slot().see(seen) == UNRESPONSIVE
    assert Slot().see(failing(memory_share=0.9)) == MEMORY


def test_a_more_urgent_illness_takes_over_once_confirmed_a_lesser_one_does_not():
    slot = Slot()
    assert slot.see(failing()) == ERRORS
    assert slot.see(failing(queue_share=1.0), 5) == ERRORS
    assert slot.see(failing(silence_s=9.0), 1) == ERRORS
    assert slot.see(failing(silence_s=9.0), 1) == UNRESPONSIVE


def test_an_illness_that_leaves_gives_way_at_once_to_one_that_holds_and_is_no_flap():
    slot = Slot()
    assert slot.see(failing()) == ERRORS
    assert slot.see(well(error_share=0.2), 1) == DEPENDENCY
    assert slot.see(well(), 1) == NONE
    assert slot.s.changes[0] == 2.0  # ill, well


def test_a_longer_confirmation_waits_longer():
    slot = Slot(DetectionParameters(confirm_s=5.0))
    assert slot.see(failing(), 5) == NONE
    assert slot.see(failing(), 1) == ERRORS
    blip = Slot(DetectionParameters(confirm_s=5.0))
    blip.see(failing(), 4)
    blip.see(well(), 1)
    assert blip.see(failing(), 5) == NONE


def test_no_data_is_never_a_reason():
    silent = well(arrivals_rps=0.0, answered_rps=0.0, own_error_share=1.0, silence_s=99.0)
    assert Slot().see(silent, 20) == NONE


def test_what_was_found_stays_while_nothing_speaks_against_it():
    slot = Slot()
    slot.see(failing())
    quiet = well(arrivals_rps=0.0, answered_rps=0.0)
    assert slot.see(quiet, 20) == ERRORS
    assert slot.see(well(), 1) == NONE


def test_a_hung_replica_taken_out_of_rotation_stays_unresponsive():
    slot = Slot()
    slot.see(hung())
    assert slot.see(well(arrivals_rps=0.0, answered_rps=0.0, silence_s=60.0), 9) == UNRESPONSIVE


def test_a_starting_process_is_new():
    slot = Slot()
    slot.see(failing())
    assert slot.see(starting(), 1) == NONE
    assert slot.see(failing(), 1) == NONE


def test_the_usual_is_learned_slowly_while_well_and_never_while_ill():
    slot = Slot()
    assert slot.s.usual_s[0] == pytest.approx(0.02)
    slot.see(well(own_response_s=0.03), 20)
    assert 0.025 < slot.s.usual_s[0] < 0.03
    known = slot.s.usual_s[0]
    slot.see(well(own_response_s=5.0), 100)
    assert slot.s.usual_s[0] == known


def test_learning_over_a_jump_follows_the_time_that_passed():
    slot = Slot()
    slot.now_s += 1000.0
    slot.see(well(own_response_s=0.03), 1)
    assert slot.s.usual_s[0] == pytest.approx(0.03)


def test_a_first_look_at_an_ill_component_learns_nothing():
    s = DetectionState()
    detect_slot(s, P, failing(own_response_s=9.0), 0, 0.0)
    assert s.usual_s[0] == 0.0


def test_below_a_millisecond_nothing_is_slow():
    s, fast = DetectionState(), well(own_response_s=0.0001, response_s=0.0002)
    for now_s in range(5):
        detect_slot(s, P, fast, 0, float(now_s))
    tenfold = well(own_response_s=0.0009, response_s=0.0009)
    assert [detect_slot(s, P, tenfold, 0, 9.0 + k) for k in range(3)] == [NONE] * 3


def test_who_fails_those_that_ask_it():
    slot = Slot()
    assert not slo_failing(slot.s, P, well(), 0)
    assert not slo_failing(slot.s, P, well(memory_share=0.99), 0)
    assert slo_failing(slot.s, P, failing(), 0)
    assert slo_failing(slot.s, P, well(response_s=0.3), 0)
    assert slo_failing(slot.s, P, well(answered_rps=4.0), 0)
    assert slo_failing(slot.s, P, SlotObservation(replicas=1.0), 0)


def flap(slot: Slot, changes: int, every: int) -> int:
    """Ill and well by turns; the illness after the last change."""
    issue = NONE
    for k in range(changes):
        issue = slot.see(failing() if k % 2 == 0 else well(), every)
    return issue


def test_s6_four_changes_within_sixty_seconds_are_one_flapping_issue():
    slot = Slot()
    assert flap(slot, 4, 15) == FLAPPING
    assert slot.s.flapping[0] == 1.0
    assert slot.see(failing()) == ERRORS  # what is worse comes first
    assert slot.see(well()) == FLAPPING  # still the same one


def test_three_changes_or_four_in_more_time_are_not():
    assert flap(Slot(), 3, 5) != FLAPPING
    assert flap(Slot(), 2, 5) == NONE
    assert flap(Slot(), 4, 21) == NONE


@pytest.mark.parametrize(("spread_s", "issue"), [(60.0, FLAPPING), (60.001, NONE)])
def test_the_span_counts_both_ends(spread_s, issue):
    slot = Slot(DetectionParameters(confirm_s=0.0))
    first_s = slot.now_s
    for at_s, seen in ((0.0, failing()), (20.0, well()), (40.0, failing()), (spread_s, well())):
        found = detect_slot(slot.s, slot.p, seen, 0, first_s + at_s)
    assert found == issue


def test_flapping_ends_once_one_state_has_lasted():
    slot = Slot()
    flap(slot, 4, 5)
    ends_s = calmed_s(slot.s, slot.p, 0)
    assert ends_s == changed_s(slot.s, 0, 1) + 60.0
    while slot.now_s < ends_s:
        assert slot.see(well(), 1) == FLAPPING
    assert slot.see(well(), 1) == NONE
    assert calmed_s(slot.s, slot.p, 0) == FOREVER_S
    assert flap(slot, 3, 5) == ERRORS  # it needs four changes anew
    assert slot.s.flapping[0] == 0.0


def test_a_group_that_stays_ill_has_stopped_flapping_too():
    slot = Slot()
    flap(slot, 4, 5)
    assert slot.see(failing(), 62) == ERRORS
    assert slot.s.flapping[0] == 0.0


def test_a_start_is_a_change_but_a_new_group_has_none():
    slot = Slot()
    for _ in range(2):
        slot.see(failing())
        slot.see(starting(), 3)
    assert slot.s.flapping[0] == 1.0
    assert slot.see(starting(), 1) == NONE  # while it starts nothing is said of it
    assert slot.see(well(), 1) == FLAPPING
    assert slot.see(SlotObservation(), 1) == NONE
    assert slot.s.flapping[0] == 0.0


def test_flapping_can_be_switched_off():
    assert flap(Slot(DetectionParameters(flap_changes=0)), 12, 3) == NONE


def test_one_that_flaps_goes_on_learning_what_is_usual_while_well():
    slot = Slot()
    flap(slot, 4, 5)
    before = slot.s.usual_s[0]
    slot.see(well(own_response_s=0.03), 10)
    assert slot.s.usual_s[0] > before


def test_a_group_split_off_flaps_as_its_other_half_did():
    slot = Slot()
    flap(slot, 4, 5)
    copy_slot(slot.s, 0, 2)
    assert slot.s.flapping[2] == 1.0
    assert [changed_s(slot.s, 2, n) for n in range(1, 6)] == [
        changed_s(slot.s, 0, n) for n in range(1, 6)
    ]
    assert changed_s(slot.s, 0, 5) == -FOREVER_S


def test_a_missing_report_changes_nothing():
    slot = Slot()
    slot.see(failing())
    assert slot.see(well(missing=True), 30) == ERRORS
    usual_s = slot.s.usual_s[0]
    well_slot = Slot()
    assert well_slot.see(failing(missing=True), 30) == NONE
    assert well_slot.s.usual_s[0] == usual_s
