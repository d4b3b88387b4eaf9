"""Folders of W&B runs, written by hand: what is read and refused, what is never made public."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any

import pytest

from provenance.cli.program import run as run_program
from provenance.errors import (
    CanonicalError,
    DigestError,
    InputError,
    MissingExtraError,
    ProvenanceError,
    RecordingError,
    UsageError,
)
from provenance.integrations.wandb_export import import_wandb_export
from provenance.integrations.wandb_files import MAX_NESTING
from provenance.recording import record as record_run
from provenance.recording import release, sign_release
from provenance.recording.imported import IMPORTED
from provenance.signing import generate_private_key
from provenance.training_log import iterate_entries
from provenance.verification import verify
from support.releases import write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

DESCRIPTION = {"producer": {"name": "The lab"}, "model": {"name": "small"}}

COMMIT = "0123456789abcdef0123456789abcdef01234567"

CONFIG = """\
_wandb:
  value:
    cli_version: 0.19.1
optimizer:
  desc: null
  value:
    lr: 0.001
    name: adamw
layers:
  desc: null
  value: 4
"""

METADATA = {
    "os": "Linux-6.8-x86_64",
    "python": "CPython 3.11.9",
    "startedAt": "2026-03-01T10:15:00.000000Z",
    "codePath": "src/train.py",
    "args": ["--lr", "0.001"],
    "git": {"remote": "https://git.example/lab/texts.git", "commit": COMMIT},
}

SUMMARY = {"loss": 0.5, "_step": 3, "_timestamp": 1_772_360_103.5, "_wandb": {"runtime": 3}}

HISTORY = """\
{"loss": 2.5, "_step": 0, "_timestamp": 1772360101.0, "_runtime": 1}
{"loss": "NaN", "eval": {"accuracy": 0.5}, "_step": 1, "_timestamp": 1772360102.0}
{"loss": NaN, "image": {"_type": "image-file"}, "_step": 2, "_timestamp": 1772360103.0}
{"loss": -Infinity, "_step": 3, "_timestamp": 1772360103.5}
"""

# Invented; joined at run time, so that no scanner takes this file for a leak.
CANARIES = {
    "setting by its name": "cnry-" + "conf-Jx5wE3uV",
    "setting by its form": "hf_" + "cnryCONFaBcDeFgHiJkLmNoPqRsTuVwXyZ0",
    "argument": "cnry-" + "argv-Zq8vT1xK",
    "remote": "cnry-" + "git-Vk9tA2eW",
    "summary": "ghp_" + "cnrySUMMARYaBcDeFgHiJkLmNoPqRsTuVwXy",
    "user": "cnry" + "alice",
    "host": "cnry" + "host",
    "mail": "cnry" + "@mail.example",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a run, whole but for a history."""
    root = tmp_path / "wandb" / "offline-run-20260301_111500-x1y2z3"
    (root / "files" / "checkpoints").mkdir(parents=True)
    (root / "run-x1y2z3.wandb").write_bytes(b":W&B\x00\x00")
    (root / "files" / "config.yaml").write_text(CONFIG)
    (root / "files" / "wandb-metadata.json").write_text(json.dumps(METADATA))
    (root / "files" / "wandb-summary.json").write_text(json.dumps(SUMMARY))
    weights = write_safetensors({"weight": [1.0, 2.0]})
    (root / "files" / "checkpoints" / "step-4.safetensors").write_bytes(weights)
    return root


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def load(folder: Path, project: Path, **options: Any) -> Any:  # noqa: ANN401 - a record's tree
    done = import_wandb_export(folder, output=project, **options)
    return json.loads((done.folder / "record.json").read_bytes())


def logged(project: Path) -> list[tuple[int | None, dict[str, Any]]]:
    (log,) = project.glob("*/training-log.jsonl")
    return [(it.step, dict(it.values)) for it in iterate_entries(log) if it.kind == "metrics"]


def gaps(record: Any) -> str:  # noqa: ANN401 - a record's tree
    return "\n".join(f"{it['subject']}: {it['description']}" for it in record["gaps"])


