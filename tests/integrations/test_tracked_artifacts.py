"""Which artifacts hold weights, and names that must not become paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenance.errors import DigestError, InputError
from provenance.integrations.tracked_artifacts import (
    choose_weights,
    list_files,
    local_place,
    place_inside,
    step_of,
)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ([], ()),
        (["log.txt", "plots/loss.png", "config.json"], ()),
        (["model/MLmodel", "model/data/model.pth", "model/python_env.yaml"], ("model",)),
        (["net/MLmodel", "net/model.pkl", "net/a/b/c.bin"], ("net",)),
        (["MLmodel", "model.pkl"], ("model.pkl",)),
        (["final.safetensors"], ("final.safetensors",)),
        (["last/model.safetensors", "last/config.json"], ("last",)),
        (["c/step-20/model.bin", "c/step-3/model.bin"], ("c/step-3", "c/step-20")),
        (["c/step_20.ckpt", "c/step_3.ckpt"], ("c/step_3.ckpt", "c/step_20.ckpt")),
        (["checkpoint-5/model.bin", "model/w.bin"], ("checkpoint-5", "model")),
        (["a/w.bin", "a/b/w.bin"], ("a",)),
    ],
    ids=lambda it: "+".join(it) or "nothing",
)
def test_what_holds_weights(names: list[str], chosen: tuple[str, ...]) -> None:
    assert choose_weights(names) == chosen
    assert choose_weights(reversed(names)) == chosen


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("checkpoint-500", 500),
        ("global_step10/model.pt", 10),
        ("step=7.ckpt", 7),
        ("ckpt_2/step-40.bin", 40),
        ("model-00001-of-00002.safetensors", None),
        ("footstep-3", None),
        ("epoch-3.pt", None),
        ("step-" + "9" * 40, None),
    ],
    ids=str,
)
def test_step_that_a_name_tells(name: str, step: int | None) -> None:
    assert step_of(name) == step


@pytest.mark.parametrize(
    "name", ["", ".", "..", "/a", "a/../b", "a//b", "a/", "a\\b", "a\nb", "x" * 5_000], ids=repr
)
def test_name_that_becomes_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(DigestError):
        place_inside(tmp_path, name)


@pytest.mark.parametrize("name", ["link", "link/inside", "folder/link"])
def test_links_are_not_followed(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "folder" / "link").symlink_to("/etc/hostname")
    with pytest.raises(InputError) as caught:
        place_inside(tmp_path, name)
    assert caught.value.code == "link-found"
    with pytest.raises(InputError):
        list_files(tmp_path)


def test_place_of_a_file(tmp_path: Path) -> None:
    assert place_inside(tmp_path, "a/b.bin") == tmp_path / "a" / "b.bin"
    assert list_files(tmp_path / "none") == ()


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("/srv/mlruns/0", Path("/srv/mlruns/0")),
        ("file:///srv/a%20b", Path("/srv/a b")),
        ("file://localhost/srv", Path("/srv")),
        ("file://other.example/srv", None),
        ("s3://bucket/0", None),
        ("mlflow-artifacts:/0", None),
        ("http://[broken", None),
        ("", None),
    ],
)
def test_place_on_this_machine(uri: str, place: Path | None) -> None:
    assert local_place(uri) == place
