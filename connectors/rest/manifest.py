"""The manifest: what a connection's settings say about a system's REST interface.

It is judged when the document is applied, with the place of each fault. What it does not say, the
system cannot do. What could lead to duplicates or silent losses is refused here, not found out
later: an object that can be made must be findable by our name, what can be changed must be
readable, a comment must be recognisable.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from connectors.address import Address
from connectors.contract import Capability, ConnectionConfig, Manifest, ProofLevel, Scalar
from connectors.rest.access import Access
from connectors.rest.asking import Asking, HeaderName, Listing, Making, Query, Showing, Writing
from connectors.rest.template import Template
from connectors.secrets import SecretRef
from connectors.signatures import SIGNED_TOO, Scheme

_RESERVED = frozenset({"ref", "id", "tag", "key", "status", "share", "since", "external_id"})

FieldName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]


class ShownField(ConnectionConfig):
    """A field of an object.

    Attributes:
        at: where its value lies in a row.
        title: as people see it.
        type: what it holds.
        required: whether a new object needs it.
        choices: the values of a choice.
    """

    at: Query
    title: str = Field(default="", max_length=200)
    type: Literal["text", "number", "boolean", "date", "datetime", "choice", "other"] = "text"
    required: bool = False
    choices: tuple[str, ...] = Field(default=(), max_length=500)


class Shape(ConnectionConfig):
    """Where things lie in a row, whether it comes alone or in a list.

    Attributes:
        ref: its name there.
        title: its title.
        status: its status.
        external_id: our name for it.
        updated: when it last changed.
        version: what changes with every change; without it, everything shown here counts.
        actor: who changed it last.
        tag: what a change must repeat (`{tag}`, often an ETag), so that nobody's is overwritten.
        web: the address where people look at it; `{ref}` is its name.
        fields: everything else, each a place or a place with more about it.
    """

    ref: Query
    title: Query
    status: Query | None = None
    external_id: Query | None = None
    updated: Query | None = None
    version: Query | None = None
    actor: Query | None = None
    tag: Query | None = None
    web: Template | None = None
    fields: dict[FieldName, Query | ShownField] = Field(default={}, max_length=200)

    @property
    def places(self) -> dict[str, str]:
        """Where each field lies, the title among them."""
        more = {n: one.at if isinstance(one, ShownField) else one for n, one in self.fields.items()}
        return {"title": self.title, **more}

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        taken = sorted(_RESERVED & self.fields.keys())
        if taken:
            msg = (
                f"{', '.join(taken)} means something else in templates: give the field another name"
            )
            raise ValueError(msg)
        return self


class Commenting(Writing):
    """A request that adds a comment, `{text}`, which ends with the key of what wrote it.

    Attributes:
        seen: lists the comments of an object, by which one that is there already is known.
        text: where a comment's text lies in such a row.
    """

    seen: Listing
    text: Query


class Kind(ConnectionConfig):
    """A kind of object.

    Attributes:
        object: where things lie in a row.
        time: how times are written, both ways: iso, epoch, epoch_ms, or a pattern like
            %Y-%m-%d %H:%M:%S, then in UTC.
        statuses: the statuses as they are shown, each with what is sent for it (`{status}`).
        closed: those of them that mean done.
        moves: from each status to those that can follow; empty where nobody knows.
        get: reads the object `{ref}`.
        find: lists objects among which the one named `{external_id}` is.
        create: makes one.
        update: changes the object `{ref}`; only fields that differ are sent.
        transition: moves the object `{ref}` to `{status}`.
        comment: adds a comment to the object `{ref}`.
        changes: lists what changed at or after `{since}`, oldest first.
    """

    object: Shape
    time: str = Field(default="iso", max_length=100)
    statuses: dict[str, Scalar] = Field(default={}, max_length=200)
    closed: tuple[str, ...] = ()
    moves: dict[str, tuple[str, ...]] = {}
    get: Showing
    find: Listing | None = None
    create: Making | None = None
    update: Writing | None = None
    transition: Writing | None = None
    comment: Commenting | None = None
    changes: Listing | None = None

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        known = frozenset(self.object.places)
        new = known | {"text", "external_id", "key"}
        lock = {"ref", "tag", "key"} if self.object.tag else {"ref", "key"}
        _only("get", self.get, {"ref"})
        _only("find", self.find, {"external_id"})
        _only("create", self.create, new)
        _only("update", self.update, known | lock)
        _only("transition", self.transition, {"status"} | lock)
        _only("comment", self.comment, {"text"} | lock)
        _only("comment.seen", self.comment and self.comment.seen, {"ref"})
        _only("changes", self.changes, {"since"})
        if self.create and (not self.find or not self.object.external_id):
            msg = "create needs find and object.external_id: a repeat would make a second object"
            raise ValueError(msg)
        if self.create and "external_id" not in self.create.names:
            msg = "create sends {external_id} nowhere: what it made could not be found again"
            raise ValueError(msg)
        if self.changes and not self.object.updated:
            msg = "changes needs object.updated, the time by which they are ordered"
            raise ValueError(msg)
        if self.transition and (not self.object.status or not self.statuses):
            msg = "transition needs object.status and statuses, to see whether it went well"
            raise ValueError(msg)
        if self.comment and "text" not in self.comment.names:
            msg = "comment sends {text} nowhere"
            raise ValueError(msg)
        self._names_statuses()
        return self

    def _names_statuses(self) -> None:
        named = {*self.closed, *self.moves, *(to for many in self.moves.values() for to in many)}
        strange = sorted(named - self.statuses.keys())
        if strange:
            msg = f"{', '.join(strange)} is not among statuses"
            raise ValueError(msg)


Failure = Literal["RetryLater", "Conflict", "Rejected", "AuthFailed", "NotFound", "Unsupported"]


class ErrorRule(ConnectionConfig):
    """What an answer means where the usual rules of HTTP do not tell.

    Attributes:
        status: of HTTP, one or several; 200 too, where a system says no politely.
        when: must hold of the answer's JSON, e.g. code == 'LOCKED'; empty: any.
        failure: what it is.
        message: where the system's words lie in the answer.
    """

    status: tuple[int, ...] = Field(min_length=1, max_length=50)
    when: Query | None = None
    failure: Failure
    message: Query | None = None


class Campaigns(ConnectionConfig):
    """How campaigns are held and released. `{ref}` is what the measure calls the campaign.

    Attributes:
        level: enforced where a held campaign really stops; advisory where it is a label.
        look: shows a campaign; where its row is a list of several, nobody knows which is meant.
        state: where its state lies in the row.
        held: the states that mean that nothing runs.
        released: the states that mean that it runs.
        id: where the system's own name lies, `{id}` in what follows; else it is `{ref}`.
        share: where the share that runs lies, if it can run in part.
        whole: what the system writes for all of it: 1, or 100 where it counts per cents.
        hold: stops it.
        release: lets `{share}` of it run, or all where it names no share.
        throttle: changes `{share}` while it runs; without it, release does.
    """

    level: ProofLevel
    look: Showing
    state: Query
    held: tuple[str, ...] = Field(min_length=1)
    released: tuple[str, ...] = Field(min_length=1)
    id: Query | None = None
    share: Query | None = None
    whole: float = Field(default=1.0, gt=0)
    hold: Writing
    release: Writing
    throttle: Writing | None = None

    @property
    def knows_shares(self) -> bool:
        """Whether a part of a campaign can run."""
        return self.share is not None

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        both = sorted(set(self.held) & set(self.released))
        if both:
            msg = f"{', '.join(both)} cannot mean both held and released"
            raise ValueError(msg)
        _only("look", self.look, {"ref"})
        _only("hold", self.hold, {"ref", "id", "key"})
        _only("release", self.release, {"ref", "id", "key", "share"})
        _only("throttle", self.throttle, {"ref", "id", "key", "share"})
        if ("share" in self.release.names) != self.knows_shares:
            msg = "`share` says where the share is read, {share} in release sends it: both or none"
            raise ValueError(msg)
        if self.throttle and "share" not in self.throttle.names:
            msg = "throttle sends {share} nowhere"
            raise ValueError(msg)
        return self


class WebhookRule(ConnectionConfig):
    """What the system's webhooks look like.

    Attributes:
        scheme: how they are signed.
        secret: where what signs them lies; several with spaces between while it is changed.
        events: where the list of events lies in a body that holds several.
        kind: where an event's kind of object lies; in quotes where it is always the same.
        kinds: what its words for kinds mean here, where they differ; `campaign` is a campaign.
        ref: where the object's ref lies.
        delivery: the header that names a delivery besides its content, where bodies repeat
            themselves; one that is signed, or whoever changed it could play a delivery again.
    """

    scheme: Scheme
    secret: SecretRef
    events: Query = "@"
    kind: Query
    kinds: dict[str, str] = Field(default={}, max_length=100)
    ref: Query
    delivery: str = Field(default="", pattern=r"^[A-Za-z0-9-]{0,100}$")

    @model_validator(mode="after")
    def _delivery_is_signed(self) -> Self:
        signed = SIGNED_TOO.get(self.scheme)
        if self.delivery and self.delivery.lower() != signed:
            help_ = f"write {signed}" if signed else "leave `delivery` out: the body names it"
            msg = (
                f"{self.delivery} is not signed by scheme {self.scheme}, so whoever changed it"
                f" could play a delivery again: {help_}"
            )
            raise ValueError(msg)
        return self


class Account(Showing):
    """Asks who we are.

    Attributes:
        name: where our name lies, as it is shown as the actor of our writes.
        version: where the system's version lies.
    """

    name: Query
    version: Query | None = None


class RestConfig(ConnectionConfig):
    """The settings of a connection `rest`: the manifest.

    Attributes:
        title: the system's name, for people.
        url: the interface's address, e.g. https://desk.example.com/api
        access: who we are there.
        headers: sent with every request.
        account: asks who we are.
        overlap: seconds; how far a poll looks back behind what it has seen.
        kinds: the kinds of object.
        errors: what answers mean where the usual rules of HTTP do not tell; the first that fits.
        campaigns: how campaigns are held and released.
        webhook: what its webhooks look like.
    """

    title: str = Field(min_length=1, max_length=100)
    url: Address
    access: Access = Access()
    headers: dict[HeaderName, str] = {}
    account: Account
    overlap: float = Field(default=2.0, ge=0, le=3600)
    kinds: dict[FieldName, Kind] = Field(default={}, max_length=50)
    errors: tuple[ErrorRule, ...] = Field(default=(), max_length=100)
    campaigns: Campaigns | None = None
    webhook: WebhookRule | None = None

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        _only("account", self.account, set())
        if "campaign" in self.kinds:
            msg = "campaigns are described under `campaigns`, not among kinds"
            raise ValueError(msg)
        if self.webhook:
            strange = sorted({*self.webhook.kinds.values()} - {*self.kinds, "campaign"})
            if strange:
                msg = f"webhook.kinds: {', '.join(strange)} is not among kinds"
                raise ValueError(msg)
        return self


def _only(what: str, asking: Asking | None, names: frozenset[str] | set[str]) -> None:
    strange = sorted(asking.names - names) if asking else []
    if strange:
        known = ", ".join(f"{{{name}}}" for name in sorted(names)) or "none"
        msg = f"{what} has a place for {{{strange[0]}}}, which is not known there; known: {known}"
        raise ValueError(msg)


def manifest_of(name: str, config: RestConfig) -> Manifest:
    """Returns what a connection can do: what its manifest says, and nothing else."""
    kinds = config.kinds.values()
    said: dict[Capability, Any] = {
        "describe": kinds,
        "find": any(one.find for one in kinds),
        "upsert": any(one.create for one in kinds),
        "transition": any(one.transition for one in kinds),
        "comment": any(one.comment for one in kinds),
        "changes": any(one.changes for one in kinds),
        "hold": config.campaigns,
        "throttle": config.campaigns and config.campaigns.knows_shares,
        "webhooks": config.webhook,
    }
    return Manifest(
        name=name,
        title=config.title,
        api="as the manifest says",
        kinds=tuple(config.kinds),
        can=frozenset(one for one, there in said.items() if there),
        hold=config.campaigns.level if config.campaigns else None,
        overlap=timedelta(seconds=config.overlap),
    )
