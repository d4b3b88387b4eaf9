"""`verified_open`: what is handed out are the bytes that were verified, whatever comes later."""

from __future__ import annotations

import errno
import io
import os
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from provenance import verified_open
from provenance.digest.files import read_chunks
from provenance.envelope import write_bundle
from provenance.errors import DigestError, InputError, UsageError, VerificationError
from provenance.signing import sign_payload
from provenance.trust import TrustPolicy, compile_policy, read_policy
from support.crafted import STRANGER, CraftedRelease, fixed_clock, private_key, public_key
from support.policies import policy_bytes
from verification.test_streaming import INVENTORY, ListedApart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import IO

    from typing_extensions import Buffer

NAME = "model.safetensors"


def opened(folder: Path, name: str = NAME, **options: Any) -> Any:  # noqa: ANN401 - a context manager
    return verified_open(folder, name, **{"keys": public_key(), "clock": fixed_clock, **options})


def refused(folder: Path, name: str = NAME, **options: Any) -> None:  # noqa: ANN401 - as the function takes them
    with opened(folder, name, **options):
        pytest.fail("it was opened")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "digest-mismatch"),
        (lambda data: data + b"x", "size-mismatch"),
        (lambda data: data[:-1], "size-mismatch"),
        (lambda _: b"", "size-mismatch"),
    ],
    ids=["one bit", "longer", "shorter", "empty"],
)
def test_other_bytes_are_refused(folder: Path, change: Callable[[bytes], bytes], code: str) -> None:
    path = folder / NAME
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DigestError) as caught:
        refused(folder)
    assert caught.value.code == code


def test_second_digest_is_compared_if_asked(tmp_path: Path) -> None:
    class OneWrong(CraftedRelease):
        @override
        def inventory(self) -> list[dict[str, Any]]:
            entries = super().inventory()
            for entry in entries:
                entry["digest"]["sha256"] = "0" * 64
            return entries

    folder = OneWrong().write(tmp_path / "model")
    with pytest.raises((DigestError, VerificationError)):
        refused(folder, all_digests=True)


def test_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / NAME).rename(tmp_path / "elsewhere")
    (folder / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError):
        refused(folder)


def test_special_file_is_refused(folder: Path) -> None:
    (folder / NAME).unlink()
    os.mkfifo(folder / NAME)
    with pytest.raises(InputError):
        refused(folder)


def test_missing_file_is_refused(folder: Path) -> None:
    (folder / NAME).unlink()
    with pytest.raises(InputError):
        refused(folder)


@pytest.mark.parametrize(
    "name", ["nothing", "../model/README.md", "training-provenance/SHA256SUMS", ""]
)
def test_name_outside_the_inventory_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(DigestError) as caught:
        refused(folder, name)
    assert caught.value.code == "file-extra"


def test_other_key_is_refused(folder: Path) -> None:
    with pytest.raises(VerificationError) as caught:
        refused(folder, keys=public_key(STRANGER))
    assert caught.value.report.verdict == "FAIL"


def test_no_key_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="no key was named"):
        refused(folder, keys=())


def test_other_model_name_is_refused(folder: Path) -> None:
    with pytest.raises(VerificationError):
        refused(folder, model="another")


@pytest.mark.parametrize("number", [-1, -(2**60)])
def test_negative_limit_is_refused(folder: Path, number: int) -> None:
    with pytest.raises(UsageError, match="max_in_memory"):
        refused(folder, max_in_memory=number)


def test_change_while_copying_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / NAME

    def changing(*arguments: Any, **options: Any) -> Iterator[Buffer]:  # noqa: ANN401 - as the real one
        yield from read_chunks(*arguments, **options)
        path.write_bytes(path.read_bytes() + b"x")

    monkeypatch.setattr("provenance.verification.verified_files.read_chunks", changing)
    with pytest.raises(InputError, match="chang"):
        refused(folder)


def test_copy_does_not_see_later_changes(folder: Path) -> None:
    path = folder / NAME
    data = path.read_bytes()
    with opened(folder) as file:
        path.write_bytes(b"\x00" * len(data))
        assert file.read() == data
        path.unlink()
        file.seek(0)
        assert file.read() == data


