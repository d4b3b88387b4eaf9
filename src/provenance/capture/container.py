"""The container that the process runs in, as far as it can be seen from inside."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from provenance.capture.captured import Captured, make_gap, one_line
from provenance.capture.hardware import read_system_file
from provenance.capture.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["capture_container"]

_SETTING = re.compile(r'^(engine|image|imageid)="?([!-~]+?)"?$', re.MULTILINE)
_IMAGE_ID = re.compile(r"(?:sha256:)?([0-9a-f]{64})")

#: Longest name of an image that is kept, in characters.
MAX_IMAGE_CHARACTERS = 500


def capture_container(
    variables: Mapping[str, str] | None = None, *, root: Path = Path("/")
) -> Captured[str | None]:
    """Return the container's kind and image, by digest where that is visible.

    Args:
        variables: The environment; by default that of this process.
        root: Where the system's files lie; for tests.

    Returns:
        E.g. `podman registry.example/train@sha256:…`, or `docker`, with a gap: Docker does not show
        the image to what runs in it. Nothing, and no gap, outside of containers.
    """
    found = os.environ if variables is None else variables
    image = _apptainer_image(found)
    if image is not None or (root / ".singularity.d").is_dir():
        return _result("apptainer", image or "", "")
    podman = read_system_file(root / "run" / ".containerenv")
    if podman is not None:
        settings = dict(_SETTING.findall(podman))
        return _result("podman", settings.get("image", ""), settings.get("imageid", ""))
    if (root / ".dockerenv").exists():
        return _result("docker", "", "")
    if "KUBERNETES_SERVICE_HOST" in found:
        return _result("kubernetes", "", "")
    return Captured(None)


def _apptainer_image(variables: Mapping[str, str]) -> str | None:
    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        if variables.get(name):
            return PurePosixPath(variables[name]).name  # the folders are the user's own
    return None


def _result(kind: str, image: str, image_id: str) -> Captured[str | None]:
    name = redact_text(image[:MAX_IMAGE_CHARACTERS]).value
    digest = _IMAGE_ID.fullmatch(image_id)
    if digest and "@" not in name:
        name = f"{name}@sha256:{digest[1]}" if name else f"sha256:{digest[1]}"
    text = one_line(f"{kind} {name}".rstrip())
    if "sha256:" in name:
        return Captured(text)
    problem = f"runs in a {kind} container whose image digest is not visible from inside"
    return Captured(text, (make_gap("container", "absent", problem),))
