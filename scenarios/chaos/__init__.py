"""Chaos experiments of other tools (Chaos Mesh, Istio) as faults of a scenario."""
