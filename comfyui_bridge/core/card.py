"""Small changes to a card that keep the form as it is: what the page offers with one click."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from comfyui_bridge.core.files import marked
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.template import CardEdit, Exposure


def as_it_is(form: Form) -> CardEdit:
    """The card that says what this form shows first; a card that is there says it itself."""
    template = form.template
    exposures = template.exposures or tuple(_shown(one) for one in form.inputs if _is_first(one))
    return CardEdit(template.title, template.description, template.tags, exposures)


def with_default(form: Form, one: ExposedInput, value: Any) -> CardEdit:
    """The form's card with another default for one input."""
    return with_defaults(form, [(one, value)])


def with_defaults(form: Form, given: Iterable[tuple[ExposedInput, Any]]) -> CardEdit:
    """The form's card with other defaults for these inputs, which stand in nodes; a file as its mark."""
    card = as_it_is(form)
    for one, value in given:
        card = _with_default(card, one, value)
    return card


def _with_default(card: CardEdit, one: ExposedInput, value: Any) -> CardEdit:
    place = (one.node_id, one.input)
    if place not in [(exposure.node_id, exposure.input) for exposure in card.exposures]:
        added = replace(_shown(one), group=one.group or one.node_title)
        card = replace(card, exposures=(*card.exposures, added))
    value = marked(value)
    exposures = tuple(
        replace(exposure, default=value) if (exposure.node_id, exposure.input) == place else exposure
        for exposure in card.exposures
    )
    return replace(card, exposures=exposures)


def _is_first(one: ExposedInput) -> bool:
    return not one.group and bool(one.node_id)


def _shown(one: ExposedInput) -> Exposure:
    return Exposure(one.node_id, one.input, key=one.key, label=one.label)
