"""What `import provenance` costs beyond a bare interpreter (budget: 10 ms), and single rooms."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

#: Fresh interpreters for each statement; the statements take turns, so that noise meets all alike.
ROUNDS = 9

STATEMENTS = (
    "pass",
    "import provenance",
    "import provenance.digest",
    "import provenance.verification",
    "import provenance.recording",
    "import provenance.cli",
)


def measure(statement: str) -> float:
    """Return the seconds that a fresh interpreter takes for one statement."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", statement], check=True)
    return time.perf_counter() - started


def main() -> None:
    """Print the median of each statement less the bare interpreter's."""
    times: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(ROUNDS):
        for statement, seconds in times.items():
            seconds.append(measure(statement))
    bare = statistics.median(times["pass"])
    print(f"bare interpreter {bare * 1000:8.1f} ms (median of {ROUNDS})")
    for statement in STATEMENTS[1:]:
        more = statistics.median(times[statement]) - bare
        print(f"{statement:32} {more * 1000:+8.1f} ms")


if __name__ == "__main__":
    main()
