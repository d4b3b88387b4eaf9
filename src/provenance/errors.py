"""The one exception tree. Whatever the input, only these leave the public API.

The tree::

    ProvenanceError
    ├── CanonicalError      JSON that the strict reader or the RFC 8785 writer refuses
    ├── DigestError         bytes, names, inventories, trees or tensors that break a rule
    ├── ManifestError       a document that is not one of ours, or breaks its own rules
    ├── EnvelopeError       an envelope, bundle or statement that breaks its format
    ├── SigningError        a key that cannot be used, or a signature that cannot be made
    │   └── SignatureError  a signature that does not verify
    ├── TrustError          pins or a trust policy that cannot be used
    ├── CaptureError        the world could not be read into manifest parts
    ├── RecordingError      a record, draft or release that cannot be made
    ├── InputError          something could not be read or written (I/O, permissions)
    ├── UsageError          an argument or option that makes no sense
    ├── MissingExtraError   an optional extra is not installed
    └── VerificationError   the verdict was not PASS; carries the report

No I/O, no imports from other rooms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from provenance.verification.report import Report

__all__ = [
    "CanonicalError",
    "CaptureError",
    "DigestError",
    "EnvelopeError",
    "InputError",
    "ManifestError",
    "MissingExtraError",
    "ProvenanceError",
    "RecordingError",
    "SignatureError",
    "SigningError",
    "TrustError",
    "UsageError",
    "VerificationError",
    "shown",
]

#: Characters of foreign text that a message shows; the rest is cut, so that no message is a bomb.
MAX_SHOWN_CHARACTERS = 80

#: The same for reasons that somebody wrote to be read, and that a report is there to pass on.
MAX_TOLD_CHARACTERS = 400


def shown(value: object, *, limit: int = MAX_SHOWN_CHARACTERS) -> str:
    """Return foreign input as it may stand in a message: its `repr`, in ASCII, cut to a limit."""
    text = ascii(value[: limit + 1] if isinstance(value, str | bytes) else value)
    return text if len(text) <= limit else text[:limit] + "…"


class ProvenanceError(Exception):
    """The root of every error that this library raises.

    Args:
        problem: What was found, against what was expected.
        path: Where: a JSON Pointer inside a document, or a file; empty if neither applies.
        remedy: What to do about it; empty if nothing helps.
        code: The finding code (`spec/registry/finding-codes.json`) that reports this fault.
    """

    def __init__(self, *, problem: str, path: str = "", remedy: str = "", code: str = "") -> None:
        """Keep the parts and join them into one message: where, what, what to do."""
        self.problem = problem
        self.path = path
        self.remedy = remedy
        self.code = code
        where = f"{path}: " if path else ""
        advice = f"; {remedy}" if remedy else ""
        super().__init__(f"{where}{problem}{advice}")

    def __reduce__(  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        self,
    ) -> tuple[Callable[..., ProvenanceError], tuple[object, ...]]:
        """Copy and pickle by the parts, so that an error survives the way out of a process pool."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(
    cls: type[ProvenanceError], args: tuple[object, ...], parts: dict[str, object]
) -> ProvenanceError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(parts)
    return error


class CanonicalError(ProvenanceError):
    """JSON that the strict reader or the RFC 8785 writer refuses."""


class DigestError(ProvenanceError):
    """Bytes, names, inventories, trees or tensors that break a rule of `spec/digests.md`."""


class ManifestError(ProvenanceError):
    """A document that is not one of ours, or breaks the rules of `spec/manifest.md`."""


class EnvelopeError(ProvenanceError):
    """An envelope, bundle or statement that breaks the rules of `spec/envelope.md`."""


class SigningError(ProvenanceError):
    """A key that cannot be used, or a signature that cannot be made."""


class SignatureError(SigningError):
    """A signature that does not verify."""


class TrustError(ProvenanceError):
    """Pins or a trust policy that cannot be used."""


class CaptureError(ProvenanceError):
    """The world could not be read into manifest parts."""


class RecordingError(ProvenanceError):
    """A record, draft or release that cannot be made."""


class InputError(ProvenanceError):
    """Something could not be read or written: I/O, permissions, a special file."""


class UsageError(ProvenanceError):
    """An argument or option that makes no sense; nothing was done."""


class MissingExtraError(ProvenanceError):
    """An optional extra is not installed; the message names it."""


class VerificationError(ProvenanceError):
    """The verdict was not PASS. `report` tells why."""

    def __init__(self, report: Report) -> None:
        """Carry the whole report; the message is its first line."""
        super().__init__(problem=report.summary)
        self.report = report
