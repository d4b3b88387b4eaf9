"""The environment variables that may enter a manifest. All others are never looked at.

The list holds whole names, no prefixes: `TF_` would take in the credentials of Terraform.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provenance.capture.captured import Captured
from provenance.capture.paths import printable_text, shorten_home
from provenance.capture.redaction import redact_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ALLOWED_VARIABLES", "THREAD_VARIABLES", "capture_variables"]

#: Variables that set numbers of threads.
THREAD_VARIABLES = (
    "BLIS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "JULIA_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OMP_THREAD_LIMIT",
    "OPENBLAS_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

#: Every variable that is captured: those that can change the bits of a result, or its speed.
ALLOWED_VARIABLES: frozenset[str] = frozenset(
    {
        *THREAD_VARIABLES,
        # Python
        *("PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONUTF8"),
        # Instruction sets and BLAS
        *("ATEN_CPU_CAPABILITY", "BLIS_ARCH_TYPE", "DNNL_MAX_CPU_ISA", "MKL_CBWR", "MKL_DYNAMIC"),
        *("MKL_ENABLE_INSTRUCTIONS", "MKL_SERVICE_FORCE_INTEL", "MKL_THREADING_LAYER"),
        *("NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "ONEDNN_DEFAULT_FPMATH_MODE"),
        *("ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE", "OPENBLAS_VERBOSE"),
        # OpenMP
        *("GOMP_CPU_AFFINITY", "KMP_AFFINITY", "KMP_BLOCKTIME", "KMP_DETERMINISTIC_REDUCTION"),
        *("OMP_DYNAMIC", "OMP_PLACES", "OMP_PROC_BIND", "OMP_SCHEDULE", "OMP_WAIT_POLICY"),
        # PyTorch
        *("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ENABLE_MPS_FALLBACK"),
        *("PYTORCH_HIP_ALLOC_CONF", "PYTORCH_JIT", "PYTORCH_NVFUSER_DISABLE"),
        *("TORCHDYNAMO_DISABLE", "TORCHINDUCTOR_MAX_AUTOTUNE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),
        *("TORCH_BLAS_PREFER_CUBLASLT", "TORCH_COMPILE_DISABLE", "TORCH_CUDNN_V8_API_DISABLED"),
        "TORCH_NCCL_ASYNC_ERROR_HANDLING",
        # Accelerators
        *("CUBLAS_WORKSPACE_CONFIG", "CUDA_DEVICE_MAX_CONNECTIONS", "CUDA_DEVICE_ORDER"),
        *("CUDA_LAUNCH_BLOCKING", "CUDA_VISIBLE_DEVICES", "CUDNN_DETERMINISTIC"),
        *("HIP_VISIBLE_DEVICES", "HSA_OVERRIDE_GFX_VERSION", "MIOPEN_FIND_MODE"),
        *("NVIDIA_TF32_OVERRIDE", "ROCR_VISIBLE_DEVICES"),
        # Collective communication
        *("NCCL_ALGO", "NCCL_BUFFSIZE", "NCCL_IB_DISABLE", "NCCL_MAX_NCHANNELS"),
        *("NCCL_MIN_NCHANNELS", "NCCL_NTHREADS", "NCCL_P2P_DISABLE", "NCCL_PROTO"),
        *("NCCL_SHM_DISABLE", "NCCL_TREE_THRESHOLD"),
        *("LOCAL_RANK", "LOCAL_WORLD_SIZE", "RANK", "WORLD_SIZE"),
        # TensorFlow, XLA, JAX
        *("JAX_DEFAULT_DTYPE_BITS", "JAX_DEFAULT_MATMUL_PRECISION", "JAX_ENABLE_X64"),
        *("JAX_PLATFORMS", "JAX_THREEFRY_PARTITIONABLE", "TF_CUDNN_DETERMINISTIC"),
        *("TF_CUDNN_USE_AUTOTUNE", "TF_DETERMINISTIC_OPS", "TF_ENABLE_ONEDNN_OPTS"),
        *("TF_FORCE_GPU_ALLOW_GROWTH", "TF_XLA_FLAGS", "XLA_FLAGS"),
        *("XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_PREALLOCATE"),
        # Other
        *("HF_DATASETS_OFFLINE", "HF_HUB_OFFLINE", "TOKENIZERS_PARALLELISM"),
    }
)

#: Longest value that is kept, in characters.
MAX_VALUE_CHARACTERS = 1_000


def capture_variables(variables: Mapping[str, str] | None = None) -> Captured[dict[str, str]]:
    """Return the allow-listed variables that are set, by name, without secrets.

    Args:
        variables: The environment; by default that of this process.
    """
    found = os.environ if variables is None else variables
    texts = {name: _text(found[name]) for name in sorted(ALLOWED_VARIABLES & set(found))}
    redacted = redact_mapping(texts)
    return Captured(redacted.value, redacted.gaps("environment variables"))


def _text(value: str) -> str:
    return shorten_home(printable_text(value))[:MAX_VALUE_CHARACTERS]
