"""Beginning the description of a model that was trained without a recorder."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import provenance
from provenance.errors import InputError, RecordingError
from provenance.recording import describe_existing, model_hints, release_existing, sign_release
from provenance.recording import existing as existing_module
from provenance.signing import generate_private_key
from support.releases import write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

CARD = """---
license: apache-2.0
language:
  - en
  - "de"
tags: [a, 'b', ]
datasets:
- squad
- other/squad
base_model: org/base  # the parent
pipeline_tag: text-generation
model-index:
- name: nested
  results: []
quoted: "a: b"
---
# Title
license: not this one
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "my-model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(write_safetensors({"w": [1.0, 2.0, 3.0]}))
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 32000}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def read(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def test_what_the_files_say_is_filled_in_and_marked(model: Path) -> None:
    text = describe_existing(model)
    tree = read(text)
    assert tree["model"] == {
        "name": "my-model",
        "licenses": ["Apache-2.0"],
        "tasks": ["text-generation"],
        "languages": ["en", "de"],
        "architecture": {
            "family": "llama",
            "name": "LlamaForCausalLM",
            "parameterCount": 3,
            "dataType": "F32",
        },
        "baseModels": [{"id": "base-1", "name": "org/base"}],
    }
    assert [it["name"] for it in tree["datasets"]] == ["squad", "other/squad"]
    assert len({it["id"] for it in tree["datasets"]}) == 2
    assert 'family = "llama"  # from config.json' in text
    assert 'licenses = ["Apache-2.0"]  # from README.md' in text
    assert "#   model.safetensors (weights, " in text


def test_description_that_is_filled_in_makes_a_release(model: Path, tmp_path: Path) -> None:
    text = describe_existing(model).replace('name = ""', 'name = "Lab"')
    path = tmp_path / "my-model.toml"
    path.write_text(text, encoding="utf-8")
    release_existing(model, path)
    key = generate_private_key()
    sign_release(model, key)
    report = provenance.inspect(model, keys=[key.public_key])
    assert str(report.verdict) == "PASS"


def test_description_that_nobody_filled_in_says_what_is_missing(
    model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "my-model.toml"
    path.write_text(describe_existing(model), encoding="utf-8")
    with pytest.raises(provenance.ManifestError, match="/producer/name"):
        release_existing(model, path)


def test_template_alone_is_valid_when_its_comments_are_taken_away(model: Path) -> None:
    lines = [
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
        for line in describe_existing(model).splitlines()
        if "LlamaForCausalLM" not in line and "from " not in line
    ]
    tree = read("\n".join(line for line in lines if not line.startswith("#")))
    assert {"training", "evaluations", "documents", "disclosures"} <= set(tree)


def test_folder_that_says_nothing_gets_templates(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"x")
    (tmp_path / "config.json").write_text("[1, 2", encoding="utf-8")
    text = describe_existing(tmp_path)
    assert set(read(text)["model"]) == {"name", "architecture"}
    assert "# [[datasets]]" in text
    assert '# licenses = ["Apache-2.0"]' in text


def test_config_of_another_shape_says_nothing(model: Path) -> None:
    for text in ("[]", '{"model_type": 3, "architectures": []}', '{"architectures": [3]}'):
        (model / "config.json").write_text(text, encoding="utf-8")
        assert "family" not in read(describe_existing(model))["model"]["architecture"]


def test_weights_of_several_types_have_no_one_type(model: Path) -> None:
    (model / "more.safetensors").write_bytes(
        write_safetensors({"v": [1.0]}).replace(b'"F32"', b'"I32"')
    )
    assert "dataType" not in read(describe_existing(model))["model"]["architecture"]


def test_positions_and_counters_are_no_parameters(model: Path) -> None:
    (model / "more.safetensors").write_bytes(
        write_safetensors({"steps": [1.0, 2.0]}).replace(b'"F32"', b'"I64"').replace(b"[2]", b"[1]")
    )
    found = read(describe_existing(model))["model"]["architecture"]
    assert (found["parameterCount"], found["dataType"]) == (3, "F32")


@pytest.mark.parametrize(
    "loaded", ["/home/somebody/base", "my-model", "org/my-model", "../base", "a/b/c", "", 3, None]
)
def test_where_the_weights_were_loaded_from_is_no_base_unless_a_hub_names_it(
    model: Path, loaded: object
) -> None:
    (model / "README.md").write_text("# Title\n", encoding="utf-8")
    (model / "config.json").write_text(json.dumps({"_name_or_path": loaded}), encoding="utf-8")
    assert "baseModels" not in read(describe_existing(model))["model"]


def test_base_model_is_the_one_of_the_card_before_that_of_the_configuration(model: Path) -> None:
    config = json.dumps({"_name_or_path": "org/loaded"})
    (model / "config.json").write_text(config, encoding="utf-8")
    assert read(describe_existing(model))["model"]["baseModels"][0]["name"] == "org/base"
    (model / "README.md").write_text("# Title\n", encoding="utf-8")
    text = describe_existing(model)
    assert read(text)["model"]["baseModels"][0]["name"] == "org/loaded"
    assert 'name = "org/loaded"  # from config.json; check this' in text


def test_files_that_are_documents_are_offered_as_such(model: Path) -> None:
    text = describe_existing(model)
    assert '# file = "my-model/config.json"' in text
    assert '[model.architecture] configuration = "config"' in text
    (model / "config.json").unlink()
    assert "config.json" not in describe_existing(model)


def test_unknown_licence_stays_as_it_is(model: Path) -> None:
    card = CARD.replace("license: apache-2.0", "license: my own!")
    (model / "README.md").write_text(card, encoding="utf-8")
    assert read(describe_existing(model))["model"]["licenses"] == ["my own!"]


def test_enormous_card_is_not_looked_into(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_hints, "MAX_HINT_BYTES", 10)
    assert "licenses" not in read(describe_existing(model))["model"]


def test_very_many_files_are_not_all_listed(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(existing_module, "MAX_LISTED_FILES", 1)
    assert "#   and 2 more" in describe_existing(model)


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no file here"):
        describe_existing(tmp_path)


def test_missing_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        describe_existing(tmp_path / "nothing")


def test_name_of_a_file_cannot_end_its_comment(model: Path) -> None:
    (model / "x\u2028y.txt").touch()
    assert "x" in describe_existing(model)
    read(describe_existing(model))


@pytest.mark.property
class TestAnyHintIsToml:
    """Law: whatever a card says, the description is TOML that holds exactly that text."""

    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_text_comes_back(self, text: str) -> None:
        written = existing_module._toml(text)
        assert tomllib.loads(f"value = {written}")["value"] == text


def test_project_of_recorded_runs_is_no_model(tmp_path: Path) -> None:
    with provenance.record("train", output=tmp_path / "runs") as run:
        run.log({"loss": 1.0}, step=1)
    with pytest.raises(RecordingError, match="a project of recorded runs"):
        describe_existing(tmp_path / "runs")
