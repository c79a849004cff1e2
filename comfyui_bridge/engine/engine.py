"""What a page or a command may ask: submit, cancel, look, wait, stop.

Runs belong to the engine. It is started once by whoever wires the program; a page that closes changes
nothing here.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from comfyui_bridge.core import activity, remix
from comfyui_bridge.core import form as form_
from comfyui_bridge.core import values as values_
from comfyui_bridge.core.activity import Activity
from comfyui_bridge.core.errors import InvalidValues, QueueFull, StoreError, WorkflowError
from comfyui_bridge.core.estimate import Estimate
from comfyui_bridge.core.events import RunLost, RunRemoved, RunReturned
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.run import Run, apply
from comfyui_bridge.core.template import Template
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.engine.assessor import Assessor, Found
from comfyui_bridge.engine.follow import Timing
from comfyui_bridge.engine.forecast import Forecast, Outlook
from comfyui_bridge.engine.live import Live, Preview, Snapshot
from comfyui_bridge.engine.made import Made
from comfyui_bridge.engine.pool import Pool, ServerStatus
from comfyui_bridge.engine.ports import Server
from comfyui_bridge.engine.queue import RunQueue
from comfyui_bridge.engine.roster import Connect, Refuse, Roster
from comfyui_bridge.engine.worker import Worker
from comfyui_bridge.engine.workplace import PATIENT, Grace, Workplace
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunPage, RunStore
from comfyui_bridge.store.servers import ServerStore

MAX_WAITING = 500
"""How many runs one person may have waiting."""
GRACE = Grace()
FACTS_S = 10.0
"""What somebody looks at of a server's memory is at most so old, and was asked for when somebody looked."""
FETCHED_LATE_S = 24 * 3600.0
"""What a failed run made is fetched after a start anew if it failed so lately: servers clear up."""
_FORMS_KEPT = 256


@dataclass(frozen=True)
class Prepared:
    """What a run is of: the graph with its values in it, and their JSON."""

    workflow: Workflow
    template: str
    title: str
    values: Mapping[str, Any]

    @cached_property
    def fingerprint(self) -> str:
        return self.workflow.fingerprint()


class Attendant(Protocol):
    """Who looks after the runs of experiments."""

    def told(self, run: Run) -> None:
        """The newest state of a run of an experiment, from its writer; must not block."""

    def replaced(self, run: Run) -> None:
        """What is kept of a run that is over is another now; any run, as any may stand in a cell."""

    def gone(self, run_id: str) -> None:
        """A run is kept no more."""

    def wake(self) -> None:
        """Something about the servers is another now; must not block."""

    def stop_all(self, owner: str) -> None:
        """This owner wants nothing more to begin."""


