"""Pins: which key a user has decided to trust for which model.

A pin is one name for one key: a name never stands for two keys, a key never bears two names. The
functions that work on tuples are pure; those that take a path read or write that one file and no
other, and where it lies is the caller's affair (only the command line has a place for it).

The file is canonical JSON, mode 0600, replaced as a whole under a lock, so that two writers never
lose a pin and a reader always sees a whole file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.digest import read_file, write_atomic
from provenance.digest.names import printable_name
from provenance.errors import InputError, ProvenanceError, TrustError, shown
from provenance.trust.file_lock import hold_lock
from provenance.trust.pin_format import MAX_PINS_BYTES, Pin, parse_pins, write_pins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from os import PathLike

    from provenance.signing import PublicKey

__all__ = ["add_pin", "pins_for", "read_pins", "remove_pin", "with_pin", "without_pin"]

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700


def pins_for(pins: Iterable[Pin], model: str) -> tuple[Pin, ...]:
    """Return the pins of a model name; names are compared exactly."""
    return tuple(pin for pin in pins if pin.model == model)


def with_pin(pins: tuple[Pin, ...], new: Pin) -> tuple[Pin, ...]:
    """Return the pins with a new one.

    Raises:
        TrustError: The key is pinned for this model already, or the name or the key is taken.
    """
    for pin in pins:
        if (pin.model, pin.fingerprint) == (new.model, new.fingerprint):
            raise TrustError(
                problem=f"key {pin.fingerprint} is pinned for model {shown(pin.model)} already, "
                f"as {shown(pin.name)}",
            )
        if pin.name == new.name and pin.fingerprint != new.fingerprint:
            # A changed key under an old name is what a pin is there to notice.
            raise TrustError(
                problem=f"{shown(pin.name)} is the name of key {pin.fingerprint}, "
                f"not of {new.fingerprint}",
                remedy="choose another name; if the signer has a new key, remove the old pin first",
            )
        if pin.fingerprint == new.fingerprint and pin.name != new.name:
            raise TrustError(
                problem=f"key {pin.fingerprint} is called {shown(pin.name)} already",
                remedy=f"pin it for this model under that name, not as {shown(new.name)}",
            )
    return (*pins, new)


def without_pin(pins: tuple[Pin, ...], *, name: str, model: str | None = None) -> tuple[Pin, ...]:
    """Return the pins without those of a name, or of a name for one model.

    Raises:
        TrustError: There is none.
    """
    kept = tuple(
        pin for pin in pins if pin.name != name or (model is not None and pin.model != model)
    )
    if len(kept) == len(pins):
        where = "" if model is None else f" for model {shown(model)}"
        raise TrustError(
            problem=f"there is no pin {shown(name)}{where}",
            remedy="`provenance trust list` shows what there is",
        )
    return kept


def read_pins(path: str | PathLike[str]) -> tuple[Pin, ...]:
    """Return the pins of a file; none if there is no file.

    Raises:
        InputError: The file cannot be read.
        TrustError: It is no pin file, or breaks a rule.
    """
    return _read(_resolved(path))


def add_pin(
    path: str | PathLike[str], *, name: str, model: str, key: PublicKey, added_at: datetime
) -> Pin:
    """Pin a key for a model name, and return the pin. Makes the file and its folder if need be.

    Args:
        path: The pin file.
        name: What the user calls the signer.
        model: The model name that the key may sign, exactly.
        key: The key.
        added_at: The time now, with a time zone.

    Raises:
        InputError: The file cannot be read or written.
        TrustError: The pin is a duplicate or in conflict with another, or the file is no pin file.
    """
    pin = Pin.of(name=name, model=model, key=key, added_at=added_at)
    _change(path, lambda pins: with_pin(pins, pin))
    return pin


def remove_pin(
    path: str | PathLike[str], *, name: str, model: str | None = None
) -> tuple[Pin, ...]:
    """Remove the pins of a name, or of a name for one model, and return what was removed.

    Raises:
        InputError: The file cannot be read or written.
        TrustError: There is no such pin, or the file is no pin file.
    """
    before, after = _change(path, lambda pins: without_pin(pins, name=name, model=model))
    return tuple(pin for pin in before if pin not in after)


def _resolved(path: str | PathLike[str]) -> Path:
    # A link at this place is the user's own: files of settings are often kept elsewhere.
    try:
        return Path(os.path.realpath(path))
    except ValueError as error:  # a name with U+0000 in it
        where = printable_name(os.fspath(path))
        raise InputError(path=where, problem="it is no path") from error


def _read(path: Path) -> tuple[Pin, ...]:
    if not os.path.lexists(path):
        return ()
    data = read_file(path, max_bytes=MAX_PINS_BYTES)
    try:
        return parse_pins(data)
    except ProvenanceError as error:
        where = printable_name(f"{path}#{error.path}" if error.path else str(path))
        remedy = error.remedy or "mend or remove the file; nothing in it is trusted"
        raise TrustError(path=where, problem=error.problem, remedy=remedy) from error


def _change(
    path: str | PathLike[str], change: Callable[[tuple[Pin, ...]], tuple[Pin, ...]]
) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
    target = _resolved(path)
    try:
        target.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        with hold_lock(target):
            before = _read(target)
            after = change(before)
            write_atomic(target, write_pins(after), mode=_FILE_MODE)
    except OSError as error:
        raise InputError(
            path=printable_name(str(target)),
            problem=f"the pins cannot be written: {error.strerror}",
            remedy="check the permissions of the folder",
        ) from error
    return before, after
