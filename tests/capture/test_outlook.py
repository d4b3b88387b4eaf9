"""`provenance doctor`: what would be captured and what not; nothing is run or written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provenance.capture import capture_packages, environment, outlook
from provenance.capture.outlook import Prospect, look_ahead
from provenance.capture.script_outline import outline_script
from provenance.errors import CaptureError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

PROVENANCE = str(Path(sys.executable).with_name("provenance"))
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@a.example", "-c", "commit.gpgsign=false")


@cache
def installed() -> object:
    """Return what is installed, which no test changes and which takes time to read."""
    return capture_packages()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment, "capture_packages", installed)
    return tmp_path


@pytest.fixture
def gaps(place: Path) -> Callable[..., dict[str, Prospect]]:
    """Return a function from the text of a script to its gaps by subject."""

    def look(text: str = "", *, output: str = "runs", **variables: str) -> dict[str, Prospect]:
        (place / "train.py").write_text(text, encoding="utf-8")
        found = look_ahead("train.py", output=output, variables=variables)
        return {it.subject: it for it in found if not it.captured}

    return look


def git(*words: str) -> None:
    subprocess.run([*GIT, *words], check=True, capture_output=True)


def run_doctor(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROVENANCE, "doctor", *words], cwd=place, capture_output=True, text=True, check=False
    )


class TestNeverRuns:
    """A script that is looked at is hostile."""

    def test_nothing_is_executed_imported_or_written(self, place: Path) -> None:
        trap = "open('trap', 'w').write('x')\n"
        (place / "train.py").write_text(f"import torch, sitecustomize, helper\n{trap}")
        for name in ("torch", "sitecustomize", "helper", "provenance", "numpy", "pyarrow"):
            (place / f"{name}.py").write_text(trap, encoding="utf-8")
        before = sorted(place.iterdir())
        done = run_doctor(place, "train.py")
        assert done.returncode == 1
        assert sorted(place.iterdir()) == before

    @pytest.mark.parametrize(
        "data",
        [
            b"def f(:",
            b"\0",
            b"\xff\xfe",
            b"(" * 100_000,
            b"# coding: nope\n",
            b"-" * 200_000 + b"1",
        ],
        ids=["syntax", "nul", "bytes", "deep", "coding", "nested"],
    )
    def test_no_python_is_an_error_and_no_traceback(self, place: Path, data: bytes) -> None:
        (place / "train.py").write_bytes(data)
        done = run_doctor(place, "train.py")
        assert done.returncode == 4
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr

    @pytest.mark.parametrize("name", ["absent.py", "folder", "pipe"])
    def test_what_is_no_file_is_an_error(self, place: Path, name: str) -> None:
        (place / "folder").mkdir()
        os.mkfifo(place / "pipe")
        with pytest.raises((InputError, CaptureError)):
            look_ahead(name, output="runs")
        assert run_doctor(place, name).returncode == 4

    def test_unknown_option_is_a_usage_error(self, place: Path) -> None:
        assert run_doctor(place, "--nope").returncode == 2

    def test_secret_of_a_remote_is_not_shown(self, place: Path) -> None:
        secret = "ghp_" + "aBcD1234" * 5
        (place / "train.py").write_text("", encoding="utf-8")
        git("init", "-q")
        git("remote", "add", "origin", f"https://u:{secret}@x.example/y.git")
        done = run_doctor(place, "train.py", "--format", "json")
        assert secret not in done.stdout + done.stderr


class TestGit:
    """The code."""

    def test_no_repository(self, gaps: Callable[..., dict[str, Prospect]]) -> None:
        found = gaps()
        assert "no repository" in found["git"].text
        assert found["git"].remedy.startswith("git init")

    def test_untracked_script(self, place: Path) -> None:
        git("init", "-q")
        git("commit", "-q", "--allow-empty", "-m", "x")
        (place / "train.py").write_text("", encoding="utf-8")
        (place / "other").write_text("", encoding="utf-8")
        git("add", "other")
        git("commit", "-q", "-m", "y")
        found = [it for it in look_ahead("train.py", output="runs") if not it.captured]
        remedies = [it.remedy for it in found]
        assert any(it.startswith("git add train.py") for it in remedies)
        assert "git remote add origin URL" in remedies

    def test_dirty_tree(self, place: Path) -> None:
        (place / "train.py").write_text("", encoding="utf-8")
        git("init", "-q")
        git("add", "--all")
        git("commit", "-q", "-m", "x")
        (place / "train.py").write_text("pass", encoding="utf-8")
        found = [it for it in look_ahead("train.py", output="runs") if "differ" in it.text]
        assert [it.captured for it in found] == [False]
        assert "git commit" in found[0].remedy


class TestSurroundings:
    """Lock file, output and ranks."""

    def test_no_lockfile(self, gaps: Callable[..., dict[str, Prospect]], place: Path) -> None:
        assert "requirements.txt" in gaps()["lock file"].remedy
        (place / "uv.lock").write_text("", encoding="utf-8")
        assert "lock file" not in gaps()

    def test_output_is_a_file(self, gaps: Callable[..., dict[str, Prospect]], place: Path) -> None:
        (place / "runs").write_text("", encoding="utf-8")
        assert "in the way" in gaps()["output"].text
        assert "in the way" in gaps(output="runs/deep/er")["output"].text

    def test_read_only_output(
        self, gaps: Callable[..., dict[str, Prospect]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "access", lambda *_: False)
        assert "read-only" in gaps()["output"].text

    def test_full_disk(
        self, gaps: Callable[..., dict[str, Prospect]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = namedtuple("usage", "free")  # noqa: PYI024 - as `shutil` returns it
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10))
        assert "10 bytes are free" in gaps()["output"].text

    @pytest.mark.parametrize(
        ("variables", "text"),
        [
            ({"WORLD_SIZE": "4"}, "nothing says which"),
            ({"RANK": "x"}, "nothing says which"),
            ({"RANK": "1", "WORLD_SIZE": "4"}, "4 processes"),
            ({"SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, "2 processes"),
            ({"SLURM_ARRAY_TASK_ID": "3"}, "array task"),
        ],
        ids=["size alone", "odd", "torchrun", "slurm", "array"],
    )
    def test_ranks(
        self, gaps: Callable[..., dict[str, Prospect]], variables: dict[str, str], text: str
    ) -> None:
        found = gaps(**variables)["rank"]
        assert text in found.text
        assert found.remedy

    @pytest.mark.parametrize("variables", [{}, {"RANK": "0", "WORLD_SIZE": "1"}, {"RANK": ""}])
    def test_one_process_is_no_gap(
        self, gaps: Callable[..., dict[str, Prospect]], variables: dict[str, str]
    ) -> None:
        assert "rank" not in gaps(**variables)

    def test_distributed_script_without_a_launcher(
        self, gaps: Callable[..., dict[str, Prospect]]
    ) -> None:
        assert "torchrun" in gaps("from torch import distributed")["rank"].remedy


class TestScript:
    """What the text of the script shows."""

    @pytest.mark.parametrize(
        "text",
        [
            "import torch\ntorch.manual_seed(1)",
            "from random import seed\nseed(1)",
            "import numpy as np\nnp.random.default_rng(3)",
            "import sklearn\nModel(random_state=0)",
            "import transformers\nTrainingArguments(seed=args.seed)",
            "import math",
        ],
    )
    def test_seed_is_seen_or_not_needed(
        self, gaps: Callable[..., dict[str, Prospect]], text: str
    ) -> None:
        assert "seed" not in gaps(text)

    @pytest.mark.parametrize(
        "text",
        [
            "import torch",
            "import numpy.random\nnumpy.random.default_rng()",
            "from sklearn import x\nModel(random_state=None)",
            "import random\n# random.seed(1)\n'random.seed(1)'",
            "def f():\n    import torch\ntorch.manual_seed",
        ],
    )
    def test_no_seed(self, gaps: Callable[..., dict[str, Prospect]], text: str) -> None:
        assert gaps(text)["seed"].remedy.startswith("run.seed(")

    def test_missing_extra_is_named(
        self, gaps: Callable[..., dict[str, Prospect]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outlook, "_is_installed", lambda name: name != "pyarrow")
        assert "[records]" in gaps("import pandas")["extra"].remedy

    def test_framework_of_another_environment(
        self, gaps: Callable[..., dict[str, Prospect]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outlook, "_is_installed", lambda name: name != "torch")
        assert "torch" in gaps("import torch")["packages"].text

    def test_recorder(self, gaps: Callable[..., dict[str, Prospect]]) -> None:
        assert "provenance run -- python train.py" in gaps("")["recorder"].remedy
        assert "recorder" not in gaps("import provenance")

    def test_relative_imports_are_no_packages(self, place: Path) -> None:
        (place / "a.py").write_text("from . import torch\nfrom .torch import x", encoding="utf-8")
        assert outline_script("a.py").imports == frozenset()


class TestCommand:
    """`provenance doctor` as a program."""

    def test_nothing_to_mend(self, place: Path) -> None:
        (place / "train.py").write_text("import provenance\n", encoding="utf-8")
        (place / "uv.lock").write_text("", encoding="utf-8")
        git("init", "-q")
        git("remote", "add", "origin", "https://x.example/y.git")
        git("add", "--all")
        git("commit", "-q", "-m", "x")
        found = json.loads(run_doctor(place, "train.py", "--format", "json").stdout)
        remedied = {it["subject"] for it in found["gaps"] if "remedy" in it}
        # This very installation may be an editable one.
        assert remedied <= {"packages"}
        assert {"git", "recorder", "output", "lock file"} <= {
            it["subject"] for it in found["captured"]
        }

    def test_text_has_the_line_that_mends(self, place: Path) -> None:
        (place / "train.py").write_text("import random\n", encoding="utf-8")
        done = run_doctor(place, "train.py")
        assert done.returncode == 1
        assert "    run.seed(" in done.stdout
        assert "    git init" in done.stdout

    def test_without_a_script(self, place: Path) -> None:
        done = run_doctor(place)
        assert "Would be captured:" in done.stdout
        assert "seed" not in done.stdout
