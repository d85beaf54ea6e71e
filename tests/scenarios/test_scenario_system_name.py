"""A system is called after the folder that says most about it."""

from pathlib import Path

import pytest

from hms.scenarios.importers.files import system_name


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("sock-shop/deploy/kubernetes", "sock-shop"),
        ("bookshop/compose", "bookshop"),
        ("my shop/k8s", "my-shop"),
        ("till", "till"),
    ],
)
def test_generic_folders_name_nothing(tmp_path: Path, folder: str, name: str) -> None:
    place = tmp_path / folder
    place.mkdir(parents=True)
    (place / "all.yaml").write_text("")
    assert system_name(place) == name
    assert system_name(place / "all.yaml") == name
