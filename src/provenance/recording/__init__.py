"""Recording runs while they happen, and releasing what they made.

`record` and `start` begin a run (`recorder`, `run`); every process of a project keeps a record in a
folder of its own (`records`, `state`, `projects`). `release` joins them by digest (`kept_runs`,
`identities`, `merging`) with what the author says (`description`), lays out the released folder
(`placement`, `layout`, `completion`, `card`) and drafts the manifest (`drafts`); `sign_release`
signs it (`signed`), `cosign_release` adds a signature later (`cosigning`), `sign_oms` one of
OpenSSF Model Signing (`oms_signing`). `Builder` assembles a manifest without a recorder. Recording
never breaks training (`faults`).
"""

from provenance.recording.active import current_run
from provenance.recording.builder import Builder, release_of
from provenance.recording.cosigning import cosign_manifest, cosign_release
from provenance.recording.drafts import Draft, draft_folder, draft_statement, load_draft
from provenance.recording.existing import describe_existing
from provenance.recording.faults import ProvenanceWarning
from provenance.recording.oms_signing import check_oms_draft, sign_oms
from provenance.recording.processing import Processing
from provenance.recording.projects import FoundRecord, read_project, read_record
from provenance.recording.publication_rules import PrivateDataset, Rule, Rules, read_rules
from provenance.recording.publishing import release, release_existing
from provenance.recording.recorder import record, start
from provenance.recording.records import Record
from provenance.recording.recovery import Recovered, recover
from provenance.recording.run import Run
from provenance.recording.signed import sign_draft, sign_release

__all__ = [
    "Builder",
    "Draft",
    "FoundRecord",
    "PrivateDataset",
    "Processing",
    "ProvenanceWarning",
    "Record",
    "Recovered",
    "Rule",
    "Rules",
    "Run",
    "check_oms_draft",
    "cosign_manifest",
    "cosign_release",
    "current_run",
    "describe_existing",
    "draft_folder",
    "draft_statement",
    "load_draft",
    "read_project",
    "read_record",
    "read_rules",
    "record",
    "recover",
    "release",
    "release_existing",
    "release_of",
    "sign_draft",
    "sign_oms",
    "sign_release",
    "start",
]
