"""Errors of the caller. Each becomes a 4xx with a reason in one line."""

from __future__ import annotations

from http import HTTPStatus


class ClientError(Exception):
    """The request is invalid. The message is one line for the caller."""

    status = HTTPStatus.BAD_REQUEST


class EmptyBodyError(ClientError):
    """The request has no body."""


class NotAVideoError(ClientError):
    """The body is not a video in a supported container, or has no picture that can be decoded."""


class NoVideoTrackError(ClientError):
    """The container has no video track, for example only sound."""


class EncryptedVideoError(ClientError):
    """The video is encrypted."""


class TooLargePictureError(ClientError):
    """The pictures have more pixels than this server accepts."""


class TooLittleTimeError(ClientError):
    """The deadline passed before the first frame was processed."""


class OptionError(ClientError):
    """The request's CustomAttributes have an option that is unknown, repeated or invalid."""


class NotAcceptableError(ClientError):
    """The request's Accept header names no media type that the handler offers."""

    status = HTTPStatus.NOT_ACCEPTABLE


class RequestError(ClientError):
    """The body is no valid request object."""


class WrongTypeError(ClientError):
    """The request's content type is not the one of its body."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class SourceError(ClientError):
    """The video that the request points to cannot be read."""


class ForbiddenSourceError(SourceError):
    """The request points to a location that this endpoint may not read."""

    status = HTTPStatus.FORBIDDEN


class MissingVideoError(SourceError):
    """There is no object at the location that the request points to."""

    status = HTTPStatus.NOT_FOUND


class ChangedVideoError(SourceError):
    """The object does not have the ETag that the request states."""

    status = HTTPStatus.CONFLICT
