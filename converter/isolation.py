"""Do the work on every item: what goes wrong with one of them is reported, and ends nothing but the work on it.

    for item in items:
        with isolated(report, item.place):      SourceError ─────────────────────────> report
            work(item)                          any other exception ──InternalError──> report

Every verb isolates its rules, targets, cases and files with this function. A failed item is never silent: the
caller counts what it is told, and the exit status shows it.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from converter.errors import ConfigurationError, InternalError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from converter.errors import Place

_PACKAGE = Path(__file__).parent
_SHOWN = 300
BUGS = (Exception, SystemExit)
"""What a bug of one item may raise. An interrupt is not about an item, and ends the run."""


@contextmanager
def isolated(report: Callable[[SourceError], None], place: Place | None = None, about: str = "") -> Iterator[None]:
    """Report what the work on an item raises, and go on after it.

    Args:
        report: called with the error.
        place: of the item; for a bug, which has no place of its own.
        about: what the work was, for a bug: `converting bad_thing to splunk`; may be empty.

    Raises:
        ConfigurationError: it is about the whole run.
        BrokenPipeError: nobody reads the output any more.
        KeyboardInterrupt: the user has ended the run.
    """
    try:
        yield
    except BUGS as error:
        report(error_of(error, place, about))


def error_of(error: BaseException, place: Place | None = None, about: str = "") -> SourceError:
    """Return the error of an item for what the work on it has raised; arguments and errors as of `isolated`.

    For a loop that is too busy for a context manager.
    """
    if isinstance(error, ConfigurationError | BrokenPipeError):
        raise error
    if isinstance(error, SourceError):
        return error
    if isinstance(error, OSError) and error.errno is not None:  # a file that has vanished, a disk that is full
        named = f" {error.filename}" if error.filename else ""
        return SourceError(f"the system does not give access{named}: {error.strerror}", place)
    return internal_error(error, place, about)


def internal_error(bug: BaseException, place: Place | None = None, about: str = "") -> InternalError:
    """Return the error of a bug: the exception, where in our code it was raised, and how to report it."""
    import traceback  # noqa: PLC0415  slow to import, and needed only here

    doing = f"{about}: " if about else ""
    trace = "".join(traceback.format_exception(bug))
    return InternalError(f"{doing}{_described(bug)}{_raised_at(bug)}", place, _hint(), trace)


def died_of(cause: str) -> InternalError:
    """Return the error of a process that died of a bug: a signal, or an exit that we did not ask for."""
    return InternalError(f"the process that did this has died ({cause})", hint=_hint())


def _hint() -> str:
    from importlib.metadata import version  # noqa: PLC0415  slow to import

    return (
        f"this is a bug of sigma-convert {version('sigma-convert')}: report it with this line and what it is about; "
        "--debug shows a traceback"
    )


def raised_by(error: BaseException, package: str) -> bool:
    """Return whether an exception comes from another package that ours has called, and not from our own code."""
    last = ""
    trace = error.__traceback__
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        root = name.partition(".")[0]
        if root in {package, __package__}:
            last = root
        trace = trace.tb_next
    return last == package


def _described(bug: BaseException) -> str:
    """Return the class and the message of an exception, on one line."""
    try:
        text = " ".join(str(bug).split())
    except Exception:  # noqa: BLE001  an exception of a stranger's code
        text = ""
    name = type(bug).__name__
    return f"{name}: {text[:_SHOWN]}" if text else name


def _raised_at(bug: BaseException) -> str:
    """Return the last place in our code through which an exception came; may be empty."""
    shown = ""
    trace = bug.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.is_relative_to(_PACKAGE) and path != Path(__file__):
            shown = f" ({path.relative_to(_PACKAGE.parent).as_posix()}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return shown
