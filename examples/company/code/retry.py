"""Retries for calls that may fail for a moment.

Only calls that are safe to repeat belong in here: reads, and writes that carry an idempotency key. The worker libraries
use it, the client libraries of the shop do not (see the page of the checkout service).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class TransientError(Exception):
    """The other side could not answer now; the same call may succeed later."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RetriesExhausted(Exception):
    """The last attempt failed too. The cause is in ``__cause__``."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently to try."""

    attempts: int = 4
    first_delay: float = 0.2
    longest_delay: float = 5.0
    budget: float = 12.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("attempts must be at least 1")
        if self.first_delay <= 0 or self.longest_delay < self.first_delay:
            raise ValueError("delays must be positive and in order")

    def delay(self, attempt: int, rng: random.Random) -> float:
        """The pause after a failed attempt, counted from 1: full jitter below an exponential ceiling."""
        ceiling = min(self.longest_delay, self.first_delay * 2 ** (attempt - 1))
        return rng.uniform(0.0, ceiling)


def retry(
    call: Callable[[], T],
    policy: RetryPolicy = RetryPolicy(),
    *,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
    rng: random.Random | None = None,
) -> T:
    """Runs ``call`` until it succeeds, the attempts are used up, or the budget of seconds is spent.

    A ``retry_after`` that the other side sends is obeyed even when it is longer than ``longest_delay``, as long as the
    budget allows it. Anything but :class:`TransientError` is raised at once.
    """
    rng = rng or random.Random()
    deadline = now() + policy.budget
    for attempt in range(1, policy.attempts + 1):
        try:
            return call()
        except TransientError as error:
            pause = error.retry_after if error.retry_after is not None else policy.delay(attempt, rng)
            if attempt == policy.attempts or now() + pause > deadline:
                raise RetriesExhausted(f"gave up after {attempt} attempts") from error
            sleep(pause)
    raise AssertionError("unreachable")
