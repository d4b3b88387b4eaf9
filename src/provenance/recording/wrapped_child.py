"""Inside the process of a script: which files it opens, by the audit events of Python (PEP 578).

`provenance run` starts this very file by the script's own interpreter, which may be another one and
know nothing of this package. So it needs the standard library alone, and imports nothing that a
plain start of Python has not loaded: a module of the script's folder may bear any name.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as in `typing`, which a plain start of Python has not loaded
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

__all__ = ["MAX_WATCHED", "MODULE_NAME", "Watcher", "joined", "log_identity", "run_wrapped"]

#: Most distinct names that are kept of the files that one process reads, and of those it writes.
MAX_WATCHED = 50_000

#: Name under which the instance that runs in a wrapped process can be found.
MODULE_NAME = "_provenance_wrapped_child"

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SOURCES = (".py", ".pyc")
_OURS = "provenance."

_current: Watcher | None = None


class Watcher:
    """Keeps the names of the files that this process opens, each once, in order.

    Events are pairs of a kind and a text: `r` a file that was opened for reading; `o` a file that
    was read before and is overwritten now, with its size and a colon before its path; `w` a file
    that was opened for writing; `f` nothing more is kept.
    """

    def __init__(self, log: int = -1, began: float = 0.0) -> None:
        """Keep events in memory, or in a file where a descriptor is given.

        Args:
            log: A descriptor that is open for appending; forked processes write to it too.
            began: Time of the epoch before which a file must have been changed to be an input.
        """
        self.events: list[tuple[str, str]] = []
        self.active = True
        self.began = began
        self._reads: dict[Any, None] = {}
        self._writes: dict[Any, None] = {}
        self._folder = ""
        self._log = log
        self._writes_log = False
        self._log_identity = log_identity(log)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.write_log)

    def install(self) -> None:
        """Begin to listen; nothing can take an audit hook away again."""
        reads, writes, note = self._reads, self._writes, self._note

        # Called for every audit event of the interpreter: nothing here may be slow, or raise.
        def hook(event: str, args: tuple[Any, ...]) -> None:
            if event == "open":
                try:
                    path, _, flags = args
                    known = writes if flags & _WRITING else reads
                    if path not in known and self.active:
                        note(path, flags, known)
                except Exception:  # noqa: BLE001, S110 - a name that is none, a full disk: it goes on
                    pass
            elif event == "os.chdir":
                self._folder = ""
                self.forget()

        sys.addaudithook(hook)

    def write_log(self) -> None:
        """Write events to the log from now on: what a forked process remembers is lost."""
        self._writes_log = True

    def use_log(self, log: int) -> None:
        """Let the processes that are forked from now on write to this descriptor."""
        self._log = log
        self._log_identity = log_identity(log)

    def forget(self) -> None:
        """Forget which names are known, so that they are reported again."""
        self._reads.clear()
        self._writes.clear()

    def emit(self, kind: str, text: str) -> None:
        """Keep one event."""
        if not self._writes_log:
            self.events.append((kind, text))
        # A process that closed every descriptor may have given this number to a file of its own.
        elif self._log_identity is not None and log_identity(self._log) == self._log_identity:
            os.write(self._log, os.fsencode(kind + text) + b"\0")

    def _note(self, path: Any, flags: int, known: dict[Any, None]) -> None:  # noqa: ANN401 - any name
        if len(known) >= MAX_WATCHED:
            if len(known) == MAX_WATCHED:
                known[None] = None
                self.emit("f", "")
            return
        # The recorder's own files are not the script's.
        if sys._getframe(2).f_globals.get("__name__", "").startswith(_OURS):  # noqa: SLF001 - documented
            return
        known[path] = None
        if isinstance(path, int):
            return
        name = path if type(path) is str else os.fsdecode(path)
        if name.endswith(_SOURCES):
            return
        if name[0] != "/" and not os.path.isabs(name):  # noqa: PTH117 - no pathlib here
            self._folder = self._folder or os.getcwd()  # noqa: PTH109 - no pathlib here
            name = os.path.join(self._folder, name)  # noqa: PTH118 - no pathlib here
        if known is self._reads:
            if path not in self._writes:
                self.emit("r", name)
            return
        self._note_writing(path, name, flags)

    def _note_writing(self, path: Any, name: str, flags: int) -> None:  # noqa: ANN401 - any name
        changed = flags & (os.O_CREAT | os.O_TRUNC | os.O_APPEND) == 0 and flags & os.O_RDWR
        if changed or path in self._reads:
            try:
                info = os.stat(name)  # noqa: PTH116 - no pathlib here
            except OSError:
                info = None
            if info is not None and info.st_ctime < self.began:
                self.emit("o", f"{info.st_size}:{name}")
        self.emit("w", name)


def joined(folder: str, kind: str) -> None:
    """Tell the wrapper that the script records itself, and where.

    Args:
        folder: The run folder.
        kind: `j`, or `l` if undeclared inputs are listed without digests, or `i` if not at all.
    """
    if _current is not None:
        _current.emit(kind, folder)


def log_identity(descriptor: int) -> tuple[int, int] | None:
    """Return what tells the open file of a descriptor from others; nothing if it is closed."""
    try:
        info = os.fstat(descriptor)
    except OSError:
        return None
    return (info.st_dev, info.st_ino)


def _watch(log: str, began: float) -> None:
    """Watch this process from now on, into a log that exists."""
    global _current  # noqa: PLW0603 - one for a process
    import atexit  # noqa: PLC0415 - built in

    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))
    _current = Watcher(descriptor, began)
    _current.write_log()
    for prefix in sorted({sys.prefix, sys.base_prefix, sys.exec_prefix}):
        _current.emit("p", prefix)
    main = os.getpid()
    # Registered first, and so called last.
    atexit.register(lambda: _current.emit("e", "") if os.getpid() == main else None)
    _current.install()


def _run_file(path: str, namespace: dict[str, Any]) -> None:
    """Run a script as Python would: `__main__` holds what it would hold."""
    full = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118 - as Python spells it: no more than absolute
    external = sys.modules["_frozen_importlib_external"]
    namespace.update(
        {"__name__": "__main__", "__doc__": None, "__package__": None, "__spec__": None},
        __loader__=external.SourceFileLoader("__main__", full),
        __builtins__=sys.modules["builtins"],
        __file__=full,
        __cached__=None,
        __annotations__={},
    )
    with open(full, "rb") as file:  # noqa: PTH123 - no pathlib here
        source = file.read()
    code = compile(source, full, "exec", dont_inherit=True)
    exec(code, namespace)  # noqa: S102 - the script that the user asked to run


def _run_module(name: str, namespace: dict[str, Any]) -> None:
    """Run a module as `python -m` does."""
    sys.argv[0:2] = ["-m"]
    namespace.update(
        {"__name__": "__main__", "__doc__": None, "__package__": None, "__spec__": None},
        __builtins__=sys.modules["builtins"],
        __annotations__={},
    )
    import runpy  # noqa: PLC0415 - only here, as Python itself does it

    runpy._run_module_as_main(name)  # type: ignore[attr-defined]  # noqa: SLF001 - what `python -m` calls


def _relay_exception(own_file: str) -> None:
    """Let an exception be shown without the frames of this file."""
    original = sys.excepthook

    def relay(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.excepthook = original
        while trace is not None and trace.tb_frame.f_code.co_filename == own_file:
            trace = trace.tb_next
        sys.last_traceback = error.__traceback__ = trace
        original(kind, error, trace)

    sys.excepthook = relay


def run_wrapped(namespace: dict[str, Any]) -> None:
    """Take this launcher out of sight, and run the script: `launcher LOG BEGAN [-m] NAME ARG…`."""
    own_file = sys.argv[0]
    sys.modules.pop("__future__", None)  # this file's own
    # With `-P` or `-I` Python puts no folder before the others, and neither do we.
    has_folder = bool(sys.path) and sys.path[0] == os.path.dirname(own_file)  # noqa: PTH120 - no pathlib here
    if has_folder:
        del sys.path[0]
    taken = 3
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = [*sys.orig_argv[: -len(sys.argv)], *sys.argv[taken:]]
    log, began = sys.argv[1], float(sys.argv[2])
    del sys.argv[:taken]
    namespace.clear()
    try:  # noqa: SIM105 - no contextlib here
        _watch(log, began)
    except OSError:
        pass  # without a log the script still runs
    try:
        if sys.argv[0] == "-m":
            if has_folder:
                sys.path.insert(0, os.getcwd())  # noqa: PTH109 - no pathlib here
            _run_module(sys.argv[1], namespace)
        else:
            if has_folder:
                sys.path.insert(0, os.path.dirname(os.path.realpath(sys.argv[0])))  # noqa: PTH120 - no pathlib here
            _run_file(sys.argv[0], namespace)
    except SystemExit:
        raise
    except BaseException:
        _relay_exception(own_file)
        raise


if __name__ == "__main__":
    # Functions of `__main__` would lose their globals when it is made the script's: a copy runs it.
    _module = type(sys)(MODULE_NAME)
    _module.__file__ = __file__
    sys.modules[MODULE_NAME] = _module
    with open(__file__, "rb") as _file:  # noqa: PTH123 - no pathlib here
        exec(compile(_file.read(), __file__, "exec"), _module.__dict__)  # noqa: S102 - this very file
    _module.run_wrapped(globals())
