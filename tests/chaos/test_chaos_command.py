"""`hms simulate --chaos`: what would happen, before anybody runs chaos for real."""

import json

import pytest
from chaos_shop import SHOP, mesh

from hms.experiments.cli.main import run

pytestmark = pytest.mark.slow

CUT = """\
action: partition
mode: all
selector: {labelSelectors: {app: cart}}
direction: both
target: {mode: all, selector: {labelSelectors: {app: cart-db}}}
duration: 40s
"""


@pytest.fixture
def hms(write, capsys):
    """`hms simulate shop --chaos FILE …`: code, stdout, stderr."""

    def call(kind, spec, *more):
        shop, chaos = write(SHOP, "shop.yaml"), write(mesh(kind, spec), "chaos.yaml")
        code = run(["simulate", str(shop), "--chaos", str(chaos), "--seeds", "4", *more])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_it_tells_who_is_hurt_for_how_long_and_when_it_is_over(hms):
    code, out, err = hms("NetworkChaos", CUT)
    assert code == 0, err
    assert "1 chaos experiment, 4 seeds" in out
    assert "60 s  partition of cart -> cart-db" in out
    assert "verdict       4 recovered of 4 seeds" in out
    hurt = next(line for line in out.splitlines() if line.startswith("web "))
    assert "4 of 4" in hurt
    assert "(entry)" in hurt
    assert float(hurt.split()[1]) >= 30.0


def test_as_json_it_has_spreads_the_blast_radius_and_the_loss_table(hms):
    spec = 'action: loss\nloss: {loss: "60", correlation: "5"}\nduration: 30s\nmode: all\n'
    code, out, err = hms("NetworkChaos", spec + "selector: {labelSelectors: {app: cart}}", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert sum(told["verdicts"].values()) == told["seeds"] == 4
    assert told["availability"]["median"] < told["availability_without_chaos"]["median"]
    assert set(told["blast_radius"]) == {"web", "cart", "cart-db"}
    assert told["collapse_probability"]["low"] <= told["collapse_probability"]["share"]
    assert {row["field"] for row in told["lost"]} >= {"loss.correlation", "action"}


def test_a_fault_without_effect_hurts_nobody(hms):
    spec = "action: delay\ndelay: {latency: 1ms}\nduration: 30s\nmode: all\n"
    code, out, err = hms("NetworkChaos", spec + "selector: {labelSelectors: {app: cart}}")
    assert code == 0, err
    assert "blast radius  nobody is hurt" in out
    assert "not hurt: web, cart, cart-db" in out


ALL_CART = "duration: 30s\nmode: all\nselector: {labelSelectors: {app: cart}}"


@pytest.mark.parametrize("engine", ["fluid", "request"])
@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("PodChaos", "action: pod-failure"),
        ("StressChaos", "stressors: {cpu: {workers: 40, load: 100}}"),
        ("DNSChaos", "action: error"),
        ("TimeChaos", "timeOffset: -1h"),
        ("HTTPChaos", "target: Request\nport: 80\nabort: true"),
    ],
)
def test_each_kind_does_what_it_says_and_passes_in_both_engines(hms, kind, spec, engine):
    code, out, err = hms(kind, f"{spec}\n{ALL_CART}", "--json", "--engine", engine)
    assert code == 0, err
    told = json.loads(out)
    assert told["engine"] == engine
    assert told["blast_radius"]["web"]["hurt_in_seeds"] == 4
    assert told["availability"]["median"] < told["availability_without_chaos"]["median"] - 0.02
    assert told["verdicts"]["recovered"] == 4


def test_a_wrong_file_exits_2_and_so_does_a_question_to_real_agents(hms):
    code, _, err = hms("NetworkChaos", CUT.replace("duration", "duraton"))
    assert code == 2
    assert "nearest: `duration`" in err
    assert hms("NetworkChaos", CUT, "--engine", "actors")[0] == 2
