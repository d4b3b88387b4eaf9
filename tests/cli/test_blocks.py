"""`provenance stream`: what comes out is as signed, whatever goes in."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.canonical import MIN_BLOCK_BYTES
from provenance.recording import release_existing, sign_release
from provenance.signing import generate_private_key, write_key_pair
from provenance.verification import streaming

if TYPE_CHECKING:
    from cli.conftest import Command

B = MIN_BLOCK_BYTES
DATA = b"".join(number.to_bytes(4, "big") for number in range(3 * B // 4)) + b"the end"
CARD = b"# digits\n"
FACTS = {
    "producer": {"name": "Digits Lab"},
    "model": {"name": "digits-mlp", "licenses": ["Apache-2.0"]},
}
PROGRAM = str(Path(sys.executable).with_name("provenance"))


@dataclass(frozen=True)
class Signed:
    """A signed release, without the files that are still to be downloaded."""

    folder: Path
    key: Path

    @property
    def bundle(self) -> Path:
        return self.folder / "training-provenance" / "manifest.sigstore.json"

    @property
    def block_list(self) -> Path:
        (found,) = (self.folder / "training-provenance" / "blocks").iterdir()
        return found


def make(folder: Path, *, blocks: int | None = B) -> Signed:
    model = folder / "model"
    model.mkdir(parents=True)
    (model / "model.bin").write_bytes(DATA)
    (model / "README.md").write_bytes(CARD)
    key = generate_private_key()
    sign_release(release_existing(model, FACTS, blocks=blocks), key)
    write_key_pair(folder / "lab.key", key)
    (model / "model.bin").unlink()
    (model / "README.md").unlink()
    return Signed(model, folder / "lab.key.pub")


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """Return a signed release; it is only read."""
    return make(tmp_path_factory.mktemp("signed"))


@pytest.fixture(scope="module")
def unblocked(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """Return a signed release without block digests."""
    return make(tmp_path_factory.mktemp("unblocked"), blocks=None)


def changed(at: int) -> bytes:
    data = bytearray(DATA)
    data[at] ^= 1
    return bytes(data)


def given_data(work: Path, data: bytes) -> Path:
    (work / "input").write_bytes(data)
    return work / "input"


def copy(cli: Command, signed: Signed, source: Path, *more: object) -> tuple[int, str]:
    result = cli("stream", signed.folder, "model.bin", source, "--key", signed.key, *more)
    return result.code, result.err


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (changed(0), "bytes 0-65,535 (block 0) are not those that were signed"),
        (changed(2 * B), "bytes 131,072-196,607 (block 2)"),
        (changed(len(DATA) - 1), "bytes 196,608-196,614 (block 3)"),
        (DATA[B : 2 * B] + DATA[:B] + DATA[2 * B :], "bytes 0-65,535 (block 0)"),
        (DATA[:-1], "ends after 196,614 bytes, signed were 196,615"),
        (DATA[: 2 * B], "ends after 131,072 bytes"),
        (b"", "ends after 0 bytes"),
        (DATA + b"x", "goes on after the 196,615 bytes"),
        (DATA * 2, "goes on after the 196,615 bytes"),
    ],
    ids=["first", "third", "last", "swapped", "short", "blocks", "empty", "long", "twice"],
)
def test_wrong_bytes_are_refused_and_no_file_appears(
    cli: Command, work: Path, signed: Signed, data: bytes, message: str
) -> None:
    code, said = copy(cli, signed, given_data(work, data), "-o", "output")
    assert code == 1
    assert message in said
    assert [path.name for path in work.iterdir()] == ["input"]


@settings(max_examples=6, deadline=None)
@given(st.integers(0, len(DATA) - 1))
def test_what_was_written_before_a_refusal_is_whole_right_blocks(signed: Signed, at: int) -> None:
    done = subprocess.run(
        [PROGRAM, "stream", signed.folder, "model.bin", "--key", signed.key],
        input=changed(at),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == DATA[: at // B * B]
    assert done.stderr.startswith(b"error: standard input: bytes ")


def test_right_bytes_come_through(signed: Signed, tmp_path: Path) -> None:
    command: list[str | Path] = [PROGRAM, "stream", signed.folder, "model.bin"]
    command += ["--key", signed.key]
    done = subprocess.run(command, input=DATA, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, DATA, b"")
    output = tmp_path / "output"
    done = subprocess.run([*command, "-o", output], input=DATA, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
    assert output.read_bytes() == DATA


def test_reader_that_closes_the_pipe_early_is_no_fault(signed: Signed, tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(DATA)
    command = f"'{PROGRAM}' stream model model.bin '{tmp_path}/input' --key lab.key.pub"
    line = f"set -o pipefail; {command} | head -c 3"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=signed.folder.parent,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, DATA[:3])
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_full_disk_is_told(signed: Signed) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [PROGRAM, "stream", signed.folder, "model.bin", "--key", signed.key],
            input=DATA,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 4
    assert b"No space left on device" in done.stderr


def test_standard_input_that_is_closed_is_told(signed: Signed) -> None:
    line = f"'{PROGRAM}' stream model model.bin --key lab.key.pub <&-"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=signed.folder.parent,
        capture_output=True,
        check=False,
    )
    assert done.returncode in {2, 4}
    assert done.stderr.startswith(b"error: ")


def test_file_that_was_there_stays_after_a_refusal(
    cli: Command, work: Path, signed: Signed
) -> None:
    (work / "output").write_bytes(b"old")
    assert copy(cli, signed, given_data(work, changed(5)), "-o", "output")[0] == 1
    assert (work / "output").read_bytes() == b"old"
    assert copy(cli, signed, given_data(work, DATA), "-o", "output")[0] == 0
    assert (work / "output").read_bytes() == DATA


def test_link_at_the_output_is_not_followed(cli: Command, work: Path, signed: Signed) -> None:
    (work / "target").write_bytes(b"old")
    (work / "output").symlink_to(work / "target")
    assert copy(cli, signed, given_data(work, DATA), "-o", "output")[0] == 4
    assert (work / "target").read_bytes() == b"old"


@pytest.mark.parametrize("data", [b"", bytes(32), bytes(4 * 32)], ids=["none", "one", "zeros"])
def test_list_of_somebody_else_is_refused(
    cli: Command, work: Path, signed: Signed, data: bytes
) -> None:
    (work / "list").write_bytes(data)
    code, said = copy(cli, signed, given_data(work, DATA), "--blocks", "list", "-o", "output")
    assert code == 1
    assert "list" in said
    assert not (work / "output").exists()


def test_list_may_lie_elsewhere(cli: Command, work: Path, signed: Signed) -> None:
    source = given_data(work, DATA)
    arguments = ("stream", signed.bundle, "model.bin", source, "--key", signed.key)
    assert cli(*arguments, "-o", "output").code == 2
    assert cli(*arguments, "-o", "output", "--blocks", signed.block_list).code == 0
    assert (work / "output").read_bytes() == DATA


def test_nothing_is_read_without_a_key_or_under_another_one(
    cli: Command, work: Path, signed: Signed, unblocked: Signed
) -> None:
    source = given_data(work, DATA)
    arguments = ("stream", signed.folder, "model.bin", source, "-o", "output")
    assert cli(*arguments).code == 2
    assert cli(*arguments, "--key", unblocked.key).code == 1
    assert cli(*arguments, "--key", signed.key, "--model", "other").code == 1
    assert not (work / "output").exists()


def test_what_holds_no_manifest_never_passes(cli: Command, work: Path, signed: Signed) -> None:
    given_data(work, DATA)
    (work / "empty").mkdir()
    for release in ("nowhere", "empty", "input"):
        found = cli("stream", release, "model.bin", "input", "-o", "output", "--key", signed.key)
        assert found.code == 1
        assert "PASS" not in found.err
        assert "INCOMPLETE" in found.err


@pytest.mark.parametrize(
    ("name", "source", "code"),
    [("other.bin", "input", 1), ("../model.bin", "input", 1), ("model.bin", "nowhere", 4)],
)
def test_name_or_input_that_is_not_there(
    cli: Command, signed: Signed, name: str, source: str, code: int
) -> None:
    work = Path.cwd()
    given_data(work, DATA)
    result = cli("stream", signed.folder, name, source, "--key", signed.key, "-o", "output")
    assert result.code == code
    assert not (work / "output").exists()


@pytest.mark.parametrize("data", [b"", CARD[:-1], CARD + b"x", b"# DIGITS\n"], ids=repr)
def test_small_file_is_its_own_block(
    cli: Command, work: Path, unblocked: Signed, data: bytes
) -> None:
    arguments = ("stream", unblocked.folder, "README.md", "input", "--key", unblocked.key)
    given_data(work, data)
    result = cli(*arguments)
    assert (result.code, result.out) == (1, "")
    given_data(work, CARD)
    result = cli(*arguments)
    assert (result.code, result.out) == (0, CARD.decode())


def test_large_file_without_blocks_needs_a_file_to_write(
    cli: Command, work: Path, unblocked: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "MAX_WHOLE_BYTES", 1000)
    code, said = copy(cli, unblocked, given_data(work, DATA))
    assert code == 2
    assert "can be judged at its end only" in said
    for data in (changed(0), DATA[:-1], DATA + b"x", b""):
        code, said = copy(cli, unblocked, given_data(work, data), "-o", "output")
        assert code == 1, said
        assert not (work / "output").exists()
    assert copy(cli, unblocked, given_data(work, DATA), "-o", "output")[0] == 0
    assert (work / "output").read_bytes() == DATA


@pytest.mark.parametrize("size", ["1MB", "1 MiB", "-1", "0x10000", "1.5MiB", "MiB", ""])
def test_size_that_is_none_is_a_wrong_option(cli: Command, work: Path, size: str) -> None:
    (work / "model").mkdir()
    result = cli("release", "--existing", "model", "--description", "x.toml", "--blocks", size)
    assert result.code == 2
    assert "expected a size such as 1MiB" in result.err


@pytest.mark.parametrize(("size", "count"), [("64KiB", 4), ("131072", 2), ("131072B", 2)])
def test_release_records_blocks(cli: Command, work: Path, size: str, count: int) -> None:
    (work / "model").mkdir()
    (work / "model" / "model.bin").write_bytes(DATA)
    (work / "facts.toml").write_text(
        '[producer]\nname = "Lab"\n[model]\nname = "m"\nlicenses = ["MIT"]\n', encoding="utf-8"
    )
    result = cli("release", "--existing", "model", "--description", "facts.toml", "--blocks", size)
    assert result.code == 0
    (found,) = (work / "model" / "training-provenance" / "blocks").iterdir()
    assert found.stat().st_size == 32 * count
