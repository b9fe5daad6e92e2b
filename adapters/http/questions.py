"""The parameters of questions about outcomes, each read as what it should be, or refused by name."""

import re
from datetime import datetime

from msgspec import Struct

from adapters.http import filters, times
from adapters.http.requests import HttpRequest
from application.queries.outcomes import Period, Slice
from domain.refusal import BadFilter

_WHOLE = re.compile(r"[0-9]{1,18}")


class Questions(Struct, frozen=True):
    """Parameters that nobody asks for are passed over; of one that is told twice the last counts."""

    request: HttpRequest

    def text(self, name: str) -> str | None:
        text = self.request.query_params.get(name)
        if text is not None and "\0" in text:
            raise BadFilter(name)
        return text

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        text = self.text(name)
        if text not in choices:
            raise BadFilter(name)
        return text

    def period(self) -> Period:
        """`from` is inclusive, `to` exclusive; a date alone is its midnight in UTC."""
        return Period(self._time("from"), self._time("to"))

    def slice(self) -> Slice:
        limit, offset = self._whole("limit", Slice().limit), self._whole("offset", Slice().offset)
        if not 1 <= limit <= filters.LIMIT:
            raise BadFilter("limit")
        return Slice(limit, offset)

    def _time(self, name: str) -> datetime | None:
        text = self.text(name)
        if text is None:
            return None
        time = filters.time(text)
        if time is None:
            raise BadFilter(name)
        return time

    def instant(self, name: str) -> datetime | None:
        """To the microsecond, as times of recording are; a date alone is its midnight in UTC."""
        text = self.text(name)
        if text is None:
            return None
        time = times.exactly(text) or filters.time(text)
        if time is None:
            raise BadFilter(name)
        return time

    def _whole(self, name: str, default: int) -> int:
        text = self.text(name)
        if text is None:
            return default
        if not _WHOLE.fullmatch(text):
            raise BadFilter(name)
        return int(text)
