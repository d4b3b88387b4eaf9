"""`provenance import` where a tracker's library is missing, and wrong words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command


def test_missing_library_is_named_with_its_extra(
    cli: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delitem(sys.modules, "provenance.integrations.mlflow", raising=False)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    shown = cli("import", "mlflow", "x", "--output", str(tmp_path / "runs"))
    assert shown.code == 4
    assert "training-provenance[mlflow]" in shown.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("import", "clearml", "x"),
        ("import", "mlflow"),
        ("import", "mlflow", "x"),
        ("import", "wandb", "x", "--output", "y", "--status", "fine"),
        ("import", "wandb", "x", "--output", "y", "--artifact", "a", "--no-artifacts"),
    ],
    ids=["tracker", "nothing", "no output", "status", "both"],
)
def test_wrong_words_are_refused(cli: Command, words: tuple[str, ...]) -> None:
    assert cli(*words).code == 2


def test_folder_that_is_not_there(cli: Command, tmp_path: Path) -> None:
    shown = cli("import", "wandb", str(tmp_path / "x"), "--output", str(tmp_path / "runs"))
    assert shown.code == 4
    assert shown.err.startswith("error: ")
