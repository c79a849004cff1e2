"""Progress on stderr: one row a running run, or a line a run where nobody looks at a terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from comfyui_bridge.core.run import Run, RunState


class Rows:
    """The rows of a command's runs."""

    def __init__(self, *, overall: int | None = None) -> None:
        """With `overall`, a last row counts so many runs."""
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._rows: dict[str, TaskID] = {}
        self._all = self._progress.add_task("All runs", total=overall) if overall is not None else None

    def __enter__(self) -> Rows:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, name: str, run: Run) -> None:
        """Bring a run's row up to date; it goes when the run is over."""
        if run.state.is_final:
            self.drop(run.run_id)
            return
        if run.run_id not in self._rows:
            self._rows[run.run_id] = self._progress.add_task(name, total=1.0)
        words = f"{name}: {_doing(run)}"
        self._progress.update(self._rows[run.run_id], completed=run.progress.overall, description=words)

    def drop(self, run_id: str) -> None:
        row = self._rows.pop(run_id, None)
        if row is not None:
            self._progress.remove_task(row)

    def count(self) -> None:
        """One more run is over."""
        if self._all is not None:
            self._progress.advance(self._all)

    def say(self, line: str) -> None:
        """Print a line above the rows."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _doing(run: Run) -> str:
    if run.state is RunState.PENDING:
        return "queued" if run.ahead is None else f"queued, {run.ahead} before it"
    if run.server_done:
        return "saving"
    node = run.workflow.nodes.get(run.progress.node_id)
    if node is None:
        return "starting"
    if run.progress.maximum > 1:
        return f"{node.name}, step {run.progress.value:.0f} of {run.progress.maximum:.0f}"
    return node.name
