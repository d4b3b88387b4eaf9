"""A PKCS#11 token for tests: SoftHSM2 with a key of every kind."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PIN", "made_token"]

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so")
LABEL = "lab"
PIN = "1234"
CURVES = {"p256": "secp256r1", "p384": "secp384r1", "p521": "secp521r1"}


@contextmanager
def made_token(folder: Path) -> Iterator[str]:
    """Yield the part of a URI that names the module; skip if there is none.

    Once a process: the module reads where its tokens lie when it is loaded.
    """
    module = next((path for path in MODULES if Path(path).exists()), None)
    program = shutil.which("softhsm2-util")
    if module is None or program is None:
        pytest.skip("SoftHSM2 is not installed")
    pytest.importorskip("pkcs11", reason="the extra pkcs11 is not installed")
    (folder / "tokens").mkdir()
    (folder / "conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "conf")
    initialise = ["--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "5678"]
    subprocess.run([program, *initialise], check=True, capture_output=True)
    _make_keys(module)
    yield f"module-path={module}"
    del os.environ["SOFTHSM2_CONF"]


def _make_keys(module: str) -> None:
    import pkcs11  # noqa: PLC0415 - an extra
    from pkcs11.util.ec import encode_named_curve_parameters  # noqa: PLC0415

    with pkcs11.lib(module).get_token(token_label=LABEL).open(rw=True, user_pin=PIN) as session:
        store: dict[str, Any] = {"store": True}
        for number, (label, curve) in enumerate(CURVES.items(), 1):
            parameters = session.create_domain_parameters(
                pkcs11.KeyType.EC,
                {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(curve)},
                local=True,
            )
            parameters.generate_keypair(id=bytes([number]), label=label, **store)
        edwards = session.create_domain_parameters(
            pkcs11.KeyType.EC_EDWARDS,
            {pkcs11.Attribute.EC_PARAMS: bytes.fromhex("06032b6570")},  # id-Ed25519, RFC 8410
            local=True,
        )
        edwards.generate_keypair(
            mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN, id=b"\x11", label="ed", **store
        )
        session.generate_keypair(pkcs11.KeyType.RSA, 2048, id=b"\x12", label="rsa", **store)
        session.generate_keypair(pkcs11.KeyType.RSA, 1024, id=b"\x13", label="weak", **store)
