"""Which of many processes this one is, as the launchers tell it before any process group exists.

Launchers lie inside each other (a job of Slurm starts `torchrun`, which starts the processes), and
the innermost one knows best. Where none says anything, an open process group of torch is asked.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from provenance.errors import UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Rank", "array_task_of", "find_rank", "given_rank", "job_of", "read_rank"]

#: Most processes of one job that are believed.
MAX_WORLD_SIZE: Final = 10_000_000

#: Variables of rank and number of processes by launcher, the innermost first.
LAUNCHERS: Final = (
    ("RANK", "WORLD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_NTASKS"),
)


@dataclass(frozen=True, slots=True)
class Rank:
    """The place of a process among those that train together."""

    number: int = 0
    """From 0; a process alone is 0."""

    world_size: int | None = None
    """How many there are, if that is said."""

    source: str = ""
    """The variable that says so; empty for a process that nobody numbered."""

    problem: str = ""
    """Why it is not certain; empty if it is."""

    @property
    def writes(self) -> bool:
        """Whether this process keeps the record: rank 0, and one that nobody can number."""
        return self.number == 0 or bool(self.problem)


def find_rank(number: object = None) -> Rank:
    """Return the rank of this process.

    Args:
        number: What the script says; otherwise what its launcher says, otherwise what an open
            process group of torch says, as of processes that the script has started itself.

    Raises:
        UsageError: The script's number is no rank.
    """
    group = _open_group()
    if number is not None:
        return given_rank(number, group.world_size if number == group.number else None)
    told = read_rank()
    return told if told.source or told.problem else group


def _open_group() -> Rank:
    dist: Any = sys.modules.get("torch.distributed")
    if dist is None or not dist.is_available() or not dist.is_initialized():
        return Rank()
    return Rank(dist.get_rank(), dist.get_world_size(), "torch.distributed")


def given_rank(number: object, world_size: object = None) -> Rank:
    """Return the rank that the script gives itself.

    Raises:
        UsageError: It is none.
    """
    size_is_none = world_size is None
    if not _is_count(number) or not (size_is_none or _is_count(world_size)):
        raise UsageError(
            problem=f"a rank is a whole number from 0, not {shown(number)} of {shown(world_size)}"
        )
    if isinstance(number, int) and isinstance(world_size, int) and number >= world_size:
        raise UsageError(problem=f"there is no rank {number} among {world_size} processes")
    return Rank(
        number if isinstance(number, int) else 0,
        world_size if isinstance(world_size, int) else None,
        "rank=",
    )


def read_rank(variables: Mapping[str, str] | None = None) -> Rank:
    """Return the rank that the environment tells.

    Where two launchers contradict each other and neither is known to lie inside the other, or a
    variable is no rank, the rank has a `problem`.

    Args:
        variables: The environment; otherwise that of this process.
    """
    found = os.environ if variables is None else variables
    told: list[Rank] = []
    broken: list[str] = []
    for rank_name, size_name in LAUNCHERS:
        if rank_name not in found:
            continue
        number, size = _count(found[rank_name]), _count(found.get(size_name, ""))
        if size_name not in found:
            size = None
        if number is None or (size_name in found and not size):
            broken.append(f"{rank_name} and {size_name} do not say a rank")
        elif size is not None and number >= size:
            broken.append(f"{rank_name} is {number}, but {size_name} is {size}")
        else:
            told.append(Rank(number, size, rank_name))
    if broken:
        return _uncertain(told, "; ".join(broken))
    return _settle(told, found)


def job_of(variables: Mapping[str, str] | None = None) -> str | None:
    """Return the scheduler's name for this job, which a requeued job keeps."""
    found = os.environ if variables is None else variables
    for name in ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"):
        value = found.get(name, "")
        if value and value.isprintable():
            return f"{name}={value[:100]}"
    return None


def array_task_of(variables: Mapping[str, str] | None = None) -> str | None:
    """Return the number of this task in an array of jobs, if it is one."""
    found = os.environ if variables is None else variables
    for name in ("SLURM_ARRAY_TASK_ID", "PBS_ARRAY_INDEX"):
        value = found.get(name, "")
        if value.isdecimal() and value.isascii():
            return value[:20]
    return None


def _settle(told: list[Rank], variables: Mapping[str, str]) -> Rank:
    """Choose among what the launchers say: those that started one process say nothing."""
    many = [it for it in told if it.world_size is None or it.world_size > 1]
    if not many:
        return told[0] if told else Rank()
    first = many[0]
    if all(it.number == first.number for it in many):
        return first
    if first.source == "RANK" and "TORCHELASTIC_RUN_ID" in variables:
        return first  # torchrun was started by the others, once a machine
    others = [it for it in many if it.number != first.number]
    if all(_starts(it, first) for it in others):
        return first
    said = ", ".join(f"{it.source} is {it.number}" for it in many)
    return _uncertain(many, said)


def _starts(outer: Rank, inner: Rank) -> bool:
    """Return whether a launcher can have started the processes of another one."""
    if outer.world_size is None or inner.world_size is None:
        return False
    is_batch_step = outer.source == "SLURM_PROCID" and outer.number == 0
    return is_batch_step or outer.world_size < inner.world_size


def _uncertain(told: list[Rank], problem: str) -> Rank:
    # Whatever is right, a process that nobody calls 0 is not rank 0.
    number = min((it.number for it in told), default=0)
    if number > 0:
        return Rank(number, None, told[0].source)
    return Rank(0, None, "", f"{problem}; say which one holds with rank=")


def _count(text: str) -> int | None:
    if not (text.isdecimal() and text.isascii()) or len(text) > len(str(MAX_WORLD_SIZE)):
        return None
    return int(text) if int(text) <= MAX_WORLD_SIZE else None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_WORLD_SIZE
