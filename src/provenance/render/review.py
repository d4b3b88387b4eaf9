"""What becomes public with a release: hosts, users, paths, names, arguments, words.

Read before signing, because a signature cannot be taken back. The review errs on the side of too
much, and cannot know what is secret: a person decides. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.canonical import join_pointer
from provenance.render.escaping import escape, shorten
from provenance.render.quantities import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = [
    "KINDS",
    "Mention",
    "Review",
    "count_mentions",
    "render_review",
    "review_manifest",
    "summarise_review",
]

#: What is looked for, in the order in which it is shown.
KINDS = (
    *("hosts", "users", "addresses", "paths", "files", "packages"),
    *("indexes", "arguments", "texts"),
)

#: Values of one kind that are shown.
MAX_SHOWN_VALUES = 50
#: Characters of one value that are shown.
MAX_VALUE_CHARACTERS = 200
#: Characters of one text that are searched; what is longer is prose, and its author has read it.
MAX_SEARCHED_CHARACTERS = 100_000
#: Words from which a text is one that somebody has written.
MIN_WORDS = 3

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
# Where packages were had: an option of pip or uv, a line of its configuration, an address of it.
_INDEX = re.compile(
    r"(?:index[-_]url|find[-_]links|--index|default[-_]index)\W{1,4}([^\s\"',]{4,500})"
    r"|\b(https?://[^\s\"'<>]{1,400}/simple\b/?)",
    re.IGNORECASE,
)

# Parts whose texts are JSON Pointers into the document, not paths of a machine.
_POINTERS = ("origins", "critical")
_NAMES = ("path", "name", "modifiedFiles")
# What stands beside the name of a file.
_FILE_FIELDS = ("digest", "size", "commit", "script", "modified")


@dataclass(frozen=True, slots=True)
class Mention:
    """One thing that becomes public, at one place."""

    kind: str
    """One of `KINDS`."""

    value: str
    """What was found."""

    pointer: str = ""
    """JSON Pointer of its place in the manifest."""

    file: str = ""
    """The published file that it stands in, instead of the manifest."""

    origin: str = "authored"
    """Who says it: `captured` or `authored`, or `file` for what stands in a file."""


@dataclass(frozen=True, slots=True)
class Review:
    """What was found, in the order of the manifest, then of the files."""

    mentions: tuple[Mention, ...] = ()
    """Every place of every value."""

    not_looked_at: tuple[tuple[str, str], ...] = ()
    """Published files that were not searched, each with the reason."""

    def values(self, kind: str) -> tuple[str, ...]:
        """Return what was found of a kind, sorted and without repetition."""
        return tuple(sorted({item.value for item in self.mentions if item.kind == kind}))

    def places(self) -> Mapping[tuple[str, str], tuple[Mention, ...]]:
        """Return the places of each value, by kind and value."""
        found: dict[tuple[str, str], list[Mention]] = {}
        for item in self.mentions:
            found.setdefault((item.kind, item.value), []).append(item)
        return {key: tuple(items) for key, items in found.items()}

    def groups(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return each kind with what was found of it."""
        return tuple((kind, self.values(kind)) for kind in KINDS)


def review_manifest(
    tree: Mapping[str, Any],
    texts: Mapping[str, str] | None = None,
    *,
    not_looked_at: tuple[tuple[str, str], ...] = (),
) -> Review:
    """Return what a manifest, and the texts that are published with it, would make public.

    Args:
        tree: The predicate, as `provenance.canonical` parsed it.
        texts: The texts, by the names of their files in the release.
        not_looked_at: Files that were not read, each with the reason.
    """
    origins = tree.get("origins")
    said = origins if isinstance(origins, Mapping) else {}
    found = [
        Mention(kind, value, pointer, origin=_origin(said, pointer))
        for name, part in tree.items()
        if name not in _POINTERS
        for kind, value, pointer in _in_value(part, (name,), {})
    ]
    for file, text in (texts or {}).items():
        found.append(Mention("files", file, file=file, origin="file"))
        found += [Mention(kind, it, file=file, origin="file") for kind, it in _in_text(text, None)]
    return Review(tuple(dict.fromkeys(found)), not_looked_at)


def count_mentions(review: Review) -> Mapping[str, int]:
    """Return how many different values of each kind become public, of kinds that have any."""
    return {kind: len(values) for kind, values in review.groups() if values}


