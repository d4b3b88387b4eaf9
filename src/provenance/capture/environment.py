"""The software and hardware around a run, put together from the other modules of this room."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from provenance.capture.captured import Captured, one_line
from provenance.capture.container import capture_container
from provenance.capture.determinism import capture_determinism
from provenance.capture.hardware import capture_hardware
from provenance.capture.lockfiles import capture_lockfiles
from provenance.capture.packages import capture_packages
from provenance.capture.variables import capture_variables
from provenance.manifest import Environment, FrozenMapping

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["capture_environment"]


def capture_environment(
    identifier: str, *, code_folder: str | os.PathLike[str]
) -> Captured[Environment]:
    """Return the environment of this process.

    Args:
        identifier: The environment's id inside the manifest.
        code_folder: The folder of the code, near which lock files are looked for.

    Raises:
        ManifestError: `identifier` is no id. Whatever the world lacks becomes a gap instead.
    """
    packages = capture_packages()
    lockfiles = capture_lockfiles(code_folder)
    container = capture_container()
    variables = capture_variables()
    settings = capture_determinism()
    hardware = capture_hardware()
    parts = (packages, lockfiles, container, variables, settings, hardware)
    return Captured(
        Environment(
            id=identifier,
            operating_system=_operating_system(),
            language=f"{platform.python_implementation()} {platform.python_version()}",
            packages=packages.value,
            lockfile=lockfiles.value[0] if lockfiles.value else None,
            container=container.value,
            variables=FrozenMapping(variables.value),
            threads=FrozenMapping(settings.value.threads),
            determinism=FrozenMapping(settings.value.determinism),
            hardware=hardware.value,
        ),
        tuple(gap for part in parts for gap in part.gaps),
    )


def _operating_system() -> str:
    name = f"{platform.system()} {platform.release()}"
    distribution = _distribution().get("PRETTY_NAME", "")
    return one_line(f"{name} ({distribution})" if distribution else name)


def _distribution() -> Mapping[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:  # not Linux, or a system without the file
        return {}
