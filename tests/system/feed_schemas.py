"""The published description of the feed: which schema belongs to a topic."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker

FEED = Path(__file__).parents[2] / "agent" / "feed"


@cache
def described() -> dict[str, tuple[re.Pattern[str], bool, Draft202012Validator]]:
    """By channel: what its topics look like, whether they are retained, and what a payload has to fit."""
    document = yaml.safe_load((FEED / "asyncapi.yaml").read_text())
    found = {}
    for name, operation in document["operations"].items():
        assert operation["channel"]["$ref"] == f"#/channels/{name}"
        channel = document["channels"][name]
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel["parameters"])
        (message,) = channel["messages"].values()
        schema: Any = json.loads((FEED / message["payload"]["schema"]["$ref"]).read_text())
        Draft202012Validator.check_schema(schema)
        topics = re.compile(re.sub(r"{\w+}", "[^/]+", channel["address"]))
        validator = Draft202012Validator(schema, format_checker=FormatChecker())
        found[name] = (topics, operation["bindings"]["mqtt"]["retain"], validator)
    return found


def channel_of(topic: str, payload: bytes, retained: bool) -> str:
    """The channel that the message belongs to and fits. AssertionError, saying why, if there is none."""
    for name, (topics, retain, validator) in described().items():
        if topics.fullmatch(topic):
            assert retain or not retained, f"{topic} must not be retained"
            errors = [error.message for error in validator.iter_errors(json.loads(payload))]
            assert not errors, f"{topic}: {errors} in {payload!r}"
            return name
    raise AssertionError(f"nobody describes {topic}")
