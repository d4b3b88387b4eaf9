"""Facts of a manifest and the rung of the evidence ladder that each one stands on.

A rung says what the verifier saw, not what the producer claims: words are `declared`, a digest
under the signature makes `bound`, bytes in hand that hash to it make `matched`. The higher rungs,
`linked` and `reproduced`, need a proof from the training log and an independent re-execution.

No I/O.

Source: `spec/verification.md`, section "Evidence ladder".
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from provenance.canonical import join_pointer
from provenance.checks.parts import PARTS, RUNGS, Kind, Part
from provenance.checks.pointers import Places, covers, expand, upwards
from provenance.digest import COUNTED, TypedRoot
from provenance.findings import CODES, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from provenance.checks.evidence import Evidence
    from provenance.manifest import Disclosure

__all__ = ["Fact", "PartRung", "facts_of", "is_at_least", "origin_of", "parts_of"]


class Fact(Struct, frozen=True):
    """One fact and where it stands."""

    path: str
    """JSON Pointer of the fact; of an absent one, where it would stand."""

    part: str
    """The id of its part."""

    kind: str
    """The name of its kind within the part."""

    rung: str | None
    """Its rung; `None` if the producer says that it does not apply."""

    origin: Literal["captured", "authored"]
    """Who said it."""


class PartRung(Struct, frozen=True):
    """One part and where it stands: as low as the lowest of its facts."""

    part: Part
    """The part."""

    rung: str | None
    """The lowest rung of its facts; `None` if none of them applies."""

    rungs: Mapping[str, int]
    """How many facts stand on each rung, lowest first."""

    @property
    def is_backed(self) -> bool:
        """Whether every fact of it is backed by evidence: matched or higher."""
        return self.rung is not None and is_at_least(self.rung, "matched")


def is_at_least(rung: str, other: str) -> bool:
    """Return whether a rung is as high as another one, or higher."""
    return RUNGS.index(rung) >= RUNGS.index(other)


def facts_of(evidence: Evidence) -> tuple[Fact, ...]:
    """Return every fact of the eleven parts with its rung, in the order of the parts."""
    ladder = _Ladder(evidence)
    return tuple(
        Fact(path, part.id, kind.name, rung, origin_of(evidence, path))
        for part in PARTS
        for kind in part.kinds
        for path, rung in ladder.facts(kind)
    )


def parts_of(facts: Sequence[Fact]) -> tuple[PartRung, ...]:
    """Return every part with its rung, the lowest of its facts."""
    return tuple(_part_rung(part, facts) for part in PARTS)


def origin_of(evidence: Evidence, path: str) -> Literal["captured", "authored"]:
    """Return who said a fact: the longest prefix among the origins wins, `authored` by default."""
    origins: Mapping[str, Any] = evidence.manifest.origins or {}
    prefix = next((prefix for prefix in upwards(path) if prefix in origins), None)
    return "captured" if prefix is not None and origins[prefix] == "captured" else "authored"


def _part_rung(part: Part, facts: Sequence[Fact]) -> PartRung:
    counts = Counter(fact.rung for fact in facts if fact.part == part.id and fact.rung is not None)
    ordered = {rung: counts[rung] for rung in RUNGS if counts[rung]}
    return PartRung(part, next(iter(ordered), None), MappingProxyType(ordered))


class _Ladder:
    """The rungs of one manifest under one evidence."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._tree = evidence.tree
        self._documents = self._by_id("/documents/*")
        self._steps = self._by_id("/processing/*")
        self._environments = self._by_id("/environments/*")
        self._disclosures = _Disclosures(evidence.manifest.disclosures)
        self._contradicted = Places(
            item.path for item in evidence.supplied if CODES[item.code].severity is Severity.ERROR
        )

    def facts(self, kind: Kind) -> Iterator[tuple[str, str | None]]:
        """Yield (path, rung) of every fact of a kind, disclosed and absent ones included.

        What the caller holds may agree with a fact in one way and contradict it in another: then
        it backs nothing.
        """
        for path, rung in self._all_facts(kind):
            is_high = rung is not None and is_at_least(rung, "matched")
            yield path, "bound" if is_high and path in self._contradicted else rung

    def _all_facts(self, kind: Kind) -> Iterator[tuple[str, str | None]]:
        places = [place for pattern in kind.patterns for place in expand(self._tree, pattern)]
        if kind.field:
            yield from self._owned(kind, places)
            if places:
                return
        else:
            yield from ((path, self._rung(kind, item)) for path, item in places)
        stated = bool(places)
        disclosed = list(self._disclosed(kind, [path for path, _ in places]))
        yield from disclosed
        if kind.required and not stated and not disclosed:
            yield kind.patterns[0].partition("/*")[0], "absent"

    def _owned(
        self, kind: Kind, owners: Iterable[tuple[str, Any]]
    ) -> Iterator[tuple[str, str | None]]:
        names = (kind.field, *kind.alternatives)
        for path, owner in owners:
            stated = [name for name in names if name in owner]
            if stated:
                yield path + join_pointer(stated[0]), self._rung(kind, owner)
                continue
            disclosed = self._disclosures.about([path + join_pointer(name) for name in names])
            rung = "absent" if disclosed is None else _disclosed_rung(disclosed)
            yield path + join_pointer(kind.field), rung

    def _disclosed(self, kind: Kind, stated: Sequence[str]) -> Iterator[tuple[str, str | None]]:
        places = frozenset(stated)
        depths = {pattern.count("/") for pattern in kind.patterns}
        for disclosure in self._evidence.manifest.disclosures:
            path = disclosure.path
            # A detail of something stated is no fact of its own: honesty must not cost a rung.
            if any(_cut(path, levels) in places for levels in depths):
                continue
            if any(covers(pattern, path) for pattern in kind.patterns):
                yield path, _disclosed_rung(disclosure)

    def _by_id(self, pattern: str) -> dict[str, Mapping[str, Any]]:
        return {item["id"]: item for _, item in expand(self._tree, pattern)}

    def _rung(self, kind: Kind, item: Mapping[str, Any]) -> str:
        """Return the highest rung that anything binding the fact reaches; words are `declared`."""
        return _highest(self._bindings(kind, item))

    def _bindings(self, kind: Kind, item: Mapping[str, Any]) -> Iterator[str]:
        yield from (self._of_root(item.get(name)) for name in kind.roots)
        yield from (self._of_set(item.get(name)) for name in kind.sets)
        yield from (self._of_digests(item.get(name)) for name in kind.digests)
        yield from (self._of_files(item.get(name)) for name in kind.files)
        yield from (self._of_document(item.get(name)) for name in kind.documents)
        yield from (self._of_code(item.get(name)) for name in kind.code)
        yield from (self._of_environment(item.get(name)) for name in kind.environments)
        if kind.inventory:
            yield self._of_inventory(item)
        for name in kind.steps:
            step = self._steps.get(item.get(name, ""), {})
            yield _highest(
                (self._of_code(step.get("code")), self._of_document(step.get("document")))
            )
        for name, field in kind.lists:
            yield from (self._of_document(one.get(field)) for one in item.get(name, ()))

    def _of_root(self, root: Mapping[str, Any] | None) -> str:
        if root is None:
            return "declared"
        return "matched" if TypedRoot(**root) in self._evidence.roots else "bound"

    def _of_set(self, records: Mapping[str, Any] | None) -> str:
        if records is None:
            return "declared"
        key = (records["count"], records["digest"], records["encoding"])
        made = {(one.count, one.digest, one.encoding) for one in self._evidence.record_sets}
        return "matched" if key in made else "bound"

    def _of_digests(self, digests: Mapping[str, str] | None) -> str:
        if not digests or not any(name in COUNTED for name in digests):
            return "declared"
        return "matched" if self._evidence.holds(digests, ()) else "bound"

    def _of_files(self, files: Any) -> str:  # noqa: ANN401 - a JSON tree
        """Return the rung of one file reference, or the lowest of several that belong together."""
        if isinstance(files, Mapping):
            return self._of_digests(files.get("digest"))
        return _lowest(self._of_digests(file.get("digest")) for file in files or ())

    def _of_document(self, name: str | None) -> str:
        document = self._documents.get(name or "", {})
        return self._of_digests(document.get("digest"))

    def _of_inventory(self, item: Mapping[str, Any]) -> str:
        """Return the rung by an inventory: the list alone binds, the listed bytes match."""
        entries = item.get("inventory", ())
        if entries:
            return _lowest(self._of_digests(entry["digest"]) for entry in entries)
        reached = self._of_files(item.get("inventoryFile", {}))
        return "declared" if reached == "declared" else "bound"

    def _of_code(self, code: Mapping[str, Any] | None) -> str:
        # A commit id alone binds nothing here: Git's SHA-1 does not count.
        if code is None:
            return "declared"
        return _highest(
            (
                self._of_root(code.get("files")),
                self._of_inventory(code),
                self._of_files(code.get("script", {})),
                self._of_document(code.get("document")),
            )
        )

    def _of_environment(self, name: str | None) -> str:
        environment = self._environments.get(name or "", {})
        packages = environment.get("packages", ())
        recorded = _lowest(self._of_digests(package.get("record")) for package in packages)
        return _highest(
            (
                self._of_files(environment.get("lockfile", {})),
                self._of_document(environment.get("document")),
                recorded,
            )
        )