class TestRefusals:
    """What is not imported, and leaves nothing behind."""

    def test_folder_of_something_else(self, tmp_path: Path, project: Path) -> None:
        with pytest.raises(InputError, match="no file of a W&B run"):
            load(tmp_path, project)
        assert not project.exists()

    @pytest.mark.parametrize(
        "text",
        [
            "a: &x [1]\nb: *x\n",
            "a: !!python/object/apply:os.system ['true']\n",
            f"a: {'[' * (MAX_NESTING + 2)}{']' * (MAX_NESTING + 2)}\n",
            "[" * 100_000,
            "- 1\n",
            "a: [",
            "a: \x00",
            "a: 2026-99-99\n",
            "a: 1\n" * 300_000,
        ],
        ids=["alias", "code", "deep", "bomb", "list", "open", "null", "date", "large"],
    )
    def test_hostile_settings(self, folder: Path, project: Path, text: str) -> None:
        (folder / "files" / "config.yaml").write_text(text)
        with pytest.raises(InputError):
            load(folder, project)
        assert not project.exists()

    def test_settings_with_too_many_values(
        self, folder: Path, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("provenance.integrations.wandb_files.MAX_SETTINGS_EVENTS", 10)
        with pytest.raises(InputError, match="too long"):
            load(folder, project)

    def test_settings_that_are_no_utf8(self, folder: Path, project: Path) -> None:
        (folder / "files" / "config.yaml").write_bytes(b"a: \xff\n")
        with pytest.raises(InputError, match="no YAML"):
            load(folder, project)

    def test_missing_reader_of_settings_is_named(
        self, folder: Path, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "yaml", None)
        with pytest.raises(MissingExtraError, match=r"training-provenance\[wandb\]"):
            load(folder, project)

    @pytest.mark.parametrize(
        "text", ["[]", "{", '{"a": 1, "a": 2}', '{"a": 1e999}', "[" * 5_000], ids=str
    )
    def test_hostile_summary(self, folder: Path, project: Path, text: str) -> None:
        (folder / "files" / "wandb-summary.json").write_text(text)
        with pytest.raises((CanonicalError, InputError)):
            load(folder, project)

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("h.jsonl", "[1]\n"),
            ("h.jsonl", '{"loss": }\n'),
            ("h.jsonl", '{"loss": ' + "9" * 2_000 + "}\n"),
            ("h.csv", "loss\n" + "1" * 200_000 + "\n"),
        ],
        ids=["list", "syntax", "number", "cell"],
    )
    def test_hostile_history(
        self, folder: Path, project: Path, tmp_path: Path, name: str, text: str
    ) -> None:
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match=name):
            load(folder, project, history=tmp_path / name)

    @pytest.mark.parametrize(
        "name", ["files/config.yaml", "files/wandb-summary.json", "wandb-history.jsonl"]
    )
    def test_links_in_the_place_of_files(
        self, folder: Path, project: Path, tmp_path: Path, name: str
    ) -> None:
        (tmp_path / "private").write_text("{}")
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(tmp_path / "private")
        with pytest.raises(InputError) as caught:
            load(folder, project)
        assert caught.value.code == "link-found"

    @pytest.mark.parametrize("name", ["../config.yaml", "/etc/passwd", ""])
    def test_hostile_names_of_artifacts(self, folder: Path, project: Path, name: str) -> None:
        with pytest.raises(DigestError):
            load(folder, project, artifacts=[name])
        assert list(project.iterdir()) == []

    def test_artifact_that_is_not_there(self, folder: Path, project: Path) -> None:
        with pytest.raises(RecordingError, match="no such files"):
            load(folder, project, artifacts=["model"])

    def test_text_in_the_place_of_names(self, folder: Path, project: Path) -> None:
        with pytest.raises(UsageError):
            load(folder, project, artifacts="model")


