"""Policy files are untrusted data: `hms policy validate` refuses hostile ones at once.

A bomb must cost neither a second of the processor nor a traceback, and never more output than
a few screens. Times are the processor's, so that a busy machine does not fail them.
"""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest
from click.testing import CliRunner

from hms.errors import PolicyError
from hms.experiments.cli.policy import command
from hms.experiments.export.sources import read_policy

SECOND_S = 1.0
SCREEN = 20_000  # letters: twenty mistakes, what was expected of each
HEAD = "schema: hms.policy/1\n"


def keys(name: str, count: int) -> str:
    return ", ".join(f"{name}{index}: 1" for index in range(count))


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)

HOSTILE = {
    "billion laughs": HEAD + LAUGHS,
    "an anchor": HEAD + "breaker: &b {open_s: 4}\nretry: *b\n",
    "an anchor that holds itself": HEAD + "breaker: &b [*b]\n",
    "a merge key": HEAD + "breaker: {<<: {open_s: 4}}\n",
    "a tag that runs code": HEAD + "about: !!python/object/apply:os.system [echo]\n",
    "a tag that makes a module": HEAD + "about: !!python/module:os\n",
    "a tag of our own": HEAD + "breaker: !policy {open_s: 4}\n",
    "a binary tag": HEAD + "about: !!binary aGk=\n",
    "over a megabyte": HEAD + "about: {name: " + "x" * (1 << 20) + "}\n",
    "deep flow": HEAD + "about: " + "[" * 100_000,
    "deep flow, closed": HEAD + "about: " + "[" * 50_000 + "]" * 50_000,
    "deep blocks": HEAD + "".join(" " * n + "a:\n" for n in range(1200)),
    "deep dashes": HEAD + "recovery:\n " + "- " * 200_000,
    "deep question marks": "? " * 200_000,
    "many values": HEAD + "breaker: [" + "1," * 250_000 + "1]\n",
    "many unknown keys": HEAD + "about: {}\n" + "\n".join(f"k{n}: 1" for n in range(40_000)),
    "many unknown parameters": HEAD + f"breaker: {{{keys('failure_rat', 900)}}}\n",
    "many unknown paths": HEAD
    + f"overrides: [{{where: {{edge: soft}}, set: {{{keys('breaker.open', 900)}}}}}]\n",
    "long unknown names": HEAD + f"breaker: {{{keys('failure_rate' * 80, 900)}}}\n",
    "long choice": HEAD + "breaker: {scope: " + "edge" * 250_000 + "}\n",
    "long act": HEAD + "recovery: {errors: [{act: " + "restart" * 140_000 + "}]}\n",
    "a number beyond all floats": HEAD + "breaker: {open_s: " + "9" * 399 + "}\n",
    "a number beyond all integers": HEAD + "breaker: {window_calls: " + "9" * 5_000 + "}\n",
    "an exponent beyond all floats": HEAD + "breaker: {open_s: 1e999}\n",
    "not a number": HEAD + "breaker: {open_s: .nan}\n",
    "a key twice": HEAD + "breaker: {open_s: 4, open_s: 5}\n",
    "keys that are no text": HEAD + "breaker: {1: 1, null: 2, 1.5: 3}\n",
    "a key that is a list": HEAD + "breaker: {[1, 2]: 3}\n",
    "lists for texts": HEAD + "overrides: [{where: {edge: [soft]}, set: {}}]\n",
    "mappings for texts": HEAD + "retry: {retry_on: [{a: b}, [c], 3]}\n",
    "a mapping for an act": HEAD + "recovery: {errors: [{act: {a: b}}]}\n",
    "two documents": HEAD + "---\n" + HEAD,
    "control characters": HEAD + "about: {name: \x07}\n",
    "a name that leaves its folder": HEAD
    + "recovery: {errors: [{act: custom, name: ../../etc/passwd}]}\n",
}


@pytest.fixture(params=HOSTILE, ids=lambda name: name.replace(" ", "-").replace(",", ""))
def hostile(request, tmp_path) -> Path:
    path = tmp_path / "hostile.yaml"
    path.write_bytes(HOSTILE[request.param].encode())
    return path


def test_hostile_file_is_refused_in_under_a_second(hostile):
    before_s = time.process_time()
    with pytest.raises(PolicyError) as refused:
        read_policy(hostile)
    assert time.process_time() - before_s < SECOND_S
    assert refused.value.exit_code == 2
    assert str(hostile) in str(refused.value)
    assert len(str(refused.value)) < SCREEN


def test_validate_tells_it_without_a_traceback(hostile):
    told = CliRunner().invoke(command, ["validate", str(hostile)])
    assert told.exit_code == 2
    assert isinstance(told.exception, SystemExit)
    assert str(hostile) in told.stderr


@pytest.mark.parametrize("name", ["billion laughs", "many values", "deep flow", "over a megabyte"])
def test_bomb_takes_no_memory(name, tmp_path):
    path = tmp_path / "bomb.yaml"
    path.write_text(HOSTILE[name])
    tracemalloc.start()
    with pytest.raises(PolicyError):
        read_policy(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 100 << 20


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"\x00" * 100, b"\xf0\x9f", b"%YAML 9"])
def test_what_is_no_text_is_refused(content, tmp_path):
    path = tmp_path / "binary.yaml"
    path.write_bytes(content)
    with pytest.raises(PolicyError):
        read_policy(path)


def test_folder_and_missing_file_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(PolicyError):
            read_policy(path)


def test_device_without_an_end_is_refused():
    before_s = time.process_time()
    with pytest.raises(PolicyError):
        read_policy(Path("/dev/zero"))
    assert time.process_time() - before_s < SECOND_S


def test_harmless_file_beside_them_still_loads(tmp_path):
    path = tmp_path / "fine.yaml"
    path.write_text(HEAD + "about: {name: fine, remark: 'tags like !!python are text here'}\n")
    assert read_policy(path).about["name"] == "fine"
