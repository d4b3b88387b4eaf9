"""The code that ran: its repository, its commit, and how the files on disk stand against it.

Whatever is missing (Git itself, a repository, a commit, a remote) becomes a gap. Nothing that a
repository names is ever run; see `git_commands`.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.capture.captured import Captured, make_gap, one_line
from provenance.capture.git_commands import (
    GIT_SEARCH_PATH,
    ForeignOwnerError,
    Git,
    GitError,
    find_git,
)
from provenance.capture.git_patch import PatchError, SecretFoundError, make_patch
from provenance.capture.git_submodules import describe_submodules, submodule_head
from provenance.capture.git_tree import compare_work_tree, parse_tree
from provenance.capture.imports import imported_files
from provenance.capture.paths import manifest_path, real_path
from provenance.capture.remotes import public_remote
from provenance.digest import digest_bytes, hash_file
from provenance.errors import InputError
from provenance.manifest import CodeReference, FileReference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provenance.capture.captured import GapKind
    from provenance.capture.git_tree import Comparison, TreeEntry
    from provenance.manifest import Gap

__all__ = ["capture_code"]

#: Most modified files that are listed by name.
MAX_LISTED_FILES = 1_000

#: Most imported files that the commit does not have and that are bound by their digests.
MAX_IMPORTED_FILES = 200

#: What the patch of a work tree is called.
PATCH_NAME = "uncommitted.patch"

#: Most names that one gap lists.
MAX_NAMES_IN_GAP = 20


def capture_code(
    folder: str | os.PathLike[str],
    *,
    script: str | os.PathLike[str] | None = None,
    timeout_seconds: float = 10.0,
    search_path: str = GIT_SEARCH_PATH,
    keep_patch: Callable[[bytes], None] | None = None,
) -> Captured[CodeReference]:
    """Return which code lies in a folder, and whether it is what its commit says.

    Args:
        folder: A folder of the code; its repository may begin further up.
        script: The script that ran; its bytes are bound even where there is no repository.
        timeout_seconds: For all questions to Git and all hashing together.
        search_path: Absolute folders where Git is looked for, separated as in `PATH`.
        keep_patch: Takes the patch of a work tree that differs from its commit, without secrets;
            its digest is captured in any case.

    Returns:
        The reference. What could not be found out is absent in it and named by a gap: this never
        raises for what a machine lacks, and never runs what a repository names.

    Raises:
        CaptureError: `folder` or `script` can be no path.
    """
    place = real_path(folder)
    draft = _Draft(place, real_path(script) if script is not None else None, keep_patch)
    draft.add_script(place)
    program = find_git(search_path)
    if program is None:
        draft.gap("absent", "git was not found, so no commit is known")
        return draft.finish()
    try:
        _read_repository(Git(program, place, time.monotonic() + timeout_seconds), draft)
    except ForeignOwnerError as error:
        draft.gap("failed", f"{error}; change its owner, or run as that user")
    except GitError as error:
        draft.gap("failed", str(error))
    return draft.finish()


@dataclass(slots=True)
class _Draft:
    """The reference while it is put together."""

    folder: Path
    script: Path | None
    keep_patch: Callable[[bytes], None] | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)

    def gap(self, kind: GapKind, description: str) -> None:
        self.gaps.append(make_gap("git", kind, description))

    def add_script(self, root: Path) -> None:
        """Bind the script's bytes, and say where it lies below `root`."""
        if self.script is None:
            return
        if self.script.is_relative_to(root):
            self.fields["path"] = manifest_path(self.script.relative_to(root).as_posix())
        try:
            found = hash_file(self.script)
        except InputError as error:
            self.gaps.append(make_gap("script", "failed", f"the script {error.problem}"))
            return
        self.fields["script"] = FileReference(
            name=one_line(manifest_path(self.script.name)), size=found.size, digest=found.digest
        )

    def finish(self) -> Captured[CodeReference]:
        return Captured(CodeReference(**self.fields), tuple(self.gaps))


