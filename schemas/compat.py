"""Which changes of a schema break somebody: compares the schemas of now with a frozen baseline.

Every record written under the baseline must stay readable, and every field that a reader knew must
stay. `baseline/v1` is moved forward by `python -m schemas.generate --freeze` after a compatible
change; a breaking one needs a new CONTRACT_VERSION, which starts a baseline of its own.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONTRACT_VERSION = 1
BASELINE_PATH = Path(__file__).with_name("baseline")

Schema = dict[str, Any]

# Keyword, and whether a greater value takes in more.
_LIMITS = {
    "minimum": False,
    "minLength": False,
    "minItems": False,
    "maximum": True,
    "maxLength": True,
    "maxItems": True,
}
CURE = (
    "Make the change compatible (keep the field, give the new one a default, widen instead of"
    " narrow), or raise CONTRACT_VERSION in schemas/compat.py and accept both versions."
)


def baseline() -> Path:
    """The folder of the frozen schemas of this contract version."""
    return BASELINE_PATH / f"v{CONTRACT_VERSION}"


def broken_by(generated: Path) -> list[str]:
    """All breaking differences between the baseline and a folder of generated schemas."""
    found = []
    for old in sorted(baseline().glob("*.schema.json")):
        new = generated / old.name
        if not new.exists():
            found.append(f"{old.name}: the topic is gone. {CURE}")
            continue
        before, after = (json.loads(path.read_text(encoding="utf-8")) for path in (old, new))
        found += [f"{old.name}: {change}. {CURE}" for change in breaking_changes(before, after)]
    return found


def freeze(generated: Path) -> list[str]:
    """Make the generated schemas the baseline, unless that breaks somebody: then say whom."""
    broken = broken_by(generated)
    if not broken:
        baseline().mkdir(parents=True, exist_ok=True)
        for path in generated.glob("*.schema.json"):
            shutil.copyfile(path, baseline() / path.name)
    return broken


def breaking_changes(before: Schema, after: Schema) -> list[str]:
    """What a reader or writer of `before` cannot live with in `after`; each with its path."""
    return list(dict.fromkeys(_compare(before, after, before, after, "$")))


def _compare(
    old: Schema, new: Schema, old_root: Schema, new_root: Schema, at: str
) -> Iterator[str]:
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    old_branches, new_branches = _branches(old, old_root), _branches(new, new_root)
    if len(old_branches) > 1 or len(new_branches) > 1:
        for name, branch in old_branches.items():
            if name not in new_branches:
                yield f"{at} no longer takes {name}"
                continue
            inside = f"{at}<{name}>" if len(old_branches) > 1 else at
            yield from _compare(branch, new_branches[name], old_root, new_root, inside)
        return
    yield from _narrowed(old, new, at)
    yield from _fields(old, new, old_root, new_root, at)
    for keyword, suffix in (("items", "[]"), ("additionalProperties", "{}")):
        inner_old, inner_new = old.get(keyword), new.get(keyword)
        if isinstance(inner_new, dict):
            # What was free before is bound now, unless it was a schema too.
            known = inner_old if isinstance(inner_old, dict) else {}
            yield from _compare(known, inner_new, old_root, new_root, at + suffix)


def _resolved(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    definition: Schema = root["$defs"][reference.removeprefix("#/$defs/")]
    return definition


def _branches(schema: Schema, root: Schema) -> dict[str, Schema]:
    """The alternatives of a schema by name: event type, else JSON type."""
    found = {}
    for branch in schema.get("oneOf") or schema.get("anyOf") or [schema]:
        target = _resolved(branch, root)
        tag = target.get("properties", {}).get("type", {}).get("const")
        found[str(tag or target.get("type", "anything"))] = target
    return found


def _narrowed(old: Schema, new: Schema, at: str) -> Iterator[str]:
    if "type" in new and new["type"] != old.get("type"):
        widened = (old.get("type"), new["type"]) == ("integer", "number")
        if not widened:
            yield f"{at} was {old.get('type', 'anything')} and is {new['type']} now"
    allowed = _allowed(new)
    if allowed is not None:
        before = _allowed(old)
        if before is None:
            yield f"{at} now takes only {sorted(allowed)}"
        elif before - allowed:
            yield f"{at} no longer takes {sorted(before - allowed)}"
    for keyword, greater_is_wider in _LIMITS.items():
        limit, known = new.get(keyword), old.get(keyword)
        if limit is None or limit == known:
            continue
        if known is None or (limit < known) == greater_is_wider:
            yield f"{at} has {keyword} {limit}, it was {known if known is not None else 'free'}"
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield f"{at} has another pattern: {new['pattern']}"


def _allowed(schema: Schema) -> set[Any] | None:
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None


def _fields(old: Schema, new: Schema, old_root: Schema, new_root: Schema, at: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in set(new.get("required", [])) - set(old.get("required", [])):
        yield f"{at}.{name} is required now"
    for name, schema in before.items():
        if name not in after:
            yield f"{at}.{name} is gone"
            continue
        yield from _compare(schema, after[name], old_root, new_root, f"{at}.{name}")
