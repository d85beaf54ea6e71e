"""Where a quantity came from, and how sure that is."""

from hms.scenarios.model import Origin
from hms.scenarios.provenance import count_by_sureness, origin_of, place, quantities, surer


def test_surer_prefers_what_somebody_stated():
    stated, guessed = Origin("k8s", 3, "stated"), Origin("ranges", 0, "guessed")
    assert surer(guessed, stated) is stated
    assert surer(stated, guessed) is stated
    assert surer(stated, Origin("us", 1, "stated")) is stated


def test_a_value_without_origin_is_the_files_unless_it_is_the_default(shop):
    assert origin_of(shop.components["stock"], "replicas") == Origin("", 0, "stated")
    assert origin_of(shop.components["db"], "replicas") == Origin("", 0, "default")


def test_protocol_and_kind_come_with_their_edge_or_component(shop):
    assert origin_of(shop.edge("web", "stock"), "protocol") == Origin("k8s", 14, "stated")


def test_an_origin_is_shown_as_file_and_line(shop):
    assert place(shop.components["web"].origins["cores"], shop) == "manifests.yaml:11"
    assert place(Origin("ranges", 0, "guessed"), shop) == "ranges.yaml"
    assert place(Origin("", 0, "stated"), shop) == "this file"
    assert place(Origin("", 0, "default"), shop) == "default"


def test_every_quantity_is_counted_once(shop):
    counts = count_by_sureness(shop)
    assert list(counts) == ["stated", "measured", "derived", "guessed", "default"]
    assert sum(counts.values()) == len(list(quantities(shop)))
    assert counts["guessed"] == 4  # service time of two, calls of one edge, the rate
