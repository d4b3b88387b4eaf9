"""Which names mark a secret: whole segments of a name, never parts of words. No I/O.

`api_key`, `apiKey` and `X-Api-Key` are one name; `tokenizer` and `max_tokens` hold no segment
`token` and are kept, and so are the special tokens of a tokenizer (`eos_token`).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal

__all__ = ["Secrecy", "hides_text", "secrecy_of"]

Secrecy = Literal["always", "text"]
"""`always`: numbers and whole lists are hidden too; `text`: only text that is no number."""

#: Segments that mark a secret wherever they stand in a name.
SECRET_SEGMENTS = frozenset(
    {
        *("accesskey", "apikey", "apikeys", "auth", "authkey", "authorization", "bearer"),
        *("cookie", "cookies", "credential", "credentials", "dsn", "jwt", "oauth"),
        *("passcode", "passphrase", "passwd", "password", "passwords", "privatekey", "pwd"),
        *("secret", "secretkey", "secrets", "sessionid"),
    }
)

#: Neighbouring segments that mark a secret together.
SECRET_PAIRS = frozenset(
    {
        *(("access", "key"), ("access", "keys"), ("account", "key"), ("api", "key")),
        *(("api", "keys"), ("aws", "key"), ("azure", "key"), ("encryption", "key")),
        *(("hf", "key"), ("licence", "key"), ("license", "key"), ("openai", "key")),
        *(("private", "key"), ("private", "keys"), ("shared", "key"), ("signing", "key")),
        *(("ssh", "key"), ("storage", "key"), ("wandb", "key"), ("webhook", "url")),
        *(("access", "tokens"), ("api", "tokens"), ("auth", "tokens"), ("hf", "tokens")),
        *(("amz", "signature"), ("azure", "pat"), ("github", "pat"), ("gitlab", "pat")),
        *(("connection", "string"), ("database", "uri"), ("database", "url"), ("db", "uri")),
        *(("db", "url"), ("session", "id"), ("session", "key")),
    }
)

#: Last segments that mark a secret when the value is text: `hf_token`, `--tok`, `db_pass`.
TEXT_SEGMENTS = frozenset(
    {"accesstoken", "apitoken", "authtoken", "pass", "pw", "tok", "token", "usertoken"}
)

#: What stands before `token` where it is a symbol of a vocabulary, no secret.
VOCABULARY_SEGMENTS = frozenset(
    {
        *("assistant", "audio", "begin", "bod", "boi", "boseos", "bos", "class", "cls", "code"),
        *("context", "control", "distill", "distillation", "dist", "end", "eod", "eoi", "eom"),
        *("eos", "eot", "fim", "first", "forced", "frame", "global", "image", "img", "last"),
        *("latent", "mask", "max", "memory", "middle", "min", "new", "newline", "next", "null"),
        *("num", "object", "oov", "pad", "padding", "patch", "per", "prefix", "prev", "query"),
        *("reg", "register", "role", "sentinel", "sep", "separator", "space", "speaker"),
        *("special", "start", "stop", "suffix", "system", "task", "text", "think", "time"),
        *("timestamp", "tool", "trigger", "unk", "unknown", "vision", "video", "word"),
    }
)

# Words of a name: `HFTokenID2` is HF, Token, ID, 2.
_SEGMENT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

#: Longest name whose segments are looked at, in characters; what is longer is no name of a setting.
MAX_NAME_CHARACTERS = 1_000

# Text that says yes, no or nothing: a flag, whatever its name.
_FLAGS = frozenset({"", "0", "1", "false", "no", "none", "null", "off", "on", "true", "yes"})
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def secrecy_of(name: str) -> Secrecy | None:
    """Return how secret a value of this name is, or nothing if the name marks no secret."""
    segments = [word.lower() for word in _SEGMENT.findall(name[-MAX_NAME_CHARACTERS:])]
    words = [word for word in segments if not word.isdigit()]
    if not SECRET_SEGMENTS.isdisjoint(words) or not SECRET_PAIRS.isdisjoint(pairwise(words)):
        return "always"
    if not words or words[-1] not in TEXT_SEGMENTS:
        return None
    harmless = len(words) > 1 and words[-2] in VOCABULARY_SEGMENTS
    return None if harmless else "text"


def hides_text(secrecy: Secrecy, text: str) -> bool:
    """Return whether a text value must go: not if it is a flag, nor a number under a mild name."""
    bare = text.strip().strip("\"'")
    if bare.lower() in _FLAGS:
        return False
    return secrecy == "always" or _NUMBER.fullmatch(bare) is None