def test_copy_of_memory_cannot_be_written(folder: Path) -> None:
    with opened(folder) as file:
        assert not file.writable()
        with pytest.raises(io.UnsupportedOperation):
            file.write(b"x")
        again = os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDWR)
        try:
            with pytest.raises(PermissionError):
                os.write(again, b"x")
            with pytest.raises(PermissionError):
                os.ftruncate(again, 0)
        finally:
            os.close(again)


def test_copy_is_closed_at_the_end(folder: Path) -> None:
    with opened(folder) as file:
        assert not file.closed
    assert file.closed


def test_larger_file_goes_to_a_file_without_a_name(folder: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    data = (folder / NAME).read_bytes()
    with opened(folder, max_in_memory=len(data) - 1, scratch=scratch) as file:
        assert os.fstat(file.fileno()).st_dev == scratch.stat().st_dev
        assert not list(scratch.iterdir())
        assert file.read() == data
    with opened(folder, max_in_memory=len(data), scratch=scratch) as file:
        assert file.read() == data


def test_system_without_memory_files(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create")
    with opened(folder, scratch=tmp_path) as file:
        assert file.read() == (folder / NAME).read_bytes()


def test_scratch_folder_that_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    # The name may be cut in the message, where the folder of the tests is long.
    with pytest.raises(InputError, match=r"cannot be copied to '/.*No such file"):
        refused(folder, max_in_memory=0, scratch=tmp_path / "nowhere")


def test_full_scratch_folder_is_an_input_error(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tempfile.TemporaryFile

    class Full(io.BufferedRandom):
        @override
        def write(self, data: Buffer, /) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def full(**options: Any) -> IO[bytes]:  # noqa: ANN401 - as the real one
        with real(**options) as file:
            return Full(io.FileIO(os.dup(file.fileno()), "r+b"))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(InputError, match="No space left on device; free some room"):
        refused(folder, max_in_memory=0, scratch=tmp_path)


def test_error_of_the_caller_stays_what_it_is(folder: Path) -> None:
    problem = "the caller's own"
    with pytest.raises(OSError, match=problem) as caught, opened(folder):
        raise OSError(problem)
    assert not isinstance(caught.value, InputError)


def test_inventory_in_a_file_of_its_own(tmp_path: Path) -> None:
    folder = ListedApart().write(tmp_path / "apart")
    with opened(folder) as file:
        assert file.read() == (folder / NAME).read_bytes()
    (folder / INVENTORY).unlink()
    with pytest.raises(UsageError, match="is not here"):
        refused(folder)


def test_bundle_that_lies_elsewhere(folder: Path, tmp_path: Path) -> None:
    bundle = folder / "training-provenance" / "manifest.sigstore.json"
    moved = tmp_path / "elsewhere.sigstore.json"
    bundle.rename(moved)
    with pytest.raises(VerificationError):
        refused(folder)
    with opened(folder, manifest=moved) as file:
        assert file.read() == (folder / NAME).read_bytes()


def test_policy_may_ask_for_two_signers(tmp_path: Path) -> None:
    release = CraftedRelease()
    folder = release.write(tmp_path / "model")
    keys = {"a": public_key(), "b": public_key(STRANGER)}
    data = policy_bytes(keys, roles={"trainer": {"signers": ["a", "b"], "threshold": 2}})
    policy = compile_policy(read_policy(data))
    with pytest.raises(VerificationError) as caught:
        refused(folder, keys=(), policy=policy)
    assert "policy-threshold" in caught.value.report.codes()
    second = write_bundle(sign_payload(release.payload(), private_key(STRANGER)))
    (folder / "training-provenance" / "attestations").mkdir()
    beside = folder / "training-provenance" / "attestations" / "second.sigstore.json"
    beside.write_bytes(second)
    with opened(folder, keys=(), policy=policy) as file:
        assert file.read() == (folder / NAME).read_bytes()
    beside.write_bytes(second[:-1])
    with pytest.raises(VerificationError):
        refused(folder, keys=(), policy=policy)


def test_policy_says_whom_to_trust(folder: Path) -> None:
    with opened(folder, keys=(), policy=TrustPolicy(keys=(public_key(),))) as file:
        assert file.read() == (folder / NAME).read_bytes()


def test_large_copy_cannot_be_written_to(folder: Path) -> None:
    with opened(folder, max_in_memory=0) as file:
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            os.write(file.fileno(), b"x")
        assert file.read() == (folder / NAME).read_bytes()
