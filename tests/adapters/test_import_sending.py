"""An import sends entries to a service that is busy, unreachable or strict, and reports the result of each."""

import json

import httpx
import pytest

from adapters.cli.import_csv import Tally
from adapters.cli.importing.csv_rows import InvalidRow, Item
from adapters.cli.importing.retrying_client import LONGEST_WAIT, PAUSES, RetryingClient, ServiceFailed
from tests.adapters.scripted_service import Answer, Scripted, accept, after, busy, items, refuse


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
    with pytest.raises(ServiceFailed):
        service.send(*items(1))
    assert len(PAUSES) == len(service.waits)
    assert sum(PAUSES) <= sum(service.waits) <= sum(PAUSES) + 2


def test_a_service_that_asks_for_too_much_patience_is_given_up_at_once() -> None:
    service = Scripted(after(f"{LONGEST_WAIT + 1:.0f}"))
    with pytest.raises(ServiceFailed, match="503: Later"):
        service.send(*items(1))
    assert [] == service.waits


def test_an_address_at_which_nobody_answered_yet_is_given_up_at_once() -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    waits: list[float] = []
    http = httpx.Client(transport=httpx.MockTransport(nobody), base_url="http://service")
    with pytest.raises(ServiceFailed, match="http://service cannot be reached: refused"):
        RetryingClient(http, "admin", "secret", lambda seconds, _: waits.append(seconds)).log_in()
    assert [] == waits


def test_a_token_that_has_expired_is_replaced() -> None:
    service = Scripted(accept, busy(401), accept)
    assert Tally(new=1_001) == service.send(*items(1_001))
    assert 2 == service.logins


def test_an_import_batch_that_is_too_large_is_sent_in_halves_down_to_a_refused_row() -> None:
    def strict(request: httpx.Request) -> httpx.Response:
        rows = json.loads(request.content)
        if len(rows) > 2 or any(row["line"] == 4 for row in rows):
            return httpx.Response(413, json={"error": "x", "message": "The limit is 2 items."})
        return accept(request)

    service = Scripted(*[strict] * 20)
    tally = service.send(*items(7))
    assert (6, 0, 1, [4]) == (tally.new, tally.there, tally.refused, [row.line for row in tally.first])
    assert "The limit is 2 items." == tally.first[0].reason


def test_an_import_lists_the_first_ten_refused_rows_in_file_order() -> None:
    service = Scripted(refuse(400, "value is bad"), refuse(500, "Request id: 1"))
    rows: list[Item | InvalidRow] = [*items(1_100)]
    rows[3] = InvalidRow(5, "ragged")
    tally = service.send(*rows)
    assert (0, 0, 1_100) == (tally.new, tally.there, tally.refused)
    told = tally.told().splitlines()
    assert "0 new, 0 there already, 1,100 refused" == told[0]
    reasons = ["value is bad"] * 3 + ["ragged"] + ["value is bad"] * 6
    assert [f"line {line}: {reason}" for line, reason in enumerate(reasons, start=2)] == told[1:11]
    assert ["… and 1,090 more that were refused"] == told[11:]


def test_rows_that_all_make_no_entry_are_not_sent() -> None:
    service = Scripted()
    assert 1 == service.send(InvalidRow(2, "ragged")).refused
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
    with pytest.raises(ServiceFailed, match=r"\w.*[.!\w]$"):
        Scripted(answer).send(*items(1))
