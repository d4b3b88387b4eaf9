"""A container is named as far as it can be seen from inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provenance.capture import capture_container

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "0123456789abcdef" * 4


def write(root: Path, name: str, text: str = "") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_machine_without_a_container_is_no_gap(tmp_path: Path) -> None:
    captured = capture_container({}, root=tmp_path)
    assert (captured.value, captured.gaps) == (None, ())


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            f'image="quay.example/train:1"\nimageid="{DIGEST}"\n',
            f"podman quay.example/train:1@sha256:{DIGEST}",
        ),
        (
            f'image="quay.example/train@sha256:{DIGEST}"\nimageid="{DIGEST}"\n',
            f"podman quay.example/train@sha256:{DIGEST}",
        ),
        (f'imageid="sha256:{DIGEST}"\n', f"podman sha256:{DIGEST}"),
        (
            f'image="ada:hunter2@quay.example/x"\nimageid="{DIGEST}"',
            "podman [redacted]@quay.example/x",
        ),
    ],
)
def test_podman_tells_its_image(tmp_path: Path, settings: str, expected: str) -> None:
    write(tmp_path, "run/.containerenv", f'engine="podman-5"\nname="box"\n{settings}rootless=1\n')
    captured = capture_container({}, root=tmp_path)
    assert captured.value == expected
    assert bool(captured.gaps) == ("redacted" in expected)


def test_podman_without_privileges_tells_nothing(tmp_path: Path) -> None:
    write(tmp_path, "run/.containerenv")
    captured = capture_container({}, root=tmp_path)
    assert captured.value == "podman"
    assert [(gap.subject, gap.kind) for gap in captured.gaps] == [("container", "absent")]


def test_docker_does_not_show_its_image(tmp_path: Path) -> None:
    write(tmp_path, ".dockerenv")
    captured = capture_container({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, root=tmp_path)
    assert captured.value == "docker"
    assert "not visible from inside" in captured.gaps[0].description


def test_kubernetes_is_named_without_its_host(tmp_path: Path) -> None:
    captured = capture_container({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, root=tmp_path)
    assert captured.value == "kubernetes"
    assert "10.0.0.1" not in repr(captured)


def test_apptainer_image_is_named_without_its_folders(tmp_path: Path) -> None:
    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        captured = capture_container({name: "/home/alice/train.sif"}, root=tmp_path)
        assert captured.value == "apptainer train.sif"
        assert len(captured.gaps) == 1
    (tmp_path / ".singularity.d").mkdir()
    assert capture_container({}, root=tmp_path).value == "apptainer"
