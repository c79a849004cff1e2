"""What people find runs by: words, models, stars; what they threw away; how much each takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_AT_A_TIME = 500


def upgrade() -> None:
    table = op.create_table(
        "run_index",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("starred", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.Double),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("models", sa.Text, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
    )
    connection = op.get_bind()
    rows = connection.execute(
        sa.text('SELECT position, template, title, server, "values", kept, workflow FROM runs')
    )
    while some := rows.fetchmany(_AT_A_TIME):
        connection.execute(table.insert(), [_entry(row) for row in some])


def _entry(row: Any) -> dict[str, Any]:
    kept = json.loads(row.kept)
    texts = [row.template, row.title, row.server, *_texts(json.loads(row.values))]
    texts += [file["name"] for file in kept]
    models = [text for text in _texts(json.loads(row.workflow)) if text.lower().endswith(_MODELS)]
    return {
        "position": row.position,
        "starred": False,
        "deleted_at": None,
        "bytes": sum(file["size"] for file in kept),
        "models": "\n" + "".join(f"{name}\n" for name in dict.fromkeys(models)),
        "said": "\n".join(texts).lower(),
    }


_MODELS = (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl", ".gguf", ".onnx")


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        for value in content.values():
            yield from _texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value)
    elif content is not None and not isinstance(content, bool):
        yield str(content)
