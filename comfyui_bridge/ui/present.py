"""A run as a person sees it: words, shares, links. Plain functions, no Gradio, no clock of their own.

The stage is drawn from a `StageView` by the page's script, which puts every text in as text; nothing
here is markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import quote

from comfyui_bridge.core import estimate as estimate_
from comfyui_bridge.core import explain, run_log
from comfyui_bridge.core import progress as progress_
from comfyui_bridge.core.estimate import Estimate
from comfyui_bridge.core.explain import Trouble, Wrong
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.outputs import KeptFile, MediaKind
from comfyui_bridge.core.run import Fault, Run, RunError, RunState
from comfyui_bridge.core.run_log import LogEntry, LogKind
from comfyui_bridge.core.template import Template
from comfyui_bridge.core.workflow import Node, Workflow
from comfyui_bridge.engine.pool import ServerState, ServerStatus
from comfyui_bridge.ui.words import Words

SILENT_AFTER_S = 20.0
"""A run that says nothing for so long is shown as silent; a model may well load that long."""

GIVEN_UP_AFTER_S = 60.0
"""A server that is silent for longer is told with what frees its runs; from then on Stop does so at once."""

STARTING_S = 3.0
"""A run that began so long ago and names no node was taken up again after a restart."""

_MODEL_FILE = re.compile(r"\.(safetensors|ckpt|pt|pth|bin|gguf|sft|onnx)$", re.IGNORECASE)

LIVE_LOG = 12
"""So many of its last lines are shown of the log of a run that goes on."""

AGAIN_FAULTS = (Fault.LOST, Fault.UNREACHABLE, Fault.OUT_OF_MEMORY, Fault.NODE)
"""Faults after which the same run may end well the second time."""

_ENDINGS = {Fault.LOST: "Run it again.", Fault.NO_OUTPUT: "Add a node that saves."}
"""How messages end that say what to do: a button does the one, the advice names such a node."""


@dataclass(frozen=True)
class FileView:
    """One kept file: its link, how it is shown, and the name it is downloaded under."""

    name: str
    kind: str
    url: str
    thumbnail: str
    download: str
    size: str


@dataclass(frozen=True)
class ErrorView:
    """What went wrong, where, and what to do."""

    title: str
    message: str
    where: str = ""
    advice: str = ""
    again: bool = False
    details: str = ""
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True)
class Offer:
    """A value that the server has, to put into the form in place of one it has not."""

    key: str
    field: str
    """The id of its element."""
    value: Any
    words: str


@dataclass(frozen=True)
class LogLine:
    """One line of a run's log: seconds since it was asked for, what happened, and how long that took."""

    at: str
    text: str
    took: str = ""
    tone: str = ""
    """warning, error, or nothing in particular."""


@dataclass(frozen=True)
class StageView:
    """All that the stage shows of one run."""

    phase: str
    """nothing, last (a result of before), queued, running, saving, done, failed, cancelled or unknown."""
    run_id: str = ""
    title: str = ""
    line: str = ""
    hint: str = ""
    share: float = 0.0
    moving: bool = False
    """Something happens of which nobody knows how far it is."""
    live: bool = False
    stopping: bool = False
    theirs: bool = False
    """Somebody else's run, to be looked at only."""
    ratio: float = 1.0
    """Width by height of the picture that comes."""
    cover: str = ""
    files: tuple[FileView, ...] = ()
    texts: tuple[str, ...] = ()
    archive: str = ""
    warnings: tuple[str, ...] = ()
    error: ErrorView | None = None
    template: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with which field of the template's form, by element id."""
    given: Mapping[str, str] = field(default_factory=dict)
    """What was given there, where that is known: a field that holds something else is not marked."""
    estimate: str = ""
    """How long it will take."""
    log: tuple[LogLine, ...] = ()
    link: str = ""
    shared: str | None = None
    """How its owner, who looks, shows it to others: "run", "sheet" or not at all; None where nobody can."""
    seeds: Mapping[str, str] = field(default_factory=dict)
    """The seed the run used, by the key of its input."""
    experiment: Mapping[str, str] = field(default_factory=dict)
    """What it was made in, once it is over: `id` and `name`."""
    lang: str = "en"

    def to_json(self, at: float, *, is_followed: bool = True) -> dict[str, Any]:
        """What the script draws, unless it has drawn what was looked at later.

        A follower's last word arrives after the first one of the next (Gradio repeats it as it ends).
        `is_followed`: nobody need follow, or somebody does; else the script asks for it.
        """
        return {**asdict(self), "at": at, "followed": is_followed}


