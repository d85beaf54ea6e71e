"""What `hms simulate` says about an incident, in words and as data."""

import json

import pytest
from plain_worlds import half_capacity, retries

from hms.experiments.report.incident_text import examined, incident_lines, incident_mapping
from hms.experiments.single_run import prepare, run_incident
from hms.scenarios.detectors.examination import Promise, examine


@pytest.fixture(scope="module")
def incident():
    return prepare("online-boutique", (), "0", ("hang:cartservice",))


def lines_of(incident):
    ran = run_incident(incident, "platform")
    found = examined(incident.scenario, ran.outcome, ran.events)
    return found, list(incident_lines(found))


def test_it_says_where_it_began_whom_it_hurt_and_how_long(incident):
    found, lines = lines_of(incident)
    text = "\n".join(lines)
    assert lines[0].startswith("first cause   cartservice at 60 s")
    assert "frontend" in text and "entry hurt    frontend" in text
    assert f"down at {found.times.down_at_s} s" in text


def test_the_data_form_is_json(incident):
    found, _ = lines_of(incident)
    data = json.loads(json.dumps(incident_mapping(found)))
    assert data["first_cause"]["name"] == "cartservice"
    assert {hit["component"] for hit in data["cascade"]["hits"]} >= {"frontend", "cartservice"}


def test_a_system_at_rest_needs_no_words():
    calm = prepare("online-boutique", (), "0", ())
    assert lines_of(calm)[1] == []


def test_a_metastable_end_is_said_first():
    outcome = half_capacity(retries(3))
    first = next(incident_lines(examine(outcome.telemetry, Promise(0.95))))
    assert first.startswith("METASTABLE    0 % goodput")
    assert "retries and backlog (calls x 4)" in first


def test_simulate_prints_it(capsys):
    from hms.experiments.cli.main import run

    assert run(["simulate", "online-boutique", "--fault", "crash:adservice"]) == 0
    printed = capsys.readouterr().out
    assert "first cause   adservice at 60 s: replicas are gone" in printed
    assert run(["simulate", "online-boutique", "--fault", "crash:adservice", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["incident"]
    assert told["first_cause"]["name"] == "adservice"
    assert [row["name"] for row in told["blast_radius"]["entries"]] == ["frontend"]
