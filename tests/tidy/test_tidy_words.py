"""Names say what a thing is; nothing is left for later; nothing names a machine or a registry."""

import re

import pytest
from source_tree import ROOT, named, project_files, python_files, text_files

VAGUE = {"util", "utils", "helper", "helpers", "common", "base", "manager", "managers", "misc"}

# in pieces, so that this file does not find itself
LATER = re.compile("TO" + "DO|FIX" + r"ME|\bXX" + r"X\b|NotImplemented" + "Error")
MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home|Users|opt)/[\w.-]")
REGISTRIES = re.compile(
    r"pypi\." + r"org|python" + r"hosted\.|registry\." + r"npmjs|debian\." + "org"
    "|--?(?:extra-)?index" + "-url|--find" + "-links"
)
LOCK_SCRIPT = ROOT / "scripts" / "lock.sh"  # tells uv to name no host: must name the options
PARTS = re.compile(r"[_\-.]")


def test_no_file_or_folder_has_a_name_that_fits_anything() -> None:
    vague = [
        named(path)
        for path in project_files()
        for part in (*path.relative_to(ROOT).parts[:-1], path.stem)
        if VAGUE & set(PARTS.split(part.lower()))
    ]
    assert vague == []


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{named(path)}:{number}: {line.strip()[:80]}"
        for path in text_files()
        if path != LOCK_SCRIPT
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize("pattern", [LATER, MACHINE, REGISTRIES], ids=["later", "machine", "host"])
def test_no_text_holds(pattern: re.Pattern[str]) -> None:
    assert lines_with(pattern) == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (LATER, "# TO" + "DO: later"),
        (LATER, "raise NotImplemented" + "Error"),
        (MACHINE, "open('/ro" + "ot/x.yaml')"),
        (MACHINE, "see /wo" + "rk/shared"),
        (REGISTRIES, "https://py" + "pi.org/simple"),
        (REGISTRIES, "--index" + "-url x"),
    ],
)
def test_the_search_finds_what_it_is_for(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


@pytest.mark.parametrize("text", ["a/work/b", "scenarios/work", "/workers", "$HOME/.cache"])
def test_the_search_for_machines_leaves_other_paths_alone(text: str) -> None:
    assert not MACHINE.search(text)


def test_test_files_have_names_of_their_own() -> None:
    """pytest imports them by base name: of two alike one would be taken for the other."""
    stems = [path.stem for path in python_files(tests=True) if path.stem != "conftest"]
    assert sorted(stems) == sorted(set(stems))


def test_every_test_file_is_collected_or_imported() -> None:
    files = python_files(tests=True)
    texts = "\n".join(path.read_text(encoding="utf-8") for path in files)
    lost = [
        named(path)
        for path in files
        if not path.stem.startswith("test_")
        and path.stem != "conftest"
        and not re.search(rf"\b(?:import|from) {path.stem}\b", texts)
    ]
    assert lost == []