class TestWhatIsImported:
    """The record of a run."""

    @pytest.mark.parametrize("inner", ["", "files"], ids=["run", "files"])
    def test_settings_code_command_and_times(self, folder: Path, project: Path, inner: str) -> None:
        record = load(folder / inner, project, status="completed")
        assert record["hyperparameters"] == {
            "optimizer": {"lr": 0.001, "name": "adamw"},
            "layers": 4,
        }
        assert record["code"] == {
            "commit": COMMIT,
            "path": "src/train.py",
            "repository": "https://git.example/lab/texts.git",
        }
        assert record["command"] == ["src/train.py", "--lr", "0.001"]
        assert record["name"] == "wandb-x1y2z3"
        assert record["startedAt"] == "2026-03-01T10:15:00.000000Z"
        assert record["endedAt"] == "2026-03-01T10:15:03.500000Z"
        assert record["status"] == "completed"

    def test_marks_and_gaps(self, folder: Path, project: Path) -> None:
        record = load(folder, project)
        assert IMPORTED in [gap["description"] for gap in record["gaps"]]
        said = gaps(record)
        assert "(.wandb) is not read" in said
        assert "no exported history" in said
        assert "how the run ended does not stand in its files" in said
        assert record["status"] == "interrupted"
        assert logged(project) == [(3, {"loss": 0.5})]

    def test_history_as_json_lines(self, folder: Path, project: Path) -> None:
        (folder / "files" / "wandb-history.jsonl").write_text(HISTORY)
        record = load(folder, project)
        found = logged(project)
        assert [step for step, _ in found] == [0, 1, 2, 3]
        assert found[0][1] == {"loss": 2.5}
        assert found[1][1]["eval.accuracy"] == 0.5
        assert math.isnan(found[1][1]["loss"])
        assert math.isnan(found[2][1]["loss"])
        assert found[3][1]["loss"] == -math.inf
        assert "1 values of the history are no numbers" in gaps(record)
        assert record["segments"][0]["toStep"] == 4

    def test_history_as_csv(self, folder: Path, project: Path, tmp_path: Path) -> None:
        rows = "_step,_timestamp,loss,note\n0,1772360101.0,2.5,\n1,1772360102.0,,slow\n2,,nan,\n"
        (tmp_path / "h.csv").write_text(rows)
        load(folder, project, history=tmp_path / "h.csv")
        (first, last) = logged(project)
        assert first == (0, {"loss": 2.5})
        assert last[0] == 2
        assert math.isnan(last[1]["loss"])

    @pytest.mark.parametrize("step", ["-1", "1.5", '"x"', "null", "1e300"])
    def test_step_that_is_none(
        self, folder: Path, project: Path, tmp_path: Path, step: str
    ) -> None:
        (tmp_path / "h.jsonl").write_text(f'{{"loss": 1, "_step": {step}, "_timestamp": 1e300}}\n')
        load(folder, project, history=tmp_path / "h.jsonl")
        assert logged(project) in ([(None, {"loss": 1})], [])

    def test_summary_with_very_much_in_it(self, folder: Path, project: Path) -> None:
        summary = {"loss": 0.5, "table": [0] * 100_001, "big": int("9" * 300)}
        (folder / "files" / "wandb-summary.json").write_text(json.dumps(summary))
        record = load(folder, project)
        assert "tracker: ManifestError: /summary/table" in gaps(record)
        assert record["status"] == "interrupted"

    def test_run_with_a_known_id_is_imported_once(
        self, folder: Path, project: Path, tmp_path: Path
    ) -> None:
        load(folder, project)
        with pytest.raises(UsageError, match="imported already"):
            load(folder, project)
        other = folder.rename(tmp_path / "export")
        load(other, project)
        load(other, project)  # of these, nobody knows whether they are the same
        assert len(list(project.iterdir())) == 3

    def test_weights_are_hashed(self, folder: Path, project: Path) -> None:
        (saved,) = load(folder, project)["checkpoints"]
        assert (saved["id"], saved["step"], saved["tensors"]["size"]) == ("step-4", 4, 1)

    def test_links_that_wandb_leaves_are_gaps(
        self, folder: Path, project: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "elsewhere.pt").write_bytes(b"x")
        (folder / "files" / "model.pt").symlink_to(tmp_path / "elsewhere.pt")
        record = load(folder, project)
        assert [it["id"] for it in record["checkpoints"]] == ["step-4"]
        assert "artifacts: model.pt" in gaps(record)

    def test_hostile_texts(self, folder: Path, project: Path) -> None:
        metadata = {
            "startedAt": "9999-99-99",
            "codePath": "../../\x1b[31m\u202e.py",
            "program": "\u0000",
            "args": ["\u0000\n\x1b[31m", "x" * 100_000, {"a": 1}, None],
            "git": {"remote": "ext::sh -c true", "commit": "HEAD"},
            "gpu": {"\u0000": ["\x1b"]},
        }
        (folder / "files" / "wandb-metadata.json").write_text(json.dumps(metadata))
        (folder / "files" / "wandb-summary.json").write_text('{"\\u0000\\n": 1, "": 2}')
        (folder / "files" / "config.yaml").write_text('"\\ud800\\0": {value: "\\udfff\\e"}\n')
        record = load(folder, project, status="failed")
        assert "code" not in record
        draft = release(project, project.parent / "model", description=DESCRIPTION, unfinished=True)
        assert draft.manifest.training is not None

    def test_hostile_words_of_a_command(self, folder: Path, project: Path) -> None:
        metadata = {**METADATA, "args": ["\u0000\n\x1b[31m", "x" * 100_000, {"a": 1}, None]}
        (folder / "files" / "wandb-metadata.json").write_text(json.dumps(metadata))
        record = load(folder, project)
        assert record["command"][0] == "src/train.py"
        assert max(map(len, record["command"])) < 5_000

    def test_no_secret_no_user_and_no_host(self, folder: Path, project: Path) -> None:
        user = CANARIES["user"]
        metadata = {
            **METADATA,
            "host": CANARIES["host"],
            "username": user,
            "email": CANARIES["mail"],
            "program": f"/home/{user}/train.py",
            "codePath": f"/home/{user}/train.py",
            "executable": f"/home/{user}/bin/python",
            "root": f"/home/{user}",
            "args": ["--token", CANARIES["argument"], f"--data=/home/{user}/data"],
            "git": {
                "remote": f"https://x:{CANARIES['remote']}@git.example/lab/texts.git",
                "commit": COMMIT,
            },
        }
        (folder / "files" / "wandb-metadata.json").write_text(json.dumps(metadata))
        summary = {**SUMMARY, "note": f"with {CANARIES['summary']}", "best": f"/Users/{user}/x"}
        (folder / "files" / "wandb-summary.json").write_text(json.dumps(summary))
        secrets = (
            f"api_key:\n  value: {CANARIES['setting by its name']}\n"
            f"hub:\n  value: {CANARIES['setting by its form']}\n"
            f"data_dir:\n  value: /home/{user}/data\n"
            "tokenizer:\n  value: harmless-tokenizer\n"
        )
        (folder / "files" / "config.yaml").write_text(CONFIG + secrets)
        record = load(folder, project, status="completed")
        release(project, project.parent / "model", description=DESCRIPTION)
        written = b"\n".join(
            path.read_bytes()
            for place in (project, project.parent / "model")
            for path in place.rglob("*")
            if path.is_file()
        )
        assert [name for name, it in CANARIES.items() if it.encode() in written] == []
        assert record["hyperparameters"]["tokenizer"] == "harmless-tokenizer"
        assert record["hyperparameters"]["data_dir"] == "~/data"
        assert record["code"]["path"] == "train.py"


