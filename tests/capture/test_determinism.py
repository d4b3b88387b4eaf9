"""What decides over bits is captured from loaded libraries, and nothing is loaded for it."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import types
from typing import TYPE_CHECKING

import numpy as np

from provenance.capture import capture_determinism

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def make_torch() -> types.ModuleType:
    """Return what PyTorch looks like from outside, in a version that lacks some functions."""
    torch = types.ModuleType("torch")

    def fail() -> bool:
        message = "not on this machine"
        raise RuntimeError(message)

    backends = types.SimpleNamespace(
        cpu=types.SimpleNamespace(get_cpu_capability=lambda: "AVX512"),
        cudnn=types.SimpleNamespace(deterministic=True, benchmark=False),
    )
    vars(torch).update(
        __version__="2.9.0+cpu",
        get_num_threads=lambda: 2,
        get_num_interop_threads=lambda: 1,
        are_deterministic_algorithms_enabled=lambda: True,
        is_deterministic_algorithms_warn_only_enabled=fail,
        get_default_dtype=lambda: np.dtype("float32"),
        backends=backends,
        version=types.SimpleNamespace(cuda=None),
    )
    return torch


def test_numbers_of_threads_come_from_allowed_variables_only() -> None:
    variables = {"OMP_NUM_THREADS": "4", "MKL_NUM_THREADS": "auto", "MY_NUM_THREADS": "8"}
    threads = capture_determinism(variables).value.threads
    assert threads["OMP_NUM_THREADS"] == 4
    assert "MKL_NUM_THREADS" not in threads
    assert "MY_NUM_THREADS" not in threads


def test_thread_pools_and_numpy_are_asked_when_they_are_loaded() -> None:
    assert importlib.import_module("threadpoolctl").threadpool_info()
    captured = capture_determinism()
    assert captured.gaps == ()
    settings = captured.value.determinism
    assert settings["numpy"]["version"] == np.__version__
    assert settings["numpy"]["blas"]["name"]
    assert settings["threadpools"][0]["user_api"] in {"blas", "openmp"}
    assert "filepath" not in settings["threadpools"][0]
    assert any(isinstance(number, int) for number in captured.value.threads.values())


def test_library_that_fails_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, function in (("threadpoolctl", "threadpool_info"), ("numpy", "show_config")):
        module = types.ModuleType(name)
        setattr(module, function, None)
        monkeypatch.setitem(sys.modules, name, module)
    captured = capture_determinism({})
    assert [(gap.subject, gap.kind) for gap in captured.gaps] == [
        ("threadpoolctl", "failed"),
        ("numpy", "failed"),
    ]


def test_pool_without_a_name_or_number_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("threadpoolctl")
    vars(module)["threadpool_info"] = lambda: [{"user_api": "openmp"}]
    monkeypatch.setitem(sys.modules, "threadpoolctl", module)
    captured = capture_determinism({})
    assert captured.value.threads == {}
    assert captured.value.determinism["threadpools"] == ({"user_api": "openmp"},)


def test_torch_is_asked_when_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", make_torch())
    captured = capture_determinism({})
    assert captured.value.threads["torch"] == 2
    assert captured.value.threads["torchInterop"] == 1
    assert captured.value.determinism["torch"] == {
        "version": "2.9.0+cpu",
        "deterministicAlgorithms": True,
        "defaultDtype": "float32",
        "cpuCapability": "AVX512",
        "cudnnDeterministic": True,
        "cudnnBenchmark": False,
    }
    assert [gap.subject for gap in captured.gaps] == [
        "torch.is_deterministic_algorithms_warn_only_enabled"
    ]


def test_instruction_sets_are_those_that_libraries_choose_by(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    place = tmp_path / "proc" / "cpuinfo"
    place.write_text("flags\t\t: fpu avx2 vme fma avx\n", encoding="utf-8")
    found = capture_determinism({}, root=tmp_path).value.determinism
    assert found["instructionSets"] == ("avx", "avx2", "fma")
    place.write_text("processor : 0\n", encoding="utf-8")
    assert "instructionSets" not in capture_determinism({}, root=tmp_path).value.determinism


def test_system_with_another_c_library_says_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "confstr", raising=False)
    assert "libc" not in capture_determinism({}).value.determinism


def test_hash_seed_is_the_one_that_the_interpreter_took() -> None:
    text = (
        "from provenance.capture import capture_determinism as capture;"
        "print(capture({}).value.determinism['hashSeed'])"
    )
    for seed, expected in (("0", "0"), ("17", "17"), ("random", "random")):
        ran = subprocess.run(
            (sys.executable, "-c", text),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout.strip() == expected


def test_nothing_is_imported_for_it() -> None:
    text = (
        "import sys; from provenance.capture import capture_environment as capture;"
        "capture('env-1', code_folder='/');"
        "print([n for n in ('numpy', 'torch', 'threadpoolctl', 'omegaconf', 'click', 'rich')"
        " if n in sys.modules])"
    )
    ran = subprocess.run((sys.executable, "-c", text), capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


SHOWN = """PyTorch built with:
  - GCC 13.3
  - C++ Version: 201703
  - Intel(R) oneAPI Math Kernel Library Version 2024.2-Product Build 20240605
  - Intel(R) MKL-DNN v3.11.1 (Git Hash 1)
  - OpenMP 201511 (a.k.a. OpenMP 4.5)
  - CPU capability usage: AVX512
  - Build settings: BLAS_INFO=mkl, BUILD_TYPE=Release, CXX_FLAGS=-I/home/ada/include,
"""
PARALLEL = """ATen/Parallel:
\tat::get_num_threads() : 1
\tomp_get_max_threads() : 3
\tmkl_get_max_threads() : 2
std::thread::hardware_concurrency() : 64
"""


def test_libraries_below_torch_are_named_without_flags_and_folders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch = make_torch()
    config = types.SimpleNamespace(show=lambda: SHOWN, parallel_info=lambda: PARALLEL)
    vars(torch)["__config__"] = config
    monkeypatch.setitem(sys.modules, "torch", torch)
    captured = capture_determinism({}).value
    found = captured.determinism["torch"]
    assert found["libraries"] == (
        "Intel(R) oneAPI Math Kernel Library Version 2024.2-Product Build 20240605",
        "Intel(R) MKL-DNN v3.11.1 (Git Hash 1)",
        "OpenMP 201511 (a.k.a. OpenMP 4.5)",
    )
    assert found["blas"] == "mkl"
    assert (captured.threads["torchMkl"], captured.threads["torchOpenmp"]) == (2, 3)
    assert "ada" not in repr(captured)
    assert 64 not in captured.threads.values()


def test_nccl_is_asked_of_builds_for_cuda_only(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = make_torch()
    vars(torch)["cuda"] = types.SimpleNamespace(nccl=types.SimpleNamespace(version=lambda: (2, 21)))
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert "nccl" not in capture_determinism({}).value.determinism["torch"]
    vars(torch)["version"] = types.SimpleNamespace(cuda="12.8")
    assert capture_determinism({}).value.determinism["torch"]["nccl"] == "(2, 21)"
