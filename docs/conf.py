"""Settings of the documentation site. Nothing is fetched: no inventories of others, no web fonts.

Docstrings are written in plain English with single backquotes for code, as in the pages. The hooks
below make that known to Sphinx. References to our own names are strict; names of others, which no
inventory resolves here, are shown as plain text.
"""

from __future__ import annotations

import re
from importlib.metadata import version as installed_version

project = "provenance"
author = "The training-provenance developers"
project_copyright = f"2026, {author}. Apache-2.0; the specification CC BY 4.0"
version = release = installed_version("training-provenance")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "examples"]
nitpicky = True
# Type variables have no page of their own.
nitpick_ignore_regex = [(r"py:(class|obj)", r"provenance\..*\.T(_co)?")]

html_theme = "furo"
html_title = f"provenance {version}"
html_copy_source = False
html_show_sourcelink = False

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
# Links that leave the site, to files of the repository, are written as code, not as links.
suppress_warnings = ["myst.strikethrough"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    "exclude-members": "model_config",
}
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = False
napoleon_custom_sections = [
    ("Source", "notes_style"),
    ("Spec", "notes_style"),
    ("Codes", "notes_style"),
]

# A single pair of backquotes, not part of a longer one.
_CODE = re.compile(r"(?<![`:\\])`([^`]+)`(?!`)")


def mark_code(app, what, name, obj, options, lines):
    """Turn the single backquotes of docstrings into the double ones that mark code here."""
    text = "\n".join(lines)
    lines[:] = _CODE.sub(lambda match: f"``{match[1].strip()}``", text).split("\n")
    if what in {"attribute", "data", "property"}:
        lines.insert(0, "")  # else napoleon takes the words before a colon for the field's type


def hide_document_signature(app, what, name, obj, options, signature, return_annotation):
    """Leave out the constructor of a document: its fields stand below, each with its meaning."""
    if what == "class" and hasattr(obj, "model_fields"):
        return "", None
    return None


def find_own_name(app, env, node, contnode):
    """Resolve a short name of ours, and let names of others stand as text."""
    if node.get("refdomain") != "py":
        return None
    domain = env.get_domain("py")
    last = node["reftarget"].rpartition(".")[2]
    homes = [name for name in domain.objects if name.rpartition(".")[2] == last]
    if len(homes) == 1:
        node["reftarget"] = homes[0]
        source = node["refdoc"]
        return domain.resolve_xref(
            env, source, app.builder, node["reftype"], homes[0], node, contnode
        )
    # A type variable, or a private type in a public signature: readers need not follow it.
    undocumented = len(last) == 1 or last.startswith("_")
    ours = node["reftarget"].startswith("provenance.") and not homes and not undocumented
    return None if ours else contnode


def setup(app):
    """Register the hooks."""
    app.connect("autodoc-process-docstring", mark_code, priority=400)  # before napoleon
    app.connect("autodoc-process-signature", hide_document_signature)
    app.connect("missing-reference", find_own_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
