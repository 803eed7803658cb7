"""Typed headers: a request's parameters, declared once.

A header is a class with annotated attributes.  The attribute `consumer_group` travels
as `consumerGroup`; where RocketMQ spells it otherwise, `wire("…")` says how.  An
attribute without a default is required.

    @request(RequestCode.GET_MAX_OFFSET)
    class GetMaxOffset(Header):
        topic: str
        queue_id: int

On the wire every value is text: numbers in decimal, booleans ``true`` or ``false``.
What is None does not travel.

On purpose clearer than RocketMQ, which answers a missing field with a bare
NullPointerException and an unparsable one not at all: here both are named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from types import NoneType
from typing import (
    Any,
    ClassVar,
    NamedTuple,
    Self,
    TypeVar,
    dataclass_transform,
    get_args,
    get_type_hints,
)

from rmqlab.errors import Refused
from rmqlab.names import camel_case
from rmqlab.protocol.codes import RequestCode, ResponseCode

H = TypeVar("H", bound="Header")


class Field(NamedTuple):
    """One attribute: its name here, its name on the wire, and how it is read."""

    name: str
    wire: str
    read: Callable[[str], Any]
    required: bool


class Header:
    """Base of all headers; see the module's text for how one is declared."""

    __slots__ = ()
    CODE: ClassVar[RequestCode]
    HAS_REPLY: ClassVar[bool] = False
    """Whether the answer, be it a refusal, has fields, if only none: ``{}``."""
    FIELDS: ClassVar[tuple[Field, ...]] = ()

    @classmethod
    def parse(cls, texts: Mapping[str, str] | None) -> Self:
        """Return the header that a frame's fields spell; unknown fields are ignored.

        Raises:
            Refused: SYSTEM_ERROR; a required field is missing, or one does not parse.
        """
        texts = texts or {}
        values = {}
        for name, key, read, required in cls.FIELDS:
            text = texts.get(key)
            if text is not None:
                try:
                    values[name] = read(text)
                except ValueError:
                    raise Refused(
                        ResponseCode.SYSTEM_ERROR,
                        f"{cls.__name__}: field {key}={text!r} does not parse",
                    ) from None
            elif required:
                raise Refused(
                    ResponseCode.SYSTEM_ERROR,
                    f"{cls.__name__}: required field {key} is missing",
                )
        return cls(**values)

    def to_wire(self) -> dict[str, str]:
        """Return the fields as they travel."""
        texts = {}
        for name, key, _, _ in self.FIELDS:
            value = getattr(self, name)
            if value is not None:
                texts[key] = value if type(value) is str else _write(value)
        return texts


def wire(name: str, *, default: Any = MISSING) -> Any:
    """Declare an attribute that travels as `name`; required without a default."""
    return field(default=default, metadata={"wire": name})


@dataclass_transform(field_specifiers=(wire,))
def header(cls: type[H]) -> type[H]:
    """Declare a header that only answers carry."""
    return _declared(cls, None)


@dataclass_transform(field_specifiers=(wire,))
def request(
    code: RequestCode, *, wire_names: str | None = None, has_reply: bool = False
) -> Callable[[type[H]], type[H]]:
    """Declare the header of request `code`.

    `wire_names`: one letter an attribute, in the order of their declaration.
    `has_reply`: see `Header.HAS_REPLY`.
    """

    def declare(cls: type[H]) -> type[H]:
        cls.CODE, cls.HAS_REPLY = code, has_reply
        return _declared(cls, wire_names)

    return declare


def _declared(cls: type[H], wire_names: str | None) -> type[H]:
    declared = dataclass(slots=True)(cls)
    hints = get_type_hints(declared)
    own = fields(declared)  # type: ignore[arg-type]
    names = wire_names or [f.metadata.get("wire", camel_case(f.name)) for f in own]
    declared.FIELDS = tuple(
        Field(f.name, wire, _reader(hints[f.name]), f.default is MISSING)
        for f, wire in zip(own, names, strict=True)
    )
    return declared


def _reader(hint: Any) -> Callable[[str], Any]:
    """Return what turns a field's text into a value of the annotated type."""
    kind = next((one for one in get_args(hint) if one is not NoneType), hint)
    return _read_bool if kind is bool else kind


def _read_bool(text: str) -> bool:
    return text.lower() == "true"


def _write(value: Any) -> str:
    if type(value) is int:  # the most frequent by far
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(int(value))
