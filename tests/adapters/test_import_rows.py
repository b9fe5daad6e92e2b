"""A row of a CSV file becomes an entry exactly as written, or is reported by its line."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adapters.cli.importing import csv_rows
from adapters.cli.importing.csv_rows import Arguments, InvalidArguments, InvalidRow, Item, Reading, Table

FILE = Path("folder/weights.csv")


def table(content: bytes | str) -> Table:
    sent = content.encode() if isinstance(content, str) else content
    return Table(FILE, io.TextIOWrapper(io.BytesIO(sent), encoding="utf-8-sig", newline=""))


def read(content: bytes | str, **changes: str) -> list[Item | InvalidRow]:
    """The rows of a file with a column `v`; each is a subject of its own, at noon."""
    arguments = {"brand": "b", "value": "v", "subject": "row", "at": "2019-06-20T12:00:00Z"}
    return list(Reading(table(content), Arguments(**arguments | changes)).items())


def values(content: bytes | str) -> list[tuple[int, str]]:
    """The line and the value of each entry."""
    return [(row.line, row.value) for row in read(content) if isinstance(row, Item)]


def invalid_rows(content: bytes | str, **changes: str) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in read(content, **changes) if isinstance(row, InvalidRow)]


def times(content: str, **changes: str) -> list[str]:
    return [row.recorded_at for row in read(content, **changes) if isinstance(row, Item)]


texts = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ['"', '""', "\r", "\n", "\r\n", ",", " ", "\0"]
)
writings = st.sampled_from([("\r\n", False), ("\r\n", True), ("\n", True)])


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]], bytes]:
    """The columns and rows of a table, and a file that holds them."""
    columns = draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    rows = draw(st.lists(st.lists(texts, min_size=len(columns), max_size=len(columns)), max_size=5))
    ending, quoted = draw(writings)
    marked = draw(st.booleans())
    assume(marked or not columns[0].startswith("\ufeff"))
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=ending, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    for row in [columns, *rows]:
        file.write(ending * draw(st.integers(0, 2)))
        writer.writerow(row)
    return columns, rows, file.getvalue().encode("utf-8-sig" if marked else "utf-8")


@given(tables())
def test_any_table_of_texts_comes_out_as_it_is_written(drawn: tuple[list[str], list[list[str]], bytes]) -> None:
    columns, rows, content = drawn
    listed = io.StringIO(newline="")
    csv.writer(listed, quoting=csv.QUOTE_ALL).writerow(columns)
    arguments = Arguments(brand="b", value=columns[0], subject=columns[-1], at="1990-01-01", metadata=listed.getvalue())
    items = list(Reading(table(content), arguments).items())
    expected = [(row[-1], row[0], dict(zip(columns, row, strict=True))) for row in rows]
    assert expected == [(item.subject_id, item.value, item.metadata) for item in items if isinstance(item, Item)]
    assert len(rows) == len(items)
    assert items == msgspec.json.decode(msgspec.json.encode(items), type=list[Item])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"v\n1\n2\n", [(2, "1"), (3, "2")]),
        (b"v\r\n1\r\n2", [(2, "1"), (3, "2")]),
        (b"v\r1\r2\r", [(2, "1"), (3, "2")]),
        (b"\xef\xbb\xbfv,w\n1,x\n", [(2, "1")]),
        (b"\n\r\nv,w\n\n1,x\n  \n\n2,x\n\n", [(5, "1"), (8, "2")]),
        (b'v,w\n1,"x\ny\r\nz"\n2,x\n', [(2, "1"), (5, "2")]),
        (b'v,w\n"1,5","say ""x"""\n', [(2, "1,5")]),
        (b"v,w\n 1.0 ,x\n", [(2, " 1.0 ")]),
        (b'v\n""\n" "\n', [(2, ""), (3, " ")]),
        (b"v\n", []),
        (b"v", []),
    ],
    ids=repr,
)  # fmt: skip
def test_a_value_is_known_by_the_line_on_which_its_row_begins(content: bytes, expected: list[tuple[int, str]]) -> None:
    assert expected == values(content)


def test_a_csv_row_with_a_wrong_number_of_fields_is_reported_and_the_others_are_read() -> None:
    content = "v,w\n1,x\n2\n3,x,y\n4,x\n"
    assert [(2, "1"), (5, "4")] == values(content)
    reasons = ["it has 1 fields, the first line has 2", "it has 3 fields, the first line has 2"]
    assert list(zip([3, 4], reasons, strict=True)) == invalid_rows(content)


@pytest.mark.parametrize(
    ("bad", "lines"),
    [('2,"x"y', 1), ('2,"x', 1), (f'2,"{"x" * 200_000}"', 1), ('2,"' + "x\n" * 100_000 + "x", 65_537)],
    ids=["after the quote", "open quote", "long field", "long open quote"],
)
def test_an_invalid_csv_row_is_reported_with_the_last_line_read(bad: str, lines: int) -> None:
    content = f"v,w\n1,x\n{bad}\n"
    assert [(2, "1")] == values(content)
    (line, reason), *_ = invalid_rows(content)
    assert (3, True) == (line, reason.startswith(f"it is no CSV, read as far as line {2 + lines}: ")), reason


