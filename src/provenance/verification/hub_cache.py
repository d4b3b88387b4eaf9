"""A model in the cache of `huggingface_hub`: a snapshot of links into the repository's own blobs.

    models--org--name/
      blobs/<hash>                  the bytes
      refs/main                     the commit that `main` was
      snapshots/<commit>/<file>     links to ../../blobs/<hash>, one `..` more for each folder

A link of exactly that form, whose blob is a regular file directly in that folder, stands for the
file. Every other link is a finding, as everywhere. Nothing else of the cache is looked at.
"""

from __future__ import annotations

import os
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace
from typing_extensions import override

from provenance.digest import (
    BlockDigests,
    Folder,
    TypedRoot,
    hash_file_and_blocks,
    hash_tensors,
    open_folder,
    open_regular,
    printable_name,
    read_file,
    walk_folder,
)
from provenance.errors import InputError, ProvenanceError, UsageError
from provenance.verification.sources import FolderSource, Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from provenance.checks import ListedFile
    from provenance.digest import FileDigest, FileJob
    from provenance.verification.batches import Reading

__all__ = ["HubCacheSource"]

#: Longest file under `refs/` that is read.
MAX_REF_BYTES = 1_024

_BLOB = re.compile(r"((?:\.\./)+)blobs/([0-9a-f]{40,64})")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


