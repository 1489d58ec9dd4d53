"""Does every document name only what is there? Pure checks against a directory."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connectors.registry import (
    connector_class,
    connector_names,
    manifest_of,
    needs_no_settings,
    settings_faults,
)
from measures.blackouts import Blackout
from measures.chains import NoChainError, chain, refuse_unclear
from measures.conversion import Conversion
from measures.directory import Directory
from measures.documents import Connection, Document, Pool, RulePack
from measures.duties import refuse_mixed_duties
from measures.errors import ConfigurationError, RefusedError
from measures.lifecycle import Lifecycle
from measures.mapping import Mapping as SyncMapping
from measures.people import Delegation, Person, Role
from measures.plan import Demand, Measure
from measures.tree import LEVELS, Node
from rules.lifecycle_files import lifecycles_in_force
from rules.loader import misnamed
from rules.source import did_you_mean

Field = tuple[str | int, ...]


@dataclass(frozen=True)
class Known:
    """Everything that documents may name.

    Attributes:
        measures: each with the stages of its own lifecycle, in order.
        units: of the pools.
    """

    directory: Directory
    pools: frozenset[str]
    measures: Mapping[str, tuple[str, ...]]
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def lifecycles(self) -> Mapping[str, Lifecycle]:
        """What new measures and packs can be for."""
        return lifecycles_in_force(self.directory.lifecycles)


@dataclass(frozen=True)
class Misfit:
    """A reference that leads nowhere, and the field that it stands in."""

    code: str
    field: Field
    message: str
    help: str = ""


def misfits(document: Document, known: Known) -> list[Misfit]:
    """Returns everything that a document names wrongly."""
    match document:
        case Node():
            return list(_node(document, known.directory.nodes))
        case Pool():
            return list(_pool(document, known))
        case Conversion():
            return list(_conversion(document, known))
        case Blackout():
            return list(_blackout(document, known))
        case Connection():
            return list(_connection(document))
        case SyncMapping():
            return list(_mapping(document, known))
        case Delegation():
            return [
                *_person(document.from_, ("from",), known),
                *_person(document.to, ("to",), known),
                *_lacks_role(document.from_, document.role, ("from",), known),
            ]
        case Measure():
            return list(_measure(document, known))
        case RulePack():
            gates = [rule["gate"] for rule in document.rules]
            wrong = misnamed(document.lifecycle, gates, known.lifecycles)
            return [Misfit("R304", one.place, one.message, one.help) for one in wrong]
        case Person() | Lifecycle():
            return []


def _connection(connection: Connection) -> Iterator[Misfit]:
    try:
        faults = settings_faults(connection.connector, connection.settings)
    except ConfigurationError as error:
        hint = did_you_mean(connection.connector, connector_names())
        yield Misfit("unknown-connector", ("connector",), str(error), hint)
        return
    for where, what in faults:
        known = connector_class(connection.connector).Config.model_fields
        hint = did_you_mean(str(where[0]), known) if where and where[0] not in known else ""
        yield Misfit(
            "settings", ("settings", *where), f"{where[-1] if where else ''}: {what}", hint
        )


def _connected(name: str, field: Field, known: Known) -> Iterator[Misfit]:
    """A connector that needs no settings is a connection by itself."""
    connections = known.directory.connections
    if name in connections or (name in connector_names() and needs_no_settings(name)):
        return
    if name in connector_names():
        hint = f"apply a document: kind Connection, id {name}, connector {name}, settings"
    else:
        hint = did_you_mean(name, [*connections, *connector_names()])
    yield Misfit("unknown-connector", field, f"there is no connection {name!r}", hint)


def _has_kind(name: str, kind: str, field: Field, known: Known) -> Iterator[Misfit]:
    """What a connection's system has no kind of can never be read nor written there."""
    connection = known.directory.connections.get(name) or Connection(id=name, connector=name)
    try:
        manifest = manifest_of(connection.connector, connection.settings)
    except ConfigurationError:
        return  # there is no such connection, or only workers have its connector
    if kind not in manifest.kinds:
        kinds = ", ".join(manifest.kinds) or "no kind of object at all"
        yield Misfit(
            "unknown-object",
            field,
            f"connection {name} has no {kind!r}; {manifest.title} has {kinds}",
            did_you_mean(kind, manifest.kinds),
        )


