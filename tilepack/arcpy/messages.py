"""What tools say: messages with their severity, kept for ``GetMessages``, and the error that a tool ends in.

============  ========  ===========================================
function      severity  shown
============  ========  ===========================================
AddMessage    0         on standard output
AddWarning    1         on standard error
AddError      2         on standard error; ends nothing by itself
============  ========  ===========================================

What a tool itself says is shown by nobody: it is in its result and in ``GetMessages``, as in ArcGIS.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from tilepack.errors import TilepackError


class ExecuteError(TilepackError):
    """A tool cannot do what it was asked; its cause is tilepack's own error."""

    @property
    def message(self) -> str:
        """The sentence that says what is wrong, as ``str`` gives it too."""
        return str(self)


class ExecuteWarning(TilepackError):  # noqa: N818  ArcGIS' name
    """A tool ended in a warning: never raised here, and there so that scripts may catch it."""


class Severity(IntEnum):
    """How grave a message is, by ArcGIS' numbers."""

    MESSAGE = 0
    WARNING = 1
    ERROR = 2


class Message(NamedTuple):
    """Something that was said."""

    severity: Severity
    text: str


class Messages:
    """What was said in the course of one tool, and since."""

    def __init__(self, said: tuple[Message, ...] = ()) -> None:
        self._said = list(said)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._said)

    def __len__(self) -> int:
        return len(self._said)

    def __getitem__(self, number: int) -> Message:
        return self._said[number]

    def clear(self) -> None:
        """Forget everything: another tool begins."""
        self._said.clear()

    def copy(self) -> Messages:
        """Give what was said so far, to keep."""
        return Messages(tuple(self._said))

    def say(self, text: str, severity: Severity = Severity.MESSAGE) -> None:
        """Say a sentence."""
        self._said.append(Message(severity, text))

    def warn(self, text: str) -> None:
        """Say a sentence that is to be looked at."""
        self.say(text, Severity.WARNING)

    def joined(self, severity: int | str | None = None) -> str:
        """Give what was said, a line each.

        Args:
            severity: Only what is just as grave: 0, 1 or 2; None for all.

        Raises:
            ExecuteError: It is none of these.
        """
        if severity in (None, "", "#"):
            return "\n".join(message.text for message in self)
        try:
            wanted = Severity(int(severity or 0))
        except (TypeError, ValueError):
            raise ExecuteError(f"severity {severity!r} is unknown; there are 0, 1 and 2") from None
        return "\n".join(message.text for message in self if message.severity is wanted)

    @property
    def gravest(self) -> int:
        """The greatest severity of all that was said."""
        return int(max((message.severity for message in self), default=Severity.MESSAGE))


current = Messages()
"""Of the tool that ran last, or runs."""


def AddMessage(message: object) -> None:
    """Say something, and show it on standard output."""
    current.say(str(message))
    sys.stdout.write(f"{message}\n")


def AddWarning(message: object) -> None:
    """Say something that is to be looked at, and show it on standard error."""
    current.warn(str(message))
    sys.stderr.write(f"{message}\n")


def AddError(message: object) -> None:
    """Say that something is wrong, and show it on standard error."""
    current.say(str(message), Severity.ERROR)
    sys.stderr.write(f"{message}\n")


def GetMessages(severity: int | str | None = None) -> str:
    """Give what the last tool said, and what was said since, a line each.

    Raises:
        ExecuteError: There is no such severity.
    """
    return current.joined(severity)


def GetMessage(index: int) -> str:
    """Give one message by its number; an empty text where there is none."""
    return current[index].text if 0 <= index < len(current) else ""


def GetMessageCount() -> int:
    """Give the number of messages."""
    return len(current)


def GetMaxSeverity() -> int:
    """Give the greatest severity: 0, 1 or 2."""
    return current.gravest


def lasting(seconds: float) -> str:
    """Say how long something took.

    >>> lasting(0.04), lasting(12.34), lasting(125)
    ('0.04 s', '12.3 s', '2 min 5 s')
    """
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s"
