"""The figures that a command prints are correct, or marked as estimates."""

import io

import pytest

from adapters.cli.console import SafeConsole, progress_bar
from adapters.cli.view_output import show
from application.queries.views import ViewStatus

LIVE = ViewStatus(
    view="measurements",
    generation=1,
    version=1,
    latest_version=1,
    state="live",
    place=0,
    head=0,
    lag_events=0,
    lag_seconds=0.0,
    rows={},
    rate=0.0,
    parked_streams=0,
    workers=[],
)


@pytest.mark.parametrize(("rows", "told"), [(12_546, "~12,500"), (12_554, "~12,600"), (998, "~998"), (0, "~0")])
def test_the_row_count_of_a_view_is_shown_as_an_estimate(
    rows: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show([ViewStatus(**{**{name: getattr(LIVE, name) for name in LIVE.__struct_fields__}, "rows": {"one": rows}})])
    assert told in capsys.readouterr().out.split()


def test_the_status_of_a_view_without_projectors_says_none(capsys: pytest.CaptureFixture[str]) -> None:
    show([LIVE])
    headings, row = (line.split() for line in capsys.readouterr().out.splitlines())
    assert ("projectors", "none") == (headings[-1], row[-1])
    assert "checkpoint" in headings


def test_the_rate_of_what_has_ended_is_that_of_all_of_it_but_for_what_was_done_before() -> None:
    now = 0.0
    out = io.StringIO()
    shown = progress_bar(SafeConsole(file=out, width=200))
    shown.get_time = lambda: now
    with shown:
        task = shown.add_task("growing", total=12_000, completed=2_000, before=2_000, unit="events")
        for now, completed in ((0.5, 11_800), (2.0, 12_000)):  # noqa: B007
            shown.update(task, completed=completed)
    assert " 5,000 events/s" in out.getvalue()
