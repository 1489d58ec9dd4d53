"""What a manifest says about one request, and about a list that comes in pages."""

from typing import Annotated, Literal, Self

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, Field, model_validator

from connectors.contract import ConnectionConfig
from connectors.rest.secrecy import HELP, is_secret, refuse_literals
from connectors.rest.template import Body, Template, names_in

LARGEST_PAGE = 1_000
"""Rows."""

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


def _is_query(text: str) -> str:
    try:
        jmespath.compile(text)
    except JMESPathError as error:
        reason = str(error).splitlines()[0]
        msg = f"{text!r} is no place in an answer (JMESPath, like ticket.status.name): {reason}"
        raise ValueError(msg) from None
    return text


Query = Annotated[str, Field(max_length=1_000), AfterValidator(_is_query)]
"""Where something lies in an answer: a JMESPath expression (jmespath.org), mostly just a.b.c."""


def _is_path(text: str) -> str:
    if text.startswith("/") or "://" in text or ".." in text.split("/"):
        msg = f"{text!r} is no path below the url: write it without a leading slash, like tickets"
        raise ValueError(msg)
    if set(text) & set("?#"):
        msg = f"{text!r} is more than a path: parameters go under `query`"
        raise ValueError(msg)
    return text


Path = Annotated[Template, AfterValidator(_is_path)]


def _is_open(name: str) -> str:
    if is_secret(name):
        msg = f"{name} carries a secret: {HELP}"
        raise ValueError(msg)
    return name


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$"), AfterValidator(_is_open)]
"""A header whose value may be read by everybody who reads the manifest."""


class Asking(ConnectionConfig):
    """A request.

    Attributes:
        method: of HTTP.
        path: below the url; every value in it is escaped.
        query: parameters of the query.
        headers: headers of this request alone.
        body: sent as JSON.
    """

    method: Method = "GET"
    path: Path
    query: Annotated[dict[str, Template], AfterValidator(refuse_literals)] = {}
    headers: dict[HeaderName, Template] = {}
    body: Annotated[Body, AfterValidator(refuse_literals)] = None

    @property
    def names(self) -> frozenset[str]:
        """The values that it has places for."""
        return frozenset().union(*map(names_in, (self.path, self.query, self.headers, self.body)))


class Showing(Asking):
    """A request that is answered with one object.

    Attributes:
        row: where the object lies in the answer.
    """

    row: Query = "@"


class Writing(Asking):
    """A request that changes something."""

    method: Method = "POST"


class Making(Writing):
    """A request that makes an object.

    Attributes:
        ref: where its ref lies in the answer; without it the new object is looked for.
    """

    ref: Query | None = None


class Paging(ConnectionConfig):
    """How a list goes on.

    Attributes:
        by: offset and page: by a number in the query; cursor: by what the answer before says;
            link: by its header Link (RFC 8288), next.
        parameter: of the query, for what it goes on with.
        size_parameter: of the query, for how many to give at once.
        size: how many to ask for at once.
        first: the number of the first page.
        total: where the answer says how many there are; without it a list ends with the first
            answer that brings nothing new.
        next: where the answer says how to go on, for a cursor.
    """

    by: Literal["offset", "page", "cursor", "link"]
    parameter: str = Field(default="", max_length=200)
    size_parameter: str = Field(default="", max_length=200)
    size: int = Field(default=100, ge=1, le=LARGEST_PAGE)
    first: int = Field(default=1, ge=0, le=1)
    total: Query | None = None
    next: Query | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.by != "link" and not self.parameter:
            msg = f"paging by {self.by} needs `parameter`, the one of the query that goes on"
            raise ValueError(msg)
        if (self.by == "cursor") != (self.next is not None):
            msg = "`next` says where the cursor lies in an answer; paging by cursor needs it"
            raise ValueError(msg)
        return self


class Listing(Asking):
    """A request that is answered with rows.

    Attributes:
        rows: where the list lies in the answer.
        paging: how it goes on; without it one answer has it all.
    """

    rows: Query = "@"
    paging: Paging | None = None
