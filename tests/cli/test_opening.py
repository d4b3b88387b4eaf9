"""`provenance open` and `provenance check-opening`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.releases import SmallRelease, make_release

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command

POINTER = "/compute/cost/amount"


@pytest.fixture
def made(work: Path) -> SmallRelease:
    made = make_release(work)
    (work / "me.pub").write_bytes(made.key.public_key.to_pem())
    return made


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        ((POINTER, "--salts", "nowhere"), 4),
        ((POINTER, "--salts", "me.pub"), 1),
        (("/compute",), 2),
        ((POINTER, "-o", "me.pub"), 2),
    ],
    ids=str,
)
def test_wrong_input_is_refused(
    cli: Command, made: SmallRelease, arguments: tuple[str, ...], code: int
) -> None:
    done = cli("open", made.folder, *arguments)
    assert done.code == code
    assert done.err.startswith("error: ")


def test_salts_of_another_draft_are_refused(cli: Command, made: SmallRelease, work: Path) -> None:
    private = json.loads((made.draft.folder / "private.json").read_bytes())
    private["manifestDigest"] = "ab" * 32
    (work / "other.json").write_text(
        json.dumps(private, sort_keys=True, separators=(",", ":")), encoding="utf-8"
    )
    done = cli("open", made.folder, POINTER, "--salts", "other.json")
    assert done.code == 1
    assert "it was made for the manifest" in done.err


def test_only_one_fact_is_handed_on(cli: Command, made: SmallRelease, work: Path) -> None:
    done = cli("open", made.folder, POINTER, "-o", "amount.json")
    assert done.code == 0, done.err
    assert (work / "amount.json").stat().st_mode & 0o777 == 0o600
    assert json.loads((work / "amount.json").read_bytes())["value"] == 12.5
    assert cli("open", made.folder, POINTER, "-o", "amount.json").code == 2
    assert cli("open", made.folder, POINTER, "-o", "amount.json", "--overwrite").code == 0
    told = cli("open", made.folder, POINTER, "-o", "amount.json", "--overwrite", "--format", "json")
    assert set(json.loads(told.out)) == {"manifestDigest", "opening", "pointer"}
    printed = cli("open", made.folder, POINTER).out
    assert printed.strip().encode() == (work / "amount.json").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("amount.json", "--key", "me.pub"), (0, "PASS: key SHA256:")),
        (("amount.json",), (3, "INCOMPLETE: ")),
        (("wrong.json", "--key", "me.pub"), (1, "FAIL: the opened value is not what was")),
        (("me.pub", "--key", "me.pub"), (1, "FAIL: ")),
        (("nowhere", "--key", "me.pub"), (4, "ERROR: ")),
    ],
    ids=str,
)
def test_check(
    cli: Command,
    made: SmallRelease,
    work: Path,
    arguments: tuple[str, ...],
    expected: tuple[int, str],
) -> None:
    code, word = expected
    assert cli("open", made.folder, POINTER, "-o", "amount.json").code == 0
    data = (work / "amount.json").read_bytes()
    (work / "wrong.json").write_bytes(data.replace(b"12.5", b"12.75"))
    done = cli("check-opening", arguments[0], made.folder, *arguments[1:])
    assert done.code == code, done.err
    assert done.out.startswith(word)
    assert ("value: 12.5" in done.out) is (code in {0, 3})
