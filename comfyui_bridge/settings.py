"""One frozen `Settings` from arguments and environment.

Every flag has a variable COMFYUI_BRIDGE_<FLAG>; an argument wins over it. Servers also come from
COMFYUI_URL, and the bearer token only from COMFYUI_TOKEN, for arguments can be read by everyone on a machine.
What cannot be right ends the program with status 2 and one sentence.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from comfyui_bridge.version import __version__

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7860
DEFAULT_MAX_WAITING = 500
_BESIDE_THE_PACKAGE = Path(__file__).resolve().parent.parent
_TRUE = frozenset(("1", "true", "yes", "on"))
_FALSE = frozenset(("", "0", "false", "no", "off"))


@dataclass(frozen=True)
class Settings:
    """What the page needs to know before it starts."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    """0 takes any free port."""
    servers: tuple[str, ...] = ()
    """Addresses of ComfyUI servers, with a scheme; they may carry a path and `user:password@`."""
    token: str = field(default="", repr=False)
    """Bearer token for the servers, or nothing."""
    workflows: Path = Path("workflows")
    data: Path = Path("data")
    sandbox: bool = False
    """The sandbox was asked for, beside the servers named."""
    share: bool = False
    auth: Path | None = None
    max_waiting: int = DEFAULT_MAX_WAITING
    """How many runs one person may have waiting."""
    keep_gb: float | None = None
    """How many GB the kept files may take, the oldest without a star going first; None for no limit."""
    keep_days: float | None = None
    """For how many days files without a star are kept; None for as long as there is room."""

    @property
    def wants_sandbox(self) -> bool:
        """Whether to start a sandbox: when it was asked for, and when there is nothing else to drive."""
        return self.sandbox or not self.servers


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Read arguments (without the program's name) and environment.

    Exits with status 2 and a sentence on stderr when they cannot be used, with 0 after --help and --version.
    """
    parser = _parser()
    given = parser.parse_args(list(argv))
    try:
        return _settled(given, environ)
    except _Unusable as problem:
        parser.error(str(problem))


