"""`provenance stream`: what comes out is as signed, whatever goes in."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.remote.faulty_server import serve
from provenance.canonical import MIN_BLOCK_BYTES
from provenance.recording import release_existing, sign_release
from provenance.signing import generate_private_key, write_key_pair
from provenance.verification import streaming
from support.source import REPOSITORY

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
    assert (done.returncode, done.stdout) == (0, DATA)
    assert done.stderr.decode().startswith("not checked: /model/name: no name was asked for; ")
    assert done.stderr.count(b"\n") == 2
    command += ["--model", "digits-mlp"]
    done = subprocess.run(command, input=DATA, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, DATA)
    said = done.stderr.decode()
    assert re.fullmatch(
        r'model.bin: verified 196,615 bytes, signed by SHA256:\S+ as "digits-mlp"\n', said
    )
    output = tmp_path / "output"
    done = subprocess.run([*command, "-o", output], input=DATA, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
    assert output.read_bytes() == DATA


def test_json_says_what_was_verified(cli: Command, work: Path, signed: Signed) -> None:
    source = given_data(work, DATA)
    arguments = ("stream", signed.folder, "model.bin", source, "--key", signed.key)
    refused = cli(*arguments, "--format", "json")
    assert (refused.code, refused.out) == (2, "")
    (work / "output.part").write_bytes(DATA[:B])
    done = cli(*arguments, "-o", "output", "--resume", "--format", "json")
    found = json.loads(done.out)
    assert found.pop("signer").startswith("SHA256:")
    assert found == {
        "fetched": len(DATA) - B,
        "model": "digits-mlp",
        "output": "output",
        "path": "model.bin",
        "size": len(DATA),
    }
    page = (REPOSITORY / "docs" / "reference" / "json-output.md").read_text(encoding="utf-8")
    section = page.split("\n## provenance stream\n")[1].split("\n## ")[0]
    assert set(json.loads(done.out)) == set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
def test_terminal_gets_no_bytes(signed: Signed) -> None:
    controller, terminal = os.openpty()
    try:
        done = subprocess.run(
            [PROGRAM, "stream", signed.folder, "model.bin", "--key", signed.key],
            input=DATA,
            stdout=terminal,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(controller)
        os.close(terminal)
    assert done.returncode == 2
    assert b"standard output is a terminal" in done.stderr


def test_file_that_is_complete_is_not_fetched_again(
    cli: Command, work: Path, signed: Signed
) -> None:
    (work / "output").write_bytes(DATA)
    code, said = copy(cli, signed, work / "nowhere", "-o", "output", "--resume")
    assert code == 0
    assert "model.bin: output is complete already, nothing is fetched\n" in said
    for wrong in (changed(B), DATA[:-1], DATA + b"x", b""):
        (work / "output").write_bytes(wrong)
        code, said = copy(cli, signed, given_data(work, DATA), "-o", "output", "--resume")
        assert (code, "complete already" in said) == (0, False)
        assert (work / "output").read_bytes() == DATA


def test_reader_that_closes_the_pipe_early_did_not_get_the_file(signed: Signed) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [PROGRAM, "stream", signed.folder, "model.bin", "--key", signed.key],
        input=DATA,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 4
    said = b"error: standard output: the reader closed the pipe after 0 of 196,615 bytes; "
    assert done.stderr.startswith(said)
    assert done.stderr.count(b"\n") == 1


def test_standard_output_that_is_closed_is_a_wrong_option(signed: Signed, tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(DATA)
    command = f"'{PROGRAM}' stream model model.bin '{tmp_path}/input' --key lab.key.pub"
    for more, code in (("", 2), (f" -o '{tmp_path}/output'", 0)):
        done = subprocess.run(
            ["bash", "-c", f"{command}{more} >&-"],
            cwd=signed.folder.parent,
            capture_output=True,
            check=False,
        )
        assert done.returncode == code
    assert (tmp_path / "output").read_bytes() == DATA


def begin(signed: Signed, work: Path, *more: str) -> subprocess.Popen[bytes]:
    """Start a copy, give it one block and a half, and wait until it has written the one."""
    process = subprocess.Popen(
        [PROGRAM, "stream", signed.folder, "model.bin", "-o", "output", "--key", signed.key, *more],
        cwd=work,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(DATA[: B + B // 2])
    process.stdin.flush()
    end = time.monotonic() + 30
    while sum(path.stat().st_size for path in work.iterdir()) < B:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.01)
    return process


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, -15), (signal.SIGHUP, -1), (signal.SIGINT, 130)]
)
def test_copy_that_is_ended_leaves_no_file(
    signed: Signed, tmp_path: Path, number: int, code: int
) -> None:
    process = begin(signed, tmp_path)
    process.send_signal(number)
    _, said = process.communicate()
    assert process.returncode == code
    assert b"Traceback" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_copy_that_was_ended_goes_on_where_it_was(cli: Command, work: Path, signed: Signed) -> None:
    process = begin(signed, work, "--resume")
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == -signal.SIGTERM
    assert [path.name for path in work.iterdir()] == ["output.part"]
    assert (work / "output.part").read_bytes() == DATA[:B]
    # What was verified is not read again: it may be anything there.
    source = given_data(work, bytes(B) + DATA[B:])
    code, said = copy(cli, signed, source, "-o", "output", "--resume")
    assert code == 0
    assert "model.bin: 65,536 of 196,615 bytes were here already\n" in said
    assert (work / "output").read_bytes() == DATA
    assert not (work / "output.part").exists()


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        (b"", 0),
        (DATA[: B - 1], 0),
        (changed(0), 0),
        (DATA[: B + 5], B),
        (changed(B + 1), B),
        (changed(2 * B)[: 3 * B], 2 * B),
        (DATA, len(DATA)),
        (DATA + b"more", len(DATA)),
    ],
    ids=["empty", "short", "wrong", "one", "second", "third", "all", "long"],
)
def test_only_whole_right_blocks_of_an_unfinished_copy_count(
    cli: Command, work: Path, signed: Signed, part: bytes, kept: int
) -> None:
    (work / "output.part").write_bytes(part)
    source = given_data(work, bytes(kept) + DATA[kept:])
    code, said = copy(cli, signed, source, "-o", "output", "--resume")
    assert code == 0
    assert (f"{kept:,} of 196,615 bytes were here already" in said) == (kept > 0)
    assert (work / "output").read_bytes() == DATA
    assert sorted(path.name for path in work.iterdir()) == ["input", "output"]


def test_pipe_is_skipped_to_where_the_copy_ended(signed: Signed, tmp_path: Path) -> None:
    command: list[str | Path] = [PROGRAM, "stream", signed.folder, "model.bin", "--resume"]
    command += ["--key", signed.key, "-o", tmp_path / "output"]
    part = tmp_path / "output.part"
    part.write_bytes(DATA[: 2 * B])
    done = subprocess.run(command, input=DATA[:B], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"ends after 65,536 bytes, and 131,072 are here already" in done.stderr
    assert part.read_bytes() == DATA[: 2 * B]
    done = subprocess.run(command, input=changed(3), capture_output=True, check=False)
    assert done.returncode == 0
    assert (tmp_path / "output").read_bytes() == DATA
    (tmp_path / "output").unlink()
    part.write_bytes(DATA[:B])
    with given_data(tmp_path, DATA).open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, check=False)
    assert done.returncode == 0
    assert not part.exists()


@pytest.mark.parametrize(
    ("data", "kept"),
    [(changed(B), B), (DATA[: 2 * B], 2 * B), (DATA + b"x", 3 * B)],
    ids=["wrong", "short", "long"],
)
def test_refused_copy_keeps_what_was_right(
    cli: Command, work: Path, signed: Signed, data: bytes, kept: int
) -> None:
    code, said = copy(cli, signed, given_data(work, data), "-o", "output", "--resume")
    assert code == 1
    assert "what was verified is kept in output.part" in said
    assert (work / "output.part").read_bytes() == DATA[:kept]
    assert not (work / "output").exists()


def test_copy_of_which_nothing_is_right_leaves_nothing(
    cli: Command, work: Path, signed: Signed
) -> None:
    code, said = copy(cli, signed, given_data(work, changed(0)), "-o", "output", "--resume")
    assert code == 1
    assert "kept" not in said
    assert copy(cli, signed, work / "nowhere", "-o", "output", "--resume")[0] == 4
    assert [path.name for path in work.iterdir()] == ["input"]


@pytest.mark.parametrize("kind", ["link", "names", "fifo", "folder"])
def test_what_is_no_unfinished_copy_is_not_written_to(
    cli: Command, work: Path, signed: Signed, kind: str
) -> None:
    part, other = work / "output.part", work / "other"
    other.write_bytes(b"old")
    if kind == "link":
        part.symlink_to(other)
    elif kind == "names":
        part.hardlink_to(other)
    elif kind == "fifo":
        os.mkfifo(part)
    else:
        part.mkdir()
    code, said = copy(cli, signed, given_data(work, DATA), "-o", "output", "--resume")
    assert code == 4
    assert said.startswith("error: output.part: ")
    assert other.read_bytes() == b"old"
    assert not (work / "output").exists()


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_two_processes_do_not_continue_one_copy(cli: Command, work: Path, signed: Signed) -> None:
    import fcntl  # noqa: PLC0415 - POSIX only

    with (work / "output.part").open("w+b") as other:
        other.write(DATA[:B])
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        code, said = copy(cli, signed, given_data(work, DATA), "-o", "output", "--resume")
    assert code == 4
    assert "is being written by another process" in said
    assert (work / "output.part").read_bytes() == DATA[:B]


def test_url_is_fetched_from_where_the_copy_ended(cli: Command, work: Path, signed: Signed) -> None:
    pytest.importorskip("obstore", reason="needs the extra `remote`")
    (work / "output.part").write_bytes(DATA[: 2 * B])
    with serve(bytes(2 * B) + DATA[2 * B :]) as server:
        code, said = copy(cli, signed, Path("x"), "-o", "output", "--resume")
        assert (code, "x" in said) == (4, True)
        arguments = ("stream", signed.folder, "model.bin", server.url, "--key", signed.key)
        refused = cli(*arguments)
        assert refused.code == 1
        assert "bytes 0-65,535 (block 0)" in refused.err
        server.faults, server.requests = ["truncate"], []
        assert cli(*arguments, "-o", "output", "--resume").code == 0
        asked = [request for request in server.requests if request.startswith("bytes=")]
        assert asked
        assert all(int(it.split("=")[1].split("-")[0]) >= 2 * B for it in asked)
    assert (work / "output").read_bytes() == DATA


def test_error_about_a_url_names_it(cli: Command, work: Path, signed: Signed) -> None:
    pytest.importorskip("obstore", reason="needs the extra `remote`")
    with serve(DATA) as server:
        server.always = "404"
        arguments = ("stream", signed.folder, "model.bin", server.url, "--key", signed.key)
        shown = cli(*arguments, "-o", "output")
    assert shown.code == 4
    assert shown.err.startswith(f"error: {server.url}: ")
    assert not (work / "output").exists()


def test_what_cannot_be_resumed_is_a_wrong_option(
    cli: Command, work: Path, signed: Signed, unblocked: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = given_data(work, DATA)
    code, said = copy(cli, signed, source, "--resume")
    assert code == 2
    assert "needs a file to go on with" in said
    monkeypatch.setattr(streaming, "MAX_WHOLE_BYTES", 1000)
    code, said = copy(cli, unblocked, source, "--resume", "-o", "output")
    assert code == 2
    assert "a part of it cannot be verified" in said


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
    nobody = cli(*arguments)
    assert nobody.code == 3
    assert "--key" in nobody.err
    assert cli(*arguments, "--key", unblocked.key).code == 1
    assert cli(*arguments, "--key", signed.key, "--model", "other").code == 1
    assert not (work / "output").exists()


def test_what_holds_no_manifest_never_passes(cli: Command, work: Path, signed: Signed) -> None:
    given_data(work, DATA)
    (work / "empty").mkdir()
    for release in ("nowhere", "empty", "input"):
        found = cli("stream", release, "model.bin", "input", "-o", "output", "--key", signed.key)
        assert found.code == 3
        assert "PASS" not in found.err
        assert "--manifest" not in found.err
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


@pytest.mark.parametrize(
    "size", ["0", "1", "32KiB", "65535", "65537", "96KiB", "2GiB", "1073741825", "999999999999999"]
)
def test_size_out_of_bounds_is_a_wrong_option_that_names_them(
    cli: Command, work: Path, size: str
) -> None:
    (work / "model").mkdir()
    result = cli("release", "--existing", "model", "--description", "x.toml", "--blocks", size)
    assert result.code == 2
    assert "a power of two from 64KiB to 1GiB, found" in result.err


def test_help_names_the_bounds_of_block_sizes(cli: Command) -> None:
    shown = " ".join(cli("release", "--help").out.split())
    assert "a power of two from 64KiB to 1GiB" in shown


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
