"""From the text of a pack to checked rules, or to every fault in it at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any

from measures.documents import RulePack, document_content, document_digest
from measures.lifecycle import Lifecycle
from rules.checking import RuleCheck
from rules.faults import Fault, FaultsFound, did_you_mean, nearest
from rules.lifecycle_files import DEFAULT, builtin_lifecycles
from rules.salvage import readable_part
from rules.schema import MAX_CONDITIONS, MAX_RULES, Pack, PackText, Rule
from rules.source import Path, Source, parse, validate
from rules.validation import MOST_FAULTS

PACK = "RulePack"
"""The kind that a pack may say, and may leave out."""


@dataclass(frozen=True, slots=True)
class Misnamed:
    """A lifecycle or gate that a pack names and that is not there.

    Attributes:
        place: where in the pack.
    """

    place: Path
    message: str
    help: str


def load_pack(
    text: str | bytes, name: str, lifecycles: Mapping[str, Lifecycle] | None = None
) -> Pack:
    """Reads the one pack of a text, as a pack file or as a `RulePack` document.

    Args:
        text: YAML.
        name: the file's name, for faults and for `Rule.file`.
        lifecycles: those that the pack may be for, by id; the built-in ones by default.

    Raises:
        FaultsFound: with every fault of the text.
    """
    source = pack_source(text, name)
    return pack_at(source, (0,), builtin_lifecycles() if lifecycles is None else lifecycles)


def pack_source(text: str | bytes, name: str) -> Source:
    """Parses the text of a pack file.

    Raises:
        FaultsFound: when it is not one document.
    """
    source = parse(text, name)
    if len(source.items) != 1:
        message = f"a pack file holds one pack, not {len(source.items)}"
        help_ = "split it into several files" if source.items else "a pack begins with pack: NAME"
        raise FaultsFound([source.fault("D206", (1,), message, help=help_)])
    return source


def pack_at(source: Source, path: Path, lifecycles: Mapping[str, Lifecycle] | None = None) -> Pack:
    """Checks and compiles the pack at a place of a text that may hold other documents too.

    Args:
        source: the text.
        path: where in it.
        lifecycles: those that the pack may be for; None leaves the names of lifecycle and gates
            unchecked, because they were checked before or will be, see `misnamed`.

    Raises:
        FaultsFound: with every fault of the pack.
    """
    _refuse_what_is_no_pack(source, path)
    try:
        text: PackText = validate(source, path, PackText)
    except FaultsFound as found:
        more = _faults_of_readable_rules(source, path, lifecycles)
        told = {
            (one.line, one.column, one.code, "" if one.code == "D203" else one.message): one
            for one in (*more, *found.faults)
        }  # an empty value is noticed twice, in other words
        repeated = islice(_repeated_ids(source, path), MOST_FAULTS)
        raise FaultsFound([*told.values(), *repeated]) from None
    faults: list[Fault] = []
    if lifecycles is not None:
        gates = [rule.gate for rule in text.rules]
        wrong = misnamed(text.lifecycle, gates, lifecycles)
        faults += [_unknown_name(source, path, one) for one in wrong]
    faults += islice(_repeated_ids(source, path), MOST_FAULTS)
    rules: list[Rule] = []
    size = sum(len(condition) for rule in text.rules for condition in rule.conditions)
    if size > MAX_CONDITIONS:
        message = f"the conditions of a pack have at most {MAX_CONDITIONS:,} characters together"
        faults.append(source.fault("R310", (*path, "rules"), message, help="make it two packs"))
        raise FaultsFound(faults)
    for number, rule in enumerate(text.rules):
        check = RuleCheck(source, (*path, "rules", number), rule, text.pack)
        compiled = check.compiled()
        faults.extend(check.faults)
        if len(faults) >= MOST_FAULTS:
            break
        if compiled is not None:
            rules.append(compiled)
    if faults:
        raise FaultsFound(faults)
    document = _document(source, path)
    return Pack(
        id=text.pack,
        title=text.title,
        lifecycle=text.lifecycle,
        rules=tuple(rules),
        digest=document_digest(document),
        file=source.name,
        policy=text.policy,
        document=document,
        checked_against=(lifecycles or {}).get(text.lifecycle),
    )


def _refuse_what_is_no_pack(source: Source, path: Path) -> None:
    node = source.node(path)
    if node is None or not isinstance(node.value, dict):
        fault = source.fault("D206", path, "this is no pack", help="a pack begins with pack: NAME")
        raise FaultsFound([fault])
    kind = str(node.value.get("kind", PACK))[:40]
    if kind != PACK:
        message = f"this is a {kind}, not a pack"
        help_ = (
            did_you_mean(kind, [PACK])
            if nearest(kind, [PACK])
            else ("sluice apply -f FILE --dry-run checks documents of every kind")
        )
        raise FaultsFound([source.fault("D207", (*path, "kind"), message, help=help_)])


def _faults_of_readable_rules(
    source: Source, path: Path, lifecycles: Mapping[str, Lifecycle] | None
) -> list[Fault]:
    """Returns what else is wrong: a misspelt key in one rule must not hide the others' faults."""
    node = source.node(path)
    content = node.value if node else {}
    written = content.get("rules")
    lifecycle = (lifecycles or {}).get(str(content.get("lifecycle", DEFAULT)))
    faults: list[Fault] = []
    size = 0
    for number in range(min(len(written), MAX_RULES) if isinstance(written, list) else 0):
        place = (*path, "rules", number)
        rule = readable_part(source, place)
        if rule is None:
            continue
        size += sum(map(len, rule.conditions))
        if size > MAX_CONDITIONS or len(faults) >= MOST_FAULTS:
            break
        check = RuleCheck(source, place, rule, "")
        check.compiled()
        faults += check.faults
        node = source.node((*place, "gate"))
        readable = node and node.value in (rule.gate, list(rule.gate))
        gate = rule.gate if readable else ()
        for wrong in _misnamed_gates(number, gate, lifecycle) if lifecycle else ():
            faults.append(_unknown_name(source, path, wrong))
    return faults


