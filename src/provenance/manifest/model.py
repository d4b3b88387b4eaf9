"""The model: what it is, what it is for, what it descends from, and the files released. No I/O."""

from __future__ import annotations

from typing import Literal

from provenance.manifest.base import (
    BlockRoot,
    Count,
    Digests,
    Document,
    FileRoot,
    FreeObject,
    Id,
    Licenses,
    Many,
    Name,
    Path,
    ShortText,
    TensorRoot,
    Text,
    Uri,
)
from provenance.manifest.files import FileReference, FileTree, ReleasedFile

__all__ = ["Architecture", "BaseModelReference", "FileBlocks", "Model", "Release", "Tokenizer"]


class Architecture(Document):
    """The model's architecture."""

    family: ShortText | None = None
    """E.g. `mlp`, `transformer`."""

    name: ShortText | None = None
    """The class or published name, e.g. `LlamaForCausalLM`."""

    description: Text | None = None
    """Layers, sizes, activations, in words."""

    parameter_count: Count | None = None
    """Number of trained parameters."""

    data_type: ShortText | None = None
    """Data type of the released weights as safetensors spells it, e.g. `BF16`."""

    configuration: Id | None = None
    """The document that holds the architecture's configuration."""

    settings: FreeObject | None = None
    """The configuration itself, where it is short."""


class Tokenizer(FileTree):
    """What turns text into the model's input."""

    name: ShortText | None = None
    """Its name."""

    description: Text | None = None
    """How it was made."""

    vocabulary_size: Count | None = None
    """Number of tokens."""

    datasets: Many[Id] = ()
    """Ids of the datasets that it was trained on."""

    uri: Uri | None = None
    """Where it can be had."""

    licenses: Licenses = ()
    """SPDX expressions, where it is under other licences than the model."""


class BaseModelReference(Document):
    """A model that this one was made from."""

    id: Id
    """Its name inside the manifest."""

    name: Name
    """Its name for people."""

    version: ShortText | None = None
    """Its version."""

    relation: (
        Literal[
            "finetune",
            "adapter",
            "merge",
            "quantized",
            "distilled",
            "continued",
            "exported",
            "other",
        ]
        | None
    ) = None
    """How this model was made from it."""

    uri: Uri | None = None
    """Where it can be had."""

    revision: ShortText | None = None
    """An immutable revision there, never a branch name."""

    manifest: Digests | None = None
    """The manifest digest of its own provenance."""

    release: Digests | None = None
    """Digest of its release: the SHA-256 of its `SHA256SUMS`."""

    tensors: TensorRoot | None = None
    """Typed root over its tensors."""

    licenses: Licenses = ()
    """SPDX expressions of its licences."""


class Model(Document):
    """The trained model (`spec/manifest.md`, section "Model")."""

    name: Name
    """Its name, as the producer publishes it."""

    version: ShortText | None = None
    """Its version."""

    description: Text | None = None
    """What it does."""

    uri: Uri | None = None
    """Where it is published."""

    licenses: Licenses = ()
    """SPDX expressions of the weights' licences; all of them apply."""

    tasks: Many[ShortText] = ()
    """E.g. `text-generation`."""

    input_modalities: Many[ShortText] = ()
    """What goes in, e.g. `text`, `image`."""

    output_modalities: Many[ShortText] = ()
    """What comes out."""

    languages: Many[ShortText] = ()
    """BCP 47 tags."""

    architecture: Architecture | None = None
    """Its architecture."""

    tokenizer: Tokenizer | None = None
    """Its tokenizer."""

    chat_template: FileReference | None = None
    """The template that turns a conversation into text."""

    base_models: Many[BaseModelReference] = ()
    """What it was made from."""

    intended_use: Text | None = None
    """What it was made for."""

    out_of_scope_use: Text | None = None
    """What it should not be used for."""

    limitations: Text | None = None
    """Known limits, biases and risks."""

    model_card: Id | None = None
    """The document that describes it."""

    citation: Text | None = None
    """How to cite it."""


class FileBlocks(Document):
    """The digests of the blocks of a released file (`spec/digests.md`, section "Blocks")."""

    path: Path
    """The released file."""

    size: Count
    """Its length in bytes, as in the inventory."""

    block_size: Count
    """Length of every block but the last, in bytes: a power of two, 64 KiB to 1 GiB."""

    blocks: BlockRoot
    """Typed root (kind `block`) over the digests of its blocks."""

    list: FileReference | None = None
    """The digests themselves, 32 bytes each, one after the other."""


class Release(Document):
    """The files that are published (`spec/manifest.md`, section "Release")."""

    files: FileRoot
    """Typed root (kind `file`) over the released files."""

    inventory: Many[ReleasedFile] = ()
    """Every released file, sorted by the bytes of its path."""

    inventory_file: FileReference | None = None
    """The inventory in a file of its own, where there are very many."""

    blocks: Many[FileBlocks] = ()
    """Digests of blocks of large files, so that a damaged part is found, and a stream checked."""

    tensors: TensorRoot | None = None
    """Typed root (kind `tensor`) over the tensors of the released weights."""

    checkpoint: Id | None = None
    """The recorded checkpoint that the released weights are."""

    conversion: Text | None = None
    """What was done to that checkpoint, where the tensors differ (cast, quantised, merged)."""
