"""The outs of DVC: a small part of YAML, in which nothing can be two things to two readers. No I/O.

Source: `spec/digests.md`, section "Claimed digests".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from provenance.canonical import MAX_DOCUMENT_BYTES
from provenance.digest.raw_claims import RawClaim, malformed, read_text
from provenance.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_dvc"]

# DVC writes plain YAML. Only lines of these forms are read; what could hide a line from us, or be
# two things to two readers (anchors, tags, blocks, open quotes, flow, tabs), is refused.
_YAML_LINE = re.compile(r"( *)(- )?(?:([A-Za-z0-9_.@/'\"-][^:#]*):(?: (.*))?|(.*))")
_YAML_REFUSED = re.compile(r"[|>&*!%`?:@]|\{(?!.*\}$)|\[(?!.*\]$)")

# What also ends a line, and so a comment, to some or all readers of YAML.
_OTHER_BREAKS = re.compile("[\r\x85\u2028\u2029]")
# By what DVC may claim: MD5 unless a remote was set up otherwise.
_DVC_DIGESTS: Final = ("md5", "sha256")


def read_dvc(data: bytes, source: str) -> Iterator[RawClaim]:
    """Yield what the `outs` of a `.dvc` file or of `dvc.lock` say.

    Raises:
        DigestError: It is not the YAML that DVC writes (code `listing-malformed`).
    """
    outs = _Outs()
    text = read_text(data, source, MAX_DOCUMENT_BYTES)
    if found := _OTHER_BREAKS.search(text):
        raise malformed(source, f"lines end with a line feed alone, found {shown(found[0])}")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            outs.take(_yaml_line(line, f"{source}:{number}"))
    for item in outs.items:
        yield _dvc_out(item)


class _Line(NamedTuple):
    """A line of YAML."""

    indent: int
    dash: bool
    key: str | None
    value: str
    where: str


class _Outs:
    """The items of all lists `outs`, collected line by line."""

    def __init__(self) -> None:
        self.items: list[dict[str, str]] = []
        self._list_indent: int | None = None
        self._item_indent: int | None = None
        self._outs_indents: set[int] = set()

    def take(self, line: _Line) -> None:
        if self._list_indent is not None and (
            line.indent > self._list_indent or (line.indent == self._list_indent and line.dash)
        ):
            self._take_inside(line)
            return
        self._list_indent = line.indent if line.key == "outs" and not line.dash else None
        self._item_indent = None
        # Where a line is less indented, what was inside has ended.
        self._outs_indents = {indent for indent in self._outs_indents if indent <= line.indent}
        if self._list_indent is None:
            return
        if line.value:
            raise malformed(line.where, "expected a list of outs")
        if line.indent in self._outs_indents:
            raise malformed(line.where, "'outs' stands twice")
        self._outs_indents.add(line.indent)

    def _take_inside(self, line: _Line) -> None:
        if line.dash and (self._item_indent is None or line.indent <= self._item_indent):
            self._item_indent = line.indent
            self.items.append({"where": line.where})
        if self._item_indent is not None and line.dash and line.indent > self._item_indent:
            return  # an item of a list inside, such as labels
        # A line without a key goes on with the text above it, and would change what it says.
        if self._item_indent is None or line.key is None or " #" in line.value:
            raise malformed(line.where, "expected the outs of DVC, one `- ` each")
        # Deeper lines are parts of `meta`, `cloud` and the like.
        if line.indent == self._item_indent + (0 if line.dash else 2):
            if line.key in self.items[-1]:
                raise malformed(line.where, f"{shown(line.key)} stands twice")
            self.items[-1][line.key] = line.value


def _yaml_line(line: str, where: str) -> _Line:
    found = _YAML_LINE.fullmatch(line)
    if found is None or "\t" in line or line.startswith(("---", "...")):
        raise malformed(where, f"not the YAML that DVC writes: {shown(line)}")
    blanks, dash, key, value, other = found.groups()
    text = (value if key is not None else other) or ""
    if _YAML_REFUSED.match(text) or (text[:1] in {"'", '"'} and not _is_closed(text)):
        raise malformed(where, f"not the YAML that DVC writes: {shown(line)}")
    if text[:1] in {"'", '"'}:
        text = text[1:-1]
    name = None if key is None else key.strip("'\"")
    return _Line(len(blanks), dash is not None, name, text, where)


def _is_closed(text: str) -> bool:
    """Return whether a quoted text ends on its line and needs no unescaping."""
    return len(text) > 1 and text[-1] == text[0] and not re.search(r"['\"\\]", text[1:-1])


def _dvc_out(item: dict[str, str]) -> RawClaim:
    where = item["where"]
    if "path" not in item:
        raise malformed(where, "an out without path")
    size = item.get("size")
    if size is not None and not re.fullmatch(r"0|[1-9][0-9]{0,15}", size):
        raise malformed(where, f"no file has {shown(size)} bytes")
    digests: dict[str, str] = {name: item[name] for name in _DVC_DIGESTS if name in item}
    is_folder = "nfiles" in item or any(value.endswith(".dir") for value in digests.values())
    if is_folder:
        # The digest of a folder is one over DVC's own listing; nobody else can compute it.
        digests = {"dvcFolder": min(digests.values())} if digests else {}
    return RawClaim(item["path"], None if size is None else int(size), digests, is_folder)
