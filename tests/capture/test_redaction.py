"""No secret gets through, wherever it stands; harmless settings survive."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.conftest import make_repository
from provenance.capture import (
    REDACTED,
    capture_code,
    capture_command,
    capture_variables,
    redact_command,
    redact_mapping,
    redact_text,
    redact_url,
    resolve_configuration,
    to_scalar,
)
from provenance.capture.secret_names import secrecy_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Invented; joined at run time, so that no scanner takes this file for a leak.
RECOGNISABLE = [
    "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567",
    "ghp_" + "0123456789abcdefghijklmnopqrstuvwxyz",
    "github_pat_" + "11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ",
    "glpat-" + "aBcDeFgHiJkLmNoPqRsT",
    "sk-proj-" + "aBcDeFgHiJkLmNoPqRsTuVwX",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "AIza" + "SyA-aBcDeFgHiJkLmNoPqRsTuVwXyZ01234",
    "xoxb-" + "123456789012-aBcDeFgHiJkL",
    "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "npm_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789",
]
#: Only the name beside them tells that these are secrets.
NAMELESS = ["correct-horse", "Tr0ub4dor&3", "0123456789abcdef0123456789abcdef01234567", "pä$$w0rd"]
CANARIES = [*RECOGNISABLE, *NAMELESS]

PRIVATE_KEY = (
    "-----BEGIN " + "EC PRIVATE KEY-----\nMHcCAQEEIBkg4LVWM9nuwNSk3yByxZpYRTBnVIIq\n"
    "-----END " + "EC PRIVATE KEY-----"
)


def shown(value: object) -> str:
    return repr(value)


PLACES: dict[str, Callable[[str], object]] = {
    "option and value": lambda x: redact_command(["train.py", "--tok", x]).value,
    "long option and value": lambda x: redact_command(["train.py", "--hub-token", x]).value,
    "option with equals sign": lambda x: redact_command(["train.py", f"--tok={x}"]).value,
    "short password": lambda x: redact_command(["mysql", f"-p{x}"]).value,
    "curl's user": lambda x: redact_command(["curl", "-u", f"ada:{x}"]).value,
    "override of Hydra": lambda x: redact_command(["train.py", f"+wandb.api_key={x}"]).value,
    "header argument": lambda x: redact_command(["curl", "-H", f"Authorization: Bearer {x}"]).value,
    "glued header": lambda x: redact_command(["curl", f"-HX-Api-Key: {x}"]).value,
    "assignment before a command": lambda x: redact_command(["env", f"API_KEY={x}", "run"]).value,
    "nested configuration": lambda x: redact_mapping({"hub": [{"access_token": x}]}).value,
    "configuration of camel case": lambda x: (
        redact_mapping({"apiKey": x, "a": {"dbPass": x}}).value
    ),
    "list under a secret's name": lambda x: redact_mapping({"credentials": ["ada", x]}).value,
    "password in a URL": lambda x: redact_url(f"https://ada:{x}@git.example/x.git").value,
    "user in a URL": lambda x: redact_url(f"https://{x}@git.example/x.git").value,
    "query of a URL": lambda x: redact_url(f"https://s3.example/x?X-Amz-Signature={x}").value,
    "fragment of a URL": lambda x: redact_url(f"https://a.example/cb#access_token={x}").value,
    "URL in a text": lambda x: redact_text(f"cannot clone https://ada:{x}@git.example/x").value,
    "query in a text": lambda x: redact_text(f"GET https://a.example/x?sig={x} failed").value,
    "database in a text": lambda x: redact_text(f"cannot reach ada:{x}@db.example").value,
    "assignment in a text": lambda x: redact_text(f"bad value: password={x}").value,
    "JSON in a text": lambda x: redact_text('{"lr": 1, "secret": "' + x + '", "b": 2}').value,
    "dictionary in a text": lambda x: redact_text(f"{{'auth_token': '{x}', 'lr': 1}}").value,
    "header in a text": lambda x: redact_text(f"> Authorization: Basic {x}\n> Host: a").value,
    "cookie in a text": lambda x: redact_text(f"Cookie: session={x}; theme=dark").value,
    "resolved configuration": lambda x: resolve_configuration({"hub": {"token": x}}),
    "environment variable": lambda x: capture_variables({"HF_TOKEN": x, "DATABASE_URL": x}),
    "allowed variable": lambda x: capture_variables({"XLA_FLAGS": f"--password={x}"}),
    "captured command": lambda x: capture_command(["python", "train.py", "--hf-token", x]),
}


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("place", PLACES)
def test_canary_appears_nowhere(place: str, canary: str) -> None:
    found = PLACES[place](canary)
    assert canary not in shown(found)
    assert canary.rpartition("$")[2] not in shown(found)


@pytest.mark.parametrize("canary", RECOGNISABLE)
def test_recognisable_secret_is_found_without_any_name(canary: str) -> None:
    for text in (canary, f"x {canary} y", f"('{canary}',)", f"tried={canary}.", f"/a/{canary}/b"):
        assert canary not in redact_text(text).value
    assert canary not in shown(redact_command(["train.py", canary, "-x", canary]).value)
    assert canary not in shown(redact_mapping({"note": {canary: [canary]}}).value)
    assert canary not in shown(resolve_configuration({"note": canary}))
    assert canary not in shown(to_scalar(canary))


def test_canary_in_the_remote_of_a_repository_appears_nowhere(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "project")
    repository.commit(train="1")
    for canary in CANARIES:
        for url in (
            f"https://{canary}@git.example/x",
            f"https://a:{canary}@git.example/x?k={canary}",
        ):
            repository.git("config", "remote.origin.url", url)
            assert canary not in shown(capture_code(repository.folder))


@pytest.mark.parametrize("kept", ["-----BEGIN", "MHcCAQEE", "PRIVATE KEY"])
def test_private_key_goes_whole_also_when_it_is_cut_off(kept: str) -> None:
    for text in (f"key:\n{PRIVATE_KEY}\nend", PRIVATE_KEY[:70], PRIVATE_KEY.replace("\n", "\\n")):
        assert kept not in redact_text(text).value


@pytest.mark.parametrize(
    "settings",
    [
        {"use_cls_token": True, "num_memory_tokens": 4, "tokenizer": "gpt2", "max_tokens": 512},
        {"eos_token": "</s>", "pad_token": "[PAD]", "mask_token": "<mask>", "bos_token": "<s>"},
        {"padToken": "[PAD]", "unk_token_id": 3, "special_tokens": ["<a>"], "token_type": "bpe"},
        {"author": "Ada", "authors": ["Ada"], "key": "value", "num_key_value_heads": 8},
        {"keyboard": "qwerty", "passes": 3, "compass": "north", "monkey": "x", "secretary": "B"},
        {
            "use_auth": True,
            "password": None,
            "token": "",
            "save_secrets": False,
            "hf_token": "true",
        },
        {"tokens_per_step": 4096, "max_new_token": 5, "token": 17, "access": "public"},
        {"hf_model": "hf_transformers", "scheme": "basic training", "sk": "sk-learn"},
        {"image": "registry.example/train:3.11@sha256:" + "0" * 64, "mail": "ada@example.org"},
        {"url": "https://data.example:8443/set.tar.gz", "path": "s3://bucket/a/b@1.2/c"},
        {"commit": "0123456789abcdef0123456789abcdef01234567", "time": "12:30:00", "lr": 3e-4},
        {"git": "git+https://git.example/lab/x.git@v1.0", "note": "a: b, c = d"},
    ],
)
def test_harmless_settings_survive(settings: dict[str, Any]) -> None:
    redacted = redact_mapping({"nested": settings})
    expected = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    assert redacted.value == {"nested": expected}
    assert redacted.redactions == ()


@pytest.mark.parametrize(
    "arguments",
    [
        ["train.py", "--use_cls_token", "--num_memory_tokens", "4", "--tokenizer=gpt2"],
        ["train.py", "--max_tokens=512", "--max-tokens", "512", "--token-dropout", "0.1"],
        [
            "train.py",
            "-p",
            "8080",
            "-p8080",
            "-p=8080",
            "-path=/a",
            "-precision",
            "16",
            "-pretrained",
        ],
        ["train.py", "--use-auth", "--verbose", "--api-key", "-v", "-lr=3e-4", "-u", "ada"],
        ["train.py", "--eos_token=</s>", "--revision", "main", "--password=false"],
    ],
)
def test_harmless_arguments_survive(arguments: list[str]) -> None:
    redacted = redact_command(arguments)
    assert redacted.value == tuple(arguments)
    assert redacted.redactions == ()


def test_each_redaction_is_reported_with_its_place_and_never_its_value() -> None:
    redacted = redact_mapping({"a/b": [{"password": "x1"}], "url": "https://u:p@h.example/?q=1"})
    assert redacted.value == {
        "a/b": ({"password": REDACTED},),
        "url": f"https://{REDACTED}@h.example/?{REDACTED}",
    }
    assert [(one.path, one.reason) for one in redacted.redactions] == [
        ("/a~1b/0/password", "value of a name that marks a secret"),
        ("/url", "credentials in a URL"),
        ("/url", "query of a URL"),
    ]
    assert [gap.kind for gap in redacted.gaps("settings")] == ["redacted"] * 3
    (gap,) = redact_text("token=abcd").gaps("message")
    assert (gap.subject, gap.description) == ("message", "value of a name that marks a secret")
    command = redact_command(["a", "--token", "x1"], path="/processing/0/command")
    assert [one.path for one in command.redactions] == ["/processing/0/command/2"]


def test_numbers_and_containers_go_where_the_name_leaves_no_doubt() -> None:
    settings = {
        "password": 12345,
        "credentials": {"user": "ada"},
        "secrets": [],
        "auth": ("a", "b"),
    }
    assert redact_mapping(settings).value == {
        "password": REDACTED,
        "credentials": REDACTED,
        "secrets": (),
        "auth": REDACTED,
    }
    assert redact_mapping({"token": [1, "x y"]}).value == {"token": (1, REDACTED)}


def test_what_is_nested_beyond_all_measure_is_left_out() -> None:
    settings: dict[str, Any] = {"token": "canary"}
    for _ in range(5_000):
        settings = {"a": settings}
    redacted = redact_mapping(settings)
    assert "canary" not in shown(redacted)
    assert redacted.redactions[0].reason == "nested too deep to be looked through"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://data.example/a%20b", "https://data.example/a%20b"),
        ("https://ada@data.example:8443/x", "https://data.example:8443/x"),
        ("https://a:b@[::1]/x", "https://[::1]/x"),
        ("https://ada:p/w@data.example/x", "https://[redacted]@data.example/x"),
        ("https://[bad/x", "https://[bad/x"),
        ("not a URL", "not a URL"),
        ("password=x1", "password=[redacted]"),
    ],
)
def test_url_keeps_scheme_host_and_path(url: str, expected: str) -> None:
    assert redact_url(url).value == expected
    assert redact_url(expected).value == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sig=abcdefgh1234", "sig=[redacted]"),
        ("signature=abcdefgh1234", "signature=[redacted]"),
        ("sig=short", "sig=short"),
        ("sig: abcdefgh1234", "sig: abcdefgh1234"),
        ("signature: Callable[[int], str]", "signature: Callable[[int], str]"),
    ],
)
def test_signature_of_a_signed_url_goes_where_it_stands_alone(text: str, expected: str) -> None:
    assert redact_text(text).value == expected


def test_webhook_goes_with_its_path() -> None:
    text = "https://hooks.slack.com/services/" + "T000/B000/XXXX"
    assert redact_text(text).value == "https://hooks.slack.com/services/[redacted]"


@pytest.mark.parametrize(
    ("name", "secrecy"),
    [
        ("OPENAI_API_KEY", "always"),
        ("awsSecretAccessKey", "always"),
        ("HTTPAuth", "always"),
        ("x-api-key", "always"),
        ("database_url", "always"),
        ("HFToken", "text"),
        ("token2", "text"),
        ("db_pass", "text"),
        ("author", None),
        ("authoritative", None),
        ("tokenizer", None),
        ("max_tokens", None),
        ("cls_token", None),
        ("", None),
        ("ключ", None),
    ],
)
def test_names_are_judged_by_whole_segments(name: str, secrecy: str | None) -> None:
    assert secrecy_of(name) == secrecy


HOSTILE = [
    "a" * 200_000,
    "://" * 60_000,
    "//@" * 60_000,
    "a:b@" * 50_000,
    "a-" * 100_000,
    "-----BEGIN PRIVATE KEY-----" * 8_000,
    "eyJ" * 60_000,
    "hf_" * 60_000,
    "sk-" * 60_000,
    "bearer " * 30_000,
    "x-" * 90_000 + "token",
    "password=" * 25_000,
    'token="' * 30_000,
    "a=" * 90_000,
    "https://" + "?" * 200_000,
    " " * 200_000 + "=",
    "github_pat_" * 20_000,
    "Authorization:" * 15_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_time_is_linear_in_hostile_text(text: str) -> None:
    began = time.perf_counter()
    redact_text(text)
    assert time.perf_counter() - began < 3.0


class TestRedactionIsIdempotent:
    """Law: what was redacted once is left as it is, and nothing more is reported."""

    @pytest.mark.property
    @given(
        st.text(
            st.sampled_from("aTk-_=:@/?#\"' \n[]{},.&0px") | st.characters(codec="utf-8"),
            max_size=60,
        )
        | st.lists(
            st.sampled_from(
                [
                    *CANARIES,
                    *(
                        "password",
                        "token",
                        "=",
                        ": ",
                        " ",
                        "://",
                        "@",
                        "?",
                        "#",
                        '"',
                        "'",
                        "Bearer ",
                    ),
                    *("Authorization: ", "Cookie: ", "https://h.example/", "sig=", "\n", REDACTED),
                    *("{", "}", ",", "-p", "--token ", "Basic ", "]", "[", ";", "&"),
                ]
            ),
            max_size=12,
        ).map("".join)
    )
    def test_text(self, text: str) -> None:
        once = redact_text(text).value
        again = redact_text(once)
        assert again.value == once
        assert again.redactions == ()

    @pytest.mark.property
    @given(st.lists(st.sampled_from([*CANARIES, "--token", "-u", "a:b", "-pX1", "x", "--a=b"])))
    def test_command(self, arguments: list[str]) -> None:
        once = redact_command(arguments).value
        again = redact_command(once)
        assert (again.value, again.redactions) == (once, ())

    @pytest.mark.property
    @given(
        st.dictionaries(
            st.sampled_from(["token", "password", "lr", "auth", *CANARIES]),
            st.sampled_from([*CANARIES, "x", "1"]) | st.integers() | st.lists(st.just("a=b")),
        )
    )
    def test_mapping(self, settings: dict[str, Any]) -> None:
        once = redact_mapping(settings).value
        again = redact_mapping(once)
        assert (again.value, again.redactions) == (once, ())


def test_long_text_is_read_quickly_enough_for_a_log() -> None:
    line = "step=100 loss=0.25 lr=3e-4 path=/data/set/shard-00001.parquet\n"
    began = time.perf_counter()
    redact_text(line * (1_000_000 // len(line)))
    assert time.perf_counter() - began < 3.0


def test_environment_of_this_process_is_never_looked_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_SECRET", "canary")
    monkeypatch.setenv("TF_VAR_db_password", "canary")
    assert "canary" not in shown(capture_variables())
    assert "MY_SECRET" in os.environ
