"""A configuration of any kind becomes free JSON with its names, and nothing else."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime as dt
import enum
import functools
import math
import re
import sys
import types
import uuid
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

import attrs
import msgspec
import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from provenance.capture import configuration, resolve_configuration
from provenance.capture.object_kinds import name_of
from provenance.manifest import ProcessingStep, plain


class Colour(enum.Enum):
    """An enumeration."""

    RED = "red"


class Level(enum.IntEnum):
    """An enumeration of numbers."""

    HIGH = 3


@dataclasses.dataclass
class Optimizer:
    """A nested part."""

    name: str = "adam"
    betas: tuple[float, float] = (0.9, 0.999)


@dataclasses.dataclass
class Settings:
    """Settings with a default that is made anew."""

    lr: float = 3e-4
    optimizer: Optimizer = dataclasses.field(default_factory=Optimizer)


class Odd:
    """Something without a JSON form."""


def resolved(value: object, **options: Any) -> Any:  # noqa: ANN401 - free JSON
    return plain(resolve_configuration(value, **options).value)


EXPECTED = {"lr": 3e-4, "optimizer": {"name": "adam", "betas": [0.9, 0.999]}}


class PydanticOptimizer(pydantic.BaseModel):
    """A nested part."""

    name: str = "adam"
    betas: tuple[float, float] = (0.9, 0.999)


class PydanticSettings(pydantic.BaseModel):
    """Settings as pydantic keeps them."""

    model_config = pydantic.ConfigDict(extra="allow")

    lr: float = 3e-4
    optimizer: PydanticOptimizer = PydanticOptimizer()


@attrs.define
class AttrsSettings:
    """Settings as attrs keeps them."""

    lr: float = 3e-4
    optimizer: Optimizer = attrs.field(factory=Optimizer)


class NamedSettings(collections.namedtuple("NamedSettings", ["lr", "optimizer"])):  # noqa: PYI024 - the untyped kind is common
    """Settings as a named tuple."""

    __slots__ = ()


class WithToDict:
    """Settings as transformers keeps them."""

    def to_dict(self) -> dict[str, Any]:
        return EXPECTED


class StructSettings(msgspec.Struct):
    """Settings as msgspec keeps them."""

    lr: float = 3e-4
    optimizer: Optimizer = msgspec.field(default_factory=Optimizer)


@pytest.mark.parametrize(
    "settings",
    [
        EXPECTED,
        StructSettings(),
        Settings(),
        PydanticSettings(),
        AttrsSettings(),
        argparse.Namespace(lr=3e-4, optimizer=Optimizer()),
        types.SimpleNamespace(lr=3e-4, optimizer=vars(Optimizer())),
        NamedSettings(3e-4, Optimizer()),
        WithToDict(),
        types.MappingProxyType(EXPECTED),
        collections.OrderedDict(EXPECTED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_common_kind_gives_the_same_settings(settings: object) -> None:
    captured = resolve_configuration(settings)
    assert plain(captured.value) == EXPECTED
    assert captured.gaps == ()


@dataclasses.dataclass
class Arguments:
    """Arguments of a training as transformers keeps them: a dataclass with a method of its own."""

    learning_rate: float = 5e-5
    hub_token: str = "hf_abcdefghijklmnopqrstuvwxyz01234567"  # noqa: S105 - must not get out

    def to_dict(self) -> dict[str, object]:
        return {"learning_rate": self.learning_rate, "hub_token": "<HUB_TOKEN>", "fp16": False}


Arguments.__module__ = "transformers.training_args"


def test_arguments_of_transformers_are_read_by_their_own_method() -> None:
    found = resolved(Arguments())
    assert found["fp16"] is False
    assert "abcdefghijklmnop" not in str(found)


def test_token_in_arguments_is_taken_out_whatever_their_method_says() -> None:
    class Leaking(Arguments):
        @override
        def to_dict(self) -> dict[str, object]:
            return dataclasses.asdict(self)

    assert "abcdefghijklmnop" not in str(resolved(Leaking()))


def test_arguments_whose_method_fails_are_a_gap() -> None:
    class Failing(Arguments):
        @override
        def to_dict(self) -> dict[str, object]:
            raise RuntimeError("no accelerator")

    captured = resolve_configuration(Failing())
    assert captured.gaps[0].kind == "failed"


def test_fields_that_a_model_was_given_beyond_its_own_are_kept() -> None:
    assert resolved(PydanticSettings(lr=1.0, extra=2))["extra"] == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (True, True),
        (None, None),
        (2**63, 2**63),
        (Decimal("0.1234567890123456789"), Decimal("0.1234567890123456789")),
        (math.inf, math.inf),
        (Fraction(1, 3), "1/3"),
        (1 + 2j, "(1+2j)"),
        (range(3), "range(0, 3)"),
        (dt.date(2026, 11, 1), "2026-11-01"),
        (dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC), "2026-11-01T12:00:00+00:00"),
        (dt.time(12, 30), "12:30:00"),
        (dt.timedelta(seconds=90), "0:01:30"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (re.compile("a+"), "a+"),
        (PurePosixPath("data/set"), "data/set"),
        (Optimizer, f"{__name__}.Optimizer"),
        (math.sqrt, "math.sqrt"),
        (len, "len"),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),  # noqa: FBT003 - the value itself
        (np.str_("x"), "x"),
        (np.array(2.5), 2.5),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.dtype("float32"), "float32"),
        (np.float64, "numpy.float64"),
        ({3, 1, 2}, [1, 2, 3]),
        pytest.param(frozenset({"b", "a"}), ["a", "b"], id="frozenset"),  # in any order
        (
            {1: "a", None: "b", Colour.RED: "c", (1, "x"): "d"},
            {"1": "a", "None": "b", "red": "c", "1/x": "d"},
        ),
        (
            functools.partial(round, ndigits=2),
            {"function": "round", "arguments": [], "keywords": {"ndigits": 2}},
        ),
    ],
    ids=repr,
)
def test_value_has_one_form(value: object, expected: object) -> None:
    captured = resolve_configuration({"value": value})
    assert plain(captured.value) == {"value": expected}
    assert captured.gaps == ()


def test_nan_stays_a_value() -> None:
    assert math.isnan(resolved({"value": math.nan})["value"])


def test_lambda_is_named_without_its_address() -> None:
    text = resolved({"schedule": lambda step: step})["schedule"]
    assert text.endswith("<lambda>")
    assert "0x" not in text


@pytest.mark.parametrize(
    "value",
    [Odd(), object(), b"bytes", iter([1]), np.zeros(5_000)],
    ids=lambda value: type(value).__name__,
)
def test_unknown_object_is_named_by_its_class_with_a_gap(value: object) -> None:
    captured = resolve_configuration({"part": {"odd": value}})
    text = captured.value["part"]["odd"]
    assert text == name_of(type(value))
    assert "0x" not in repr(captured)
    (gap,) = captured.gaps
    assert (gap.subject, gap.kind) == ("configuration", "failed")
    assert gap.description.startswith("/part/odd: ")


def test_table_is_not_written_out() -> None:
    class Frame:
        shape = (10**9, 3)

        def to_dict(self) -> dict[str, Any]:
            raise AssertionError

    assert resolve_configuration({"data": Frame()}).gaps


def test_object_that_raises_when_it_is_read_is_a_gap() -> None:
    class Broken:
        def to_dict(self) -> list[int]:
            return [1]

    def fail(_self: object) -> type:
        raise RuntimeError

    # Proxies answer for the class of what they stand for, and may fail to.
    proxy = type("Lazy", (), {"__class__": property(fail)})

    captured = resolve_configuration({"a": Broken(), "b": proxy()})
    assert [gap.description.partition(" could")[2] for gap in captured.gaps] == [
        " not be read (TypeError)",
        " not be read (RuntimeError)",
    ]


def test_configuration_that_contains_itself_ends() -> None:
    settings: dict[str, Any] = {"lr": 1}
    settings["self"] = settings
    settings["list"] = [settings]
    captured = resolve_configuration(settings)
    assert plain(captured.value) == {"lr": 1, "self": "dict", "list": ["dict"]}
    assert len(captured.gaps) == 2


def test_same_part_twice_is_no_cycle() -> None:
    part = {"a": 1}
    captured = resolve_configuration({"x": part, "y": part})
    assert plain(captured.value) == {"x": part, "y": part}
    assert captured.gaps == ()


def test_depth_and_number_of_values_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {}
    for _ in range(10_000):
        settings = {"a": settings}
    (gap,) = resolve_configuration(settings).gaps
    assert "nested too deep" in gap.description

    monkeypatch.setattr(configuration, "MAX_VALUES", 5)
    captured = resolve_configuration({"values": list(range(100))})
    assert captured.value["values"][:4] == (0, 1, 2, "[left out]")
    assert ["more than 5 values" in gap.description for gap in captured.gaps] == [True]


def test_long_text_is_cut_and_a_lone_surrogate_is_escaped() -> None:
    captured = resolve_configuration({"long": "x" * 30_000, "odd\ud800": "a\udc00b"})
    assert len(captured.value["long"]) == configuration.MAX_TEXT_CHARACTERS
    assert captured.value["odd\\ud800"] == "a\\udc00b"
    assert ["cut to 20000" in gap.description for gap in captured.gaps] == [True]


def test_number_that_no_document_can_hold_is_a_gap() -> None:
    captured = resolve_configuration({"big": 7**600, "wide": Decimal("1e99999")})
    assert dict(captured.value) == {"big": "int", "wide": "decimal.Decimal"}
    assert len(captured.gaps) == 2


def test_keys_that_cannot_be_told_apart_are_a_gap() -> None:
    captured = resolve_configuration({"1": "text", 1: "number", Odd: "class"})
    assert captured.value["1"] == "number"
    assert [gap.description for gap in captured.gaps] == [
        "/1: two keys have this text; the last one is kept",
        "a type is a key without text",
    ]


def test_reserved_object_is_not_mistaken_for_a_number() -> None:
    for text in ("seven", "7"):
        captured = resolve_configuration({"room": {"number": text}})
        assert plain(captured.value) == {"room": {"number": [text]}}
        assert ["is reserved" in gap.description for gap in captured.gaps] == [True]
    whole = resolve_configuration({"number": "7"}).value
    assert ProcessingStep(id="a", parameters=whole).parameters == {"number": ["7"]}
    assert resolved({"number": 7}) == {"number": 7}


@pytest.mark.parametrize(
    "value", [None, 3, "text", [1, 2], Odd()], ids=lambda value: type(value).__name__
)
def test_what_holds_no_named_settings_is_a_gap(value: object) -> None:
    captured = resolve_configuration(value)
    assert dict(captured.value) == {}
    assert "holds no named settings" in captured.gaps[-1].description


def test_secrets_go_by_name_by_form_and_by_class() -> None:
    settings = {
        "hub": {"token": pydantic.SecretStr("x1"), "password": "x2", "user": "ada"},
        "key": pydantic.SecretBytes(b"x3"),
        "use_cls_token": True,
    }
    captured = resolve_configuration(settings)
    assert plain(captured.value) == {
        "hub": {"token": "[redacted]", "password": "[redacted]", "user": "ada"},
        "key": "[redacted]",
        "use_cls_token": True,
    }
    assert [gap.kind for gap in captured.gaps] == ["redacted"] * 3


def test_paths_lose_what_is_private(home: Path, tmp_path: Path) -> None:
    settings = {
        "inside": tmp_path / "project" / "data",
        "home": home / "cache",
        "text": f"read {home}/x",
        "other": Path("/scratch/alice/data"),
    }
    assert resolved(settings, project=tmp_path / "project") == {
        "inside": "data",
        "home": "~/cache",
        "text": "read ~/x",
        "other": "/scratch/[user]/data",
    }


def test_configuration_is_not_changed_and_the_result_cannot_be() -> None:
    settings = {"a": [1, {"token": "x1"}]}
    captured = resolve_configuration(settings)
    assert settings == {"a": [1, {"token": "x1"}]}
    settings["a"].append(2)
    assert len(captured.value["a"]) == 2
    assert resolve_configuration(captured.value).value == captured.value


class FakeOmegaConf:
    """The two functions of OmegaConf that are used, over a configuration of two readings."""

    @staticmethod
    def is_config(value: object) -> bool:
        return isinstance(value, FakeConfig)

    @staticmethod
    def to_container(value: Any, *, resolve: bool, **_options: Any) -> Any:  # noqa: ANN401 - as OmegaConf
        if resolve and value.resolved is None:
            raise KeyError
        return value.resolved if resolve else value.raw


class FakeConfig:
    """Settings with interpolations; without a reading as a whole it has those of its parts."""

    def __init__(self, raw: object, done: object, **parts: object) -> None:
        """Hold both readings."""
        self.raw = raw
        self.resolved = done
        self.parts = parts

    def __getitem__(self, name: str) -> object:
        """Return one setting, resolved."""
        return self.parts[name]


@pytest.fixture
def _omegaconf(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("omegaconf")
    module.OmegaConf = FakeOmegaConf  # type: ignore[attr-defined]  # a stand-in for the library
    monkeypatch.setitem(sys.modules, "omegaconf", module)


@pytest.mark.usefixtures("_omegaconf")
def test_interpolations_are_resolved_but_for_the_environment() -> None:
    raw = {
        "width": 8,
        "depth": "${width}",
        "user": "${oc.env:USER}",
        "again": "at ${user}",
        "list": ["${oc.env:HOST,local}", "${width}", 1],
        "plain": "alice-in-chains",
    }
    done = {
        "width": 8,
        "depth": 8,
        "user": "alice",
        "again": "at alice",
        "list": ["host-7", 8, 1],
        "plain": "alice-in-chains",
    }
    assert resolved(FakeConfig(raw, done)) == {
        "width": 8,
        "depth": 8,
        "user": "${oc.env:USER}",
        "again": "at ${user}",
        "list": ["${oc.env:HOST,local}", 8, 1],
        "plain": "alice-in-chains",
    }
    assert resolved({"part": FakeConfig(["a"], ["a"])}) == {"part": {"0": "a"}}


@pytest.mark.usefixtures("_omegaconf")
def test_what_cannot_be_resolved_does_not_take_the_rest_with_it() -> None:
    raw = {"a": "${nowhere}", "b": "${c}", "c": 1, "d": "???", "e": {"f": "${c}"}, "g": "${e}"}
    inner = FakeConfig({"f": "${c}"}, None, f=1)
    captured = resolve_configuration(FakeConfig(raw, None, b=1, c=1, e=inner, g=inner))
    assert plain(captured.value) == {
        "a": "${nowhere}",
        "b": 1,
        "c": 1,
        "d": "???",
        "e": {"f": 1},
        "g": {"f": 1},
    }
    assert [gap.description for gap in captured.gaps] == ["d has no value (???)"]


@pytest.mark.usefixtures("_omegaconf")
def test_what_is_made_of_the_environment_stays_unresolved_over_any_number_of_steps() -> None:
    raw = {
        "key": "${oc.env:KEY}",
        "again": "${key}",
        "turned": ["${reversed:${again}}"],
        "last": "${turned[0]}!",
        "other": "${reversed:ab}",
    }
    done = {"key": "k1", "again": "k1", "turned": ["1k"], "last": "1k!", "other": "ba"}
    assert resolved(FakeConfig(raw, done)) == {
        **raw,
        "turned": ["${reversed:${again}}"],
        "other": "ba",
    }


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(st.characters())
    | st.binary()
    | st.sampled_from([Odd(), Odd, len, Colour.RED, np.float32(1), object(), {"number": "x"}]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters()) | st.integers() | st.none(), inner, max_size=4)
        | st.just({"token": "x"})
    ),
    max_leaves=12,
)


class TestEveryConfigurationFitsIntoADocument:
    """Law: whatever the settings hold, the result can be signed, and is its own resolution."""

    @pytest.mark.property
    @given(st.dictionaries(st.text(st.characters()), ANYTHING, max_size=5))
    def test_settings(self, settings: dict[str, Any]) -> None:
        captured = resolve_configuration(settings)
        step = ProcessingStep(id="a", parameters=captured.value)
        assert step.to_bytes()
        assert "0x" not in repr([gap.description for gap in captured.gaps if "Odd" in repr(gap)])
        again = resolve_configuration(plain(captured.value))
        assert again.value == captured.value
