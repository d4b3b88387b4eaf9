"""Trust that another program brings along: from the namespace of a model to who may sign it.

A registry or a hub knows which keys belong to which publisher. It offers them as a `TrustResolver`;
`verify(..., trust=resolver, model=...)` asks it once, before anything is read.

Source: `spec/trust-policy.md`, section "Resolvers".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from provenance.errors import ProvenanceError, UsageError, shown
from provenance.signing import SignatureVerifier
from provenance.trust.policy import TrustPolicy

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["Resolved", "TrustResolver", "namespace_of", "resolve_trust"]

Resolved: TypeAlias = "TrustPolicy | tuple[SignatureVerifier, ...]"
"""A whole policy, or keys and identities any of which may have signed."""


@runtime_checkable
class TrustResolver(Protocol):
    """Knows who may sign the models of a namespace."""

    def resolve(self, namespace: str) -> Resolved:
        """Return whom to trust for a namespace; no keys if nobody is known.

        Args:
            namespace: What stands before the last `/` of the model name that the caller asked for;
                the whole name if it has none.

        Raises:
            ProvenanceError: It cannot be found out; nothing is verified then.
        """


def namespace_of(model: str) -> str:
    """Return the namespace of a model name: its owner.

    >>> namespace_of("digits-lab/digits-mlp")
    'digits-lab'
    >>> namespace_of("digits-mlp")
    'digits-mlp'
    """
    owner, _, _ = model.rpartition("/")
    return owner or model


def resolve_trust(resolver: TrustResolver, model: str | None) -> Resolved:
    """Return whom a resolver trusts for the model that the caller asked for.

    The name comes from the caller and never from the manifest: a manifest that chose whose keys
    count would choose its own.

    Raises:
        UsageError: No name was asked for, or the resolver has no usable answer.
    """
    if not isinstance(resolver, TrustResolver):
        raise _unusable(f"expected an object with resolve(), found {shown(resolver)}")
    if not isinstance(model, str) or not model:
        raise UsageError(
            path="trust",
            problem="a resolver finds keys by the name of the model, and none was asked for",
            remedy="name the model that you want",
        )
    namespace = namespace_of(model)
    try:
        found: object = resolver.resolve(namespace)
    except ProvenanceError as error:
        raise _unusable(f"{shown(namespace)}: {error.problem}", error.remedy) from error
    except Exception as error:
        # It is another program's code: whatever it raises, nothing is verified.
        raise _unusable(f"{shown(namespace)}: {type(error).__name__}: {error}") from error
    if isinstance(found, TrustPolicy):
        return found
    if isinstance(found, tuple) and all(isinstance(key, SignatureVerifier) for key in found):
        return found
    raise _unusable(f"expected a policy or a tuple of keys, found {shown(found)}")


def _unusable(problem: str, remedy: str = "") -> UsageError:
    return UsageError(path="trust", problem=problem, remedy=remedy)
