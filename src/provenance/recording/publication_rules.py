"""Rules that say which facts become public: a TOML file of the producer's own, read strictly.

A rule names facts by a pattern of their JSON Pointer, by a pattern of their text, or by both. The
first rule that matches a fact counts, so that an exception stands before what it is one of.
Patterns are globs, matched without going back more than once, so that none is slow.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from provenance import canonical
from provenance.digest import read_file
from provenance.errors import CanonicalError, RecordingError, shown

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

__all__ = ["Action", "PrivateDataset", "Rule", "Rules", "matches_glob", "read_rules"]

#: What can be done with a fact.
Action: TypeAlias = Literal["keep", "withhold", "seal", "forbid"]

#: Largest file of rules that is read, in bytes.
MAX_RULES_BYTES: Final = 1024 * 1024

#: Most rules, and most private datasets.
MAX_RULES: Final = 1_000

#: Longest pattern, in characters.
MAX_PATTERN_CHARACTERS: Final = 1_000

_ACTIONS: Final = frozenset(get_args(Action))
_RULE_FIELDS: Final = frozenset({"action", "pointer", "value", "reason"})
_PRIVATE_FIELDS: Final = frozenset({"dataset", "reason"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    action: Action
    """What is done with the facts that it matches."""

    number: int
    """Its position in the file, from 1, for messages."""

    pointer: tuple[str, ...] | None = None
    """Patterns of the tokens of a JSON Pointer; `**` stands for any number of tokens."""

    value: str | None = None
    """Pattern of a whole text; upper and lower case are one."""

    reason: str = ""
    """Why, as it becomes public with a fact that is withheld or sealed."""

    def matches(self, place: Sequence[tuple[str, ...]], text: str | None) -> bool:
        """Return whether it matches a fact.

        Args:
            place: The tokens of its pointer; each of them as a list's position and as an item's id.
            text: The fact, if it is a text.
        """
        if self.value is not None and (text is None or not matches_glob(self.value, text)):
            return False
        return self.pointer is None or _matches_place(self.pointer, place)


@dataclass(frozen=True, slots=True)
class PrivateDataset:
    """A dataset whose files are bound and never named."""

    dataset: str
    """Its id."""

    reason: str
    """Why, as it becomes public."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a file, in their order."""

    rules: tuple[Rule, ...] = ()
    """What is done with facts."""

    private: tuple[PrivateDataset, ...] = ()
    """The datasets whose inventory is private."""

    source: str = ""
    """The file they came from, for messages."""

    def find(self, place: Sequence[tuple[str, ...]], text: str | None) -> Rule | None:
        """Return the first rule that matches a fact; see `Rule.matches`."""
        return next((rule for rule in self.rules if rule.matches(place, text)), None)

    def with_private(self, declared: Sequence[PrivateDataset]) -> Rules:
        """Return the same with more private datasets; a reason in the file counts first."""
        named = {item.dataset for item in self.private}
        more = [item for item in declared if item.dataset not in named]
        return replace(self, private=(*self.private, *more))


