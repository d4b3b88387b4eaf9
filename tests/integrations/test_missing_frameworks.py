"""An adapter whose framework is missing says so, and what to install; it never breaks otherwise."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Adapters, and the module that each of them extends.
ADAPTERS = {
    "accelerate": "accelerate",
    "hydra": "hydra",
    "keras": "keras",
    "lightning": "lightning",
    "transformers": "transformers",
    "xgboost": "xgboost",
}

SCRIPT = """
import sys
for name in {hidden!r}:
    sys.modules[name] = None
from provenance.errors import MissingExtraError
try:
    import provenance.integrations.{adapter}
except MissingExtraError as error:
    assert error.remedy, "no remedy"
    print(error)
else:
    print("imported")
"""


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_missing_framework_is_named(adapter: str) -> None:
    hidden = [ADAPTERS[adapter], "pytorch_lightning", "lightning_fabric"]
    done = subprocess.run(
        (sys.executable, "-c", SCRIPT.format(hidden=hidden, adapter=adapter)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "install" in done.stdout
