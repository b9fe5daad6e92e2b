"""DuckDB as a peer: queries over the same rows in an in-memory table."""

from typing import Any

import duckdb

from scripts.benchmarks.read_entries import FIRST, Entries

SERIES = """
select date_trunc('week', moment), count(*), avg(value), min(value), max(value)
from entries group by 1 order by 1
"""
DAYS = "select date_trunc('day', moment) as day, avg(value) from entries group by 1 order by 1"
SUMMARY = """
select count(*), count(distinct subject_id), avg(value), median(value), stddev_samp(value), min(value), max(value),
    min(moment), max(moment)
from entries
"""
IMPROVING = """
select count(*) filter (where slope > 0) / count(*) from (
    select regr_slope(mean, epoch(day) / 86400) as slope from (
        select subject_id, date_trunc('day', moment) as day, avg(value) as mean from entries group by 1, 2
    ) group by subject_id having count(*) > 1
)
"""

Rows = list[tuple[Any, ...]]


class Peer:
    """The table. Its values are doubles: the usual choice, and faster than decimals."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("create table entries (subject_id varchar, moment timestamp, value double)")

    def add(self, entries: Entries) -> None:
        columns = {"subject": entries.subject, "after": entries.moment, "hundredths": entries.hundredths}
        self._connection.register("columns", columns)
        start = int(FIRST.timestamp() * 1000)
        self._connection.execute(
            "insert into entries"
            " select 'subject ' || subject, make_timestamp_ms(after + ?), hundredths / 100 from columns",
            [start],
        )
        self._connection.unregister("columns")

    def rows(self, question: str) -> Rows:
        return self._connection.execute(question).fetchall()

    def version(self) -> str:
        (row,) = self.rows("select version(), current_setting('threads')")
        return f"{row[0]}, {row[1]} threads"