class HubCacheSource(FolderSource):
    """A snapshot folder whose links lead into the blobs of its own repository."""

    def __init__(self, path: str) -> None:
        """Open the snapshot: the folder itself, or the one that the repository's `main` names.

        Raises:
            InputError: It cannot be read.
            UsageError: It is neither a snapshot nor a repository of such a cache.
        """
        snapshot = _find_snapshot(os.path.abspath(path))  # noqa: PTH100 - text path, links kept
        _refuse_links(os.path.abspath(path), snapshot)  # noqa: PTH100 - text path, links kept
        super().__init__(snapshot)
        self._links: dict[str, str] = {}
        try:
            with open_folder(os.path.dirname(os.path.dirname(snapshot))) as repository:  # noqa: PTH120 - text path
                self._blobs: Folder = repository.enter("blobs")
        except InputError:
            self.folder.close()
            raise

    @override
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close both folders."""
        self._blobs.close()
        super().__exit__(kind, error, trace)

    @override
    def find(self, listed: Sequence[ListedFile]) -> Tree:
        """Walk the snapshot; a link into the blobs counts as the file that it leads to."""
        found = walk_folder(self.folder)
        sizes = {file.path: file.size for file in found.files}
        faults = []
        for fault in found.faults:
            blob = self._blob_of(fault.path) if fault.code == "link-found" else None
            size = None if blob is None else self._size_of(blob)
            if blob is None or size is None:
                faults.append(fault)
            else:
                self._links[fault.path] = blob
                sizes[fault.path] = size
        return Tree(
            MappingProxyType(dict(sorted(sizes.items()))), found.empty_folders, tuple(faults)
        )

    @override
    def read(self, name: str, *, max_bytes: int) -> bytes:
        """Read one file of the snapshot, or the blob that its link leads to."""
        blob = self._links.get(name) or self._blob_of(name)
        if blob is None:
            return super().read(name, max_bytes=max_bytes)
        return read_file(blob, max_bytes=max_bytes, root=self._blobs)

    @override
    def hash_many(
        self, jobs: Sequence[FileJob], reading: Reading
    ) -> list[FileDigest | ProvenanceError]:
        """Hash files of the snapshot, or the blobs that their links lead to."""
        results: dict[str, FileDigest | ProvenanceError] = {}
        plain = [job for job in jobs if job.path not in self._links]
        linked = [job for job in jobs if job.path in self._links]
        blobs = [replace(job, path=self._links[job.path]) for job in linked]
        for named, hashed, root in ((plain, plain, self.folder), (linked, blobs, self._blobs)):
            if named:
                made = reading.hash(root, hashed)
                results.update(zip((job.path for job in named), made, strict=True))
        return [results[job.path] for job in jobs]

    @override
    def hash_tensors(self, names: Iterable[str], *, deadline: float | None) -> TypedRoot:
        """Hash the tensors of files of the snapshot."""
        wanted = list(names)
        if all(name in self._links for name in wanted):
            blobs = [self._links[name] for name in wanted]
            return hash_tensors(blobs, root=self._blobs, deadline=deadline)[0]
        return super().hash_tensors(wanted, deadline=deadline)

    @override
    def hash_blocks(
        self, name: str, block_size: int, *, expected_size: int, deadline: float | None
    ) -> BlockDigests:
        """Hash the blocks of one file of the snapshot, or of the blob that its link leads to."""
        blob = self._links.get(name)
        return hash_file_and_blocks(
            name if blob is None else blob,
            block_size,
            root=self.folder if blob is None else self._blobs,
            algorithms=(),
            expected_size=expected_size,
            deadline=deadline,
        )[1]

    def _blob_of(self, name: str) -> str | None:
        """Return the blob that a link leads to; `None` if it is no link of the one allowed form."""
        try:
            target = os.readlink(os.path.join(self.path, name))  # noqa: PTH115, PTH118 - text path
        except (OSError, ValueError):
            return None
        match = _BLOB.fullmatch(target)
        # One step up for each folder of the name, and two more to the repository.
        return match[2] if match and len(match[1]) == len("../") * (name.count("/") + 2) else None

    def _size_of(self, blob: str) -> int | None:
        """Return the size of a blob; `None` if it is no regular file directly among the blobs."""
        try:
            with open_regular(blob, root=self._blobs) as descriptor:
                return os.fstat(descriptor).st_size
        except ProvenanceError:
            return None


def _find_snapshot(path: str) -> str:
    if os.path.basename(os.path.dirname(path)) == "snapshots" and _is_folder(_blobs_beside(path)):  # noqa: PTH119, PTH120 - text path
        return path
    folder = os.path.join(path, "snapshots")  # noqa: PTH118 - text path
    if not _is_folder(folder):
        raise UsageError(
            path=printable_name(path),
            problem="is neither a repository of a Hugging Face cache nor a snapshot in one",
            remedy="name the folder models--…, or one of its snapshots/",
        )
    commits = sorted(
        name
        for name in os.listdir(folder)  # noqa: PTH208 - text path
        if _COMMIT.fullmatch(name)
    )
    main = _read_main(path)
    if main in commits:
        return os.path.join(folder, main)  # noqa: PTH118 - text path
    if len(commits) == 1:
        return os.path.join(folder, commits[0])  # noqa: PTH118 - text path
    raise UsageError(
        path=printable_name(path),
        problem=f"holds {len(commits)} snapshots, and refs/main names none of them",
        remedy="name the snapshot that you mean",
    )


def _refuse_links(path: str, snapshot: str) -> None:
    """Refuse a snapshot that a repository has only by links: they may lead out of it.

    Raises:
        InputError: Code `link-found`, or one of the folders cannot be read.
    """
    if path == snapshot:
        return  # the caller named it himself
    with (
        open_folder(path) as repository,
        repository.enter("snapshots") as snapshots,
        snapshots.enter(os.path.basename(snapshot)),  # noqa: PTH119 - text path
    ):
        pass


def _read_main(path: str) -> str:
    try:
        data = read_file(os.path.join(path, "refs", "main"), max_bytes=MAX_REF_BYTES)  # noqa: PTH118 - text path
    except ProvenanceError:
        return ""
    return data.decode("ascii", "replace").strip()


def _blobs_beside(snapshot: str) -> str:
    return os.path.join(os.path.dirname(os.path.dirname(snapshot)), "blobs")  # noqa: PTH118, PTH120 - text path


def _is_folder(path: str) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - text path
