"""Faults between a request and a usable reply. Each fault knows what may be tried next.

Adapters raise these and nothing else; `engine.models.caller` is the one place that retries.
"""

from __future__ import annotations

from ralph_hooks.core.usage import Usage


class ModelError(Exception):
    """A call to a model did not give a usable reply. ``str()`` is a sentence for the user, without the key."""

    outcome = "fault"
    """Name of the fault in the ledger and the report."""
    billed = False
    """True if the provider has worked and will charge for it."""
    usage: Usage | None = None
    """Usage of the call, if the provider reported it with an unusable answer."""


class Unreachable(ModelError):
    """Refused, DNS, reset, timeout, 408, 409, 5xx, 529, an error event: may be gone in a moment."""

    outcome = "unreachable"


class TimedOut(ModelError):
    """Nothing came within the part of the run's time that this model was given."""

    outcome = "timeout"
    billed = True


class RateLimited(ModelError):
    """429. ``retry_after`` is in seconds, None if the provider did not say."""

    outcome = "rate-limited"

    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Misconfigured(ModelError):
    """TLS failure, unusable CA path, malformed key, redirect to elsewhere: only the user can fix it (exit 2)."""

    outcome = "misconfigured"


class NoCredential(ModelError):
    """The environment variable that should hold the key is not set."""

    outcome = "no-credential"


class Denied(ModelError):
    """401, 402 or 403. ``key_refused`` says that it is the key itself, of which there may be a newer one."""

    outcome = "denied"

    def __init__(self, message: str, *, key_refused: bool = False) -> None:
        super().__init__(message)
        self.key_refused = key_refused


class NotFound(ModelError):
    """404: the provider does not have this model (or the base URL is wrong)."""

    outcome = "not-found"


class TooLarge(ModelError):
    """413, or the context window is too small: fewer files in one request may fit."""

    outcome = "too-large"


class Rejected(ModelError):
    """400 or 422. ``parameter`` is the request field that the provider named, None if it named none."""

    outcome = "rejected"

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class Unreadable(ModelError):
    """HTML, broken JSON, a bad encoding, a short body, or JSON of another shape than requested.

    ``partial`` is the usable part of a reply in which something else could not be used.
    """

    outcome = "unreadable"
    billed = True

    def __init__(self, message: str, partial: object = None) -> None:
        super().__init__(message)
        self.partial = partial


class Truncated(ModelError):
    """The reply stopped at the token limit, or was empty: a higher limit may help."""

    outcome = "truncated"
    billed = True


class Refused(ModelError):
    """The model declined, or a content filter cut in. Never a pass."""

    outcome = "refused"
    billed = True


class AgentFailed(ModelError):
    """A coding agent ended with its own error. Its edits so far are in the scratch copy."""

    outcome = "agent-failed"
    billed = True


class DeadlineReached(ModelError):
    """The run's deadline came first."""

    outcome = "deadline"
    billed = True


class Batched(DeadlineReached):
    """The answer comes later, with a batch. Nothing was sent for this call."""

    outcome = "batched"
    billed = False


class BudgetReached(ModelError):
    """The call could cost more than the budget has left. Nothing was sent.

    ``may_fit_later`` is true where only calls that are under way keep it out: most cost a fraction of their worst case.
    """

    outcome = "budget"

    def __init__(self, message: str, *, may_fit_later: bool = False) -> None:
        super().__init__(message)
        self.may_fit_later = may_fit_later


class Skipped(ModelError):
    """The model failed a moment ago, in this run or another, and was not called again."""

    outcome = "skipped"
