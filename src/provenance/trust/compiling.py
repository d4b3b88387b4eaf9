"""From a policy document to the frozen policy that verifies: every rule between its parts.

Nothing is verified with a policy that breaks one. Reading the files that it names is the only I/O.

Source: `spec/trust-policy.md`, section "Compiling".
"""

from __future__ import annotations

import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_POLICY_BYTES, join_pointer
from provenance.digest import printable_name, read_file
from provenance.errors import UsageError, shown
from provenance.manifest import (
    DATASET_V1,
    EVALUATION_V1,
    MANIFEST_V1,
    PREDICATE_TYPES,
    REPRODUCTION_V1,
    parse_timestamp,
)
from provenance.signing import SCHEMES, parse_fingerprint
from provenance.trust.documents import ROLES
from provenance.trust.field_patterns import check_pattern
from provenance.trust.policy import TrustPolicy
from provenance.trust.policy_checks import PARTS_OF_TRAINING
from provenance.trust.policy_reading import is_placed, read_policy, refuse
from provenance.trust.presets import PRESETS
from provenance.trust.rules import (
    AncestorRules,
    Requirement,
    RevokedArtifact,
    RevokedKey,
    Role,
    TrustedSigner,
)
from provenance.trust.signer_compiling import SignerCompiler

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from provenance.trust.documents import PolicyDocument, RevokedDocument, SignerDocument

__all__ = ["DEFAULT_PREDICATE_TYPES", "PARTS_OF_TRAINING", "compile_policy", "load_policy"]

#: What each role signs unless the policy says otherwise.
DEFAULT_PREDICATE_TYPES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "trainer": (MANIFEST_V1,),
        "data": (DATASET_V1,),
        "evaluator": (EVALUATION_V1,),
        "reproducer": (REPRODUCTION_V1,),
        "auditor": (MANIFEST_V1,),
    }
)


def load_policy(path: str | os.PathLike[str]) -> TrustPolicy:
    """Return the policy of a TOML or JSON file; files that it names are relative to its folder.

    Raises:
        InputError: The file cannot be read.
        UsageError: It is no policy, or one that makes no sense.
    """
    name = printable_name(os.fspath(path))
    # The caller named this file, so a link to it is followed.
    real = Path(os.path.realpath(path))
    data = read_file(real, max_bytes=MAX_POLICY_BYTES)
    policy = compile_policy(read_policy(data, path=name), path=name, base=real.parent)
    return replace(policy, sha256=sha256(data).hexdigest())


def compile_policy(
    document: PolicyDocument, *, path: str = "", base: Path | None = None
) -> TrustPolicy:
    """Return the policy that a document means.

    Args:
        document: The document.
        path: What messages call it.
        base: The folder that file names in it are relative to; `None` refuses file names, which a
            policy that came over a network must not have.

    Raises:
        UsageError: A rule between its parts is broken, or a key cannot be used; the path names the
            place.
    """
    return _Compiler(document, path, base).policy()


