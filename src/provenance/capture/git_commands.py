"""Ask Git about a repository that may be hostile, without running what the repository names.

A repository's configuration, attributes and hooks can name programs, and most commands run some of
them (`status`, `diff`, `describe --dirty`, `submodule status` and every form of `ls-files` do).
Only commands that were measured to run nothing are asked here, in an environment of their own, so
that neither the user's configuration nor a remote is ever touched. Source:
`docs/explanation/capture.md`.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from provenance.capture.processes import Output, run_program

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GIT_SEARCH_PATH", "ForeignOwnerError", "Git", "GitError", "find_git", "is_object_id"]

#: Where Git is looked for: never in the current folder, never on the caller's `PATH`.
GIT_SEARCH_PATH = (
    "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin:/opt/local/bin:/run/current-system/sw/bin"
)

#: The whole environment of each command.
GIT_ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        # Two switches against fetching missing objects from a remote that names a program: an
        # older Git does not know the second, and options on the command line do not help.
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
    }
)

#: Options before each command; they narrow, but alone they would not be enough.
GIT_OPTIONS = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "log.showSignature=false"),
)

#: Most bytes of an answer: the listing of a tree of about a million files.
MAX_ANSWER_BYTES = 128 * 1024 * 1024

_OBJECT_ID = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class GitError(Exception):
    """Git gave no answer; the text says why. It never leaves this room."""


class ForeignOwnerError(GitError):
    """The repository belongs to another user, and Git refuses to read it."""


@dataclass(frozen=True, slots=True)
class Git:
    """Git in one folder, with one deadline for all questions."""

    program: Path
    """Absolute path of the program."""

    folder: Path
    """Absolute path of the folder that it is asked about."""

    deadline: float
    """When the last answer must be there, on the clock of `time.monotonic`."""

    def run(self, *arguments: str) -> Output:
        """Run one command; its exit code may be anything.

        Raises:
            GitError: It could not be run to its end.
            ForeignOwnerError: The repository belongs to another user.
        """
        output = run_program(
            (str(self.program), *GIT_OPTIONS, *arguments),
            folder=self.folder,
            environment=GIT_ENVIRONMENT,
            deadline=self.deadline,
            max_bytes=MAX_ANSWER_BYTES,
        )
        if output.code is None:
            message = f"git {arguments[0]} {output.problem}"
            raise GitError(message)
        if b"dubious ownership" in output.stderr or b"unsafe repository" in output.stderr:
            message = "the repository belongs to another user, and git refuses to read it"
            raise ForeignOwnerError(message)
        return output

    def ask(self, *arguments: str) -> bytes | None:
        """Return the answer of one command without its last newline, or nothing if it failed."""
        output = self.run(*arguments)
        return output.stdout.removesuffix(b"\n") if output.code == 0 else None

    def object_id(self, revision: str) -> str | None:
        """Return the full id that a revision names, checked, or nothing."""
        answer = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", revision)
        return answer.decode("ascii") if answer is not None and is_object_id(answer) else None


def find_git(search_path: str = GIT_SEARCH_PATH) -> Path | None:
    """Return the absolute path of Git on a fixed search path, or nothing."""
    folders = [folder for folder in search_path.split(os.pathsep) if Path(folder).is_absolute()]
    found = shutil.which("git", path=os.pathsep.join(folders)) if folders else None
    return Path(found) if found else None


def is_object_id(text: bytes) -> bool:
    """Return whether a text is a full object id: 40 or 64 lower-case hexadecimal digits."""
    return _OBJECT_ID.fullmatch(text) is not None
