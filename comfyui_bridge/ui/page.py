"""The page: its tabs put together, and what changes without anybody's doing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from comfyui_bridge.ui import api, create, library_panel, present, servers_panel
from comfyui_bridge.ui.create import Create
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.desk import AT_ONCE, PLAIN, Desk, Session
from comfyui_bridge.ui.experiments_tab import tab as experiments_tab
from comfyui_bridge.ui.results_tab import tab as results_tab
from comfyui_bridge.ui.servers_panel import ServersTab
from comfyui_bridge.ui.sign_in import is_signed_in, owner_of
from comfyui_bridge.ui.templates import Shelf, Templates
from comfyui_bridge.ui.templates_tab import tab as templates_tab
from comfyui_bridge.ui.templates_tab.tab import TemplatesTab
from comfyui_bridge.ui.words import LANGUAGES, Words, choose

TITLE = "ComfyUI Bridge"
_BRAND = f'<a class="brand" href="?">{TITLE}</a>'
"""What the header is before anybody has arrived: no server has had time to answer by then."""
_FIRST = (
    *("create", "experiments", "results", "templates", "servers"),
    *("generate", "vary_these", "stop", "example", "nothing_yet", "nothing_yet_hint"),
)
"""The words that are seen before anybody has arrived, beside those of the empty library."""


@dataclass(frozen=True)
class Parts:
    """The page's own components and its tabs."""

    session: Session
    header: gr.HTML
    account: gr.HTML
    away: gr.HTML
    create: Create
    experiments: gr.HTML
    results: gr.HTML
    templates: TemplatesTab
    servers: ServersTab
    tabs: tuple[gr.Tab, ...]


def build(dashboard: Dashboard) -> gr.Blocks:
    """The page over this dashboard."""
    desk = Desk(dashboard, Templates(dashboard.library))
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        parts = _lay_out(desk)
        _arrive(page, desk, parts)
        create.connect(page, desk, parts.session, parts.create)
        templates_tab.connect(desk, parts.session, parts.templates)
        servers_panel.connect(desk, parts.session, parts.servers)
        _keep_up(desk, parts)
        api.offer(dashboard)
    return page


def first_texts() -> dict[str, dict[str, str]]:
    """What stands on the page before anybody has arrived, by the English, in each other language."""
    english = Words()
    return {
        lang: {
            library_panel.markup(Shelf(), english): library_panel.markup(Shelf(), Words(lang)),
            **{english(key): Words(lang)(key) for key in _FIRST},
        }
        for lang in LANGUAGES
        if lang != english.lang
    }


def _lay_out(desk: Desk) -> Parts:
    words = Words()
    session = Session(
        lang=gr.State("en"),
        typed=gr.State({}),
        drawn=gr.State(""),
        known=gr.State(0),
    )
    with gr.Row(elem_id="top"):
        header = gr.HTML(_BRAND, elem_id="header", **PLAIN)
        account = gr.HTML("", elem_id="account", **PLAIN)
    away = gr.HTML("", elem_id="away", **PLAIN)
    with gr.Tabs(elem_id="tabs"):
        with gr.Tab(words("create"), id="create") as create_tab:
            created = create.lay_out(desk, words)
        with gr.Tab(words("experiments"), id="experiments") as experiments_tab_:
            experiments = experiments_tab.lay_out()
        with gr.Tab(words("results"), id="results") as results_tab_:
            results = results_tab.lay_out()
        with gr.Tab(words("templates"), id="templates") as templates_tab_:
            templates = templates_tab.lay_out(desk, words)
        with gr.Tab(words("servers"), id="servers") as servers_tab:
            servers = servers_panel.lay_out()
    return Parts(
        session=session,
        header=header,
        account=account,
        away=away,
        create=created,
        experiments=experiments,
        results=results,
        templates=templates,
        servers=servers,
        tabs=(create_tab, experiments_tab_, results_tab_, templates_tab_, servers_tab),
    )


