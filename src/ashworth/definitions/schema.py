"""JSON Schemas of the definition files, published beside the package's data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ashworth.definitions.kinds import MODELS, Kind
from ashworth.definitions.models import Reference
from ashworth.errors import DefinitionError

SCHEMAS = Path(__file__).parent / "schemas"


def json_schema(kind: Kind) -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a kind of definition, as editors read it.

    Examples
    --------
    >>> json_schema("assay")["properties"]["denominator"]["enum"]
    ['volume_ml', 'nucleated_cells']
    """
    if kind not in MODELS:
        raise DefinitionError(f"kind '{kind}' is unknown; allowed: {', '.join(MODELS)}")
    schema = MODELS[kind].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_files() -> dict[str, str]:
    """Give the text of every published schema file by file name."""
    schemas: dict[str, dict[str, Any]] = {str(kind): json_schema(kind) for kind in MODELS}  # type: ignore[arg-type]
    schemas["references"] = TypeAdapter(dict[str, Reference]).json_schema(by_alias=True)
    return {
        f"{name}.json": json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }


def publish(folder: Path = SCHEMAS) -> None:
    """Write the schema files; run ``python -m ashworth.definitions.schema`` after a change."""
    for name, text in schema_files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    publish()
