"""What decides whether a run can be repeated bit for bit: threads, instruction sets, BLAS, flags.

Equal bits need equal numbers of threads and equal instruction sets, so both are captured. Libraries
are asked only if the script has imported them; none is imported here.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.capture.captured import Captured, ask, one_line
from provenance.capture.hardware import read_system_file
from provenance.capture.variables import THREAD_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provenance.manifest import Gap

__all__ = ["Settings", "capture_determinism"]

#: Instruction sets that numeric libraries choose their code by.
INSTRUCTION_SETS = frozenset(
    {
        *("amx_bf16", "amx_int8", "amx_tile", "asimd", "asimddp", "asimdhp", "avx", "avx2"),
        *("avx512_bf16", "avx512_fp16", "avx512_vnni", "avx512bw", "avx512cd", "avx512dq"),
        *("avx512f", "avx512vl", "avx_vnni", "bf16", "f16c", "fma", "i8mm", "sse4_1", "sse4_2"),
        *("sve", "sve2", "svebf16"),
    }
)

# What PyTorch is asked: name here, path of a function or attribute there.
_TORCH_THREADS = {"torch": "get_num_threads", "torchInterop": "get_num_interop_threads"}
_TORCH_FLAGS = {
    "deterministicAlgorithms": "are_deterministic_algorithms_enabled",
    "deterministicWarnOnly": "is_deterministic_algorithms_warn_only_enabled",
    "float32MatmulPrecision": "get_float32_matmul_precision",
    "defaultDtype": "get_default_dtype",
    "cpuCapability": "backends.cpu.get_cpu_capability",
    "cudnnDeterministic": "backends.cudnn.deterministic",
    "cudnnBenchmark": "backends.cudnn.benchmark",
    "cudnn": "backends.cudnn.version",
    "mkldnnEnabled": "backends.mkldnn.enabled",
    "cuda": "version.cuda",
    "hip": "version.hip",
}


#: Most lines about the libraries of PyTorch that are kept.
MAX_BUILD_LINES = 20

# Lines of `torch.__config__` about libraries that compute, and the members that say how.
_BUILT_WITH = re.compile(r"^(?:Intel|MKL|OpenMP|OpenBLAS|CuDNN|CUDA Runtime|Magma|HIP Runtime)")
_BLAS = re.compile(r"\bBLAS_INFO=([A-Za-z0-9_.-]{1,40})")
_POOLS = {"mkl_get_max_threads": "torchMkl", "omp_get_max_threads": "torchOpenmp"}
_POOL = re.compile(rf"({'|'.join(_POOLS)})\(\) : (\d{{1,6}})\b")


@dataclass(frozen=True, slots=True)
class Settings:
    """Numbers of threads, and everything else that decides over bits."""

    threads: Mapping[str, Any]
    """By library or variable."""

    determinism: Mapping[str, Any]
    """By library or variable; nested by library."""


def capture_determinism(
    variables: Mapping[str, str] | None = None, *, root: Path = Path("/")
) -> Captured[Settings]:
    """Return the settings of this process, as far as its libraries are loaded.

    Args:
        variables: The environment; by default that of this process.
        root: Where `/proc` lies; for tests.
    """
    found = os.environ if variables is None else variables
    threads: dict[str, Any] = {
        name: int(found[name])
        for name in THREAD_VARIABLES
        if found.get(name, "").isascii() and found.get(name, "").isdigit()
    }
    settings: dict[str, Any] = {
        "hashSeed": _hash_seed(),
        "python": {"compiler": platform.python_compiler(), "build": platform.python_build()[0]},
        "instructionSets": _instruction_sets(root),
        "libc": _libc(),
    }
    gaps: list[Gap] = []
    for add in (_add_threadpools, _add_numpy, _add_torch):
        gaps.extend(add(threads, settings))
    return Captured(
        Settings(threads, {name: value for name, value in settings.items() if value}), tuple(gaps)
    )


def _hash_seed() -> str:
    """Return the seed of Python's text hashes as the interpreter took it, or `random`."""
    if not sys.flags.hash_randomization:
        return "0"
    seed = os.environ.get("PYTHONHASHSEED", "")
    return seed if seed.isascii() and seed.isdigit() else "random"


