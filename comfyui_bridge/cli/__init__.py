"""The command line: `python -m comfyui_bridge COMMAND`.

One module a command, each with `add_arguments` and `main`; a command's module is imported only when it is
asked for, so that each starts quickly.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn

from comfyui_bridge.core.errors import (
    BridgeError,
    Cancelled,
    InvalidValues,
    Rejected,
    RunFailed,
    ServerError,
    TemplateError,
    Unauthorised,
    UnexpectedAnswer,
    Unreachable,
    WorkflowError,
)
from comfyui_bridge.version import __version__

_DESCRIPTION = (
    "Run ComfyUI workflows as templates. Results go to stdout, everything else to stderr. "
    "Each command tells its own options with COMMAND --help."
)

DONE, FAILED, BAD_INPUT, NO_SERVER, INTERRUPTED = 0, 1, 2, 3, 130

COMMANDS = {
    "templates": "list the templates of the library",
    "inputs": "list what a template lets you set, and why",
    "run": "run a template and download what it makes",
    "batch": "run a template many times, over prompts, a table or axes",
    "convert": "print a workflow in API format",
    "check": "tell what stands in a workflow's way on a server",
    "passwd": "add an account, or change its password",
    "sandbox": "run a ComfyUI-compatible server that paints without an AI model",
}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is there for whoever asks for it."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{message[:1].upper()}{message[1:].rstrip('.')}. See {self.prog} --help.\n")


def main(argv: Sequence[str]) -> int:
    """Run one command; its exit status."""
    parser = _Parser(prog="python -m comfyui_bridge", description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    chosen = next((word for word in argv if not word.startswith("-")), "")
    modules = {}
    for name, help_ in COMMANDS.items():
        command = commands.add_parser(
            name, help=help_, description=help_.capitalize() + ".", allow_abbrev=False
        )
        if name == chosen:
            modules[name] = importlib.import_module(f"{__name__}.{name}")
            modules[name].add_arguments(command)
    arguments, unknown = parser.parse_known_args(list(argv))
    if unknown:
        commands.choices[arguments.command].error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        return int(modules[arguments.command].main(arguments))
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does.
        sys.stderr.close()
        return DONE
    except BridgeError as error:
        tell(error)
        return status_of(error)


def tell(error: BridgeError) -> None:
    """Print an error for people, one line a problem."""
    if isinstance(error, InvalidValues):
        for key, sentence in error.problems.items():
            print(f"{key}: {sentence}", file=sys.stderr)
    else:
        print(error, file=sys.stderr)


def status_of(error: BridgeError) -> int:
    """The exit status that tells a script what kind of error this was."""
    match error:
        case Cancelled():
            return INTERRUPTED
        case RunFailed() | Rejected():
            return FAILED
        case Unreachable() | Unauthorised() | UnexpectedAnswer():
            return NO_SERVER
        case TemplateError() | WorkflowError() | InvalidValues():
            return BAD_INPUT
        case ServerError():
            return FAILED
    return FAILED
