"""The wheel works where nothing but its own dependencies is installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from support.source import REPOSITORY, SOURCE, find_modules

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

#: Imports every module of the installed package and prints the names.
IMPORT_ALL = """
import importlib, pkgutil, provenance
assert "site-packages" in provenance.__file__, provenance.__file__
from provenance.errors import MissingExtraError
for module in pkgutil.walk_packages(provenance.__path__, "provenance."):
    try:
        importlib.import_module(module.name)
    except MissingExtraError as error:  # only an adapter needs its framework
        assert module.name.startswith("provenance.integrations."), module.name
        assert error.remedy, module.name
    print(module.name)
"""


def run(*command: str | Path, cwd: Path) -> str:
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    run(*build, REPOSITORY, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def binaries(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of a fresh environment that holds the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    install = (folder / "bin" / "python", "-m", "pip", "install", "--quiet")
    run(*install, "--constraint", REPOSITORY / "constraints.txt", wheel, cwd=folder)
    return folder / "bin"


def test_wheel_holds_the_package_its_types_and_its_licence_only(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "provenance/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    foreign = [
        name for name in names if not name.startswith(("provenance/", "training_provenance-"))
    ]
    assert foreign == []


def test_every_module_imports_without_extras(binaries: Path, tmp_path: Path) -> None:
    imported = run(binaries / "python", "-W", "error", "-c", IMPORT_ALL, cwd=tmp_path).split()
    assert {"provenance", *imported} == set(find_modules(SOURCE, "provenance"))


@pytest.mark.parametrize("program", ["provenance", "training-provenance"])
def test_command_prints_its_help(program: str, binaries: Path, tmp_path: Path) -> None:
    assert "Usage:" in run(binaries / program, "--help", cwd=tmp_path)


def test_command_ignores_a_hostile_package_in_the_current_folder(
    binaries: Path, tmp_path: Path
) -> None:
    hostile = tmp_path / "provenance"
    hostile.mkdir()
    (hostile / "__init__.py").write_text("raise SystemExit('hostile code ran')\n", encoding="utf-8")
    assert "Usage:" in run(binaries / "provenance", "--help", cwd=tmp_path)
