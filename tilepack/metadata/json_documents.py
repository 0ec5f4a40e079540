"""JSON documents that may be broken or hostile, looked up in any spelling."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from tilepack.errors import MetadataError
from tilepack.metadata.documents import REMEDY, check_size, read_integer, read_number, reason_of, shown

MAX_DEPTH: Final = 100
"""Deepest nesting of JSON. Real documents have about ten; Python's own parser and printer give up near 1,000."""

MAX_VALUES: Final = 500_000
"""Most objects, lists and commas in a JSON document, so that 16 MiB cannot become gigabytes of memory."""

_UNHOLDABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class JsonNode:
    """A JSON object and the path of its document. Keys are looked up in any case and under several names."""

    members: Mapping[str, Any]
    place: str
    """The document's path, for messages."""
    _folded: Mapping[str, Any] = field(init=False, repr=False, compare=False)
    """Members that are not null by their keys in lower case; of keys that differ in case only, the first."""

    def __post_init__(self) -> None:
        pairs = reversed(list(self.members.items()))
        object.__setattr__(self, "_folded", {key.lower(): value for key, value in pairs if value is not None})

    def get(self, *names: str) -> Any:
        """Give the first member that is there and not null, the names tried in order; None when there is none."""
        for name in names:
            found = self.members.get(name)
            if found is not None:
                return found
        return next((self._folded[name.lower()] for name in names if name.lower() in self._folded), None)

    def rest(self, *names: str) -> dict[str, Any]:
        """Give the members that have none of these names."""
        known = {name.lower() for name in names}
        return {key: value for key, value in self.members.items() if key.lower() not in known}

    def node(self, *names: str) -> JsonNode | None:
        """Give a member that is an object, None when it is absent.

        Raises:
            MetadataError: It is there and no object.
        """
        found = self.get(*names)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise MetadataError(f"{self.place}: {names[0]} is {shown(found)}; it must be an object")
        return JsonNode(found, self.place)

    def text(self, *names: str) -> str:
        """Give a member's text, "" when it is absent or no text. What no encoding can hold becomes U+FFFD."""
        found = self.get(*names)
        return _UNHOLDABLE.sub("\ufffd", found).strip() if isinstance(found, str) else ""

    def number(self, *names: str) -> float:
        """Give a member's finite number.

        Raises:
            MetadataError: It is absent or no finite number.
        """
        found = self.get(*names)
        if found is None:
            raise MetadataError(f"{self.place}: {names[0]} is missing; the document is incomplete")
        return read_number(found, place=self.place, label=names[0])

    def integer(self, *names: str) -> int:
        """Give a member's whole number.

        Raises:
            MetadataError: It is absent or no whole number.
        """
        self.number(*names)
        return read_integer(self.get(*names), place=self.place, label=names[0])

    def optional_number(self, *names: str) -> float | None:
        """Give a member's finite number, None when it is absent, null or an empty text.

        Raises:
            MetadataError: It is there and no finite number.
        """
        return None if self.get(*names) in (None, "") else self.number(*names)

    def optional_integer(self, *names: str) -> int | None:
        """Give a member's whole number, None when it is absent, null or an empty text.

        Raises:
            MetadataError: It is there and no whole number.
        """
        return None if self.get(*names) in (None, "") else self.integer(*names)


def parse_json(data: bytes, *, place: str) -> JsonNode:
    """Parse a JSON document whose topmost value is an object; of keys given twice the last one counts.

    Raises:
        MetadataError: It is no JSON, no object, too large, too deep, or holds NaN or infinite numbers.
    """
    check_size(data, place, marks=b"[{,", most=MAX_VALUES)

    def refuse(constant: str) -> NoReturn:
        raise MetadataError(f"{place}: the document holds {constant}; JSON has no such number")

    def finite(digits: str) -> float:
        number = float(digits)
        if math.isinf(number):
            raise MetadataError(f"{place}: the number {shown(digits)} is beyond the range of a double")
        return number

    try:
        text = data.decode(json.detect_encoding(data)).removeprefix("\ufeff")
        members = json.loads(text, parse_constant=refuse, parse_float=finite)
    except MetadataError:
        raise
    except RecursionError as error:
        raise MetadataError(f"{place}: the document is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise MetadataError(f"{place}: the document is no JSON ({reason_of(error)}); {REMEDY}") from error
    if not isinstance(members, dict):
        raise MetadataError(f"{place}: the topmost value is {json.dumps(members)[:60]}; it must be an object")
    _check_depth(members, place)
    return JsonNode(members, place)


def _check_depth(members: dict[str, Any], place: str) -> None:
    # Level by level and not by recursion; what is kept must survive Python's recursive printer later.
    layer: list[Any] = [members]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for value in layer:
            values = value.values() if isinstance(value, dict) else value
            inner += [item for item in values if isinstance(item, dict | list)]
        if not inner:
            return
        layer = inner
    raise MetadataError(f"{place}: the document is nested deeper than {MAX_DEPTH} levels")
