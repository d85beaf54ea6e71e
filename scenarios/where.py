"""What a policy's override may ask (`where: {…}`) of an edge or a component of a scenario."""

from hms.scenarios.model import Component, Edge


def edge_where(edge: Edge, callee: Component) -> dict[str, str]:
    """Of an edge: its protocol and need, and all of its callee."""
    return {"protocol": edge.protocol, "edge": edge.need, **component_where(callee)}


def component_where(component: Component) -> dict[str, str]:
    """Of a component: its kind, criticality and level of healing."""
    return {
        "kind": component.kind,
        "criticality": component.criticality,
        "level": component.level,
    }
