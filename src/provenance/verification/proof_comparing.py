"""Whether a proof is of what the caller asked for, and how to ask for what it is of. No I/O.

Source: `spec/digests.md`, section "Proof files".
"""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from provenance.findings import Finding
from provenance.verification.proof_places import quoted_option
from provenance.verification.proof_requests import NAMELESS
from provenance.verification.summary import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from provenance.digest import ProofFile
    from provenance.verification.options import PathLike
    from provenance.verification.proof_places import Place
    from provenance.verification.proof_requests import ProofRequest

__all__ = ["compare_with_request"]


def compare_with_request(
    request: ProofRequest,
    proof: ProofFile,
    place: Place | None,
    asked: Iterable[str],
    *,
    file: PathLike | None,
    listed: Collection[str] | None = None,
) -> Iterator[Finding]:
    """Yield what the proof leads to and the caller did not ask for.

    Args:
        request: What the caller asks for.
        proof: The proof.
        place: Where its root stands in the manifest; `None` for a root that the caller named.
        asked: The pointers of the places that answer the request.
        file: What the caller holds; without `name`, it says which file he means.
        listed: All paths of the tree, where the manifest lists them; otherwise `None`.
    """
    is_elsewhere = place is not None and place.pointer not in asked
    wanted = request.describe(in_manifest=place is not None)
    if proof.kind != request.kind or is_elsewhere:
        found = f"{_entry(proof)} of {'the tree' if place is None else place.words}"
        yield _not_asked(f"is of {found}, asked for was {wanted}", _options(proof, place))
        return
    if _shards_of(proof) != request.parts:
        yield _not_asked(
            f"goes through {_trail(_shards_of(proof))}, asked for was {_trail(request.parts)}",
            " ".join(_part_options(proof)),
        )
    if request.kind in NAMELESS:
        if proof.levels[0].index != request.index:
            which = "no index" if request.index is None else f"the index {request.index}"
            yield _not_asked(
                f"is of the {request.kind} with the index {proof.levels[0].index}, asked for was "
                f"{which}",
                _index_option(proof),
            )
    elif request.name is not None or request.kind == "shard":
        if proof.name != request.name:
            option = "--tensor" if request.kind == "tensor" else "--name"
            yield _not_asked(
                f"is of {_entry(proof)}, asked for was {wanted}",
                quoted_option(option, proof.name),
            )
    elif request.kind == "file" and file is not None:
        doubt = _doubt_name(file, proof.name, listed)
        if doubt:
            yield _not_asked(
                f"is of {_entry(proof)}, and {doubt}", quoted_option("--name", proof.name)
            )


def _entry(proof: ProofFile) -> str:
    return f"the {proof.kind} {quoted(proof.name)}" if proof.name else f"a {proof.kind}"


def _shards_of(proof: ProofFile) -> tuple[str, ...]:
    """Return the names of the shards on the way, the topmost first."""
    return tuple(str(level.shard) for level in reversed(proof.levels[1:]))


def _trail(shards: Iterable[str]) -> str:
    names = ", then ".join(map(quoted, shards))
    return f"the shard {names}" if names else "no shard"


def _options(proof: ProofFile, place: Place | None) -> str:
    """Return the options that ask for just this."""
    is_tensor = proof.kind == "tensor"
    named = quoted_option("--tensor", proof.name) if is_tensor else f"--kind {proof.kind}"
    options = [] if proof.kind == "file" and place is not None else [named]
    if proof.kind == "shard":
        options.append(quoted_option("--name", proof.name))
    options += () if place is None else place.options
    options += _part_options(proof)
    return " ".join([*options, *([_index_option(proof)] if proof.kind in NAMELESS else [])])


def _part_options(proof: ProofFile) -> list[str]:
    return [quoted_option("--part", shard) for shard in _shards_of(proof)]


def _index_option(proof: ProofFile) -> str:
    return f"--index {proof.levels[0].index}"


def _doubt_name(file: PathLike, name: str, listed: Collection[str] | None) -> str:
    """Return why the path of a file does not say that it is the one of this name; empty if so.

    The whole path has to end with the name, and with no longer name of the same tree: otherwise
    `config.json` would be proved of a file `sub/config.json` that is another one of the release.
    Where nobody lists the tree, the path as it was given may be no longer than the name.
    """
    typed = os.fspath(file).replace(os.sep, "/")
    if not _ends_with(file, name):
        return f"the file here is called {quoted(os.fspath(file))}"
    if listed is None:
        longer = len(PurePosixPath(typed).parts) > name.count("/") + 1
        problem = f"the path {quoted(os.fspath(file))} is longer, in a tree that is not listed here"
        return problem if longer else ""
    other = max((path for path in listed if _ends_with(file, path)), key=len, default=name)
    if len(other) <= len(name):
        return ""
    return f"the path {quoted(os.fspath(file))} is that of {quoted(other)}"


def _ends_with(file: PathLike, name: str) -> bool:
    """Return whether a path ends with the segments of a name; links on it are not looked at."""
    return _absolute(file).endswith("/" + name)


def _absolute(file: PathLike) -> str:
    try:
        path = os.path.abspath(file)  # noqa: PTH100 - text; a path object would resolve no `..`
    except (OSError, ValueError):  # the working folder is gone
        path = os.fspath(file)
    return "/" + path.replace(os.sep, "/")


def _not_asked(problem: str, option: str) -> Finding:
    how = f"say so with {option}" if option else "ask for no other thing"
    message = f"the proof {problem}; if that is what you mean, {how}"
    return Finding("proof-not-asked", "", message)
