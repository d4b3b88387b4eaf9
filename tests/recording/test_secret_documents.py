"""A document that holds a secret is bound and not handed on; one that names secrets is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provenance.errors import RecordingError
from provenance.recording import ProvenanceWarning, release_existing
from provenance.recording.documents import secret_in

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.recording import Run

# Invented; joined at run time, so that no scanner takes this file for a leak.
TOKEN = "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567"
KEY = "-----BEGIN " + "EC PRIVATE KEY-----\nMHcCAQEEIBkg4LVWM9nuwNSk3yBx"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"token = '{TOKEN}'", "token by its form"),
        (KEY, "private key"),
        ("git+https://bot:" + "s3cr3t-pass@git.example/x", "credentials in a URL"),
        ("postgresql://user:" + "hunter22@db.example/x", "credentials in a URL"),
    ],
    ids=["token", "key", "requirement", "database"],
)
def test_secrets_are_found(text: str, reason: str) -> None:
    assert secret_in(f"# a script\n{text}\n".encode()) == reason


@pytest.mark.parametrize(
    "text",
    [
        "password = getpass()",
        'api_key=os.environ["API_KEY"]',
        'f"https://{user}:{password}@git.example/x"',
        "https://$USER:$TOKEN@git.example/x",
        "https://bot:[redacted]@git.example/x",
        "git+ssh://git@git.example/x",
        "http://localhost:8080/a@b",
        'headers = {"Authorization": f"Bearer {token}"}',
        "use_cls_token = True; num_memory_tokens = 4; tokenizer(text, max_tokens=8)",
    ],
)
def test_scripts_that_name_secrets_hold_none(text: str) -> None:
    assert secret_in(text.encode()) == ""


def test_a_recorded_document_with_a_secret_is_bound_and_not_copied(
    run: Run, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text(f"log in with {TOKEN}\n", encoding="utf-8")
    with pytest.warns(ProvenanceWarning, match="not copied, because it holds what looks like"):
        document = run.document(notes, kind="other")
    recorded = next(it for it in run.record.documents if it.id == document)
    assert recorded.path is None
    assert recorded.digest is not None
    assert any("looks like a secret" in gap.description for gap in run.record.gaps)
    assert run.folder is not None
    assert not any(
        TOKEN.encode() in path.read_bytes() for path in run.folder.rglob("*") if path.is_file()
    )


def test_a_described_document_with_a_secret_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "notes.md").write_text(KEY, encoding="utf-8")
    (tmp_path / "model.toml").write_text(
        '[producer]\nname = "Lab"\n[model]\nname = "toy"\n'
        '[[documents]]\nfile = "notes.md"\nkind = "other"\n',
        encoding="utf-8",
    )
    with pytest.raises(RecordingError, match="looks like a secret: private key"):
        release_existing(model, tmp_path / "model.toml")
    assert not (model / "training-provenance").exists()
