"""How the page looks: Gradio's tokens set to ours, and the files that go into its head.

One accent on neutral greys, system fonts, thin borders. Nothing here names an outside host.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from gradio.themes import Base
from gradio.themes.utils import colors, sizes

from comfyui_bridge.ui import words

_HERE = Path(__file__).parent

# In this order: what narrows the page for a phone has the last word.
_STYLES = (
    "base",
    "header",
    "create",
    "library",
    "form",
    "picture",
    "mask",
    "loras",
    "readiness",
    "stage",
    "remix",
    "queue",
    "results",
    "experiments",
    "planning",
    "sheet",
    "servers",
    "editor",
    "recipe",
    "compare",
    "narrow",
)
# They share one scope; `base` opens it with what the others use.
_SCRIPTS = (
    "base",
    "address",
    "library",
    "picking",
    "fields",
    "choices",
    "files",
    "form",
    "picture",
    "mask",
    "loras",
    "readiness",
    "remix",
    "presets",
    "stage",
    "unchanged",
    "queue",
    "results",
    "lightbox",
    "plans",
    "plan",
    "sheet",
    "experiments",
    "servers",
    "editor",
    "recipe",
    "compare",
    "page",
)

ACCENT = colors.Color(
    name="bridge",
    c50="#eef4ff",
    c100="#dbe7ff",
    c200="#bcd1ff",
    c300="#8fb2ff",
    c400="#6d98fb",
    c500="#4b7cf0",
    c600="#2f62dd",
    c700="#274fb8",
    c800="#234391",
    c900="#203a75",
    c950="#15244a",
)
GREY = colors.Color(
    name="stone",
    c50="#fafafa",
    c100="#f4f4f5",
    c200="#e6e6e8",
    c300="#d3d3d7",
    c400="#9d9da6",
    c500="#71717a",
    c600="#55555d",
    c700="#3c3c43",
    c800="#27272b",
    c900="#1b1b1e",
    c950="#121214",
)
_FONT = (
    "ui-sans-serif",
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Noto Sans",
    "Noto Sans CJK SC",
    "PingFang SC",
    "Microsoft YaHei",
    "sans-serif",
)
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")


def _theme() -> Base:
    theme = Base(
        primary_hue=ACCENT,
        secondary_hue=ACCENT,
        neutral_hue=GREY,
        spacing_size=sizes.spacing_md,
        radius_size=sizes.radius_lg,
        text_size=sizes.text_md,
        font=_FONT,
        font_mono=_MONO,
    )
    return theme.set(
        body_background_fill="#ffffff",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        body_text_size="14px",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="*neutral_950",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_800",
        border_color_accent="*primary_600",
        border_color_accent_dark="*primary_400",
        color_accent="*primary_600",
        color_accent_soft="*primary_50",
        color_accent_soft_dark="*primary_950",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_shadow_dark="none",
        block_padding="0px",
        block_radius="10px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_border_width_dark="0px",
        block_label_shadow="none",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_300",
        block_label_text_size="13px",
        block_label_text_weight="500",
        block_label_padding="0px",
        block_label_margin="0px",
        block_title_background_fill="transparent",
        block_title_background_fill_dark="transparent",
        block_title_border_width="0px",
        block_title_border_width_dark="0px",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_300",
        block_title_text_size="13px",
        block_title_text_weight="500",
        block_title_padding="0px",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        panel_background_fill="transparent",
        panel_background_fill_dark="transparent",
        panel_border_width="0px",
        panel_border_width_dark="0px",
        container_radius="10px",
        form_gap_width="0px",
        layout_gap="16px",
        input_background_fill="#ffffff",
        input_background_fill_dark="*neutral_900",
        input_background_fill_focus="#ffffff",
        input_background_fill_focus_dark="*neutral_900",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_700",
        input_border_color_focus="*primary_600",
        input_border_color_focus_dark="*primary_400",
        input_border_width="1px",
        input_border_width_dark="1px",
        input_radius="8px",
        input_shadow="none",
        input_shadow_dark="none",
        input_shadow_focus="0 0 0 3px color-mix(in srgb, var(--primary-500) 24%, transparent)",
        input_shadow_focus_dark="0 0 0 3px color-mix(in srgb, var(--primary-400) 30%, transparent)",
        input_padding="9px 12px",
        input_text_size="14px",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_500",
        button_border_width="1px",
        button_border_width_dark="1px",
        button_transition="background-color 120ms ease, border-color 120ms ease, opacity 120ms ease",
        button_transform_active="none",
        button_transform_hover="none",
        button_large_radius="10px",
        button_medium_radius="8px",
        button_small_radius="8px",
        button_large_text_size="15px",
        button_large_text_weight="600",
        button_medium_text_size="14px",
        button_medium_text_weight="500",
        button_small_text_size="13px",
        button_small_text_weight="500",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_border_color="transparent",
        button_primary_border_color_dark="transparent",
        button_primary_border_color_hover="transparent",
        button_primary_border_color_hover_dark="transparent",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        button_primary_shadow="none",
        button_primary_shadow_hover="none",
        button_primary_shadow_active="none",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_dark="*neutral_900",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_hover_dark="*neutral_800",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_700",
        button_secondary_border_color_hover="*neutral_400",
        button_secondary_border_color_hover_dark="*neutral_600",
        button_secondary_text_color="*neutral_800",
        button_secondary_text_color_dark="*neutral_100",
        button_secondary_shadow="none",
        button_secondary_shadow_hover="none",
        button_secondary_shadow_active="none",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
        checkbox_border_radius="5px",
        checkbox_border_color="*neutral_400",
        checkbox_border_color_dark="*neutral_600",
        checkbox_background_color="#ffffff",
        checkbox_background_color_dark="*neutral_900",
        checkbox_background_color_selected="*primary_600",
        checkbox_background_color_selected_dark="*primary_600",
        checkbox_border_color_selected="*primary_600",
        checkbox_border_color_selected_dark="*primary_600",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_dark="transparent",
        checkbox_label_border_width="0px",
        checkbox_label_border_width_dark="0px",
        checkbox_label_padding="0px",
        checkbox_shadow="none",
        loader_color="*primary_600",
        loader_color_dark="*primary_400",
    )


THEME = _theme()


def css() -> str:
    """The page's own rules, to be given to Gradio as css."""
    return _joined("style", _STYLES, "css")


def head(first: Mapping[str, Mapping[str, str]]) -> str:
    """The page's own script and what a phone should know, to be put into the page's head.

    `first`: for each language but English, what the page says before anybody has arrived, by the English.
    """
    said = {lang: words.script_words(lang) for lang in words.LANGUAGES}
    script = "\n".join(map(_script, _SCRIPTS))
    script = script.replace('"%WORDS%"', _inlined(said)).replace('"%FIRST%"', f"({_inlined(first)})")
    return (
        '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">'
        '<meta name="color-scheme" content="light dark">'
        f'<script>(() => {{\n"use strict";\n{script}\n}})();</script>'
    )


def _inlined(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _script(name: str) -> str:
    """One script; the scripts of a folder have a scope of their own."""
    folder = _HERE / "script" / name
    if not folder.is_dir():
        return _joined("script", (name,), "js")
    return "{\n" + _joined(f"script/{name}", sorted(path.stem for path in folder.glob("*.js")), "js") + "\n}"


def _joined(folder: str, names: Sequence[str], suffix: str) -> str:
    return "\n".join((_HERE / folder / f"{name}.{suffix}").read_text(encoding="utf-8") for name in names)