def _blackout(blackout: Blackout, known: Known) -> Iterator[Misfit]:
    yield from _person(blackout.owner, ("owner",), known)
    for number, name in enumerate(blackout.scope.connectors):
        yield from _connected(name, ("scope", "connectors", number), known)
    for number, name in enumerate(blackout.scope.packages):
        if name not in known.directory.nodes:
            yield Misfit(
                "unknown-node",
                ("scope", "packages", number),
                f"there is no node {name!r}",
                did_you_mean(name, known.directory.nodes),
            )


def _mapping(mapping: SyncMapping, known: Known) -> Iterator[Misfit]:
    yield from _connected(mapping.connection, ("connection",), known)
    yield from _has_kind(mapping.connection, mapping.object, ("object",), known)
    if mapping.as_ is not None:
        yield from _person(mapping.as_, ("as",), known)
    for number, name in enumerate(mapping.for_.packages):
        if name not in known.directory.nodes:
            hint = did_you_mean(name, known.directory.nodes)
            place = ("for", "packages", number)
            yield Misfit("unknown-node", place, f"there is no node {name!r}", hint)
    before = known.directory.mappings.get(mapping.id)
    if before is not None and before != mapping and mapping.version <= before.version:
        yield Misfit(
            "version",
            ("version",),
            f"version {before.version} of mapping {mapping.id} says something else: measures keep"
            " the version that they began with, so a change needs a number of its own",
            f"version: {before.version + 1}",
        )


def _node(node: Node, nodes: Mapping[str, Node]) -> Iterator[Misfit]:
    if node.parent is None:
        return
    parent = nodes.get(node.parent)
    if parent is None:
        yield Misfit(
            "unknown-node",
            ("parent",),
            f"there is no node {node.parent!r}",
            did_you_mean(node.parent, nodes),
        )
        return
    above = LEVELS[LEVELS.index(node.level) - 1]
    if parent.level != above:
        yield Misfit(
            "wrong-level",
            ("parent",),
            f"a {node.level} hangs in a {above}, but {parent.id} is a {parent.level}",
        )


def _measure(plan: Measure, known: Known) -> Iterator[Misfit]:
    yield from _package(plan, known.directory.nodes)
    lifecycle = known.lifecycles.get(plan.lifecycle)
    if lifecycle is None:
        yield Misfit(
            "unknown-lifecycle",
            ("lifecycle",),
            f"there is no lifecycle {plan.lifecycle!r}",
            did_you_mean(plan.lifecycle, known.lifecycles),
        )
    for person, field in _persons_of(plan):
        yield from _person(person, field, known)
    for person, role, field in _offices_of(plan):
        yield from _lacks_role(person, role, field, known)
    for number, demand in enumerate(plan.demands):
        if demand.pool not in known.pools:
            yield Misfit(
                "unknown-pool",
                ("demands", number, "pool"),
                f"there is no pool {demand.pool!r}",
                did_you_mean(demand.pool, known.pools),
            )
        yield from _convertible(demand, ("demands", number, "unit"), known)
    yield from _dependencies(plan, known)
    for number, link in enumerate(plan.links):
        yield from _connected(link.connection, ("links", number, "connection"), known)
        yield from _has_kind(link.connection, link.object, ("links", number, "object"), known)
    campaign = plan.campaign
    if campaign is not None:
        yield from _connected(campaign.connector, ("campaign", "connector"), known)
    if campaign is not None and lifecycle is not None and lifecycle.launch_from is None:
        yield Misfit(
            "no-launch",
            ("campaign",),
            f"the lifecycle {lifecycle.id} has no launch, so a campaign could never run",
            "take the campaign out, or a lifecycle with launch_from",
        )
    try:
        refuse_mixed_duties(plan)
    except RefusedError as error:
        yield Misfit(error.code, ("controller",), error.message)


def _pool(pool: Pool, known: Known) -> Iterator[Misfit]:
    yield from _person(pool.owner, ("owner",), known)
    for number, team in enumerate(pool.teams):
        yield from _person(team.lead, ("teams", number, "lead"), known)
    for number, feed in enumerate(pool.feeds):
        yield from _connected(feed.connection, ("feeds", number, "connection"), known)
        yield from _has_kind(feed.connection, feed.object, ("feeds", number, "object"), known)


