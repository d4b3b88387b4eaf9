"""Adapters look for the run that is open: a test must not find that of another one."""

from __future__ import annotations

import pytest

from provenance.recording import active


@pytest.fixture(autouse=True)
def _no_open_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active, "_open", [])