def read_rules(rules: Rules | str | os.PathLike[str] | Mapping[str, Any] | None) -> Rules:
    """Read rules.

    Args:
        rules: The TOML file; its content as a mapping; rules that were read; or nothing.

    Raises:
        InputError: The file cannot be read.
        RecordingError: It is no TOML, or breaks the schema of rules.
    """
    if rules is None:
        return Rules()
    if isinstance(rules, Rules):
        return rules
    if isinstance(rules, Mapping):
        return _checked(rules, "rules")
    path = Path(rules)
    data = read_file(path, max_bytes=MAX_RULES_BYTES)
    try:
        return _checked(tomllib.loads(data.decode("utf-8")), str(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecordingError(
            path=str(path), problem=f"is no TOML: {error}", remedy="mend the line"
        ) from error
    except RecursionError:
        raise RecordingError(path=str(path), problem="is nested too deep") from None


def matches_glob(pattern: str, text: str) -> bool:
    """Return whether a whole text matches: `*` is any run of characters, `?` any one character.

    Upper and lower case are one. Takes at most `len(pattern) * len(text)` steps.

    >>> matches_glob("*.corp.example*", "https://git.Corp.example/lab")
    True
    """
    wanted, given = pattern.casefold(), text.casefold()
    if wanted.strip("*") and "?" not in wanted and wanted == f"*{wanted.strip('*')}*":
        inner = wanted.strip("*")
        if "*" not in inner:
            return inner in given  # the usual pattern, by the fast search of texts
    at = place = 0
    star, resumed = -1, 0
    while at < len(given):
        if place < len(wanted) and wanted[place] == "*":
            star, resumed = place, at
            place += 1
        elif place < len(wanted) and wanted[place] in {"?", given[at]}:
            place, at = place + 1, at + 1
        elif star >= 0:  # the last star takes one character more; earlier ones never have to
            resumed += 1
            place, at = star + 1, resumed
        else:
            return False
    return not wanted[place:].strip("*")


def _matches_place(pattern: Sequence[str], place: Sequence[tuple[str, ...]]) -> bool:
    """Return whether the tokens of a pointer match; one row of a table a pattern's token."""
    reached = [True, *(False for _ in place)]
    for wanted in pattern:
        if wanted == "**":
            first = reached.index(True) if True in reached else len(reached)
            reached = [index >= first for index in range(len(reached))]
            continue
        reached = [
            False,
            *(
                before and any(_matches_token(wanted, name) for name in names)
                for before, names in zip(reached, place, strict=False)
            ),
        ]
    return reached[-1]


def _matches_token(wanted: str, name: str) -> bool:
    if "*" not in wanted and "?" not in wanted:
        return wanted == name  # names of fields have their case
    return matches_glob(wanted, name)


def _checked(tree: Mapping[str, Any], source: str) -> Rules:
    _refuse_unknown(tree, frozenset({"rule", "private"}), source, "")
    rules = tuple(
        _rule(item, f"{source}#/rule/{index}", index + 1)
        for index, item in enumerate(_tables(tree, "rule", source))
    )
    private = tuple(
        _private(item, f"{source}#/private/{index}")
        for index, item in enumerate(_tables(tree, "private", source))
    )
    return Rules(rules, private, source)


def _tables(tree: Mapping[str, Any], name: str, source: str) -> list[Mapping[str, Any]]:
    found = tree.get(name, [])
    is_list = isinstance(found, list | tuple) and all(isinstance(item, Mapping) for item in found)
    if not is_list or len(found) > MAX_RULES:
        raise RecordingError(
            path=f"{source}#/{name}",
            problem=f"expected at most {MAX_RULES} tables [[{name}]]",
            remedy=f"begin each with a line [[{name}]]",
        )
    return list(found)


def _rule(item: Mapping[str, Any], where: str, number: int) -> Rule:
    _refuse_unknown(item, _RULE_FIELDS, where, "/")
    action = _text(item, "action", where)
    if action not in _ACTIONS:
        raise RecordingError(
            path=f"{where}/action",
            problem=f"{shown(action)} is not one of {', '.join(sorted(_ACTIONS))}",
        )
    pointer = _text(item, "pointer", where) if "pointer" in item else None
    value = _text(item, "value", where) if "value" in item else None
    if pointer is None and value is None:
        raise RecordingError(
            path=where, problem="it names no fact", remedy="add pointer = … or value = …, or both"
        )
    if action in {"withhold", "seal"}:
        reason = _text(item, "reason", where)
    else:
        reason = str(item.get("reason", ""))
    return Rule(
        action=action,  # type: ignore[arg-type]  # it was just found among them
        number=number,
        pointer=None if pointer is None else _split(pointer, where),
        value=value,
        reason=reason,
    )


def _private(item: Mapping[str, Any], where: str) -> PrivateDataset:
    _refuse_unknown(item, _PRIVATE_FIELDS, where, "/")
    return PrivateDataset(_text(item, "dataset", where), _text(item, "reason", where))


def _split(pointer: str, where: str) -> tuple[str, ...]:
    try:
        return canonical.split_pointer(pointer)
    except CanonicalError as error:
        raise RecordingError(
            path=f"{where}/pointer", problem=error.problem, remedy=error.remedy
        ) from error


def _text(item: Mapping[str, Any], name: str, where: str) -> str:
    found = item.get(name)
    if not isinstance(found, str) or not found.strip() or len(found) > MAX_PATTERN_CHARACTERS:
        raise RecordingError(
            path=f"{where}/{name}",
            problem=f"expected a text of at most {MAX_PATTERN_CHARACTERS} characters",
            remedy="a reason becomes public, in the place of the fact" if name == "reason" else "",
        )
    return found


def _refuse_unknown(
    tree: Mapping[str, Any], known: frozenset[str], where: str, separator: str
) -> None:
    unknown = sorted(set(tree) - known)
    if unknown:
        raise RecordingError(
            path=f"{where}{separator or '#/'}{unknown[0]}",
            problem="is not known",
            remedy=f"the names are: {', '.join(sorted(known))}",
        )
