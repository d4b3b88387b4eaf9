"""The command line: one file per group of commands, over the library that everybody may import.

`main` is the entry point of the two console commands, `provenance` and `training-provenance`.
Nothing but click is imported until a command runs; the rooms are imported inside the commands.
"""

from __future__ import annotations

import atexit
import gc
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

# A command makes many objects that live as long as it does, and next to no cycles: looking for
# those at the usual pace took a tenth of the time of a short command.
_GC_THRESHOLDS = (100_000, 20, 100)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code.

    Args:
        arguments: What stands behind the command's name; `None` takes it from `sys.argv`.

    Raises:
        SystemExit: Always, with the exit code.
    """
    from provenance.cli.callers_variables import add_own_variables
    from provenance.cli.safe_path import leave_out_working_directory

    leave_out_working_directory()
    gc.set_threshold(*_GC_THRESHOLDS)
    # Python looks for cycles among all objects once more before it ends, and the memory goes back
    # to the system anyway: that took a sixth of the time of a short command.
    atexit.register(gc.freeze)
    add_own_variables()

    from provenance.cli.program import run

    sys.exit(run(sys.argv[1:] if arguments is None else arguments))
