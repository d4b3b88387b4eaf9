"""Findings: what one check has to say, and the registry of every code it may use.

A code has one severity and belongs to one step of `spec/verification.md`; both stand only here, and
`spec/registry/finding-codes.json` is generated from it. No I/O, no imports from other rooms.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CODES", "STEPS", "CodeInfo", "Finding", "Severity"]


class Severity(StrEnum):
    """How much a finding weighs (`spec/verification.md`, section "Severities")."""

    ERROR = "error"
    """A contradiction, or a broken rule. One of these makes the verdict FAIL."""

    WARNING = "warning"
    """Disclosed honestly, or unusual: for a person to judge. Never changes the verdict."""

    NOTE = "note"
    """Worth knowing, nothing to do."""

    NOT_CHECKED = "notChecked"
    """Something that was not examined. INCOMPLETE where the policy requires it; where the code is a
    *fault* (we could not do our work), the verdict is ERROR unless something contradicts."""


class CodeInfo(Struct, frozen=True):
    """One row of the registry."""

    code: str
    """Stable, lower case, words joined by hyphens. Never reused with another meaning."""

    severity: Severity
    """The one severity of the code."""

    step: int
    """The number of the step that reports it."""

    meaning: str
    """What a reader should understand."""

    remedy: str
    """What a reader can do about it; empty if nothing."""

    fault: bool = False
    """We could not do our work (unreadable, I/O): the verdict is ERROR, unless something contradicts."""


#: The numbered list of verification steps; `spec/verification.md` has one section for each.
STEPS: Mapping[int, str] = MappingProxyType(
    {
        1: "Find the manifest",
        2: "Read the bundle",
        3: "Verify the signature",
        4: "Read the statement",
        5: "Read the document",
        6: "Time and model name",
        7: "Names",
        8: "Walk the release",
        9: "Listing and inventory",
        10: "Account for every file",
        11: "Sizes",
        12: "Digests",
        13: "Files of the manifest folder",
        14: "References",
        15: "Disclosures and origins",
        16: "Datasets",
        17: "Processing",
        18: "Segments",
        19: "Checkpoints",
        20: "Evaluations",
        21: "Released weights",
        22: "Order of times",
        23: "Evidence supplied by the caller",
        24: "Other attestations",
        25: "Policy and verdict",
    }
)

# Columns of the table: error, warning, note, not checked, and not checked because of a fault.
_E, _W, _N, _X, _F = "error", "warning", "note", "notChecked", "fault"

# One row a code: code, severity or fault, step, meaning, remedy.
_ROWS: tuple[tuple[str, str, int, str, str], ...] = (
    # 1. Find the manifest
    ("manifest-missing", _X, 1, "There is no signed manifest here.", "Check the path; ask the publisher for `training-provenance/manifest.sigstore.json`, or name it with --manifest."),
    ("oms-only", _X, 1, "Only an OMS signature is here; it says nothing about training.", "Ask the publisher for a signed manifest."),
    ("draft-unsigned", _X, 1, "There is a draft, but nobody has signed it.", "Sign it with `provenance sign`."),
    ("input-unreadable", _F, 1, "The manifest or another input could not be read.", "Check permissions and the disk, then verify again."),
    # 2. Read the bundle
    ("bundle-malformed", _E, 2, "The bundle breaks the Sigstore bundle format.", "Download it again; if it stays so, ask the publisher."),
    ("bundle-media-type", _E, 2, "The bundle has an unknown media type.", ""),
    ("bundle-size", _E, 2, "The bundle is larger than any bundle may be.", ""),
    ("bundle-signature-count", _E, 2, "The envelope does not hold exactly one signature.", ""),
    ("bundle-payload-type", _E, 2, "The signed bytes are not an in-toto Statement.", ""),
    ("bundle-hint-mismatch", _E, 2, "The key hint and the key id of the signature differ.", ""),
    ("json-encoding", _E, 2, "A document is not strict UTF-8 without a byte order mark.", ""),
    ("json-syntax", _E, 2, "A document is not JSON.", ""),
    ("json-depth", _E, 2, "A document is nested deeper than allowed.", ""),
    ("json-duplicate-key", _E, 2, "An object has a key twice.", ""),
    ("json-number", _E, 2, 'A number is NaN, infinite, overflows, or must stand as {"number": …}.', ""),
    ("json-surrogate", _E, 2, "A string holds a lone surrogate.", ""),
    ("json-size", _E, 2, "A document is larger than allowed.", ""),
    # 3. Verify the signature
    ("signature-invalid", _E, 3, "The signature does not verify under any key that was named.", "Somebody changed the signed bytes, or another key signed them. Do not use the files; ask the publisher."),
    ("signature-unsupported", _E, 3, "The bundle is signed in a way that the named keys cannot verify.", "Name the kind of key or identity that signed it."),
    ("signer-unknown", _X, 3, "No key was named, so nobody is known to have signed this.", "Get the publisher's key from a place you trust and name it with --key, or pin it with `provenance trust add`."),
    ("key-refused", _E, 3, "A named key is weak or malformed and is not used.", "Use a key that `provenance keygen` makes."),
    ("certificate-malformed", _E, 3, "A certificate is not strict X.509, or not in strict PEM or DER.", ""),
    ("certificate-limit", _E, 3, "There are more certificates, or more ways to chain them, than are looked at.", "Name only the certificate authority that is meant."),
    ("certificate-untrusted", _E, 3, "No chain leads from the certificate to a trusted certificate authority.", "Get the certificate authority of the signer, and its intermediates, from a place you trust."),
    ("certificate-chain-signature", _E, 3, "A certificate was not signed by the authority that it names.", ""),
    ("certificate-expired", _E, 3, "A certificate of the chain, the authority's included, had expired.", "Ask the signer for a trusted timestamp, or for a new signature."),
    ("certificate-not-yet-valid", _E, 3, "A certificate of the chain was not valid yet.", "Check your clock; if it is right, ask the signer."),
    ("certificate-usage", _E, 3, "A certificate is not for signing code or documents, or its authority not for such certificates.", ""),
    ("certificate-is-authority", _E, 3, "The certificate of the signer is one of a certificate authority.", ""),
    ("certificate-not-authority", _E, 3, "A certificate was issued with one that may issue none.", ""),
    ("certificate-weak-key", _E, 3, "A certificate has a weak key or one of another kind, or is signed with a weak algorithm.", "Ask for a certificate with RSA of at least 2048 bits, ECDSA on a NIST curve, or Ed25519."),
    ("certificate-weak-root", _E, 3, "The trusted certificate authority has a weak key or one of another kind.", "Trust an authority with a key of today's strength."),
    ("certificate-path-length", _E, 3, "There are more intermediate authorities than an authority above them allows.", ""),
    ("certificate-name-constraints", _E, 3, "A name in a certificate is outside what an authority above it may name.", ""),
    ("certificate-policy", _E, 3, "No certificate policy that is asked for holds for the whole chain.", ""),
    ("certificate-critical-extension", _E, 3, "A certificate has a critical extension that we do not process.", ""),
    ("identity-mismatch", _E, 3, "The signer has another name, or somebody else vouches for it, than was asked for.", "Ask the publisher which identity and issuer sign its releases."),
    ("certificate-not-published", _E, 3, "A certificate of Sigstore has not exactly one timestamp of a trusted certificate log that holds.", ""),
    ("log-entry-invalid", _E, 3, "An entry of a transparency log does not hold, is about another signature, or is missing.", "Ask the signer for the bundle as it was published."),
    ("timestamp-invalid", _E, 3, "A timestamp is malformed, stands there twice, or does not hold.", "Ask the signer for the bundle as it was published."),
    ("signing-time-missing", _E, 3, "Nothing proves when a short-lived certificate signed.", "Ask the signer for a bundle with a timestamp."),
    ("trusted-root-invalid", _E, 3, "A trusted root is malformed, or holds a key or certificate that cannot be read.", "Get the trusted root again, from a place you trust."),
    ("artifact-mismatch", _E, 3, "A bundle is about another file than the one that was named.", "Name the file that the bundle belongs to."),
    ("policy-algorithm", _E, 3, "The signer may not use the signature scheme that it used.", "Ask the publisher to sign with another key, or name the scheme in the policy."),
    ("policy-revoked", _E, 3, "The key that signed is revoked, and no earlier time of the signature is proven.", "Do not use the files; ask the publisher for a release signed with another key."),
    ("policy-validity", _E, 3, "The signature was not made within the window of its signer.", "Ask the publisher to sign again, or renew the signer in the policy."),
    ("policy-timestamp-required", _E, 3, "The policy requires a timestamp of an authority that it names, and there is none.", "Ask the publisher to sign with a timestamp of such an authority."),
    ("policy-log-required", _E, 3, "The policy requires a time proven by a transparency log, and there is none.", "Ask the publisher to enter the signature in such a log."),
    ("timestamp-not-checked", _X, 3, "A timestamp is by an authority that nobody named, and proves nothing.", "If you trust that authority, name it with --tsa or in the policy."),
    ("signature-verified", _N, 3, "The signature verifies under a key that was named.", ""),
    # 4. Read the statement
    ("statement-malformed", _E, 4, "The signed bytes are not a well-formed in-toto Statement v1.", ""),
    ("payload-not-canonical", _E, 4, "The signed bytes are not in canonical form (RFC 8785).", ""),
    ("predicate-type", _E, 4, "The statement is not a training manifest of a version we know.", ""),
    ("subject-missing", _E, 4, "The statement names no release as its first subject.", ""),
    ("digest-format", _E, 4, "A digest is not lower-case hexadecimal of its algorithm's length.", ""),
    ("digest-algorithm", _E, 4, "A digest is by no algorithm that counts.", "Only SHA-256 and BLAKE3 count."),
    # 5. Read the document
    ("manifest-version", _E, 5, "The manifest has another major version than we know.", "Use a newer verifier."),
    ("manifest-invalid", _E, 5, "The manifest breaks a rule of its format.", ""),
    ("field-unknown", _E, 5, "The manifest holds a field that its version does not have.", ""),
    ("field-newer", _W, 5, "The manifest is of a newer minor version and holds fields that we do not know.", "Use a newer verifier to read them."),
    ("critical-unknown", _E, 5, "The manifest says that something must be understood, and we do not understand it.", "Use a newer verifier."),
    ("extension-invalid", _E, 5, "An extension does not satisfy the schema registered for it.", ""),
    ("extension-unknown", _N, 5, "An extension is kept, but we know no schema for it.", ""),
    # 6. Time and model name
    ("created-in-future", _E, 6, "The manifest claims to be from the future.", "Check your clock; if it is right, ask the publisher."),
    ("expired", _E, 6, "The manifest says that it has expired.", "Ask the publisher for a newer one."),
    ("model-name-mismatch", _E, 6, "The manifest is for another model than the one asked for.", "Check that you downloaded what you meant to."),
    ("model-name-not-checked", _X, 6, "No model name was asked for, so the name is only the signer's word.", "Name it with --model."),
    ("time-not-trusted", _X, 6, "No trusted timestamp: the time of signing is the signer's claim.", ""),
    ("time-proven", _N, 6, "Somebody whom you trust has witnessed that the signature existed at this time.", ""),
    # 7. Names
    ("name-unsafe", _E, 7, "A file name is absolute, not canonical, or holds characters that no portable name has.", ""),
    ("name-duplicate", _E, 7, "A name is listed twice.", ""),
    ("name-collision", _E, 7, "Two names are one file on some systems (letter case or Unicode form).", ""),
    ("dataset-name-collision", _W, 7, "Two dataset file names are one file on some systems.", ""),
    # 8. Walk the release
    ("link-found", _E, 8, "There is a link in the release; links are never followed.", "Replace it by the file, or use --layout hf-cache for a Hugging Face cache folder."),
    ("special-file", _E, 8, "There is something that is neither a file nor a folder.", "Remove it."),
    ("file-unreadable", _F, 8, "A file or folder could not be read.", "Check its permissions, then verify again."),
    ("tree-limit", _E, 8, "The folder has more entries, or is nested deeper, than allowed.", ""),
    ("file-changed", _F, 8, "A file changed while it was read.", "Let nothing write to the folder, then verify again."),
    # 9. Listing and inventory
    ("listing-missing", _E, 9, "SHA256SUMS is missing from the manifest folder.", "Download the whole folder `training-provenance/`."),
    ("listing-malformed", _E, 9, "SHA256SUMS is not sorted lines of digest, two blanks and name.", ""),
    ("listing-mismatch", _E, 9, "SHA256SUMS is not the listing that was signed.", "Download it again; do not edit it."),
    ("listing-inventory-mismatch", _E, 9, "SHA256SUMS and the signed inventory of the release disagree.", ""),
    ("release-root-mismatch", _E, 9, "The signed inventory does not have the signed tree digest.", ""),
    ("release-empty", _E, 9, "The manifest lists no file at all, so it would prove nothing.", ""),
    # 10. Account for every file
    ("file-missing", _E, 10, "A signed file is not here.", "The download is not complete; fetch the file again."),
    ("file-extra", _E, 10, "A file is here that nobody signed.", "If you or a tool added it, move it away; otherwise do not trust the folder."),
    ("file-type", _E, 10, "A signed file is here as something else.", ""),
    ("file-ignored", _X, 10, "A file was not checked because you asked to ignore it.", ""),
    ("file-not-selected", _X, 10, "A signed file was not looked at because only a part was asked for.", ""),
    ("pattern-unmatched", _X, 10, "Only a part was asked for by a pattern of names, and no signed file has such a name.", "`provenance show` lists the files; a pattern is compared with the whole name, `*` with any part of it."),
    ("folder-empty", _N, 10, "An empty folder is no part of a release.", ""),
    ("bytes-not-read", _X, 10, "The caller supplied the digests; no byte was read.", ""),
    # 11. Sizes
    ("size-mismatch", _E, 11, "A file has another size than the signed one.", "It was changed or the download broke off; fetch it again."),
    # 12. Digests
    ("digest-mismatch", _E, 12, "A file has other bytes than the signed ones.", "It was changed, edited or damaged; fetch it again, or ask the publisher to sign the new one."),
    ("sha256-not-recomputed", _X, 12, "SHA-256 was not recomputed; that column is the signer's word (BLAKE3 was).", "Use --all-digests to recompute every recorded digest."),
    ("digest-from-cache", _X, 12, "Files were not read: their digests come from a cache that the caller named.", "Leave out --cache to read every byte."),
    ("cache-unusable", _W, 12, "The digest cache that was named cannot be used; every file was read.", "Name another file, or remove this one."),
    ("digest-not-recomputed", _X, 12, "A recorded digest by another algorithm was not recomputed; it proves nothing.", ""),
    ("digest-not-supplied", _X, 12, "The caller supplied no digest of an algorithm that the manifest records.", ""),
    ("damaged-ranges", _N, 12, "Only these bytes of a file are in blocks that differ from the signed ones.", "Fetch these bytes again and verify again; the rest of the file can stay."),
    ("blocks-not-recomputed", _X, 12, "Digests of blocks were not recomputed; they are the signer's word (the digest of the file was).", "Use --all-digests to recompute every recorded digest."),
    ("hard-link", _N, 12, "A file has more than one name on this disk.", ""),
    # 13. Files of the manifest folder
    ("companion-missing", _E, 13, "A file that the manifest refers to is missing from the manifest folder.", "Download the whole folder `training-provenance/`."),
    ("companion-mismatch", _E, 13, "A file of the manifest folder has other bytes than the signed ones.", "Download it again; do not edit it."),
    ("companion-extra", _E, 13, "A file is in the manifest folder that nothing signed refers to.", "Remove it."),
    ("inventory-mismatch", _E, 13, "An inventory does not have the signed typed root.", ""),
    ("inventory-malformed", _E, 13, "An inventory breaks its format.", ""),
    ("blocks-malformed", _E, 13, "Block digests are for no released file, or their sizes do not agree.", ""),
    ("blocks-mismatch", _E, 13, "Block digests do not have the signed typed root, or contradict the digest of their file.", "Download the list again; if it stays so, ask the publisher."),
    ("log-mismatch", _E, 13, "The training log is not the one that was signed.", ""),
    ("log-malformed", _E, 13, "The training log is not lines of canonical entries.", ""),
    # 14. References
    ("id-duplicate", _E, 14, "An id stands for two things.", ""),
    ("reference-dangling", _E, 14, "Something refers to an id that nothing has.", ""),
    ("reference-kind", _E, 14, "Something refers to an id of the wrong kind of thing.", ""),
    # 15. Disclosures and origins
    ("disclosure-contradiction", _E, 15, "Something is said to be withheld or not applicable, and stated all the same.", ""),
    ("disclosure-path", _E, 15, "A disclosure names a path that the manifest cannot have.", ""),
    ("disclosure-duplicate", _E, 15, "A path is disclosed twice.", ""),
    ("origin-path", _E, 15, "An origin names a path that the manifest does not have.", ""),
    ("fact-withheld", _W, 15, "The producer withholds this and says why.", ""),
    ("fact-not-applicable", _N, 15, "The producer says that this does not apply.", ""),
    # 16. Datasets
    ("dataset-unpinned", _W, 16, "A dataset is described, but no digest binds its content.", ""),
    ("dataset-size-mismatch", _E, 16, "The sizes stated for a dataset contradict each other.", ""),
    ("dataset-source-scheme", _E, 16, "A source is a local file or of a scheme that nobody can fetch.", ""),
    ("dataset-source-local", _W, 16, "A source is a path on the producer's machine.", ""),
    ("licence-invalid", _W, 16, "A licence is not a valid SPDX expression.", ""),
    ("licence-missing", _W, 16, "No licence is stated.", ""),
    ("records-malformed", _E, 16, "Data breaks the format of its container, or a limit for records.", ""),
    ("records-unsupported", _E, 16, "A record holds a type that has no canonical encoding.", "Cast it, or choose other columns."),
    # 17. Processing
    ("processing-cycle", _E, 17, "A dataset is made from itself.", ""),
    ("processing-output-raw", _W, 17, "A dataset is called raw, and is made by a processing step.", ""),
    ("dataset-unexplained", _W, 17, "A training dataset is neither raw nor made by any listed step.", ""),
    # 18. Segments
    ("segment-range", _E, 18, "A segment ends before it begins.", ""),
    ("segment-hole", _E, 18, "Steps are missing between two segments.", ""),
    ("segment-overlap", _E, 18, "Two segments overlap without a rollback.", ""),
    ("segment-rollback", _E, 18, "A rollback goes to a step that was not reached, or forward.", ""),
    ("code-modified", _W, 18, "The code differed from its commit when it ran.", ""),
    ("code-unpinned", _W, 18, "No full commit id and no digest binds the code.", ""),
    ("inputs-undeclared", _W, 18, "The scripts opened data files that no dataset of the manifest is.", "Ask the producer what these files are."),
    ("environment-class-mismatch", _E, 18, "A digest of an environment is not that of what stands in it.", ""),
    ("reproduction-unsupported", _W, 18, "A claim of reproduction goes further than the recorded facts allow.", "Expect no equal result; ask the producer for what is missing."),
    ("gap-recorded", _W, 18, "The recorder could not see something and says so.", ""),
    # 19. Checkpoints
    ("checkpoint-order", _E, 19, "A checkpoint was saved before its parent.", ""),
    ("checkpoint-parent-missing", _W, 19, "A later checkpoint names no parent.", ""),
    ("checkpoint-step", _E, 19, "A checkpoint was saved at a step that no segment has.", ""),
    # 20. Evaluations
    ("evaluation-on-training-data", _W, 20, "A model was evaluated on data that it was trained on.", ""),
    ("evaluation-other-checkpoint", _W, 20, "What was evaluated is not the released checkpoint.", ""),
    ("evaluation-unbound", _W, 20, "An evaluation names no checkpoint or no dataset.", ""),
    ("evaluation-interval", _E, 20, "A value lies outside its own interval.", ""),
    ("evaluation-document-mismatch", _E, 20, "An evaluation and its results document disagree.", ""),
    # 21. Released weights
    ("release-checkpoint-mismatch", _E, 21, "The released weights are not the checkpoint that they are said to be.", ""),
    ("release-checkpoint-unlinked", _W, 21, "Nothing ties the released weights to a recorded checkpoint.", ""),
    ("release-checkpoint-not-checked", _X, 21, "The released weights were not compared with the checkpoint.", ""),
    ("release-checkpoint-matched", _N, 21, "The released weights hold the tensors of the recorded checkpoint.", ""),
    ("tensors-not-covered", _X, 21, "The tensor digest of the release is not over all of its weights, or shards of them are not here.", "The files are signed as all others are; their tensors are compared with nothing. Ask the publisher which of them is the model."),
    ("tensors-malformed", _E, 21, "A file of weights breaks its format.", ""),
    # 22. Order of times
    ("time-order", _E, 22, "Times run backwards.", ""),
    ("time-after-created", _E, 22, "Something is dated later than the manifest itself.", ""),
    # 23. Evidence supplied by the caller
    ("evidence-unknown", _E, 23, "Evidence was supplied for something that the manifest does not have.", "Use an id that `provenance show` lists."),
    ("evidence-mismatch", _E, 23, "The evidence that you hold is not what was signed.", ""),
    ("evidence-matched", _N, 23, "The evidence that you hold is what was signed.", ""),
    ("evidence-unbound", _X, 23, "The manifest binds no digest to compare this evidence with.", ""),
    ("opening-malformed", _E, 23, "What should open a sealed fact is no opening.", "Ask the producer for the file that `provenance open` writes."),
    ("opening-unsealed", _E, 23, "An opening is of a fact that the manifest has not sealed.", "Ask the producer which fact it opens; `provenance show` lists the sealed ones."),
    ("opening-other-manifest", _E, 23, "An opening belongs to another manifest than this one.", "Name the release that it was made for."),
    ("records-differ", _E, 23, "The records that you hold are not those that were signed.", ""),
    ("records-reordered", _E, 23, "You hold the records that were signed, in another order.", "If their order matters, get the signed files."),
    ("records-resharded", _N, 23, "You hold the records that were signed, in other files.", ""),
    ("records-matched", _N, 23, "The records that you hold are those that were signed.", ""),
    ("records-not-compared", _X, 23, "The records that you hold could not be compared with those that were signed.", ""),
    ("records-files-unread", _X, 23, "The folder of a dataset holds files that are not its records, and nothing signed says anything of them.", "Keep what you use apart from them, or ask the publisher to sign the files too."),
    ("proof-not-asked", _E, 23, "A proof leads to something else than what was asked for.", "If you mean that, ask for it: --name, --tensor, --dataset, --checkpoint, --kind, --part or --index."),
    ("evidence-not-supplied", _X, 23, "You hold no bytes to compare with this digest.", "If you hold them, name data with --dataset ID=PATH, code with --code, documents with --documents; a checkpoint is compared with `provenance digest` or `provenance diff`."),
    # 24. Other attestations
    ("attestation-malformed", _E, 24, "A file among the attestations is not a bundle about this manifest.", ""),
    ("attestation-unverified", _W, 24, "An attestation by a signer unknown to you; it has no effect.", ""),
    ("attestation-verified", _N, 24, "An attestation by a signer you named.", ""),
    ("policy-role", _E, 24, "No role of the policy lets the signer sign a manifest.", "Name the signer in a role, if it is meant to sign manifests."),
    ("policy-model-name", _E, 24, "No role of the policy lets the signer sign for this model.", "Check that you downloaded what you meant to."),
    ("policy-threshold", _E, 24, "Fewer different signers have signed than the policy requires.", "Ask the publisher for the missing signatures; `provenance cosign` adds one."),
    ("signature-not-counted", _W, 24, "A co-signature or attestation that the policy does not count; it has no effect.", ""),
    ("oms-present", _X, 24, "An OMS signature lies beside the manifest; it was not verified.", "Verify it too with --oms."),
    ("oms-malformed", _E, 24, "The statement of an OMS bundle breaks its format.", "Ask the signer to sign again with a current tool."),
    ("oms-predicate-type", _E, 24, "The signed statement is not one of OMS version 1.", ""),
    ("oms-legacy", _E, 24, "The bundle is of version 0.2 of model signing, which binds less.", "Ask the signer to sign again; or allow it with --legacy."),
    ("oms-name", _E, 24, "A path in an OMS statement is not relative in its one spelling, stands there twice, or contradicts another.", "Do not use the files: such a list can name one file and mean another."),
    ("oms-shards", _E, 24, "Ranges of bytes in an OMS statement do not tile their file.", ""),
    ("oms-root", _E, 24, "The root of an OMS statement is not that of its list.", ""),
    ("oms-method", _E, 24, "An OMS bundle is signed by another method than was asked for, or by none of OMS.", "Name the kind of key or identity that signed it."),
    ("oms-hint", _E, 24, "An OMS bundle names another key than the one that signed it.", ""),
    ("oms-unpaired", _W, 24, "The OMS signature and the manifest do not name each other.", "Release with --oms, and sign with --oms."),
    ("oms-legacy-read", _W, 24, "A bundle of version 0.2 was read because you allowed it; it binds no root and no options.", ""),
    ("oms-order", _W, 24, "The list of an OMS statement is in no order that a known writer uses.", ""),
    ("oms-newer", _N, 24, "The OMS statement is of a later minor version, or has fields unknown here, which were left alone.", ""),
    ("oms-paired", _N, 24, "The manifest names the root of the OMS signature beside it.", ""),
    ("oms-not-covered", _X, 24, "Files are here that the OMS signature does not cover.", ""),
    # 25. Policy and verdict
    ("policy-expired", _E, 25, "The policy has expired.", "Renew it, or get the newer version."),
    ("policy-age", _E, 25, "The manifest is older than the policy allows.", "Ask the publisher for a newer release."),
    ("policy-artifact-revoked", _E, 25, "The policy says that this manifest, release or file is no longer to be trusted.", "Do not use it; ask the publisher."),
    ("rollback", _E, 25, "The manifest is older than one by the same signer that passed here before.", "Get the newest release; if the older one is meant, verify it without the memory."),
    ("manifest-conflict", _E, 25, "Another manifest of the same moment, by the same signer, passed here before.", "Ask the publisher which one counts."),
    ("signer-changed", _W, 25, "The last release that passed here was signed by somebody else.", "Ask the publisher on another way whether this is meant."),
    ("provenance-weaker", _W, 25, "Less stands behind this release than behind the last one that passed here.", "Ask the publisher why."),
    ("state-not-written", _F, 25, "The memory of releases that passed could not be written.", "Check the file named with --state and its folder."),
    ("requirement-not-met", _X, 25, "A fact stands lower on the evidence ladder than the policy requires.", "Ask the publisher for it, or supply the bytes that you hold: --dataset, --code, --documents."),
    ("required-not-checked", _X, 25, "The policy requires something that was not checked.", ""),
    ("cancelled", _F, 25, "The caller cancelled before everything was checked.", "Verify again."),
    ("deadline", _F, 25, "The time allowed ran out before everything was checked.", "Allow more time."),
)  # fmt: skip

#: Every finding code, by name.
CODES: Mapping[str, CodeInfo] = MappingProxyType(
    {
        code: CodeInfo(
            code=code,
            severity=Severity.NOT_CHECKED if severity == _F else Severity(severity),
            step=step,
            meaning=meaning,
            remedy=remedy,
            fault=severity == _F,
        )
        for code, severity, step, meaning, remedy in _ROWS
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of one check."""

    code: str
    """A code of the registry."""

    path: str
    """A JSON Pointer into the manifest, or a file relative to the release; `""` is the whole."""

    message: str
    """One sentence with what was found and what was expected. May hold escaped foreign text."""

    advice: str = ""
    """What to do about it, where more is known than the code says; empty for what that says."""

    def __post_init__(self) -> None:
        """Refuse a code that the registry does not have: it would have no severity."""
        if self.code not in CODES:
            message = f"finding code {self.code!r} is not in the registry"
            raise KeyError(message)

    @property
    def severity(self) -> Severity:
        """The severity that the registry gives to the code."""
        return CODES[self.code].severity

    @property
    def step(self) -> int:
        """The number of the verification step."""
        return CODES[self.code].step

    @property
    def remedy(self) -> str:
        """What a reader can do about it; empty if nothing."""
        return self.advice or CODES[self.code].remedy
