"""Runs in the engine, on a real server over real sockets, with nobody watching."""

from __future__ import annotations

import time
from io import BytesIO
from urllib.request import urlopen

import pytest
from PIL import Image

from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.core import template
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.run import Fault, RunState
from comfyui_bridge.core.values import FileValue
from comfyui_bridge.engine.engine import Engine
from comfyui_bridge.engine.pool import ServerState
from comfyui_bridge.sandbox.thread import SandboxThread
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore
from tests.fakes.new_database import laid

DEADLINE = 20.0

TXT2IMG = template.parse(
    "txt2img",
    {
        "4": {
            "class_type": "CheckpointLoaderSimple",
            "inputs": {"ckpt_name": "sandbox-painter-v1.safetensors"},
        },
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lake", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}},
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "seed": 1,
                "steps": 4,
                "cfg": 7.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
                "model": ["4", 0],
                "positive": ["6", 0],
                "negative": ["7", 0],
                "latent_image": ["5", 0],
            },
        },
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "engine", "images": ["8", 0]}},
    },
)
INVERT = template.parse(
    "invert",
    {
        "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"filename_prefix": "inverted", "images": ["2", 0]}},
    },
)


@pytest.fixture(scope="module")
def sandbox():
    with SandboxThread(step_seconds=0.02) as running:
        yield running


@pytest.fixture
def slow_sandbox():
    with SandboxThread(step_seconds=0.2) as running:
        yield running


class House:
    """An engine with its store in one folder, which can be left and entered again."""

    def __init__(self, folder, *urls):
        self.folder = folder
        self.urls = urls
        self.enter()

    def enter(self):
        self.database = laid(self.folder)
        self.media = MediaStore(self.folder)
        self.runs = RunStore(self.database)
        self.engine = Engine([ComfyServer(url) for url in self.urls], self.runs, self.media)
        self.engine.start()

    def leave(self):
        self.engine.stop()
        self.database.close()

    def until(self, run_id, claim):
        """The run once `claim` holds of it."""
        deadline = time.monotonic() + DEADLINE
        snapshot = self.engine.snapshot(run_id)
        while not claim(snapshot.run):
            left = deadline - time.monotonic()
            assert left > 0, f"still {snapshot.run.state} after {DEADLINE} s: {snapshot.run}"
            snapshot = self.engine.wait(run_id, snapshot.version, left) or self.engine.snapshot(run_id)
        return snapshot.run

    def done(self, run_id):
        return self.until(run_id, lambda run: run.state.is_final)

    def ready(self):
        deadline = time.monotonic() + DEADLINE
        while not len(self.engine.node_defs()):
            assert time.monotonic() < deadline, self.engine.servers()


@pytest.fixture
def house(tmp_path, sandbox):
    made = House(tmp_path, sandbox.url)
    yield made
    made.leave()


def steps(count):
    return {"3.steps": count}


def test_a_run_ends_with_its_files_kept_byte_for_byte(house, sandbox):
    run = house.done(house.engine.submit(TXT2IMG, {"seed": 11}, "ann"))
    assert run.state is RunState.COMPLETED, run.error
    (kept,) = run.kept
    source = kept.source
    with urlopen(
        f"{sandbox.url}/view?filename={source.filename}&subfolder={source.subfolder}&type={source.type}"
    ) as answer:
        original = answer.read()
    assert house.media.path(run.run_id, kept.name).read_bytes() == original
    assert kept.size == len(original)
    stored = house.runs.get(run.run_id)
    assert (stored.state, stored.kept, stored.owner) == (RunState.COMPLETED, run.kept, "ann")
    assert stored.workflow.to_api()["3"]["inputs"]["seed"] == 11


