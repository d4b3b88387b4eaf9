"""What the author writes in TOML, and how it joins what was recorded."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from provenance.errors import InputError, RecordingError
from provenance.recording.assembly import (
    add_disclosures,
    add_documents,
    captured_origins,
    join_description,
    make_manifest,
)
from provenance.recording.description import (
    Description,
    join_trees,
    read_description,
    resolve_identifiers,
)

if TYPE_CHECKING:
    from pathlib import Path

RECORDED: dict[str, Any] = {
    "datasets": [{"id": "raw", "roles": ("raw",), "records": 10}, {"id": "train"}],
    "training": {"segments": [{"id": "s1", "fromStep": 0}]},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.toml"


class TestReading:
    """`read_description`."""

    @pytest.mark.parametrize(
        "text", ["[", "a = 1\na = 2", "x = nan nan", "a = " + "[" * 200 + "]" * 200]
    )
    def test_what_is_no_toml_is_refused(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RecordingError):
            read_description(path)

    def test_very_deep_nesting_is_refused(self, path: Path) -> None:
        path.write_text("a = " + "[" * 100_000, encoding="utf-8")
        with pytest.raises(RecordingError):
            read_description(path)

    def test_bytes_that_are_not_utf8_are_refused(self, path: Path) -> None:
        path.write_bytes(b"a = '\xff'")
        with pytest.raises(RecordingError, match="is no TOML"):
            read_description(path)

    def test_missing_file_is_an_input_error(self, path: Path) -> None:
        with pytest.raises(InputError):
            read_description(path)

    @pytest.mark.parametrize(
        ("text", "where"),
        [
            ('createdAt = "2026-11-22T12:00:00Z"', "/createdAt"),
            ("[generator]\nname = 'me'", "/generator"),
            ("[[gaps]]\nsubject = 'x'", "/gaps"),
            ("[release]\ncheckpoint = 'x'", "/release/checkpoint"),
            ("release = 1", "/release/"),
        ],
    )
    def test_what_a_release_states_itself_is_refused(
        self, path: Path, text: str, where: str
    ) -> None:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RecordingError, match="states this itself") as caught:
            read_description(path)
        assert caught.value.path == f"{path}#{where}"

    @pytest.mark.parametrize("text", ["at = 2026-11-22T12:00:00", "at = 12:00:00"])
    def test_time_without_zone_or_date_is_refused(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RecordingError, match=r"no (zone|date)"):
            read_description(path)

    def test_dates_become_times_in_utc(self, path: Path) -> None:
        path.write_text("day = 2026-11-22\nmoment = 2026-11-22T12:00:00+02:00\n", encoding="utf-8")
        assert dict(read_description(path).tree) == {
            "day": "2026-11-22T00:00:00Z",
            "moment": "2026-11-22T10:00:00Z",
        }

    def test_mapping_is_taken_as_it_is(self) -> None:
        found = read_description({"day": dt.date(2026, 11, 22), "items": (1, 2)})
        assert dict(found.tree) == {"day": "2026-11-22T00:00:00Z", "items": [1, 2]}

    def test_nothing_is_described(self) -> None:
        assert dict(read_description(None).tree) == {}


class TestJoining:
    """`join_trees`."""

    def test_contradiction_is_refused_with_its_place(self) -> None:
        described = {"datasets": [{"id": "raw", "records": 11}]}
        with pytest.raises(RecordingError, match="says 11, and 10 was recorded") as caught:
            join_trees(RECORDED, described, "", "model.toml")
        assert caught.value.path == "model.toml#/datasets/0/records"

    def test_contradiction_of_a_mapping_names_its_pointer(self) -> None:
        with pytest.raises(RecordingError) as caught:
            join_trees({"a": 1}, {"a": [1]})
        assert caught.value.path == "/a"

    def test_parts_are_joined_by_id_and_new_ones_follow(self) -> None:
        described = {"datasets": [{"id": "train", "licenses": ["MIT"]}, {"id": "more"}, {"x": 1}]}
        joined = join_trees(RECORDED, described)
        assert joined["datasets"] == [
            {"id": "raw", "roles": ("raw",), "records": 10},
            {"id": "train", "licenses": ["MIT"]},
            {"id": "more"},
            {"x": 1},
        ]
        assert RECORDED["datasets"][1] == {"id": "train"}

    def test_other_lists_are_appended_to_without_doubles(self) -> None:
        described = {"datasets": [{"id": "raw", "roles": ["raw", "test"]}]}
        assert join_trees(RECORDED, described)["datasets"][0]["roles"] == ["raw", "test"]

    def test_dataset_that_nobody_named_is_called_by_its_id(self) -> None:
        joined = join_description(RECORDED, Description({"datasets": [{"id": "raw", "name": "R"}]}))
        assert [it["name"] for it in joined["datasets"]] == ["R", "train"]
        assert join_description({}, Description()) == {}


class TestPointers:
    """`resolve_identifiers`."""

    @pytest.mark.parametrize(
        ("pointer", "resolved"),
        [
            ("/datasets/train/licenses", "/datasets/1/licenses"),
            ("/datasets/1/licenses", "/datasets/1/licenses"),
            ("/datasets/nobody/licenses", "/datasets/nobody/licenses"),
            ("/training/segments/s1/code", "/training/segments/0/code"),
            ("/compute/cost", "/compute/cost"),
            ("/datasets/7/x/y", "/datasets/7/x/y"),
            ("", ""),
        ],
    )
    def test_items_may_be_named_by_id(self, pointer: str, resolved: str) -> None:
        assert resolve_identifiers(pointer, RECORDED) == resolved


class TestDisclosures:
    """`add_disclosures`."""

    def test_fact_that_is_stated_cannot_be_withheld(self) -> None:
        tree = {
            **RECORDED,
            "disclosures": [{"path": "/datasets/raw/records", "status": "withheld"}],
        }
        with pytest.raises(RecordingError, match="and is stated"):
            add_disclosures(tree)

    @pytest.mark.parametrize("fields", [{"seal": True}, {"value": 3}, {"seal": False, "value": 3}])
    def test_half_a_seal_is_refused(self, fields: dict[str, Any]) -> None:
        tree = {"disclosures": [{"path": "/compute/cost", "status": "withheld", **fields}]}
        with pytest.raises(RecordingError, match="both of them"):
            add_disclosures(tree)

    def test_sealed_value_leaves_a_commitment_only(self) -> None:
        item = {
            "path": "/compute/cost",
            "status": "withheld",
            "reason": "r",
            "seal": True,
            "value": {"amount": 12.5},
        }
        tree, sealed = add_disclosures({"disclosures": [item]})
        assert set(tree["disclosures"][0]) == {"path", "status", "reason", "commitment"}
        assert sealed[0][:2] == ("/compute/cost", {"amount": 12.5})
        again, _ = add_disclosures({"disclosures": [item]})
        assert again != tree  # another salt each time

    def test_nothing_is_withheld(self) -> None:
        assert add_disclosures({"a": 1}) == ({"a": 1}, ())

    def test_what_is_no_object_is_left_to_the_format(self) -> None:
        tree, _ = add_disclosures({"model": None, "disclosures": [{"path": "/model"}]})
        assert tree["disclosures"] == [{"path": "/model"}]


class TestDocuments:
    """`add_documents`."""

    def test_file_is_read_and_bound(self, tmp_path: Path) -> None:
        (tmp_path / "Report.PDF").write_bytes(b"%PDF")
        item = {"kind": "technical-report", "file": "Report.PDF"}
        tree, contents = add_documents({"documents": [item]}, Description({}, tmp_path))
        (found,) = tree["documents"]
        assert (found["id"], found["path"], found["size"]) == (
            "report",
            "documents/report.PDF",
            4,
        )
        assert contents == {"documents/report.PDF": b"%PDF"}

    def test_documents_without_a_file_stay_as_they_are(self) -> None:
        tree = {"documents": [{"id": "paper", "uri": "https://paper.example"}, "odd"]}
        assert add_documents(tree, Description()) == (tree, {})

    def test_missing_file_is_an_input_error(self, tmp_path: Path) -> None:
        item = {"id": "x", "kind": "other", "file": "gone.pdf"}
        with pytest.raises(InputError):
            add_documents({"documents": [item]}, Description({}, tmp_path))


def test_origins_of_a_description_alone_are_authored() -> None:
    tree = {"model": {"name": "m"}, "datasets": [{"id": "d", "files": {}}], "release": {}}
    assert captured_origins(tree, {}) == {"": "authored", "/release": "captured"}


def test_manifest_that_breaks_a_rule_is_refused() -> None:
    with pytest.raises(Exception, match="/model"):
        make_manifest({"createdAt": "2026-11-22T12:00:00Z", "producer": {"name": "x"}})
