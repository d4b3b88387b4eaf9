"""`provenance completion`: the script that teaches a shell the commands and options."""

from __future__ import annotations

import click

from provenance.cli.output import say

__all__ = ["COMPLETE_VARIABLE", "completion"]

#: The two names of this program.
PROGRAM_NAMES = ("provenance", "training-provenance")
#: The environment variable by which a shell asks for completions.
COMPLETE_VARIABLE = "_PROVENANCE_COMPLETE"


@click.command(
    epilog="""
    \b
    Examples:
      provenance completion bash > ~/.local/share/bash-completion/completions/provenance
      provenance completion fish > ~/.config/fish/completions/provenance.fish
      eval "$(provenance completion zsh)"
    """
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the completion script for a shell."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - the choices above are the shells that click knows
    for name in PROGRAM_NAMES:
        script = kind(context.find_root().command, {}, name, COMPLETE_VARIABLE)
        # The template itself: `source()` would run the shell to learn its version.
        say(script.source_template % script.source_vars())
