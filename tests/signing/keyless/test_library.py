"""The library `sigstore` decides the same on every bundle; where it does not, the case says why."""

from __future__ import annotations

import pytest

from support.keyless import ARTIFACT, IDENTITY, ISSUER, Instance
from support.keyless_cases import CASES

errors = pytest.importorskip("sigstore.errors")
models = pytest.importorskip("sigstore.models")
policies = pytest.importorskip("sigstore.verify.policy")
verifiers = pytest.importorskip("sigstore.verify.verifier")
trustroot = pytest.importorskip("sigstore_models.trustroot.v1")
#: Where exceptions may come from that it lets through; it does not accept then either.
READERS = ("cryptography", "pydantic")


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    return Instance(tmp_path_factory.mktemp("instance"))


def accepts(bundle: bytes, root: bytes) -> bool:
    who = policies.Identity(identity=IDENTITY, issuer=ISSUER)
    trusted = models.TrustedRoot(trustroot.TrustedRoot.from_json(root))
    try:
        verifier = verifiers.Verifier(trusted_root=trusted)
        parsed = models.Bundle.from_json(bundle)
        if parsed._dsse_envelope is None:
            verifier.verify_artifact(ARTIFACT, parsed, who)
        else:
            verifier.verify_dsse(parsed, who)
    except Exception as error:
        known = isinstance(error, errors.Error | ValueError | AttributeError | KeyError)
        if not known and not type(error).__module__.startswith(READERS):
            raise
        return False
    return True


@pytest.mark.parametrize("name", CASES)
def test_decides_the_same(name: str, instance: Instance) -> None:
    case = CASES[name]
    ours = case.code is None
    assert accepts(*case.build(instance)) == (not ours if case.differs else ours), case.differs