@dataclass(frozen=True)
class RunCard:
    """One run in a strip or a grid."""

    run_id: str
    title: str
    state: str
    state_words: str
    thumbnail: str
    count: int


@dataclass(frozen=True)
class Badge:
    """The servers in one line: a tone (ok, wait, away, sandbox) and its words."""

    tone: str
    words: str
    short: str
    hint: str = ""
    link: bool = False
    """The hint leads to the tab Servers."""


def nothing(words: Words, cover: str = "", ratio: float = 1.0, *, can_generate: bool = True) -> StageView:
    """The stage before anything was generated: the cover of the chosen template."""
    return StageView(
        "nothing",
        line=words("example" if cover else "nothing_yet"),
        hint=words("nothing_yet_hint") if can_generate else "",
        cover=cover,
        ratio=ratio,
        lang=words.lang,
    )


def unknown(run_id: str, words: Words, *, signed_in: bool = False) -> StageView:
    """The stage for a link to a run that is not kept here, or is none that a person who signed in sees."""
    if signed_in:
        return StageView("unknown", line=words("unshared_run"), hint=words("unshared_run_hint"))
    return StageView("unknown", line=words("unknown_run"), hint=words("unknown_run_hint", run_id=run_id[:80]))


def stage(
    run: Run,
    now: float,
    servers: Sequence[ServerStatus],
    words: Words,
    estimate: Estimate | None = None,
    form: Form | None = None,
) -> StageView:
    """The stage of a run at epoch second `now`; `form` is its template's, for what is wrong in it."""
    line, hint = _happening(run, now, servers, words)
    troubles = explain.troubles(run, form)
    files = tuple(file_view(run.run_id, kept) for kept in run.kept)
    live = not run.state.is_final
    return StageView(
        phase=_phase(run),
        run_id=run.run_id,
        title=run.title,
        line=line,
        hint=hint,
        share=_share(run),
        moving=_is_moving(run),
        live=live,
        stopping=run.stopping and live,
        ratio=ratio(run.values, run.workflow),
        files=files,
        texts=run.texts,
        archive=f"media/{quote(run.run_id)}.zip" if len(files) > 1 else "",
        warnings=tuple(words.sentence(warning) for warning in run.warnings),
        error=_error(run, troubles, words) if run.error else None,
        template=run.template,
        fields={element_id(one.key): _trouble(one, words) for one in troubles if one.key},
        given={element_id(one.key): one.given for one in troubles if one.key and one.given},
        estimate=_estimate(run, estimate, servers, words),
        log=_log(run, words),
        link=f"?run={quote(run.run_id)}",
        lang=words.lang,
        seeds={
            element_id(key): str(value)
            for key, value in run.values.items()
            if "seed" in key and isinstance(value, int) and not isinstance(value, bool)
        },
    )


def last(run: Run, now: float, words: Words) -> StageView:
    """The stage before anything was generated, of a template that has a result already."""
    return replace(stage(run, now, (), words), phase="last", line=words("last_result"))


def left(estimate: Estimate, words: Words) -> str:
    """How long something still takes."""
    return words("left", time=_range(estimate, words))


def begins(estimate: Estimate, words: Words) -> str:
    """When something begins."""
    return words("begins_soon") if estimate.high < 2 else words("begins", time=_range(estimate, words))


def file_view(run_id: str, kept: KeptFile) -> FileView:
    """The links of one kept file, relative to the page."""
    url = f"media/{quote(run_id)}/{quote(kept.name)}"
    is_image = kept.source.kind is MediaKind.IMAGE
    return FileView(
        name=kept.name,
        kind=kept.source.kind.value,
        url=url,
        thumbnail=f"{url}?size=256" if is_image else "",
        download=f"{url}?download=1",
        size=bytes_words(kept.size),
    )


