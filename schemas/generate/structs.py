"""Writes `schemas/fast_types.py`: the pydantic events once more, as msgspec structs.

The pydantic models stay the only source. A construct that has no exact counterpart in msgspec is
refused here, so that the two decoders cannot drift apart in silence.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic.types import AwareDatetime

from schemas import base
from schemas.events import aftersales, people, trade
from schemas.topics import INPUT_TOPICS, TOPICS

_MODULES = (base, trade, aftersales, people)
_WIDTH = 100
# Held by hand in schemas/fast.py: a regular expression for every event would cost more than the
# rest of the identifiers together.
_CHECKED_IN_FAST = {r"^[^:]+$"}

_HEADER = '''\
"""The input events as msgspec structs: what the hot path decodes into. Generated, do not edit.

Written by `python -m schemas.generate` from schemas/base.py and schemas/events, which say what the
fields mean. Classes and fields have the same names. `gc=False` is safe: no event holds a cycle.
"""
'''


def render() -> str:
    """The whole module as text."""
    models = list(_models())
    names = {model: model.__name__ for model in models}
    aliases = _aliases()
    used: set[str] = set()
    body = [_struct(model, names, aliases, used) for model in models]
    unions = {topic: _union(topic) for topic in INPUT_TOPICS}
    parts = [_HEADER, _imports("\n".join([*aliases, *body])), _alias_block(aliases, used)]
    parts += [f"\n\n{text}\n" for text in body]
    parts.append("\n\n" + "\n".join(_union_line(name, types_) for name, types_ in unions.values()))
    return "".join(parts) + "\n"


def _models() -> Iterator[type[base.Contract]]:
    for module in _MODULES:
        # An alias such as Chat is the same class under a second name.
        for value in dict.fromkeys(v for v in vars(module).values() if inspect.isclass(v)):
            if issubclass(value, base.Contract) and value.__module__ == module.__name__:
                yield value


def _aliases() -> dict[str, str]:
    """From a rendered type to the name that a module of the contract gives it."""
    found: dict[str, str] = {}
    for module in _MODULES:
        for name, value in vars(module).items():
            if name.startswith("_") or get_origin(value) not in (Annotated, Literal):
                continue
            if get_origin(value) is Annotated and _is_union(get_args(value)[0]):
                continue
            found.setdefault(_type(value, {}, {}, set()), name)
    return found


def _alias_block(aliases: dict[str, str], used: set[str]) -> str:
    return "".join(
        _wrapped(f"{name} = {text}") + "\n" for text, name in aliases.items() if name in used
    )


def _wrapped(line: str) -> str:
    if len(line) <= _WIDTH:
        return line
    head, _, inner = line.partition("[")
    items = inner.removesuffix("]").split(", ")
    return "\n".join([f"{head}[", *(f"    {item}," for item in items), "]"])


def _imports(body: str) -> str:
    typing = [n for n in ("Annotated", "ClassVar", "Literal") if f"{n}[" in body]
    return (
        "\nfrom __future__ import annotations\n\nfrom datetime import datetime\n"
        f"from typing import {', '.join(typing)}\n\nfrom msgspec import Meta, Struct\n\n"
    )


def _struct(
    model: type[base.Contract], names: dict[Any, str], aliases: dict[str, str], used: set[str]
) -> str:
    parent = model.__bases__[0]
    hints = get_type_hints(model, include_extras=True)
    own = inspect.get_annotations(model)
    lines: list[str] = []
    tag = ""
    alone = [TOPICS[topic].value_type() for topic in INPUT_TOPICS]
    for name in own:
        if name == "model_config":
            continue
        # Of a topic's only event, msgspec would let the tag be absent; so there it is a field.
        if name == "type" and model not in alone:
            (tag,) = get_args(hints[name])
            lines.insert(0, f'    type: ClassVar[Literal["{tag}"]] = "{tag}"')
            continue
        field = model.model_fields[name]
        text = _type(hints[name], names, aliases, used)
        default = "" if field.is_required() else f" = {_default(field)}"
        lines.append(f"    {name}: {text}{default}")
    doc = (inspect.getdoc(model) or "").splitlines()[0]
    head = _class_line(model.__name__, parent, names, tag)
    return "\n".join([head, f'    """{doc}"""', *(["", *lines] if lines else [])])


def _class_line(name: str, parent: type, names: dict[Any, str], tag: str) -> str:
    # Frozen is inherited, but type checkers want it said again; kw_only is not inherited at all.
    options = [names.get(parent, "Struct"), "frozen=True", "gc=False", "kw_only=True"]
    if tag:
        options += ['tag_field="type"', f'tag="{tag}"']
    line = f"class {name}({', '.join(options)}):"
    if len(line) <= _WIDTH:
        return line
    return f"class {name}(\n    {', '.join(options)}\n):"


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, str):
        return f'"{value}"'
    if value is None or isinstance(value, bool | int) or value == []:
        return repr(value)
    raise TypeError(f"no rule for the default {value!r}; add one to schemas/generate/structs.py")


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _type(annotation: Any, names: dict[Any, str], aliases: dict[str, str], used: set[str]) -> str:
    text = _plain(annotation, names, aliases, used)
    if text in aliases:
        used.add(aliases[text])
        return aliases[text]
    return text


def _plain(annotation: Any, names: dict[Any, str], aliases: dict[str, str], used: set[str]) -> str:
    if annotation in (str, int, bool):
        return str(annotation.__name__)
    if annotation is type(None):
        return "None"
    if annotation in names:
        return names[annotation]
    if annotation in (datetime, AwareDatetime):
        return "Annotated[datetime, Meta(tz=True)]"
    origin = get_origin(annotation)
    if origin is Literal:
        return f"Literal[{', '.join(_literal(v) for v in get_args(annotation))}]"
    if origin is list:
        return f"list[{_type(get_args(annotation)[0], names, aliases, used)}]"
    if _is_union(annotation):
        return " | ".join(_type(arg, names, aliases, used) for arg in get_args(annotation))
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        text = _type(inner, names, aliases, used)
        limits = [limit for item in metadata for limit in _limits(item)]
        return f"Annotated[{text}, Meta({', '.join(limits)})]" if limits else text
    raise TypeError(f"no rule for the type {annotation!r}; add one to schemas/generate/structs.py")


def _literal(value: str | int) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _limits(item: Any) -> Iterator[str]:
    match item:
        case FieldInfo():
            for inner in item.metadata:
                yield from _limits(inner)
        case StringConstraints():
            if item.pattern is not None and item.pattern not in _CHECKED_IN_FAST:
                raise TypeError(f"no cheap check for the pattern {item.pattern!r}")
            if item.min_length is not None:
                yield f"min_length={item.min_length}"
            if item.max_length is not None:
                yield f"max_length={item.max_length}"
        case MinLen():
            yield f"min_length={item.min_length}"
        case MaxLen():
            yield f"max_length={item.max_length}"
        case Ge():
            yield f"ge={item.ge}"
        case Le():
            yield f"le={item.le}"
        case BeforeValidator() if item.func.__module__ == base.__name__:
            # EventTime and SchemaVersion: msgspec is that strict by itself.
            pass
        case AfterValidator() if item.func.__module__ == base.__name__:
            # OccurredAt: schemas.fast looks at the year.
            pass
        case WithJsonSchema():
            pass
        case _:
            raise TypeError(f"no rule for {item!r}; add one to schemas/generate/structs.py")


def _union(topic: str) -> tuple[str, list[str]]:
    reference = TOPICS[topic].schema_ref or ""
    module, _, name = reference.partition(":")
    value = getattr(sys.modules[module], name)
    inner = get_args(value)[0] if get_origin(value) is Annotated else value
    members = get_args(inner) if _is_union(inner) else (inner,)
    return name, [member.__name__ for member in members]


def _union_line(name: str, members: list[str]) -> str:
    line = f"{name} = {' | '.join(members)}"
    if len(line) <= _WIDTH:
        return line
    first, *rest = members
    return "\n".join([f"{name} = (", f"    {first}", *(f"    | {m}" for m in rest), ")"])
