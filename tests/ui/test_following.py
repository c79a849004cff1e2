"""What a page is told of its runs, and when nothing is left to tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.ui import following, present, queue_panel
from comfyui_bridge.ui.attention import Attention
from comfyui_bridge.ui.following import News, Seen
from comfyui_bridge.ui.queue_panel import QueueItem, QueueView
from comfyui_bridge.ui.words import Words

PAGE = "page"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_EVERY_S", 0.0)


def a_run(run_id: str, state: RunState = RunState.IN_PROGRESS) -> Run:
    return Run(run_id, f"prompt-of-{run_id}", Workflow({}), created_at=0.0, state=state)


def a_queue(*run_ids: str) -> QueueView:
    return QueueView(
        tuple(QueueItem(run_id, "", "", "", 0, is_running=True, stopping=False) for run_id in run_ids)
    )


def seen(run: Run | None, *under_way: str, is_own: bool = True) -> Seen:
    view = present.stage(run, 0.0, (), Words()) if run else None
    return Seen(run, view, a_queue(*under_way), is_own)


def told(
    moments: list[Seen], attention: Attention, is_behind: Callable[[], bool] = lambda: False
) -> list[News]:
    """The news while the runs are seen as in these moments; the last one lasts."""
    left: Iterator[Seen] = iter(moments)
    now = moments[0]

    def look(run_id: str) -> Seen:
        nonlocal now
        now = next(left, now)
        return now

    async def follow() -> list[News]:
        return [news async for news in following.follow(attention, PAGE, look, is_behind)]

    return asyncio.run(asyncio.wait_for(follow(), 10))


def at(run_id: str) -> Attention:
    attention = Attention()
    attention.turn(PAGE, run_id)
    return attention


def test_news_is_what_changed_and_the_end_is_the_last() -> None:
    run = a_run("a")
    news = told([seen(run, "a"), seen(run, "a"), seen(a_run("a", RunState.COMPLETED))], at("a"))
    assert [(one.view is not None, one.queue is not None) for one in news] == [(True, True), (True, True)]
    assert news[-1].view is not None
    assert news[-1].view.phase == "done"
    assert [one.has_turned for one in news] == [True, True]


def test_the_stage_goes_on_to_one_s_next_run_when_it_saw_the_last_one_end() -> None:
    done = a_run("a", RunState.COMPLETED)
    attention = at("a")
    moments = [
        seen(a_run("a"), "a", "b"),
        seen(done, "b"),
        seen(a_run("b"), "b"),
        seen(a_run("b", RunState.COMPLETED)),
    ]
    news = told(moments, attention)
    assert [one.followed for one in news] == ["", "b", "", ""]
    looked = attention.look(PAGE)
    assert looked is not None
    assert looked.run_id == "b"


def test_the_stage_goes_on_to_what_was_begun_here_though_it_ended_between_two_looks() -> None:
    attention = at("a")
    attention.expect(PAGE, "b")
    over = seen(a_run("b", RunState.COMPLETED))
    news = told([seen(a_run("a"), "a"), seen(a_run("a", RunState.COMPLETED)), over], attention)
    assert [one.followed for one in news] == ["", "b", ""]
    looked = attention.look(PAGE)
    assert looked is not None
    assert (looked.run_id, looked.expected) == ("b", "")


def test_who_turned_away_is_not_brought_to_what_they_began_before() -> None:
    attention = at("a")
    attention.expect(PAGE, "b")
    attention.turn(PAGE, "c")
    news = told([seen(a_run("c"), "c"), seen(a_run("c", RunState.COMPLETED))], attention)
    assert {one.followed for one in news} == {""}


@pytest.mark.parametrize(
    ("before", "after", "is_own"),
    [
        (RunState.IN_PROGRESS, RunState.FAILED, True),  # somebody has to read why
        (RunState.COMPLETED, RunState.COMPLETED, True),  # it was opened to be looked at
        (RunState.IN_PROGRESS, RunState.COMPLETED, False),  # another's, looked at by its link
    ],
)
def test_the_stage_stays(before: RunState, after: RunState, is_own: bool) -> None:
    moments = [
        seen(a_run("a", before), "b", is_own=is_own),
        seen(a_run("a", after), "b", is_own=is_own),
        seen(a_run("a", after), is_own=is_own),
    ]
    assert [one.followed for one in told(moments, at("a"))].count("") == len(told(moments, at("a")))


def test_who_turns_to_the_run_that_the_stage_went_on_to_by_itself_is_told_what_becomes_of_it() -> None:
    """Generate, pressed as the last run ends: the follower finds the new one first."""
    attention, stamps = at("a"), []
    moments = iter(
        [
            seen(a_run("a"), "a"),
            seen(a_run("a", RunState.COMPLETED), "b"),
            seen(a_run("b"), "b"),
            seen(a_run("b", RunState.COMPLETED)),
        ]
    )
    last = seen(a_run("b", RunState.COMPLETED))

    def look(run_id: str) -> Seen:
        if run_id == "b" and not stamps:
            stamps.append(attention.turn(PAGE, "b").at)
        return next(moments, last)

    async def follow() -> list[News]:
        return [news async for news in following.follow(attention, PAGE, look, lambda: False)]

    news = asyncio.run(asyncio.wait_for(follow(), 10))
    assert news[-1].view is not None
    assert news[-1].view.phase == "done"
    assert news[-1].at > stamps[0]


def test_the_stage_does_not_go_on_where_somebody_opened_another_run_meanwhile() -> None:
    attention = at("a")
    moments = iter([seen(a_run("a"), "a", "b"), seen(a_run("a", RunState.COMPLETED), "b")])
    last = seen(a_run("c", RunState.COMPLETED))

    def look(run_id: str) -> Seen:
        now = next(moments, last)
        if now.run is not None and now.run.state.is_final and run_id == "a":
            attention.turn(PAGE, "c")
        return now

    async def follow() -> list[News]:
        return [news async for news in following.follow(attention, PAGE, look, lambda: False)]

    asyncio.run(asyncio.wait_for(follow(), 10))
    looked = attention.look(PAGE)
    assert looked is not None
    assert looked.run_id == "c"


def test_a_run_begun_while_the_follower_was_about_to_go_is_followed_by_it() -> None:
    """Whoever began it was told that somebody follows, and asks for nobody."""
    attention, counted = at("a"), []
    over = seen(a_run("a", RunState.COMPLETED))
    moments = iter([over, over])
    running = iter([seen(a_run("a", RunState.COMPLETED), "b")])

    def look(run_id: str) -> Seen:
        if (now := next(moments, None)) is not None:
            counted.append(attention.is_attended(PAGE))
            return now
        return next(running, over)

    async def follow() -> list[News]:
        return [news async for news in following.follow(attention, PAGE, look, lambda: False)]

    news = asyncio.run(asyncio.wait_for(follow(), 10))
    assert counted == [True, True]
    assert [item.run_id for one in news if one.queue for item in one.queue.items] == ["b"]
    assert not attention.is_attended(PAGE)


def test_looks_are_in_the_order_in_which_they_were_asked_for_whatever_the_clock_does() -> None:
    clock = iter([5.0, 5.0, 3.0, 9.0])
    attention = Attention(lambda: next(clock))
    stamps = [attention.turn(PAGE, "a").at]
    for _ in range(3):
        looked = attention.look(PAGE)
        assert looked is not None
        stamps.append(looked.at)
    assert stamps == sorted(set(stamps))
    assert attention.look("another page") is None


def test_a_browser_that_is_behind_gets_the_newest_and_no_backlog() -> None:
    moments = [seen(replace(a_run("a"), title=f"step {step}"), "a") for step in range(50)]
    moments.append(seen(a_run("a", RunState.COMPLETED)))
    looks = 0

    def is_behind() -> bool:
        nonlocal looks
        looks += 1
        return 1 < looks <= 45

    news = told(moments, at("a"), is_behind)
    assert len(news) == 1 + (len(moments) - 45)


def test_a_page_has_one_follower_and_another_may_come_when_it_is_done() -> None:
    attention = at("a")
    assert attention.attend(PAGE)
    assert told([seen(a_run("a"), "a")], attention) == []
    attention.leave(PAGE)
    assert len(told([seen(a_run("a", RunState.COMPLETED))], attention)) == 1
    assert not attention.is_attended(PAGE)


def test_what_ends_while_somebody_follows_is_told_once() -> None:
    class Engine:
        """Runs to look at."""

        def __init__(self) -> None:
            self.runs = [a_run("a"), a_run("b", RunState.PENDING)]

        def queue(self, owner: str) -> tuple[Run, ...]:
            return tuple(run for run in self.runs if not run.state.is_final)

        def snapshot(self, run_id: str) -> object:
            return type("Snapshot", (), {"run": next(run for run in self.runs if run.run_id == run_id)})

        def servers(self) -> tuple[()]:
            return ()

        def estimate(self, run: Run) -> None:
            return None

    engine = Engine()
    watch = queue_panel.Watch(engine, "", Words())  # type: ignore[arg-type]
    assert [item.run_id for item in watch.look().items] == ["a", "b"]
    engine.runs = [a_run("a", RunState.COMPLETED), a_run("b", RunState.CANCELLED)]
    assert [(one.run_id, one.words) for one in watch.look().ended] == [("a", "Done")]
    assert len(watch.look().ended) == 1
