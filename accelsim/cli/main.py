"""The entry point: runs a command, turns what goes wrong into a message and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from accelsim.errors import AccelsimError, SpecError

INTERRUPTED = 130
BROKEN_PIPE = 141
INTERNAL = 70

# The base of all faults of flags, whichever click typer brings along.
_UsageError: type[Exception] = next(
    c for c in typer.BadParameter.__mro__ if c.__name__ == "UsageError"
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``accelsim ARGUMENTS`` and leave with its exit code."""
    code = run(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _gone()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run a command; return its exit code. Nothing is raised."""
    from accelsim.cli.app import app

    try:
        outcome = app(args=list(arguments), prog_name="accelsim", standalone_mode=False)
        return outcome if isinstance(outcome, int) else 0
    except typer.Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return _gone()
    except SystemExit as leave:  # how typer takes a broken pipe
        if isinstance(leave.__context__, BrokenPipeError):
            return _gone()
        raise
    except Exception as error:
        return _failed(error)


def messages(error: BaseException) -> list[str]:
    """Return what to say of an error, one fault a line."""
    if isinstance(error, SpecError):
        return [
            f"accelsim: {fault.message}" if fault.file == "<input>" else str(fault)
            for fault in error.faults
        ]
    if isinstance(error, _UsageError):
        if type(error).__name__ == "NoArgsIsHelpError":  # its text is the help, lines and all
            return [error.format_message()]  # type: ignore[attr-defined]
        return [f"accelsim: {' '.join(error.format_message().split())}"]  # type: ignore[attr-defined]
    return [f"accelsim: {line}" for line in (str(error) or type(error).__name__).splitlines()]


def _failed(error: Exception) -> int:
    for line in messages(error):
        print(line, file=sys.stderr)
    if isinstance(error, AccelsimError):
        return error.exit_code
    if isinstance(error, _UsageError | OSError | UnicodeError):
        return SpecError.exit_code
    print(f"accelsim: this is a fault of accelsim itself ({type(error).__name__})", file=sys.stderr)
    if os.environ.get("ACCELSIM_DEBUG"):
        raise error
    return INTERNAL


def _gone() -> int:
    """Nobody reads any more: leave without a word, also at the last flush."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return BROKEN_PIPE


if __name__ == "__main__":
    main()
