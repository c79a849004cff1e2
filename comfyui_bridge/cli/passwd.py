"""`passwd`: add an account that may sign in to the page, or change its password."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path

from comfyui_bridge.store.accounts import Accounts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="who signs in")
    parser.add_argument(
        "--auth", type=Path, default=Path("auth.txt"), metavar="FILE", help="the accounts (auth.txt)"
    )


def main(arguments: argparse.Namespace) -> int:
    if sys.stdin.isatty():
        password = getpass.getpass(f"Password for {arguments.name}: ")
        if getpass.getpass("Once more: ") != password:
            print("The two were not the same; nothing was changed.", file=sys.stderr)
            return 2
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        print("A password cannot be empty; nothing was changed.", file=sys.stderr)
        return 2
    Accounts(arguments.auth).add(arguments.name, password)
    print(f"{arguments.name} can sign in with: python app.py --auth {arguments.auth}", file=sys.stderr)
    return 0
