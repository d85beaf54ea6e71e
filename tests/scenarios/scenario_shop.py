"""A scenario of four components with a bit of everything, small enough to read."""

SHOP = """\
schema: hms.scenario/1
name: shop
sources:
  k8s: {file: manifests.yaml, sure: stated}
  ranges: {file: ranges.yaml, sure: guessed}
workload: [{entry: web, client: people, rate_rps: {between: [10, 30], from: ranges}}]
slo: {web: {availability: 0.99, latency_ms: 800, stable_for_s: 15}}
defaults:
  component: {service_time_ms: {between: [2, 8], from: ranges}, workers: 32}
  edge: {timeout_ms: 1500}
components:
  people: {kind: client}
  web: {replicas: 3, cores: {is: 0.2, from: "k8s:11"}, probe: {kind: http}}
  stock: {replicas: 2, memory_mb: 64, memory_limit_mb: 128, workers: 16}
  db: {kind: store, service_time_ms: 1}
edges:
  people -> web: {timeout_ms: 10000}
  web -> stock: {from: "k8s:14", calls: {between: [0.5, 1.5], from: ranges}}
  stock -> db: {}
faults:
  - {kind: hang, target: {component: stock, replicas: 1}, start_s: 60, until: restart}
"""
