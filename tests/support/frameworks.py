"""The variables that trainings of tests run under."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

#: What every training of these tests runs under, also those in processes of their own.
QUIET: Final = MappingProxyType(
    {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "KERAS_BACKEND": "torch",
        "MKL_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "TOKENIZERS_PARALLELISM": "false",
    }
)
