"""The options that say whom to trust are the same wherever a signature is verified."""

from __future__ import annotations

import click
import pytest

from provenance.cli.blocks import stream
from provenance.cli.proofs import check_proof
from provenance.cli.trust_options import trust_options
from provenance.cli.verify import verify


def shared(command: click.Command) -> dict[str, dict[str, object]]:
    """Return what a command says of the shared options, in its order."""
    told = {str(item.name): item.to_info_dict() for item in command.params}
    return {name: told[name] for name in told if name in {"keys", "model"}}


@pytest.mark.parametrize("command", [verify, stream, check_proof], ids=lambda item: item.name)
def test_commands_that_verify_have_the_shared_options(command: click.Command) -> None:
    @click.command
    @trust_options
    def alone(keys: object, model: object) -> None:
        """Take the options and do nothing."""

    assert list(shared(alone)) == ["keys", "model"]
    assert shared(command) == shared(alone)
