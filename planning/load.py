"""Stack config → Settings, or every fault at once with its key path."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from planning import check
from reading import shape, spelling, ways_out
from reading.errors import ConfigInvalid, Fault, Way, closest, join, nearest, shown
from reading.frozen import Frozen
from reading.tokens import kind
from settings import renamed
from settings.schema import Settings

NAMESPACE = "dynamo-gke"
SECRET_KEYS = ("hfToken",)
PLAIN_KEYS = (
    "location",
    "network",
    "cluster",
    "capacity",
    "models",
    "endpoint",
    "alerts",
    "budget",
    "weights",
    "preflight",
    "labels",
    "secrets",
    "versions",
)


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """A stack's config as Pulumi holds it: full keys (`dynamo-gke:models`) and text values, objects as JSON.

    Of secrets only the keys are here. Whoever builds this leaves their values where they are.
    """

    stack: str
    values: Mapping[str, str]
    secrets: frozenset[str]


def load(config: StackConfig) -> Settings:
    """The settings of a stack. Raises ConfigInvalid with every fault that can be found together."""
    raw, unread = _raw(config)
    moved, twice = renamed.move(raw)
    unread += twice
    if moved:
        raw["renamed"] = moved
    settings, found = _judged(raw)
    found = [*unread, *(fault for fault in found if fault.path not in {earlier.path for earlier in unread})]
    if found or settings is None:
        given = {new: old for old, new in moved.items()}  # errors name the keys that the stack file has
        told = ways_out.told(found, raw, lambda changed: _judged(changed)[1])
        raise ConfigInvalid([Fault(given.get(fault.path, fault.path), fault.message) for fault in told])
    return settings


def _judged(raw: dict[str, Any]) -> tuple[Settings | None, list[Fault]]:
    """The settings in `raw`, None where no graph is left to look at, and every error of shape and content."""
    found: list[Fault] = []
    models = raw.get("models")
    if isinstance(models, dict):
        found += check.name_collisions(cast(dict[str, Any], models))
    settings, misshapen, spoilt = _validated(raw)
    found += [fault for fault in misshapen if fault.path not in {earlier.path for earlier in found}]
    if settings:
        found += [fault for fault in check.faults(settings) if not _hangs_on(fault, spoilt)]
    return settings, found


def _raw(config: StackConfig) -> tuple[dict[str, Any], list[Fault]]:
    """The wire form of Settings from text values, and what is wrong before any shape is looked at."""
    raw: dict[str, Any] = {"stack": config.stack}
    found: list[Fault] = []
    for full_key in sorted({*config.values, *config.secrets}):
        namespace, _, key = full_key.partition(":")
        secret = full_key in config.secrets
        if namespace == "gcp":
            found += _gcp_key(key, raw, config)
        elif namespace != NAMESPACE:
            found += _foreign_key(namespace, key)
        elif key in SECRET_KEYS:
            given = secret or config.values[full_key] not in ("", "null")  # empty is the default in Pulumi.yaml
            if given:
                raw[key] = True
            if given and not secret:
                found.append(
                    Fault(key, f"is in plain text; set it with `pulumi config set --secret {full_key}`, and revoke it")
                )
        elif key not in PLAIN_KEYS:
            found.append(Fault(key, _unknown(key, (*PLAIN_KEYS, *SECRET_KEYS))))
        elif secret:
            found.append(
                Fault(
                    key,
                    "is a secret, which would show in plain once read; only hfToken is one. Take it out with "
                    f"`pulumi config rm {full_key}` and "
                    "write it in the stack file",
                )
            )
        else:
            value = _parsed(config.values[full_key])
            found += _pasted(key, value)
            if value != {}:  # likewise the default of every object
                raw[key] = value
    return raw, found


def _pasted(path: str, value: Any) -> Iterable[Fault]:
    """An error for each token in a key or a text of the value: a stack file is plain, and what is rendered as well."""
    if isinstance(value, dict):
        for key, inner in cast(dict[str, Any], value).items():
            yield from _token_in(join(path, key), key)
            yield from _pasted(join(path, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(cast(list[Any], value)):
            yield from _pasted(join(path, index), inner)
    elif isinstance(value, str):
        yield from _token_in(path, value)


def _token_in(path: str, text: str) -> Iterable[Fault]:
    if found := kind(text):
        yield Fault(
            path,
            f"looks like {found}, in plain text; take it out and revoke it. Use the secret `hfToken` for a token of "
            "Hugging Face",
        )


def _parsed(text: str) -> Any:
    """The object in a text value; text that holds none stays text, and its shape is a fault later."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _gcp_key(key: str, raw: dict[str, Any], config: StackConfig) -> Iterable[Fault]:
    if key == "project" and "gcp:project" in config.values:
        raw["project"] = config.values["gcp:project"]
        yield from _token_in("gcp:project", config.values["gcp:project"])
    else:
        yield Fault(
            f"gcp:{key}",
            "is not read: only gcp:project is; the place comes from `location`, credentials from the environment",
        )


