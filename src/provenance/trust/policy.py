"""The trust policy: whose signature counts, and what must have been checked. No I/O.

A policy is an explicit argument: never read from the model folder, the working directory or the
environment. It is frozen; verifying with it does not change it.
"""

from __future__ import annotations

from dataclasses import dataclass

from provenance.errors import UsageError, shown
from provenance.signing import SignatureVerifier
from provenance.trust.presets import PRESETS

__all__ = ["TrustPolicy"]

#: Largest allowance for clocks that differ; beyond a day it is no allowance.
MAX_CLOCK_SKEW_SECONDS = 86_400
#: Most keys that one policy names.
MAX_KEYS = 1_024
#: Longest model name, in characters.
MAX_MODEL_NAME_CHARACTERS = 1_000


@dataclass(frozen=True, kw_only=True)
class TrustPolicy:
    """What a caller trusts and requires. The default trusts nobody, so nothing passes.

    Raises:
        UsageError: A value makes no sense; nothing is verified with such a policy.
    """

    keys: tuple[SignatureVerifier, ...] = ()
    """Keys or identities, any of which may have signed."""

    model_name: str | None = None
    """The name that the signed model must have; `None` reports the name as not checked."""

    all_digests: bool = False
    """Recompute every recorded digest, not BLAKE3 alone."""

    clock_skew_seconds: int = 300
    """How far the signer's clock may be ahead of the verifier's."""

    presets: tuple[str, ...] = ()
    """Names of presets whose files need not be checked."""

    def __post_init__(self) -> None:
        """Refuse nonsense before anything is verified."""
        _check_keys(self.keys)
        _check_model_name(self.model_name)
        _check_clock_skew(self.clock_skew_seconds)
        _check_presets(self.presets)
        if not isinstance(self.all_digests, bool):
            raise _nonsense("all_digests", "true or false", self.all_digests)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The fingerprints of the keys, each once, in the order given."""
        return tuple(dict.fromkeys(key.fingerprint for key in self.keys))


# The checks take objects: callers without a type checker exist, and a policy decides about trust.


def _check_keys(keys: object) -> None:
    if not isinstance(keys, tuple) or len(keys) > MAX_KEYS:
        raise _nonsense("keys", f"a tuple of at most {MAX_KEYS} keys", keys)
    for key in keys:
        if not isinstance(key, SignatureVerifier):
            raise _nonsense("keys", "only signature verifiers", key)


def _check_model_name(name: object) -> None:
    if name is None:
        return
    if not isinstance(name, str) or not 0 < len(name) <= MAX_MODEL_NAME_CHARACTERS:
        expected = f"a name of 1 to {MAX_MODEL_NAME_CHARACTERS} characters"
        raise _nonsense("model_name", expected, name)


def _check_clock_skew(skew: object) -> None:
    if isinstance(skew, bool) or not (
        isinstance(skew, int) and 0 <= skew <= MAX_CLOCK_SKEW_SECONDS
    ):
        expected = f"whole seconds from 0 to {MAX_CLOCK_SKEW_SECONDS}"
        raise _nonsense("clock_skew_seconds", expected, skew)


def _check_presets(presets: object) -> None:
    if not isinstance(presets, tuple):
        raise _nonsense("presets", "a tuple of names", presets)
    for name in presets:
        if not isinstance(name, str) or name not in PRESETS:
            raise _nonsense("presets", f"only names of {', '.join(PRESETS)}", name)


def _nonsense(name: str, expected: str, found: object) -> UsageError:
    return UsageError(path=name, problem=f"expected {expected}, found {shown(found)}")
