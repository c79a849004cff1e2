"""Following runs to their truthful end, on the scripted server: no socket, no waiting for real."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from comfyui_bridge.core import workflow
from comfyui_bridge.core.errors import Lost, Rejected, Unreachable
from comfyui_bridge.core.events import (
    Event,
    NodeStarted,
    PreviewReady,
    ProgressMade,
    RunAccepted,
    RunCollected,
    RunEnded,
    RunLost,
    RunQueued,
    RunRemoved,
    RunStarted,
    RunSucceeded,
)
from comfyui_bridge.core.run import Fault, Run, RunState
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.engine.follow import Follower, Timing
from tests.fakes.fake_server import FakeServer

DEADLINE = 20.0
SWIFT = Timing(
    silence=0.05, orphan=0.02, settle=0.01, absent=0.02, unwritten=0.1, give_up=0.3, retry=(0.01, 0.02)
)


def graph(*classes: str, color: int = 0) -> Workflow:
    nodes = {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": color},
        }
    }
    for place, class_type in enumerate(classes, start=2):
        nodes[str(place)] = {"class_type": class_type, "inputs": {"image": [str(place - 1), 0]}}
    saved = {"images": [str(len(nodes)), 0], "filename_prefix": "a"}
    nodes["9"] = {"class_type": "SaveImage", "inputs": saved}
    return workflow.parse(nodes)


QUICK, HELD, BROKEN = graph("ImageInvert"), graph("Hold"), graph("Raise")


@dataclass
class Watcher:
    """What a follower told of one run."""

    run: Run
    events: list[Event] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    is_over: bool = False

    def told(self, run: Run, event: Event, over: bool) -> None:
        with self.changed:
            assert not self.is_over, "told after the end"
            self.run = run
            self.events.append(event)
            self.is_over = over
            self.changed.notify_all()

    def until(self, what: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE
        with self.changed:
            while not what():
                assert time.monotonic() < deadline, f"never happened; {self.run.state}, {self.events}"
                self.changed.wait(0.01)  # some of what is waited for notifies nobody

    def until_over(self) -> Run:
        self.until(lambda: self.is_over)
        return self.run

    def until_running(self) -> None:
        self.until(lambda: self.run.state is RunState.IN_PROGRESS)

    def has(self, kind: type) -> bool:
        return any(isinstance(event, kind) for event in self.events)


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def follower(server: FakeServer) -> Iterator[Follower]:
    opened = Follower(server, timing=SWIFT)
    yield opened
    opened.close()


def submit(follower: Follower, graph: Workflow) -> Watcher:
    run = Run(uuid.uuid4().hex, str(uuid.uuid4()), graph, created_at=0.0)
    watcher = Watcher(run)
    follower.submit(run, watcher.told)
    return watcher


def test_a_run_is_followed_to_its_collected_end(server: FakeServer, follower: Follower) -> None:
    watcher = submit(follower, QUICK)
    run = watcher.until_over()
    assert run.state is RunState.COMPLETED
    assert [file.filename for file in run.files] == ["a_00001_.png"]
    assert isinstance(watcher.events[-1], RunCollected)
    assert run.server == server.name
    assert follower.inside == 0


def test_a_node_that_raises_fails_the_run_in_its_words(follower: Follower) -> None:
    run = submit(follower, BROKEN).until_over()
    assert run.state is RunState.FAILED
    assert run.error is not None
    assert (run.error.fault, run.error.node_id, run.error.message) == (Fault.NODE, "2", "Raise: It broke.")


def test_what_the_server_refuses_is_not_followed(follower: Follower) -> None:
    with pytest.raises(Rejected):
        submit(follower, graph("NoSuchNode"))
    assert follower.inside == 0


def test_a_server_out_of_reach_is_told_at_once(server: FakeServer, follower: Follower) -> None:
    server.go_away()
    with pytest.raises(Unreachable):
        submit(follower, QUICK)
    server.come_back()
    assert submit(follower, QUICK).until_over().state is RunState.COMPLETED


def test_a_socket_lost_while_it_runs_is_opened_again_under_its_id(
    server: FakeServer, follower: Follower
) -> None:
    watcher = submit(follower, HELD)
    watcher.until_running()
    server.drop_sockets()
    looks = server.looks
    watcher.until(lambda: server.looks > looks)
    server.send(ProgressMade(watcher.run.prompt_id, "2", 3, 4), follower._connect().client_id)
    watcher.until(lambda: watcher.run.progress.value == 3)
    server.let_go()
    assert watcher.until_over().state is RunState.COMPLETED


def test_a_socket_that_breaks_before_the_submission_is_opened_again(server: FakeServer) -> None:
    # Which thread comes first is chance: it was the wrong one once in a dozen times.
    for color in range(60):
        follower = Follower(server, timing=SWIFT)
        server.stillborn_sockets = 1
        assert submit(follower, graph("ImageInvert", color=color)).until_over().state is RunState.COMPLETED
        follower.close()


def test_a_run_that_ended_while_the_socket_was_away(server: FakeServer, follower: Follower) -> None:
    watcher = submit(follower, HELD)
    watcher.until_running()
    server.go_away()
    server.let_go()
    server.come_back()
    assert watcher.until_over().state is RunState.COMPLETED
    assert not watcher.has(RunEnded)


def test_what_came_while_a_question_took_long_is_told_before_the_end(
    server: FakeServer, follower: Follower
) -> None:
    watcher = submit(follower, HELD)
    watcher.until_running()
    server.hang()
    watcher.until(lambda: server.is_asked)
    server.let_go()
    server.go_on()
    assert watcher.until_over().state is RunState.COMPLETED
    assert [event.node_id for event in watcher.events if isinstance(event, NodeStarted)] == ["1", "2", "9"]


def test_a_socket_that_hears_nothing_does_not_hide_the_end(server: FakeServer, follower: Follower) -> None:
    server.silent = True
    assert submit(follower, QUICK).until_over().state is RunState.COMPLETED


def test_a_socket_the_server_has_forgotten_is_replaced_by_one_under_a_fresh_id(
    server: FakeServer, follower: Follower
) -> None:
    server.silent = True
    watcher = submit(follower, QUICK)
    deaf = follower._connect().client_id
    watcher.until_over()
    server.silent = False
    second = submit(follower, graph("ImageInvert", color=2))
    second.until_over()
    assert second.has(RunEnded)
    assert follower._connect().client_id != deaf


def test_long_silence_of_a_running_prompt_is_no_alarm(server: FakeServer, follower: Follower) -> None:
    watcher = submit(follower, HELD)
    watcher.until_running()
    first = server.looks
    watcher.until(lambda: server.looks > first + 10)
    assert watcher.run.state is RunState.IN_PROGRESS
    server.let_go()
    assert watcher.until_over().state is RunState.COMPLETED


def test_history_that_is_written_late_is_waited_for(server: FakeServer, follower: Follower) -> None:
    server.late_history = 3
    run = submit(follower, QUICK).until_over()
    assert run.state is RunState.COMPLETED
    assert len(run.files) == 1


def test_a_history_somebody_cleared_leaves_what_the_socket_told(
    server: FakeServer, follower: Follower
) -> None:
    server.late_history = 10**6
    run = submit(follower, QUICK).until_over()
    assert run.state is RunState.COMPLETED
    assert [file.filename for file in run.files] == ["a_00001_.png"]


def test_a_restarted_server_has_lost_the_run_and_it_says_so(server: FakeServer, follower: Follower) -> None:
    watcher = submit(follower, HELD)
    watcher.until_running()
    server.restart()
    run = watcher.until_over()
    assert run.state is RunState.FAILED
    assert run.error is not None
    assert run.error.fault is Fault.LOST
    assert "restarted" in run.error.message


def test_a_server_that_stays_away_is_given_up(server: FakeServer, follower: Follower) -> None:
    watcher = submit(follower, HELD)
    watcher.until_running()
    server.go_away()
    run = watcher.until_over()
    assert run.error is not None
    assert run.error.fault is Fault.LOST
    assert "Nothing answers" in run.error.message


def test_a_lost_answer_of_a_server_that_cannot_be_asked_is_followed_all_the_same(
    server: FakeServer, follower: Follower
) -> None:
    server.lost_answers = 1
    watcher = submit(follower, QUICK)
    assert watcher.until_over().state is RunState.COMPLETED
    assert len(server.submissions) == 1


def test_a_lost_request_is_not_sent_again(server: FakeServer, follower: Follower) -> None:
    server.lost_requests = 1
    with pytest.raises(Lost):
        submit(follower, QUICK)
    assert server.submissions == []
    assert follower.inside == 0


def test_a_server_that_mints_ids_is_followed_by_its_own(server: FakeServer, follower: Follower) -> None:
    server.mints_ids = True
    watcher = submit(follower, HELD)
    watcher.until_running()
    assert watcher.run.prompt_id not in server.submissions
    server.let_go()
    assert watcher.until_over().state is RunState.COMPLETED


def test_a_running_one_is_cancelled(server: FakeServer, follower: Follower) -> None:
    watcher = submit(follower, HELD)
    watcher.until_running()
    follower.cancel(watcher.run.prompt_id)
    assert watcher.until_over().state is RunState.CANCELLED


def test_a_pending_one_is_cancelled_and_the_running_one_goes_on(
    server: FakeServer, follower: Follower
) -> None:
    running, pending = submit(follower, HELD), submit(follower, QUICK)
    running.until_running()
    pending.until(lambda: pending.has(RunQueued))
    follower.cancel(pending.run.prompt_id)
    assert pending.until_over().state is RunState.CANCELLED
    assert pending.has(RunRemoved)
    server.let_go()
    assert running.until_over().state is RunState.COMPLETED


def test_a_cancel_that_did_not_reach_the_server_is_made_up_for(
    server: FakeServer, follower: Follower
) -> None:
    watcher = submit(follower, HELD)
    watcher.until_running()
    server.go_away()
    with pytest.raises(Unreachable):
        follower.cancel(watcher.run.prompt_id)
    server.come_back()
    assert watcher.until_over().state is RunState.CANCELLED


def test_a_pending_one_that_somebody_else_removed_is_cancelled(
    server: FakeServer, follower: Follower
) -> None:
    running, pending = submit(follower, HELD), submit(follower, QUICK)
    running.until_running()
    server.remove(pending.run.prompt_id)
    assert pending.until_over().state is RunState.CANCELLED
    server.let_go()
    running.until_over()


def test_doubled_and_late_events_change_nothing(server: FakeServer, follower: Follower) -> None:
    watcher = submit(follower, HELD)
    watcher.until_running()
    client_id = follower._connect().client_id
    prompt_id = watcher.run.prompt_id
    for event in (RunStarted(prompt_id), NodeStarted(prompt_id, "2"), RunStarted(prompt_id)):
        server.send(event, client_id)
    server.send(RunEnded(str(uuid.uuid4())), client_id)
    server.let_go()
    assert watcher.until_over().state is RunState.COMPLETED
    server.send(RunSucceeded(prompt_id), client_id)
    server.send(RunLost(prompt_id, "late"), client_id)
    assert submit(follower, graph("ImageInvert", color=3)).until_over().state is RunState.COMPLETED
    assert watcher.run.state is RunState.COMPLETED


def test_a_preview_without_a_prompt_is_the_running_ones(server: FakeServer, follower: Follower) -> None:
    running, pending = submit(follower, HELD), submit(follower, QUICK)
    running.until_running()
    server.send(PreviewReady(b"x", "image/jpeg"), follower._connect().client_id)
    running.until(lambda: running.has(PreviewReady))
    server.let_go()
    pending.until_over()
    assert not pending.has(PreviewReady)


def test_the_place_in_the_queue_is_told(server: FakeServer, follower: Follower) -> None:
    watchers = [submit(follower, HELD)] + [submit(follower, graph("Hold", color=n)) for n in (1, 2)]
    watchers[2].until(lambda: watchers[2].run.ahead == 2)
    server.let_go()
    watchers[2].until(lambda: watchers[2].run.ahead == 1)
    for watcher in watchers[1:]:
        watcher.until_running()
        server.let_go()
    assert [watcher.until_over().state for watcher in watchers] == [RunState.COMPLETED] * 3


def test_closing_ends_its_thread_and_leaves_the_server_alone() -> None:
    server = FakeServer("http://going:1")
    follower = Follower(server, timing=SWIFT)
    watcher = submit(follower, HELD)
    watcher.until_running()
    follower.close()
    assert not any(thread.name == "follower http://going:1" for thread in threading.enumerate())
    assert watcher.run.prompt_id in server.queue()
    with pytest.raises(Unreachable):
        submit(follower, QUICK)


def test_acceptance_is_told_before_the_end(follower: Follower) -> None:
    watcher = submit(follower, QUICK)
    watcher.until_over()
    assert watcher.has(RunAccepted)
    assert watcher.run.accepted_at is not None
    assert watcher.run.created_at <= time.time()


def test_a_run_that_is_heard_of_before_its_answer_is_accepted_once(follower: Follower) -> None:
    # The scripted server runs it before it answers the submission.
    watcher = submit(follower, QUICK)
    watcher.until_over()
    kinds = [type(event) for event in watcher.events]
    assert kinds[:2] == [RunAccepted, RunStarted]
    assert kinds.count(RunAccepted) == 1


@dataclass
class Listener:
    """What a follower told of a server."""

    told: list[tuple[object, ...]] = field(default_factory=list)

    def linked(self) -> None:
        self.told.append(("linked",))

    def parted(self, why: str, has_ended: bool) -> None:
        self.told.append(("parted", has_ended))

    def queue_changed(self, remaining: int) -> None:
        pass

    def queue_seen(self, remaining: int, others: int) -> None:
        self.told.append(("seen", remaining, others))

    def found(self, prompt_id: str, is_running: bool) -> None:
        self.told.append(("found", prompt_id, is_running))

    def vanished(self, prompt_id: str) -> None:
        self.told.append(("vanished", prompt_id))


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def watched(server: FakeServer, listener: Listener) -> Iterator[Follower]:
    opened = Follower(server, timing=replace(SWIFT, disowned=0.05), watch=listener)
    yield opened
    opened.close()


def test_what_is_taken_back_is_not_begun(server: FakeServer, watched: Follower) -> None:
    running, pending = submit(watched, HELD), submit(watched, QUICK)
    running.until_running()
    pending.until(lambda: pending.has(RunQueued))
    assert watched.take_back(running.run.prompt_id) is None
    taken = watched.take_back(pending.run.prompt_id)
    assert taken is not None
    assert taken.prompt_id == pending.run.prompt_id
    watched.disown(taken.prompt_id)
    running.until(lambda: taken.prompt_id not in server.queue_now())
    server.let_go()
    running.until_over()
    assert server.begun == [running.run.prompt_id]
    assert not pending.is_over


def test_a_run_of_an_earlier_life_is_not_taken_back_for_its_events_reach_nobody(
    server: FakeServer, watched: Follower
) -> None:
    server.post(HELD)
    watcher = Watcher(Run("r", str(uuid.uuid4()), QUICK, created_at=0.0, server=server.name, accepted_at=1.0))
    server.go_away()
    watched.adopt(watcher.run, watcher.told)
    assert watched.take_back(watcher.run.prompt_id) is None
    server.come_back()
    server.submit(QUICK, watcher.run.prompt_id, "of before")
    watched.open()
    watcher.until(lambda: watcher.has(RunQueued))
    assert watched.take_back(watcher.run.prompt_id) is None


def test_what_was_disowned_and_is_found_is_told(
    server: FakeServer, watched: Follower, listener: Listener
) -> None:
    watcher = Watcher(Run("r", "", QUICK, created_at=0.0))
    running = server.post(HELD)
    watched.disown(running)
    watched.open()
    watcher.until(lambda: ("found", running, True) in listener.told)
    nobody_knows = str(uuid.uuid4())
    watched.disown(nobody_knows)
    colors = itertools.count()

    def has_vanished() -> bool:
        server.post(graph("ImageInvert", color=next(colors)))  # it looks when the queue changes
        return ("vanished", nobody_knows) in listener.told

    watcher.until(has_vanished)
    assert ("seen", 1, 1) in listener.told


def test_a_server_that_has_ended_is_told_from_one_that_is_out_of_reach(
    server: FakeServer, watched: Follower, listener: Listener
) -> None:
    watcher = Watcher(Run("r", "", QUICK, created_at=0.0))
    watched.open()
    watcher.until(lambda: ("linked",) in listener.told)
    server.go_away()
    watcher.until(lambda: ("parted", False) in listener.told)
    server.lose_the_way()
    watcher.until(lambda: ("parted", True) in listener.told)


def test_a_run_stopped_while_it_is_sent_is_stopped_once_it_is_there(
    server: FakeServer, follower: Follower
) -> None:
    run = Run(uuid.uuid4().hex, str(uuid.uuid4()), HELD, created_at=0.0)
    watcher = Watcher(run)
    follower._connect()
    server.hang()
    sending = threading.Thread(target=follower.submit, args=(run, watcher.told))
    sending.start()
    watcher.until(lambda: follower.inside == 1)
    follower.cancel(run.prompt_id)
    assert watcher.run.stopping
    server.go_on()
    sending.join(DEADLINE)
    assert watcher.until_over().state is RunState.CANCELLED
    assert server.queue_now() == ()
