"""The real program in a process of its own, a sandbox it drives, and a headless Chromium that looks at it.

One browser, one sandbox and one program serve all tests that a worker runs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect, sync_playwright

from comfyui_bridge.sandbox.faults import Faults
from comfyui_bridge.sandbox.thread import SandboxThread

ROOT = Path(__file__).resolve().parents[2]
STEP_S = 0.06
SLOW_STEP_S = 0.8
READY_S = 60.0
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NO_BROWSER = (
    "The browser tests need Chromium: apt install chromium, or {python} -m playwright install chromium."
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Program:
    """A running dashboard."""

    url: str
    workflows: Path
    data: Path


@dataclass(frozen=True)
class Server:
    """The sandbox that the shared program drives, and the faults to switch on in it."""

    thread: SandboxThread
    faults: Faults

    @property
    def url(self) -> str:
        return self.thread.url

    def load_slowly(self, seconds: float) -> None:
        """From now on every model takes so long to load, and none is loaded yet."""
        body = json.dumps({"unload_models": True, "free_memory": True}).encode()
        urlopen(Request(f"{self.url}/free", body, {"Content-Type": "application/json"})).close()
        self.faults.model_load_seconds = seconds


# Of the package, not the session: Playwright keeps an event loop on this thread for as long as it is there.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            found = (
                shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
            )
            launched = playwright.chromium.launch(executable_path=found, args=list(_FLAGS))
        except Error:
            sentence = _NO_BROWSER.format(python=sys.executable)
            if os.environ.get("CI") == "true":
                pytest.fail(sentence, pytrace=False)
            pytest.skip(sentence)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    faults = Faults()
    with SandboxThread(step_seconds=STEP_S, faults=faults) as thread:
        yield Server(thread, faults)


@pytest.fixture(scope="package")
def start() -> Iterator[Callable[..., Program]]:
    """Start the program with these arguments; all are stopped at the end."""
    running: list[subprocess.Popen[str]] = []
    folders: list[tempfile.TemporaryDirectory[str]] = []

    def start_(*arguments: str, workflows: Path | None = None) -> Program:
        folder = tempfile.TemporaryDirectory(prefix="bridge-browser-")
        folders.append(folder)
        library = Path(folder.name) / "workflows"
        shutil.copytree(workflows or ROOT / "workflows", library)
        data = Path(folder.name) / "data"
        command = [sys.executable, str(ROOT / "app.py"), "--port", "0", "--data", str(data)]
        process = subprocess.Popen(
            [*command, "--workflows", str(library), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        return Program(_url_said_by(process), library, data)

    yield start_
    for process in running:
        process.terminate()
    for process in running:
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
    for folder in folders:
        folder.cleanup()


@pytest.fixture(scope="package")
def program(start: Callable[..., Program], server: Server) -> Program:
    """The shipped templates on the shared sandbox."""
    return start("--server", server.url)


class Restartable:
    """A slow sandbox that can be stopped, and started again at its address."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._thread = SandboxThread(step_seconds=SLOW_STEP_S, directory=directory).start()
        self.url = self._thread.url

    def stop(self) -> None:
        self._thread.stop()

    def start(self) -> None:
        port = self._thread.port
        self._thread = SandboxThread(step_seconds=SLOW_STEP_S, directory=self._directory, port=port).start()


@pytest.fixture(scope="package")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Restartable, Restartable]]:
    """Two slow sandboxes: there is time to look while they work."""
    both = (Restartable(tmp_path_factory.mktemp("one")), Restartable(tmp_path_factory.mktemp("two")))
    yield both
    for one in both:
        one.stop()


@pytest.fixture(scope="package")
def slow(start: Callable[..., Program], pair: tuple[Restartable, Restartable]) -> Program:
    """The shipped templates on two slow sandboxes."""
    return start("--server", pair[0].url, "--server", pair[1].url)


@pytest.fixture(scope="package")
def context_of(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """A browser context with these options, kept for later tests: it has the program's scripts already."""
    contexts: dict[str, BrowserContext] = {}

    def context_of_(**options: Any) -> BrowserContext:
        key = repr(sorted(options.items()))
        if key not in contexts:
            contexts[key] = browser.new_context(**options)
            contexts[key].set_default_timeout(PATIENCE_MS)
        return contexts[key]

    yield context_of_
    for context in contexts.values():
        context.close()


@pytest.fixture
def visit(context_of: Callable[..., BrowserContext]) -> Iterator[Callable[..., Page]]:
    """Open a page; whatever it reports as an error fails the test."""
    pages: list[Page] = []
    problems: list[str] = []

    def visit_(url: str, **options: Any) -> Page:
        options = {"viewport": {"width": 1440, "height": 900}, "locale": "en-US", **options}
        page = context_of(**options).new_page()
        pages.append(page)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.extend(_error_of(message)))
        page.goto(url)
        return page

    yield visit_
    for page in pages:
        page.close()
    assert not problems, problems


@pytest.fixture(autouse=True)
def _no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "server" in request.fixturenames:
        request.getfixturevalue("server").faults.reset()


def _error_of(message: ConsoleMessage) -> list[str]:
    # Gradio's own script complains when a page is left while it waits for an answer.
    is_leaving = "AbortError" in message.text or "Connection errored out" in message.text
    # The browser notes it when a file is refused, of which the page tells at its field.
    is_refused = "status of 415" in message.text
    return [message.text] if message.type == "error" and not is_leaving and not is_refused else []


def _url_said_by(process: subprocess.Popen[str]) -> str:
    """The address of the line `Ready: URL`, however long an output comes before it."""
    said: list[str] = []
    found: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line.startswith("Ready: "):
                found.append(line.removeprefix("Ready: ").strip())
                ready.set()
        ready.set()

    threading.Thread(target=read, daemon=True).start()
    ready.wait(READY_S)
    assert found, "The program did not become ready. It said:\n" + "".join(said)
    return found[0]