def _conversion(conversion: Conversion, known: Known) -> Iterator[Misfit]:
    yield from _person(conversion.owner, ("owner",), known)
    conversions = known.directory.conversions
    try:
        refuse_unclear(conversions, conversion)
    except RefusedError as error:
        yield Misfit(error.code, ("to",), error.message)
    before = conversions.get(conversion.id)
    if conversion.actuals and (before is None or before.actuals != conversion.actuals):
        yield Misfit(
            "actuals-are-reported",
            ("actuals",),
            "actuals are reported, not written",
            f"leave them out; sluice actuals {conversion.id} --period PERIOD --in N --out N",
        )


def _convertible(demand: Demand, place: Field, known: Known) -> Iterator[Misfit]:
    unit = known.units.get(demand.pool)
    if demand.unit is None or unit is None or demand.unit == unit:
        return
    try:
        chain(known.directory.conversions, demand.unit, unit)
    except NoChainError as error:
        units = {unit, *(one.from_ for one in known.directory.conversions.values())}
        near = did_you_mean(demand.unit, units)
        own = f"pool {demand.pool} counts {unit}: leave the unit out to state {unit}"
        yield Misfit(error.code, place, error.message, near or own)


def _package(plan: Measure, nodes: Mapping[str, Node]) -> Iterator[Misfit]:
    packages = {name for name, node in nodes.items() if node.level == "package"}
    if plan.package not in packages:
        level = nodes[plan.package].level if plan.package in nodes else None
        what = (
            f"{plan.package!r} is a {level}" if level else f"there is no package {plan.package!r}"
        )
        yield Misfit("unknown-package", ("package",), what, did_you_mean(plan.package, packages))


def _dependencies(plan: Measure, known: Known) -> Iterator[Misfit]:
    for number, dependency in enumerate(plan.dependencies):
        where: Field = ("dependencies", number, "measure")
        if dependency.measure == plan.id:
            yield Misfit("depends-on-itself", where, "a measure cannot wait for itself")
        elif dependency.measure not in known.measures:
            yield Misfit(
                "unknown-measure",
                where,
                f"there is no measure {dependency.measure!r}",
                did_you_mean(dependency.measure, known.measures),
            )
        stages = known.measures.get(dependency.measure, ())
        if stages and dependency.stage not in stages:
            yield Misfit(
                "unknown-stage",
                ("dependencies", number, "stage"),
                f"measure {dependency.measure} has no stage {dependency.stage!r}",
                did_you_mean(dependency.stage, stages),
            )


def _persons_of(plan: Measure) -> Iterator[tuple[str | None, Field]]:
    yield plan.owner, ("owner",)
    yield plan.sponsor, ("sponsor",)
    yield plan.controller, ("controller",)
    yield plan.approvals.escalate_to, ("approvals", "escalate_to")
    for number, member in enumerate(plan.steering_committee):
        yield member, ("steering_committee", number)
    for field, items in (
        ("kpis", [kpi.owner for kpi in plan.kpis]),
        ("milestones", [milestone.owner for milestone in plan.milestones]),
    ):
        for number, owner in enumerate(items):
            yield owner, (field, number, "owner")
    for number, commitment in enumerate(plan.commitments):
        yield commitment.who, ("commitments", number, "who")
    for number, promise in enumerate(plan.promises):
        yield promise.backed_by, ("promises", number, "backed_by")


def _offices_of(plan: Measure) -> Iterator[tuple[str | None, Role, Field]]:
    yield plan.sponsor, "sponsor", ("sponsor",)
    yield plan.controller, "controller", ("controller",)
    for number, member in enumerate(plan.steering_committee):
        yield member, "committee", ("steering_committee", number)


def _person(person: str | None, field: Field, known: Known) -> Iterator[Misfit]:
    people = known.directory.people
    if person is not None and person not in people:
        yield Misfit(
            "unknown-person", field, f"there is no person {person!r}", did_you_mean(person, people)
        )


def _lacks_role(person: str | None, role: Role, field: Field, known: Known) -> Iterator[Misfit]:
    known_person = known.directory.people.get(person or "")
    if known_person is not None and role not in known_person.roles:
        yield Misfit(
            "role-missing",
            field,
            f"{person} does not bear the role {role}",
            f"their document says roles: [{', '.join(known_person.roles)}]",
        )
