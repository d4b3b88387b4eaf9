"""Commented policies to begin with, for three kinds of people. No I/O.

What stands between `<` and `>` is to be filled in; until then `provenance policy check` says so.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TEMPLATES"]

_OTHERS = """\
# A signer may be known in other ways; exactly one of them stands in a signer.
#
# A line of an OpenSSH .pub file (the name of a file goes into key):
# [signers.somebody]
# ssh = "ssh-ed25519 AAAA… somebody@example.org"
#
# A name that an authority of your own vouches for:
# [signers.department.certificate]
# authority = "ca.pem"
# identity = "release@example.org"
#
# A name that Sigstore vouches for:
# [signers.pipeline.keyless]
# identity = "release@example.org"
# issuer = "https://accounts.example.org"
# trustedRoot = "trusted_root.json"
#
# Witnesses of time: certificates of timestamp authorities (RFC 3161).
# [timestamps]
# authorities = ["tsa.pem"]
# required = true

"""

_CONSUMER = """\
# Trust policy of somebody who uses models of a publisher.
#
# Fill in what stands between < and >, then:   provenance policy check FILE
# In plain words:                              provenance policy explain FILE
# With it:                                     provenance verify MODEL --policy FILE
#
# Keep this file where the publisher of the models cannot write, never beside a model.

policyVersion = "1.0"
name = "<what you call this policy>"
version = 1

# The publisher's public key: a file beside this one, or the PEM text itself.
# Compare its fingerprint with what the publisher says elsewhere than in the download.
[signers.publisher]
key = "<file of the publisher's public key>"
# notAfter = 2030-01-01T00:00:00Z

@OTHERS@
# Who says how the model was trained, and for which models: a name, or a beginning and "*".
[roles.trainer]
signers = ["publisher"]
models = ["<name of the model>"]

# Facts that must be stated. Rungs: declared (words), bound (a signed digest), matched (you hold
# the bytes). Something that the publisher withholds or leaves out does not meet these.
[require]
"model.licenses" = "declared"
"datasets[*].licenses" = "declared"

# Keys and files that you no longer trust:
# [[revoked.keys]]
# fingerprint = "SHA256:…"
# from = 2026-11-01T00:00:00Z      # older signatures stay good if a timestamp proves their age
# reason = "the publisher lost it"
"""

_COMPANY = """\
# Trust policy of a company that runs models which its own teams train.
#
# Fill in what stands between < and >, then:   provenance policy check FILE
# In plain words:                              provenance policy explain FILE

policyVersion = "1.0"
name = "<what you call this policy>"
version = 1
expires = "<when it is to be renewed, e.g. 2027-12-31T00:00:00Z>"
maxAgeDays = 730                      # since the manifest's `createdAt`
ignore = ["hub"]                      # what git and the Hub add to a download

# Whose signatures may count. A key is a file beside this one, or the PEM text itself.
[signers.training]
key = "<file of the training team's public key>"

[signers.review]
key = "<file of the review team's public key>"

[signers.evaluation]
key = "<file of the evaluation team's public key>"

@OTHERS@
# Both teams must have signed the same manifest: `provenance cosign` adds the second signature.
[roles.trainer]
signers = ["training", "review"]
threshold = 2

# May sign evaluations; nothing of it is needed. Without `required = false` one would be.
[roles.evaluator]
signers = ["evaluation"]
required = false

[require]
"datasets[*]" = "bound"
"datasets[*].licenses" = "declared"
"training.segments[*].code" = "bound"
"evaluations" = "declared"

# What the models were made from must be bound by digests too.
[ancestors]
bound = true
"""

_REGULATOR = """\
# Trust policy of somebody who has to check how a model was trained.
#
# Fill in what stands between < and >, then:   provenance policy check FILE
# In plain words:                              provenance policy explain FILE

policyVersion = "1.0"
name = "<what you call this policy>"
version = 1
expires = "<when it is to be renewed, e.g. 2027-12-31T00:00:00Z>"
digests = "all"                       # recompute every recorded digest
algorithms = ["ecdsa-p256-sha256", "ecdsa-p384-sha384", "ed25519"]
requireEmpty = "notMet"               # a requirement that matches nothing is not met
requireNotApplicable = "met"          # "does not apply" is an answer, with its reason

[signers.provider]
key = "<file of the provider's public key>"

[signers.auditor]
key = "<file of the auditor's public key>"

@OTHERS@
[roles.trainer]
signers = ["provider"]

# The auditor has signed the same manifest.
[roles.auditor]
signers = ["auditor"]

[require]
"producer.contact" = "declared"
"model.intendedUse" = "declared"
"datasets[*]" = "bound"
"datasets[*].licenses" = "declared"
"training.segments[*].code" = "bound"
"training.segments[*].environment" = "bound"
"evaluations" = "bound"
"compute" = "declared"

# Whole parts of open training, by the ids of the registry; as low as their lowest fact.
[requireParts]
data-criteria = "declared"
training-log = "bound"

[ancestors]
bound = true
"""

#: The templates, by the name of whom they are for.
TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        name: text.replace("@OTHERS@\n", _OTHERS)
        for name, text in (
            ("consumer", _CONSUMER),
            ("company", _COMPANY),
            ("regulator", _REGULATOR),
        )
    }
)
