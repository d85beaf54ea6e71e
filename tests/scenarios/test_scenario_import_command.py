"""`hms import`, as a person types it."""

import json

import pytest
from click.testing import CliRunner

from hms.errors import InputError
from hms.experiments.cli import import_
from hms.experiments.cli.import_ import command
from hms.scenarios.importers.read import FORMATS
from hms.scenarios.load import load_scenario


@pytest.fixture
def hms_import():
    """Runs the command and gives its result; errors of ours are raised as they are."""

    def run(*arguments: object):
        result = CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=True)
        if isinstance(result.exception, InputError):
            raise result.exception
        return result

    return run


def test_it_writes_the_scenario_and_says_how_sure_it_is(hms_import, bookshop, tmp_path):
    path = tmp_path / "shop.yaml"
    result = hms_import("kubernetes", bookshop / "kubernetes", "-o", path, "--name", "shop")
    assert result.exit_code == 0
    assert "shop: 7 components, 7 edges; quantities:" in result.stdout
    assert f"wrote {path}; next: hms simulate {path}" in result.stdout
    assert "note: `RECOMMENDATIONS_ADDR` of `storefront` points to" in result.stderr
    assert load_scenario(path).name == "shop"


def test_without_output_the_scenario_alone_goes_to_stdout(hms_import, bookshop, write):
    result = hms_import("compose", bookshop / "compose")
    assert load_scenario(write(result.stdout)).name == "bookshop"
    assert "7 components, 7 edges" in result.stderr


def test_json_has_the_counts_and_the_notes(hms_import, bookshop, tmp_path):
    result = hms_import("compose", bookshop / "compose", "-o", tmp_path / "s.yaml", "--json")
    told = json.loads(result.stdout)
    assert (told["components"], told["edges"]) == (7, 7)
    assert told["quantities"]["derived"] > 0
    assert any("depends_on is only a hint" in note for note in told["notes"])


def test_an_overlay_is_laid_over_the_facts(hms_import, bookshop, tmp_path, write):
    overlay = write("schema: hms.scenario/1\ncomponents: {books: {replicas: 5}}\n", "team.yaml")
    path = tmp_path / "s.yaml"
    hms_import("kubernetes", bookshop / "kubernetes", "-o", path, "--overlay", overlay)
    assert load_scenario(path).components["books"].replicas == 5


def test_repository_and_commit_stand_under_sources(hms_import, bookshop, tmp_path):
    path = tmp_path / "s.yaml"
    facts = ("--repository", "us/bookshop", "--commit", "abc123")
    hms_import("kubernetes", bookshop / "kubernetes", "-o", path, *facts)
    assert load_scenario(path).sources["k8s"].commit == "abc123"
    assert load_scenario(path).sources["env"].repository == "us/bookshop"


def test_a_refused_import_leaves_nothing_behind(hms_import, write, tmp_path):
    manifests = write("kind: Deployment\nmetadata: {name: a}\nspec: {}\n", "m.yaml")
    with pytest.raises(InputError, match="no calls between them"):
        hms_import("kubernetes", manifests, "-o", tmp_path / "out" / "s.yaml")
    assert [file.name for file in tmp_path.iterdir()] == ["m.yaml"]


@pytest.mark.parametrize(
    ("given", "file", "said"),
    [
        ("kubernetes", "compose/compose.yaml", "`services:`: this looks like a compose file"),
        ("kubernetes", "compose", "`services:`: this looks like a compose file, not kubernetes"),
        ("compose", "kubernetes/bookshop.yaml", "`kind:`: this looks like Kubernetes manifests"),
        ("compose", "kubernetes", "bookshop.yaml:"),
    ],
)
def test_a_file_of_the_other_kind_is_named(hms_import, bookshop, tmp_path, given, file, said):
    with pytest.raises(InputError) as refused:
        hms_import(given, bookshop / file, "-o", tmp_path / "s.yaml")
    other = {"kubernetes": "compose", "compose": "kubernetes"}[given]
    assert said in str(refused.value)
    assert f"expected: the format `{other}`" in str(refused.value)
    assert refused.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_compose_file_beside_manifests_is_no_mistake(hms_import, bookshop, tmp_path):
    for file in [*(bookshop / "kubernetes").iterdir(), bookshop / "compose" / "compose.yaml"]:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    result = hms_import("kubernetes", tmp_path, "-o", tmp_path / "s.yaml")
    assert result.exit_code == 0


def test_an_unknown_format_is_a_usage_error(hms_import, bookshop):
    result = hms_import("kubernets", bookshop)
    assert result.exit_code == 2
    assert "'kubernetes', 'compose'" in result.stderr


def test_a_name_that_cannot_be_an_id_is_refused(hms_import, bookshop, tmp_path):
    with pytest.raises(InputError, match="scenario name `my shop!` cannot be used"):
        hms_import("compose", bookshop / "compose", "-o", tmp_path / "s", "--name", "my shop!")


def test_every_format_of_the_command_has_a_reader():
    assert set(import_.FORMATS) == set(FORMATS)


def test_sources_are_merged_and_conflicts_are_said(hms_import, bookshop, tmp_path):
    path = tmp_path / "s.yaml"
    compose = f"compose:{bookshop / 'compose'}"
    result = hms_import("kubernetes", bookshop / "kubernetes", "--merge", compose, "-o", path)
    assert result.exit_code == 0
    # compose says `restart:`, which the manifests leave to the platform; both say the limits
    scenario = load_scenario(path)
    assert scenario.components["orders"].origins["self_restart"].source == "compose"
    assert scenario.components["books"].origins["replicas"].source.startswith("k8s")


def test_json_lists_joined_names_conflicts_and_cycles(hms_import, write, tmp_path):
    one = write("a b 2\nb a\n", "one.edgelist")
    two = write("a b 3\n", "two.edgelist")
    path = tmp_path / "s.yaml"
    result = hms_import("graph", one, "--merge", f"graph:{two}", "-o", path, "--json")
    told = json.loads(result.stdout)
    assert told["conflicts"][0]["where"] == "calls of edge a -> b"
    assert told["cycles"] == [["a", "b"]]
    assert told["joined"] == []
    assert "note: sources disagree on calls of edge a -> b: 2" in result.stderr
    assert "note: calls go in a circle: a, b" in result.stderr


@pytest.mark.parametrize("text", ["spans.json", "trace:spans.json", "traces:"])
def test_a_source_to_merge_is_format_and_path(hms_import, bookshop, text):
    result = hms_import("compose", bookshop / "compose", "--merge", text)
    assert result.exit_code == 2
    assert "expected: FORMAT:PATH" in result.stderr


def test_traces_given_as_manifests_are_named(hms_import, write):
    path = write('{"resourceSpans": []}', "spans.json")
    with pytest.raises(InputError, match="this looks like traces, not kubernetes"):
        hms_import("kubernetes", path)