def test_rows_that_are_their_own_subject_are_numbered_whatever_becomes_of_those_before() -> None:
    rows = read("v,w\n1,x\n2\n\n3,x\n")
    assert ["weights-1", "weights-3"] == [row.subject_id for row in rows if isinstance(row, Item)]


def test_a_column_comes_before_a_word_or_a_date() -> None:
    (row,) = read("v,row,2019-06-20\n1,anna,2020-01-01T00:00:00Z\n", subject="row", at="2019-06-20")
    assert Item(2, "anna", "b", "1", "2020-01-01T00:00:00Z", {}) == row


@pytest.mark.parametrize(
    ("days", "time"),
    [
        ("0", "1990-01-01T00:00:00.000Z"),
        ("21", "1990-01-22T00:00:00.000Z"),
        ("0.5", "1990-01-01T12:00:00.000Z"),
        ("0.7", "1990-01-01T16:48:00.000Z"),
        ("-1.25", "1989-12-30T18:00:00.000Z"),
        ("1e2", "1990-04-11T00:00:00.000Z"),
        ("59", "1990-03-01T00:00:00.000Z"),
    ],
)
def test_days_are_counted_from_the_start(days: str, time: str) -> None:
    assert [time] == times(f"v,d\n1,{days}\n", at="d", start="1990-01-01")


@pytest.mark.parametrize("days", ["", "x", "nan", "inf", "1e999", "1e7", "-1e7", "1990-01-01"])
def test_an_invalid_number_of_days_is_reported_with_its_line(days: str) -> None:
    content = f"v,d\n1,{days}\n"
    assert [(2, "--at: the value is not a number of days from --start")] == invalid_rows(
        content, at="d", start="1990-01-01"
    )


def test_a_time_is_sent_as_it_stands_and_a_date_alone_is_its_midnight() -> None:
    sent = ["2019-06-20", "2019-06-20T14:00:00+02:00", "", "20.6.2019"]
    content = "v,d\n" + "".join(f"1,{time}\n" for time in sent)
    assert ["2019-06-20T00:00:00Z", *sent[1:]] == times(content, at="d")
    assert ["2019-06-20T00:00:00.000Z"] == times("v\n1\n", at="2019-06-20")


def test_a_start_may_be_a_time() -> None:
    assert ["1990-01-02T06:00:00.000Z"] == times("v,d\n1,1\n", at="d", start="1990-01-01T08:00:00+02:00")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"value": "V"}, "--value: there is no column 'V' in folder/weights.csv, which has 'v', 'w'"),
        ({"subject": "x"}, "--subject: there is no column 'x'"),
        ({"at": "x"}, "--at: there is no column 'x'"),
        ({"at": "1990"}, "--at: '1990' is no column and no date"),
        ({"at": "1990-02-30"}, "--at: '1990-02-30' is no column and no date"),
        ({"at": ""}, "--at: there is no column ''"),
        ({"at": "w", "start": "w"}, "--start: 'w' is no"),
        ({"at": "1990-01-01", "start": "1990-01-01"}, "--start: the days"),
        ({"metadata": "w,x"}, "--metadata: there is no column 'x'"),
        ({"metadata": "w,"}, "--metadata: there is no column ''"),
    ],
)
def test_words_that_do_not_fit_the_file_are_named(changes: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidArguments) as told:
        read("v,w\n1,x\n", **changes)
    assert str(told.value).startswith(named)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "is empty"),
        (b"\n\r\n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"v,w,v\n", "'v' twice"),
        (b"v,,\n", "'' twice"),
        (b'"v\n', "line 1: it is no CSV"),
        (b"v,\xe4\n1,2\n", "is not UTF-8"),
        (b"v,w\n" + b"1,2\n" * 10_000 + b"1,\xe4\n", "is not UTF-8"),
        ("v,w\n1,2\n".encode("utf-16"), "is not UTF-8"),
    ],
    ids=lambda content: repr(content)[:30],
)
def test_a_file_that_is_no_table_is_refused(content: bytes, named: str) -> None:
    with pytest.raises(InvalidArguments, match=named):
        read(content)


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    for path, named in ((tmp_path / "x.csv", "there is no file"), (tmp_path, "is no file")):
        with pytest.raises(InvalidArguments, match=named), csv_rows.opened(path):
            pass


def test_a_csv_file_is_read_only_as_far_as_its_rows_are_consumed() -> None:
    content = io.BytesIO(b"v,w\n" + b"1,x\n" * 1_000_000)
    items = Reading(
        Table(FILE, io.TextIOWrapper(content, encoding="utf-8-sig", newline="")),
        Arguments(brand="b", value="v", subject="row", at="1990-01-01"),
    ).items()
    assert [2, 3, 4] == [next(items).line for _ in range(3)]
    assert content.tell() < 100_000


@pytest.fixture(autouse=True, scope="module")
def _field_limit() -> Iterator[None]:
    """Python's own limit of a field, which another module may have changed."""
    limit = csv.field_size_limit(131_072)
    yield
    csv.field_size_limit(limit)
