"""`provenance release` and `provenance init`: from runs, or a model that exists, to a draft."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file

import provenance
from provenance.envelope import parse_statement

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command


@pytest.fixture
def project(work: Path) -> Path:
    """Return the folder of a project with two checkpoints."""
    with provenance.record("train", output="runs") as run:
        for step, loss in ((1, 0.25), (2, 0.5)):
            save_file({"w": np.full(2, step, np.float32)}, work / f"c{step}.safetensors")
            run.log(step, loss=loss)
            run.checkpoint(
                work / f"c{step}.safetensors", step=step, id=f"c{step}", metrics={"loss": loss}
            )
    (work / "model.toml").write_text(
        '[producer]\nname = "Lab"\n[model]\nname = "toy"\nlicenses = ["MIT"]\n', encoding="utf-8"
    )
    (work / "tokenizer.json").write_text("{}\n", encoding="utf-8")
    (work / "a=b.txt").write_text("odd name\n", encoding="utf-8")
    return work / "runs"


RELEASE = ("release", "runs", "--output", "toy", "--description", "model.toml")


def test_last_checkpoint_is_released(cli: Command, project: Path) -> None:
    assert project.is_dir()
    done = cli(*RELEASE)
    assert done.code == 0
    assert "Checkpoint:  c2" in done.out
    assert "(not signed)" in done.out
    assert "provenance sign" in done.out.splitlines()[-1]


def test_result_as_json(cli: Command, project: Path, work: Path) -> None:
    assert project.is_dir()
    done = cli(*RELEASE, "--checkpoint", "best", "--metric", "loss", "--format", "json")
    tree = json.loads(done.out)
    assert tree["checkpoint"] == "c1"
    assert tree["release"] == str(work / "toy")
    assert tree["draft"] == str(work / "toy.draft" / "statement.json")
    assert tree["files"] == 2
    assert set(tree) == {"checkpoint", "draft", "files", "manifestDigest", "release", "warnings"}
    statement = parse_statement((work / "toy.draft" / "statement.json").read_bytes())
    assert statement.subjects[0].name == "toy"


def test_more_files_are_released_under_their_names(cli: Command, project: Path, work: Path) -> None:
    assert project.is_dir()
    more = (
        "--file",
        "tokenizer.json",
        "--file",
        "docs/card.json=tokenizer.json",
        "--file",
        "a=b.txt",
    )
    assert cli(*RELEASE, *more).code == 0
    for name in ("tokenizer.json", "docs/card.json", "a=b.txt"):
        assert (work / "toy" / name).is_file()


def test_warnings_go_to_standard_error(cli: Command, project: Path) -> None:
    assert project.is_dir()
    with pytest.raises(KeyError), provenance.record("broken", output="runs"):
        raise KeyError
    done = cli(*RELEASE, "--format", "json")
    assert done.code == 0
    warnings = json.loads(done.out)["warnings"]
    assert warnings
    assert [f"warning: {text}" for text in warnings] == done.err.splitlines()


def test_release_that_exists_is_replaced_on_request_only(cli: Command, project: Path) -> None:
    assert project.is_dir()
    assert cli(*RELEASE).code == 0
    refused = cli(*RELEASE)
    assert refused.code == 2
    assert "not empty" in refused.err
    assert cli(*RELEASE, "--overwrite", "--link", "--run", "train", "--unfinished").code == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "project folder or --existing"),
        (("runs", "--existing", "old"), "not both"),
        (("runs",), "--output"),
        (("--existing", "old"), "--description"),
        (("--existing", "old", "--output", "x", "--description", "model.toml"), "does not go"),
        (("--existing", "old", "--file", "x", "--description", "model.toml"), "does not go"),
        (("runs", "-o", "x", "--file", "=y"), "NAME=PATH"),
        (("runs", "-o", "x", "--file", "y="), "NAME=PATH"),
        (("runs", "-o", "x", "--file", "y=1", "--file", "y=2"), "each name once"),
        (("runs", "-o", "x", "--checkpoint", "best"), "metric"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    cli: Command, project: Path, arguments: tuple[str, ...], problem: str
) -> None:
    assert project.is_dir()
    refused = cli("release", *arguments)
    assert refused.code == 2
    assert problem in refused.err
    assert refused.err.startswith("error: ")


def test_wrong_input_is_refused_or_an_error(cli: Command, project: Path, work: Path) -> None:
    assert cli("release", "nowhere", "-o", "x").code == 4
    assert cli(*RELEASE, "--checkpoint", "c9").code == 1
    assert cli("release", project, "-o", "x", "--description", "nowhere.toml").code == 4
    (work / "model.toml").write_text("[producer", encoding="utf-8")
    refused = cli(*RELEASE)
    assert refused.code == 1
    assert "model.toml" in refused.err
    assert not (work / "toy").exists()


@pytest.fixture
def old(work: Path) -> Path:
    """Return a model that was trained without the recorder."""
    folder = work / "old"
    folder.mkdir()
    save_file({"w": np.ones(3, np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "mlp"}\n', encoding="utf-8")
    return folder


def test_description_is_begun_beside_the_model(cli: Command, old: Path, work: Path) -> None:
    before = sorted(old.iterdir())
    done = cli("init", old)
    assert done.code == 0
    text = (work / "old.provenance.toml").read_text(encoding="utf-8")
    assert 'family = "mlp"  # from config.json' in text
    assert "provenance release --existing" in text
    assert sorted(old.iterdir()) == before


def test_description_is_never_overwritten(cli: Command, old: Path, work: Path) -> None:
    (work / "old.provenance.toml").symlink_to("nowhere")
    refused = cli("init", old)
    assert refused.code == 2
    assert "never overwritten" in refused.err
    done = cli("init", old, "--output", "other.toml", "--format", "json")
    assert json.loads(done.out) == {"description": "other.toml"}


def test_nothing_to_describe_is_said(cli: Command, work: Path) -> None:
    (work / "empty").mkdir()
    assert cli("init", "empty").code == 1
    assert cli("init", "nowhere").code == 4


def test_described_model_can_be_drafted(cli: Command, old: Path, work: Path) -> None:
    assert cli("init", old).code == 0
    path = work / "old.provenance.toml"
    text = path.read_text(encoding="utf-8").replace('name = ""', 'name = "Lab"')
    path.write_text(text, encoding="utf-8")
    done = cli("release", "--existing", "old", "--description", path)
    assert done.code == 0
    assert "Checkpoint:  none" in done.out
    assert (work / "old.draft" / "statement.json").is_file()


def test_release_in_the_working_folder_can_be_signed(
    cli: Command, project: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.is_dir()
    assert cli(*RELEASE).code == 0
    assert cli("keygen", "me.key").code == 0
    monkeypatch.chdir(work / "toy")
    signed = cli("sign", ".", "--key", "../me.key", "--format", "json")
    assert signed.code == 0
    assert json.loads(signed.out)["bundle"].endswith("training-provenance/manifest.sigstore.json")
    assert cli("sign", ".", "--key", "../me.key").code == 2
    assert cli("sign", ".", "--key", "../me.key", "--overwrite").code == 0
    assert cli("verify", ".", "--key", "../me.key.pub").code == 0


def test_id_that_is_nearly_a_recorded_one_is_warned_of(cli: Command, work: Path) -> None:
    with provenance.record("train", output="runs") as run:
        run.dataset(id="train-split", name="the data")
        save_file({"w": np.full(2, 1, np.float32)}, work / "c1.safetensors")
        run.checkpoint(work / "c1.safetensors", step=1, id="c1")
    (work / "model.toml").write_text(
        '[producer]\nname = "Lab"\n[model]\nname = "toy"\nlicenses = ["MIT"]\n'
        '[[datasets]]\nid = "trian-split"\nname = "mistyped"\n',
        encoding="utf-8",
    )
    done = cli(*RELEASE)
    assert done.code == 0, done.err
    assert "warning: /datasets: the description adds 'trian-split'" in done.err
    assert "beside 'train-split'" in done.err


def test_existing_model_with_links_is_told_the_way_on(cli: Command, project: Path) -> None:
    snapshot = project.parent / "snapshot"
    snapshot.mkdir()
    (project.parent / "blob").write_bytes(b"{}")
    (snapshot / "config.json").symlink_to("../blob")
    refused = cli("release", "--existing", "snapshot", "--description", "model.toml")
    assert refused.code in {1, 4}
    assert "cp --recursive --dereference" in refused.err
