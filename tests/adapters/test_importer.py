"""A CSV file becomes entries as it is written, and they reach a service that is busy, away or strict."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adapters import csv_entries, importer
from adapters.csv_entries import Arguments, Item, Reading, Table, Unfit, WrongArguments
from adapters.import_target import Outcome, Target, outcome_of
from adapters.importer import Tally
from adapters.patient_client import LONGEST_WAIT, PAUSES, PatientClient, Unanswered

FILE = Path("folder/weights.csv")


def table(content: bytes | str) -> Table:
    sent = content.encode() if isinstance(content, str) else content
    return Table(FILE, io.TextIOWrapper(io.BytesIO(sent), encoding="utf-8-sig", newline=""))


def read(content: bytes | str, **changes: str) -> list[Item | Unfit]:
    """The rows of a file with a column `v`; each is a subject of its own, at noon."""
    arguments = {"brand": "b", "value": "v", "subject": "row", "at": "2019-06-20T12:00:00Z"}
    return list(Reading(table(content), Arguments(**arguments | changes)).items())


def values(content: bytes | str) -> list[tuple[int, str]]:
    """The line and the value of each entry."""
    return [(row.line, row.value) for row in read(content) if isinstance(row, Item)]


def unfit(content: bytes | str, **changes: str) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in read(content, **changes) if isinstance(row, Unfit)]


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


def test_a_ragged_row_is_told_and_the_others_go_on() -> None:
    content = "v,w\n1,x\n2\n3,x,y\n4,x\n"
    assert [(2, "1"), (5, "4")] == values(content)
    reasons = ["it has 1 fields, the first line has 2", "it has 3 fields, the first line has 2"]
    assert list(zip([3, 4], reasons, strict=True)) == unfit(content)


@pytest.mark.parametrize(
    ("bad", "lines"),
    [('2,"x"y', 1), ('2,"x', 1), (f'2,"{"x" * 200_000}"', 1), ('2,"' + "x\n" * 100_000 + "x", 65_537)],
    ids=["after the quote", "open quote", "long field", "long open quote"],
)
def test_a_row_that_is_no_csv_is_told_with_how_far_it_was_read(bad: str, lines: int) -> None:
    content = f"v,w\n1,x\n{bad}\n"
    assert [(2, "1")] == values(content)
    (line, reason), *_ = unfit(content)
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
def test_what_is_no_number_of_days_in_the_calendar_is_told(days: str) -> None:
    content = f"v,d\n1,{days}\n"
    assert [(2, "its --at is no number of days from --start on")] == unfit(content, at="d", start="1990-01-01")


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
    with pytest.raises(WrongArguments) as told:
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
    with pytest.raises(WrongArguments, match=named):
        read(content)


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    for path, named in ((tmp_path / "x.csv", "there is no file"), (tmp_path, "is no file")):
        with pytest.raises(WrongArguments, match=named), csv_entries.opened(path):
            pass


def test_no_more_of_a_file_is_read_than_is_asked_for() -> None:
    content = io.BytesIO(b"v,w\n" + b"1,x\n" * 1_000_000)
    items = Reading(
        Table(FILE, io.TextIOWrapper(content, encoding="utf-8-sig", newline="")),
        Arguments(brand="b", value="v", subject="row", at="1990-01-01"),
    ).items()
    assert [2, 3, 4] == [next(items).line for _ in range(3)]
    assert content.tell() < 100_000


Answer = httpx.Response | Exception


class Scripted:
    """A service that gives the answers it was told to give, one after another, after a login that always works."""

    def __init__(self, *answers: Answer | Callable[[httpx.Request], Answer]) -> None:
        self._answers = iter(answers)
        self.waits: list[float] = []
        self.bodies: list[Any] = []
        self.logins = 0
        http = httpx.Client(transport=httpx.MockTransport(self._answer), base_url="http://service")
        self.client = PatientClient(http, "admin", "secret", lambda seconds, _: self.waits.append(seconds))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/auth":
            self.logins += 1
            return httpx.Response(200, json={"access_token": f"token {self.logins}"})
        assert f"Bearer token {self.logins}" == request.headers["Authorization"]
        self.bodies.append(json.loads(request.content or "null"))
        answer = next(self._answers)
        given = answer(request) if callable(answer) else answer
        if isinstance(given, Exception):
            raise given
        return given

    def send(self, *rows: Item | Unfit) -> Tally:
        tally = Tally()
        self.client.log_in()
        assert len(rows) == sum(importer.send(self.client, "id", iter(rows), tally))
        return tally


def items(number: int) -> list[Item]:
    return [Item(line, "anna", "b", str(line), "1990-01-01T00:00:00Z", {}) for line in range(2, number + 2)]


def accept(request: httpx.Request) -> httpx.Response:
    return httpx.Response(207, json={"success": json.loads(request.content), "error": []})


def refuse(code: int, message: str) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        error = [{"code": code, "error": "x", "message": message, "item": item} for item in json.loads(request.content)]
        return httpx.Response(207, json={"success": [], "error": error})

    return answer


def busy(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": "x", "message": "Later."}, headers=headers)


def after(seconds: str) -> httpx.Response:
    return httpx.Response(503, json={"error": "x", "message": "Later."}, headers={"Retry-After": seconds})


def test_batches_have_a_thousand_rows_at_most() -> None:
    service = Scripted(accept, accept, accept)
    assert Tally(new=2_001) == service.send(*items(2_001))
    assert [1_000, 1_000, 1] == list(map(len, service.bodies))


def test_a_busy_service_is_waited_for_as_long_as_it_asks() -> None:
    limited = httpx.Response(429, json={"error": "x", "message": "y"}, headers={"Retry-After": "17"})
    service = Scripted(limited, after("3"), after("nonsense"), httpx.Response(502, text="<html>"), accept)
    assert Tally(new=3) == service.send(*items(3))
    assert [17.0, 3.0, PAUSES[2], PAUSES[3]] == service.waits


def test_a_broken_connection_is_tried_again_with_the_same_rows() -> None:
    lost = httpx.RemoteProtocolError("Server disconnected"), httpx.ConnectError("refused"), httpx.ReadTimeout("")
    service = Scripted(*lost, refuse(409, "there"))
    assert Tally(there=2) == service.send(*items(2))
    assert [service.bodies[0]] * 4 == service.bodies
    assert list(PAUSES[:3]) == service.waits


@pytest.mark.parametrize("answer", [after("1"), httpx.ConnectError("refused")], ids=["busy", "away"])
def test_a_service_that_does_not_come_back_is_given_up(answer: Answer) -> None:
    service = Scripted(*[answer] * (len(PAUSES) + 1))
    with pytest.raises(Unanswered):
        service.send(*items(1))
    assert len(PAUSES) == len(service.waits)
    assert sum(PAUSES) <= sum(service.waits) <= sum(PAUSES) + 2


def test_a_service_that_asks_for_too_much_patience_is_given_up_at_once() -> None:
    service = Scripted(after(f"{LONGEST_WAIT + 1:.0f}"))
    with pytest.raises(Unanswered, match="503: Later"):
        service.send(*items(1))
    assert [] == service.waits


def test_an_address_at_which_nobody_answered_yet_is_given_up_at_once() -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    waits: list[float] = []
    http = httpx.Client(transport=httpx.MockTransport(nobody), base_url="http://service")
    with pytest.raises(Unanswered, match="http://service cannot be reached: refused"):
        PatientClient(http, "admin", "secret", lambda seconds, _: waits.append(seconds)).log_in()
    assert [] == waits


def test_a_token_that_has_expired_is_replaced() -> None:
    service = Scripted(accept, busy(401), accept)
    assert Tally(new=1_001) == service.send(*items(1_001))
    assert 2 == service.logins


def test_what_is_too_large_is_sent_in_halves_and_a_single_row_refused() -> None:
    def strict(request: httpx.Request) -> httpx.Response:
        rows = json.loads(request.content)
        if len(rows) > 2 or any(row["line"] == 4 for row in rows):
            return httpx.Response(413, json={"error": "x", "message": "The limit is 2 items."})
        return accept(request)

    service = Scripted(*[strict] * 20)
    tally = service.send(*items(7))
    assert (6, 0, 1, [4]) == (tally.new, tally.there, tally.refused, [row.line for row in tally.first])
    assert "The limit is 2 items." == tally.first[0].reason


def test_of_the_refused_the_first_ten_are_told_in_the_order_of_the_file() -> None:
    service = Scripted(refuse(400, "value is bad"), refuse(500, "Request id: 1"))
    rows: list[Item | Unfit] = [*items(1_100)]
    rows[3] = Unfit(5, "ragged")
    tally = service.send(*rows)
    assert (0, 0, 1_100) == (tally.new, tally.there, tally.refused)
    told = tally.told().splitlines()
    assert "0 new, 0 there already, 1,100 refused" == told[0]
    reasons = ["value is bad"] * 3 + ["ragged"] + ["value is bad"] * 6
    assert [f"line {line}: {reason}" for line, reason in enumerate(reasons, start=2)] == told[1:11]
    assert ["… and 1,090 more that were refused"] == told[11:]


def test_rows_that_all_make_no_entry_are_not_sent() -> None:
    service = Scripted()
    assert 1 == service.send(Unfit(2, "ragged")).refused
    assert [] == service.bodies


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(403, json={"error": "forbidden", "message": "admin role required"}),
        httpx.Response(404, json={"code": 404, "message": "Endpoint not found!"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(207, content=b"\xff"),
        httpx.Response(207, json={"success": []}),
        httpx.Response(207, json={"success": [], "error": []}),
        httpx.Response(301, headers={"Location": "http://elsewhere"}),
    ],
    ids=lambda answer: str(answer.status_code),
)
def test_an_answer_to_a_batch_that_is_none_ends_the_import_in_a_sentence(answer: httpx.Response) -> None:
    with pytest.raises(Unanswered, match=r"\w.*[.!\w]$"):
        Scripted(answer).send(*items(1))


WANTED = Target(name="b", brand_id="farm", metric_key="weight", unit="g")


def outcomes(*names: str) -> httpx.Response:
    listed = [{"id": name * 3, "name": name, "unit": None, "direction": "x", "other": 1} for name in names]
    return httpx.Response(200, json={"outcomes": listed, "total": 5_000})


@pytest.mark.parametrize(
    "answers",
    [
        [outcomes("a", "b")],
        [outcomes(*["a"] * 1_000), outcomes("b")],
        [outcomes("a"), busy(409), outcomes("b")],
    ],
    ids=["on the first page", "on the second page", "created by somebody else meanwhile"],
)
def test_an_outcome_that_is_there_is_found(answers: list[httpx.Response]) -> None:
    service = Scripted(*answers)
    service.client.log_in()
    assert Outcome("bbb", "b", None, "x") == outcome_of(service.client, WANTED)


def test_an_outcome_that_is_not_there_is_created() -> None:
    service = Scripted(
        outcomes("a", "B"), httpx.Response(201, json={"id": "1", "name": "b", "unit": "g", "direction": "x"})
    )
    service.client.log_in()
    assert Outcome("1", "b", "g", "x") == outcome_of(service.client, WANTED)
    assert {"name": "b", "brand_id": "farm", "metric_key": "weight", "unit": "g"} == service.bodies[1]


@pytest.fixture(autouse=True, scope="module")
def _field_limit() -> Iterator[None]:
    """Python's own limit of a field, which another module may have changed."""
    limit = csv.field_size_limit(131_072)
    yield
    csv.field_size_limit(limit)
