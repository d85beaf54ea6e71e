"""A shop in which one guess decides everything, and one nothing."""

PLANTED = """\
schema: hms.scenario/1
name: planted
sources:
  ranges: {file: ranges.yaml, sure: guessed}
  team: {file: notes.yaml, sure: stated}
horizon_s: 90
warm_up_s: 10
workload: [{entry: web, client: people, rate_rps: 40}]
slo: {web: {availability: 0.99, latency_ms: 800, stable_for_s: 5}}
components:
  people: {kind: client}
  web: {replicas: 2, service_time_ms: {between: [1, 3], from: ranges}, startup_s: 2}
  db: {kind: store, service_time_ms: {between: [10, 40], from: ranges}, startup_s: 2}
  attic: {service_time_ms: {between: [1, 900], from: ranges}, startup_s: 2}
edges:
  people -> web: {timeout_ms: 3000}
  web -> db: {timeout_ms: {is: 1000, from: ranges}, calls: {is: 1, from: team}}
faults:
  - {kind: crash, target: {component: web, replicas: 1}, start_s: 20}
"""