def _instruction_sets(root: Path) -> tuple[str, ...]:
    text = read_system_file(root / "proc" / "cpuinfo") or ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"flags", "Features"}:
            return tuple(sorted(INSTRUCTION_SETS.intersection(value.split())))
    return ()


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):  # another C library, or Windows
        return ""


def _add_threadpools(threads: dict[str, Any], settings: dict[str, Any]) -> tuple[Gap, ...]:
    """Add the thread pools of BLAS and OpenMP, if `threadpoolctl` is loaded."""
    library: Any = sys.modules.get("threadpoolctl")
    if library is None:
        return ()
    asked = ask("threadpoolctl", lambda: [dict(pool) for pool in library.threadpool_info()])
    kept = ("user_api", "internal_api", "version", "architecture", "threading_layer")
    pools: list[dict[str, Any]] = []
    for pool in asked.value or []:
        name = str(pool.get("prefix") or pool.get("internal_api") or "pool")
        if isinstance(pool.get("num_threads"), int):
            threads[name] = pool["num_threads"]
        pools.append({key: str(pool[key]) for key in kept if pool.get(key)})
    settings["threadpools"] = tuple(pools)
    return asked.gaps


def _add_numpy(_threads: dict[str, Any], settings: dict[str, Any]) -> tuple[Gap, ...]:
    """Add numpy's BLAS and the instruction sets that it found, if it is loaded."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "show_config"):
        return ()

    def read() -> dict[str, Any]:
        shown = numpy.show_config(mode="dicts")
        blas = shown.get("Build Dependencies", {}).get("blas", {})
        found = shown.get("SIMD Extensions", {}).get("found", [])
        return {
            "version": str(numpy.__version__),
            "blas": {key: str(blas[key]) for key in ("name", "version") if blas.get(key)},
            "simd": tuple(str(name) for name in found),
        }

    asked = ask("numpy", read)
    settings["numpy"] = asked.value
    return asked.gaps


def _add_torch(threads: dict[str, Any], settings: dict[str, Any]) -> tuple[Gap, ...]:
    """Add PyTorch's threads and flags, if it is loaded."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return ()
    gaps: list[Gap] = []

    def read(names: Mapping[str, str]) -> dict[str, Any]:
        found = {}
        for name, path in names.items():
            asked = ask(f"torch.{path}", _asker(torch, path))
            gaps.extend(asked.gaps)
            if asked.value is not None:
                found[name] = asked.value
        return found

    threads.update(read(_TORCH_THREADS))
    flags = read(_TORCH_FLAGS)
    if flags.get("cuda"):  # other builds have no NCCL to ask
        flags |= read({"nccl": "cuda.nccl.version"})
    texts = read({"build": "__config__.show", "parallel": "__config__.parallel_info"})
    flags |= _build_of(str(texts.get("build", "")))
    threads.update(_threads_of(str(texts.get("parallel", ""))))
    settings["torch"] = {"version": str(getattr(torch, "__version__", "")), **flags}
    return tuple(gaps)


def _build_of(text: str) -> dict[str, Any]:
    """Return which libraries PyTorch was built with; flags of the compiler are left out."""
    found: dict[str, Any] = {}
    lines = [line.removeprefix("- ").strip() for line in map(str.strip, text.splitlines())]
    kept = [line for line in lines if _BUILT_WITH.search(line)]
    if kept:
        found["libraries"] = tuple(one_line(line) for line in kept[:MAX_BUILD_LINES])
    if blas := _BLAS.search(text):
        found["blas"] = blas[1]
    return found


def _threads_of(text: str) -> dict[str, int]:
    """Return the numbers of threads of the libraries below PyTorch."""
    return {_POOLS[name]: int(number) for name, number in _POOL.findall(text)}


def _asker(library: Any, path: str) -> Callable[[], Any]:  # noqa: ANN401 - a foreign module
    """Return a question for one function or attribute; nothing where this version has none."""

    def question() -> Any:  # noqa: ANN401 - whatever the library says
        value = library
        for name in path.split("."):
            value = getattr(value, name, None)
            if value is None:
                return None
        value = value() if callable(value) else value
        return value if isinstance(value, bool | int | str) or value is None else str(value)

    return question
