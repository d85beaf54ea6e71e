"""The locks: every version with its hashes, for all Pythons, naming no host."""

import re
import tomllib

import pytest
from source_tree import ROOT

LOCKS = ("boot", "lab")
ENTRY = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==([^ ;\\]+)", re.MULTILINE)


def lock(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text()


def project() -> dict[str, list[str]]:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {"base": told["dependencies"], **told["optional-dependencies"]}


@pytest.mark.parametrize("name", LOCKS)
def test_every_entry_has_a_hash(name: str) -> None:
    text = lock(name)
    entries = re.split(r"\n(?=[a-z0-9])", text)
    assert [each for each in entries if "--hash=sha256:" not in each] == []
    assert len(ENTRY.findall(text)) == len(entries)


@pytest.mark.parametrize("name", LOCKS)
def test_no_line_names_a_host_or_an_option(name: str) -> None:
    assert re.findall(r"^.*://.*$|^-.*$", lock(name), re.MULTILINE) == []


def test_every_package_that_an_extra_asks_for_is_locked() -> None:
    locked = {name for name, _ in ENTRY.findall(lock("lab"))}
    asked = {
        re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0].lower()
        for requirements in project().values()
        for requirement in requirements
    }
    assert asked - locked == set()
    assert "setuptools" in locked  # the build runs without isolation, hence from the lock


def test_all_pythons_get_one_version_of_what_results_depend_on() -> None:
    versions: dict[str, set[str]] = {}
    for name, version in ENTRY.findall(lock("lab")):
        versions.setdefault(name, set()).add(version)
    for name in ("numpy", "numba", "llvmlite", "deap", "networkx", "pandas", "pyarrow", "ray"):
        assert len(versions[name]) == 1, (name, versions[name])


def test_the_base_stays_light() -> None:
    assert len(project()["base"]) <= 5