def _foreign_key(namespace: str, key: str) -> Iterable[Fault]:
    """The fault of a key that was meant for this program or for its provider; those of other tools are theirs."""
    ours = (*PLAIN_KEYS, *SECRET_KEYS)
    if key in ours or nearest(namespace, (NAMESPACE,)) or "dynamo" in namespace.lower():
        yield Fault(f"{namespace}:{key}", f"is not read: the namespace is {NAMESPACE}; write {NAMESPACE}:{key}")
    elif key == "project" or nearest(namespace, ("gcp",)):
        yield Fault(f"{namespace}:{key}", f"is not read: the provider's namespace is gcp; write gcp:{key}")


# What a required block is taken for while the rest is checked. Never returned: its absence is a fault.
_STAND_INS: dict[str, Any] = {
    "project": "stand-in",
    "stack": "stand-in",
    "location": {"region": "us-central1", "zone": "us-central1-b"},
}


def _validated(raw: dict[str, Any]) -> tuple[Settings | None, list[Fault], set[str]]:
    """Settings from what is right, the faults of shape, and the key paths whose value had to be left out.

    A wrong part is cut out and the rest validated again, so that one misspelt key does not hide a model that does
    not fit. The settings are complete only when there is no fault; None when no graph is left to look at.
    """
    found = [Fault(_path([key]), _required([key])) for key in ("project", "location", "models") if key not in raw]
    spoilt = {fault.path for fault in found}
    given, raw = raw, {**_STAND_INS, **json.loads(json.dumps(raw))}
    for attempt in range(8):  # each cuts deeper or higher; a stack file is not nested deeper than this
        try:
            return Settings.from_wire(raw), found, spoilt
        except ValidationError as error:
            for e in _own(error):
                where = _wire(e["type"], [part for part in e["loc"] if part != "[key]"])
                path = _path(where)
                # What is missing cannot be cut, nor what its absence makes wrong again: then its block goes.
                whole_block = e["type"] == "missing" or path in spoilt
                if attempt == 0:  # later ones come of the cuts
                    found.append(Fault(path, _message(e, where), _ways(e, where, given)))
                if e["type"] != "extra_forbidden":
                    spoilt.add(path)
                _cut(raw, where[:-1] if whole_block else where)
        if not raw.get("models"):
            break
    return None, found, spoilt


def _own(error: ValidationError) -> list[Mapping[str, Any]]:
    """The errors that are there for themselves: a list is also "too short" once its entries are at fault."""
    errors = [cast(Mapping[str, Any], e) for e in error.errors(include_url=False)]

    def holds_another(e: Mapping[str, Any]) -> bool:
        depth = len(e["loc"])
        return any(len(other["loc"]) > depth and other["loc"][:depth] == e["loc"] for other in errors)

    return [e for e in errors if not (e["type"] == "too_short" and holds_another(e))]


def _wire(kind: str, where: list[str | int]) -> list[str | int]:
    """A place with the names of the wire: for a default that is wrong, pydantic gives the field's own name."""
    model = shape.bare(shape.at(Settings, where[:-1]))
    if kind != "extra_forbidden" and isinstance(model, type) and issubclass(model, Frozen) and where:
        field = model.model_fields.get(str(where[-1]))
        return [*where[:-1], (field and field.alias) or where[-1]]
    return where


def _cut(raw: dict[str, Any], where: list[str | int]) -> None:
    """Takes the part out of `raw`; a required block goes whole and its stand-in takes its place."""
    if not where:
        return
    if where[0] in _STAND_INS:
        raw[str(where[0])] = _STAND_INS[str(where[0])]
        return
    block: Any = raw
    for part in where[:-1]:
        block = cast(dict[Any, Any], block).get(part) if isinstance(block, dict) else None
    if isinstance(block, dict):  # else it went with its parent, or is an entry of a list: that goes in the next attempt
        cast(dict[Any, Any], block).pop(where[-1], None)


