"""The published JSON Schema of a rule file, for editors; written from the format itself."""

from __future__ import annotations

import json
from pathlib import Path

from rules.spec import RuleSpec

SCHEMA_FILE = Path(__file__).parent / "schema.json"


def schema_text() -> str:
    """The schema as pretty JSON, stable in order."""
    schema = RuleSpec.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Marketwarden rule, format 1"
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