class _Disclosures:
    """The disclosures of one manifest, to be found by path without looking through all of them."""

    def __init__(self, disclosures: Sequence[Disclosure]) -> None:
        self._disclosures = disclosures
        self._first: dict[str, int] = {}
        for index, disclosure in enumerate(disclosures):
            self._first.setdefault(disclosure.path, index)
        self._paths = sorted(self._first)

    def about(self, paths: Iterable[str]) -> Disclosure | None:
        """Return the first disclosure of one of these paths, of what lies above or inside it."""
        first = min((index for path in paths for index in self._indices(path)), default=None)
        return None if first is None else self._disclosures[first]

    def _indices(self, path: str) -> Iterator[int]:
        yield from (self._first[above] for above in upwards(path) if above in self._first)
        # All that begins with `path/` stands together: `0` is the character after `/`.
        start = bisect_left(self._paths, f"{path}/")
        end = bisect_left(self._paths, f"{path}0")
        yield from (self._first[inside] for inside in self._paths[start:end])


def _disclosed_rung(disclosure: Disclosure) -> str | None:
    if disclosure.status == "notApplicable":
        return None
    return "withheld" if disclosure.commitment is None else "sealed"


def _cut(path: str, levels: int) -> str | None:
    """Return what lies so many levels below the top on the way to a path; `None` if that is it."""
    tokens = path.split("/", levels + 1)
    return "/".join(tokens[:-1]) if len(tokens) == levels + 2 else None


def _highest(rungs: Iterable[str]) -> str:
    return max(rungs, key=RUNGS.index, default="declared")


def _lowest(rungs: Iterable[str]) -> str:
    return min(rungs, key=RUNGS.index, default="declared")
