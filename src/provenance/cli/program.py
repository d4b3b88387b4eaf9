"""The program: the group of all commands, and what happens when one of them fails.

Whatever the input, a person sees one line that begins with `error:` and says what to do, and never
a traceback (unless `--debug` asks for it). Exit codes: 0 done or PASS, 1 FAIL or refused, 2 usage,
3 INCOMPLETE, 4 ERROR (something could not be read or written), 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import click

from provenance.cli.completion import COMPLETE_VARIABLE
from provenance.cli.output import flush, say, say_error, say_warning
from provenance.cli.safe_path import find_strangers
from provenance.errors import (
    InputError,
    MissingExtraError,
    ProvenanceError,
    UsageError,
    VerificationError,
)
from provenance.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import override
else:
    # `typing.override` came with Python 3.12.
    def override(method: object) -> object:
        """Mark a method that overrides one of a base class."""
        return method


__all__ = ["exit_code_of", "program", "run"]

#: What a shell says of a program that was interrupted: 128 and the number of SIGINT.
INTERRUPTED = 130

#: The way on where a folder holds links, such as a snapshot in the cache of a hub's client.
LINK_REMEDY: Final = (
    "copy what you named with its links resolved (cp --recursive --dereference), and name the copy"
)

#: The commands, each with the module of this package that has the function of its name.
COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "keygen": "keys",
        "public-key": "public_key",
        "init": "describe",
        "release": "publish",
        "sign": "sign",
        "cosign": "cosign",
        "verify": "verify",
        "show": "show",
        "digest": "digests",
        "diff": "show",
        "trust": "pinning",
        "export": "export",
        "conformance": "conformance",
        "completion": "completion",
        "records": "records",
        "stream": "blocks",
        "prove": "proofs",
        "check-proof": "proofs",
        "open": "opening",
        "check-opening": "opening",
        "review": "review",
        "import": "importing",
        "inventory": "inventories",
        "policy": "policy",
        "check-summary": "summaries",
        "verify-oms": "oms",
        "run": "wrapping",
        "doctor": "doctor",
        "recover": "recover",
        "verify-bundle": "artifacts",
    }
)


class _Commands(click.Group):
    """Loads the module of a command when somebody asks for the command: one of them runs."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's name
        return sorted({*COMMANDS, *self.commands})

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            self._load(cmd_name)
        elif cmd_name not in self.commands:
            for name in COMMANDS:  # click looks among them for what was meant
                self._load(name)
        return super().get_command(ctx, cmd_name)

    def _load(self, name: str) -> None:
        if name not in self.commands:
            module = import_module(f"provenance.cli.{COMMANDS[name]}")
            function = f"{name.replace('-', '_')}{'_' * iskeyword(name)}"  # `import_`
            self.add_command(getattr(module, function), name)


def _print_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's callback
    if value and not context.resilient_parsing:
        click.echo(f"provenance {__version__}")
        context.exit()


@click.group(
    cls=_Commands,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""
    \b
    Examples:
      provenance verify my-model --key publisher.pub --model my-model
      provenance show my-model
      provenance keygen me.key
    """,
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and leave.",
)
@click.option(
    "--debug",
    is_flag=True,
    help="Show a traceback when something fails. May also stand behind the command.",
)
def program(*, debug: bool) -> None:
    """Record, release, sign and verify how a model was trained."""
    del debug  # `run` reads it: it matters when everything else has failed


def run(arguments: Sequence[str]) -> int:
    """Run one command and return the exit code."""
    _prepare_streams()
    arguments, debug = _without_debug(arguments)
    try:
        _warn_of_strangers()
        code = _invoke(arguments)
        flush()
    except (KeyboardInterrupt, click.Abort):
        say_error("interrupted")
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: no input may show a traceback
        code = _report(error, debug=debug)
    return code


def _without_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """Take `--debug` out, wherever it stands before a `--`: no command has an option of that name.

    A value that is called so is written `--option=--debug`.
    """
    options = list(arguments)
    end = options.index("--") if "--" in options else len(options)
    kept = [argument for argument in options[:end] if argument != "--debug"]
    return kept + options[end:], len(kept) < end


def exit_code_of(error: ProvenanceError) -> int:
    """Return the exit code of a command other than `verify` that failed."""
    if isinstance(error, UsageError):
        return 2
    if isinstance(error, VerificationError):
        return error.report.exit_code
    return 4 if isinstance(error, InputError | MissingExtraError) else 1


def _invoke(arguments: list[str]) -> int:
    # Not standalone: click would print usage errors in two lines, and end the process by itself.
    result: object = program.main(
        arguments or ["--help"], prog_name="provenance", standalone_mode=False
    )
    return result if isinstance(result, int) else 0


def _report(error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, click.UsageError) and _is_group_alone(error):
        say(error.ctx.get_help() if error.ctx is not None else "")
        return 0  # as for the program itself
    if isinstance(error, click.ClickException):
        say_error(error.format_message() + _where_to_read(error))
        return error.exit_code
    if isinstance(error, ProvenanceError):
        say_error(f"{error}; {LINK_REMEDY}" if _is_bare_link(error) else str(error))
        return exit_code_of(error)
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        say_error(f"{name}{error.strerror or error}")
        _finish_output()
        return 4
    say_error(
        f"a fault of this program: {type(error).__name__}: {error}; "
        "run it with --debug, and report what it shows"
    )
    return 4


def _is_group_alone(error: click.UsageError) -> bool:
    """Return whether a group of commands was named and none of them; versions of click differ."""
    is_group = error.ctx is not None and isinstance(error.ctx.command, click.Group)
    missing = error.message.startswith("Missing command")
    return is_group and (missing or type(error).__name__ == "NoArgsIsHelpError")


def _is_bare_link(error: ProvenanceError) -> bool:
    return error.code == "link-found" and not error.remedy


def _finish_output() -> None:
    with suppress(OSError, ValueError):  # it was this very stream, and that has been said
        flush()


def _where_to_read(error: click.ClickException) -> str:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f" See `{error.ctx.command_path} --help`."
    return ""


def _prepare_streams() -> None:
    # Whoever closed a stream wants the exit code alone (`>&-`); Python then has no stream at all.
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the whole run
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the whole run
    # A terminal that knows fewer characters gets escapes instead of a UnicodeEncodeError.
    for standard in (sys.stdout, sys.stderr):
        if hasattr(standard, "reconfigure"):
            standard.reconfigure(errors="backslashreplace")


def _warn_of_strangers() -> None:
    if COMPLETE_VARIABLE in os.environ:
        return  # a shell asks at every press of a key, and shows what we would say
    for place in find_strangers():
        say_warning(
            f"{place}: an unrelated distribution called `provenance` is installed beside this "
            "one, and both have an import package of that name; keep them in separate environments"
        )
