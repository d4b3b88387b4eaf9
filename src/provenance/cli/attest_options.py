"""The options of `verify` that keep its outcome: a memory of what passed, and signed summaries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from provenance.cli.output import say_error, say_note
from provenance.cli.remote import LocalPath
from provenance.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provenance.signing import BundleSigner, Signer
    from provenance.trust import TrustPolicy
    from provenance.verification import Report

__all__ = ["RESULT_FILE", "SUMMARY_FILE", "Attester", "attest_options", "open_attester"]

_F = TypeVar("_F", bound="Callable[..., Any]")
_PATH = LocalPath(path_type=Path, readable=False)

#: What the SLSA Verification Summary is called in its folder.
SUMMARY_FILE = "verification-summary.sigstore.json"
#: What the in-toto Simple Verification Result is called in its folder.
RESULT_FILE = "verification-result.sigstore.json"

_OPTIONS = (
    click.option(
        "--state",
        type=_PATH,
        metavar="FILE",
        help="Remember there which releases passed, and refuse an older one than those.",
    ),
    click.option(
        "--attest",
        metavar="KEY",
        help="Sign the outcome with this key: a file, ssh-agent:…, pkcs11:…, or what a plug-in "
        "knows.",
    ),
    click.option(
        "--attest-output", type=_PATH, metavar="DIR", help="Folder for the signed outcome."
    ),
    click.option(
        "--attest-password-file",
        type=_PATH,
        metavar="FILE",
        help="File whose first line is the password of the key of --attest.",
    ),
    click.option(
        "--verifier-id", metavar="URI", help="Who verifies, as the signed outcome says it."
    ),
    click.option("--policy-uri", metavar="URI", help="Where the policy is, as it says it."),
    click.option(
        "--resource",
        metavar="URI",
        help="What was verified, as it says it.  [default: a package URL of the model]",
    ),
)


def attest_options(command: _F) -> _F:
    """Add `--state`, `--attest` and what goes with it to a command that verifies a release."""
    for option in reversed(_OPTIONS):  # the decorator next to a function adds the last option
        command = option(command)
    return command


@dataclass(frozen=True)
class Attester:
    """Signs outcomes into a folder."""

    signer: Signer | BundleSigner
    folder: Path
    verifier_id: str
    policy_uri: str | None
    resource: str | None

    def clear(self) -> None:
        """Remove what an earlier verification left there, before this one begins.

        Raises:
            InputError: It cannot be removed.
        """
        for name in (SUMMARY_FILE, RESULT_FILE):
            path = self.folder / name
            try:
                path.unlink(missing_ok=True)
            except NotADirectoryError:
                return  # it is no folder: whoever writes there says so
            except OSError as error:
                raise InputError(path=str(path), problem=f"{error.strerror}") from error

    def write(self, report: Report, policy: TrustPolicy | None) -> bool:
        """Sign the outcome in both forms and write them; return whether there is one.

        A report that attests nothing is said so, and nothing is written.

        Raises:
            InputError: A file cannot be written.
            SigningError: The key cannot sign.
        """
        from provenance.digest import write_atomic
        from provenance.envelope import write_bundle
        from provenance.render import escape
        from provenance.signing import sign_payload
        from provenance.verification import policy_used, result_statement, summary_statement

        used = policy_used(policy, self.policy_uri)
        try:
            payloads = {
                SUMMARY_FILE: summary_statement(
                    report, verifier_id=self.verifier_id, policy=used, resource=self.resource
                ),
                RESULT_FILE: result_statement(report, verifier_id=self.verifier_id, policy=used),
            }
        except UsageError as error:
            say_error(f"the outcome was not signed: {error}")
            return False
        bundles = {
            name: write_bundle(sign_payload(data, self.signer)) for name, data in payloads.items()
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(path=str(self.folder), problem=f"{error.strerror}") from error
        for name, data in bundles.items():
            write_atomic(self.folder / name, data)
        names = " and ".join(bundles)
        say_note(f"Signed the outcome: {names} in {escape(str(self.folder))}")
        return True


def _check_place(folder: Path, targets: Sequence[Path | None]) -> None:
    from provenance.verification.surroundings import lies_within, surroundings_of

    if lies_within(folder, surroundings_of(*targets)):
        raise UsageError(
            path=str(folder),
            problem="the signed outcome cannot lie in what is verified: it would be one more file",
            remedy="name another folder",
        )


def _check_policy(policy: TrustPolicy | None, presets: Sequence[str]) -> None:
    """Refuse an outcome that would name a policy which other options have loosened."""
    if policy is None or policy.version is None:  # keys and options, and no document
        return
    more = [name for name in presets if name not in policy.presets]
    option = "--preset" if more else "--tsa" if policy.sha256 is None else ""
    if option:
        raise UsageError(
            path=option,
            problem="loosens the policy that the signed outcome would name",
            remedy="write it into the policy",
        )


def open_attester(
    key: str | None,
    folder: Path | None,
    *,
    targets: Sequence[Path | None],
    policy: TrustPolicy | None,
    presets: Sequence[str],
    password_file: Path | None,
    verifier_id: str | None,
    policy_uri: str | None,
    resource: str | None,
) -> Attester | None:
    """Return who signs the outcome, or `None`; everything is checked before anything is verified.

    Args:
        key: The key; `None` if nothing is to be signed.
        folder: Where the outcome goes.
        targets: What is verified, and what belongs to it.
        password_file: The password of the key.
        verifier_id: Who verifies.
        policy_uri: Where the policy is.
        resource: What is verified.
        policy: The policy that was named, if any.
        presets: What is ignored beside it.

    Raises:
        InputError: A file cannot be read.
        MissingExtraError: What the key needs is not installed.
        SigningError: The key cannot be used.
        UsageError: The options do not go together, or a URI is none.
    """
    beside = {
        "--attest-output": folder,
        "--attest-password-file": password_file,
        "--verifier-id": verifier_id,
        "--policy-uri": policy_uri,
        "--resource": resource,
    }
    if key is None:
        lonely = next((name for name, value in beside.items() if value is not None), None)
        if lonely is not None:
            raise UsageError(path=lonely, problem="goes with --attest")
        return None
    if folder is None:
        remedy = "add --attest-output DIR"
        raise UsageError(path="--attest", problem="no folder for the outcome", remedy=remedy)
    from provenance.verification.attesting import DEFAULT_VERIFIER_ID, checked_uri

    _check_place(folder, targets)
    _check_policy(policy, presets)
    for name in ("--verifier-id", "--policy-uri", "--resource"):
        value = beside[name]
        if isinstance(value, str):
            checked_uri(value, name)
    from provenance.cli.signing_options import open_signers

    files = () if password_file is None else (password_file,)
    (signer,) = open_signers((key,), password_files=files)
    return Attester(signer, folder, verifier_id or DEFAULT_VERIFIER_ID, policy_uri, resource)
