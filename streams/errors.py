"""The errors that end a command, by what is to be done about them; exit codes are theirs.

    OrderwatchError
    ├── PoisonError          the record is bad: dead letter with its reason, never retried
    ├── TransientError       the surroundings are bad: bounded retry with back-off, then stop (exit 3)
    └── ConfigurationError   the settings are bad: stop at start (exit 2), naming key, value, expectation

Rooms derive their own from these, and have others that never leave them. Anything else is a bug: the
record stays unacknowledged and the worker stops with exit 70.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Not at run time: `--help` needs no models.
    from pydantic import ValidationError


class OrderwatchError(Exception):
    """Base of all errors raised on purpose; `exit_code` is what the command line returns for it."""

    exit_code = 70


# Why the worker refuses a record that the contract of its body allows; `schemas.refusal.REASONS` are
# the faults of a body. Together they are all that a dead letter can say.
POISON_REASONS = (
    "missing_value",
    "too_large",
    "missing_key",
    "key_mismatch",
    "bad_key",
    "future_time",
    "invalid_signal",
)


class PoisonError(OrderwatchError):
    """One record can never be applied. `reason` is a short code from a closed set (a metric label)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def future_time(at_ms: int, latest_ms: int) -> PoisonError:
    """What is wrong with an event that claims to be from later than `latest_ms`."""
    ahead_s = (at_ms - latest_ms) / 1000
    return PoisonError(
        "future_time",
        f"occurred_at is {ahead_s:.0f} s further ahead than allowed; check the sender's clock and time "
        "zone (nearly 8 h: a time of China that was sent as UTC) and send it again; replay it only if "
        "its time is right, and this machine's clock or ORDERWATCH_MAX_FUTURE_S was wrong",
    )


def too_large(size: int, max_record_bytes: int) -> PoisonError:
    """What is wrong with a value of so many bytes."""
    return PoisonError(
        "too_large",
        f"the value has {size} bytes, more than max_record_bytes = {max_record_bytes}; send less, or "
        "raise the limit and replay",
    )


def bad_key(name: str) -> PoisonError:
    """What is wrong with an event whose ids, `name`, cannot be a record key."""
    return PoisonError(
        "bad_key",
        f"the ids {name!r} hold a character that is not printable, such as a line break or a blank other "
        "than the plain one; expected printable text",
    )


def first_problem(error: ValidationError) -> str:
    """Where a body breaks its contract first, and how; without its input, which may hold personal data."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'body'}: {first['msg']}"


class TransientError(OrderwatchError):
    """Something outside did not answer; trying again may help."""

    exit_code = 3


class ConfigurationError(OrderwatchError):
    """A setting, a rule or an argument cannot be used."""

    exit_code = 2
