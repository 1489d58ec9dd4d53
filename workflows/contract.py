"""What crosses the border between workflows, activities and clients: names, ids, messages.

The names are persisted in histories: never rename one.
"""

from typing import Any, Literal

from temporalio.common import SearchAttributeKey

from measures.answers import Refusal
from measures.documents import Pool
from measures.entry import Draft
from measures.launch import LaunchOrder, LaunchState, Sighting
from measures.launch import PauseOrder as PauseOrder
from measures.launch import ShareOrder as ShareOrder
from measures.model import Moment, Share, Stored
from measures.places import Places
from measures.plan import Demand, Measure
from measures.pool_state import PoolState, Uncovered
from measures.state import MeasureState, Reserved
from measures.turns import USUAL
from measures.verdict import Verdict

MEASURE_WORKFLOW = "MeasureLifecycle"
POOL_WORKFLOW = "CapacityPool"
REVOCATIONS_WORKFLOW = "RevocationSigning"
LAUNCH_WORKFLOW = "LaunchControl"

ACT_ON_MEASURE = "act_on_measure"
ACT_ON_POOL = "act_on_pool"
ACT_ON_LOAD = "act_on_load"
RESERVE_CAPACITY = "reserve_capacity"
TAKE_PLACES = "take_places"
SIGN_REVOCATIONS = "sign_revocations"
TELL_LAUNCH = "tell_launch"
ACT_ON_LAUNCH = "act_on_launch"
BRING_CAMPAIGN = "bring_campaign"
LOOK_AT_CAMPAIGN = "look_at_campaign"

FACTS_CHANGED = "facts_changed"
ORDER = "order"
SET_SHARE = "set_share"
PAUSE_CAMPAIGN = "pause_campaign"
UNPAUSE = "unpause"
LOOK_NOW = "look_now"
TRY_NOW = "try_now"
CAMPAIGN_SHOWS = "campaign_shows"
MAPPINGS_CHANGED = "mappings_changed"

STAGE = SearchAttributeKey.for_keyword("SluiceStage")
VERDICT = SearchAttributeKey.for_keyword("SluiceVerdict")
TYPE = SearchAttributeKey.for_keyword("SluiceType")
PACKAGE = SearchAttributeKey.for_keyword("SluicePackage")
OWNER = SearchAttributeKey.for_keyword("SluiceOwner")

DECISION_LIMIT = 64 * 1024
"""The largest decision in bytes; one update of more than 2 MB would wedge its workflow."""

FACTS_LIMIT = 256 * 1024
"""The largest document or report in bytes."""

MeasureVerb = Literal[
    "define",
    "advance",
    "launch",
    "launch_again",
    "sign",
    "amend",
    "report",
    "hold",
    "resume",
    "cancel",
    "step_back",
    "migrate",
    "notify",
    "told",
    "released",
    "reserved",
    "waive",
    "revoke",
    "expire",
    "renew_permit",
    "revoke_permit",
]
PoolVerb = Literal["open", "change", "report_capacity", "reserve", "release", "queue", "expire"]


class MeasureStart(Stored):
    """How a measure's workflow begins.

    Attributes:
        plan: of a new measure; None when `state` goes on.
        state: of a life that goes on, after continue-as-new or a rebuild from the ledger.
        recovered: whether it goes on after a rebuild, when what the pools hold may not fit.
        mapped: whether a mapping is known to concern it.
        spaced: whether changes of what Temporal lists are spaced; see `workflows.showing`.
    """

    measure: str
    plan: Measure | None = None
    by: str = "operator"
    command: str = ""
    state: MeasureState | None = None
    recovered: bool = False
    mapped: bool = False
    spaced: bool = False


class MeasureAct(Stored):
    """One request to a measure, to be decided and recorded.

    Attributes:
        known: how many entries the workflow has seen.
        ask: the request's model as plain data; see `measures.requests`.
        held: what was reserved for the gate; None before it was.
        final: record the verdict even if it passes on capacity that is not held.
    """

    measure: str
    known: int
    verb: MeasureVerb
    ask: dict[str, Any] = {}
    at: Moment
    command: str
    held: Reserved | None = None
    final: bool = False


class MeasureRecord(Stored):
    """What came of a request to a measure.

    Attributes:
        entries: everything recorded that the workflow has not seen, in order.
        verdict: what the gate answered, where that left no entry.
        wants_capacity: the gate would open; its capacity is to be reserved first.
        demands: what to reserve, in the pools' units, where the plan states some in others; None
            where the plan says so itself.
        look_again_at: when time alone may change the answer.
        stale: a fact changed while it was judged: judge again.
        wake: other measures that wait for what has just happened.
        places: the places in the queues of pools that it is to take or leave; None when all is
            as it should be.
        mapped: whether a mapping concerns the measure, so that its remote objects are to be told.
    """

    entries: tuple[Draft, ...] = ()
    refused: Refusal | None = None
    verdict: Verdict | None = None
    wants_capacity: bool = False
    demands: tuple[Demand, ...] | None = None
    places: Places | None = None
    look_again_at: Moment | None = None
    stale: bool = False
    wake: tuple[str, ...] = ()
    mapped: bool = False


class PoolStart(Stored):
    """How a pool's workflow begins: with its document, or with the state it had."""

    pool: str
    document: Pool | None = None
    by: str = "operator"
    command: str = ""
    state: PoolState | None = None


