"""The weekly maintenance window, as GKE takes it."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from settings.maintenance import Maintenance, Weekday


def test_the_default_is_the_weekend_at_night() -> None:
    window = Maintenance()
    assert window.recurrence == "FREQ=WEEKLY;BYDAY=SA,SU"
    assert window.first_window == ("2026-01-10T02:00:00Z", "2026-01-10T08:00:00Z")


def test_a_window_may_go_over_midnight() -> None:
    window = Maintenance(days=(Weekday.SUN, Weekday.MON), start="22:30", hours=6)
    assert window.recurrence == "FREQ=WEEKLY;BYDAY=MO,SU"
    assert window.first_window == ("2026-01-05T22:30:00Z", "2026-01-06T04:30:00Z")


@given(st.sets(st.sampled_from(list(Weekday)), min_size=3), st.integers(0, 23), st.integers(4, 24))
def test_the_first_window_begins_on_one_of_its_days(days: set[Weekday], hour: int, hours: int) -> None:
    begin, end = Maintenance(days=tuple(days), start=f"{hour:02}:00", hours=hours).first_window
    first, last = datetime.fromisoformat(begin), datetime.fromisoformat(end)
    assert list(Weekday)[first.weekday()] in days
    assert (last - first).total_seconds() == 3600 * hours
