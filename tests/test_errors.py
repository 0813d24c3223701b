"""The exception tree."""

from __future__ import annotations

import pytest

from infinium_otel import errors
from infinium_otel.errors import InfiniumError


@pytest.mark.parametrize(
    "name",
    [
        "AuthenticationError",
        "ValidationError",
        "RateLimitError",
        "NotFoundError",
        "ServerError",
        "NetworkError",
        "ClosedError",
        "SpoolError",
    ],
)
def test_each_carries_status_field_and_delay(name):
    """Every error has status, field and retry-after, and is an InfiniumError."""
    error = getattr(errors, name)(
        "m", status_code=418, field="f", retry_after=2.0, details={"k": 1}
    )
    assert isinstance(error, InfiniumError)
    assert (error.message, error.status_code, error.field) == ("m", 418, "f")
    assert (error.retry_after, error.details) == (2.0, {"k": 1})


def test_a_timeout_is_a_network_error():
    """Catching NetworkError catches a timeout."""
    error = errors.InfiniumTimeoutError(timeout_duration=3.0)
    assert isinstance(error, errors.NetworkError)
    assert error.timeout_duration == 3.0


def test_a_batch_error_counts():
    """A stopped batch reports what it had done."""
    error = errors.BatchError("stopped", successful_count=2, errors=["a", "b"])
    assert (error.successful_count, error.failed_count) == (2, 2)
    assert error.errors == ("a", "b")


def test_configuration_mistakes_are_one_text():
    """All mistakes are named at once."""
    error = errors.ConfigurationError(["a: bad", "b: bad"])
    assert str(error) == "a: bad; b: bad"


def test_a_missing_extra_names_what_to_install():
    """The message is the command that mends it."""
    error = errors.MissingExtraError("the gateway", "server")
    assert "pip install 'infinium-otel[server]'" in str(error)
    assert error.extra == "server"