class PoolAct(Stored):
    """One request to a pool, to be decided and recorded."""

    pool: str
    known: int
    verb: PoolVerb
    ask: dict[str, Any] = {}
    at: Moment
    command: str


class PoolRecord(Stored):
    """What came of a request to a pool.

    Attributes:
        lacking: why a reservation was not made, in words.
        wake: measures that wait for what has happened, whose turn comes first at the head.
        shifted: measures whose reservations lost their cover or have it back.
        launched: measures whose permit may no longer stand because of it.
    """

    entries: tuple[Draft, ...] = ()
    refused: Refusal | None = None
    lacking: str = ""
    wake: tuple[str, ...] = ()
    shifted: tuple[str, ...] = ()
    launched: tuple[str, ...] = ()


class ReserveAsk(Stored):
    """Asks one pool to hold, or to note, a measure's demands on it.

    Attributes:
        priority: how urgent the measure is.
        since: when it asked for the gate; now when it does not wait yet.
    """

    measure: str
    demands: tuple[Demand, ...]
    hard: bool
    priority: int = USUAL
    since: Moment | None = None


class QueueAsk(Stored):
    """Asks one pool to have a measure wait for its capacity, or no longer.

    Attributes:
        demands: what it waits for; it leaves the queue when empty.
        ready: whether every other pool it needs states enough for it.
    """

    measure: str
    demands: tuple[Demand, ...] = ()
    priority: int = USUAL
    since: Moment
    ready: bool = True


class ReleaseAsk(Stored):
    """Asks one pool to forget what it holds for a measure."""

    measure: str
    reason: str


class PoolAnswer(Stored):
    """What a pool answers.

    Attributes:
        lacking: what is missing for a reservation, in words; empty when it is held.
        changed: whether the pool now holds something else than before.
        woken: measures that were told to look again.
        uncovered: whose reservations lost their cover, who lost first at the head.
    """

    pool: str
    accepted: bool
    refused: str = ""
    message: str = ""
    lacking: str = ""
    changed: bool = False
    woken: tuple[str, ...] = ()
    uncovered: tuple[Uncovered, ...] = ()
    number: int = 0


class Holding(Stored):
    """Brings what all pools hold for a measure to exactly this.

    Attributes:
        demands: what to hold; empty releases everything.
        pools: every pool that may hold something.
        hard: hold capacity, or only note the demand.
        command: the idempotency key.
        priority, since: how urgent the measure is and when it asked for the gate.
    """

    measure: str
    demands: tuple[Demand, ...]
    pools: tuple[str, ...]
    hard: bool
    reason: str
    command: str
    priority: int = USUAL
    since: Moment | None = None


class HoldingResult(Stored):
    """What the pools hold for the measure afterwards.

    Attributes:
        lacking: why they do not hold what was asked, in words; empty when they do.
        changed: whether any pool now holds something else than before.
        freed_for: measures that were woken because capacity came free.
    """

    reserved: Reserved
    lacking: str = ""
    changed: bool = False
    freed_for: tuple[str, ...] = ()


LaunchVerb = Literal[
    "look_up", "order", "share", "pause", "unpause", "confirm", "look", "lose_sight", "pass_time"
]


class LaunchTelling(Stored):
    """What a measure tells the launch of its campaign.

    Attributes:
        order: what it wants; None when its plan has no campaign any more.
    """

    measure: str
    number: int
    order: LaunchOrder | None = None


class LaunchStart(Stored):
    """How a launch's workflow begins; without a state it goes on with what the ledger knows."""

    ref: str
    state: LaunchState | None = None


class LaunchAct(Stored):
    """One request to a launch, to be decided and recorded.

    Attributes:
        ask: the request's model as plain data; see `measures.launch`.
        checks: a person asks, whose right is to be looked at.
    """

    ref: str
    verb: LaunchVerb
    ask: dict[str, Any] = {}
    at: Moment
    command: str
    checks: bool = False


class LaunchRecord(Stored):
    """What came of a request to a launch: its whole state, which is small.

    Attributes:
        look_again_at: when time alone may change what is wanted.
        wake: measures that wait for what has just happened.
    """

    state: LaunchState | None = None
    refused: Refusal | None = None
    look_again_at: Moment | None = None
    wake: tuple[str, ...] = ()


class LaunchAnswer(Stored):
    """What a launch answers a person."""

    ref: str
    accepted: bool
    refused: str = ""
    message: str = ""
    phase: str = ""
    number: int = 0


class CampaignOrder(Stored):
    """What a connected system is to show of a campaign."""

    measure: str
    connector: str
    ref: str
    state: Literal["held", "released"]
    share: Share = 1.0
    key: str


class RevocationsAsk(Stored):
    """Asks for the list of revoked permits as of a moment."""

    at: Moment


class SignedRevocations(Stored):
    """The list of revoked permits.

    Attributes:
        text: signed, as `measures.sealing.unseal` reads it.
    """

    text: str


class CampaignGlance(Stored):
    """Asks what a connected system shows of a campaign."""

    connector: str
    ref: str


class CampaignShown(Stored):
    """What a launch found a campaign to do: told to its measure."""

    ref: str
    state: Literal["held", "released"]


class GlanceResult(Stored):
    """What a system shows; None when it knows no such campaign."""

    seen: Sighting | None = None