def server_addresses(named: Sequence[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The servers to drive: those named, else COMFYUI_BRIDGE_SERVER's, else COMFYUI_URL's; each once.

    Raises ValueError with a sentence for an address that cannot be one.
    """
    texts = [text for text in named if text.strip()]
    for variable in ("COMFYUI_BRIDGE_SERVER", "COMFYUI_URL"):
        texts = texts or [text for text in environ.get(variable, "").split(",") if text.strip()]
    return tuple(dict.fromkeys(_address(text.strip()) for text in texts))


class _Unusable(ValueError):
    """A setting that cannot be used; the message is a sentence."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is there for whoever asks for it."""

    def error(self, message: str) -> NoReturn:
        sentence = message[:1].upper() + message[1:]
        self.exit(2, f"{sentence.rstrip('.')}. See --help.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="app.py",
        description="A dashboard for ComfyUI.",
        epilog="Every flag has an environment variable: --data is COMFYUI_BRIDGE_DATA, and so on. "
        "Servers also come from COMFYUI_URL (comma-separated), their bearer token from COMFYUI_TOKEN.",
        allow_abbrev=False,
    )
    parser.add_argument("--host", help=f"address to listen on (default {DEFAULT_HOST})")
    parser.add_argument("--port", help=f"port to listen on; 0 takes a free one (default {DEFAULT_PORT})")
    parser.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="URL",
        help="a ComfyUI server; may be given again. With none, a sandbox is started",
    )
    parser.add_argument("--workflows", metavar="DIR", help="folder of templates (default workflows)")
    parser.add_argument("--data", metavar="DIR", help="folder of the database and kept media (default data)")
    parser.add_argument(
        "--sandbox", action="store_true", default=None, help="start the sandbox beside the servers named"
    )
    parser.add_argument(
        "--share", action="store_true", default=None, help="make a public link too; needs --auth"
    )
    parser.add_argument("--auth", metavar="FILE", help="accounts: only who signs in gets to the page")
    parser.add_argument(
        "--max-waiting",
        metavar="RUNS",
        help=f"how many runs one person may have waiting (default {DEFAULT_MAX_WAITING})",
    )
    parser.add_argument(
        "--keep-gb",
        metavar="GB",
        help="how much the kept files may take; the oldest without a star go first (default no limit)",
    )
    parser.add_argument(
        "--keep-days", metavar="DAYS", help="how long files without a star are kept (default for ever)"
    )
    parser.add_argument("--version", action="version", version=f"ComfyUI Bridge {__version__}")
    return parser


def _settled(given: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    def text(flag: str) -> str:
        said = getattr(given, flag)
        return (environ.get(_variable(flag), "") if said is None else str(said)).strip()

    def switch(flag: str) -> bool:
        return bool(getattr(given, flag)) or _truth(environ, flag)

    try:
        servers = server_addresses(given.server, environ)
    except ValueError as problem:
        raise _Unusable(str(problem)) from None
    settings = Settings(
        host=_host(text("host")),
        port=_port(text("port")),
        servers=servers,
        token=environ.get("COMFYUI_TOKEN", "").strip(),
        workflows=_workflows(text("workflows")),
        data=_folder("data", text("data") or "data"),
        sandbox=switch("sandbox"),
        share=switch("share"),
        auth=_auth(text("auth")),
        max_waiting=_max_waiting(text("max_waiting")),
        keep_gb=_amount("keep-gb", text("keep_gb")),
        keep_days=_amount("keep-days", text("keep_days")),
    )
    if settings.share and settings.auth is None:
        raise _Unusable(
            "--share needs --auth FILE: a public link without a sign-in lets everyone on the internet "
            "run workflows on your servers and see every picture"
        )
    return settings


def _variable(flag: str) -> str:
    return f"COMFYUI_BRIDGE_{flag.upper()}"


def _truth(environ: Mapping[str, str], flag: str) -> bool:
    word = environ.get(_variable(flag), "").strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise _Unusable(f'{_variable(flag)} is "{word}", and should be true or false')


def _host(text: str) -> str:
    host = text or DEFAULT_HOST
    if "/" in host or any(character.isspace() for character in host):
        raise _Unusable(f'--host is "{host}", and should be a name or an address, such as 0.0.0.0')
    return host


def _port(text: str) -> int:
    if not text:
        return DEFAULT_PORT
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise _Unusable(f'--port is "{text}", and should be a whole number from 0 to 65535')
    return int(text)


def _max_waiting(text: str) -> int:
    if not text:
        return DEFAULT_MAX_WAITING
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise _Unusable(f'--max-waiting is "{text}", and should be a whole number from 1')
    return int(text)


def _amount(flag: str, text: str) -> float | None:
    if not text:
        return None
    try:
        amount = float(text)
    except ValueError:
        amount = 0.0
    if not 0 < amount < float("inf"):
        raise _Unusable(f'--{flag} is "{text}", and should be a number above 0')
    return amount


def _address(text: str) -> str:
    address = text if "://" in text else f"http://{text}"
    wrong = f'"{_without_password(text)}" is no server address; it should look like http://127.0.0.1:8188'
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise ValueError(wrong) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(wrong)
    if any(character.isspace() for character in address):
        raise ValueError(wrong)
    return address.rstrip("/")


def _without_password(text: str) -> str:
    before, at, after = text.rpartition("@")
    if not at:
        return text
    scheme, slashes, _ = before.rpartition("://")
    return f"{scheme}{slashes}…@{after}"


def _workflows(text: str) -> Path:
    if text:
        folder = _folder("workflows", text)
        if not folder.is_dir():
            raise _Unusable(f"--workflows names {folder}, and there is no such folder")
        return folder
    here = Path("workflows")
    return (here if here.is_dir() else _BESIDE_THE_PACKAGE / "workflows").absolute()


def _folder(flag: str, text: str) -> Path:
    folder = Path(text).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise _Unusable(f"--{flag} names {folder}, which is a file, and should name a folder")
    return folder


def _auth(text: str) -> Path | None:
    if not text:
        return None
    file = Path(text).expanduser().absolute()
    if not file.is_file():
        raise _Unusable(
            f"--auth names {file}, and there is no such file; "
            f"make it with: python -m comfyui_bridge passwd NAME --auth {text}"
        )
    return file