class Engine:
    """Runs on servers. Every method may be called from any thread."""

    def __init__(
        self,
        servers: Sequence[Server],
        runs: RunStore,
        media: MediaStore,
        *,
        ending_with_us: Sequence[str] = (),
        kept: ServerStore | None = None,
        connect: Connect | None = None,
        refuse: Refuse | None = None,
        max_waiting: int = MAX_WAITING,
        timing: Timing = PATIENT,
        grace: Grace = GRACE,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        draw_seed: Callable[[int, int], int] = random.randint,
    ) -> None:
        """`ending_with_us` names servers that end when this program does, and forget their runs.

        `kept` remembers what is changed about servers here, and `connect` makes one of an address; without
        them nothing is remembered, and none can be added. `refuse` asks an address whether it is one of a
        ComfyUI. `max_waiting` runs of one person may wait.
        """
        self._ending_with_us = frozenset(ending_with_us)
        self._clock = clock
        self._draw_seed = draw_seed
        self._runs = runs
        self._media = media
        self._attendant: Attendant | None = None
        self._live = Live(self._tell)
        self._pool = Pool(clock, self._wake)
        self._queue = RunQueue(self._live.publish, self._pool.inside)
        self._max_waiting = max_waiting
        self._admission = threading.Lock()  # held while a run is counted, written down and queued
        self._monotonic = monotonic
        self._workplace = Workplace(
            self._queue, self._pool, self._live, runs, media, kept, clock, monotonic, timing, grace
        )
        self._roster = Roster(servers, self._pool, self._hire, kept, connect, refuse)
        self._assessor = Assessor(self._pool.definitions)
        self._forecast = Forecast(runs, self._live, self._queue, self._pool, clock, monotonic)
        self._forms = Made(form_.make, _FORMS_KEPT)

    def start(self) -> None:
        """Take up the runs that had not ended when the program last did, and begin."""
        workers = self._roster.workers()
        adopted: dict[str, list[Run]] = {worker.server.name: [] for worker in workers}
        for run in self._runs.unfinished():
            if run.server in self._ending_with_us:
                # Nothing can be doing it any more, so doing it again does nothing twice.
                ending = RunRemoved(run.prompt_id) if run.stopping else RunReturned(run.prompt_id)
                run = apply(run, ending, self._clock())
            if run.state.is_final:
                self._end(run)
            elif not run.server:
                self._queue.put(run)
            elif run.server in adopted:
                adopted[run.server].append(run)
                self._live.publish(run)
            else:
                self._end_for_good(run)
        unfetched = self._runs.unfetched(self._clock() - FETCHED_LATE_S)
        for worker in workers:
            name = worker.server.name
            worker.start(tuple(adopted[name]), tuple(run for run in unfetched if run.server == name))

    def submit(self, template: Template, raw: Mapping[str, Any], owner: str = "") -> str:
        """Check the values and put a run into the queue; its run_id.

        Raises InvalidValues with a sentence for each wrong one, WorkflowError where the template's
        document is no workflow, QueueFull where as many of the owner's wait as may, StoreError where the
        run cannot be written down.
        """
        return self._admit(self._new(self.prepared(template, raw), owner))

    def prepared(self, template: Template, raw: Mapping[str, Any]) -> Prepared:
        """What a run of these values would be. Raises InvalidValues and WorkflowError as `submit` does."""
        form = self.form(template).with_choices(raw)
        values = values_.resolve_seeds(form.inputs, form.check(raw), self._draw_seed)
        return Prepared(form.patched(values), template.slug, template.title, values_.to_json(values))

    def fill(self, prepared: Prepared, owner: str, experiment: str, cell: int, run_id: str) -> None:
        """Put a run of an experiment's cell into the queue, where its turn is behind those of single runs.

        Both the cell and the run are written down, or neither. Raises StoreError.
        """
        run = replace(self._new(prepared, owner), run_id=run_id, experiment=experiment)
        self._make_ready(run)
        self._runs.insert(run, cell)
        self._queue.put(run)
        self._wake()

    def again(self, run: Run, owner: str = "", *, new_seed: bool = False, seeds: Collection[str] = ()) -> str:
        """Put a run into the queue once more, as it was asked for then, whatever became of its template.

        With `new_seed` its seeds are drawn anew and all else stays; `seeds` are keys of values that its
        template is known to have seeds under. Raises InvalidValues where it has no seed, and what `submit`
        does.
        """
        workflow, values = run.original or run.workflow, dict(run.values)
        if new_seed:
            workflow, values = remix.reseeded(workflow, self.node_defs(), values, seeds, self._draw_seed)
        return self._admit(self._new(Prepared(workflow, run.template, run.title, values), owner))

    def _new(self, prepared: Prepared, owner: str) -> Run:
        return Run(
            run_id=uuid.uuid4().hex,
            prompt_id=str(uuid.uuid4()),
            workflow=prepared.workflow,
            created_at=self._clock(),
            template=prepared.template,
            title=prepared.title,
            owner=owner,
            values=prepared.values,
            fingerprint=prepared.fingerprint,
            weights=self._forecast.weights(prepared.template, prepared.workflow),
        )

    def _make_ready(self, run: Run) -> None:
        """What a run needs before it is written down."""
        self._pool.assess((run,))
        self._hold_files(run.workflow)  # before the run names them, lest they go in between

    def _hold_files(self, workflow: Workflow) -> None:
        for file in values_.files(workflow):
            self._media.hold_upload(file.ref)

    def _admit(self, run: Run) -> str:
        self._make_ready(run)
        with self._admission:
            if self._queue.waiting(run.owner) >= self._max_waiting:
                raise QueueFull(
                    f"{self._max_waiting} runs of yours are waiting, which is as many as one person "
                    "may have. Wait for some of them, or stop some."
                )
            self._runs.insert(run)
            self._queue.put(run)
        self._wake()
        return run.run_id

    def hold_files(self, prepared: Prepared) -> None:
        """See that the uploaded files it needs do not go. Raises InvalidValues where one is not there."""
        try:
            self._hold_files(prepared.workflow)
        except StoreError as error:
            raise InvalidValues({"files": str(error)}) from error

    def withdraw(self, run_id: str) -> Run | None:
        """Take a run out of the queue, to be forgotten or put back; None if it does not wait there."""
        return self._queue.remove(run_id)

    def put_back(self, run: Run) -> None:
        """What was withdrawn waits again."""
        self._queue.give_back(run)

    def attend(self, attendant: Attendant) -> None:
        """Tell this one from now on what becomes of the runs of experiments."""
        self._attendant = attendant

    def same(self, prepared: Prepared, owner: str) -> Run | None:
        """The owner's newest completed run of exactly this, if what it made is still here."""
        alike = self._runs.like(prepared.fingerprint, owner)
        return next((run for run in alike if run.kept or run.texts), None)

    def same_as(self, fingerprints: Collection[str], owner: str) -> Mapping[str, Run]:
        """As `same`, of many at once, by fingerprint, and without their workflows."""
        return self._runs.done(fingerprints, owner)

    def able_to_do(self, workflow: Workflow) -> tuple[str, ...]:
        """The servers that can do a workflow by what they last said, whether they are there or not."""
        return self._pool.able_to_do(workflow)

    def alike(self, workflow: Workflow, owner: str) -> Run | None:
        """The owner's newest completed run of exactly this workflow."""
        return next(iter(self._runs.like(workflow.fingerprint(), owner, 1)), None)

    def cancel(self, run_id: str) -> None:
        """Stop a run wherever it is; answers at once, and the run's state follows."""
        snapshot = self._live.snapshot(run_id)
        if snapshot is None or snapshot.run.state.is_final:
            return
        waiting = self._queue.withdraw(run_id)
        if waiting is not None:
            self._remove(waiting)
            return
        for worker in self._roster.workers():
            worker.cancel(run_id)

    def cancel_all(self, owner: str, server: str | None = None) -> int:
        """Stop all of this owner's runs, or those inside one server; how many that are.

        All of them is the owner's experiments too: those that go on are paused.
        """
        if server is None and self._attendant is not None:
            self._attendant.stop_all(owner)
        runs = [run for run in self.queue(owner) if server in (None, run.server)]
        for run in reversed(runs):  # the waiting ones first, lest one begins as another is stopped
            self.cancel(run.run_id)
        return len(runs)

    def move(self, run_id: str, place: int) -> None:
        """Put a waiting run at this place among its owner's waiting ones, 0 first."""
        self._queue.move(run_id, place)

    def snapshot(self, run_id: str) -> Snapshot | None:
        """The run now, live or stored; None for an id nobody knows."""
        snapshot = self._live.snapshot(run_id)
        if snapshot is not None:
            return snapshot
        run = self._runs.get(run_id)
        return Snapshot(run) if run else None

    def wait(self, run_id: str, newer_than: int, timeout: float) -> Snapshot | None:
        """The snapshot once its version is above `newer_than`; None after `timeout` seconds."""
        return self._live.wait(run_id, newer_than, timeout)

    def preview(self, run_id: str) -> Preview | None:
        """The newest in-between picture of a run."""
        return self._live.preview(run_id)

    def wait_preview(self, run_id: str, newer_than: int, timeout: float) -> Preview | None:
        """The preview once there is a newer one; None after `timeout`, or once the run is over."""
        return self._live.wait_preview(run_id, newer_than, timeout)

    def runs(self, owner: str | None = None, limit: int = 50) -> tuple[Run, ...]:
        """The newest runs, newest first, with their live state where they are live."""
        return self.page(owner, limit).runs

    def page(self, owner: str | None = None, limit: int = 50, before: str | None = None) -> RunPage:
        """Runs as `runs`, and where the next page begins. Raises InvalidValues for a wrong `before`."""
        stored = self._runs.page(limit, before=before, owner=owner)
        runs = (live.run if (live := self._live.snapshot(run.run_id)) else run for run in stored.runs)
        return RunPage(tuple(runs), stored.next)

    def replace(self, run: Run) -> None:
        """Show this as the newest state of a run that is over: what is kept of it is another now."""
        self._live.replace(run)
        if self._attendant is not None:
            self._attendant.replaced(run)

    def forget(self, run_id: str) -> None:
        """Let go of a run that is kept no more."""
        self._live.forget(run_id)
        if self._attendant is not None:
            self._attendant.gone(run_id)

    def queue(self, owner: str) -> tuple[Run, ...]:
        """This owner's unfinished runs: running, inside servers, then waiting in the order of their turns."""
        waiting = [run for run in self._queue.order() if run.owner == owner]
        ours = {run.run_id for run in waiting}
        inside = [
            run
            for run in self._live.runs()
            if run.owner == owner and not run.state.is_final and run.run_id not in ours
        ]
        inside.sort(key=lambda run: (run.started_at is None, run.created_at))
        return (*inside, *waiting)

    def estimate(self, run: Run) -> Estimate | None:
        """The seconds until a run ends, or while it waits, until it begins; None where nobody can say."""
        return self._forecast.estimate(run)

    def unchanged(self, template: Template, raw: Mapping[str, Any], owner: str = "") -> Run | None:
        """The owner's completed run that submitting these values would only repeat, with its result.

        None where a seed is to be drawn, and for wrong values, of which `submit` tells.
        """
        try:
            form = self.form(template).with_choices(raw)
            values = form.check(raw)
            if values_.resolve_seeds(form.inputs, values, lambda low, high: low) != values:
                return None
            prepared = Prepared(form.patched(values), template.slug, template.title, {})
        except (InvalidValues, WorkflowError):
            return None
        return self.same(prepared, owner)

    def outlook(self, template: str, samples: Sequence[Workflow], count: int) -> Outlook:
        """What so many runs of a template take, of which these are samples from first to last."""
        return self._forecast.outlook(template, samples, count)

    def activity(self, hours: float = 6.0) -> tuple[Activity, ...]:
        """What the servers did in the last hours, by server and slot of time."""
        now = self._clock()
        return activity.slots(self._runs.ended_since(now - hours * 3600), now, hours)

    def servers(self) -> tuple[ServerStatus, ...]:
        """The servers as they are known now; how much memory is free is asked again if that is old."""
        for name in self._pool.with_old_facts(FACTS_S):
            with suppress(LookupError):  # it was removed just now
                self._roster.worker(name).refresh(only_facts=True)
        return self._pool.statuses()

    def statuses(self) -> tuple[ServerStatus, ...]:
        """The servers as they are known now; nothing is asked."""
        return self._pool.statuses()

    def unwritten(self) -> str:
        """Why runs cannot be written down now; empty while they can."""
        return self._workplace.unwritten.why()

    def server(self, name: str) -> Server:
        """The server of this name, to be asked. Raises LookupError."""
        return self._roster.worker(name).server

    def able(self, run: Run) -> tuple[str, ...]:
        """The servers that can do a waiting run by what they last said, whether they are there or not."""
        return self._pool.able(run)

    def add_server(self, url: str) -> str:
        """Add a server by its address; its name. Raises InvalidValues with a sentence for `url`."""
        return self._roster.add(url)

    def remove_server(self, name: str) -> None:
        """Give a server no more runs, and forget it once those inside are over.

        Runs that wait go elsewhere. Raises LookupError for an unknown name, InvalidValues with a sentence
        for a server that the settings name.
        """
        self._roster.remove(name)

    def pause(self, name: str, paused: bool) -> None:
        """Give a server no new runs, or again; what is inside goes on. Raises LookupError, StoreError."""
        self._roster.pause(name, paused)

    def free(self, name: str) -> None:
        """Have a server unload its models and free its memory. Raises LookupError, ServerError."""
        worker = self._roster.worker(name)
        worker.server.free()
        worker.refresh()

    def refresh(self, name: str | None = None) -> None:
        """Ask a server, or all of them, anew what they are and can do; what is known follows."""
        for worker in self._roster.workers() if name is None else (self._roster.worker(name),):
            worker.refresh()

    def node_defs(self) -> NodeDefs:
        """The definitions forms are made with; empty while no server has answered."""
        return self._pool.node_defs()[0]

    def definitions_version(self) -> int:
        """Changes when `node_defs` may give something new."""
        return self._pool.node_defs()[1]

    def form(self, template: Template) -> Form:
        """The template's form with what the servers know. Raises WorkflowError if there is none."""
        return self._forms.of(template, self.node_defs())

    def readiness(self, template: Template, raw: Mapping[str, Any] | None = None) -> Found:
        """What stands in a template's way on each server that is ready, with these values."""
        return self._assessor.of(template, raw)

    def readiness_known(self, template: Template) -> Found | None:
        """As `readiness`, if that was worked out already."""
        return self._assessor.known(template)

    def assess_more(self, templates: Sequence[Template], seconds: float = 0.05) -> None:
        """Work the readiness of some more templates out, for about so long."""
        self._assessor.go_on(templates, seconds)

    def stop(self, timeout: float = 3.0) -> None:
        """End all threads. What runs inside the servers goes on and is taken up at the next start."""
        self._live.close()
        workers = self._roster.close()
        for worker in workers:
            worker.ask_to_stop()
        deadline = self._monotonic() + timeout
        for worker in workers:
            worker.join(max(0.0, deadline - self._monotonic()))

    def _hire(self, server: Server) -> Worker:
        return Worker(server, self._workplace, left=self._left, doubled=self._doubled)

    def _left(self, name: str) -> None:
        self._roster.left(name)

    def _wake(self) -> None:
        """There may be something to claim."""
        for worker in self._roster.workers():
            worker.wake()
        if self._attendant is not None:
            self._attendant.wake()

    def _tell(self, run: Run) -> None:
        if run.experiment and self._attendant is not None:
            self._attendant.told(run)

    def _doubled(self, run_id: str, sentence: str) -> None:
        """A run began on two servers: say so in the run, whoever writes it now."""
        run = self._runs.get(run_id)
        if run is not None and run.state.is_final:
            self._end(replace(run, warnings=(*run.warnings, sentence)))
            return
        for worker in self._roster.workers():
            worker.note(run_id, sentence)

    def _remove(self, waiting: Run) -> None:
        """End a run that waited with us."""
        try:
            self._end(apply(waiting, RunRemoved(waiting.prompt_id), self._clock()))
        except StoreError:
            self._queue.give_back(waiting)
            raise

    def _end(self, run: Run) -> None:
        self._runs.update(run)
        self._live.publish(run)

    def _end_for_good(self, run: Run) -> None:
        reason = f"It was on the server {run.server}, which is no longer among the servers. Run it again."
        self._end(apply(run, RunLost(run.prompt_id, reason), self._clock()))
