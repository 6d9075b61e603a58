"""The program `ashworth`: its commands, and how errors become exit codes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType

import cyclopts

from ashworth.errors import (
    AshworthError,
    DefinitionError,
    EstimationError,
    ImmortalTimeError,
    InputError,
)
from ashworth.version import __version__

DONE, FAILED, BAD_INPUT = 0, 1, 2

app = cyclopts.App(
    name="ashworth",
    help=(
        "Studies of circulating and disseminated tumour cells in breast cancer. "
        "Research use only; not a medical device."
    ),
    version=__version__,
    default_parameter=cyclopts.Parameter(negative=()),
    suppress_keyboard_interrupt=False,
)
app.command("ashworth.cli.run:run", name="run", help="Analyse a study folder: tables to report.")
app.command(
    "ashworth.cli.enumerate:enumerate_folders",
    name="enumerate",
    help="Image folders to cells, calls, counts, a gallery and a summary.",
)
app.command(
    "ashworth.cli.evidence:app",
    name="evidence",
    help="Check printed numbers; pool estimates; rebuild patients from curves.",
)
app.command(
    "ashworth.cli.landscape:app",
    name="landscape",
    help="The trial landscape from registry files: who, where, which phase, when.",
)
app.command(
    "ashworth.cli.review:review",
    name="review",
    help="The review that rebuilds itself: every number from a record that it opens.",
)
app.command(
    "ashworth.cli.trial:app",
    name="trial",
    help="Protocols that run: shown, checked, routed, sized.",
)
app.command(
    "ashworth.cli.definitions:app",
    name="definitions",
    help="List, show and check assays, rules, endpoints and subtypes.",
)
app.command(
    "ashworth.cli.simulate:app",
    name="simulate",
    help="Make data with a known truth, labelled as simulated.",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave with its exit code.

    0: done. 1: the work or a worked case failed. 2: bad input or a wrong call.
    """
    signal.signal(signal.SIGTERM, _terminate)
    raise SystemExit(_run(sys.argv[1:] if arguments is None else list(arguments)))


def _run(arguments: list[str]) -> int:
    """Call the command; translate errors."""
    try:
        result = app(arguments, exit_on_error=False, print_error=True, result_action="return_value")
    except cyclopts.CycloptsError:
        return BAD_INPUT
    except (InputError, DefinitionError, ImmortalTimeError) as error:
        return _complain(error, BAD_INPUT)
    except EstimationError as error:
        return _complain(error, FAILED)
    except AshworthError as error:
        return _complain(error, FAILED)
    except KeyboardInterrupt:
        print("ashworth: interrupted; nothing half-written was left", file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return DONE
    except OSError as error:
        return _complain(_os_words(error), FAILED)
    return result if isinstance(result, int) else DONE


def _os_words(error: OSError) -> str:
    """What the operating system refused: file and reason."""
    reason = error.strerror or str(error) or type(error).__name__
    return reason if error.filename is None else f"{error.filename}: {reason}"


def _complain(error: AshworthError | str, code: int) -> int:
    """Print an expected error without a traceback, also where it names a file of any bytes."""
    text = str(error).encode("utf-8", "backslashreplace").decode("utf-8")
    print(f"ashworth: {text}", file=sys.stderr)  # noqa: T201
    return code


def _terminate(number: int, frame: FrameType | None) -> None:
    """End like Ctrl-C, so that what was begun is cleared away."""
    raise KeyboardInterrupt
