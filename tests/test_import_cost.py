"""Importing is cheap: nobody pays for a framework, a terminal or a schema that he does not use.

These are assertions on `sys.modules`, not on times; `make bench` measures the milliseconds.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from provenance import generate_private_key, release_existing, sign_release
from provenance.cli.program import COMMANDS

#: What is said of a model that is signed here.
DESCRIPTION = {"model": {"name": "small"}, "producer": {"name": "Lab"}}

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

#: What a verification by key needs nothing of: services, a terminal, and what reads other formats.
NOT_FOR_A_KEY = FRAMEWORKS | {
    "asyncio",
    "concurrent",
    "cyclonedx",
    "http",
    "jsonschema",
    "license_expression",
    "logging",
    "multiprocessing",
    "requests",
    "rfc3161_client",
    "rich",
    "sqlite3",
    "ssl",
    "subprocess",
    "tomllib",
    "tuf",
    "urllib3",
}

#: Rooms and modules of ours that it needs nothing of.
NOT_FOR_A_KEY_EITHER = (
    "provenance.capture",
    "provenance.cli.digests",
    "provenance.cli.publish",
    "provenance.cli.sign",
    "provenance.digest.clusters",
    "provenance.digest.executing",
    "provenance.digest.records",
    "provenance.digest.remote",
    "provenance.digest.weights.hashing",
    "provenance.digest.weights.opening_weights",
    "provenance.envelope.oms",
    "provenance.recording",
    "provenance.render.review",
    "provenance.signing.certificates",
    "provenance.signing.keyless",
    "provenance.signing.private_keys",
    "provenance.signing.ssh",
    "provenance.signing.timestamps",
    "provenance.signing.tokens",
    "provenance.signing.transparency",
    "provenance.training_log",
    "provenance.trust.documents",
    "provenance.trust.policy_signing",
    "provenance.verification.attesting",
    "provenance.verification.oms_checking",
    "provenance.verification.proofs",
    "provenance.verification.remembering",
    "provenance.verification.streaming",
    "provenance.verification.supplied",
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
        "provenance.lazy",
    }


@pytest.mark.parametrize("room", ["verification", "recording", "manifest", "digest"])
def test_rooms_load_no_framework_and_no_terminal(room: str) -> None:
    loaded = {name.partition(".")[0] for name in loaded_by(f"import provenance.{room}")}
    assert loaded & (FRAMEWORKS | TERMINAL) == set()


def test_command_line_loads_no_framework() -> None:
    loaded = {name.partition(".")[0] for name in loaded_by("import provenance.cli")}
    assert loaded & FRAMEWORKS == set()


@pytest.fixture(scope="module")
def loaded_by_a_key(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the modules that the command loads to verify a small release by a key."""
    folder = tmp_path_factory.mktemp("release") / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}\n", encoding="utf-8")
    key = generate_private_key()
    sign_release(release_existing(folder, DESCRIPTION), key)
    public = folder.with_name("release.pub")
    public.write_bytes(key.public_key.to_pem())
    words = ["verify", str(folder), "--key", str(public)]
    return loaded_by(
        "import contextlib, io; output = io.StringIO()\n"
        "from provenance.cli import main\n"
        "with contextlib.redirect_stdout(output):\n"
        f"    try: main({words!r})\n"
        "    except SystemExit as ending: assert ending.code == 0, output.getvalue()\n"
        "assert output.getvalue().startswith('PASS')"
    )


def test_verifying_by_a_key_loads_no_service_and_no_terminal(loaded_by_a_key: set[str]) -> None:
    assert {name.partition(".")[0] for name in loaded_by_a_key} & NOT_FOR_A_KEY == set()


@pytest.mark.parametrize("name", NOT_FOR_A_KEY_EITHER)
def test_verifying_by_a_key_loads_nothing_of_other_work(
    name: str, loaded_by_a_key: set[str]
) -> None:
    assert [one for one in loaded_by_a_key if one == name or one.startswith(f"{name}.")] == []


def test_verifying_by_a_key_was_seen_at_work(loaded_by_a_key: set[str]) -> None:
    assert {"provenance.verification.verifying", "cryptography", "pydantic"} <= loaded_by_a_key


def test_program_loads_no_command_before_it_runs() -> None:
    loaded = loaded_by("from provenance.cli.program import program")
    commands = {f"provenance.cli.{module}" for module in COMMANDS.values()}
    assert loaded & commands == {"provenance.cli.completion"}  # it has the name of a variable


def test_importing_a_module_of_a_room_loads_no_other_room() -> None:
    loaded = loaded_by("import provenance.render.quantities")
    assert {name for name in loaded if name.startswith("provenance")} == {
        "provenance",
        "provenance.lazy",
        "provenance.render",
        "provenance.render.quantities",
    }


def test_digests_alone_need_no_documents() -> None:
    assert "pydantic" not in loaded_by("import provenance.digest")
