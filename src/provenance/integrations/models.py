"""What models, optimizers and data loaders of torch say of themselves. Imports no framework.

Source: `spec/digests.md`, section "Tensor digest", for the digest of a state dictionary.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from provenance.digest import tensor_entry, typed_root
from provenance.digest.arrays import digest_array, is_array
from provenance.errors import DigestError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from provenance.digest import TypedRoot

__all__ = [
    "describe_loader",
    "describe_model",
    "describe_optimizer",
    "describe_scheduler",
    "tensor_digest_of",
    "unwrap_model",
]

#: Classes that hold a model as `module`. Others may have a part of that name.
WRAPPERS: Final = frozenset(
    {
        *("DataParallel", "DistributedDataParallel", "FullyShardedDataParallel", "DeepSpeedEngine"),
    }
)

#: Most wrappers around one another that are looked through.
MAX_WRAPPERS: Final = 8

#: Parts of a tensor's name that only wrappers put there: compilation, sharding, recomputation.
WRAPPER_PARTS: Final = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")

#: What a wrapper of a whole model puts before every name.
WRAPPER_PREFIX: Final = "module."

#: Element types of torch, as safetensors spells them.
ELEMENT_TYPES: Final[Mapping[str, str]] = {
    "bool": "BOOL",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
    "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2": "F8_E5M2",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "float8_e8m0fnu": "F8_E8M0",
}


def unwrap_model(model: Any) -> Any:  # noqa: ANN401 - any model
    """Return the model inside what compiles, replicates or shards it."""
    for _ in range(MAX_WRAPPERS):
        if hasattr(model, "_orig_mod"):
            model = model._orig_mod  # noqa: SLF001 - the only name that `torch.compile` gives it
        elif type(model).__name__ in WRAPPERS and hasattr(model, "module"):
            model = model.module
    return model


def describe_model(model: Any) -> dict[str, Any]:  # noqa: ANN401 - any model
    """Return the facts about a model that `run.model(**facts)` takes.

    Args:
        model: A `torch.nn.Module`, wrapped or not; of another object, its class is told.

    Returns:
        `architecture` with the name of its class and, where it has `parameters()`, the number of
        trained parameters (those that ask for a gradient, tied ones once) and their data type if
        all have the same.
    """
    model = unwrap_model(model)
    facts: dict[str, Any] = {"name": _class_name(model)}
    parameters = getattr(model, "parameters", None)
    if callable(parameters):
        every = list({id(it): it for it in parameters()}.values())
        trained = [it for it in every if it.requires_grad]
        facts["parameter_count"] = sum(it.numel() for it in trained)
        kinds = {_element_type(it) for it in every}
        if len(kinds) == 1 and None not in kinds:
            facts["data_type"] = kinds.pop()
    return {"architecture": facts}


def _inside(part: Any, name: str) -> Any:  # noqa: ANN401 - any part of a training
    """Return what lies inside a part that others of its kind wrap, as accelerate does."""
    for _ in range(MAX_WRAPPERS):
        part = getattr(part, name, part)
    return part


def _class_name(model: Any) -> str:  # noqa: ANN401 - any model
    kinds = [kind.__name__ for kind in type(model).__mro__]
    # `fully_shard` makes the class anew, as `FSDP…` of `FSDPModule` and the class it was.
    return kinds[2] if kinds[1:2] == ["FSDPModule"] else kinds[0]


def describe_optimizer(optimizer: Any) -> dict[str, Any]:  # noqa: ANN401 - any optimizer
    """Return class and settings of an optimizer: those of its parameter groups, and no tensor."""
    optimizer = _inside(optimizer, "optimizer")
    groups = []
    for group in optimizer.param_groups:
        settings = {name: _plain(it) for name, it in group.items() if not name.startswith("param")}
        groups.append({**settings, "parameters": sum(it.numel() for it in group["params"])})
    return {"name": type(optimizer).__name__, "groups": groups}


def describe_scheduler(scheduler: Any) -> dict[str, Any]:  # noqa: ANN401 - any scheduler
    """Return class and settings of a learning rate scheduler, without how far it has come."""
    scheduler = _inside(scheduler, "scheduler")
    moving = {"last_epoch", "verbose", "best", "num_bad_epochs", "cooldown_counter"}
    settings = {
        name: _plain(value)
        for name, value in scheduler.state_dict().items()
        if not name.startswith("_") and name not in moving and _is_plain(value)
    }
    return {"name": type(scheduler).__name__, **settings}


def describe_loader(loader: Any) -> dict[str, Any]:  # noqa: ANN401 - any loader
    """Return how a data loader orders and groups its records. It is not iterated."""
    batches = _inside(getattr(loader, "batch_sampler", None), "batch_sampler")
    sampler = getattr(batches, "sampler", None) or getattr(loader, "sampler", None)
    size = getattr(loader, "batch_size", None)
    said = {
        "batch_size": getattr(batches, "batch_size", None) if size is None else size,
        "sampler": None if sampler is None else type(sampler).__name__,
        "batch_sampler": None if batches is None else type(batches).__name__,
        "shuffles": None if sampler is None else _shuffles(sampler),
        "drop_last": getattr(loader, "drop_last", None),
        "workers": getattr(loader, "num_workers", None),
        "seed": getattr(sampler, "seed", None),
    }
    generator = getattr(loader, "generator", None) or getattr(sampler, "generator", None)
    if generator is not None and hasattr(generator, "initial_seed"):
        said["seed"] = int(generator.initial_seed())
    return {name: value for name, value in said.items() if _is_plain(value) and value is not None}


def _shuffles(sampler: Any) -> bool:  # noqa: ANN401 - any sampler
    return "Random" in type(sampler).__name__ or getattr(sampler, "shuffle", None) is True


def tensor_digest_of(
    state: Mapping[str, Any],
    *,
    tied: Collection[str] = (),
    prefixed: bool | None = None,
) -> TypedRoot:
    """Return the tensor digest of a state dictionary: that of a safetensors file made from it.

    Sharded tensors are put together by a collective call: then every rank calls this.

    Args:
        state: Tensors of torch, on any device, or NumPy arrays, by name. Of several
            names for one tensor the first in the order of their characters counts, as
            `safetensors.torch.save_model` has it.
        tied: Names that are left out because they stand for another one, as `save_pretrained`
            leaves out what `_tied_weights_keys` lists.
        prefixed: Whether `module.` before every name comes from a wrapper; otherwise it is taken
            for one where all names begin so.

    Raises:
        DigestError: A value is no tensor, or its type has no name in safetensors.
    """
    # Which of the names stays is decided as the library that writes the file does: before wrappers
    # are taken out of them.
    names = _stripped(state, prefixed=prefixed)
    kept: dict[object, str] = {}
    for name in sorted(names):
        if names[name] not in tied and name not in tied:
            kept.setdefault(_memory(name, state[name]), name)
    chosen = {names[name]: state[name] for name in kept.values()}
    if len(chosen) != len(kept):
        raise DigestError(problem="two tensors have one name without that of their wrapper")
    order = sorted(chosen, key=lambda name: name.encode("utf-8", "surrogatepass"))
    return typed_root("tensor", (_entry(name, chosen[name]) for name in order))


def _stripped(names: Iterable[str], *, prefixed: bool | None) -> dict[str, str]:
    """Return each name with the same name without what wrappers add."""
    plain = {name: name for name in names}
    for part in WRAPPER_PARTS:
        plain = {name: short.replace(part, "") for name, short in plain.items()}
    if prefixed is None:
        prefixed = bool(plain) and all(it.startswith(WRAPPER_PREFIX) for it in plain.values())
    if prefixed:
        plain = {name: it.removeprefix(WRAPPER_PREFIX) for name, it in plain.items()}
    return plain


def _memory(name: str, value: Any) -> object:  # noqa: ANN401 - a tensor
    """Return what two names of one tensor have in common; an empty tensor lies nowhere."""
    if not _is_dense(value) or hasattr(value, "full_tensor") or value.numel() == 0:
        return name
    return (str(value.device), value.data_ptr(), str(value.dtype), *value.shape, *value.stride())


def _entry(name: str, value: Any) -> bytes:  # noqa: ANN401 - a tensor
    if is_array(value):
        return digest_array(name, value).entry
    kind = _element_type(value)
    if kind is None or not _is_dense(value):
        raise DigestError(
            path=name,
            problem="only tensors of plain numbers have a tensor digest",
            remedy="leave it out",
            code="records-unsupported",
        )
    torch: Any = sys.modules["torch"]  # whoever has a tensor has loaded it
    whole = value.full_tensor() if hasattr(value, "full_tensor") else value
    flat = whole.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return tensor_entry(name, kind, tuple(whole.shape), flat.view(torch.uint8).numpy())


def _is_dense(value: Any) -> bool:  # noqa: ANN401 - a tensor
    return str(getattr(value, "layout", "")) == "torch.strided"


def _element_type(value: Any) -> str | None:  # noqa: ANN401 - a tensor
    return ELEMENT_TYPES.get(str(getattr(value, "dtype", "")).removeprefix("torch."))


def _plain(value: Any) -> Any:  # noqa: ANN401 - a setting
    """Return a setting, also one that is a tensor of one number."""
    if hasattr(value, "numel") and hasattr(value, "item") and value.numel() == 1:
        return value.item()
    return type(value).__name__ if hasattr(value, "numel") else value


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str | Counter)
