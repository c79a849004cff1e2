"""The real program in a process of its own, a sandbox it drives, and a headless Chromium that looks at it.

One browser, one sandbox and one program serve all tests that a worker runs.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect, sync_playwright

import app
from comfyui_bridge.sandbox.faults import Faults
from comfyui_bridge.sandbox.node import Context, NodeType, Result
from comfyui_bridge.sandbox.nodes import NODE_TYPES
from comfyui_bridge.sandbox.nodes.declare import DeclaredNode
from comfyui_bridge.sandbox.thread import SandboxThread
from tests.browser import create
from tests.faults.processes import free_port
from tests.nursery import Child

ROOT = Path(__file__).resolve().parents[2]
STEP_S = 0.06
SLOW_STEP_S = 0.8
LONG_STEPS = 60
"""As many as the shipped template allows."""
READY_S = 60.0
PATIENCE_MS = 20_000
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "locale": "en-US"}
_FAILED = pytest.StashKey[bool]()
expect.set_options(timeout=PATIENCE_MS)

# Playwright's own list, which the last one given replaces, and what paints an address bar's lists for each
# context, though nobody sees it: half of what a context costs (Chromium 156).
_FEATURES = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
)
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=" + ",".join(_FEATURES),
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


class Loader(DeclaredNode):
    """The sandbox's node that loads a checkpoint, which can be held while it does."""

    def __init__(self, real: NodeType) -> None:
        vars(self).update(vars(real))
        self.door = threading.Event()
        self.door.set()

    def run(self, context: Context, **inputs: Any) -> Result:
        self.door.wait(READY_S)
        return super().run(context, **inputs)


NEVER = 1 << 30


class Sampler(DeclaredNode):
    """The sandbox's sampler, which can be held at a step of its own; whoever stops the run is heard there."""

    def __init__(self, real: NodeType) -> None:
        vars(self).update(vars(real))
        self.held_at = NEVER

    def run(self, context: Context, **inputs: Any) -> Result:
        return super().run(_Steps(context, self), **inputs)


class _Steps:
    """The context of a sampler that may be held; all but its progress is the context's own."""

    def __init__(self, context: Context, sampler: Sampler) -> None:
        self._context, self._sampler = context, sampler

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def progress(self, value: int, maximum: int, preview: Image.Image | None = None) -> None:
        self._context.progress(value, maximum, preview)
        while value >= self._sampler.held_at:
            self._context.pace(0.02)


def nodes_with(*ours: NodeType) -> dict[str, NodeType]:
    return {**NODE_TYPES, **{one.class_type: one for one in ours}}


@dataclass(frozen=True)
class Server:
    """The sandbox that the shared program drives, and the faults to switch on in it."""

    thread: SandboxThread
    faults: Faults
    loader: Loader
    sampler: Sampler

    @property
    def url(self) -> str:
        return self.thread.url

    def unload(self) -> None:
        """No model is loaded, and nothing in the cache."""
        body = json.dumps({"unload_models": True, "free_memory": True}).encode()
        urlopen(Request(f"{self.url}/free", body, {"Content-Type": "application/json"})).close()

    def hold(self) -> None:
        """The next run gets no further than its model, which it loads until `let_go`."""
        self.unload()
        self.loader.door.clear()

    def hold_at(self, step: int) -> None:
        """A run that comes to this step stays there until `let_go`, or until it is stopped."""
        self.sampler.held_at = step

    def let_go(self) -> None:
        self.loader.door.set()
        self.sampler.held_at = NEVER


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
    faults, loader = Faults(), Loader(NODE_TYPES["CheckpointLoaderSimple"])
    sampler = Sampler(NODE_TYPES["KSampler"])
    with SandboxThread(nodes_with(loader, sampler), step_seconds=STEP_S, faults=faults) as thread:
        yield Server(thread, faults, loader, sampler)


class Reader(threading.Thread):
    """Reads what a program says, however long an output, and finds the line `Ready: URL`."""

    def __init__(self, child: Child) -> None:
        super().__init__(daemon=True)
        self._child = child
        self._said: list[str] = []
        self._url = ""
        self._ready = threading.Event()
        self.start()

    def run(self) -> None:
        for line in self._child.stdout:
            self._said.append(line)
            if line.startswith("Ready: "):
                self._url = line.removeprefix("Ready: ").strip()
                self._ready.set()
        self._ready.set()

    def url(self) -> str:
        self._ready.wait(READY_S)
        assert self._url, "The program did not become ready. It said:\n" + "".join(self._said)
        return self._url