def _read_repository(git: Git, draft: _Draft) -> None:
    """Fill in what Git knows, as far as it goes."""
    root = _find_root(git, draft)
    commit = _find_commit(git, draft)
    if commit is None:
        return
    listing = git.ask("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit)
    if listing is None:
        draft.gap("failed", "the tree of the commit could not be read; objects may be missing")
    entries = parse_tree(listing or b"")
    if root is not None and listing is not None and not _holds_code(entries, root, draft):
        draft.gap("absent", "the repository further up has no file of this folder; it is another's")
        return
    draft.fields["commit"] = commit
    draft.fields["tree"] = git.object_id(f"{commit}^{{tree}}")
    _add_names(git, draft, commit)
    _add_remote(git, draft)
    if root is not None and listing is not None:
        _add_script_of_repository(entries, root, draft)
        _add_submodules(git, entries, draft)
        _compare(git, root, entries, draft)


def _find_root(git: Git, draft: _Draft) -> Path | None:
    """Return the top folder of the work tree, or nothing where there is none."""
    kinds = git.ask("rev-parse", "--is-bare-repository", "--is-inside-work-tree")
    if kinds is None:
        return None
    bare, _, inside = kinds.partition(b"\n")
    if bare == b"true":
        draft.gap("absent", "the repository is bare: it has no files to compare with its commit")
        return None
    if inside != b"true":
        draft.gap("absent", "the folder lies inside a Git folder, not in a work tree")
        return None
    answer = git.ask("rev-parse", "--show-toplevel")
    root = Path(os.fsdecode(answer)) if answer else None
    # `core.worktree` can name any folder of the machine; an honest work tree holds a `.git`.
    if root is None or not git.folder.is_relative_to(root) or not os.path.lexists(root / ".git"):
        draft.gap("failed", "the repository names a work tree that is not around this folder")
        return None
    return root


def _find_commit(git: Git, draft: _Draft) -> str | None:
    commit = git.object_id("HEAD^{commit}")
    if commit is not None:
        return commit
    output = git.run("rev-parse", "--git-dir")
    if output.code != 0:
        absent = b"not a git repository" in output.stderr
        message = "there is no repository" if absent else "git could not read the repository"
        draft.gap("absent" if absent else "failed", message)
    elif git.object_id("HEAD") is not None:
        draft.gap("failed", "the commit that is checked out is missing from the repository")
    else:
        draft.gap("absent", "the repository has no commit yet")
    return None


def _holds_code(entries: Sequence[TreeEntry], root: Path, draft: _Draft) -> bool:
    """Return whether the commit has the script, or anything below the folder."""
    if draft.folder == root:
        return True
    prefix = draft.folder.relative_to(root).as_posix() + "/"
    if any(entry.path.startswith(prefix) for entry in entries):
        return True
    return draft.script is not None and draft.script in {root / entry.path for entry in entries}


def _add_names(git: Git, draft: _Draft, commit: str) -> None:
    """Add branch and tag, for people."""
    branch = git.ask("symbolic-ref", "--quiet", "HEAD") or b""
    if branch.startswith(b"refs/heads/"):
        draft.fields["branch"] = _reference(branch.removeprefix(b"refs/heads/"))
    listed = ("--sort=-version:refname", "--count=1", "--format=%(refname)", "refs/tags")
    tag = git.ask("for-each-ref", f"--points-at={commit}", *listed) or b""
    if tag.startswith(b"refs/tags/"):
        draft.fields["tag"] = _reference(tag.removeprefix(b"refs/tags/"))


def _add_remote(git: Git, draft: _Draft) -> None:
    url = git.ask("config", "--local", "--get", "remote.origin.url")
    if url is None:
        draft.gap(
            "absent", "no remote is named origin, so nobody is told where the code can be had"
        )
        return
    remote = public_remote(os.fsdecode(url))
    draft.fields["repository"] = remote.value
    draft.gaps.extend(remote.gaps)


def _add_script_of_repository(entries: Sequence[TreeEntry], root: Path, draft: _Draft) -> None:
    """State the script relative to the repository, and name code that the commit does not have."""
    tracked = {entry.path for entry in entries}
    imported = [path for path in imported_files(root) if path not in tracked]
    if draft.script is not None:
        if draft.script.is_relative_to(root):
            path = draft.script.relative_to(root).as_posix()
            draft.fields["path"] = manifest_path(path)
            if path not in tracked:
                draft.gap("absent", f"the commit does not have the script {manifest_path(path)}")
                imported = [other for other in imported if other != path]
        else:
            draft.gap("absent", "the script lies outside the repository")
    if imported:
        names = _some_names(imported)
        draft.gap("absent", f"the commit does not have modules that were imported: {names}")
        bound = (_bind(root, path) for path in imported[:MAX_IMPORTED_FILES])
        draft.fields["imported_files"] = tuple(it for it in bound if it is not None)


def _bind(root: Path, path: str) -> FileReference | None:
    try:
        found = hash_file(root / path)
    except InputError:  # it is named by the gap
        return None
    return FileReference(name=one_line(manifest_path(path)), size=found.size, digest=found.digest)


def _add_submodules(git: Git, entries: Sequence[TreeEntry], draft: _Draft) -> None:
    if any(entry.is_submodule for entry in entries):
        listed = [entry for entry in entries if entry.path == ".gitmodules"]
        data = git.ask("cat-file", "blob", listed[0].id) if listed else None
        draft.fields["submodules"] = describe_submodules(entries, data)


def _compare(git: Git, root: Path, entries: Sequence[TreeEntry], draft: _Draft) -> None:
    """Add what differs from the commit; what could not be compared leaves the answer open."""
    git_folder = Path(os.fsdecode(git.ask("rev-parse", "--absolute-git-dir") or b""))
    sparse = (git_folder / "info" / "sparse-checkout").is_file()
    result = compare_work_tree(root, entries, deadline=git.deadline, sparse=sparse)
    complete = _compare_submodules(root, git_folder, entries, result, draft)
    if result.stopped or result.unreadable:
        why = result.stopped or f"{result.unreadable} files or folders could not be read"
        draft.gap("failed", f"not all files were compared with the commit: {why}")
        complete = False
    if sparse and result.missing:
        draft.gap("absent", f"sparse checkout: {result.missing} files are not there")
    names = [manifest_path(path) for path in result.modified]
    draft.fields["modified"] = True if names else False if complete else None
    draft.fields["modified_files"] = tuple(names[:MAX_LISTED_FILES])
    if len(names) > MAX_LISTED_FILES:
        draft.gap("absent", f"{len(names)} files differ; only {MAX_LISTED_FILES} are listed")
    if result.modified:
        _add_patch(git, root, entries, result.modified, draft)
    if names and any(entry.path.endswith(".gitattributes") for entry in entries):
        message = "the commit has .gitattributes: files that git converts differ without an edit"
        draft.gap("absent", message)
    if result.untracked_stopped:
        draft.gap("failed", "there are more untracked files than are counted")
    else:
        draft.fields["untracked_files"] = result.untracked


def _add_patch(
    git: Git, root: Path, entries: Sequence[TreeEntry], paths: Sequence[str], draft: _Draft
) -> None:
    """Bind the differences from the commit; nothing is made of those that hold a secret."""
    try:
        patch = make_patch(git, root, {entry.path: entry for entry in entries}, paths)
    except SecretFoundError:
        draft.gap("redacted", "the differences from the commit hold what looks like a secret")
        return
    except PatchError as error:
        draft.gap("absent", f"the differences from the commit are not bound: {error}")
        return
    draft.fields["patch"] = FileReference(
        name=PATCH_NAME, size=len(patch), digest=digest_bytes(patch), media_type="text/x-diff"
    )
    if draft.keep_patch is not None:
        draft.keep_patch(patch)


def _compare_submodules(
    root: Path,
    git_folder: Path,
    entries: Sequence[TreeEntry],
    result: Comparison,
    draft: _Draft,
) -> bool:
    """Compare the commits of checked-out submodules; return whether all of them were."""
    there = [
        entry
        for entry in entries
        if entry.is_submodule and os.path.lexists(root / entry.path / ".git")
    ]
    heads = {entry.path: submodule_head(root / entry.path, git_folder) for entry in there}
    result.modified.extend(
        entry.path for entry in there if heads[entry.path] not in {None, entry.id}
    )
    if there:
        names = _some_names([entry.path for entry in there])
        draft.gap("absent", f"files inside submodules were not compared: {names}")
    return not there


def _some_names(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - MAX_NAMES_IN_GAP} more" if len(paths) > MAX_NAMES_IN_GAP else ""
    return ", ".join(manifest_path(path) for path in paths[:MAX_NAMES_IN_GAP]) + more


def _reference(name: bytes) -> str:
    return one_line(name.decode("utf-8", "backslashreplace"))
