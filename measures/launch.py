"""A launch's life: what a campaign shall do in its own system, and what that system shows.

The desired state is never stored: it follows from the measure's order, the pauses, the ramp and
the shares that pools allow, so that no two of them can contradict each other for long.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

from measures.entry import Draft, refuse_gap, remembered
from measures.model import Moment, Share, Stored, midnight_after, restore
from measures.plan import Campaign, RampStep
from measures.state import Pause
from measures.verdict import Verdict

CampaignState = Literal["held", "released"]
Order = Literal["held", "waiting", "open", "ended"]
Phase = Literal["held", "paused", "ramp", "open", "ended"]

FLIPS = 5
"""So many times within `FLIP_SPAN` a campaign is put back before a person must look at it."""

FLIP_SPAN = timedelta(hours=1)

BY_HAND = "person"
"""Whose pause it is when a person asked for it."""

OUTSIDE = "outside"
"""Whose pause it is when somebody stopped the campaign in its own system."""

TAMPERED = "tampered"
"""Whose pause it is when the campaign was changed by hand again and again."""


class Sighting(Stored):
    """What a connected system shows of a campaign, as read back and never as hoped.

    Attributes:
        ref: the campaign's name in that system.
        state: ``held`` or ``released``.
        share: the part of the campaign that runs, 0 to 1; 0 while it is held.
        level: ``enforced`` when the system really stops it, ``advisory`` when it is a label.
        read_at: when it was read back.
    """

    ref: str
    state: CampaignState
    share: Share = 1.0
    level: Literal["enforced", "advisory"]
    read_at: Moment


class Desire(Stored):
    """What a connected system is to show of a campaign.

    Attributes:
        share: the part of the campaign that runs, 0 to 1; 0 while it is held.
    """

    state: CampaignState
    share: Share

    def shown_by(self, seen: Sighting | None) -> bool:
        """Tells whether a system shows it; a campaign it does not know does not run."""
        if seen is None or seen.state == "held":
            return self.state == "held" and seen is not None
        return self.state == "released" and abs(seen.share - self.share) < 1e-6


HELD = Desire(state="held", share=0.0)


class ShareOrder(Stored):
    """How much of a campaign a pool has room for.

    Attributes:
        share: 0 to 1.
        number: of the pool's decision; a lower one than the last comes too late.
    """

    pool: str
    share: Share
    reason: str
    number: int


class PauseOrder(Stored):
    """Stops a campaign, or lets it go on, until the same source says otherwise.

    Attributes:
        source: who pauses, e.g. ``person`` or ``guardrail:cac``; each source has one pause.
    """

    source: str = BY_HAND
    by: str
    reason: str


class LaunchOrder(Stored):
    """What a measure wants of its campaign.

    Attributes:
        wanted: ``open`` while a permit stands, ``waiting`` while it is only interrupted, ``ended``
            when the measure's life is over.
        number: of the measure's entry that it follows from.
    """

    measure: str
    campaign: Campaign
    wanted: Order
    reason: str = ""
    number: int


class PutBack(Stored):
    """That a campaign was found otherwise than wanted, and put back."""

    at: Moment
    seen: Sighting | None
    wanted: Desire


class LaunchState(Stored):
    """A launch's life so far.

    Attributes:
        wanted: what the measure wants of the campaign.
        wanted_at: since when it wants that.
        order_number: of the measure's entry from which that follows.
        step: how many steps of the ramp are reached; 0 while it is not open.
        verdict: why the next step of the ramp waits; None when it does not.
        pauses: by source; the campaign is held while there is any.
        shares: per pool, the latest it allows.
        seen: what the system showed last.
        confirmed: whether that is what is wanted now.
        unconfirmed_since: since when it cannot be confirmed; None while it can.
        put_backs: how often it was found otherwise than wanted, in all its life.
        recent: when it was put back lately.
        escalated_at: when it was last handed to a person because that happened too often.
        commands: the latest requests that left an entry, oldest first.
    """

    ref: str
    measure: str
    campaign: Campaign
    number: int
    opened_at: Moment
    changed_at: Moment
    wanted: Order = "held"
    wanted_at: Moment | None = None
    order_number: int = 0
    order_reason: str = ""
    step: int = 0
    step_at: Moment | None = None
    verdict: Verdict | None = None
    pauses: dict[str, Pause] = {}
    shares: dict[str, ShareOrder] = {}
    seen: Sighting | None = None
    confirmed: bool = False
    unconfirmed_since: Moment | None = None
    unconfirmed_why: str = ""
    put_backs: int = 0
    last_put_back: PutBack | None = None
    recent: tuple[Moment, ...] = ()
    escalated_at: Moment | None = None
    ended_at: Moment | None = None
    commands: tuple[str, ...] = ()

    @property
    def ramp(self) -> tuple[RampStep, ...]:
        """The steps of the ramp; without a plan everything at once."""
        return self.campaign.ramp or (RampStep(share=1.0, after=timedelta(0)),)

    @property
    def phase(self) -> Phase:
        """Where it stands, in one word."""
        if self.ended_at is not None or self.wanted == "ended":
            return "ended"
        if self.wanted == "held":
            return "held"
        if self.pauses:
            return "paused"
        if self.wanted == "waiting":
            return "held"
        return "open" if self.step == len(self.ramp) else "ramp"

    @property
    def desire(self) -> Desire:
        """What the system is to show: the ramp's share, less where a pool has no room for it."""
        if self.phase not in ("ramp", "open") or self.step == 0:
            return HELD
        room = min((order.share for order in self.shares.values()), default=1.0)
        share = round(self.ramp[self.step - 1].share * room, 6)
        return Desire(state="released", share=share) if share > 0 else HELD

    @property
    def next_step_at(self) -> datetime | None:
        """When the step before the next one has had its time; None when there is none."""
        since = self.step_at or self.wanted_at
        if self.wanted != "open" or since is None or self.step == len(self.ramp):
            return None
        return since + self.ramp[self.step].after

    @property
    def window_ends_at(self) -> datetime:
        """The midnight (UTC) after the last day on which the campaign may run."""
        return midnight_after(self.campaign.ends_on)


