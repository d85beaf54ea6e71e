"""Schedules and workflows as faults in time."""

import pytest
from chaos_shop import said

from hms.errors import ManifestError

WEB = "selector: {labelSelectors: {app: web}}"
DELAY = "{action: delay, mode: all, " + WEB + ", delay: {latency: 90ms}%s}"
KILL = "{action: pod-kill, mode: one, selector: {labelSelectors: {app: cart}}}"
INFINITE = float("inf")


def starts(struck) -> list[float]:
    return sorted({fault.start_s for fault in struck.scenario.faults})


def test_a_schedule_fires_again_and_again_until_two_thirds_of_the_horizon(strike):
    struck = strike("Schedule", f"schedule: '@every 30s'\ntype: PodChaos\npodChaos: {KILL}")
    assert starts(struck) == [60.0, 90.0, 120.0, 150.0]  # the horizon is 240 s
    (row,) = struck.lost
    assert row.field == "schedule"
    assert row.done.startswith("fires first at 60 s")


def test_a_forbidden_overlap_is_left_out_and_an_allowed_one_is_not(strike):
    spec = f"schedule: '@every 30s'\ntype: NetworkChaos\nnetworkChaos: {DELAY % ', duration: 40s'}"
    assert starts(strike("Schedule", spec)) == [60.0, 120.0]
    assert starts(strike("Schedule", "concurrencyPolicy: Allow\n" + spec)) == [60, 90, 120, 150]


def test_what_has_no_end_lasts_a_minute_for_the_schedule_too(strike):
    spec = f"schedule: '@every 25s'\ntype: NetworkChaos\nnetworkChaos: {DELAY % ''}"
    assert starts(strike("Schedule", spec)) == [60.0, 135.0]  # at 85 and 110 s one is under way


def test_a_schedule_of_what_no_scenario_has_injects_nothing(strike):
    spec = "schedule: '@every 30s'\ntype: IOChaos\nioChaos: {action: latency, delay: 10ms}"
    with pytest.raises(ManifestError, match="no fault like IOChaos"):
        strike("Schedule", spec)


def test_more_faults_than_anybody_can_mean_are_refused(strike, monkeypatch):
    monkeypatch.setattr("hms.scenarios.chaos.translate.MOST_FAULTS", 200)
    kill = "{action: pod-kill, mode: all, selector: {namespaces: [shop]}}"
    with pytest.raises(ManifestError, match="more than 200 faults"):
        strike("Schedule", f"schedule: '@every 1s'\ntype: PodChaos\npodChaos: {kill}")


def workflow(entry: str, deadline: str = "") -> str:
    return f"""
entry: all
templates:
  - {{name: all, templateType: {entry}, children: [slow, rest, kill]{deadline}}}
  - {{name: slow, templateType: NetworkChaos, deadline: 20s, networkChaos: {DELAY % ""}}}
  - {{name: rest, templateType: Suspend, deadline: 10s}}
  - {{name: kill, templateType: PodChaos, podChaos: {KILL}}}
"""


def test_serial_steps_follow_each_other(strike):
    struck = strike("Workflow", workflow("Serial"))
    assert said(struck.scenario.faults)[0] == ("latency", "people -> web", 0, 60.0, 20.0)
    assert said(struck.scenario.faults)[-1] == ("crash", "cart", 1, 90.0, INFINITE)


def test_parallel_steps_start_together(strike):
    assert starts(strike("Workflow", workflow("Parallel"))) == [60.0]


def test_a_deadline_cuts_what_is_below_it(strike):
    struck = strike("Workflow", workflow("Serial", ", deadline: 15s"))
    assert {(f.kind, f.duration_s) for f in struck.scenario.faults} == {("latency", 15.0)}


def test_a_schedule_inside_a_workflow_lasts_until_its_deadline(strike):
    spec = f"""
entry: kills
templates:
  - name: kills
    templateType: Schedule
    deadline: 50s
    schedule: {{schedule: "@every 20s", type: PodChaos, podChaos: {KILL}}}
"""
    assert starts(strike("Workflow", spec)) == [60.0, 80.0, 100.0]
    # also beyond two thirds of the horizon: the deadline says when it ends
    assert len(starts(strike("Workflow", spec.replace("50s", "150s")))) == 8


def test_a_task_takes_no_time_and_is_told(strike):
    spec = workflow("Serial").replace("templateType: Suspend", "templateType: Task")
    struck = strike("Workflow", spec)
    assert starts(struck) == [60.0, 80.0]
    assert [row.value for row in struck.lost] == ["Task"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("entry: all", "entry: al", "no template `al`"),
        ("[slow, rest, kill]", "[all]", "nested more than 32 times"),
        ("podChaos:", "stressChaos:", "has no `podChaos`|`mode`|no stressors"),
    ],
)
def test_a_workflow_that_makes_no_sense_is_refused(strike, old, new, told):
    with pytest.raises(ManifestError, match=told):
        strike("Workflow", workflow("Serial").replace(old, new))


def test_a_bushy_workflow_is_refused_soon(strike):
    names = [f"t{i}" for i in range(20)]
    templates = [
        f"{{name: {a}, templateType: Parallel, children: [{b}, {b}]}}"
        for a, b in zip(names, [*names[1:], "t19"], strict=True)
    ]
    with pytest.raises(ManifestError, match=r"more than 1000 steps|nested more"):
        strike("Workflow", "entry: t0\ntemplates: [" + ", ".join(templates) + "]")


def test_a_schedule_that_never_fires_is_refused(strike):
    with pytest.raises(ManifestError, match="no cron expression that ever fires"):
        strike("Schedule", f"schedule: '0 0 31 2 *'\ntype: PodChaos\npodChaos: {KILL}")


def test_a_paused_experiment_is_not_run(strike):
    text = f"""
apiVersion: chaos-mesh.org/v1alpha1
kind: PodChaos
metadata: {{name: p, annotations: {{experiment.chaos-mesh.org/pause: "true"}}}}
spec: {KILL}
"""
    with pytest.raises(ManifestError, match="paused"):
        strike(text)
