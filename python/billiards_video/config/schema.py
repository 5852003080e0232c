"""The JSON schema of the configuration, for editors, and in words, for error messages.

`python -m billiards_video.config` writes `config.schema.json` beside this file anew; a test says when that is due.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from billiards_video.config.model import Config

FILE = Path(__file__).with_name("config.schema.json")

_KINDS = {"integer": "an integer", "number": "a number", "string": "text", "boolean": "true or false", "null": "null"}
_BOUNDS = {"minimum": "from {:g}", "exclusiveMinimum": "above {:g}", "maximum": "up to {:g}"}


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The schema as JSON has it, with one definition for each section."""
    made = Config.model_json_schema()
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "billiards_video configuration"
    for section in [made, *made["$defs"].values()]:
        for facts in section["properties"].values():
            facts.pop("title", None)  # pydantic's, and nothing but the key in capitals
            if "description" in facts:
                facts["description"] = " ".join(facts["description"].split())
    return made


def allowed(path: tuple[str, ...]) -> str:
    """What a key may be, in words: `("video", "max_buffers")` gives "an integer from 3 to 16"."""
    facts = schema()
    for key in path:
        facts = _resolved(facts)["properties"][key]
    return _words(_resolved(facts))


def _resolved(facts: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in facts:
        facts = schema()["$defs"][facts["$ref"].rpartition("/")[2]]
    return facts


def _words(facts: dict[str, Any]) -> str:
    if "anyOf" in facts:
        return " or ".join(_words({**choice, "description": facts["description"]}) for choice in facts["anyOf"])
    if "enum" in facts:
        return "one of " + ", ".join(json.dumps(choice) for choice in facts["enum"])
    if facts["type"] == "object":
        return "an object, { ... }" if "properties" in facts else f"an object, {{ ... }}; {facts['description']}"
    if facts["type"] == "array":
        items = [_words(item) for item in facts["prefixItems"]]
        alike = len(set(items)) == 1
        return f"a list of {len(items)}, each {items[0]}" if alike else f"a list of {len(items)}: {', '.join(items)}"
    if "pattern" in facts:
        return f"text; {facts['description']}"
    bounds = " and ".join(text.format(facts[bound]) for bound, text in _BOUNDS.items() if bound in facts)
    return f"{_KINDS[facts['type']]} {bounds.replace(' and up to', ' to')}".rstrip()


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(schema(), indent=2) + "\n"
