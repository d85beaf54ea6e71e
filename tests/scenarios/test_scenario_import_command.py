"""`hms import`, as a person types it."""

import json

import pytest
from click.testing import CliRunner

from hms.errors import InputError
from hms.experiments.cli.import_ import command
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
