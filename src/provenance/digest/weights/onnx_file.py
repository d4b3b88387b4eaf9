"""ONNX files without the library: the initializers of the main graph.

Nothing of the graph is built or run. Elements in external files are read only below the folder of
the model, by safe names. Source: `spec/digests.md`, section "Containers of weights".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provenance.digest.tensors import malformed
from provenance.digest.weights.layouts import Layout
from provenance.digest.weights.onnx_tensors import TensorReader
from provenance.digest.weights.protobuf import BYTES, WireReader
from provenance.errors import shown

if TYPE_CHECKING:
    from provenance.digest.weights.layouts import StoredTensor
    from provenance.digest.weights.sources import Sources

__all__ = ["NOT_COVERED", "read_onnx"]

#: What is said of every ONNX file.
NOT_COVERED: Final = (
    "only the initializers of the main graph are covered: no constants of nodes, no nested graphs"
)

# Fields of ModelProto and GraphProto.
_GRAPH: Final = 7
_INITIALIZER: Final = 5
_SPARSE_INITIALIZER: Final = 15


def read_onnx(sources: Sources, name: str) -> Layout:
    """Return the layout of an ONNX file and of the external files that it names.

    Raises:
        DigestError: It breaks the format, or holds weights that no tensor digest can cover (code
            `tensors-malformed`).
        InputError: An external file is a link or a special file, or cannot be read.
    """
    wire = WireReader(sources, name)
    graphs = [field for field in wire.fields(0, wire.size) if field.number == _GRAPH]
    if len(graphs) != 1 or graphs[0].kind != BYTES:
        raise malformed(name, f"it has {len(graphs)} graphs, expected one")
    tensors: dict[str, StoredTensor] = {}
    reader = TensorReader(sources, wire)
    for field in wire.fields(graphs[0].start, graphs[0].end):
        if field.number == _SPARSE_INITIALIZER:
            raise malformed(name, "it has sparse initializers, which no tensor digest covers")
        if field.number != _INITIALIZER:
            continue
        if field.kind != BYTES:
            raise malformed(name, f"the initializer at byte {field.start} is no message")
        tensor = reader.read(field)
        if tensor.name in tensors:
            raise malformed(name, f"the initializer {shown(tensor.name)} stands twice")
        tensors[tensor.name] = tensor
    return Layout("ONNX", tuple(tensors.values()), (), (NOT_COVERED,))