def ref_of(campaign: Campaign) -> str:
    """Returns the name of a campaign's launch: one campaign of that name at a time."""
    return campaign.ref


def fold_launch(state: LaunchState | None, entry: Draft) -> LaunchState:
    """Returns a launch's state after one more entry.

    Raises:
        ValueError: when the entry cannot follow the state.
    """
    if state is None and entry.kind != "launch_opened":
        msg = f"{entry.stream} begins with {entry.kind}, not with launch_opened"
        raise ValueError(msg)
    if state is not None:
        refuse_gap(entry, state.number)
    commands = remembered(state.commands if state else (), entry)
    common = {"number": entry.number, "changed_at": entry.at, "commands": commands}
    if entry.kind == "launch_opened":
        opened = LaunchState(
            ref=entry.body["ref"],
            measure=entry.body["measure"],
            campaign=restore(Campaign, entry.body["campaign"]),
            number=entry.number,
            opened_at=entry.at,
            changed_at=entry.at,
        )
        return opened.model_copy(update=common)
    assert state is not None, "only the first entry opens"
    folded = state.model_copy(update={**_changes(state, entry), **common})
    if folded.desire != state.desire and entry.kind != "campaign_observed":
        # What was seen before the last try proves nothing: it may have had its effect unheard.
        is_sure = folded.unconfirmed_since is None
        shown = is_sure and folded.desire.shown_by(folded.seen)
        folded = folded.model_copy(update={"confirmed": shown})
    return folded


def _changes(state: LaunchState, entry: Draft) -> dict[str, Any]:
    """Returns the fields that an entry sets."""
    body = entry.body
    match entry.kind:
        case "launch_wanted":
            return _wanted(state, entry)
        case "launch_paused":
            pause = Pause(reason=body["reason"], by=entry.by, at=entry.at)
            return {"pauses": {**state.pauses, body["source"]: pause}}
        case "launch_unpaused":
            left = {k: v for k, v in state.pauses.items() if k != body["source"]}
            # What is cleared by a person counts anew, and so does the time of a ramp's step.
            since = entry.at if state.step and not left else state.step_at
            return {"pauses": left, "recent": (), "step_at": since}
        case "share_ordered":
            order = restore(ShareOrder, body)
            return {"shares": {**state.shares, order.pool: order}}
        case "ramp_step_reached":
            return {"step": body["step"], "step_at": entry.at, "verdict": None}
        case "ramp_judged":
            return {"verdict": restore(Verdict, body["verdict"])}
        case "campaign_observed":
            return {
                "seen": restore(Sighting, body["seen"]),
                "confirmed": True,
                "unconfirmed_since": None,
                "unconfirmed_why": "",
            }
        case "campaign_unconfirmed":
            return {
                "confirmed": False,
                "unconfirmed_since": state.unconfirmed_since or entry.at,
                "unconfirmed_why": body["why"],
            }
        case "campaign_put_back":
            found = PutBack(
                at=entry.at,
                seen=restore(Sighting, body["seen"]) if body["seen"] else None,
                wanted=restore(Desire, body["wanted"]),
            )
            lately = tuple(at for at in state.recent if at > entry.at - FLIP_SPAN)
            return {
                "put_backs": state.put_backs + 1,
                "last_put_back": found,
                "seen": found.seen,
                "confirmed": False,
                "recent": (*lately, entry.at)[-FLIPS:],
            }
        case "launch_escalated":
            return {"escalated_at": entry.at}
        case "launch_ended":
            return {"ended_at": entry.at}
        case _:
            msg = f"{entry.kind} does not belong to a launch"
            raise ValueError(msg)


def _wanted(state: LaunchState, entry: Draft) -> dict[str, Any]:
    body = entry.body
    changed: dict[str, Any] = {
        "wanted": body["wanted"],
        "wanted_at": entry.at,
        "order_number": body["number"],
        "order_reason": body["reason"],
        "campaign": restore(Campaign, body["campaign"]),
    }
    if body["wanted"] in ("held", "ended"):
        # After a hold the ramp begins anew: months may lie between.
        changed |= {"step": 0, "step_at": None, "verdict": None}
    elif body["wanted"] == "open" and state.step:
        # After a wait it goes on with its step, which then has its whole time before it.
        changed |= {"step_at": entry.at}
    return changed
