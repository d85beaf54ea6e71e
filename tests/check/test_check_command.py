"""`hms check` as its user meets it: exit codes, text, JSON, pages, wrong arguments."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from planted import PLANTED, SOUND, planted

from hms.errors import HmsError
from hms.experiments.check.subject import read_system
from hms.experiments.cli.check import command
from hms.scenarios.importers.read import Given

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        env:
        - {name: STORE_ADDR, value: "store:6379"}
        livenessProbe: {httpGet: {path: /, port: 80}, failureThreshold: 9}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: store}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: store}}
    spec:
      containers:
      - name: redis
        image: redis
        livenessProbe:
          tcpSocket: {port: 6379}
---
apiVersion: v1
kind: Service
metadata: {name: store}
spec: {selector: {app: store}, ports: [{port: 6379}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(each) for each in arguments])


@pytest.fixture(scope="module")
def ill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A system in which ejections round to zero."""
    plant = next(each for each in PLANTED if each.rule == "ejection-rounds-to-zero")
    return planted(plant, tmp_path_factory.mktemp("ill"))[0]


def test_a_finding_is_told_with_cost_place_and_what_to_paste(ill: Path) -> None:
    told = check(ill)
    assert told.exit_code == 0
    assert "HIGH    ejection-rounds-to-zero: an ejection limit that rounds to zero" in told.output
    assert "s of full outage per bad replica of db" in told.output
    assert f"{ill}:" in told.output
    assert "ejected_share_max: 0.34" in told.output
    assert "\x1b" not in told.output


def test_only_a_terminal_gets_colours_and_not_against_its_users_wish(
    ill: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = CliRunner().invoke(command, [str(ill)], color=True).output
    assert "\x1b[31m\x1b[1mHIGH\x1b[0m    ejection" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(command, [str(ill)], color=True).output


def test_strict_makes_a_finding_exit_1(ill: Path) -> None:
    assert check(ill, "--strict").exit_code == 1
    assert check(SOUND, "--strict").exit_code == 0


def test_the_same_seed_gives_the_same_figures(ill: Path) -> None:
    first, second = (json.loads(check(ill, "--json", "--seed", "3").output) for _ in range(2))
    assert first["findings"] == second["findings"]
    assert first["findings"][0]["cost"]["low_s"] > 0.0
    assert first["findings"][0]["change"] == {
        "edges": {
            "shop -> db": {
                "breaker": {
                    "scope": "replica",
                    "consecutive_failures": 5,
                    "ejected_share_max": 0.34,
                    "panic_share": 0,
                }
            }
        }
    }


def test_manifests_are_reviewed_without_a_scenario(tmp_path: Path) -> None:
    manifest = tmp_path / "shop.yaml"
    manifest.write_text(MANIFEST)
    told = json.loads(check(tmp_path, "--json").stdout)
    found = {(each["rule"], each["subject"]): each for each in told["findings"]}
    tcp = found["probe-cannot-see-hang", "store"]
    assert tcp["where"]["file"] == "shop.yaml"
    assert tcp["where"]["line"] == MANIFEST.splitlines().index("        livenessProbe:") + 1
    assert "command: [redis-cli, ping]" in tcp["paste"]
    assert found["single-replica", "web"]["paste"] == "spec: {replicas: 2}"


def test_explain_lists_the_rules_and_prints_a_page() -> None:
    assert check("--explain").output.count("\n") == 11
    page = check("--explain", "retry-multiplication")
    assert page.exit_code == 0
    assert "4 × 4 × 4 = 64" in page.output
    assert "HotOS 2021" in page.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--explain", "retry-multiplicatoin"], "nearest: `retry-multiplication`"),
        (["online-boutiqe"], "nearest: online-boutique"),
        ([], "expected: manifests, or a scenario"),
        ([str(SOUND), "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_is_wrong_is_told_once_with_the_nearest_name(arguments: list[str], said: str) -> None:
    told = check(*arguments)
    text = told.output if told.exit_code == 2 else str(told.exception)
    assert said in text
    if isinstance(told.exception, HmsError):
        assert told.exception.exit_code == 2


MESH = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: store}
spec:
  host: store
  trafficPolicy:
    outlierDetection: {consecutive5xxErrors: 5}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: store}
spec:
  hosts: [store]
  http:
  - route: [{destination: {host: store}}]
    retries: {attempts: 3, perTryTimeout: 1s, retryOn: 5xx}
"""


def test_a_meshs_rules_are_reviewed_at_their_own_lines_and_in_their_own_words(
    tmp_path: Path,
) -> None:
    (tmp_path / "shop.yaml").write_text(MANIFEST.replace("redis", "prices").replace("6379", "80"))
    (tmp_path / "mesh.yaml").write_text(MESH)
    told = json.loads(check(tmp_path, "--json").stdout)
    found = {each["rule"]: each for each in told["findings"]}
    ejection = found["ejection-rounds-to-zero"]
    lines = MESH.splitlines()
    place = ejection["where"]
    assert (place["file"], lines[place["line"] - 1].strip()[:16]) == (
        "mesh.yaml",
        "outlierDetection",
    )
    assert ejection["paste"].splitlines() == [
        "# DestinationRule of store",
        "trafficPolicy:",
        "  outlierDetection: {maxEjectionPercent: 50}",
    ]
    budget = found["retry-without-budget"]
    assert lines[budget["where"]["line"] - 1].strip().startswith("retries:")
    assert "retryBudget: {percent: 9.1, minRetryConcurrency: 1}" in budget["paste"]


def test_traces_beside_manifests_give_calls_and_service_times(tmp_path: Path) -> None:
    def span(
        service: str, ident: str, parent: str, start_ms: int, end_ms: int
    ) -> dict[str, object]:
        return {
            "resource": {
                "attributes": [{"key": "service.name", "value": {"stringValue": service}}]
            },
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": "a" * 32, "spanId": ident, "parentSpanId": parent,
                            "name": "get", "kind": 2,
                            "startTimeUnixNano": str(start_ms * 1_000_000),
                            "endTimeUnixNano": str(end_ms * 1_000_000),
                        }
                    ]
                }
            ],
        }  # fmt: skip

    spans = tmp_path / "spans.json"
    web, store = "1" * 16, "2" * 16
    spans.write_text(
        json.dumps(
            {"resourceSpans": [span("web", web, "", 0, 100), span("store", store, web, 20, 60)]}
        )
    )
    manifest = tmp_path / "shop.yaml"
    manifest.write_text(MANIFEST)
    told = check(manifest, "--merge", f"traces:{spans}", "--json")
    assert told.exit_code == 0, told.output
    system, _ = read_system([str(manifest)], merge=[Given("traces", (spans,))])
    web_part, store_part = (system.scenario.components[name] for name in ("web", "store"))
    assert (web_part.service_time_s, store_part.service_time_s) == (0.06, 0.04)
    assert system.places.sureness(store_part, "service_time_ms") == "measured"
    refused = check(SOUND, "--merge", f"traces:{spans}")
    assert refused.exit_code == 2
    assert "--merge is for manifests" in refused.output
