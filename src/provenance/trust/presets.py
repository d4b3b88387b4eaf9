"""Named sets of files that a verifier may choose not to check.

Only the verifier ignores, never the producer: what a signed file could exclude from checking would
be the attacker's space. No preset covers a file that a loader could execute or load; an ignored
file becomes a "not checked" line of the report. No I/O.

Source: `spec/verification.md`, section "Presets".
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["LOADABLE_SUFFIXES", "PRESETS", "Preset", "is_ignored"]

#: Ends of names that programs import, execute or load as weights: never ignored, wherever they lie.
LOADABLE_SUFFIXES = (
    # code
    ".py", ".pyc", ".pyd", ".pyi", ".pyw", ".pth", ".so", ".dll", ".dylib", ".egg", ".whl", ".zip",
    ".js", ".mjs", ".wasm", ".sh", ".bat", ".cmd", ".exe", ".ps1", ".jar", ".lua", ".jinja", ".j2",
    # weights and pickles
    ".bin", ".ckpt", ".pt", ".ptl", ".safetensors", ".gguf", ".ggml", ".onnx", ".h5", ".hdf5",
    ".keras", ".pb", ".tflite", ".mlmodel", ".npy", ".npz", ".pkl", ".pickle", ".joblib", ".dill",
    ".msgpack", ".model", ".tar", ".gz", ".xz", ".zst", ".nemo", ".engine", ".plan",
)  # fmt: skip


class Preset(Struct, frozen=True):
    """One named set. Names are compared exactly: `.GIT` is not `.git`."""

    name: str
    """What the verifier calls it."""

    meaning: str
    """One sentence for people."""

    paths: frozenset[str] = frozenset()
    """Files at exactly these paths."""

    folders: tuple[str, ...] = ()
    """Everything inside these folders, whose paths start at the root, less what could be loaded."""

    names: frozenset[str] = frozenset()
    """Files of these names, in any folder."""

    def covers(self, path: str) -> bool:
        """Return whether the preset says that a file need not be checked.

        Args:
            path: Relative to the release, POSIX, canonical.
        """
        if path.lower().endswith(LOADABLE_SUFFIXES):
            return False
        if path in self.paths or path.rpartition("/")[2] in self.names:
            return True
        return any(path.startswith(f"{folder}/") for folder in self.folders)


#: Every preset, by name.
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            Preset(
                name="hub",
                meaning="What git, the Hugging Face client and the macOS Finder add to a download.",
                # `.git` is a file in a worktree and in a submodule.
                paths=frozenset({".git", ".gitattributes"}),
                folders=(".git", ".cache/huggingface"),
                names=frozenset({".DS_Store"}),
            ),
        )
    }
)


def is_ignored(path: str, presets: Iterable[str]) -> str | None:
    """Return the name of the first preset that covers a file, or `None` if it must be checked.

    Args:
        path: Relative to the release, POSIX, canonical.
        presets: Names of presets; an unknown one covers nothing (`TrustPolicy` refuses it).
    """
    for name in presets:
        if name in PRESETS and PRESETS[name].covers(path):
            return name
    return None