def run_title(run: Run, template: Template | None, words: Words) -> str:
    """What a run is called: as its template's card says it in this language, while it still does."""
    title = run.title or run.template
    return words.text(title, template.phrases) if template else title


def run_card(run: Run, words: Words) -> RunCard:
    """A run in small."""
    picture = next((k for k in run.kept if k.source.kind is MediaKind.IMAGE), None)
    return RunCard(
        run_id=run.run_id,
        title=run.title or run.template,
        state=run.state.value,
        state_words=words(f"state_{run.state.value}"),
        thumbnail=file_view(run.run_id, picture).thumbnail if picture else "",
        count=len(run.kept),
    )


def badge(servers: Sequence[ServerStatus], now: float, words: Words, *, uses_sandbox: bool = False) -> Badge:
    """The servers in one line."""
    ready = [server for server in servers if server.state is ServerState.READY and not server.paused]
    away = [server for server in servers if server.state is ServerState.AWAY]
    if servers and all(server.paused for server in servers):
        return Badge("wait", words("all_paused"), words("server_paused_short"), words("servers"), link=True)
    # One that has not answered yet takes no run; until any has, it may be the first that does.
    able = ready or [one for one in servers if one.state is not ServerState.AWAY and not one.paused]
    sandboxes = [server for server in able if _is_sandbox(server, uses_sandbox)]
    if sandboxes and len(sandboxes) == len(able):
        names = ", ".join(server.name for server in away)
        said = words("sandbox_badge") + (words("no_answer_from", names=names) if away else "")
        return Badge("sandbox", said, words("sandbox_short"), words("connect_comfyui"), link=True)
    if sandboxes:
        counts = {"ready": len(ready), "count": len(servers)}
        return Badge("sandbox", words("sandbox_among", **counts), words("sandbox_among_short", **counts))
    if not servers:
        return Badge("away", words("no_server"), words("no_server"), words("connect_comfyui"), link=True)
    if len(servers) > 1:
        said = words("servers_some", ready=len(ready), count=len(servers))
        names = ", ".join(server.name for server in away)
        full = words("servers_some_away", ready=len(ready), count=len(servers), names=names) if away else said
        return Badge("ok" if len(ready) == len(servers) else "wait" if ready else "away", full, said)
    server = servers[0]
    tone, key = {
        ServerState.READY: ("ok", "server_ready"),
        ServerState.CONNECTING: ("wait", "server_connecting"),
        ServerState.AWAY: ("away", "server_away"),
    }[server.state]
    return Badge(tone, f"{server.name} · {words(key)}", words(key))


def _is_sandbox(server: ServerStatus, uses_sandbox: bool) -> bool:
    """Whether it paints without a model; of one that has told nothing yet, whether we started it."""
    return server.facts.is_sandbox if server.facts is not None else uses_sandbox and not server.added


def away_line(servers: Sequence[ServerStatus], now: float, words: Words) -> str:
    """One sentence when no server can take a run, empty while one can or may soon."""
    if not servers or any(server.state is not ServerState.AWAY for server in servers):
        return ""
    server = servers[0]
    said = words("servers_away_line", server=server.name, time=words.time(max(1.0, now - server.since)))
    return f"{said} {words.sentence(server.error)}".strip()


def trouble_line(unwritten: str, servers: Sequence[ServerStatus], now: float, words: Words) -> str:
    """What concerns everybody: why runs cannot be written down, else that no server answers."""
    if unwritten:
        return words("unwritten_line", why=words.sentence(unwritten))
    return away_line(servers, now, words)


def ratio(values: Mapping[str, Any], workflow: Workflow | None) -> float:
    """Width by height of the picture to come; 1 where nothing tells."""
    width, height = values.get("width"), values.get("height")
    if not (_is_length(width) and _is_length(height)) and workflow is not None:
        for node in workflow.nodes.values():
            if node.class_type.startswith("Empty") and _is_length(node.inputs.get("width")):
                width, height = node.inputs.get("width"), node.inputs.get("height")
                break
    if _is_length(width) and _is_length(height):
        return min(4.0, max(0.25, float(width) / float(height)))
    return 1.0


