"""Files that are documents, and all the ways in which they are not."""

import json
from pathlib import Path

import pytest

from server.config.load import MAX_BYTES, as_document, load_folder, read_document, read_json

GOOD = '{"kind": "object", "key": "customer"}'


def test_a_folder_gives_its_documents_and_leaves_meta_schemas_out(tmp_path: Path) -> None:
    for name, text in {"a/one.json": GOOD, "meta/object.schema.json": "{}", "meta/x.json": "{}", ".hidden/x.json": "{", "readme.md": "x"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    documents, problems = load_folder(tmp_path)
    assert [(d.kind, d.key, d.file) for d in documents] == [("object", "customer", str(tmp_path / "a/one.json"))]
    assert problems == []


def test_one_document_twice_names_both_files(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(GOOD)
    (tmp_path / "b.json").write_text(GOOD)
    _, problems = load_folder(tmp_path)
    assert [p.code for p in problems] == ["duplicate_document"]
    assert problems[0].file.endswith("b.json") and "a.json" in problems[0].message.en


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert [p.code for p in load_folder(tmp_path / "nowhere")[1]] == ["no_file"]


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"\xef\xbb\xbf" + GOOD.encode(), "bom", "byte order mark"),
        ('{"kind": "object",\n "key": "客户"}'.encode("gb18030"), "encoding", "Line 2"),
        (GOOD.encode("utf-16"), "encoding", "Line 1"),
        (b"", "json", "line 1"),
        (b'{"kind": "object",}', "json", "column 19"),
        (b"{'kind': 1}", "json", "column 2"),
        (b'{"a": 1 // one\n}', "json", "line 1"),
        (b'{"a": NaN}', "not_a_number", "NaN"),
        (b'{"a": -Infinity}', "not_a_number", "-Infinity"),
        (b'{"a": 1e400}', "number_range", "1e400"),
        (b'{"a": 9223372036854775808}', "number_range", "64 bits"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number_range", "64 bits"),
        (b"[" * 100_000, "too_deep", "32 levels"),
        (b"[" * 40 + b"]" * 40, "too_deep", "32 levels"),
        (b'{"a": "\\ud800"}', "control_character", "half a character"),
        (b'{"a": "x\\u0000y"}', "control_character", "control"),
        (b'{"a\\u0007": 1}', "control_character", "control"),
        (b'{"a": "' + b"x" * MAX_BYTES + b'"}', "too_large", "1,048,576"),
        (b"[1, 2]", "not_an_object", "JSON object"),
        (b'{"kind": "object"}', "required", "key"),
        (b'{"kind": 3, "key": "x"}', "required", "kind"),
    ],
)
def test_what_is_no_document_is_said_clearly(tmp_path: Path, data: bytes, code: str, says: str) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(data)
    documents, problems = load_folder(tmp_path)
    assert documents == []
    assert [p.code for p in problems] == [code]
    assert problems[0].file == str(file) and says in problems[0].message.en and problems[0].message.zh


def test_members_that_stand_twice_are_found_with_their_line() -> None:
    text = """{"kind": "object", "key": "c",
        "schema": {"properties": {
            "name": {"x-type": "text"},
            "list": [1, {"a": 1, "b": {"a": 2}, "a": 3}],
            "name": {}}}}"""
    _, problems = read_json(text)
    assert [(p.path, p.code, p.message.en) for p in problems] == [
        ("/schema/properties/list/1/a", "duplicate_member", "Line 4: “a” stands twice in one object"),
        ("/schema/properties/name", "duplicate_member", "Line 5: “name” stands twice in one object"),
    ]


def test_members_are_compared_as_they_are_read_not_as_they_are_written() -> None:
    assert [p.path for p in read_json('{"a,{": 1, "\\u0061,{": 2}')[1]] == ["/a,{"]


def test_a_page_may_save_only_the_document_it_shows() -> None:
    assert as_document("object", "customer", GOOD)[1] == []
    assert as_document("object", "customer", json.loads(GOOD))[1] == []
    assert [p.code for p in as_document("object", "order", GOOD)[1]] == ["wrong_key"]


def test_the_order_of_members_is_no_change_but_the_order_of_fields_is() -> None:
    def digest(text: str) -> str:
        document, _ = read_document(text)
        assert document
        return document.digest

    plain = '{"kind": "object", "key": "a", "schema": {"properties": {"x": {"a": 1, "b": 2}, "y": {}}}}'
    same = '{"key": "a", "schema": {"properties": {"x": {"b": 2, "a": 1}, "y": {}}}, "kind": "object"}'
    other = '{"kind": "object", "key": "a", "schema": {"properties": {"y": {}, "x": {"a": 1, "b": 2}}}}'
    assert digest(plain) == digest(same) != digest(other)
