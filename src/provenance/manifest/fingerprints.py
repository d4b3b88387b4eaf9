"""The two digests of an environment, and what a claim of equal bits needs. No I/O.

The *environment class* covers what can change bits: two runs that differ in it may differ in their
weights although nothing went wrong. The *full capture* covers all that was seen. Source:
`spec/manifest.md`, section "Environment class".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.digest import DigestSet, hash_bytes
from provenance.errors import shown
from provenance.manifest.frozen import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provenance.manifest.processing import Environment

__all__ = [
    "NEUTRAL_VARIABLES",
    "environment_class",
    "fingerprinted",
    "full_capture",
    "lacks_for_bitwise",
]

_CLASS_PREAMBLE: Final = b"training-provenance/v1/environment-class\n"
_CAPTURE_PREAMBLE: Final = b"training-provenance/v1/environment-capture\n"

#: Variables that no bit depends on, or that are seeds: the class leaves them out.
NEUTRAL_VARIABLES: Final = frozenset(
    {
        *("CUDA_DEVICE_ORDER", "CUDA_LAUNCH_BLOCKING", "CUDA_VISIBLE_DEVICES"),
        *("HF_DATASETS_OFFLINE", "HF_HUB_OFFLINE", "HIP_VISIBLE_DEVICES", "KMP_BLOCKTIME"),
        *("LOCAL_RANK", "OMP_WAIT_POLICY", "OPENBLAS_VERBOSE", "PYTHONHASHSEED", "PYTHONUTF8"),
        *("RANK", "ROCR_VISIBLE_DEVICES", "TOKENIZERS_PARALLELISM"),
        *("TORCH_NCCL_ASYNC_ERROR_HANDLING", "XLA_PYTHON_CLIENT_MEM_FRACTION"),
        *("XLA_PYTHON_CLIENT_PREALLOCATE", "TF_FORCE_GPU_ALLOW_GROWTH"),
    }
)

# Members of an environment that only name it, or are made from the others.
_NAMES: Final = ("id", "description", "document", "environmentClass", "fullCapture")


def environment_class(environment: Environment) -> str:
    """Return the SHA-256 of what in an environment can change bits, hex.

    Source: `spec/manifest.md`, section "Environment class".
    """
    tree = plain(environment.to_tree())
    # class = SHA-256("training-provenance/v1/environment-class" || LF || canonical(selected))
    return hash_bytes(_CLASS_PREAMBLE + canonical.write(_selected(tree)), "sha256")


def full_capture(environment: Environment) -> str:
    """Return the SHA-256 of everything that was captured of an environment, hex.

    Source: `spec/manifest.md`, section "Environment class".
    """
    tree = plain(environment.to_tree())
    captured = {name: value for name, value in tree.items() if name not in _NAMES}
    # capture = SHA-256("training-provenance/v1/environment-capture" || LF || canonical(captured))
    return hash_bytes(_CAPTURE_PREAMBLE + canonical.write(captured), "sha256")


def fingerprinted(environment: Environment) -> Environment:
    """Return an environment with its two digests."""
    return environment.updated(
        environment_class=DigestSet({"sha256": environment_class(environment)}),
        full_capture=DigestSet({"sha256": full_capture(environment)}),
    )


def lacks_for_bitwise(environment: Environment) -> Iterator[str]:
    """Yield what an environment lacks before anybody can claim that its bits come again.

    Nothing is yielded where equal bits *may* be claimed; whether they come is not known by that.
    """
    if environment.environment_class is None:
        yield "no environment class"
    if not environment.packages:
        yield "no list of packages"
    bare = [it.name for it in environment.packages if not (it.record or it.content)]
    if bare:
        more = f" and {len(bare) - 1} more" if len(bare) > 1 else ""
        yield f"no RECORD digest of {shown(bare[0])}{more}"
    if not environment.threads:
        yield "no number of threads"
    settings: Mapping[str, Any] = environment.determinism or {}
    if not settings.get("instructionSets"):
        yield "no instruction sets"
    torch = settings.get("torch")
    if torch is not None and torch.get("deterministicAlgorithms") is not True:
        yield "PyTorch's deterministic algorithms are not switched on"
    hardware = environment.hardware
    if hardware is not None and hardware.accelerators:
        yield from _lacks_on_accelerators(settings, environment.variables or {})


def _lacks_on_accelerators(
    settings: Mapping[str, Any], variables: Mapping[str, Any]
) -> Iterator[str]:
    torch = settings.get("torch")
    if torch is None:
        yield "no settings of what runs on the accelerators"
        return
    if torch.get("cudnnBenchmark") is not False:
        yield "cuDNN may choose its algorithms by measuring them"
    if torch.get("cuda") and "CUBLAS_WORKSPACE_CONFIG" not in variables:
        yield "CUBLAS_WORKSPACE_CONFIG is not set"


def _selected(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that can change bits, by the rules of the specification."""
    hardware = tree.get("hardware") or {}
    found = {
        "language": tree.get("language"),
        "packages": [_package(it) for it in tree.get("packages") or ()],
        "threads": tree.get("threads"),
        "determinism": _without(tree.get("determinism") or {}, {"hashSeed"}),
        "variables": _without(tree.get("variables") or {}, NEUTRAL_VARIABLES),
        "hardware": {
            name: hardware[name]
            for name in ("accelerators", "machine", "nodes", "processor")
            if hardware.get(name)
        },
    }
    return {name: value for name, value in found.items() if value}


def _package(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a package by what is equal wherever it is installed, where that is known."""
    return _without(tree, {"record"}) if tree.get("content") else dict(tree)


def _without(tree: Mapping[str, Any], names: set[str] | frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in tree.items() if name not in names}
