"""`provenance run` changes nothing for a script: what it sees, what it prints, how it ends."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from support.wrapping import PYTHON, plain, wrapped, write

if TYPE_CHECKING:
    from pathlib import Path

#: Prints everything that a launcher could change.
REPORT = """
import json, os, sys
names = sorted(name for name in globals() if name not in ("json", "os", "sys"))
loader = type(__loader__).__name__, getattr(__loader__, "name", None)
print(json.dumps([
    sys.argv, sys.path, sys.orig_argv, names, __name__, __file__, __package__, repr(__doc__),
    repr(__spec__)[:20], loader, repr(__cached__), os.getcwd(), sorted(os.environ.items()),
    "__future__" in sys.modules, sys.flags.safe_path, sys.stdin.read(),
]))
print("to err", file=sys.stderr)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("train.py", "--lr", "3e-4", "--", "-x"),
        ("-u", "-B", "train.py"),
        ("-P", "train.py"),
        ("-I", "./train.py", "a b"),
        ("-X", "utf8", "-W", "error", "folder/link.py"),
        ("-m", "train", "-m", "x"),
        ("-m", "package", "x"),
        ("-c", "print(__import__('sys').argv)", "x"),
        ("absent.py",),
        ("-m", "absent_module"),
        ("folder",),
    ],
    ids=lambda words: " ".join(words)[:20],
)
def test_nothing_changes_for_the_script(place: Path, words: tuple[str, ...]) -> None:
    write(place, REPORT)
    for folder in ("folder", "package"):
        (place / folder).mkdir()
    write(place, REPORT, "package/__main__.py")
    write(place, REPORT, "folder/__main__.py")
    (place / "folder" / "link.py").symlink_to("../train.py")
    subprocess.run([PYTHON, "-m", "compileall", "-q", place], check=True)
    one = plain(place, PYTHON, *words, text="typed")
    other = wrapped(place, PYTHON, *words, text="typed")
    assert (other.returncode, other.stdout, other.stderr) == (
        one.returncode,
        one.stdout,
        one.stderr,
    )


@pytest.mark.parametrize(
    "ending",
    [
        "raise ValueError('x')",
        "raise KeyboardInterrupt",
        "import sys; sys.exit(7)",
        "import sys; sys.exit('a message')",
        "raise SystemExit",
        "import os; os._exit(9)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "import sys; sys.excepthook = lambda *found: print('mine', len(found)); 1 / 0",
        "import threading; threading.Thread(target=lambda: print('late')).start(); 1 / 0",
        "import atexit; atexit.register(print, 'at exit'); 1 / 0",
        "def f(: pass",
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError from error",
        "import warnings; warnings.warn('careful')",
        "import pickle\nclass A: pass\nprint(pickle.loads(pickle.dumps(A())).__class__)",
    ],
    ids=[f"ending-{number}" for number in range(15)],
)
def test_every_ending_is_the_same(place: Path, ending: str) -> None:
    write(place, f"print('begun', flush=True)\n{ending}\n")
    one = plain(place, PYTHON, "train.py")
    other = wrapped(place, PYTHON, "train.py")
    assert (other.returncode, other.stdout, other.stderr) == (
        one.returncode,
        one.stdout,
        one.stderr,
    )
