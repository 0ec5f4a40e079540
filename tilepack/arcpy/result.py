"""What a tool gives back, and how every tool is carried out: messages, the error, the clock."""

from __future__ import annotations

import functools
import inspect
import re
import time
import uuid
from collections.abc import Callable
from typing import Final, ParamSpec

from tilepack.arcpy.messages import ExecuteError, Messages, Severity, current
from tilepack.errors import TilepackError

P = ParamSpec("P")

_SHOWN = 80
"""Characters of a parameter in the messages."""

SUCCEEDED = 4
"""ArcGIS' number for a tool that is done; smaller ones are on their way, greater ones failed."""


class Result:
    """What a tool gave: outputs and messages. Tools are done when they come back, so that nothing is waited for."""

    def __init__(self, toolname: str, inputs: tuple[object, ...], outputs: tuple[str, ...], said: Messages) -> None:
        self.toolname = toolname
        """Name of the tool."""
        self.status = SUCCEEDED
        """4: done."""
        self.resultID = str(uuid.uuid4())
        """Names this result, and no other."""
        self._inputs = inputs
        self._outputs = outputs
        self._said = said

    def __repr__(self) -> str:
        return f"<Result of {self.toolname}: {self}>"

    def __str__(self) -> str:
        return self._outputs[0] if self._outputs else ""

    def __getitem__(self, index: int) -> str:
        return self.getOutput(index)

    def __len__(self) -> int:
        return len(self._outputs)

    @property
    def inputCount(self) -> int:
        """Number of parameters given."""
        return len(self._inputs)

    @property
    def outputCount(self) -> int:
        """Number of outputs."""
        return len(self._outputs)

    @property
    def messageCount(self) -> int:
        """Number of messages."""
        return len(self._said)

    @property
    def maxSeverity(self) -> int:
        """Greatest severity of the messages: 0, or 1 where there are warnings."""
        return self._said.gravest

    def getInput(self, index: int) -> object:
        """Give a parameter as it was given."""
        return self._inputs[index]

    def getOutput(self, index: int) -> str:
        """Give an output: the cache folder or package written, or the service.

        Raises:
            IndexError: There is none of that number.
        """
        return self._outputs[index]

    def getMessages(self, severity: int | str | None = None) -> str:
        """Give what the tool said, a line each.

        Args:
            severity: Only what is just as grave: 0, 1 or 2; None for all.

        Raises:
            ExecuteError: There is no such severity.
        """
        return self._said.joined(severity)

    def getAllMessages(self) -> list[list[object]]:
        """Give severity, code and text of each message; codes are always 0, for the sentences say it all."""
        return [[int(message.severity), 0, message.text] for message in self._said]

    def getMessage(self, index: int) -> str:
        """Give one message."""
        return self._said[index].text

    def getSeverity(self, index: int) -> int:
        """Give the severity of one message."""
        return int(self._said[index].severity)

    def cancel(self) -> None:
        """Do nothing: the tool is done."""


_OPTION: Final = re.compile(r"(?<![\w-])--[a-z]")
_OPTION_NOTE: Final = (
    "what begins with -- is an option of the command tilepack; where this tool has no parameter for it, run the command"
)


def tool(work: Callable[P, str]) -> Callable[P, Result]:
    """Make a tool out of a function that does the work and gives its output.

    What the library raises becomes an ``ExecuteError`` with the same sentence; what it notes beyond is a message. Where
    the sentence names options of the command line, a note says that they are that.
    """
    signature = inspect.signature(work)
    name = work.__name__

    @functools.wraps(work)
    def carry_out(*args: P.args, **kwargs: P.kwargs) -> Result:
        current.clear()
        begun = time.monotonic()
        current.say(f"Executing: {name} {' '.join(_shown(value) for value in (*args, *kwargs.values()))}".rstrip())
        current.say(f"Start Time: {time.ctime()}")
        try:
            try:
                given = signature.bind(*args, **kwargs)
            except TypeError as error:
                raise ExecuteError(f"{name}: {error}; its parameters are {', '.join(signature.parameters)}") from None
            output = work(*args, **kwargs)
        except TilepackError as error:
            notes = list(getattr(error, "__notes__", []))
            if _OPTION.search(str(error)):
                notes.append(_OPTION_NOTE)
            for text in (str(error), *notes, f"Failed to execute ({name})."):
                current.say(text, Severity.ERROR)
            if isinstance(error, ExecuteError):
                raise
            failed = ExecuteError(str(error))
            for note in notes:
                failed.add_note(note)
            raise failed from error
        current.say(f"Succeeded at {time.ctime()} (Elapsed Time: {time.monotonic() - begun:.2f} seconds)")
        return Result(name, tuple(given.arguments.values()), (output,), current.copy())

    return carry_out


def _shown(value: object) -> str:
    """Show a parameter as ArcGIS' messages do: ``#`` for a default, lists joined; of what is long, the end."""
    if value is None or value == "":
        return "#"
    text = ";".join(str(each) for each in value) if isinstance(value, list | tuple) else str(value)
    if len(text) > _SHOWN:
        text = f"...{text[3 - _SHOWN :]}"
    return f'"{text}"' if " " in text else text
