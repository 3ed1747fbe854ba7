"""Request context for calls of the handler without a server."""

from __future__ import annotations

from collections.abc import Mapping


class RequestContext:
    """Request context with options.

    Parameters
    ----------
    attributes
        Options of the request, as in the header X-Amzn-SageMaker-Custom-Attributes.
    """

    def __init__(self, attributes: str) -> None:
        self.status = 200
        """HTTP status of the answer."""
        self.phrase = "OK"
        """Reason phrase of the status."""
        self._attributes = attributes

    def get_all_request_header(self, _idx: int) -> Mapping[str, object]:
        """Return the header with the options."""
        return {"X-Amzn-SageMaker-Custom-Attributes": self._attributes}

    def set_response_status(self, code: int, phrase: str) -> None:
        """Store the status of the answer."""
        self.status, self.phrase = code, phrase