class TestWholeWay:
    """From the folder to a verified release."""

    def test_imported_run_is_released_signed_and_verified(
        self, folder: Path, project: Path, tmp_path: Path
    ) -> None:
        (folder / "wandb-history.jsonl").write_text(HISTORY)
        load(folder, project, status="completed")
        draft = release(project, tmp_path / "model", description=DESCRIPTION)
        key = generate_private_key()
        sign_release(draft, key)
        verified = verify(draft.release, keys=[key.public_key])
        tree = verified.manifest.to_tree()
        assert tree["origins"]["/training/segments/0"] == "authored"
        assert any(gap["description"] == IMPORTED for gap in tree["gaps"])

    def test_evaluation_of_today_joins_the_imported_checkpoint(
        self, folder: Path, project: Path, tmp_path: Path
    ) -> None:
        load(folder, project, status="completed")
        weights = folder / "files" / "checkpoints" / "step-4.safetensors"
        with record_run("evaluate", output=project) as run:
            run.evaluation(task="test", metrics={"accuracy": 0.5}, checkpoint=weights)
        tree = release(project, tmp_path / "model", description=DESCRIPTION).manifest.to_tree()
        assert tree["evaluations"][0]["checkpoint"] == "step-4"
        assert tree["origins"]["/evaluations/0"] == "captured"
        assert tree["origins"]["/training/checkpoints/0"] == "authored"
        assert tree["origins"]["/training/log"] == "authored"

    def test_run_whose_end_is_not_known_is_not_released_by_itself(
        self, folder: Path, project: Path, tmp_path: Path
    ) -> None:
        load(folder, project)
        with pytest.raises(ProvenanceError):
            release(project, tmp_path / "model", description=DESCRIPTION)

    def test_command(self, folder: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        command = ["import", "wandb", str(folder), "--output", str(project)]
        assert run_program([*command, "--status", "completed", "--format", "json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["status"], said["entries"], said["checkpoints"]) == (
            "completed",
            1,
            ["step-4"],
        )
        assert run_program([*command, "--artifact", "x", "--no-artifacts"]) == 2
        assert run_program([*command[:2], str(project / "none"), *command[3:]]) == 4
