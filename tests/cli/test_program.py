"""The program as a whole: help, errors in one line, exit codes, pipes, hostile folders."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

import provenance
from provenance.cli import main
from provenance.cli import program as program_module
from provenance.cli.output import in_colour
from provenance.cli.program import exit_code_of, program
from provenance.cli.safe_path import find_strangers, leave_out_working_directory
from provenance.errors import (
    InputError,
    ManifestError,
    MissingExtraError,
    SigningError,
    TrustError,
    UsageError,
)

if TYPE_CHECKING:
    from cli.conftest import Command

SCRIPTS = Path(sys.executable).parent


def leaves(group: click.Group, *names: str) -> list[tuple[tuple[str, ...], click.Command]]:
    found: list[tuple[tuple[str, ...], click.Command]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found += leaves(command, *names, name)
        else:
            found.append(((*names, name), command))
    return found


COMMANDS = leaves(program)


@pytest.mark.parametrize(("names", "command"), COMMANDS, ids=str)
def test_every_command_has_help_with_an_example(
    cli: Command, names: tuple[str, ...], command: click.Command
) -> None:
    shown = cli(*names, "--help")
    assert shown.code == 0
    assert "Example" in shown.out
    assert f"provenance {' '.join(names)}" in shown.out.split("Example")[1]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{names} {parameter.name}"


@pytest.mark.parametrize(("names", "command"), COMMANDS, ids=str)
def test_every_result_can_be_had_as_json(names: tuple[str, ...], command: click.Command) -> None:
    # What `run` prints is the output of the command that it runs.
    silent = {("export",), ("completion",), ("run",)}
    has_format = any(parameter.name == "output_format" for parameter in command.params)
    assert has_format == (names not in silent)


def test_every_command_of_the_table_has_its_name_and_no_other_is_there() -> None:
    context = click.Context(program)
    assert program.list_commands(context) == sorted(program_module.COMMANDS)
    for name in program_module.COMMANDS:
        command = program.get_command(context, name)
        assert command is not None
        assert command.name == name


@pytest.mark.parametrize("name", ["", "nothing", "verify ", "VERIFY", "check_proof", "keys"])
def test_other_words_are_no_command(name: str) -> None:
    assert program.get_command(click.Context(program), name) is None


def test_misspelt_command_is_told_from_the_others(cli: Command) -> None:
    assert "Did you mean" in cli("verfy").err


def test_objects_are_not_searched_for_cycles_when_the_program_ends() -> None:
    script = (
        "import atexit, gc\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 0))\n"  # runs after what comes later
        "from provenance.cli import main\n"
        "main(['--version'])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-c", script], check=True, capture_output=True, text=True
    )
    assert ran.stdout.splitlines()[-1] == "True"


def test_no_arguments_show_the_help(cli: Command) -> None:
    assert cli().out == cli("--help").out


def test_version_is_the_distribution_s(cli: Command) -> None:
    assert cli("--version").out == f"provenance {provenance.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["levitate"], "No such command 'levitate'. See `provenance --help`."),
        (["--levitate"], "No such option"),
        (["digest"], "Missing argument 'PATH...'. See `provenance digest --help`."),
        (["digest", ".", "--format", "xml"], "'xml' is not one of 'text', 'json'"),
        (["show", "a", "b"], "unexpected extra argument"),
        (["digest", "\x1b[2J\nx", "--levitate"], "No such option"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    cli: Command, arguments: list[str], problem: str
) -> None:
    refused = cli(*arguments)
    assert refused.code == 2
    assert refused.out == ""
    assert refused.err.startswith("error: ")
    assert problem in refused.err
    assert refused.err.count("\n") == 1


def test_hostile_names_are_escaped_in_errors(cli: Command) -> None:
    for refused in (cli("digest", "no\x1b[2J\nsuch"), cli("show", "x\u202e\r"), cli("a\x1b[0m")):
        assert refused.err.startswith("error: ")
        assert refused.err.count("\n") == 1
        assert "\x1b" not in refused.err
        assert "\u202e" not in refused.err


def test_undecodable_name_is_no_traceback(cli: Command) -> None:
    refused = cli("digest", os.fsdecode(b"caf\xe9"))
    assert refused.code == 4
    assert "Traceback" not in refused.err
    assert "caf" in refused.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError(problem="x"), 2),
        (SigningError(problem="x"), 1),
        (TrustError(problem="x"), 1),
        (ManifestError(problem="x"), 1),
        (InputError(problem="x"), 4),
        (MissingExtraError(problem="x"), 4),
    ],
)
def test_each_error_has_its_exit_code(error: provenance.ProvenanceError, code: int) -> None:
    assert exit_code_of(error) == code


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Return a list; the command `fail` raises what is put into it."""
    faults: list[BaseException] = []

    @click.command()
    def fail() -> None:
        """Fail."""
        raise faults[0]

    monkeypatch.setitem(program.commands, "fail", fail)
    return faults


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (RuntimeError("odd\n\x1b"), 4, "a fault of this program: RuntimeError: odd\\n\\x1b"),
        (RecursionError("deep"), 4, "RecursionError"),
        (MemoryError(), 4, "MemoryError"),
        (
            OSError(errno.ENOSPC, "No space left on device", "out"),
            4,
            "out: No space left on device",
        ),
        (OSError("odd"), 4, "error: odd"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (click.Abort(), 130, "interrupted"),
        (click.ClickException("own"), 1, "error: own"),
        (UsageError(problem="p", remedy="r"), 2, "error: p; r"),
    ],
)
def test_whatever_happens_is_one_line(
    cli: Command, failing: list[BaseException], fault: BaseException, code: int, message: str
) -> None:
    failing.append(fault)
    refused = cli("fail")
    assert refused.code == code
    assert message in refused.err
    assert "Traceback" not in refused.err
    assert refused.err.strip().count("\n") == 0  # ^C on a terminal is followed by a line feed


