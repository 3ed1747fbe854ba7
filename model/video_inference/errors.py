"""The errors that are the caller's: each becomes a 4xx with a one-line reason."""

from __future__ import annotations

from http import HTTPStatus


class ClientError(Exception):
    """The request cannot be served as it is; the message is one line, made for the caller."""

    status = HTTPStatus.BAD_REQUEST


class EmptyBodyError(ClientError):
    """The request holds no bytes."""


class NotAVideoError(ClientError):
    """The bytes are no video in a supported container, or hold no picture that can be decoded."""


class NoVideoTrackError(ClientError):
    """The container can be read but holds no moving pictures, for instance sound alone."""


class EncryptedVideoError(ClientError):
    """The pictures are there but encrypted."""


class TooLargePictureError(ClientError):
    """The pictures have more pixels than this server looks at."""


class TooLittleTimeError(ClientError):
    """The invocation's time was over before a single frame was looked at."""


class OptionError(ClientError):
    """The request's CustomAttributes hold an option that is unknown, repeated or wrong."""


class NotAcceptableError(ClientError):
    """The request's Accept names only media types that are not offered."""

    status = HTTPStatus.NOT_ACCEPTABLE
