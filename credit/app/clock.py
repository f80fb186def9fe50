"""The one place that asks what day it is. `CREDIT_NOW` (ISO, UTC) fixes it for tests and for reruns of a past night.

It does not open the past: the book writes nothing that is dated more than an hour before what it wrote last.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from credit.app import configuration

# The platform's day is China's; it is eight hours ahead of UTC all year.
CHINA_AHEAD = timedelta(hours=8)


def now() -> datetime:
    """This moment in UTC, whole seconds, without a zone, as all `*_at` values are."""
    moment = configuration.current().now or datetime.now(UTC)
    in_utc = moment.astimezone(UTC) if moment.tzinfo else moment
    return in_utc.replace(tzinfo=None, microsecond=0)


def day_of(moment: datetime) -> date:
    """The day in China that a moment falls on."""
    return (moment + CHINA_AHEAD).date()


def span_of(day: date) -> tuple[datetime, datetime]:
    """The moments, in UTC, at which a day in China begins and the next one does.

    >>> span_of(date(2026, 11, 2))[0].isoformat()
    '2026-11-01T16:00:00'
    """
    begins = datetime.combine(day, time()) - CHINA_AHEAD
    return begins, begins + timedelta(days=1)
