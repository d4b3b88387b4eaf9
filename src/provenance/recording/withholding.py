"""What rules of publication do to a manifest: facts are taken out, and a disclosure says so. Pure.

What cannot be left out alone is taken out with what holds it: an item of a list with its list, a
required field with its object. Nothing is replaced by a placeholder, and no position moves.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin

from provenance import canonical
from provenance.errors import RecordingError
from provenance.manifest.base import Document
from provenance.manifest.frozen import FrozenMapping
from provenance.manifest.manifest import Manifest
from provenance.recording.description import IDENTIFIED
from provenance.recording.drafts import Sealed, seal

if TYPE_CHECKING:
    from provenance.recording.publication_rules import Action, Rule, Rules

__all__ = ["Applied", "Decision", "apply_rules", "decide", "refuse_forbidden", "refuse_problems"]

# Parts that say how the rest is to be read, and hold nothing of the producer's.
_ABOUT_THE_REST: Final = frozenset(
    {"manifestVersion", "createdAt", "critical", "disclosures", "generator", "origins"}
)

# The one member of a number that JSON cannot hold.
_NUMBER: Final = frozenset({"number"})

# What is in the released folder is public, whatever the manifest says of it.
_RELEASED: Final = "release"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule does with one fact."""

    action: Action
    """Keep, withhold, seal or forbid."""

    pointer: str
    """JSON Pointer of the fact that the rule matches."""

    target: str
    """JSON Pointer of what is taken out with it; the same, unless it cannot be left out alone."""

    rule: int
    """The position of the rule in its file, from 1."""

    reason: str = ""
    """Why, as it becomes public."""

    problem: str = ""
    """Why the rule cannot be followed; empty if it can."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A manifest's tree after the rules."""

    tree: dict[str, Any]
    """The tree; what it does not say any more is in its disclosures."""

    sealed: tuple[Sealed, ...] = ()
    """What opens the commitments."""

    decisions: tuple[Decision, ...] = ()
    """What was done, and what may not be published."""


@dataclass(frozen=True, slots=True)
class _Place:
    """One place of the tree, and what the format says of it."""

    tokens: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    kind: object
    optional: tuple[bool, ...]
    """For each token, whether what it names may be left out alone."""


def decide(tree: Mapping[str, Any], rules: Rules) -> tuple[Decision, ...]:
    """Return what the rules do with each fact that one of them matches, in the order of the tree.

    Args:
        tree: The manifest's tree.
        rules: The rules.
    """
    if not rules.rules:
        return ()
    return tuple(_decide(tree, _Place((), (), Manifest, ()), rules))


def apply_rules(tree: Mapping[str, Any], rules: Rules) -> Applied:
    """Take out of a manifest what is to be withheld or sealed, and disclose it.

    Raises:
        RecordingError: A rule cannot be followed: what it matches must stand in a manifest, or is
            in the release.
    """
    decisions = decide(tree, rules)
    refuse_problems(decisions, rules)
    whole = _copied(dict(tree))
    disclosures = list(whole.get("disclosures") or ())
    sealed: list[Sealed] = []
    for decision in _outermost(decisions):
        value = _take_out(whole, canonical.split_pointer(decision.target))
        fields: dict[str, Any] = {
            "path": decision.target,
            "status": "withheld",
            "reason": decision.reason,
        }
        if decision.action == "seal":
            commitment, opened = seal(decision.target, value)
            fields["commitment"] = dict(commitment)
            sealed.append(opened)
        disclosures.append(fields)
    _drop_fingerprints(whole, decisions)
    if disclosures:
        whole["disclosures"] = disclosures
    return Applied(whole, tuple(sealed), decisions)


def refuse_problems(decisions: tuple[Decision, ...], rules: Rules) -> None:
    """Refuse rules that cannot be followed.

    Raises:
        RecordingError: One cannot; the place is named, and not what stands there.
    """
    for decision in decisions:
        if decision.problem:
            raise RecordingError(
                path=decision.pointer,
                problem=f"rule {decision.rule} of {rules.source} cannot be followed: "
                f"{decision.problem}",
                remedy="change what is recorded, narrow the rule with a pointer, or put one with "
                'action = "keep" before it',
            )


def refuse_forbidden(decisions: tuple[Decision, ...], rules: Rules) -> None:
    """Refuse what a rule forbids.

    Raises:
        RecordingError: Something is forbidden; its place is named, and not its value.
    """
    forbidden = [decision for decision in decisions if decision.action == "forbid"]
    if not forbidden:
        return
    others = f", and {len(forbidden) - 1} more places" if len(forbidden) > 1 else ""
    raise RecordingError(
        path=forbidden[0].pointer,
        problem=f"rule {forbidden[0].rule} of {rules.source} forbids to publish this{others}",
        remedy="withhold or seal it, or record the run without it",
    )


