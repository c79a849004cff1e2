"""The servers as a table: who answers, what they run on, and how to connect another."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from comfyui_bridge.core.server import ServerFacts
from comfyui_bridge.engine.pool import ServerState, ServerStatus
from comfyui_bridge.ui.words import Words

_STATE_WORDS = {
    ServerState.READY: "server_ready",
    ServerState.CONNECTING: "server_connecting",
    ServerState.AWAY: "server_away",
}
_GB = 1_000_000_000


def table(servers: Sequence[ServerStatus], now: float, words: Words) -> str:
    """All servers, and how to connect a ComfyUI."""
    rows = "".join(_row(server, now, words) for server in servers)
    heads = "".join(
        f'<th scope="col">{escape(words(key))}</th>'
        for key in ("server", "state", "version", "device", "memory", "in_queue")
    )
    return (
        f'<div class="table"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
        f'<section class="connect"><h2>{escape(words("connect_comfyui"))}</h2>'
        f"<p>{escape(words('connect_how'))}</p>"
        f"<pre><code>COMFYUI_URL=http://127.0.0.1:8188 make run</code></pre></section>"
    )


def _row(server: ServerStatus, now: float, words: Words) -> str:
    said = words(_STATE_WORDS[server.state])
    if server.state is ServerState.AWAY and server.since:
        said = words("server_away_since", time=words.time(max(1.0, now - server.since)))
    error = f'<span class="why">{escape(server.error)}</span>' if server.error else ""
    facts = server.facts or ServerFacts()
    sandbox = f' <span class="tag">{escape(words("sandbox_short"))}</span>' if facts.is_sandbox else ""
    cells = (
        f"{escape(server.name)}{sandbox}",
        f'<span class="dot" data-state="{server.state.value}"></span>{escape(said)}{error}',
        escape(facts.version),
        "<br>".join(escape(device.name) for device in facts.devices),
        escape(_memory(facts, words)),
        str(server.queue_remaining) if server.state is ServerState.READY else "",
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _memory(facts: ServerFacts, words: Words) -> str:
    total = sum(device.vram_total for device in facts.devices) or facts.ram_total
    free = sum(device.vram_free for device in facts.devices) or facts.ram_free
    return words("free_of", free=f"{free / _GB:.1f}", total=f"{total / _GB:.1f}") if total else ""
