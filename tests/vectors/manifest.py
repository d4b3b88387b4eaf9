"""Group `manifest`: a trusted key signs a manifest that breaks a rule or contradicts itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vectors import formulas
from vectors.groups import MANIFEST
from vectors.releases import CREATED, Release, small
from vectors.whole import CODE, dataset, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectors.formulas import Tree
    from vectors.kit import Case


#: Findings of a row: code and path.
_Findings = tuple[tuple[str, str], ...]

_OK: _Findings = ()

#: The rule of `spec/manifest.md` behind a code, where it is one rule.
_RULES = {
    "checkpoint-order": "R-MAN-56",
    "checkpoint-parent-missing": "R-MAN-57",
    "checkpoint-step": "R-MAN-55",
    "code-modified": "R-MAN-36",
    "created-in-future": "R-MAN-22",
    "critical-unknown": "R-MAN-16",
    "dataset-size-mismatch": "R-MAN-43",
    "dataset-unpinned": "R-MAN-42",
    "environment-class-mismatch": "R-MAN-74",
    "disclosure-contradiction": "R-MAN-25",
    "disclosure-duplicate": "R-MAN-25",
    "disclosure-path": "R-MAN-25",
    "evaluation-interval": "R-MAN-61",
    "expired": "R-MAN-22",
    "extension-unknown": "R-MAN-18",
    "fact-withheld": "R-MAN-26",
    "field-newer": "R-MAN-14",
    "field-unknown": "R-MAN-13",
    "inventory-mismatch": "R-MAN-31",
    "json-number": "R-MAN-6",
    "licence-invalid": "R-MAN-41",
    "manifest-version": "R-MAN-12",
    "origin-path": "R-MAN-20",
    "processing-cycle": "R-MAN-45",
    "processing-output-raw": "R-MAN-46",
    "reference-dangling": "R-MAN-9",
    "reference-kind": "R-MAN-9",
    "reproduction-unsupported": "R-MAN-76",
    "segment-hole": "R-MAN-50",
    "segment-overlap": "R-MAN-51",
    "segment-range": "R-MAN-49",
    "segment-rollback": "R-MAN-52",
    "time-after-created": "R-MAN-64",
}


def _members(verdict: str, findings: _Findings, members: Tree, request: Tree | None = None) -> Case:
    """Sign the least manifest with these members; those of the release are added, `...` removes one."""
    release = small()
    for name, value in members.items():
        if value is ...:
            del release.manifest[name]
        elif name == "release":
            release.manifest[name] |= value
        else:
            release.manifest[name] = value
    signed, more = release.sign(), request or {}
    return (
        signed.passes(*findings, **more) if verdict == "PASS" else signed.fails(*findings, **more)
    )


def _declare(step: str, *rows: tuple[str, str, Tree, str, _Findings]) -> None:
    """Declare rows of name, description, members, verdict and findings."""
    for name, description, members, verdict, findings in rows:
        rule = _RULES.get(findings[0][0]) if findings else None
        section = f"{step}; manifest.md [{rule}]" if rule else step
        MANIFEST.add(name, description, section, partial(_members, verdict, findings, members))


def _data(name: str, **members: Any) -> Tree:  # noqa: ANN401 - JSON
    return dataset(name, {f"{name}.csv": f"{name}\n".encode()}, **members)


def _unbound(name: str, **members: Any) -> Tree:  # noqa: ANN401 - JSON
    return {"id": name, "name": name, "licenses": ["MIT"], **members}


def _segment(name: str, first: int, last: int, **members: Any) -> Tree:  # noqa: ANN401 - JSON
    return {"id": name, "fromStep": first, "toStep": last, **members}


def _segments(*segments: Tree) -> Tree:
    return {"training": {"segments": list(segments)}}


def _checkpoint(name: str, step: int, *parents: str, **members: Any) -> Tree:  # noqa: ANN401 - JSON
    return {"id": name, "step": step, "parents": list(parents), **members}


def _checkpoints(*checkpoints: Tree, to_step: int = 300) -> Tree:
    saved = [{key: value for key, value in item.items() if value != []} for item in checkpoints]
    return {"training": {"segments": [_segment("s1", 0, to_step)], "checkpoints": saved}}


def _step(name: str, inputs: list[str], outputs: list[str], **members: Any) -> Tree:  # noqa: ANN401 - JSON
    return {"id": name, "inputs": inputs, "outputs": outputs, **members}


def _evaluation(**members: Any) -> Tree:  # noqa: ANN401 - JSON
    return {"id": "e1", "task": "accuracy", **members}


def _metric(**members: Any) -> Tree:  # noqa: ANN401 - JSON
    return {"evaluations": [_evaluation(metrics=[{"name": "accuracy", **members}])]}


_MODEL: Tree = {"name": "digits-mlp", "licenses": ["Apache-2.0"]}
_ROOT = "0123456789abcdef" * 4
_MALFORMED = "manifest-invalid"


def _one(code: str, path: str) -> _Findings:
    return ((code, path),)


_declare(
    "step 5",
    ("minor_version_newer", "A newer minor version brings a field; it is kept and named.", {"manifestVersion": "1.7", "mood": "good"}, "PASS", _one("field-newer", "/mood")),
    ("minor_version_newer_deep_inside", "A newer minor version brings a field inside a list.", {"manifestVersion": "1.7", "datasets": [_data("a", mood=1)]}, "PASS", _one("field-newer", "/datasets/0/mood")),
    ("minor_version_newer_still_strict", "A newer minor version keeps the rules of the fields that we know.", {"manifestVersion": "1.7", "createdAt": "yesterday"}, "FAIL", _one(_MALFORMED, "/createdAt")),
    ("major_version_2", "Another major version is refused.", {"manifestVersion": "2.0"}, "FAIL", _one("manifest-version", "/manifestVersion")),
    ("major_version_0", "An older major version is refused.", {"manifestVersion": "0.9"}, "FAIL", _one("manifest-version", "/manifestVersion")),
    ("version_of_one_number", "A version has two numbers.", {"manifestVersion": "1"}, "FAIL", _one(_MALFORMED, "/manifestVersion")),
    ("version_with_leading_zero", "A version has one spelling.", {"manifestVersion": "1.00"}, "FAIL", _one(_MALFORMED, "/manifestVersion")),
    ("version_number", "A version is text.", {"manifestVersion": 1}, "FAIL", _one(_MALFORMED, "/manifestVersion")),
    ("version_missing", "A manifest says its version.", {"manifestVersion": ...}, "FAIL", _one(_MALFORMED, "/manifestVersion")),
    ("field_unknown", "A field is unknown in this version.", {"mood": "good"}, "FAIL", _one("field-unknown", "/mood")),
    ("field_unknown_deep_inside", "A field of a dataset is misspelt.", {"datasets": [_data("a", licences=["MIT"])]}, "FAIL", _one("field-unknown", "/datasets/0/licences")),
    ("field_in_snake_case", "Fields are spelt in camel case.", {"created_at": CREATED}, "FAIL", _one("field-unknown", "/created_at")),
    ("critical_understood", "What must be understood is understood.", {"critical": ["/model/name"]}, "PASS", _OK),
    ("critical_newer_field", "A field of a newer version must be understood, and is not.", {"manifestVersion": "1.7", "mood": "bad", "critical": ["/mood"]}, "FAIL", _one("critical-unknown", "/critical/0")),
    ("critical_newer_field_inside", "Something inside a field of a newer version must be understood.", {"manifestVersion": "1.7", "mood": {"today": "bad"}, "critical": ["/mood/today"]}, "FAIL", _one("critical-unknown", "/critical/0")),
    ("critical_whole", "All must be understood, and one field is not.", {"manifestVersion": "1.7", "mood": "bad", "critical": [""]}, "FAIL", _one("critical-unknown", "/critical/0")),
    ("critical_extension", "An extension must be understood, and is not.", {"extensions": {"https://example.com/x": {}}, "critical": ["/extensions/https:~1~1example.com~1x"]}, "FAIL", _one("critical-unknown", "/critical/0")),
    ("critical_absent", "What must be understood is not there.", {"critical": ["/journal"]}, "FAIL", _one("critical-unknown", "/critical/0")),
    ("extension_kept", "An extension that nobody registered is kept.", {"extensions": {"https://example.com/x": {"a": 1}}}, "PASS", _one("extension-unknown", "/extensions/https:~1~1example.com~1x")),
    ("model_missing", "A manifest is about a model.", {"model": ...}, "FAIL", _one(_MALFORMED, "/model")),
    ("producer_missing", "A manifest says who says all this.", {"producer": ...}, "FAIL", _one(_MALFORMED, "/producer")),
    ("release_missing", "A manifest is about a release.", {"release": ...}, "FAIL", _one(_MALFORMED, "/release")),
    ("time_missing", "A manifest says when it was made.", {"createdAt": ...}, "FAIL", _one(_MALFORMED, "/createdAt")),
    ("field_null", "What is absent is left out, never null.", {"generator": None}, "FAIL", _one(_MALFORMED, "/generator")),
    ("list_for_object", "An object is no list.", {"producer": [{"name": "Digits Lab"}]}, "FAIL", _one(_MALFORMED, "/producer")),
    ("object_for_list", "A list is no object.", {"datasets": {"a": _data("a")}}, "FAIL", _one(_MALFORMED, "/datasets")),
    ("count_as_text", "A count is a number.", {"datasets": [_data("a", records="12")]}, "FAIL", _one(_MALFORMED, "/datasets/0/records")),
    ("count_as_boolean", "A count is no boolean.", {"datasets": [_data("a", records=True)]}, "FAIL", _one(_MALFORMED, "/datasets/0/records")),
    ("count_negative", "A count is not negative.", {"datasets": [_data("a", records=-1)]}, "FAIL", _one(_MALFORMED, "/datasets/0/records")),
    ("count_real", "A count is whole.", {"datasets": [_data("a", records=1.5)]}, "FAIL", _one(_MALFORMED, "/datasets/0/records")),
    ("boolean_as_number", "A boolean is no number.", {"training": {"segments": [_segment("s", 0, 1, code={**CODE, "modified": 0})]}}, "FAIL", _one(_MALFORMED, "/training/segments/0/code/modified")),
    ("word_not_in_the_list", "A role is one of a list of words.", {"datasets": [_data("a", roles=["training"])]}, "FAIL", _one(_MALFORMED, "/datasets/0/roles/0")),
    ("time_with_offset", "A time is in UTC with `Z`.", {"createdAt": "2026-11-22T12:00:00+01:00"}, "FAIL", _one(_MALFORMED, "/createdAt")),
    ("time_small_z", "A time has one spelling.", {"createdAt": "2026-11-22t11:00:00z"}, "FAIL", _one(_MALFORMED, "/createdAt")),
    ("time_that_does_not_exist", "There is no 30 February.", {"createdAt": "2026-02-30T11:00:00Z"}, "FAIL", _one(_MALFORMED, "/createdAt")),
    ("time_without_seconds", "A time has seconds.", {"createdAt": "2026-11-22T11:00Z"}, "FAIL", _one(_MALFORMED, "/createdAt")),
    ("id_with_blank", "An id has no blank.", {"datasets": [_data("a b")]}, "FAIL", _one(_MALFORMED, "/datasets/0/id")),
    ("id_empty", "An id is not empty.", {"datasets": [_data("")]}, "FAIL", _one(_MALFORMED, "/datasets/0/id")),
    ("commit_is_a_branch", "A branch is no version.", _segments(_segment("s", 0, 1, code={"commit": "main"})), "FAIL", _one(_MALFORMED, "/training/segments/0/code/commit")),
    ("commit_is_an_option", "A commit that looks like an option of a program is none.", _segments(_segment("s", 0, 1, code={"commit": "--upload-pack=x"})), "FAIL", _one(_MALFORMED, "/training/segments/0/code/commit")),
    ("commit_short", "A short commit id is ambiguous.", _segments(_segment("s", 0, 1, code={"commit": "3f0c1c2"})), "FAIL", _one(_MALFORMED, "/training/segments/0/code/commit")),
    ("uri_without_scheme", "A URI has a scheme.", {"datasets": [_data("a", uri="//data.example/a")]}, "FAIL", _one(_MALFORMED, "/datasets/0/uri")),
    ("uri_with_blank", "A URI has no blank.", {"datasets": [_data("a", uri="https://data.example/a b")]}, "FAIL", _one(_MALFORMED, "/datasets/0/uri")),
    ("name_of_two_lines", "A name is one line.", {"producer": {"name": "Digits\nLab"}}, "FAIL", _one(_MALFORMED, "/producer/name")),
    ("name_empty", "A name is not empty.", {"producer": {"name": ""}}, "FAIL", _one(_MALFORMED, "/producer/name")),
    ("root_of_another_kind", "The root of a file tree is not one of tensors.", {"datasets": [_unbound("a", files={"tree": "tensor", "size": 1, "root": _ROOT})]}, "FAIL", _one(_MALFORMED, "/datasets/0/files/tree")),
    ("root_in_upper_case", "A root is in lower case.", {"datasets": [_unbound("a", files={"tree": "file", "size": 1, "root": _ROOT.upper()})]}, "FAIL", _one("digest-format", "/datasets/0/files/root")),
    ("root_untyped", "A root says its kind and its size.", {"datasets": [_unbound("a", files=_ROOT)]}, "FAIL", _one(_MALFORMED, "/datasets/0/files")),
    ("number_not_in_its_one_spelling", "An exact number that JSON can hold must be a JSON number.", _metric(value={"number": "1.5"}), "FAIL", _one("json-number", "/evaluations/0/metrics/0/value")),
    ("number_as_text", "A number is no text.", _metric(value="0.97"), "FAIL", _one(_MALFORMED, "/evaluations/0/metrics/0/value")),
    ("number_in_a_free_object", "In a free object too a number has one spelling.", _segments(_segment("s", 0, 1, hyperparameters={"learning_rate": {"number": "0.50"}})), "FAIL", _one("json-number", "/training/segments/0/hyperparameters/learning_rate")),
    ("number_nan", "NaN is a value like any other.", _metric(value={"number": "NaN"}), "PASS", _OK),
    ("number_of_100_digits", "A number may be exact.", {"compute": {"floatingPointOperations": {"number": "123456789" * 10}}}, "PASS", _OK),
    ("commitment_by_md5", "A commitment is by SHA-256.", {"disclosures": [{"path": "/compute", "status": "withheld", "reason": "x", "commitment": {"md5": "0" * 32}}]}, "FAIL", _one(_MALFORMED, "/disclosures/0/commitment")),
    ("commitment_to_nothing", "What does not apply is not committed to.", {"disclosures": [{"path": "/compute", "status": "notApplicable", "reason": "x", "commitment": {"sha256": _ROOT}}]}, "FAIL", _one(_MALFORMED, "/disclosures/0/commitment")),
    ("disclosure_without_reason", "Whoever withholds says why.", {"disclosures": [{"path": "/compute", "status": "withheld"}]}, "FAIL", _one(_MALFORMED, "/disclosures/0/reason")),
    ("disclosure_no_pointer", "A disclosure names its fact by a JSON Pointer.", {"disclosures": [{"path": "compute", "status": "withheld", "reason": "x"}]}, "FAIL", _one(_MALFORMED, "/disclosures/0/path")),
    ("origin_unknown_word", "An origin is captured or authored.", {"origins": {"/model": "guessed"}}, "FAIL", _one(_MALFORMED, "/origins/~1model")),
)  # fmt: skip


_declare(
    "step 6",
    ("created_within_the_allowance", "Clocks may differ by 300 seconds.", {"createdAt": "2026-11-22T12:05:00Z"}, "PASS", _OK),
    ("created_in_the_future", "A manifest from the future is refused beyond 300 seconds.", {"createdAt": "2026-11-22T12:05:01Z"}, "FAIL", _one("created-in-future", "/createdAt")),
    ("created_in_the_year_9999", "A time far ahead would win over every later manifest.", {"createdAt": "9999-12-31T23:59:59Z"}, "FAIL", _one("created-in-future", "/createdAt")),
    ("expires_later", "A manifest that expires in a second counts.", {"expiresAt": "2026-11-22T12:00:01Z"}, "PASS", _OK),
    ("expires_now", "A manifest has expired when its time is reached.", {"expiresAt": "2026-11-22T12:00:00Z"}, "FAIL", _one("expired", "/expiresAt")),
    ("expired", "A manifest has expired.", {"expiresAt": "2026-11-22T11:30:00Z"}, "FAIL", _one("expired", "/expiresAt")),
)  # fmt: skip


def _asked(name: str, verdict: str, findings: _Findings) -> Case:
    return _members(verdict, findings, {}, {"model": name})


def _declare_names() -> None:
    mismatch = _one("model-name-mismatch", "/model/name")
    rows = (
        ("model_name_asked", "The model has the name that was asked for.", "digits-mlp", "PASS", _OK),
        ("model_name_of_another", "The model has another name.", "digits-cnn", "FAIL", mismatch),
        ("model_name_other_case", "Names are compared exactly.", "Digits-MLP", "FAIL", mismatch),
        ("model_name_homoglyph", "A Cyrillic letter is another letter.", "d\u0456gits-mlp", "FAIL", mismatch),
        ("model_name_prefix", "A part of a name is another name.", "digits", "FAIL", mismatch),
    )  # fmt: skip
    for name, description, asked, verdict, findings in rows:
        MANIFEST.add(name, description, "step 6", partial(_asked, asked, verdict, findings))


_declare_names()


def _inventory(change: Callable[[list[Tree]], list[Tree]]) -> Tree:
    """Return a dataset of two files whose inventory was changed before its root was made."""
    made = dataset("a", {"a.csv": b"1\n", "b.csv": b"2\n"})
    made["inventory"] = change(made["inventory"])
    made["files"] = formulas.tree_digest(made["inventory"])
    return {"datasets": [made]}


def _renamed(name: str) -> Callable[[list[Tree]], list[Tree]]:
    return lambda entries: [entries[0], {**entries[1], "path": name}]


_declare(
    "step 7",
    ("dataset_names_collide", "Two files of a dataset differ in letter case alone.", _inventory(lambda entries: [{**entries[0], "path": "B.csv"}, entries[1]]), "PASS", _one("dataset-name-collision", "/datasets/0/inventory")),
    ("dataset_name_parent", "A file of a dataset lies outside of it.", _inventory(lambda entries: [{**entries[0], "path": "../a.csv"}, entries[1]]), "FAIL", _one("name-unsafe", "/datasets/0/inventory/0/path")),
    ("dataset_name_twice", "A file of a dataset is listed twice.", _inventory(_renamed("a.csv")), "FAIL", _one("name-duplicate", "/datasets/0/inventory/1/path")),
)  # fmt: skip

_declare(
    "step 13",
    ("dataset_inventory_unsorted", "The inventory of a dataset is not sorted.", _inventory(lambda entries: entries[::-1]), "FAIL", _one("inventory-malformed", "/datasets/0/inventory")),
    ("dataset_inventory_without_blake3", "A file of a dataset has no BLAKE3.", {"datasets": [{**_unbound("a"), "inventory": formulas.inventory({"a.csv": b"1"}, "sha256")}]}, "FAIL", _one("digest-algorithm", "/datasets/0/inventory")),
    ("dataset_inventory_with_another_root", "The inventory of a dataset does not have the root beside it.", {"datasets": [_data("a", files={"tree": "file", "size": 1, "root": _ROOT})]}, "FAIL", _one("inventory-mismatch", "/datasets/0/files")),
    ("dataset_inventory_of_another_size", "The inventory of a dataset has another number of files.", {"datasets": [_data("a", files={"tree": "file", "size": 2, "root": _ROOT})]}, "FAIL", _one("inventory-mismatch", "/datasets/0/files")),
)  # fmt: skip


_declare(
    "step 14",
    ("id_twice", "Two datasets have one id.", {"datasets": [_data("a"), _data("a")]}, "FAIL", _one("id-duplicate", "/datasets/1/id")),
    ("id_twice_in_two_lists", "A dataset and a segment have one id.", {"datasets": [_data("a")], **_segments(_segment("a", 0, 1))}, "FAIL", _one("id-duplicate", "/training/segments/0/id")),
    ("dangling_dataset", "A segment trained on a dataset that nothing describes.", _segments(_segment("s", 0, 1, datasets=["a"])), "FAIL", _one("reference-dangling", "/training/segments/0/datasets/0")),
    ("dangling_checkpoint", "An evaluation measured a checkpoint that nothing describes.", {"evaluations": [_evaluation(checkpoint="c1")]}, "FAIL", _one("reference-dangling", "/evaluations/0/checkpoint")),
    ("dangling_environment", "A step ran in an environment that nothing describes.", {"processing": [_step("p", [], [], environment="env")]}, "FAIL", _one("reference-dangling", "/processing/0/environment")),
    ("dangling_document", "A configuration is in a document that nothing describes.", {"model": {**_MODEL, "architecture": {"configuration": "doc"}}}, "FAIL", _one("reference-dangling", "/model/architecture/configuration")),
    ("dangling_parent", "A checkpoint descends from one that nothing describes.", _checkpoints(_checkpoint("c2", 200, "c1")), "FAIL", _one("reference-dangling", "/training/checkpoints/0/parents/0")),
    ("dangling_other_case", "Ids are compared exactly.", {"datasets": [_data("a")], **_segments(_segment("s", 0, 1, datasets=["A"]))}, "FAIL", _one("reference-dangling", "/training/segments/0/datasets/0")),
    ("reference_to_another_kind", "A segment trained on an environment.", {"environments": [{"id": "env", "language": "CPython 3.11.7"}], **_segments(_segment("s", 0, 1, datasets=["env"]))}, "FAIL", _one("reference-kind", "/training/segments/0/datasets/0")),
    ("released_checkpoint_is_a_dataset", "The released checkpoint is a dataset.", {"datasets": [_data("a")], "release": {"checkpoint": "a"}}, "FAIL", _one("reference-kind", "/release/checkpoint")),
)  # fmt: skip


def _disclosed(*paths: str, status: str = "withheld", **members: Any) -> Tree:  # noqa: ANN401 - JSON
    listed = [{"path": path, "status": status, "reason": "contract"} for path in paths]
    return {"disclosures": listed, **members}


_declare(
    "step 15",
    ("fact_withheld", "A fact is withheld, and the producer says why.", _disclosed("/compute/cost"), "PASS", _one("fact-withheld", "/compute/cost")),
    ("fact_sealed", "A withheld fact is committed to.", {"disclosures": [{"path": "/compute/cost/amount", "status": "withheld", "reason": "contract", "commitment": {"sha256": _ROOT}}]}, "PASS", _one("fact-withheld", "/compute/cost/amount")),
    ("fact_not_applicable", "There is no tokenizer, and the producer says so.", _disclosed("/model/tokenizer", status="notApplicable"), "PASS", _one("fact-not-applicable", "/model/tokenizer")),
    ("withheld_and_stated", "A fact is withheld and stated all the same.", _disclosed("/compute", compute={"deviceHours": 1}), "FAIL", _one("disclosure-contradiction", "/disclosures/0/path")),
    ("not_applicable_and_stated", "Something does not apply and is stated all the same.", _disclosed("/datasets/0/records", status="notApplicable", datasets=[_data("a", records=1)]), "FAIL", _one("disclosure-contradiction", "/disclosures/0/path")),
    ("withheld_twice", "A fact is disclosed twice.", _disclosed("/compute", "/compute"), "FAIL", _one("disclosure-duplicate", "/disclosures/1/path")),
    ("withheld_path_impossible", "No manifest has such a fact.", _disclosed("/compute/mood"), "FAIL", _one("disclosure-path", "/disclosures/0/path")),
    ("withheld_path_behind_the_list", "The third of two datasets is withheld.", _disclosed("/datasets/2/records", datasets=[_data("a"), _data("b")]), "FAIL", _one("disclosure-path", "/disclosures/0/path")),
    ("origins", "Who said a fact is told by the longest prefix.", {"origins": {"": "captured", "/model": "authored"}}, "PASS", _OK),
    ("origin_of_nothing", "An origin is of something that is not there.", {"origins": {"/training": "captured"}}, "FAIL", _one("origin-path", "/origins/~1training")),
)  # fmt: skip


def _source(**source: Any) -> Tree:  # noqa: ANN401 - JSON
    return {"datasets": [_data("a", sources=[source])]}


_SCHEME, _URI = "dataset-source-scheme", "/datasets/0/sources/0/uri"
_SIZE = "dataset-size-mismatch"

_declare(
    "step 16",
    ("dataset_unpinned", "Nothing binds the content of a dataset.", {"datasets": [_unbound("a")]}, "PASS", _one("dataset-unpinned", "/datasets/0")),
    ("dataset_unpinned_and_withheld", "The files of a dataset are withheld, which is said once.", _disclosed("/datasets/0/files", datasets=[_unbound("a")]), "PASS", _one("fact-withheld", "/datasets/0/files")),
    ("dataset_bytes_wrong", "The stated number of bytes is not the sum of the files.", {"datasets": [{**_data("a"), "bytes": 7}]}, "FAIL", _one(_SIZE, "/datasets/0/bytes")),
    ("dataset_records_wrong", "The stated number of records is not that of the record tree.", {"datasets": [_data("a", records=3, recordTree={"tree": "record", "size": 4, "root": _ROOT})]}, "FAIL", _one(_SIZE, "/datasets/0/records")),
    ("split_larger_than_the_whole", "A split has more records than the dataset.", {"datasets": [_data("a", records=3, splits=[{"name": "train", "records": 4}])]}, "FAIL", _one(_SIZE, "/datasets/0/splits/0")),
    ("split_of_another_size_than_its_dataset", "A split and the dataset that holds it differ in size.", {"datasets": [_data("a", records=9, splits=[{"name": "train", "records": 4, "dataset": "b"}]), _data("b", records=5)]}, "FAIL", _one(_SIZE, "/datasets/0/splits/0")),
    ("source_is_a_file", "A source is a file of the producer's machine.", _source(uri="file:///etc/passwd"), "FAIL", _one(_SCHEME, _URI)),
    ("source_is_a_script", "A source would run in a browser.", _source(uri="javascript:alert(1)"), "FAIL", _one(_SCHEME, _URI)),
    ("source_scheme_in_upper_case", "Schemes have no letter case.", _source(uri="FILE:///etc/passwd"), "FAIL", _one(_SCHEME, _URI)),
    ("source_is_data", "A source holds its data in its own address.", _source(uri="data:text/csv,1"), "FAIL", _one(_SCHEME, _URI)),
    ("source_on_the_own_machine", "A source is a server of the producer's machine; it is not asked.", _source(uri="http://localhost:8000/a.csv"), "PASS", _one("dataset-source-local", _URI)),
    ("source_of_the_own_cloud", "A source is the address that gives credentials to machines of a cloud; it is not asked.", _source(uri="http://169.254.169.254/latest"), "PASS", _one("dataset-source-local", _URI)),
    ("source_is_a_path", "A source is named by a path of the producer's machine.", _source(name="/home/ada/digits.csv"), "PASS", _one("dataset-source-local", "/datasets/0/sources/0/name")),
    ("licence_missing", "No licence is stated.", {"model": {"name": "digits-mlp"}}, "PASS", _one("licence-missing", "/model/licenses")),
    ("licence_unknown", "A licence is not in the SPDX list.", {"model": {**_MODEL, "licenses": ["Free as in beer"]}}, "PASS", _one("licence-invalid", "/model/licenses/0")),
    ("licence_expression", "A licence is an SPDX expression.", {"model": {**_MODEL, "licenses": ["Apache-2.0 OR LicenseRef-Digits"]}}, "PASS", _OK),
)  # fmt: skip


_declare(
    "step 17",
    ("dataset_made_from_itself", "A step reads the dataset that it makes.", {"datasets": [_data("a")], "processing": [_step("p", ["a"], ["a"])]}, "FAIL", _one("processing-cycle", "/datasets/0")),
    ("datasets_made_from_each_other", "Two datasets are made from each other.", {"datasets": [_data("a"), _data("b")], "processing": [_step("p", ["a"], ["b"]), _step("q", ["b"], ["a"])]}, "FAIL", (("processing-cycle", "/datasets/0"), ("processing-cycle", "/datasets/1"))),
    ("datasets_joined", "Two ways lead from one dataset to another.", {"datasets": [_data(name, sources=[{"name": "own"}]) for name in "abcd"], "processing": [_step("p", ["a"], ["b", "c"]), _step("q", ["b", "c"], ["d"])]}, "PASS", _OK),
    ("raw_dataset_is_made", "A dataset is called raw, and a step makes it.", {"datasets": [_data("a"), _data("b", roles=["raw"])], "processing": [_step("p", ["a"], ["b"])]}, "PASS", _one("processing-output-raw", "/datasets/1/roles")),
    ("training_data_unexplained", "Nobody says where training data comes from.", {"datasets": [_data("a", roles=["train"])]}, "PASS", _one("dataset-unexplained", "/datasets/0")),
)  # fmt: skip


_SECOND = "/training/segments/1"

_declare(
    "step 18",
    ("segments_in_a_row", "Each segment begins where the one before it ends.", _segments(_segment("a", 0, 100), _segment("b", 100, 300)), "PASS", _OK),
    ("segment_hole", "Steps are missing between two segments.", _segments(_segment("a", 0, 100), _segment("b", 101, 300)), "FAIL", _one("segment-hole", _SECOND)),
    ("segment_overlap", "A step was done twice, and nothing rolled back.", _segments(_segment("a", 0, 100), _segment("b", 99, 300)), "FAIL", _one("segment-overlap", _SECOND)),
    ("segments_in_the_wrong_order", "The later segment is listed first.", _segments(_segment("b", 100, 300), _segment("a", 0, 100)), "FAIL", _one("segment-overlap", _SECOND)),
    ("segment_backwards", "A segment ends before it begins.", _segments(_segment("a", 100, 50)), "FAIL", _one("segment-range", "/training/segments/0")),
    ("segment_of_no_steps", "A segment may end where it begins, after a crash at once.", _segments(_segment("a", 0, 100), _segment("b", 100, 100), _segment("c", 100, 200)), "PASS", _OK),
    ("rollback", "A crash threw steps away, and the run says so.", _segments(_segment("a", 0, 100), _segment("b", 80, 300, rollbackTo=80, reason="crash")), "PASS", _OK),
    ("rollback_forward", "A rollback goes to a step that was not reached.", _segments(_segment("a", 0, 100), _segment("b", 120, 300, rollbackTo=120)), "FAIL", _one("segment-rollback", f"{_SECOND}/rollbackTo")),
    ("rollback_to_another_step", "A segment begins elsewhere than it rolled back to.", _segments(_segment("a", 0, 100), _segment("b", 90, 300, rollbackTo=80)), "FAIL", _one("segment-rollback", f"{_SECOND}/rollbackTo")),
    ("rollback_before_the_beginning", "A rollback goes to before the first step.", _segments(_segment("a", 50, 100), _segment("b", 20, 300, rollbackTo=20)), "FAIL", _one("segment-rollback", f"{_SECOND}/rollbackTo")),
    ("rollback_of_the_first_segment", "Nothing comes before what was rolled back.", _segments(_segment("a", 0, 100, rollbackTo=0)), "FAIL", _one("segment-rollback", "/training/segments/0/rollbackTo")),
    ("stages_are_counted_apart", "Each stage counts its own steps.", _segments(_segment("a", 0, 100, stage="pretraining"), _segment("b", 0, 50, stage="finetuning")), "PASS", _OK),
    ("hole_between_stages_interleaved", "A hole is found in a stage whose segments do not follow each other in the list.", _segments(_segment("a", 0, 100, stage="x"), _segment("b", 0, 50, stage="y"), _segment("c", 110, 200, stage="x")), "FAIL", _one("segment-hole", "/training/segments/2")),
    ("code_modified", "The code differed from its commit, and the producer says so.", _segments(_segment("a", 0, 1, code={**CODE, "modified": True})), "PASS", _one("code-modified", "/training/segments/0/code")),
    ("code_unpinned", "Only a branch says which code ran.", _segments(_segment("a", 0, 1, code={"branch": "main"})), "PASS", _one("code-unpinned", "/training/segments/0/code")),
    ("inputs_undeclared", "The scripts read data that nobody declared, and the recorder says so.", {"training": {"undeclaredInputs": [{"path": "extra/notes.csv", "size": 3, "digest": {"blake3": "b" * 64}}, {"path": "~/big.bin"}]}}, "PASS", _one("inputs-undeclared", "/training/undeclaredInputs")),
    ("inputs_undeclared_as_names", "An undeclared input is a path alone instead of an object.", {"training": {"undeclaredInputs": ["extra/notes.csv"]}}, "FAIL", _one("manifest-invalid", "/training/undeclaredInputs/0")),
    ("inputs_undeclared_without_path", "An undeclared input names no path.", {"training": {"undeclaredInputs": [{"size": 3}]}}, "FAIL", _one("manifest-invalid", "/training/undeclaredInputs/0/path")),
    ("gap_recorded", "The recorder could not see something, and says so.", {"gaps": [{"subject": "git", "kind": "absent", "description": "no repository"}]}, "PASS", _one("gap-recorded", "/gaps/0")),
)  # fmt: skip


_PACKAGE: Tree = {
    "name": "torch",
    "version": "2.9.0",
    "record": {"sha256": "1" * 64},
    "content": {"sha256": "2" * 64},
}
#: An environment with members of every rule: what the class has, and what it leaves out.
_WORLD: Tree = {
    "id": "env-1",
    "description": "The node that trained.",
    "operatingSystem": "Linux 6.1.0",
    "language": "CPython 3.11.7",
    "packages": [_PACKAGE],
    "threads": {"torch": 1},
    "determinism": {
        "hashSeed": "0",
        "instructionSets": ["avx2"],
        "torch": {"deterministicAlgorithms": True},
    },
    "variables": {"OMP_NUM_THREADS": "1", "RANK": "0"},
    "hardware": {"machine": "x86_64", "cores": 8},
}
_GOOD = formulas.environment_digests(_WORLD)
_CLASS, _CAPTURE = "/environments/0/environmentClass", "/environments/0/fullCapture"


def _world(**members: Any) -> Tree:  # noqa: ANN401 - JSON
    """Return the environment with its true digests, then changed."""
    return {"environments": [{**_WORLD, **_GOOD, **members}]}


def _classed(tree: Tree, **other: Any) -> Tree:  # noqa: ANN401 - JSON
    """Return the environment with the class of a selection that an implementer got wrong."""
    data = b"training-provenance/v1/environment-class\n" + formulas.canonical({**tree, **other})
    return _world(environmentClass=formulas.digests(data, "sha256"))


_SELECTED: Tree = {
    "language": "CPython 3.11.7",
    "packages": [{key: _PACKAGE[key] for key in ("name", "version", "content")}],
    "threads": {"torch": 1},
    "determinism": {key: _WORLD["determinism"][key] for key in ("instructionSets", "torch")},
    "variables": {"OMP_NUM_THREADS": "1"},
    "hardware": {"machine": "x86_64"},
}


def _repeated(claim: Tree, world: Tree | None = None, **segment: Any) -> Tree:  # noqa: ANN401 - JSON
    """Return a training that claims something, in an environment with its digests."""
    found = {**_WORLD, **(world or {})}
    members = {"code": CODE, "seeds": {"torch": 1}, "environment": "env-1", **segment}
    kept = {key: value for key, value in members.items() if value is not None}
    return {
        "environments": [{**found, **formulas.environment_digests(found)}],
        "training": {"segments": [_segment("a", 0, 1, **kept)], "reproduction": claim},
    }


_BITWISE: Tree = {"reproductionClass": "bitwise"}
_UNSUPPORTED = _one("reproduction-unsupported", "/training/reproduction")


def _mismatch(*paths: str) -> _Findings:
    return tuple(("environment-class-mismatch", path) for path in paths)


_declare(
    "step 18",
    ("environment_class", "An environment has its class and its capture.", _world(), "PASS", _OK),
    ("environment_class_of_another_id", "An environment may be renamed and described: its digests stay.", _world(id="env-2", description="Another node."), "PASS", _OK),
    ("environment_threads_changed", "Another number of threads is another class.", _world(threads={"torch": 2}), "FAIL", _mismatch(_CLASS, _CAPTURE)),
    ("environment_package_changed", "Another package is another class.", _world(packages=[{**_PACKAGE, "content": {"sha256": "3" * 64}}]), "FAIL", _mismatch(_CLASS, _CAPTURE)),
    ("environment_rank_changed", "Another rank is another capture, and the same class.", _world(variables={"OMP_NUM_THREADS": "1", "RANK": "1"}), "FAIL", _mismatch(_CAPTURE)),
    ("environment_cores_changed", "More cores are another capture, and the same class.", _world(hardware={"machine": "x86_64", "cores": 9}), "FAIL", _mismatch(_CAPTURE)),
    ("environment_class_with_record", "A class is computed over what says how a package was installed.", _classed(_SELECTED, packages=[_PACKAGE]), "FAIL", _mismatch(_CLASS)),
    ("environment_class_with_hash_seed", "A class is computed over a seed.", _classed(_SELECTED, determinism=_WORLD["determinism"]), "FAIL", _mismatch(_CLASS)),
    ("environment_class_with_rank", "A class is computed over a variable that no bit depends on.", _classed(_SELECTED, variables=_WORLD["variables"]), "FAIL", _mismatch(_CLASS)),
    ("environment_class_with_cores", "A class is computed over the number of cores.", _classed(_SELECTED, hardware=_WORLD["hardware"]), "FAIL", _mismatch(_CLASS)),
    ("environment_class_with_system", "A class is computed over the operating system.", _classed(_SELECTED, operatingSystem="Linux 6.1.0"), "FAIL", _mismatch(_CLASS)),
    ("environment_class_without_preamble", "A class is computed without its preamble.", _world(environmentClass=formulas.digests(formulas.canonical(_SELECTED), "sha256")), "FAIL", _mismatch(_CLASS)),
    ("environment_digests_swapped", "The two digests stand in each other's place.", _world(environmentClass=_GOOD["fullCapture"], fullCapture=_GOOD["environmentClass"]), "FAIL", _mismatch(_CLASS, _CAPTURE)),
    ("reproduction_bitwise", "Equal bits are claimed, and nothing for it is missing.", _repeated(_BITWISE), "PASS", _OK),
    ("reproduction_bitwise_without_seeds", "Equal bits are claimed without a seed.", _repeated(_BITWISE, seeds=None), "PASS", _UNSUPPORTED),
    ("reproduction_bitwise_without_environment", "Equal bits are claimed of an unknown environment.", _repeated(_BITWISE, environment=None), "PASS", _UNSUPPORTED),
    ("reproduction_bitwise_without_determinism", "Equal bits are claimed of algorithms that may choose.", _repeated(_BITWISE, {"determinism": {"instructionSets": ["avx2"], "torch": {"deterministicAlgorithms": False}}}), "PASS", _UNSUPPORTED),
    ("reproduction_bitwise_on_accelerators", "Equal bits are claimed of accelerators whose libraries may choose.", _repeated(_BITWISE, {"hardware": {"accelerators": [{"name": "GPU"}]}}), "PASS", _UNSUPPORTED),
    ("reproduction_numeric_without_tolerances", "Closeness is claimed, and no tolerance.", _repeated({"reproductionClass": "numeric"}, seeds=None), "PASS", _UNSUPPORTED),
    ("reproduction_of_an_unknown_class", "A claim is one of a list of words.", _repeated({"reproductionClass": "exact"}), "FAIL", _one(_MALFORMED, "/training/reproduction/reproductionClass")),
)  # fmt: skip


_PARENT = "/training/checkpoints/1/parents/0"

_declare(
    "step 19",
    ("checkpoints_in_a_row", "Each checkpoint descends from an earlier one.", _checkpoints(_checkpoint("c1", 100), _checkpoint("c2", 200, "c1")), "PASS", _OK),
    ("checkpoint_merged", "A checkpoint descends from two of another stage or step.", _checkpoints(_checkpoint("c1", 100), _checkpoint("c2", 200, "c1"), _checkpoint("c3", 300, "c1", "c2")), "PASS", _OK),
    ("parent_saved_after_child", "A checkpoint descends from a later one.", _checkpoints(_checkpoint("c3", 300), _checkpoint("c2", 200, "c3")), "FAIL", _one("checkpoint-order", _PARENT)),
    ("parent_of_the_same_step", "A checkpoint descends from one of the same step.", _checkpoints(_checkpoint("c1", 100), _checkpoint("c2", 100, "c1")), "FAIL", _one("checkpoint-order", _PARENT)),
    ("merge_of_the_same_step", "A merge may have the step of its last parent: making it is no step.", _checkpoints(_checkpoint("c1", 100), _checkpoint("c2", 200, "c1"), _checkpoint("c3", 200, "c1", "c2")), "PASS", _OK),
    ("checkpoint_descends_from_itself", "A checkpoint is its own parent.", _checkpoints(_checkpoint("c1", 100, "c1")), "FAIL", (("checkpoint-order", "/training/checkpoints/0/parents"), ("checkpoint-order", "/training/checkpoints/0/parents/0"))),
    ("checkpoints_descend_from_each_other", "Checkpoints of two stages, whose steps cannot be compared, are each other's parents.", {"training": {"segments": [_segment("a", 0, 100, stage="x"), _segment("b", 0, 100, stage="y")], "checkpoints": [_checkpoint("c1", 100, "c2", stage="x"), _checkpoint("c2", 100, "c1", stage="y")]}}, "FAIL", (("checkpoint-order", "/training/checkpoints/0/parents"), ("checkpoint-order", "/training/checkpoints/1/parents"))),
    ("checkpoint_without_parent", "A later checkpoint names no parent.", _checkpoints(_checkpoint("c1", 100), _checkpoint("c2", 200)), "PASS", _one("checkpoint-parent-missing", "/training/checkpoints/1")),
    ("checkpoint_beyond_the_run", "A checkpoint was saved at a step that nobody did.", _checkpoints(_checkpoint("c1", 301)), "FAIL", _one("checkpoint-step", "/training/checkpoints/0/step")),
    ("checkpoint_outside_its_segment", "A checkpoint was saved at a step of another segment.", {"training": {"segments": [_segment("a", 0, 100), _segment("b", 100, 300)], "checkpoints": [{"id": "c1", "step": 200, "segment": "a"}]}}, "FAIL", _one("checkpoint-step", "/training/checkpoints/0/step")),
    ("checkpoint_at_the_end", "A checkpoint saved after the last step counts all of them.", _checkpoints(_checkpoint("c1", 300)), "PASS", _OK),
)  # fmt: skip


#: A typed root over tensors; nothing in these vectors holds the tensors themselves.
_ROOT_OF_TENSORS: Tree = {"tree": "tensor", "size": 2, "root": "0" * 64}


def _measured(name: str, **members: Any) -> Tree:  # noqa: ANN401 - JSON
    datasets = [_data("train", roles=["train", "raw"]), _data("test", roles=["test", "raw"])]
    return {
        "datasets": datasets,
        **_checkpoints(_checkpoint("c1", 100), _checkpoint("c2", 200, "c1")),
        "evaluations": [_evaluation(dataset=name, checkpoint="c2")],
        "release": {"checkpoint": "c2"},
        **members,
    }


def _same_files() -> Tree:
    """Describe the training data a second time, as test data."""
    train = _data("train", roles=["train", "raw"])
    test = {**train, "id": "test", "roles": ["test", "raw"]}
    return {**_measured("test"), "datasets": [train, test]}


_declare(
    "step 20",
    ("evaluated_on_test_data", "The released checkpoint was measured on data that it was not trained on.", _measured("test"), "PASS", _OK),
    ("evaluated_on_training_data", "The model was measured on its training data; honest, and worth a warning.", _measured("train"), "PASS", _one("evaluation-on-training-data", "/evaluations/0/dataset")),
    ("evaluated_on_training_data_by_another_name", "The test data has the files of the training data.", _same_files(), "PASS", _one("evaluation-on-training-data", "/evaluations/0/dataset")),
    ("evaluated_another_checkpoint", "What was measured is not what is released.", _measured("test", release={"checkpoint": "c1"}), "PASS", _one("evaluation-other-checkpoint", "/evaluations/0/checkpoint")),
    ("evaluated_a_copy_of_the_released_checkpoint", "What was measured has the tensors of what is released.", {**_measured("test", release={"checkpoint": "c1"}), **_checkpoints(_checkpoint("c1", 100, tensors=_ROOT_OF_TENSORS), _checkpoint("c2", 200, "c1", tensors=_ROOT_OF_TENSORS))}, "PASS", _OK),
    ("evaluated_a_checkpoint_with_other_tensors", "What was measured has other tensors than what is released.", {**_measured("test", release={"checkpoint": "c1"}), **_checkpoints(_checkpoint("c1", 100, tensors=_ROOT_OF_TENSORS), _checkpoint("c2", 200, "c1", tensors={**_ROOT_OF_TENSORS, "root": "1" * 64}))}, "PASS", _one("evaluation-other-checkpoint", "/evaluations/0/checkpoint")),
    ("evaluated_a_checkpoint_without_tensors", "Only one of the two has tensors to compare.", {**_measured("test", release={"checkpoint": "c1"}), **_checkpoints(_checkpoint("c1", 100, tensors=_ROOT_OF_TENSORS), _checkpoint("c2", 200, "c1"))}, "PASS", _one("evaluation-other-checkpoint", "/evaluations/0/checkpoint")),
    ("evaluation_of_nothing", "An evaluation names neither data nor checkpoint.", {"evaluations": [_evaluation()]}, "PASS", _one("evaluation-unbound", "/evaluations/0")),
    ("value_inside_its_interval", "A value may lie on the edge of its interval.", _metric(value=0.9, interval={"low": 0.8, "high": 0.9}), "PASS", _OK),
    ("value_outside_its_interval", "A value lies outside its own interval.", _metric(value=0.95, interval={"low": 0.8, "high": 0.9}), "FAIL", _one("evaluation-interval", "/evaluations/0/metrics/0/interval")),
    ("interval_backwards", "The low end of an interval is above the high one.", _metric(value=0.85, interval={"low": 0.9, "high": 0.8}), "FAIL", _one("evaluation-interval", "/evaluations/0/metrics/0/interval")),
    ("value_outside_its_exact_interval", "Exact numbers are compared exactly.", _metric(value={"number": "1e30"}, interval={"low": 0, "high": {"number": "999999999999999999999999999999"}}), "FAIL", _one("evaluation-interval", "/evaluations/0/metrics/0/interval")),
)  # fmt: skip


@MANIFEST.vector("step 20")
def results_say_otherwise() -> Case:
    """The results document was signed too, and says another value."""
    release = whole()
    release.manifest["evaluations"][0]["metrics"][0]["value"] = 0.875
    return release.fails(("evaluation-document-mismatch", "/evaluations/0/metrics/0/value"))


def _weights(change: Callable[[Release], object]) -> Release:
    release = whole()
    change(release)
    return release


def _other_tensors(release: Release) -> None:
    release.manifest["release"]["tensors"]["root"] = _ROOT


@MANIFEST.vector("step 21", profile=3)
def released_tensors_are_not_the_checkpoint() -> Case:
    """The released tensors and those of the checkpoint have two roots."""
    return _weights(_other_tensors).fails(("release-checkpoint-mismatch", "/release/tensors"))


@MANIFEST.vector("step 21", profile=3)
def released_tensors_were_converted() -> Case:
    """The released tensors are others, and the producer says how they were made."""

    def change(release: Release) -> None:
        _other_tensors(release)
        release.manifest["release"]["conversion"] = "Cast to BF16."

    return _weights(change).passes(("release-checkpoint-not-checked", "/release/tensors"))


@MANIFEST.vector("step 21", profile=3)
def released_files_hold_other_tensors() -> Case:
    """The released files, hashed again, hold other tensors than the signed ones."""

    def change(release: Release) -> None:
        _other_tensors(release)
        for saved in release.manifest["training"]["checkpoints"]:
            saved["tensors"]["root"] = _ROOT

    return _weights(change).fails(
        ("release-checkpoint-mismatch", "/release/tensors"), allDigests=True
    )


@MANIFEST.vector("step 21", profile=3)
def released_file_is_no_safetensors_file() -> Case:
    """A signed file is named like weights and breaks their format."""

    def change(release: Release) -> None:
        release.files["model.safetensors"] = b"\x00" * 7
        release.seal()

    return _weights(change).fails(("tensors-malformed", "model.safetensors"), allDigests=True)


@MANIFEST.vector("step 21", profile=3)
def released_weights_unlinked() -> Case:
    """Nothing says which checkpoint was released."""

    def change(release: Release) -> None:
        del release.manifest["release"]["checkpoint"]

    return _weights(change).passes(("release-checkpoint-unlinked", "/release"))


def _times(start: str, end: str) -> Tree:
    day = "2026-11-22T"
    return {"startedAt": f"{day}{start}Z", "endedAt": f"{day}{end}Z"}


def _saved(*times: str) -> Tree:
    named = [
        _checkpoint(f"c{index + 1}", 100 * (index + 1), *([f"c{index}"] if index else []), savedAt=f"2026-11-22T{time}Z")
        for index, time in enumerate(times)
    ]  # fmt: skip
    return _checkpoints(*named)


_declare(
    "step 22",
    ("ended_before_it_began", "A segment ended before it began.", _segments(_segment("a", 0, 1, **_times("10:00:00", "09:59:59"))), "FAIL", _one("time-order", "/training/segments/0/endedAt")),
    ("collected_backwards", "Collecting ended before it began.", {"datasets": [_data("a", collection={"startedAt": "2026-02-01T00:00:00Z", "endedAt": "2026-01-01T00:00:00Z"})]}, "FAIL", _one("time-order", "/datasets/0/collection/endedAt")),
    ("dated_after_the_manifest", "A run ended after the manifest was made.", _segments(_segment("a", 0, 1, **_times("10:00:00", "11:05:01"))), "FAIL", _one("time-after-created", "/training/segments/0/endedAt")),
    ("dated_after_the_manifest_within_the_allowance", "Clocks of two machines may differ by 300 seconds.", _segments(_segment("a", 0, 1, **_times("10:00:00", "11:05:00"))), "PASS", _OK),
    ("journal_from_the_future", "An entry of the journal is dated after the manifest.", {"journal": [{"date": "2027-01-01T00:00:00Z", "text": "Done."}]}, "FAIL", _one("time-after-created", "/journal/0/date")),
    ("expires_before_it_was_made", "A manifest expires before it was made.", {"expiresAt": "2026-11-22T10:00:00Z"}, "FAIL", (("time-order", "/expiresAt"), ("expired", "/expiresAt"))),
    ("checkpoint_saved_before_its_parent", "A checkpoint was saved before its parent.", _saved("10:00:00", "09:00:00"), "FAIL", _one("time-order", "/training/checkpoints/1")),
    ("trained_before_the_data_was_made", "A segment was over before its data began to be made.", {"datasets": [_data("a", sources=[{"name": "own"}]), _data("b")], "processing": [_step("p", ["a"], ["b"], **_times("10:00:00", "10:30:00"))], **_segments(_segment("s", 0, 1, datasets=["b"], **_times("08:00:00", "09:00:00")))}, "FAIL", _one("time-order", "/training/segments/0")),
    ("evaluated_before_it_was_saved", "A checkpoint was measured before it was saved.", {**_saved("10:00:00"), "evaluations": [_evaluation(checkpoint="c1", **_times("08:00:00", "09:00:00"))]}, "FAIL", _one("time-order", "/evaluations/0")),
)  # fmt: skip
