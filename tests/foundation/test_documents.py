"""Files: read with the line of every key, refused within a second, written whole."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hms.documents import (
    Document,
    Problem,
    dump_yaml,
    load_yaml,
    load_yaml_all,
    nearest,
    read,
    write_whole,
)
from hms.errors import InputError, ScenarioError


def data_of(text: str, foreign: bool = False) -> Any:
    return load_yaml(text, file="x.yaml", foreign=foreign).data


def refusal(text: str, foreign: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        load_yaml(text, file="x.yaml", foreign=foreign)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("on", "on"),
        ("no", "no"),
        ("True", "True"),
        ("22:22", "22:22"),
        ("1e3", 1000.0),
        ("1.", 1.0),
        ("-.5", -0.5),
        ("12", 12),
        ("-3", -3),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("2026-11-24", "2026-11-24"),
        ("null", None),
        ("~", None),
        ("'5'", "5"),
        ('"true"', "true"),
        ("=", "="),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(text: str, value: object) -> None:
    found = data_of(f"key: {text}\n")["key"]
    assert found == value
    assert type(found) is type(value)


def test_the_line_of_each_key_and_item_is_known() -> None:
    document = load_yaml("a: 1\nb:\n  - x\n  - {c: 2,\n     d: 3}\n", file="x.yaml")
    assert document.line_of(("a",)) == 1
    assert document.line_of(("b", 0)) == 3
    assert document.line_of(("b", 1, "c")) == 4
    assert document.line_of(("b", 1, "d")) == 5


def test_the_line_of_what_is_not_there_is_that_of_its_parent() -> None:
    document = load_yaml("a: 1\nb:\n  c: 2\n", file="x.yaml")
    assert document.line_of(("b", "missing", "deep")) == 2


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "key `a` is there twice", 3),
        ("a: &x 1\nb: *x\n", "anchors and aliases are not allowed", 1),
        ("a: 1\nb: !!python/object:os.system x\n", "python/object:os.system", 2),
        ("a: 1\n---\nb: 2\n", "a second document", 2),
        ("a: b: c\n", "not YAML", 1),
        ("a: 1\nb: \x00\n", "character U+0000", 2),
        ("a: 1\n? [1, 2]\n: 3\n", "a key that is not a plain value", 2),
        ("a: " + "9" * 401 + "\n", "a number of 401 digits", 1),
    ],
)
def test_what_ours_may_not_hold_is_refused_at_its_line(text: str, what: str, line: int) -> None:
    message = refusal(text)
    assert message.startswith(f"x.yaml:{line}: ")
    assert what in message


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("[" * 1_000_000, False),
        ("{a: " * 250_000, False),
        ("- " * 500_000, False),
        ("a: " + "[" * 33 + "]" * 33, False),
        ("[" + "1," * 500_000 + "1]", False),
        ("a" * ((1 << 20) + 1), False),
        (BOMB, False),
        (BOMB, True),
        ("&a [*a, *a]", True),
        ("&a {<<: *a, b: [*a, *a]}", True),
    ],
)
def test_a_bomb_is_refused_within_seconds(text: str, foreign: bool) -> None:
    began_s = time.monotonic()
    refusal(text, foreign)
    # about 0.1 s with libyaml, foreign 0.8 s; the bound leaves room for a busy machine
    assert time.monotonic() - began_s < 10.0


def test_32_levels_are_allowed() -> None:
    assert data_of("[" * 32 + "]" * 32) is not None
    assert "more than 32 levels" in refusal("[" * 33 + "]" * 33)


def test_foreign_files_may_use_anchors_merges_and_several_documents(tmp_path: Path) -> None:
    file = tmp_path / "manifests.yaml"
    file.write_text(
        "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 9}\n---\nb: 2\n---\n"
    )
    documents = load_yaml_all(file, error=InputError)
    assert documents[0].data["z"] == {"a": 9, "b": 2, "c": 4}
    assert [d.data for d in documents[1:]] == [{"b": 2}, None]
    assert documents[1].line_of(("b",)) == 5


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "online-boutique.yaml").write_text("a: 1")
    with pytest.raises(ScenarioError) as caught:
        load_yaml(tmp_path / "online-botique.yaml", error=ScenarioError)
    assert caught.value.exit_code == 2
    assert "no such file" in str(caught.value)
    assert "nearest: `online-boutique.yaml`" in str(caught.value)


def test_a_folder_and_a_binary_file_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_yaml(tmp_path)
    (tmp_path / "picture.yaml").write_bytes(b"a: 1\n\xff\xfe\n")
    with pytest.raises(InputError, match=r"picture\.yaml:2: not UTF-8 text"):
        load_yaml(tmp_path / "picture.yaml")


def test_a_device_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(InputError, match="more than 1,048,576 bytes"):
        load_yaml(Path("/dev/zero"))


def test_an_empty_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    document = load_yaml(tmp_path / "empty.yaml")
    assert document.data is None
    assert document.file.endswith("empty.yaml")
    assert document.line_of(("a",)) == 1


def test_read_raises_every_problem_with_its_line_in_the_order_of_the_file() -> None:
    def parse(data: Any) -> tuple[None, list[Problem]]:
        return None, [
            Problem(("b", "d"), "`d` is wrong", "a number", "c"),
            Problem(("a",), "`a` is wrong"),
        ]

    with pytest.raises(InputError) as caught:
        read("a: 1\nb:\n  c: 2\n  d: x\n", parse, file="x.yaml")
    assert str(caught.value) == (
        "x.yaml:1: `a` is wrong\n"
        "x.yaml:4: `d` is wrong\n"
        "    expected: a number\n"
        "    nearest: `c`"
    )


def test_read_returns_what_was_parsed() -> None:
    assert read("a: 1\n", lambda data: (data["a"], []), file="x.yaml") == 1


def test_nearest_names_a_typing_mistake_and_nothing_far() -> None:
    assert nearest("time_out_ms", ["calls", "timeout_ms"]) == "timeout_ms"
    assert nearest("zebra", ["calls", "timeout_ms"]) == ""


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)


@given(DATA)
@example({"a": ["1e3", "on", "~", "007", "22:22", "", "<<", "- x", "é\u2028", "true", "null"]})
@example({"\x85": "\u2028", "\ufeff": "a\r\nb"})
@example({"a": [1e300, 5e-324, -0.0, float("inf"), 0.1, 1e3]})
def test_what_is_dumped_reads_back_equal(data: Any) -> None:
    again = data_of(dump_yaml(data))
    assert again == data
    assert repr(again) == repr(data)  # 1 is not 1.0, nor True


def test_write_whole_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "policy.yaml"
    target.write_text("old")
    write_whole(target, "new é")
    assert target.read_text(encoding="utf-8") == "new é"
    assert os.listdir(tmp_path) == ["policy.yaml"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "policy.yaml"
    target.write_text("old")

    def full_disk(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(InputError, match=r"policy\.yaml: cannot be written: No space left"):
        write_whole(target, "new")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["policy.yaml"]


def test_ctrl_c_while_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "policy.yaml"
    target.write_text("old")

    def stopped(source: object, destination: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_whole(target, "new")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["policy.yaml"]


def test_writing_into_a_missing_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written: No such file or directory"):
        write_whole(tmp_path / "missing" / "policy.yaml", "x")


def test_a_file_is_as_readable_as_the_umask_lets_it(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "policy.yaml", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "policy.yaml").stat().st_mode & 0o777 == 0o600


def test_a_document_without_lines_says_line_0() -> None:
    assert Document({"a": 1}, "x.yaml").line_of(("a",)) == 0
