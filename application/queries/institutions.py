"""Queries for institutions."""

from typing import ClassVar

from msgspec import Struct

from application.queries.query import Paging, Query


class ListInstitutions(Query, frozen=True, kw_only=True):
    """Latest registered first."""

    name: ClassVar[str] = "list_institutions"

    paging: Paging = Paging()


class ReadInstitution(Query, frozen=True, kw_only=True):
    name: ClassVar[str] = "read_institution"

    institution_id: str


class Institution(Struct, frozen=True):
    id: str
    type: str
    name: str
    address: str | None
    latitude: float | None
    longitude: float | None