def test_followers_see_progress_that_never_falls_and_previews(house):
    run_id = house.engine.submit(TXT2IMG, {"seed": 12, "steps": 8})
    seen, version = [], -1
    while not seen or not seen[-1].state.is_final:
        snapshot = house.engine.wait(run_id, version, DEADLINE)
        assert snapshot is not None
        version = snapshot.version
        seen.append(snapshot.run)
    shares = [run.progress.overall for run in seen]
    assert shares == sorted(shares)
    assert any(0.1 < share < 0.9 for share in shares)
    preview = house.engine.preview(run_id)
    assert preview.image.startswith(b"\xff\xd8")
    assert house.engine.wait_preview(run_id, preview.version, DEADLINE) is None  # the run is over


def test_a_random_seed_is_resolved_stored_and_sent(house):
    run = house.done(house.engine.submit(TXT2IMG, {"seed": "random", **steps(1)}))
    seed = run.values["seed"]
    assert isinstance(seed, int)
    assert run.workflow.node("3").inputs["seed"] == seed


def test_a_wrong_value_is_told_and_nothing_is_stored(house):
    house.ready()
    with pytest.raises(InvalidValues) as caught:
        house.engine.submit(TXT2IMG, {"steps": 0})
    assert "too small" in caught.value.problems["steps"]
    assert house.engine.runs() == ()


def test_an_uploaded_picture_goes_in_under_the_servers_name(house):
    picture = BytesIO()
    Image.new("RGB", (8, 8), (200, 30, 30)).save(picture, "PNG")
    key = house.media.keep_upload(BytesIO(picture.getvalue()), "mine 猫.png")
    run = house.done(house.engine.submit(INVERT, {"image": FileValue(key, "mine 猫.png")}))
    assert run.state is RunState.COMPLETED, run.error
    assert run.workflow.node("1").inputs["image"] == "mine 猫.png"


def test_a_run_the_server_refuses_says_what_the_server_said(house):
    run = house.done(
        house.engine.submit(
            TXT2IMG, {"5.width": 64, "checkpoint": "sandbox-painter-v1.safetensors", **steps(1)}
        )
    )
    assert run.state is RunState.COMPLETED
    broken = template.parse("broken", {**TXT2IMG.document, "9": {"class_type": "NoSuchNode", "inputs": {}}})
    refused = house.done(house.engine.submit(broken, {}))
    assert refused.error.fault is Fault.REFUSED
    assert "NoSuchNode" in refused.error.message


def test_a_running_run_is_stopped_and_the_next_goes_on(tmp_path, slow_sandbox):
    house = House(tmp_path, slow_sandbox.url)
    first = house.engine.submit(TXT2IMG, {"seed": 1, "steps": 100})
    second = house.engine.submit(TXT2IMG, {"seed": 2, "steps": 1})
    house.until(first, lambda run: run.progress.value >= 1)
    house.engine.cancel(first)
    assert house.done(first).state is RunState.CANCELLED
    assert house.done(second).state is RunState.COMPLETED
    house.leave()


def test_waiting_runs_are_cancelled_inside_the_server_and_with_us(tmp_path, slow_sandbox):
    house = House(tmp_path, slow_sandbox.url)
    running, inside, with_us = (house.engine.submit(TXT2IMG, {"seed": n, "steps": 60}) for n in range(3))
    house.until(running, lambda run: run.progress.value >= 1)
    house.until(inside, lambda run: run.accepted_at is not None)
    assert house.until(with_us, lambda run: run.ahead == 2).server == ""
    house.engine.cancel(with_us)
    house.engine.cancel(inside)
    assert house.done(with_us).state is RunState.CANCELLED
    assert house.done(inside).state is RunState.CANCELLED
    assert house.engine.snapshot(running).run.state is RunState.IN_PROGRESS
    house.engine.cancel(running)
    assert house.done(running).state is RunState.CANCELLED
    house.leave()


def test_people_take_turns_not_submissions(tmp_path, slow_sandbox):
    house = House(tmp_path, slow_sandbox.url)
    running = house.engine.submit(TXT2IMG, {"seed": 0, "steps": 100}, "ann")
    house.until(running, lambda run: run.progress.value >= 1)
    inside, *waiting = (house.engine.submit(TXT2IMG, {"seed": n, "steps": 1}, "ann") for n in range(1, 5))
    house.until(inside, lambda run: run.accepted_at is not None)
    single = house.engine.submit(TXT2IMG, {"seed": 99, "steps": 1}, "bob")
    house.engine.cancel(running)
    started = house.done(single).started_at
    # Only what was inside the server already goes before Bob's one picture.
    assert all(house.done(run_id).started_at > started for run_id in waiting)
    house.leave()


