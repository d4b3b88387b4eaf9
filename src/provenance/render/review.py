"""What becomes public with a manifest: hosts, users, addresses, paths, file names, packages.

Read before signing, because a signature cannot be taken back. The review errs on the side of too
much, and cannot know what is secret: a person decides. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.render.escaping import escape, shorten
from provenance.render.quantities import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["Review", "render_review", "review_manifest", "summarise_review"]

#: Values of one kind that are shown.
MAX_SHOWN_VALUES = 50
#: Characters of one value that are shown.
MAX_VALUE_CHARACTERS = 200
#: Characters of one text that are searched; what is longer is prose, and its author has read it.
MAX_SEARCHED_CHARACTERS = 100_000

# Possessive or bounded, so that no text is slow.
_HOST = re.compile(
    r"\b[a-z][a-z0-9+.-]{0,20}://(?:[^/\s@]{1,200}@)?([^/\s:?#\"'<>]{1,255})", re.IGNORECASE
)
_SCP_HOST = re.compile(r"\b[\w.-]{1,64}@([\w.-]{1,255}):(?!//)")
_ADDRESS = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\b")
_PATH = re.compile(
    r"(?<![\w:/.])(?:/[\w.@+-]{1,255}(?:/[\w.@+-]{1,255}){1,40}|~/[\w./@+-]{1,1000}"
    r"|[A-Za-z]:\\[^\s\"'<>|]{1,1000})"
)
_USER = re.compile(r"(?:/home/|/Users/|[A-Za-z]:\\Users\\)([^/\\\s\"']{1,255})")

# Parts whose texts are JSON Pointers into the document, not paths of a machine.
_POINTERS = ("origins", "critical")
_NAMES = ("path", "name", "modifiedFiles")


@dataclass(frozen=True, slots=True)
class Review:
    """What was found, each kind sorted and without repetition."""

    hosts: tuple[str, ...]
    """Names of machines in URIs."""

    users: tuple[str, ...]
    """User names in paths of home folders."""

    addresses: tuple[str, ...]
    """What looks like an e-mail address."""

    paths: tuple[str, ...]
    """Absolute paths of a machine."""

    files: tuple[str, ...]
    """Names of files: released, referred to, of data and of code."""

    packages: tuple[str, ...]
    """Installed distributions; nobody but you knows which are private."""

    def groups(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return each kind with what was found of it."""
        return (
            ("hosts", self.hosts),
            ("users", self.users),
            ("addresses", self.addresses),
            ("paths", self.paths),
            ("files", self.files),
            ("packages", self.packages),
        )


def review_manifest(tree: Mapping[str, Any]) -> Review:
    """Return what a manifest would make public.

    Args:
        tree: The predicate, as `provenance.canonical` parsed it.
    """
    searched = {name: value for name, value in tree.items() if name not in _POINTERS}
    texts = [text[:MAX_SEARCHED_CHARACTERS] for text in _texts(searched)]
    hosts = {host for text in texts for host in _HOST.findall(text)}
    hosts |= {host for text in texts for host in _SCP_HOST.findall(text)}
    return Review(
        hosts=_sorted(hosts),
        users=_sorted({user for text in texts for user in _USER.findall(text)}),
        addresses=_sorted({found for text in texts for found in _ADDRESS.findall(text)}),
        paths=_sorted({found for text in texts for found in _PATH.findall(text)}),
        files=_sorted(set(_file_names(searched))),
        packages=_sorted(set(_packages(tree))),
    )


def render_review(review: Review) -> str:
    """Return a review as lines of text, one kind after the other."""
    lines = ["What becomes public when this is signed and published:"]
    for kind, values in review.groups():
        lines.append(f"{kind} ({format_count(len(values))})")
        shown = values[:MAX_SHOWN_VALUES]
        lines += [f"  {escape(shorten(value, MAX_VALUE_CHARACTERS))}" for value in shown]
        if len(values) > len(shown):
            lines.append(f"  … and {format_count(len(values) - len(shown))} more")
    return "\n".join(lines)


def summarise_review(review: Review) -> str:
    """Return one line with how much of each kind becomes public."""
    counts = [f"{kind} {format_count(len(values))}" for kind, values in review.groups() if values]
    return f"becomes public: {', '.join(counts) or 'nothing that looks private'}"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if not (
                name == "path" and set(value) >= {"status", "reason"}
            ):  # a disclosure's pointer
                yield name
                yield from _texts(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)


def _file_names(value: object) -> Iterator[str]:
    """Yield what stands as the name of a file beside its size, digest or commit."""
    if isinstance(value, Mapping):
        is_file = not value.keys().isdisjoint(("digest", "size", "commit", "script", "modified"))
        for name, item in value.items():
            if name in _NAMES and isinstance(item, tuple):
                yield from (text for text in item if isinstance(text, str))
            elif is_file and name in _NAMES and isinstance(item, str):
                yield item
            yield from _file_names(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _file_names(item)


def _packages(tree: Mapping[str, Any]) -> Iterator[str]:
    environments = tree.get("environments")
    for environment in environments if isinstance(environments, tuple) else ():
        packages = environment.get("packages") if isinstance(environment, Mapping) else None
        for package in packages if isinstance(packages, tuple) else ():
            if isinstance(package, Mapping):
                yield f"{package.get('name')} {package.get('version')}"


def _sorted(found: set[str]) -> tuple[str, ...]:
    return tuple(sorted(found))
