"""`inspect_oms` and `verify_oms`: a model against an OMS bundle, and nothing else.

Source: `spec/oms.md`; OpenSSF Model Signing 1.0, section 8.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from provenance.canonical import MAX_BUNDLE_BYTES
from provenance.digest import check_name, open_folder, read_file
from provenance.errors import ProvenanceError, UsageError, VerificationError, shown
from provenance.verification.building import Outcome, build_report
from provenance.verification.oms_checking import (
    OmsRules,
    as_outcome,
    check_oms,
    unreadable_signature,
)
from provenance.verification.oms_files import OmsPlace
from provenance.verification.options import make_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provenance.trust import TrustPolicy
    from provenance.verification.options import Clock, KeyLike, Options, PathLike, Progress
    from provenance.verification.report import Report

__all__ = ["inspect_oms", "verify_oms"]


def inspect_oms(
    model: PathLike,
    signature: PathLike,
    *,
    keys: Iterable[KeyLike] | KeyLike = (),
    policy: TrustPolicy | None = None,
    legacy: bool = False,
    ignored: Iterable[str] = (),
    ignore_unsigned: bool = False,
    clock: Clock | None = None,
    progress: Progress | None = None,
    deadline: float | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
) -> Report:
    """Check a model against an OMS bundle and return the report, whatever the verdict.

    PASS says that the files are the signed ones and that somebody whom the caller named signed
    them. It says nothing of the training; what the signature does not cover, the findings
    `oms-not-covered` list.

    Args:
        model: The folder, or the one file.
        signature: The bundle, usually `model.sig`.
        keys: Whom to trust, as for `inspect`; OMS takes ECDSA keys, certificates and Sigstore.
        policy: Whom to trust; its timestamp authorities and revoked keys count, its roles do not.
        legacy: Read bundles of version 0.2, which bind less; the report says so.
        ignored: Files and folders, relative to the model, that are not looked at.
        ignore_unsigned: Do not refuse files that nobody signed; they are listed as not covered.
        clock: Returns the present time with its time zone; the system's clock by default.
        progress: Called with the number of bytes read since the last call.
        deadline: Time of `time.monotonic` after which no more bytes are read.
        cancelled: Asked again and again; once it returns true, no more bytes are read.
        workers: How many threads or processes read at once.

    Raises:
        UsageError: An argument makes no sense; nothing was verified.

    Source: `spec/oms.md`.
    """
    for name, path in (("model", model), ("signature", signature)):
        if not isinstance(path, str | os.PathLike):
            raise UsageError(path=name, problem=f"expected a path, found {shown(path)}")
    options = make_options(
        model,
        keys=keys,
        policy=policy,
        clock=clock,
        progress=progress,
        deadline=deadline,
        cancelled=cancelled,
        workers=workers,
    )
    rules = OmsRules(legacy=legacy, ignored=_relative(ignored), ignore_unsigned=ignore_unsigned)
    return build_report(_outcome(os.fspath(model), os.fspath(signature), options, rules), options)


def verify_oms(
    model: PathLike,
    signature: PathLike,
    *,
    keys: Iterable[KeyLike] | KeyLike = (),
    policy: TrustPolicy | None = None,
    legacy: bool = False,
    ignored: Iterable[str] = (),
    ignore_unsigned: bool = False,
    clock: Clock | None = None,
    progress: Progress | None = None,
    deadline: float | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
) -> Report:
    """Return the report of a model that is what an OMS bundle says, or raise.

    The arguments are those of `inspect_oms`.

    Raises:
        VerificationError: The verdict is not PASS; `report` tells why.
        UsageError: An argument makes no sense; nothing was verified.

    Source: `spec/oms.md`.
    """
    report = inspect_oms(
        model,
        signature,
        keys=keys,
        policy=policy,
        legacy=legacy,
        ignored=ignored,
        ignore_unsigned=ignore_unsigned,
        clock=clock,
        progress=progress,
        deadline=deadline,
        cancelled=cancelled,
        workers=workers,
    )
    if report.verdict != "PASS":
        raise VerificationError(report)
    return report


def _outcome(model: str, signature: str, options: Options, rules: OmsRules) -> Outcome:
    kind = "folder" if os.path.isdir(model) else "file"  # noqa: PTH112 - text path
    try:
        data = read_file(os.path.realpath(signature), max_bytes=MAX_BUNDLE_BYTES)
        with ExitStack() as stack:
            place = _place(model, signature, stack, is_folder=kind == "folder")
            checked = check_oms(place, data, options, rules)
    except (ProvenanceError, ValueError) as error:
        return Outcome(
            source=kind, findings=(unreadable_signature(error, signature),), stopped_at=1
        )
    return as_outcome(kind, checked)


def _place(model: str, signature: str, stack: ExitStack, *, is_folder: bool) -> OmsPlace:
    if not is_folder:
        folder, name = os.path.split(model)
        return OmsPlace(stack.enter_context(open_folder(folder or os.curdir)), file=name)
    root = stack.enter_context(open_folder(model))
    # Where it really lies: another file of the same name elsewhere in the model is no signature.
    folder, name = os.path.split(os.path.abspath(signature))  # noqa: PTH100 - text path
    inside = os.path.relpath(
        os.path.join(os.path.realpath(folder), name),  # noqa: PTH118 - text path
        os.path.realpath(model),
    )
    is_inside = inside != os.pardir and not inside.startswith(os.pardir + os.sep)
    return OmsPlace(root, signature=inside.replace(os.sep, "/") if is_inside else None)


def _relative(names: Iterable[str]) -> tuple[str, ...]:
    found = (names,) if isinstance(names, str) else tuple(names)
    for name in found:
        try:
            check_name(name)
        except ProvenanceError as error:
            raise UsageError(
                path="ignored", problem=f"expected paths relative to the model, found {shown(name)}"
            ) from error
    return found
