"""What models say of themselves, and their digest: that of a safetensors file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import save_file, save_model

from provenance.digest import hash_tensors
from provenance.errors import DigestError
from provenance.integrations.models import (
    ELEMENT_TYPES,
    describe_loader,
    describe_model,
    describe_optimizer,
    describe_scheduler,
    tensor_digest_of,
    unwrap_model,
)

if TYPE_CHECKING:
    from pathlib import Path


class Tied(torch.nn.Module):
    """An embedding and a head that share their weights, as language models do."""

    def __init__(self) -> None:
        """Tie them."""
        super().__init__()
        self.embedding = torch.nn.Embedding(8, 4)
        self.head = torch.nn.Linear(4, 8, bias=False)
        self.head.weight = self.embedding.weight


class HasModule(torch.nn.Module):
    """A model with a part that is called like what wrappers hold."""

    def __init__(self) -> None:
        """Have it."""
        super().__init__()
        self.module = torch.nn.Linear(2, 2)


class DataParallel(torch.nn.Module):
    """Stands for the wrapper of that name."""

    def __init__(self, module: torch.nn.Module) -> None:
        """Hold a model."""
        super().__init__()
        self.module = module


def root_of_file(tensors: dict[str, Any], folder: Path) -> Any:  # noqa: ANN401 - a typed root
    save_file(tensors, folder / "model.safetensors")
    root, _ = hash_tensors([folder / "model.safetensors"])
    return root


class TestTensorDigest:
    """The digest of tensors that no file holds yet."""

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param(3, id="a-number"),
            pytest.param({"a": 1}, id="extra-state"),
            pytest.param(torch.zeros(2, dtype=torch.complex128), id="a-type-without-name"),
            pytest.param(torch.ones(2).to_sparse(), id="sparse"),
        ],
    )
    def test_what_is_no_plain_tensor_is_refused(self, value: object) -> None:
        with pytest.raises(DigestError, match="plain numbers"):
            tensor_digest_of({"weight": value})

    def test_names_that_fall_together_are_refused(self) -> None:
        one, other = torch.zeros(1), torch.ones(1)
        with pytest.raises(DigestError, match="one name"):
            tensor_digest_of({"_orig_mod.a": one, "a": other})

    @pytest.mark.parametrize("kind", sorted(ELEMENT_TYPES))
    def test_of_every_type_is_that_of_the_file(self, kind: str, tmp_path: Path) -> None:
        dtype = getattr(torch, kind)
        bytes_ = (
            torch.arange(96, dtype=torch.uint8) % 2 if kind == "bool" else torch.arange(96).byte()
        )
        state = {
            "b": bytes_.view(dtype).reshape(2, -1),
            "a": bytes_.view(dtype)[0],
            "empty": bytes_.view(dtype)[:0].clone(),
        }
        written = {name: it.contiguous().clone() for name, it in state.items()}
        assert tensor_digest_of(state) == root_of_file(written, tmp_path)

    def test_of_tensors_that_lie_otherwise_in_memory(self, tmp_path: Path) -> None:
        state = {"turned": torch.arange(6.0).reshape(2, 3).T, "conjugate": torch.ones(2) * 1j}
        state["conjugate"] = state["conjugate"].to(torch.complex64).conj()
        written = {name: it.resolve_conj().contiguous() for name, it in state.items()}
        assert tensor_digest_of(state) == root_of_file(written, tmp_path)

    def test_numpy_arrays_have_the_same(self) -> None:
        state = {"a": torch.arange(4.0), "b": torch.ones(2, 2)}
        assert tensor_digest_of(
            {name: it.numpy() for name, it in state.items()}
        ) == tensor_digest_of(state)

    def test_tied_tensors_count_once(self, tmp_path: Path) -> None:
        model = Tied()
        save_model(model, str(tmp_path / "tied.safetensors"))
        root, _ = hash_tensors([tmp_path / "tied.safetensors"])
        assert tensor_digest_of(model.state_dict()) == root
        assert root.size == 1

    def test_of_tied_names_the_caller_may_choose(self, tmp_path: Path) -> None:
        state = Tied().state_dict()
        only = {"head.weight": state["head.weight"].clone()}
        assert tensor_digest_of(state, tied=["embedding.weight"]) == root_of_file(only, tmp_path)

    def test_equal_tensors_that_are_not_tied_count_twice(self) -> None:
        assert tensor_digest_of({"a": torch.zeros(2), "b": torch.zeros(2)}).size == 2

    def test_wrappers_leave_no_trace(self) -> None:
        model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
        plain = tensor_digest_of(model.state_dict())
        compiled: Any = torch.compile(model)
        assert next(iter(compiled.state_dict())).startswith("_orig_mod.")
        assert tensor_digest_of(compiled.state_dict()) == plain
        assert tensor_digest_of(DataParallel(compiled).state_dict()) == plain
        inner = {
            f"0._checkpoint_wrapped_module.{n[2:]}": t
            for n, t in model.state_dict().items()
            if n[0] == "0"
        }
        rest = {name: it for name, it in model.state_dict().items() if name[0] == "1"}
        assert tensor_digest_of({**inner, **rest}) == plain

    def test_a_part_that_is_called_module_can_be_kept(self, tmp_path: Path) -> None:
        state = HasModule().state_dict()
        assert tensor_digest_of(state, prefixed=False) == root_of_file(dict(state), tmp_path)
        assert tensor_digest_of({**state, "scale": torch.ones(1)}) == root_of_file(
            {**state, "scale": torch.ones(1)}, tmp_path
        )


class TestDescriptions:
    """Facts about models and what trains them."""

    def test_of_no_torch_model_the_class_is_told(self) -> None:
        assert describe_model({}) == {"architecture": {"name": "dict"}}

    def test_a_model_is_its_class_and_what_is_trained(self) -> None:
        model = Tied()
        assert describe_model(model) == {
            "architecture": {"name": "Tied", "parameter_count": 32, "data_type": "F32"}
        }
        model.embedding.weight.requires_grad_(requires_grad=False)
        assert describe_model(model)["architecture"]["parameter_count"] == 0

    def test_a_class_that_sharding_made_is_the_one_it_was(self) -> None:
        module = type("FSDPModule", (), {})
        made = type("FSDPLinear", (module, torch.nn.Linear), {})(1, 1)
        assert describe_model(made)["architecture"]["name"] == "Linear"

    def test_of_mixed_types_none_is_told(self) -> None:
        model = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Linear(1, 1).double())
        assert "data_type" not in describe_model(model)["architecture"]

    def test_wrapped_models_are_what_they_hold(self) -> None:
        model = torch.nn.Linear(1, 1)
        assert unwrap_model(DataParallel(torch.compile(model))) is model
        assert unwrap_model(torch.compile(DataParallel(model))) is model
        endless = DataParallel(model)
        endless.module = endless
        assert unwrap_model(endless) is endless
        own = HasModule()
        assert unwrap_model(own) is own

    def test_an_optimizer_is_its_groups_without_tensors(self) -> None:
        model = Tied()
        groups = [{"params": model.parameters(), "lr": torch.tensor(0.5)}]
        optimizer = torch.optim.SGD(groups, momentum=0.9)
        said = describe_optimizer(optimizer)
        assert said["name"] == "SGD"
        assert (said["groups"][0]["lr"], said["groups"][0]["momentum"]) == (0.5, 0.9)
        assert said["groups"][0]["parameters"] == 32
        assert "params" not in said["groups"][0]

    def test_a_scheduler_is_its_settings_and_not_how_far_it_is(self) -> None:
        optimizer = torch.optim.SGD(Tied().parameters(), lr=0.5)
        scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4], gamma=0.1)
        said = describe_scheduler(scheduler)
        assert said["name"] == "MultiStepLR"
        assert (said["gamma"], said["base_lrs"]) == (0.1, [0.5])
        optimizer.step()
        scheduler.step()
        assert describe_scheduler(scheduler) == said

    def test_a_loader_is_its_order(self) -> None:
        data = torch.utils.data.TensorDataset(torch.zeros(4))
        generator = torch.Generator().manual_seed(3)
        said = describe_loader(
            torch.utils.data.DataLoader(data, 2, shuffle=True, generator=generator, drop_last=True)
        )
        assert said["seed"] == 3
        assert (said["sampler"], said["batch_size"], said["drop_last"]) == (
            "RandomSampler",
            2,
            True,
        )
        assert describe_loader(torch.utils.data.DataLoader(data))["shuffles"] is False
        assert describe_loader([1, 2]) == {}
