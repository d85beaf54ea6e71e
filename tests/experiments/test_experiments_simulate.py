"""`hms simulate` and `hms compare`: one incident, read at three in the morning."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import HERE, Ended

pytestmark = pytest.mark.slow

SHOP = str(HERE / "corner-shop.yaml")
HANG = str(HERE / "hang.overlay.yaml")
Call = Callable[..., Ended]


def test_a_result_says_what_broke_how_bad_it_was_and_who_acted(call: Call) -> None:
    ended = call("simulate", SHOP, "--overlay", HANG, "--policy", "ladder")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("corner-shop under ladder, 30 requests/s, 120 s, seed 0; 3 quant")
    assert "   40 s  hang of cart, 1 of 3 replicas, until a restart" in ended.out
    assert "\nverdict       recovered; back within its SLO after " in ended.out
    assert "cart: found ill" in ended.out
    lines = ended.out.splitlines()
    good = next(line for line in lines if line.startswith("good"))
    acts = next(line for line in lines if line.startswith("acts"))
    assert len(good) == len("good    ") + 60, "two seconds a column"
    assert acts.index("▲" if "▲" in acts else "2") - len("acts    ") >= 40 // 2


def test_what_if_a_component_fails_needs_no_file(call: Call) -> None:
    asked = ("--fault", "hang:cart:replicas=1,start_s=40")
    by_option = call("simulate", SHOP, *asked, "--policy", "ladder", "--json")
    by_overlay = call("simulate", SHOP, "--overlay", HANG, "--policy", "ladder", "--json")
    assert by_option.code == 0, by_option.err
    assert by_option.out == by_overlay.out
    both = call("compare", SHOP, *asked, "--fault", "load_spike:factor=2", "ladder")
    assert "hang of cart" in both.out
    assert "load spike of all load, ×2, for 60 s" in both.out


def test_a_system_at_rest_says_so(call: Call) -> None:
    ended = call("simulate", SHOP)
    assert ended.code == 0, ended.err
    assert "no fault: this is the system at rest" in ended.out
    assert "verdict       recovered; never below its SLO" in ended.out
    assert "nothing was done" in ended.out


def test_real_agents_give_the_result_of_the_compiled_engine(call: Call) -> None:
    arguments = ("simulate", SHOP, "--overlay", HANG, "--policy", "ladder", "--json")
    fluid = call(*arguments, "--engine", "fluid")
    actors = call(*arguments, "--engine", "actors")
    told = [json.loads(ended.out) for ended in (fluid, actors)]
    assert told[0]["events"] == told[1]["events"]
    assert told[0]["downtime_s"] == told[1]["downtime_s"]
    assert told[0]["restarts"] == 1.0
    assert len(told[0]["timeline"]["t_s"]) == 120


def test_the_same_seed_gives_the_same_answer(call: Call) -> None:
    arguments = ("simulate", SHOP, "--overlay", HANG, "--policy", "envoy", "--seed", "3", "--json")
    assert call(*arguments).out == call(*arguments).out


def test_a_bare_import_is_simulated(call: Call, tmp_path: Path) -> None:
    scenario = tmp_path / "bookshop.yaml"
    manifests = Path(__file__).resolve().parents[2] / "scenarios" / "library" / "bookshop"
    imported = call("import", "kubernetes", str(manifests), "-o", str(scenario))
    assert imported.code == 0, imported.err
    ended = call("simulate", str(scenario))
    assert ended.code == 0, ended.err
    assert "quantities at midpoints" in ended.out


def test_a_shipped_scenario_is_found_by_name(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("simulate", "online-boutique").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("simulate", "corner-shpo.yaml"), "no scenario file corner-shpo.yaml"),
        (("simulate", SHOP, "--policy", "laddr"), "nearest: `ladder`"),
        (("simulate", SHOP, "--overlay", "none.yaml"), "none.yaml"),
        (("simulate", SHOP, "--fault", "hang:crat"), "nearest: `cart`"),
        (("compare", SHOP, "--fault", "hnag:cart"), "nearest: `hang`"),
        (("simulate", SHOP, "--engine", "live"), "fluid, request, actors"),
        (("compare", SHOP, "--policies", "today", "evoy"), "nearest: `envoy`"),
    ],
)
def test_a_wrong_argument_is_named_and_exits_2(
    arguments: tuple[str, ...], said: str, call: Call
) -> None:
    ended = call(*arguments)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_a_comparison_lists_policies_best_first(call: Call) -> None:
    ended = call("compare", SHOP, "--overlay", HANG, "--policies", "today", "ladder")
    assert ended.code == 0, ended.err
    rows = [line for line in ended.out.splitlines() if line.startswith(("today", "ladder"))]
    assert [row.split()[0] for row in rows] == ["ladder", "today"]
    assert "one failure, one seed" in ended.out


def test_a_comparison_as_json_holds_the_columns(call: Call) -> None:
    ended = call("compare", SHOP, "--overlay", HANG, "today", "ladder", "--json")
    told = json.loads(ended.out)
    assert [row["policy"] for row in told["policies"]] == ["ladder", "today"]
    assert {"downtime_s", "availability", "verdict"} <= set(told["policies"][0])


def test_without_policies_all_baselines_are_compared(call: Call) -> None:
    ended = call("compare", SHOP, "--overlay", HANG, "--json")
    assert len(json.loads(ended.out)["policies"]) == 12
