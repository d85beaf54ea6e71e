"""Large JSON files are read item by item, and no file can make the reader hold all of it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hms.errors import ManifestError
from hms.scenarios.importers import json_stream
from hms.scenarios.importers.json_stream import stream

LEAF = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@settings(max_examples=50, deadline=None)
@given(items=st.lists(VALUE, max_size=6), rest=st.dictionaries(st.text(), VALUE, max_size=3),
       chunk=st.integers(1, 40), indent=st.sampled_from([None, 1]))  # fmt: skip
def test_items_are_those_of_the_whole_document_whatever_is_read_at_once(
    tmp_path_factory, items, rest, chunk, indent
):
    rest.pop("data", None)
    path = tmp_path_factory.mktemp("stream") / "d.json"
    one = json.dumps({**rest, "data": items}, indent=indent, ensure_ascii=False)
    path.write_text(one + "\n" + one, encoding="utf-8", errors="surrogatepass")
    if any(0xD800 <= ord(letter) < 0xE000 for letter in one):
        return  # no UTF-8
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_stream, "_CHUNK", chunk)
        found = list(stream(path, "d.json", ("data",)))
    others = [("", rest)] if rest else []
    once = [("data", item) for item in items] + others
    assert found == once + once


@pytest.mark.parametrize("number", ["-1.5", "1e5", "12.25e-3", "1E+2"])
@pytest.mark.parametrize("chunk", range(1, 20))
def test_a_number_is_never_cut_where_a_piece_of_the_file_ends(write, monkeypatch, number, chunk):
    monkeypatch.setattr(json_stream, "_CHUNK", chunk)
    path = write(f'{{"data": [{number}, {number}]}}', "d.json")
    assert list(stream(path, "d.json", ("data",))) == [("data", float(number))] * 2


def test_a_mistake_is_told_with_its_line(write):
    path = write('{"data": [\n1,\n2,\n oops]}', "d.json")
    with pytest.raises(ManifestError, match=r"d\.json:4: no JSON"):
        list(stream(path, "d.json", ("data",)))


def test_one_item_beyond_the_limit_is_refused(write, monkeypatch):
    monkeypatch.setattr(json_stream, "MOST_OF_AN_ITEM", 1000)
    monkeypatch.setattr(json_stream, "_CHUNK", 100)
    path = write(json.dumps({"data": [1, "x" * 5000]}), "d.json")
    with pytest.raises(ManifestError, match="one item of more than"):
        list(stream(path, "d.json", ("data",)))


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(write, monkeypatch):
    monkeypatch.setattr(json_stream, "MOST_BYTES", 10)
    with pytest.raises(ManifestError, match="a part of it is enough"):
        list(stream(write('{"data": [1, 2, 3]}', "d.json"), "d.json", ("data",)))


def test_a_long_document_of_small_items_is_never_held_whole(write, monkeypatch):
    monkeypatch.setattr(json_stream, "_CHUNK", 1000)
    monkeypatch.setattr(json_stream, "MOST_OF_AN_ITEM", 4000)  # would refuse to hold more
    path = write(json.dumps({"data": [{"n": n} for n in range(20_000)]}), "d.json")
    assert sum(item["n"] for _, item in stream(path, "d.json", ("data",))) == 199_990_000