@pytest.mark.parametrize("group", ["inventory", "trust", "policy"])
def test_group_alone_prints_its_help(cli: Command, group: str) -> None:
    shown = cli(group)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == cli(group, "--help").out
    assert "\\n" not in shown.out


def test_debug_may_stand_behind_the_command(cli: Command, failing: list[BaseException]) -> None:
    failing.append(ZeroDivisionError("x"))
    for arguments in (["--debug", "fail"], ["fail", "--debug"]):
        shown = cli(*arguments)
        assert "Traceback" in shown.err
        assert "--debug: " not in shown.err
    assert "extra argument (--debug)" in cli("fail", "--", "--debug").err


def test_debug_shows_the_traceback_too(cli: Command, failing: list[BaseException]) -> None:
    failing.append(RuntimeError("odd"))
    refused = cli("--debug", "fail")
    assert "Traceback" in refused.err
    assert refused.err.splitlines()[-1].startswith("error: a fault of this program")


def test_main_leaves_with_the_exit_code(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert work.is_dir()
    with pytest.raises(SystemExit) as ended:
        main(["levitate"])
    assert ended.value.code == 2
    monkeypatch.setattr(sys, "argv", ["provenance", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "provenance" in capsys.readouterr().out


# --- as programs ----------------------------------------------------------------------------


def start(
    *arguments: str, cwd: Path, name: str = "provenance", **changes: str
) -> subprocess.CompletedProcess[str]:
    environment = {
        "HOME": str(cwd),
        "PATH": "/usr/bin:/bin",
        **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
        **changes,
    }
    return subprocess.run(
        [SCRIPTS / name, *arguments],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", ["provenance", "training-provenance"])
def test_both_commands_are_one(tmp_path: Path, name: str) -> None:
    shown = start("digest", "--help", cwd=tmp_path, name=name)
    assert shown.returncode == 0
    assert shown.stdout.startswith("Usage: provenance digest")


HOSTILE = (
    "provenance/__init__.py",
    "json.py",
    "click.py",
    "rich.py",
    "hashlib.py",
    "blake3.py",
    "typing.py",
)


def test_hostile_working_folder_runs_nothing(signed: Path) -> None:
    canary = signed / "canary"
    for name in HOSTILE:
        path = signed / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"open({str(canary)!r}, 'w')\nraise SystemExit('hostile')\n", encoding="utf-8"
        )
    for arguments in (("--help",), ("--version",), ("digest", "config.json"), ("show", ".")):
        shown = start(*arguments, cwd=signed)
        assert shown.returncode == 0, shown.stderr
        assert "hostile" not in shown.stdout + shown.stderr
    verified = start("verify", ".", "--key", "../me.key.pub", cwd=signed)
    assert verified.returncode == 1
    assert "json.py" in verified.stdout
    assert not canary.exists()


def test_working_folder_is_taken_off_the_path(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", ".", str(work), "/elsewhere", "bad\0name", *sys.path])
    before = list(sys.path)
    leave_out_working_directory()
    assert sys.path == before[3:]
    leave_out_working_directory()
    assert sys.path == before[3:]


def test_library_that_is_installed_in_the_working_folder_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = Path(provenance.__file__).parents[1]
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "path", [str(home), *sys.path])
    leave_out_working_directory()
    assert str(home) in sys.path


def test_deleted_working_folder_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    leave_out_working_directory()


def test_unrelated_distribution_of_the_same_name_is_named_once(
    cli: Command,
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (work / "site" / "provenance-0.14.1.dist-info").mkdir(parents=True)
    (work / "site" / "training_provenance-0.1.0.dist-info").mkdir()
    (work / "site" / "provenance-tools").mkdir()
    monkeypatch.setattr(
        sys, "path", [*sys.path, str(work / "site"), str(work / "site"), "/nowhere"]
    )
    assert find_strangers() == (str(work / "site" / "provenance-0.14.1.dist-info"),)
    shown = cli("--version")
    assert shown.code == 0
    assert shown.err.startswith("warning: ")
    assert shown.err.count("an unrelated distribution called `provenance`") == 1
    monkeypatch.setenv("_PROVENANCE_COMPLETE", "no_such_instruction")
    with pytest.raises(SystemExit):
        program_module.run(["--version"])
    assert "warning" not in capfd.readouterr().err


def test_closed_pipe_changes_no_exit_code(signed: Path) -> None:
    program_path = SCRIPTS / "provenance"
    for command, code in (("show model | head -c 1", 0), ("diff model model.draft | true", 0)):
        line = f"set -o pipefail; '{program_path}' {command}"
        ended = subprocess.run(
            ["/bin/bash", "-c", line],
            cwd=signed.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (code, "")


def test_full_disk_is_an_error(signed: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    line = f"'{SCRIPTS / 'provenance'}' show model > /dev/full"
    ended = subprocess.run(
        ["/bin/sh", "-c", line], cwd=signed.parent, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 4
    assert ended.stderr.startswith("error: No space left on device")


def test_terminal_without_unicode_gets_escapes(signed: Path) -> None:
    shown = start(
        "diff", "model", "model.draft", cwd=signed.parent, PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )
    assert shown.returncode == 0, shown.stderr


def test_help_is_quick_because_nothing_else_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from provenance.cli.program import run; run(['--help']); "
        "print([name for name in ('pydantic', 'rich', 'blake3', 'cryptography', 'msgspec') "
        "if name in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ended.stderr == "[]\n"


@pytest.mark.parametrize(
    ("variables", "terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch,
    *,
    variables: dict[str, str],
    terminal: bool,
    expected: bool,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    assert in_colour() == expected


def test_streams_that_cannot_be_set_up_are_left_alone(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert work.is_dir()
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert program_module.run(["--version"]) == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-", "2>/dev/full"])
def test_stream_that_is_closed_or_full_changes_no_exit_code(signed: Path, closed: str) -> None:
    assert signed.exists()
    for command, code in (
        ("verify model --key me.key.pub", 0),
        ("verify model", 3),
        ("verify model --key nowhere", 2),
        ("--version", 0),
    ):
        line = f"'{SCRIPTS / 'provenance'}' {command} {closed}"
        done = subprocess.run(["sh", "-c", line], capture_output=True, check=False)
        assert done.returncode == code, (line, done.stderr)
        assert b"a fault of this program" not in done.stderr


def test_result_that_cannot_be_told_is_an_error_even_if_nobody_can_be_told(signed: Path) -> None:
    assert signed.exists()
    line = f"'{SCRIPTS / 'provenance'}' verify model --key me.key.pub >/dev/full 2>/dev/full"
    done = subprocess.run(["sh", "-c", line], check=False)
    assert done.returncode == 4