class _Compiler:
    """Compiles one document."""

    def __init__(self, document: PolicyDocument, path: str, base: Path | None) -> None:
        self._document = document
        self._path = path
        self._signers = SignerCompiler(path, base)

    def policy(self) -> TrustPolicy:
        document = self._document
        self._check_schemes(document.algorithms, "/algorithms")
        self._check_presets()
        signers = self._compile_signers()
        stamps = document.timestamps
        skew = document.clock_skew_seconds
        revoked_keys, revoked_artifacts = self._revoked(document.revoked)
        try:
            return TrustPolicy(
                all_digests=document.digests == "all",
                clock_skew_seconds=300 if skew is None else skew,
                presets=document.ignore,
                name=document.name,
                version=document.version,
                expires=_time(document.expires),
                signers=signers,
                roles=self._roles(),
                policy_signers=self._policy_signers(),
                algorithms=document.algorithms,
                timestamps=self._signers.timestamps(stamps, "/timestamps") if stamps else None,
                timestamp_required=stamps is not None and stamps.required,
                log_required=document.log is not None and document.log.required,
                max_age_days=document.max_age_days,
                requirements=self._requirements(document.require, "/require"),
                part_requirements=self._part_requirements(),
                empty_is_met=document.require_empty == "met",
                not_applicable_is_met=document.require_not_applicable == "met",
                revoked_keys=revoked_keys,
                revoked_artifacts=revoked_artifacts,
                ancestors=self._ancestors(),
            )
        except UsageError as error:
            if is_placed(error, self._path):
                raise
            refuse(self._path, f"/{error.path}", error.problem, error.remedy)

    def _compile_signers(self) -> tuple[TrustedSigner, ...]:
        made: dict[str, TrustedSigner] = {}
        seen: dict[str, str] = {}
        for name, signer in self._document.signers.items():
            pointer = join_pointer("signers", name)
            trusted = self._compile_signer(name, signer, pointer)
            # Of a key, its own fingerprint, whatever file it came from; of a name, with its issuer.
            same = seen.setdefault(trusted.verifier.fingerprint, name)
            if same != name:
                problem = f"is the same signer as {same}, and would count twice"
                refuse(self._path, pointer, problem, "name each key or identity once")
            made[name] = trusted
        return tuple(made.values())

    def _compile_signer(self, name: str, signer: SignerDocument, pointer: str) -> TrustedSigner:
        self._check_schemes(signer.algorithms, f"{pointer}/algorithms")
        begin, end = _time(signer.not_before), _time(signer.not_after)
        if begin is not None and end is not None and end < begin:
            refuse(self._path, f"{pointer}/notAfter", "ends before it begins")
        allowed = self._document.algorithms
        foreign = [one for one in signer.algorithms if allowed and one not in allowed]
        if foreign:
            problem = f"{foreign[0]} is not among the algorithms of the policy"
            refuse(self._path, f"{pointer}/algorithms", problem)
        algorithms = signer.algorithms or allowed
        return TrustedSigner(
            name=name,
            verifier=self._signers.verifier(signer, pointer, algorithms),
            algorithms=signer.algorithms,
            not_before=begin,
            not_after=end,
        )

    def _roles(self) -> tuple[Role, ...]:
        document = self._document
        roles = []
        for name in ROLES:
            if name not in document.roles:
                continue
            given = document.roles[name]
            pointer = join_pointer("roles", name)
            self._check_names(given.signers, given.threshold, pointer)
            types = given.predicate_types or DEFAULT_PREDICATE_TYPES[name]
            unknown = [one for one in types if one not in PREDICATE_TYPES]
            if unknown:
                problem = f"{shown(unknown[0])} is no predicate type that we know"
                remedy = f"expected some of {', '.join(PREDICATE_TYPES)}"
                refuse(self._path, f"{pointer}/predicateTypes", problem, remedy)
            roles.append(
                Role(
                    name=name,
                    signers=given.signers,
                    threshold=given.threshold,
                    required=given.required,
                    predicate_types=types,
                    models=given.models,
                )
            )
        if not any(role.required and MANIFEST_V1 in role.predicate_types for role in roles):
            problem = "no role is required that signs the manifest"
            refuse(self._path, "/roles", problem, "add roles.trainer with its signers")
        return tuple(roles)

    def _policy_signers(self) -> Role | None:
        given = self._document.policy_signers
        if given is None:
            return None
        self._check_names(given.signers, given.threshold, "/policySigners")
        return Role(name="policySigners", signers=given.signers, threshold=given.threshold)

    def _check_names(self, names: tuple[str, ...], threshold: int, pointer: str) -> None:
        seen = set()
        for index, name in enumerate(names):
            if name not in self._document.signers:
                problem = f"no signer is called {shown(name)}"
                refuse(self._path, f"{pointer}/signers/{index}", problem, "add it to signers")
            if name in seen:
                refuse(self._path, f"{pointer}/signers/{index}", f"{shown(name)} stands twice")
            seen.add(name)
        if threshold > len(names):
            problem = f"{threshold} signatures of {len(names)} signers could never be met"
            refuse(self._path, f"{pointer}/threshold", problem, "name more signers")

    def _check_schemes(self, names: tuple[str, ...], pointer: str) -> None:
        for index, name in enumerate(names):
            if name not in SCHEMES:
                problem = f"{shown(name)} is no signature scheme that we know"
                remedy = f"expected some of {', '.join(SCHEMES)}"
                refuse(self._path, f"{pointer}/{index}", problem, remedy)

    def _check_presets(self) -> None:
        for index, name in enumerate(self._document.ignore):
            if name not in PRESETS:
                problem = f"{shown(name)} is no preset; expected some of {', '.join(PRESETS)}"
                refuse(self._path, f"/ignore/{index}", problem)

    def _requirements(
        self, given: Mapping[str, str] | None, pointer: str
    ) -> tuple[Requirement, ...]:
        for pattern in given or ():
            problem, remedy = check_pattern(pattern)
            if problem:
                refuse(self._path, pointer + join_pointer(pattern), problem, remedy)
        return _sorted((given or {}).items())

    def _part_requirements(self) -> tuple[Requirement, ...]:
        given = self._document.require_parts or {}
        for name in given:
            if name not in PARTS_OF_TRAINING:
                problem = f"{shown(name)} is no part of open training"
                remedy = f"expected some of {', '.join(PARTS_OF_TRAINING)}"
                refuse(self._path, join_pointer("requireParts", name), problem, remedy)
        return _sorted(given.items())

    def _ancestors(self) -> AncestorRules | None:
        given = self._document.ancestors
        if given is None:
            return None
        self._check_names(given.signers, 0, "/ancestors")
        requirements = self._requirements(given.require, "/ancestors/require")
        return AncestorRules(bound=given.bound, signers=given.signers, requirements=requirements)

    def _revoked(
        self, given: RevokedDocument | None
    ) -> tuple[tuple[RevokedKey, ...], tuple[RevokedArtifact, ...]]:
        if given is None:
            return (), ()
        keys = []
        for index, key in enumerate(given.keys):
            try:
                fingerprint = parse_fingerprint(key.fingerprint)
            except UsageError as error:
                refuse(self._path, f"/revoked/keys/{index}/fingerprint", error.problem)
            keys.append(RevokedKey(fingerprint, _time(key.from_), key.reason or ""))
        artifacts = tuple(RevokedArtifact(one.sha256, one.reason or "") for one in given.artifacts)
        return tuple(keys), artifacts


def _sorted(pairs: Iterable[tuple[str, str]]) -> tuple[Requirement, ...]:
    return tuple(Requirement(pattern, rung) for pattern, rung in sorted(pairs))


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_timestamp(text)
