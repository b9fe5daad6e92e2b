"""Requests that post weights, joined from bytes that are prepared before the clock starts."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

INSTANT = b"0000-00-00T00:00:00."
MILLISECONDS = [b"%03dZ" % number for number in range(1000)]


def seconds_of(series: int) -> Iterator[bytes]:
    """The 86,400 seconds of the day of one series; each has a thousand instants."""
    first = datetime(1900, 1, 1, tzinfo=UTC) + timedelta(days=series)
    for second in range(86_400):
        yield (first + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.").encode()


def requests(children: Sequence[str], token: str, series: int, items: int) -> Iterator[tuple[bytes, bytes]]:
    """Requests with one weight and a body fat, or with an array of weights; each with the text that its response must
    contain per item.

    No child gets an instant twice, over all series.
    """
    weight = b'{"timestamp":"%b%b","value":70.2,"unit":"kg"'
    if items == 1:
        body = weight % (INSTANT, MILLISECONDS[0]) + b',"body_fat":20.1}'
    else:
        body = b"[%b]" % b",".join(weight % (INSTANT, each) + b"}" for each in MILLISECONDS[:items])
    shape = (
        "POST /v1/children/{}/weights HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n"
        "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n"
    )
    heads = [shape.format(child, token, len(body)).encode() for child in children]
    before, after = body[: body.find(INSTANT)], body[body.find(INSTANT) + len(INSTANT) + 4 :]
    for second in seconds_of(series):
        if items == 1:
            for millisecond in MILLISECONDS:
                instant = second + millisecond
                rest = before + instant + after
                for head in heads:
                    yield head + rest, instant
        else:
            array = body.replace(INSTANT, second)
            for head in heads:
                yield head + array, b'"code":201'
