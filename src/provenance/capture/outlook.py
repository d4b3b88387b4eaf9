"""What a recording would capture here, what would be a gap, and the line that mends each.

A look ahead in seconds: nothing is trained, the script is neither run nor imported, and nothing is
written.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from provenance.capture.captured import one_line
from provenance.capture.environment import capture_environment
from provenance.capture.git import capture_code
from provenance.capture.paths import public_path, real_path
from provenance.capture.redaction import redact_text
from provenance.capture.script_outline import outline_script
from provenance.manifest import lacks_for_bitwise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from provenance.capture.script_outline import ScriptOutline
    from provenance.manifest import Environment, Gap

__all__ = ["Prospect", "look_ahead"]

#: Least room for a record and its documents, in bytes.
MIN_FREE_BYTES: Final = 1024**3

#: For all questions to Git, in seconds.
GIT_SECONDS: Final = 1.5

#: Variables that launchers set to the number of a process, and to how many there are.
RANKS: Final = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
WORLD_SIZES: Final = ("WORLD_SIZE", "SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")

# What only runs in several processes where a launcher starts it.
_DISTRIBUTED: Final = frozenset({"torch.distributed", "deepspeed", "mpi4py", "horovod"})
# What draws random numbers.
_RANDOM: Final = frozenset(
    {
        *("random", "numpy", "torch", "tensorflow", "jax", "sklearn", "keras", "lightning"),
        *("pytorch_lightning", "transformers", "xgboost", "lightgbm", "accelerate"),
    }
)
# Modules whose data is bound by its records only with packages of an extra.
_EXTRAS: Final = {
    **dict.fromkeys(("datasets", "pandas", "polars", "pyarrow"), ("records", "pyarrow")),
    **dict.fromkeys(("fsspec", "s3fs", "gcsfs", "obstore", "boto3"), ("remote", "fsspec")),
    "ray": ("ray", "ray"),
    "dask": ("dask", "distributed"),
}

# What an environment lacks until libraries are loaded.
_KNOWN_LATER: Final = frozenset({"no number of threads"})

# What mends a gap, by what its description says; the first that matches.
_REMEDIES: Final = (
    (r"git was not found", "install git"),
    (r"there is no repository", "git init && git add --all && git commit --message begin"),
    (r"has no commit yet", "git add --all && git commit --message begin"),
    (r"no remote is named origin", "git remote add origin URL"),
    (r"does not have the script", "git add {script} && git commit --message script"),
    (r"belongs to|change its owner", "git config --global --add safe.directory {folder}"),
    (r"outside the repository", "move the script into the repository"),
    (r"none lies near the code", "python -m pip freeze > requirements.txt"),
    (r"editable installs", "python -m pip install . (without --editable)"),
)


@dataclass(frozen=True, slots=True)
class Prospect:
    """One thing that a recording would capture, or would not."""

    subject: str
    """What it is about, as in a gap."""

    captured: bool
    """Whether it would be captured; otherwise it would be a gap."""

    text: str
    """What was found."""

    remedy: str = ""
    """The line that mends a gap, if one does."""


def look_ahead(
    script: str | os.PathLike[str] | None,
    *,
    output: str | os.PathLike[str],
    variables: Mapping[str, str] | None = None,
) -> tuple[Prospect, ...]:
    """Return what a recording that is started here and now would capture, and what not.

    Args:
        script: The script that would run; without one, only what is around it is looked at.
        output: The project folder that would be recorded into; it is not made.
        variables: The environment; by default that of this process.

    Raises:
        InputError: The script cannot be read.
        CaptureError: The script is no Python.
    """
    found = os.environ if variables is None else variables
    place = None if script is None else real_path(script)
    outline = None if place is None else outline_script(place)
    folder = Path.cwd() if place is None else place.parent
    return (
        *_code(folder, place),
        *_environment(folder, outline),
        *_ranks(found, outline),
        *(() if outline is None else _script(outline, Path(os.fspath(script or "")))),
        *_output(real_path(output)),
    )


def _code(folder: Path, script: Path | None) -> Iterator[Prospect]:
    captured = capture_code(folder, script=script, timeout_seconds=GIT_SECONDS)
    code = captured.value
    if code.commit is not None:
        yield _captured("git", f"commit {code.commit}")
    elif code.script is not None:
        yield _captured("script", "the bytes of the script")
    if code.modified:
        names = ", ".join(code.modified_files[:3])
        more = f" and {len(code.modified_files) - 3} more" if len(code.modified_files) > 3 else ""  # noqa: PLR2004 - as above
        text = one_line(f"files differ from the commit: {names}{more}")
        yield _missed("git", text, "git commit --all --message change")
    yield from _from_gaps(captured.gaps, folder, script)


def _environment(folder: Path, outline: ScriptOutline | None) -> Iterator[Prospect]:
    captured = capture_environment("environment", code_folder=folder)
    world = captured.value
    yield _captured("packages", f"{len(world.packages)} distributions of {world.language}")
    if world.lockfile is not None:
        names = [str(it.name) for it in (world.lockfile, *world.lockfiles)]
        yield _captured("lock file", one_line(", ".join(names)))
    if world.hardware is not None:
        devices = sum(one.count or 1 for one in world.hardware.accelerators)
        text = f"{world.hardware.processor or world.hardware.machine}, {devices} accelerators"
        yield _captured("hardware", text)
    if world.environment_class is not None:
        text = f"class {world.environment_class['sha256']}, before any library is loaded"
        yield _captured("environment", text)
    if outline is not None:
        yield _captured("reproduction", _suggestion(world, outline))
    yield from _from_gaps(captured.gaps, folder, None)


def _suggestion(world: Environment, outline: ScriptOutline) -> str:
    """Return which class of reproduction the author could claim, as far as one can tell before."""
    reasons = [it for it in lacks_for_bitwise(world) if it not in _KNOWN_LATER]
    if not outline.sets_seed:
        reasons.append("no seed is set in the script")
    if "torch" in outline.imports and not outline.wants_determinism:
        reasons.append("torch.use_deterministic_algorithms(True) is not called")
    if not reasons:
        return "bitwise could be claimed, if what is captured while it runs bears it"
    return one_line(f"not-claimed; for bitwise: {'; '.join(reasons)}")


def _ranks(variables: Mapping[str, str], outline: ScriptOutline | None) -> Iterator[Prospect]:
    rank = next((variables[name] for name in RANKS if variables.get(name)), None)
    sizes = (variables[name] for name in WORLD_SIZES if variables.get(name, "").isdecimal())
    size = max(map(int, sizes), default=1)
    if variables.get("SLURM_ARRAY_TASK_ID"):
        text = "an array task: all tasks would record into one folder"
        yield _missed("rank", text, "--output runs/$SLURM_ARRAY_TASK_ID")
    if rank is not None and rank.isdecimal():
        yield _captured("rank", f"process {int(rank)} of {size}")
        if size > 1:
            text = f"there are {size} processes; what happens in the others is not seen from one"
            yield _missed("rank", text, "declare data and checkpoints in process 0")
    elif rank is not None or size > 1:
        text = f"one of {size} processes, and nothing says which"
        yield _missed("rank", text, "export RANK=0 (a number of its own in each process)")
    elif outline is not None and _DISTRIBUTED & {*outline.modules, *outline.imports}:
        text = "the script is made for several processes, and nothing says which one this is"
        yield _missed("rank", text, "torchrun --nproc-per-node=N SCRIPT")


def _script(outline: ScriptOutline, script: Path) -> Iterator[Prospect]:
    name = shlex.quote(str(script))
    if "provenance" in outline.imports:
        yield _captured("recorder", "the script records itself")
    else:
        text = "settings, metrics and what data is for: the script does not say them"
        remedy = 'with provenance.record("train", output="runs") as run:'
        yield _missed("recorder", text, f"{remedy}, or provenance run -- python {name}")
    if outline.sets_seed:
        yield _captured("seed", "a seed is set in the script")
    elif outline.imports & _RANDOM:
        text = "no seed is set in the text of the script"
        yield _missed("seed", text, "run.seed(python=1), and give it to every library")
    for module in sorted(outline.imports & _EXTRAS.keys()):
        extra, needed = _EXTRAS[module]
        if not _is_installed(needed):
            text = f"{module} is used, and {needed} is not installed beside the recorder"
            yield _missed("extra", text, f"python -m pip install 'training-provenance[{extra}]'")
    missing = sorted(it for it in outline.imports & _RANDOM if not _is_installed(it))
    if missing:
        text = f"not installed in this Python: {', '.join(missing)}"
        yield _missed("packages", text, "run this in the environment of the training")


def _output(output: Path) -> Iterator[Prospect]:
    place = next(it for it in (output, *output.parents) if os.path.lexists(it))
    name = public_path(output, project=Path.cwd())
    if not place.is_dir():
        text = f"{name} cannot be made: there is a file in the way"
        yield _missed("output", text, "--output ANOTHER_FOLDER")
        return
    if not os.access(place, os.W_OK | os.X_OK):
        text = f"{name} cannot be written: the folder is read-only"
        yield _missed("output", text, f"--output FOLDER, or chmod u+w {shlex.quote(name)}")
        return
    try:
        free = shutil.disk_usage(place).free
    except OSError:
        free = 0
    if free < MIN_FREE_BYTES:
        text = f"only {free} bytes are free where {name} would lie"
        yield _missed("output", text, "--output FOLDER on another disk")
        return
    yield _captured("output", f"{name}, {free // 1024**3} GiB are free")


def _from_gaps(gaps: Sequence[Gap], folder: Path, script: Path | None) -> Iterator[Prospect]:
    # A secret that would be taken out is nothing that anybody should mend.
    yield from (_from_gap(gap, folder, script) for gap in gaps if gap.kind != "redacted")


def _from_gap(gap: Gap, folder: Path, script: Path | None) -> Prospect:
    matches = (line for pattern, line in _REMEDIES if re.search(pattern, gap.description))
    name = "" if script is None else shlex.quote(public_path(script, project=Path.cwd()))
    place = shlex.quote(public_path(folder, project=None))
    remedy = next(matches, "").replace("{script}", name).replace("{folder}", place)
    return _missed(gap.subject, redact_text(gap.description).value, remedy)


def _captured(subject: str, text: str) -> Prospect:
    return Prospect(subject, captured=True, text=text)


def _missed(subject: str, text: str, remedy: str = "") -> Prospect:
    return Prospect(subject, captured=False, text=text, remedy=remedy)


def _is_installed(module: str) -> bool:
    """Return whether a top-level module can be found; it is not imported."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
