"""A fault asked for in a command is an entry of the scenario's `faults`, checked as one."""

import math

import pytest

from hms.errors import ScenarioError
from hms.scenarios.load import load_scenario
from hms.scenarios.model import Fault


@pytest.fixture
def ask(write, shop_text):
    """The faults that options add to the shop's own hang."""

    def asked(*options: str, text: str = shop_text) -> list[Fault]:
        return list(load_scenario(write(text), (), options).faults[1:])

    return asked


def refused(ask, option: str) -> str:
    with pytest.raises(ScenarioError) as told:
        ask(option)
    assert told.value.exit_code == 2
    return str(told.value)


def test_a_bare_question_strikes_all_replicas_at_60_s_until_an_act_ends_it(ask):
    (fault,) = ask("crash:stock")
    assert (fault.kind, fault.component, fault.replicas) == ("crash", "stock", 0)
    assert (fault.start_s, fault.until) == (60.0, "restart")
    assert fault.parameters == {"restarts_by_itself": 1.0}
    assert ask("bad_deploy:stock:error_share=0.5")[0].until == "roll_back"


def test_a_fault_that_no_act_ends_lasts_60_s(ask):
    (fault,) = ask("latency:web->stock:added_ms=800")
    assert (fault.edge, fault.start_s, fault.duration_s) == (("web", "stock"), 60.0, 60.0)
    assert fault.parameters == {"added_s": 0.8, "jitter_s": 0.0}


def test_settings_are_those_of_the_file(ask):
    (fault,) = ask("slow:stock:start_s=90, duration_s=20,factor=3,replicas=1")
    assert (fault.start_s, fault.duration_s, fault.replicas) == (90.0, 20.0, 1)
    (crash,) = ask("crash:stock:restarts_by_itself=false")
    assert crash.parameters == {"restarts_by_itself": 0.0}
    assert math.isinf(ask("hang:stock:until=restart")[0].duration_s)


def test_a_spike_may_name_no_entry(ask):
    everything, web = ask("load_spike:factor=3", "load_spike:web:factor=2")
    assert (everything.component, web.component) == (None, "web")


def test_in_a_short_scenario_the_fault_starts_at_a_third(ask, shop_text):
    short = shop_text.replace("name: shop", "name: shop\nhorizon_s: 90").replace(
        "start_s: 60", "start_s: 20"
    )
    assert ask("crash:stock", text=short)[0].start_s == 30.0


def test_a_scenario_without_faults_gets_its_first(write, shop_text):
    rest = shop_text.partition("\nfaults:")[0]
    assert len(load_scenario(write(f"{rest}\n"), (), ["crash:stock"]).faults) == 1


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("crahs:stock", ["unknown fault kind `crahs`", "nearest: `crash`"]),
        ("crash:stokc", ["no component `stokc` that can fail", "nearest: `stock`"]),
        ("crash:people", ["no component `people` that can fail"]),
        ("latency:web->stokc:added_ms=1", ["no edge `web->stokc`", "nearest: `web -> stock`"]),
        ("latency:stock:added_ms=1", ["no edge `stock`"]),
        ("crash:web->stock", ["no component `web->stock` that can fail"]),
        ("slow:stock:facter=3", ["unknown key `facter` in a slow fault", "nearest: `factor`"]),
        ("slow:stock:factor=3,start_ms=9", ["wrong unit: `start_ms`", "`start_s`, in seconds"]),
        ("slow:stock", ["a slow fault needs `factor`"]),
        ("slow:stock:factor=nan", ["`factor` is nan"]),
        ("slow:stock:factor=three", ["`factor` is `three`"]),
        ("crash:stock:start_s=600", ["starts at 600 s", "horizon of 300 s"]),
        ("crash:stock:replicas=5", ["5 replicas of `stock`", "at most its 2"]),
        ("bad_deploy:stock:duration_s=5", ["what ends the bad_deploy fault", "until: roll_back"]),
        ("cache_flush:stock:duration_s=5", ["is over at once: it has no `duration_s`"]),
        ("load_spike:wbe:factor=2", ["`wbe` is no entry of the workload", "nearest: `web`"]),
        ("crash", ["not the form of a fault", "KIND:COMPONENT"]),
        ("", ["not the form of a fault"]),
        ("crash:stock:a=1:b=2", ["not the form of a fault"]),
        ("slow:stock:factor", ["`factor` is no setting of a fault"]),
        ("slow:stock:kind=hang", ["`kind=hang` is no setting of a fault"]),
        ("slow:stock:factor=2,factor=3", ["`factor` is there twice"]),
    ],
)
def test_a_wrong_fault_is_told_as_a_file_would_be(ask, option, said):
    told = refused(ask, option)
    assert told.startswith(f"--fault {option}: ")
    for part in said:
        assert part in told


def test_a_wrong_scenario_is_still_told_with_its_own_line(write, shop_text):
    wrong = shop_text.replace("kind: hang", "kind: hnag")
    with pytest.raises(ScenarioError, match=r"shop\.yaml:21: unknown fault kind"):
        load_scenario(write(wrong), (), ["crash:stock"])
    with pytest.raises(ScenarioError, match="`faults` is"):
        text = shop_text.partition("\nfaults:")[0] + "\nfaults: 3\n"
        load_scenario(write(text), (), ["crash:web"])