def _arrive(page: gr.Blocks, desk: Desk, parts: Parts) -> None:
    """Somebody opens the page, and finds it in their language."""
    session = parts.session

    def arrive(request: gr.Request) -> dict[Any, Any]:
        asked = request.query_params
        lang = choose(asked.get("__lang", ""), request.headers.get("accept-language", ""))
        words = Words(lang)
        return {
            session.lang: lang,
            parts.account: _account(request, words),
            **create.arrived(desk, session, parts.create, words, request),
            **experiments_tab.arrived(parts.experiments, words),
            **results_tab.arrived(parts.results, words, request),
            **templates_tab.arrived(parts.templates, words),
            **_refreshed(desk, parts, words, request),
            **{tab: gr.update(label=words(str(tab.id))) for tab in parts.tabs},
        }

    outputs = {
        session.lang,
        parts.account,
        *create.arriving(session, parts.create),
        parts.experiments,
        parts.results,
        *templates_tab.arriving(parts.templates),
        *_refreshing(parts),
        *parts.tabs,
    }
    page.load(arrive, None, outputs, **AT_ONCE)


def _keep_up(desk: Desk, parts: Parts) -> None:
    """What changes without anybody's doing: the servers, the library, the node definitions."""
    session = parts.session
    # Ticked by the script, which knows when there is nothing to ask: see script/page.js.
    clock = gr.HTML(
        "",
        html_template="<i></i>",
        elem_id="clock",
        elem_classes=["unseen"],
        padding=False,
        js_on_load="bridge.clock(trigger); /* triggers 'tick' */",
    )

    def tick(known: int, lang: str, request: gr.Request) -> dict[Any, Any]:
        words = Words(lang)
        changed = _refreshed(desk, parts, words, request)
        if desk.templates.shelf().version != known:
            changed[session.known] = desk.templates.shelf().version
            changed |= create.library_parts(desk, parts.create, words)
        return changed

    outputs = {session.known, *create.library_components(parts.create), *_refreshing(parts)}
    clock.tick(tick, [session.known, session.lang], outputs, **AT_ONCE)


def _refreshed(desk: Desk, parts: Parts, words: Words, request: gr.Request) -> dict[Any, Any]:
    servers, now = desk.engine.servers(), time.time()
    return {
        parts.header: _header(desk, words),
        parts.away: escape(present.trouble_line(desk.engine.unwritten(), servers, now, words)),
        **servers_panel.refreshed(desk, parts.servers, words, request),
        **create.refreshed(desk, parts.create, words, request),
        **templates_tab.refreshed(desk, parts.templates, words),
    }


def _refreshing(parts: Parts) -> set[Any]:
    shown = {parts.header, parts.away, *servers_panel.refreshing(parts.servers)}
    return {*shown, *create.refreshing(parts.create), *templates_tab.refreshing(parts.templates)}


def _header(desk: Desk, words: Words) -> str:
    badge = present.badge(desk.engine.servers(), time.time(), words, uses_sandbox=desk.dashboard.uses_sandbox)
    more = ""
    if badge.link:
        name, short = escape(badge.hint), escape(words("connect_short"))
        more = (
            f'<button type="button" class="link" data-tab="servers" aria-label="{name}">'
            f'<span class="full">{name}</span><span class="short">{short}</span></button>'
        )
    return (
        f'{_BRAND}<p class="badge" data-tone="{badge.tone}" title="{escape(badge.words)}">'
        '<span class="dot"></span>'
        f'<span class="full">{escape(badge.words)}</span>'
        f'<span class="short">{escape(badge.short)}</span> {more}</p>'
    )


def _account(request: gr.Request, words: Words) -> str:
    """Who is signed in, and the way out; nothing where everyone may come."""
    if not is_signed_in(request):
        return ""
    name = escape(owner_of(request))
    return (
        f'<form method="post" action="sign-out"><span class="who">{name}</span>'
        f'<button type="submit" class="link" title="{name}">{escape(words("sign_out"))}</button></form>'
    )
