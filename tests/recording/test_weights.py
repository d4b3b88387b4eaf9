"""What a released file is for, by its name."""

from __future__ import annotations

import pytest

from provenance.recording.weights import is_weights, role_of


@pytest.mark.parametrize(
    "name",
    [
        "training_args.bin",
        "optimizer.pt",
        "optimizer.bin",
        "scheduler.pt",
        "scheduler.bin",
        "scaler.pt",
        "rng_state.pth",
    ],
)
def test_what_a_trainer_saves_beside_weights_is_none(name: str) -> None:
    assert role_of(f"checkpoint-5/{name}") == "other"
    assert not is_weights(name)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.safetensors"])
def test_weights_are_weights(name: str) -> None:
    assert role_of(name) == "weights"
    assert is_weights(name)