# Faults that the block decides on whose value may have been left out.
_DECIDED_BY = {
    "capacity": "capacity",
    "capacity.maxNodes": "models",
    "cluster.secretsKey": "location",
    "network.rdma": "models",
}


def _hangs_on(fault: Fault, spoilt: set[str]) -> bool:
    """Whether a fault may only come from a value that was left out: it is of the same graph, and not of a name."""
    if fault.path in spoilt:
        return True
    if block := _DECIDED_BY.get(fault.path):
        return block in {path.partition(".")[0] for path in spoilt}
    top, _, rest = fault.path.partition(".")
    graph = rest.partition(".")[0]
    if top != "models" or rest in (f"{graph}.model", f"{graph}.layout"):
        return False
    return bool(graph) and any(path.startswith(f"models.{graph}.") for path in spoilt)


def _path(where: list[str | int]) -> str:
    path = join("", *where)
    return "gcp:project" if path == "project" else path


_WANTED = {
    "int": "a whole number",
    "float": "a number",
    "string": "text (quote it in the stack file)",
    "bool": "true or false",
    "dict": "an object",
    "tuple": "a list",
    "model": "an object",
    "model_attributes": "an object",
}


def _message(e: Mapping[str, Any], where: list[str | int]) -> str:
    kind, given, context = str(e["type"]), e["input"], e.get("ctx", {})
    if kind == "missing":
        return _required(where)
    if kind == "extra_forbidden":
        return f"is not a key here; allowed: {', '.join(shape.keys(shape.at(Settings, where[:-1])))}"
    if kind == "value_error":
        return str(e["msg"]).removeprefix("Value error, ")
    if kind == "enum":
        allowed = re.findall(r"'([^']*)'", str(context["expected"]))
        return f"{shown(given)} is not one of {', '.join(allowed)}"
    if kind == "string_pattern_mismatch":
        return f"{shown(given)} is not {shape.rule(_place(e, where))}"
    if kind == "too_short":
        return f"is empty; name at least one{shape.example(shape.at(Settings, where))}"
    bounds = {
        "greater_than_equal": ("ge", "at least"),
        "greater_than": ("gt", "more than"),
        "less_than_equal": ("le", "at most"),
        "less_than": ("lt", "less than"),
    }
    if kind in bounds:
        key, words = bounds[kind]
        return f"got {shown(given)}; must be {words} {context[key]}"
    wanted = _WANTED.get(kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float"))
    return f"got {shown(given)}; must be {wanted}" if wanted else f"got {shown(given)}; {e['msg']}"


def _place(e: Mapping[str, Any], where: list[str | int]) -> Any:
    """The declaration that an error is about: of the value, or of the key itself."""
    return shape.key_type(Settings, where) if e["loc"][-1] == "[key]" else shape.at(Settings, where)


def _value(raw: Any, where: list[str | int]) -> Any:
    for part in where:
        raw = raw[part]
    return raw


def _ways(e: Mapping[str, Any], where: list[str | int], raw: Mapping[str, Any]) -> tuple[Way, ...]:
    """The value or key that may be meant by one that is not known, or not of the form it must have."""
    path, given = _path(where), e["input"]
    if e["type"] == "enum" and isinstance(given, str):  # null is not meant for `none`, nor false for `off`
        like = closest(given, re.findall(r"'([^']*)'", str(e["ctx"]["expected"])))
        changes = {path: like}
    elif e["type"] == "extra_forbidden":
        like = closest(str(where[-1]), shape.keys(shape.at(Settings, where[:-1])))
        changes = {path: None, join("", *where[:-1], like or ""): given}
    elif e["type"] == "string_pattern_mismatch":
        like = spelling.like(given, str(e["ctx"]["pattern"]))
        here = join("", *where)
        is_key = e["loc"][-1] == "[key]"
        changes = {here: None, join("", *where[:-1], like or ""): _value(raw, where)} if is_key else {here: like}
    else:
        return ()
    return (Way(f"did you mean {like}?", changes, spelling=True),) if like else ()


def _required(where: list[str | int]) -> str:
    hint = "; set it with `pulumi config set gcp:project PROJECT`" if where == ["project"] else ""
    return f"is required{shape.example(shape.at(Settings, where))}{hint}"


def _unknown(key: str, allowed: Iterable[str]) -> str:
    names = tuple(allowed)
    return f"is not a key here{nearest(key, names)}; allowed: {', '.join(names)}"
