"""The envelope of an alert is a CloudEvent for whoever reads it with a library: its URIs are URIs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

import schemas
from streams.detect.alerts import envelope
from tests.factories import make_alert

GENERATED = Path(schemas.__file__).with_name("generated")
# RFC 8141, as far as we write it.
_URN = re.compile(r"urn:orderwatch:(?:[A-Za-z0-9._~:-]|%[0-9A-F]{2})+")


@pytest.mark.parametrize("shop", ["shop1", "my shop", "50%off", "店铺3", "<x>", "a|b", 'a"b', "😀"])
def test_the_source_of_an_alert_is_a_uri_whatever_the_shop_is_called(shop: str) -> None:
    alert = make_alert(shop_id=shop)
    source = envelope(alert).source
    assert _URN.fullmatch(source)
    assert unquote(source.rpartition(":")[2]) == shop


def test_the_schema_that_an_alert_names_is_one_of_ours_and_is_that_of_its_data() -> None:
    known = [
        Resource.from_contents(json.loads(path.read_text("utf-8")))
        for path in GENERATED.glob("*.json")
    ]
    registry: Registry[object] = known @ Registry()
    said = json.loads(envelope(make_alert()).model_dump_json())
    validator = Draft202012Validator({"$ref": said["dataschema"]}, registry=registry)
    assert not list(validator.iter_errors(said["data"]))
