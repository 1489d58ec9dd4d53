"""From files to documents, every fault of every file in one go."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from console.walking import files_in, no_file
from measures.documents import KINDS, Document, RulePack
from measures.errors import ConfigurationError
from rules.loader import pack_at
from rules.source import Fault, FaultsFound, Source, did_you_mean, examine, validate

DOCUMENT_ENDINGS = (".yaml", ".yml", ".json")
LARGEST_FILE = 16 * 1024 * 1024
"""A file of documents may hold thousands; a single document is bound at the engine's door."""

MOST_FAULTS = 100
"""So many are told at once."""


@dataclass(frozen=True)
class Located:
    """A document and where it stands."""

    document: Document
    source: Source
    path: tuple[str | int, ...]

    @property
    def kind(self) -> str:
        """The kind of document."""
        return self.document.kind

    @property
    def id(self) -> str:
        """The document's name within its kind."""
        return self.document.id

    def where(self, *field: str | int) -> tuple[str, int, int]:
        """Returns file, line and column of a field, or of the document itself."""
        line, column = self.source.where((*self.path, *field))
        return self.source.name, line, column


@dataclass(frozen=True)
class Reading:
    """What was read: good documents, and every fault of the others."""

    documents: tuple[Located, ...]
    faults: tuple[Fault, ...]
    texts: dict[str, str]


def files_under(paths: Iterable[Path]) -> list[Path]:
    """Returns the document files that paths name; folders are walked, cases left out.

    What is no file of a folder's own is left out and told, see `walking.files_in`.

    Raises:
        FileNotFoundError: a path is not there.
        ConfigurationError: a path is neither a file nor a folder, or a folder without documents.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = files_in(path, DOCUMENT_ENDINGS)
            documents = [file for file in inside if not file.stem.endswith("_cases")]
            if not documents:
                raise ConfigurationError(
                    f"there are no documents in {path}: their names end with"
                    f" {', '.join(DOCUMENT_ENDINGS)}"
                )
            found += documents
        elif path.is_file():
            found.append(path)
        elif path.exists() or path.is_symlink():
            raise ConfigurationError(no_file(path))
        else:
            raise FileNotFoundError(str(path))
    return found


def read_files(paths: Iterable[Path]) -> Reading:
    """Reads documents from files; of very many faults the first, and how many more there are.

    Raises:
        ConfigurationError: a file cannot be read.
    """
    documents: list[Located] = []
    faults: list[Fault] = []
    texts: dict[str, str] = {}
    for path in paths:
        try:
            text = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
        reading = read_text(text, str(path))
        documents += reading.documents
        faults += reading.faults
        texts |= reading.texts
    if len(faults) > MOST_FAULTS:
        first, rest = faults[:MOST_FAULTS], faults[MOST_FAULTS:]
        more = {"code": "D209", "message": f"and {len(rest):,} more faults", "help": ""}
        faults = [*first, rest[0].model_copy(update={**more, "expected": ""})]
    return Reading(tuple(documents), tuple(faults), texts)


def read_text(text: str | bytes, name: str) -> Reading:
    """Reads the documents of one text: one, several, or a list of them."""
    shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
    try:
        source, refused = examine(text, name, max_bytes=LARGEST_FILE)
    except FaultsFound as found:
        return Reading((), found.faults, {name: shown})
    if source is None:
        return Reading((), FaultsFound(refused).faults, {name: shown})
    if not refused and all(item is None for item in source.data):
        return Reading((), (source.fault("D206", (), f"no documents in {name}"),), {name: shown})
    documents: list[Located] = []
    faults: list[Fault] = []
    for number in range(len(source.data)):
        try:
            documents.append(read_one(source, (number,)))
        except FaultsFound as found:
            faults += found.faults
    if refused:
        # Of a text in which something cannot be read as it stands no document counts. Its other
        # faults are told in the same go, but nothing twice at one place.
        documents.clear()
        places = {(one.line, one.column) for one in refused}
        further = [one for one in faults if (one.line, one.column) not in places]
        faults = list(FaultsFound([*refused, *further]).faults)
    return Reading(tuple(documents), tuple(faults), {name: shown})


def read_one(source: Source, path: tuple[str | int, ...]) -> Located:
    """Reads the document at a place of a parsed text.

    Raises:
        FaultsFound: it is none, or has faults.
    """
    node = source.node(path)
    content = node.value if node else None
    if not isinstance(content, dict):
        raise FaultsFound([source.fault("D206", path, "this is no document", expected="a map")])
    kind = content.get("kind", "RulePack" if "pack" in content else None)
    if not isinstance(kind, str) or kind not in KINDS:
        where = (*path, "kind") if "kind" in content else path
        message = f"there is no kind {kind!r}" if kind else "a document says its kind first"
        hint = did_you_mean(str(kind or ""), KINDS)
        raise FaultsFound([source.fault("D207", where, message, expected="a kind", help=hint)])
    document: Document = validate(source, path, KINDS[kind])
    if isinstance(document, RulePack):
        pack_at(source, path)
    return Located(document, source, path)