def _decide(value: object, place: _Place, rules: Rules) -> Iterator[Decision]:
    rule = rules.find(place.names, value if isinstance(value, str) else None)
    if rule is None and place.tokens and _is_name(place):
        rule = rules.find(place.names, place.tokens[-1])  # a name in a free object says something
    if rule is not None and place.tokens:
        if rule.action != "keep":
            yield _decision(rule, place)
            return
        rules = replace(
            rules, rules=rules.rules[: rules.rules.index(rule)]
        )  # those before it count
    yield from _decide_below(value, place, rules)


def _decide_below(value: object, place: _Place, rules: Rules) -> Iterator[Decision]:
    if isinstance(value, Mapping):
        if value.keys() == _NUMBER:
            return  # one value, and no object
        for name, item in value.items():
            if not place.tokens and name in _ABOUT_THE_REST:
                continue
            kind, optional = _member(place.kind, name)
            inner = _Place(
                (*place.tokens, name), (*place.names, (name,)), kind, (*place.optional, optional)
            )
            yield from _decide(item, inner, rules)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            names = (str(index), *_ids(item))
            inner = _Place(
                (*place.tokens, str(index)),
                (*place.names, names),
                _item(place.kind),
                (*place.optional, False),
            )
            yield from _decide(item, inner, rules)


def _ids(item: object) -> tuple[str, ...]:
    identifier = item.get("id") if isinstance(item, Mapping) else None
    return (identifier,) if isinstance(identifier, str) else ()


def _is_name(place: _Place) -> bool:
    """Return whether the last token is a name that the producer chose."""
    return place.kind is FrozenMapping and place.optional[-1]


def _decision(rule: Rule, place: _Place) -> Decision:
    pointer = canonical.join_pointer(*place.tokens)
    if rule.action == "forbid":
        return Decision("forbid", pointer, pointer, rule.number, rule.reason)
    length = len(place.tokens)
    while length and not place.optional[length - 1]:
        length -= 1
    target = place.tokens[:length]
    problem = ""
    if place.tokens[0] == _RELEASED:
        problem = "what is released is public"
    elif not target:
        problem = "a manifest must state it"
    elif target[-1] in IDENTIFIED and len(target) < len(place.tokens):
        problem = f"it takes all {target[-1]} with it, and other parts refer to them"
    shown_target = canonical.join_pointer(*target)
    return Decision(rule.action, pointer, shown_target, rule.number, rule.reason, problem)


def _outermost(decisions: tuple[Decision, ...]) -> Iterator[Decision]:
    """Yield what is to be taken out, each place once, and nothing inside of what goes anyway."""
    wanted = [it for it in decisions if it.action in {"withhold", "seal"}]
    targets = {decision.target for decision in wanted}
    seen: set[str] = set()
    for decision in wanted:
        tokens = canonical.split_pointer(decision.target)
        above = {canonical.join_pointer(*tokens[:length]) for length in range(len(tokens))}
        if decision.target not in seen and not above & targets:
            seen.add(decision.target)
            yield decision


def _take_out(tree: Any, tokens: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON
    for token in tokens[:-1]:
        tree = tree[int(token)] if isinstance(tree, list) else tree[token]
    return tree.pop(tokens[-1])


def _drop_fingerprints(tree: dict[str, Any], decisions: tuple[Decision, ...]) -> None:
    """Take out the digests of environments that something was taken out of: they bind it still."""
    for decision in _outermost(decisions):
        part, *inside = canonical.split_pointer(decision.target)
        if part == "environments" and len(inside) > 1:
            environment = tree[part][int(inside[0])]
            for name in ("environmentClass", "fullCapture"):
                environment.pop(name, None)


def _copied(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list | tuple) else value


def _member(kind: object, name: str) -> tuple[object, bool]:
    """Return the type of a member, and whether the object may do without it."""
    if isinstance(kind, type) and issubclass(kind, Document):
        for field_name, field in kind.model_fields.items():
            if (field.alias or field_name) == name:
                return _core(field.annotation), not field.is_required()
    elif kind is FrozenMapping:
        return FrozenMapping, True
    return None, False


def _item(kind: object) -> object:
    """Return the type of the items of a list."""
    if get_origin(kind) is tuple:
        return _core(get_args(kind)[0])
    return FrozenMapping if kind is FrozenMapping else None


def _core(annotation: object) -> object:
    """Return the type without `Annotated` and `| None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in {Union, types.UnionType}:
            annotation = next(item for item in get_args(annotation) if item is not types.NoneType)
        else:
            return annotation
