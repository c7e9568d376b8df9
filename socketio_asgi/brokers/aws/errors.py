"""The errors of AWS and of botocore, as ours."""

from __future__ import annotations

from typing import Any, cast

from ...exceptions import NotRetryable

THROTTLED: frozenset[str] = frozenset(
    {
        "EC2ThrottledException",
        "KMSThrottling",
        "KMSThrottlingException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Error codes by which AWS says that there is too much for now.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

PERMANENT: frozenset[str] = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidParameter",
        "InvalidParameterException",
        "MissingAuthenticationToken",
        "NoSuchBucket",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "TagPolicyException",
        "UnrecognizedClientException",
    }
)
"""Error codes that stay the same however often one tries.

Source: https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html
"""

_WITHOUT_SETTINGS = frozenset(
    {
        "NoCredentialsError",
        "NoRegionError",
        "PartialCredentialsError",
        "ParamValidationError",
        "ProfileNotFound",
        "UnknownServiceError",
    }
)
"""Errors of botocore that come before anything is sent."""


class Throttled(ConnectionError):
    """AWS takes no more for now; the same may be tried again a little later."""


def code_of(error: BaseException) -> str:
    """The code that AWS has answered with; empty when the error is another one."""
    response: Any = getattr(error, "response", None)
    if not isinstance(response, dict):
        return ""
    details = cast("dict[str, Any]", response).get("Error")
    code: Any = cast("dict[str, Any]", details).get("Code") if isinstance(details, dict) else ""
    # The older protocol of SQS puts the name of its service in front.
    return str(code).rpartition(".")[2]


def failure(error: Exception, what: str) -> Exception:
    """The error of a library as one of ours.

    Args:
        error: The error.
        what: What was tried, such as ``"sns:Publish"``.

    Returns:
        A :class:`Throttled`, a :class:`.NotRetryable` or a :class:`ConnectionError`.
    """
    code, kind = code_of(error), type(error).__name__
    text = str(error) or repr(error)
    if code in THROTTLED:
        return Throttled(f"{what}: {text}")
    if code in PERMANENT or kind in _WITHOUT_SETTINGS:
        return NotRetryable(f"AWS, {what}: {text}{_hint(kind)}")
    return ConnectionError(f"{what}: {text}")


def _hint(kind: str) -> str:
    if kind == "NoRegionError":
        return " (give region_name, or set AWS_DEFAULT_REGION)"
    return ""