def render_review(review: Review, *, places: bool = False) -> str:
    """Return a review as lines of text, one kind after the other.

    Args:
        review: The review.
        places: Say of each value who states it, and where.
    """
    lines = ["What becomes public when this is signed and published:"]
    where = review.places() if places else {}
    for kind, values in review.groups():
        lines.append(f"{kind} ({format_count(len(values))})")
        shown = values[:MAX_SHOWN_VALUES]
        for value in shown:
            lines.append(f"  {escape(shorten(value, MAX_VALUE_CHARACTERS))}")
            lines += [f"    {text}" for text in _say_places(where.get((kind, value), ()))]
        if len(values) > len(shown):
            lines.append(f"  … and {format_count(len(values) - len(shown))} more")
    if places and review.not_looked_at:
        lines.append(f"files that were not searched ({format_count(len(review.not_looked_at))})")
        for name, reason in review.not_looked_at[:MAX_SHOWN_VALUES]:
            lines.append(f"  {escape(shorten(name, MAX_VALUE_CHARACTERS))}: {escape(reason)}")
        if len(review.not_looked_at) > MAX_SHOWN_VALUES:
            rest = len(review.not_looked_at) - MAX_SHOWN_VALUES
            lines.append(f"  … and {format_count(rest)} more")
    return "\n".join(lines)


def summarise_review(review: Review) -> str:
    """Return one line with how much of each kind becomes public."""
    counts = [f"{kind} {format_count(count)}" for kind, count in count_mentions(review).items()]
    return f"becomes public: {', '.join(counts) or 'nothing that looks private'}"


def _say_places(mentions: tuple[Mention, ...]) -> Iterator[str]:
    """Yield one line for each kind of origin: the first place, and how many more there are."""
    counts = Counter(item.origin for item in mentions)
    for origin, count in counts.items():
        first = next(item for item in mentions if item.origin == origin)
        more = f" and {format_count(count - 1)} more" if count > 1 else ""
        place = escape(shorten(first.file or first.pointer, MAX_VALUE_CHARACTERS))
        yield f"{'in the file' if origin == 'file' else origin}: {place}{more}"


def _origin(origins: Mapping[str, Any], pointer: str) -> str:
    """Return who states a fact: the longest prefix counts, and nobody's word is the author's."""
    place = pointer
    while place not in origins and place:
        place = place.rpartition("/")[0]
    return str(origins.get(place, "authored"))


def _in_value(
    value: object, tokens: tuple[str, ...], beside: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Yield kind, value and JSON Pointer of what stands at and below a place of the manifest."""
    if isinstance(value, str):
        pointer = join_pointer(*tokens)
        yield from ((kind, found, pointer) for kind, found in _in_string(value, tokens, beside))
    elif isinstance(value, Mapping):
        is_disclosure = set(value) >= {"path", "status", "reason"}
        if tokens[-2:-1] == ("packages",) and "name" in value:
            version = value.get("version")
            yield "packages", f"{value['name']} {version}", join_pointer(*tokens)
        for name, item in value.items():
            if is_disclosure and name == "path":
                continue  # a disclosure's pointer
            pointer = join_pointer(*tokens, name)
            yield from ((kind, found, pointer) for kind, found in _in_text(name))
            yield from _in_value(item, (*tokens, name), value)
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _in_value(item, (*tokens, str(index)), beside)


def _in_string(
    text: str, tokens: tuple[str, ...], beside: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield kind and value of what one text of the manifest says."""
    yield from _in_text(text)
    field = next(token for token in reversed(tokens) if not token.isdigit() or token == tokens[0])
    is_listed = tokens[-1].isdigit() and field != tokens[-1]
    if field in _NAMES and (is_listed or not beside.keys().isdisjoint(_FILE_FIELDS)):
        yield "files", text
    elif field == "command" and is_listed:
        yield "arguments", text
    elif len(text.split(None, MIN_WORDS)) > MIN_WORDS:
        yield "texts", text


def _in_text(text: str, limit: int | None = MAX_SEARCHED_CHARACTERS) -> Iterator[tuple[str, str]]:
    """Yield kind and value of what a text names, wherever it stands."""
    searched = text[:limit]
    if not ("/" in searched or "@" in searched or "\\" in searched):
        return  # it names no place
    for pattern, kind in (
        (_HOST, "hosts"),
        (_SCP_HOST, "hosts"),
        (_USER, "users"),
        (_ADDRESS, "addresses"),
        (_PATH, "paths"),
    ):
        yield from ((kind, found) for found in pattern.findall(searched))
    for option, address in _INDEX.findall(searched):
        yield "indexes", option or address