def element_id(key: str) -> str:
    """The id of an input's element on the page."""
    return "input-" + re.sub(r"[^A-Za-z0-9_-]", "-", key)


def is_model_file(text: str) -> bool:
    """Whether a value is by its name a file with a model in it."""
    return bool(_MODEL_FILE.search(text))


def bytes_words(size: int) -> str:
    """A file's size as people say it."""
    if size < 1000:
        return f"{size} B"
    if size < 1_000_000:
        return f"{size / 1000:.0f} kB"
    return f"{size / 1_000_000:.1f} MB" if size < 1_000_000_000 else f"{size / 1_000_000_000:.1f} GB"


def _is_length(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def _phase(run: Run) -> str:
    match run.state:
        case RunState.PENDING:
            return "queued"
        case RunState.IN_PROGRESS:
            return "saving" if run.server_done else "running"
        case RunState.COMPLETED:
            return "done"
        case RunState.FAILED:
            return "failed"
        case RunState.CANCELLED:
            return "cancelled"


def _share(run: Run) -> float:
    if run.state is RunState.COMPLETED:
        return 1.0
    # A run whose files are still being fetched is not over, whatever the server says.
    return min(run.progress.overall, 0.98)


def _happening(run: Run, now: float, servers: Sequence[ServerStatus], words: Words) -> tuple[str, str]:
    if run.stopping and not run.state.is_final:
        return words("stopping"), ""
    match run.state:
        case RunState.PENDING:
            return _queued(run, now, servers, words)
        case RunState.IN_PROGRESS:
            if (away := _away(run, servers)) is not None:
                return words("server_away_run", server=away.name), _since(away, now, words)
            return (words("saving"), "") if run.server_done else _running(run, now, words)
        case RunState.COMPLETED:
            return _done(run, words), " · ".join(_facts(run, words))
        case RunState.CANCELLED:
            return words("cancelled"), words("cancelled_kept" if run.kept else "cancelled_hint")
        case RunState.FAILED:
            return words("failed"), ""


def _queued(run: Run, now: float, servers: Sequence[ServerStatus], words: Words) -> tuple[str, str]:
    if (away := _away(run, servers)) is not None:
        # What nobody refuses may be a machine that goes on with what it has.
        key = "server_away_waiting" if away.moves_at is not None else "server_away_run"
        return words(key, server=away.name), _since(away, now, words)
    able = [server for server in servers if server.state is ServerState.READY]
    if not able:
        return words("waiting_server"), ""
    if all(server.paused for server in able):
        return words("waiting_paused"), ""
    moved = run_log.of_kind(run.log, LogKind.MOVED)
    hint = words("was_moved") if moved else ""
    if run.ahead is None:
        return words("queued"), hint
    if run.ahead == 0:
        return words("queued_next"), hint
    return words("queued_place", place=words.ordinal(run.ahead + 1)), hint


def _since(away: ServerStatus, now: float, words: Words) -> str:
    """For how long a server has been silent, and what frees its runs if it stays so."""
    silent = max(1.0, now - away.since)
    said = words("away_since", time=words.time(silent))
    if silent < GIVEN_UP_AFTER_S:
        return said
    return words("away_frees_removing" if away.added else "away_frees", since=said)


def _away(run: Run, servers: Sequence[ServerStatus]) -> ServerStatus | None:
    """The server that has the run, while it does not answer."""
    return next((s for s in servers if s.name == run.server and s.state is ServerState.AWAY), None)


def _is_moving(run: Run) -> bool:
    """Whether something goes on of which no step is told, so that the bar stands still for a while."""
    if run.state is not RunState.IN_PROGRESS or run.server_done:
        return False
    progress = run.progress
    return progress.maximum <= 0 or progress.value <= 0 or progress.passes > 1


def _running(run: Run, now: float, words: Words) -> tuple[str, str]:
    progress = run.progress
    node = run.workflow.nodes.get(progress.node_id)
    if node is None:
        is_adopted = run.started_at is not None and now - run.started_at > STARTING_S
        return words("working" if is_adopted else "starting"), ""
    hint = ""
    takes_steps = progress.maximum > 0 or progress_.steps(run.workflow, node) > 1
    if "Loader" in node.class_type:
        line, hint = words("loading"), _model_file(node)
    elif takes_steps and estimate_.loads_first(progress, now):
        line = words("loading_for", node=node.name)
    elif progress.maximum > 0:
        line = words("step", node=node.name, value=f"{progress.value:g}", maximum=f"{progress.maximum:g}")
        line += words("pass", count=progress.passes) if progress.passes > 1 else ""
    else:
        line = node.name
    last = progress.heard_at or progress.stepped_at or progress.node_started_at or run.started_at or now
    if now - last < SILENT_AFTER_S:
        return line, hint
    return line, words("silent", time=words.time(now - last))


def _estimate(run: Run, estimate: Estimate | None, servers: Sequence[ServerStatus], words: Words) -> str:
    if estimate is None or run.state.is_final or run.stopping or _away(run, servers) is not None:
        return ""
    return begins(estimate, words) if run.state is RunState.PENDING else left(estimate, words)


def _range(estimate: Estimate, words: Words) -> str:
    """A length of time as roughly as it is known: one number, or from this to that."""
    low, high = words.time(max(1.0, estimate.low)), words.time(max(1.0, estimate.high))
    if estimate.is_sure or low == high:
        return words("about", time=words.time(max(1.0, estimate.middle)))
    unit = low.lstrip("0123456789.")
    if low.endswith(unit) and high.endswith(unit):
        low = low.removesuffix(unit)
    return words("from_to", low=low, high=high)


def _model_file(node: Node) -> str:
    """The name of the file that a loader loads, without its folders."""
    texts = (value for value in node.inputs.values() if isinstance(value, str))
    return next((re.split(r"[/\\]", text)[-1] for text in texts if _MODEL_FILE.search(text)), "")


def _done(run: Run, words: Words) -> str:
    if run.is_from_cache:
        return words("done_cached")
    return words("done") if run.seconds is None else words("done_in", time=words.time(run.seconds))


def _facts(run: Run, words: Words) -> tuple[str, ...]:
    facts = []
    if (seed := run.values.get("seed")) is not None:
        facts.append(words("seed_fact", seed=seed))
    # A workflow that scales ends in another size than it was asked to begin with.
    scales = any("scale" in node.class_type.lower() for node in run.workflow.nodes.values())
    if not scales and _is_length(run.values.get("width")) and _is_length(run.values.get("height")):
        facts.append(words("size_fact", width=run.values["width"], height=run.values["height"]))
    if run.server:
        facts.append(words("on_server", server=run.server))
    return tuple(facts)


def _error(run: Run, troubles: Sequence[Trouble], words: Words) -> ErrorView:
    error = run.error
    assert error is not None
    named = [one for one in troubles if one.wrong is not Wrong.OTHER]
    # What a node raised names the file that is gone in English, and often not at all.
    is_raised = words.lang != "en" and error.fault is Fault.NODE
    said = " ".join(_trouble(one, words) for one in named) if is_raised else ""
    return ErrorView(
        title=words(f"fault_{error.fault.value}"),
        message=said or _message(run, error, words),
        where=_where(run, error, words),
        advice=_advice(error, words),
        again=error.fault in AGAIN_FAULTS,
        details=_details(error),
        offers=tuple(
            Offer(one.key, element_id(one.key), one.nearest, words("use_nearest", nearest=one.nearest))
            for one in troubles
            if one.key and one.nearest is not None
        ),
    )


def why_failed(run: Run, words: Words) -> str:
    """Why a run failed, in a line; empty for one that did not."""
    error = run.error
    if error is None:
        return ""
    said = _message(run, error, words)
    # The core's own sentence names its node.
    why = words.sentence(error.message) if said and error.node_id else said or _where(run, error, words)
    title = words(f"fault_{error.fault.value}")
    return words("failed_because", what=title, why=why) if why else title


def _message(run: Run, error: RunError, words: Words) -> str:
    """What an error says beyond its title, the node it names, and what the advice or a button is about.

    The core's sentences are whole ones, for those who read nothing else.
    """
    if error.fault is Fault.OUT_OF_MEMORY:
        return ""
    if error.fault is Fault.REFUSED and not error.problems:
        return words("refused_unsaid")
    said = words.sentence(error.message)
    if error.node_id:
        name = _node_name(run, error)
        return said.removeprefix(f"{name}: ").removeprefix(f"{name}：")
    return said.removesuffix(words.sentence(_ENDINGS.get(error.fault, ""))).rstrip()


def _advice(error: RunError, words: Words) -> str:
    """What to do, where neither the message nor a button says it."""
    if known := explain.advice(error):
        return words(f"advice_{known.value}")
    if error.fault in (Fault.LOST, Fault.UNREACHABLE):
        return ""
    if error.fault is Fault.REFUSED and explain.says_what_to_do(error):
        return ""
    return words(f"advice_{error.fault.value}")


def _trouble(one: Trouble, words: Words) -> str:
    """What is wrong with one input, in a sentence."""
    gaps = {"input": one.input, "given": one.given or "–", "limit": one.limit}
    said = words(f"wrong_{one.wrong.value}", **gaps) if one.wrong is not Wrong.OTHER else one.said
    near = words("wrong_nearest", value=one.nearest) if one.nearest is not None else ""
    return f"{said}{near}"


def _log(run: Run, words: Words) -> tuple[LogLine, ...]:
    """A run's log; of one that goes on only what was last, for it is sent again with every step."""
    entries = run.log if run.state.is_final else run.log[-LIVE_LOG:]
    return tuple(_log_line(run, entry, words) for entry in entries)


def _log_line(run: Run, entry: LogEntry, words: Words) -> LogLine:
    minutes, seconds = divmod(max(0, round(entry.at - run.created_at)), 60)
    is_told = entry.seconds is not None and entry.seconds >= 0.1
    took = words("seconds", count=f"{entry.seconds:.1f}") if is_told else ""
    tone = entry.kind if entry.kind in (LogKind.WARNING.value, LogKind.ERROR.value) else ""
    return LogLine(f"{minutes}:{seconds:02}", _log_text(run, entry, words), took, tone)


def _log_text(run: Run, entry: LogEntry, words: Words) -> str:
    try:
        kind = LogKind(entry.kind)
    except ValueError:
        return entry.text
    match kind:
        case LogKind.NODE:
            return entry.text
        case LogKind.WARNING | LogKind.ERROR:
            return words.sentence(entry.text)
        case LogKind.SENT | LogKind.CACHED | LogKind.CUT:
            return words(f"log_{kind.value}", what=entry.text)
        case LogKind.MOVED:
            # A name of a server, or a sentence about it.
            is_name = " " not in entry.text
            return words("log_moved", what=entry.text) if is_name else words.sentence(entry.text)
        case LogKind.STOPPED:
            is_ours = bool(run_log.of_kind(run.log, LogKind.STOP_ASKED)) or not run.server
            return words("log_stopped" if is_ours else "log_stopped_elsewhere")
        case LogKind.STARTED | LogKind.STOP_ASKED | LogKind.DONE:
            return words(f"log_{kind.value}")
        case LogKind.REMOVED:
            return words(f"log_removed_{entry.text}")


def _where(run: Run, error: RunError, words: Words) -> str:
    if not error.node_id:
        return ""
    name = _node_name(run, error)
    is_renamed = error.class_type and error.class_type != name
    return words("at_node", node=f"{name} ({error.class_type})" if is_renamed else name)


def _node_name(run: Run, error: RunError) -> str:
    node = run.workflow.nodes.get(error.node_id)
    return node.name if node else error.class_type or error.node_id


def _details(error: RunError) -> str:
    lines = [
        f"{problem.class_type or problem.node_id}: {problem.message}"
        + (f" ({problem.details})" if problem.details else "")
        for problem in error.problems
    ]
    said = [error.said] if error.said else []
    return "\n".join([*said, *lines, *(line.rstrip("\n") for line in error.traceback)])