@contextmanager
def _starting() -> Iterator[Callable[..., Program]]:
    """Start the program with these arguments; all are stopped at the end."""
    running: list[tuple[Child, Reader]] = []
    with tempfile.TemporaryDirectory(prefix="bridge-browser-") as root:

        def start_(*arguments: str, workflows: Path | None = None) -> Program:
            folder = Path(root) / str(len(running))
            library, data = folder / "workflows", folder / "data"
            shutil.copytree(workflows or ROOT / "workflows", library)
            told = ["--port", "0", "--data", str(data), "--workflows", str(library), *arguments]
            child = Child(app.main, argv=told, joins=True)
            reader = Reader(child)
            running.append((child, reader))
            return Program(reader.url(), library, data)

        yield start_
        for child, _ in running:
            child.send(signal.SIGTERM)
        for child, reader in running:
            child.ended(10)
            reader.join()
            child.close()


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., Program]]:
    """Start the program with these arguments; all are stopped with the module."""
    with _starting() as start_:
        yield start_


@pytest.fixture(scope="package")
def program(server: Server) -> Iterator[Program]:
    """The shipped templates on the shared sandbox."""
    with _starting() as start_:
        yield start_("--server", server.url)


class Restartable:
    """A slow sandbox that can be stopped, and started again at its address.

    A long run goes on until it is stopped, however slow the machine: it stays at the step before its last.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.sampler = Sampler(NODE_TYPES["KSampler"])
        self.let_go()
        self.start()

    def stop(self) -> None:
        self._thread.stop()

    def start(self) -> None:
        self._thread = SandboxThread(
            nodes_with(self.sampler),
            step_seconds=SLOW_STEP_S,
            directory=self._directory,
            port=self._port,
        ).start()

    def hold_at(self, step: int) -> None:
        self.sampler.held_at = step

    def let_go(self) -> None:
        self.sampler.held_at = LONG_STEPS - 1


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Restartable, Restartable]]:
    """Two slow sandboxes: there is time to look while they work."""
    both = (Restartable(tmp_path_factory.mktemp("one")), Restartable(tmp_path_factory.mktemp("two")))
    yield both
    for one in both:
        one.stop()


@pytest.fixture(scope="module")
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
        page = _listened_to(context_of(**{**DESK, **options}).new_page(), problems)
        pages.append(page)
        page.goto(url)
        return page

    yield visit_
    for page in pages:
        page.close()
    assert not problems, problems


@dataclass
class Kept:
    """Pages that stay open while a module's tests go on, by address, and what they reported as errors."""

    pages: dict[str, Page] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def close(self) -> None:
        for page in self.pages.values():
            page.close()
        self.pages.clear()


@pytest.fixture(scope="module")
def _kept() -> Iterator[Kept]:
    kept = Kept()
    yield kept
    kept.close()


@pytest.fixture
def stay(
    context_of: Callable[..., BrowserContext], _kept: Kept, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Page]]:
    """The page at an address, opened once for a module: to load it takes longer than most tests.

    What an earlier test left on it is there: see `create.fill` and `create.run`. One that failed leaves none.
    """

    def stay_(url: str) -> Page:
        if url not in _kept.pages:
            page = _listened_to(context_of(**DESK).new_page(), _kept.problems)
            page.goto(url)
            _kept.pages[url] = page
        return _kept.pages[url]

    yield stay_
    problems = _kept.problems.copy()
    _kept.problems.clear()
    if problems or request.node.stash.get(_FAILED, False):
        _kept.close()
    assert not problems, problems


@pytest.fixture
def page(stay: Callable[[str], Page], program: Program) -> Page:
    """The page of the shared program at its first tab; it stays open."""
    opened = stay(program.url)
    opened.evaluate("for (const box of document.querySelectorAll('dialog[open]')) box.close()")
    opened.get_by_role("tab").first.click()
    create.form_of(opened)
    return opened


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment, misc]
    if report.failed:
        item.stash[_FAILED] = True
    return report  # type: ignore[return-value]


def _listened_to(page: Page, problems: list[str]) -> Page:
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.extend(_error_of(message)))
    return page


@pytest.fixture(autouse=True)
def _no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "server" in request.fixturenames:
        server = request.getfixturevalue("server")
        server.faults.reset()
        server.let_go()


def _error_of(message: ConsoleMessage) -> list[str]:
    # Gradio's own script complains when a page is left while it waits for an answer.
    is_leaving = "AbortError" in message.text or "Connection errored out" in message.text
    # The browser notes it when a file is refused, of which the page tells at its field.
    is_refused = "status of 415" in message.text
    return [message.text] if message.type == "error" and not is_leaving and not is_refused else []
