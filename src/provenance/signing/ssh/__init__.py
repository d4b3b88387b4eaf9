"""SSH keys: the files in which people publish and list them, and a running ssh-agent.

An SSH key signs the message itself, as the plain key that it is. SSHSIG is not used: no other tool
would accept it inside an envelope.
"""

from __future__ import annotations

from provenance.signing.ssh.agent import SshAgentSigner, list_agent_keys
from provenance.signing.ssh.key_lists import SshKey, read_allowed_signers, read_authorized_keys

__all__ = [
    "SshAgentSigner",
    "SshKey",
    "list_agent_keys",
    "read_allowed_signers",
    "read_authorized_keys",
]
