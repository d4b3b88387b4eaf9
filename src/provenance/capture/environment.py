"""The software and hardware around a run, put together from the other modules of this room."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING, Any

from provenance.capture.captured import Captured, make_gap, one_line
from provenance.capture.container import capture_container
from provenance.capture.determinism import capture_determinism
from provenance.capture.hardware import capture_hardware
from provenance.capture.lockfiles import capture_conda, capture_lockfiles
from provenance.capture.packages import capture_packages
from provenance.capture.variables import capture_variables
from provenance.manifest import Environment, FrozenMapping, fingerprinted, plain

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["capture_again", "capture_environment"]


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
    conda = capture_conda(sys.prefix)
    container = capture_container()
    variables = capture_variables()
    settings = capture_determinism()
    hardware = capture_hardware()
    parts = (packages, lockfiles, conda, container, variables, settings, hardware)
    environment = fingerprinted(
        Environment(
            id=identifier,
            operating_system=_operating_system(),
            language=f"{platform.python_implementation()} {platform.python_version()}",
            packages=packages.value,
            lockfile=lockfiles.value[0] if lockfiles.value else None,
            lockfiles=(*lockfiles.value[1:], *([conda.value] if conda.value else [])),
            container=container.value,
            variables=FrozenMapping(variables.value),
            threads=FrozenMapping(settings.value.threads),
            determinism=FrozenMapping(settings.value.determinism),
            hardware=hardware.value,
        )
    )
    return Captured(environment, tuple(gap for part in parts for gap in part.gaps))


def capture_again(environment: Environment) -> Captured[Environment]:
    """Return an environment with what became known while the process worked.

    A script imports its framework, sets flags and begins to use accelerators after its recording
    has begun. What is seen now goes before what was seen then; a setting that was seen to change is
    a gap, because no single setting holds for the whole run.

    Args:
        environment: What `capture_environment` returned when the process began.
    """
    settings, hardware = capture_determinism(), capture_hardware()
    then = plain(environment.to_tree())
    threads, changed_threads = _later(then.get("threads") or {}, plain(settings.value.threads))
    flags, changed_flags = _later(then.get("determinism") or {}, plain(settings.value.determinism))
    changed = sorted({*changed_threads, *changed_flags})
    gaps = [gap for part in (settings, hardware) for gap in part.gaps]
    if changed:
        text = f"settings changed while the process worked: {', '.join(changed)}"
        gaps.append(make_gap("determinism", "absent", text))
    seen = hardware.value
    if environment.hardware is not None and not seen.accelerators:
        seen = environment.hardware
    later = environment.updated(
        threads=FrozenMapping(threads), determinism=FrozenMapping(flags), hardware=seen
    )
    return Captured(fingerprinted(later), tuple(gaps))


def _later(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return settings with those seen later going first, and the names of those that changed."""
    joined, changed = dict(then), []
    for name, value in now.items():
        known = then.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            joined[name], inside = _later(known, value)
            changed += [f"{name}.{it}" for it in inside]
            continue
        if name in then and known != value and not isinstance(value, list | tuple):
            changed.append(name)
        joined[name] = value
    return joined, changed


def _operating_system() -> str:
    name = f"{platform.system()} {platform.release()}"
    distribution = _distribution().get("PRETTY_NAME", "")
    return one_line(f"{name} ({distribution})" if distribution else name)


def _distribution() -> Mapping[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:  # not Linux, or a system without the file
        return {}
