"""Importing is cheap: nobody pays for a framework, a terminal or a schema that he does not use.

These are assertions on `sys.modules`, not on times; `make bench` measures the milliseconds.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

#: Names that importing the package alone may load: itself and what its own `__init__` needs.
LIGHT = frozenset({"__future__", "provenance", "importlib", "types", "warnings"})

#: Frameworks and extras; no module of ours may load one of them when it is imported.
FRAMEWORKS = frozenset(
    {
        "IPython",
        "datasets",
        "jax",
        "lightning",
        "mlflow",
        "numpy",
        "pandas",
        "pyarrow",
        "ray",
        "safetensors",
        "scipy",
        "sigstore",
        "sklearn",
        "tensorflow",
        "torch",
        "transformers",
    }
)

#: What only a terminal needs.
TERMINAL = frozenset({"click", "rich"})


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a statement loads into a fresh interpreter."""
    script = (
        "import sys; before = set(sys.modules); import json\n"
        f"before |= set(sys.modules); {statement}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-c", script], check=True, capture_output=True, text=True
    )
    return set(json.loads(ran.stdout))


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = {name.partition(".")[0] for name in loaded_by("import provenance")}
    assert loaded <= LIGHT


def test_listing_the_public_names_loads_nothing_else() -> None:
    loaded = {name.partition(".")[0] for name in loaded_by("import provenance; dir(provenance)")}
    assert loaded <= LIGHT


def test_errors_can_be_caught_without_loading_the_library() -> None:
    loaded = loaded_by("from provenance import ProvenanceError")
    assert {name for name in loaded if name.startswith("provenance")} == {
        "provenance",
        "provenance.errors",
    }


@pytest.mark.parametrize("room", ["verification", "recording", "manifest", "digest"])
def test_rooms_load_no_framework_and_no_terminal(room: str) -> None:
    loaded = {name.partition(".")[0] for name in loaded_by(f"import provenance.{room}")}
    assert loaded & (FRAMEWORKS | TERMINAL) == set()


def test_command_line_loads_no_framework() -> None:
    loaded = {name.partition(".")[0] for name in loaded_by("import provenance.cli")}
    assert loaded & FRAMEWORKS == set()


def test_digests_alone_need_no_documents() -> None:
    assert "pydantic" not in loaded_by("import provenance.digest")