def test_a_program_that_starts_again_takes_up_its_runs(tmp_path, slow_sandbox):
    house = House(tmp_path, slow_sandbox.url)
    running, inside, with_us = (house.engine.submit(TXT2IMG, {"seed": n, "steps": 5}) for n in range(3))
    house.until(running, lambda run: run.progress.value >= 1)
    house.until(inside, lambda run: run.accepted_at is not None)
    house.leave()
    house.enter()
    for run_id in (running, inside, with_us):
        run = house.done(run_id)
        assert run.state is RunState.COMPLETED, run.error
        assert len(run.kept) == 1
    house.leave()


def test_a_server_that_was_restarted_has_lost_its_run_and_says_so(tmp_path):
    files = tmp_path / "server"
    files.mkdir()
    first = SandboxThread(step_seconds=0.2, directory=files).start()
    house = House(tmp_path / "data", first.url)
    run_id = house.engine.submit(TXT2IMG, {"steps": 100})
    house.until(run_id, lambda run: run.progress.value >= 1)
    first.stop()
    with SandboxThread(directory=files, port=first.port):
        run = house.done(run_id)
        assert run.error.fault is Fault.LOST
        assert "Run it again" in run.error.message
        assert house.done(house.engine.submit(TXT2IMG, steps(1))).state is RunState.COMPLETED
    house.leave()


def test_a_server_that_is_away_is_said_to_be_and_runs_wait_for_it(tmp_path):
    files = tmp_path / "server"
    files.mkdir()
    with SandboxThread(directory=files) as once:
        port = once.port
    house = House(tmp_path / "data", f"http://127.0.0.1:{port}")
    run_id = house.engine.submit(TXT2IMG, steps(1))
    deadline = time.monotonic() + DEADLINE
    while house.engine.servers()[0].state is not ServerState.AWAY:
        assert time.monotonic() < deadline
    assert str(port) in house.engine.servers()[0].error
    assert house.engine.snapshot(run_id).run.state is RunState.PENDING
    with SandboxThread(directory=files, port=port):
        assert house.done(run_id).state is RunState.COMPLETED
        assert house.engine.servers()[0].state is ServerState.READY
    house.leave()


def test_two_servers_share_the_work(tmp_path, slow_sandbox):
    with SandboxThread(step_seconds=0.2) as other:
        house = House(tmp_path, slow_sandbox.url, other.url)
        deadline = time.monotonic() + DEADLINE
        while any(s.state is not ServerState.READY for s in house.engine.servers()):
            assert time.monotonic() < deadline
        runs = [house.done(house.engine.submit(TXT2IMG, {"seed": n, "steps": 1})) for n in range(2)]
        pair = [house.engine.submit(TXT2IMG, {"seed": n, "steps": 4}) for n in range(10, 12)]
        assert all(run.state is RunState.COMPLETED for run in runs)
        assert len({house.done(run_id).server for run_id in pair}) == 2
        house.leave()


def test_runs_are_listed_newest_first_with_their_live_state(house):
    ids = [house.engine.submit(TXT2IMG, {"seed": n, **steps(1)}, "ann") for n in range(3)]
    for run_id in ids:
        house.done(run_id)
    listed = house.engine.runs(owner="ann")
    assert [run.run_id for run in listed] == ids[::-1]
    assert {run.state for run in listed} == {RunState.COMPLETED}
    newest = house.engine.page("ann", limit=1)
    assert [run.run_id for run in newest.runs] == ids[2:]
    assert [run.run_id for run in house.engine.page("ann", before=newest.next).runs] == ids[1::-1]
    assert house.engine.runs(owner="bob") == ()
