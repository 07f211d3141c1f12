"""The command line: python -m advreg_edu COMMAND, see `course.commands`."""

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from .course.commands import parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status.

    >>> main(["train", "photos-minute"])  # the error, which names the option, goes to stderr
    2
    """
    options = parser().parse_args(arguments)
    try:
        with _signals_as_ctrl_c():
            return options.run(options)
    except (ValueError, OSError, ModuleNotFoundError) as error:  # of the user's input, files and installation
        _say(f"error: {_naming_options(str(error), options.names)}")
        return 2
    except KeyboardInterrupt:
        _say("Stopped.")
        return 130


def _naming_options(message: str, names: dict[str, str]) -> str:
    """An error that begins with the name of an argument, with the name of its option instead."""
    name, colon, rest = message.partition(": ")
    return names.get(name, name) + colon + rest


def _say(line: str) -> None:
    with suppress(OSError):  # the terminal may be closed
        print(line, file=sys.stderr)


@contextmanager
def _signals_as_ctrl_c() -> Iterator[None]:
    """Within it SIGTERM (of schedulers) and SIGHUP (of closed terminals) interrupt as Ctrl-C does.

    Those that come after the first are ignored: a checkpoint is being written. What nohup ignores stays ignored.
    """
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP
    ours = [getattr(signal, name) for name in names if signal.getsignal(getattr(signal, name)) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():  # others cannot set signals
        ours = []

    def stop(number: int, frame: object) -> None:
        for n in ours:
            signal.signal(n, signal.SIG_IGN)
        raise KeyboardInterrupt

    for n in ours:
        signal.signal(n, stop)
    try:
        yield
    finally:
        for n in ours:
            signal.signal(n, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