def _repeated_ids(source: Source, path: Path) -> Iterator[Fault]:
    """Yields a fault for each rule whose id an earlier one has."""
    node = source.node((*path, "rules"))
    first_line: dict[str, int] = {}
    for number in range(len(node.children) if node else 0):
        place = (*path, "rules", number, "id")
        found = source.node(place)
        if found is None or not isinstance(found.value, str):
            continue
        line, _ = source.where(place[:-1])
        if found.value in first_line:
            message = (
                f"the rule id '{found.value}' is used in line {first_line[found.value]} already"
            )
            yield source.fault("R305", place, message, help="give one of the two another id")
        first_line.setdefault(found.value, line)


def misnamed(
    lifecycle: str, gates: Sequence[str | Sequence[str]], lifecycles: Mapping[str, Lifecycle]
) -> Iterator[Misnamed]:
    """Yields what a pack names and what is not there.

    Args:
        lifecycle: the one that the pack is for.
        gates: per rule its gate or gates.
        lifecycles: those that there are, by id.
    """
    known = lifecycles.get(lifecycle)
    if known is None:
        message = f"there is no lifecycle '{lifecycle}'"
        yield Misnamed(("lifecycle",), message, did_you_mean(lifecycle, lifecycles))
        return
    for number, named in enumerate(gates):
        yield from _misnamed_gates(number, named, known)


def _misnamed_gates(
    number: int, named: str | Sequence[str], lifecycle: Lifecycle
) -> Iterator[Misnamed]:
    place: Path = ("rules", number, "gate")
    known = lifecycle.guarded
    if isinstance(named, str):
        places = [(place, named)]
    else:
        places = [((*place, index), gate) for index, gate in enumerate(named)]
    for where, gate in places:
        if gate == lifecycle.first and gate not in known:
            message = f"a measure begins in '{gate}', so no gate leads there"
            yield Misnamed(where, message, f"the first gate is '{known[0]}'")
        elif gate not in known:
            yield Misnamed(where, f"there is no gate '{gate}'", did_you_mean(gate, known))


def _unknown_name(source: Source, path: Path, wrong: Misnamed) -> Fault:
    return source.fault("R304", (*path, *wrong.place), wrong.message, help=wrong.help)


def pack_from_document(document: RulePack) -> Pack:
    """Compiles a pack that was applied before; it has no file, so its rules have line 0.

    Raises:
        FaultsFound: when a newer product no longer accepts the pack.
    """
    content = document_content(document)
    return pack_at(Source.of_data(f"RulePack/{document.id}", content), (0,))


@cache
def builtin_packs() -> tuple[Pack, ...]:
    """Returns the packs that come with the product."""
    return tuple(
        load_pack(file.read_bytes(), f"rules/packs/{file.name}") for file in builtin_pack_files()
    )


def packs_in_force(applied: Mapping[str, RulePack]) -> tuple[Pack, ...]:
    """Returns the built-in packs and those that were applied, an applied one winning."""
    packs = {pack.id: pack for pack in builtin_packs()}
    packs |= {name: pack_from_document(document) for name, document in applied.items()}
    return tuple(packs.values())


def builtin_pack_files() -> list[Any]:
    """Returns the files of the built-in packs, without those of their cases."""
    files = resources.files("rules.packs").iterdir()
    return sorted(
        (
            file
            for file in files
            if file.name.endswith(".yaml") and not file.name.endswith("_cases.yaml")
        ),
        key=lambda file: file.name,
    )


def _document(source: Source, path: Path) -> RulePack:
    found: RulePack = validate(source, path, RulePack)
    return found
