"""What describes a map service: its JSON, out of a file or asked for at its address."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from typing import Final

from tilepack.disk.tree import LARGEST_DOCUMENT
from tilepack.errors import TransferError

_TIMEOUT: Final = 30.0
"""Seconds to wait for a server."""


def is_address(text: str) -> bool:
    """Tell whether a text is the http(s) address of something and not a path."""
    return text.lower().startswith(("http://", "https://"))


def fetch_service(address: str) -> bytes:
    """Ask a server for a service's JSON, adding ``f=json`` where the address lacks it.

    Args:
        address: An http or https address.

    Raises:
        TransferError: The server does not answer, or with an error or too much.
    """
    try:
        parts = urllib.parse.urlsplit(address)
        query = dict(urllib.parse.parse_qsl(parts.query)) | {"f": "json"}
        url = urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(query)))
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310  only http and https come here
            data: bytes = answer.read(LARGEST_DOCUMENT + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise TransferError(
            f"{address}: the server answers {error.code} {error.reason}; see that the address is right and open to you"
        ) from error
    except (http.client.HTTPException, ValueError, OSError) as error:  # URLError and TimeoutError are OSErrors
        reason = getattr(error, "reason", None) or error
        raise TransferError(
            f"{address}: the server does not answer: {reason}; see that the address is right"
        ) from error
    if len(data) > LARGEST_DOCUMENT:
        raise TransferError(f"{address}: answers with more than {LARGEST_DOCUMENT} bytes; is it a map service?")
    return data
