"""Platinum: it stops a campaign and proves it by what the system shows."""

import contextlib

from connectors.conformance import faults
from connectors.conformance.bronze import connected
from connectors.conformance.making import new_name
from connectors.conformance.results import Checks, ExemptError, Tier
from connectors.conformance.subject import Subject
from connectors.contract import Connector
from connectors.failures import NotFound, RetryLater, Unsupported

platinum = Checks(Tier.PLATINUM)


@platinum
async def holds_and_releases(subject: Subject) -> None:
    """Held it shows held, released it shows released, and each twice changes nothing."""
    campaign = _campaign(subject)
    # A system may remember the keys of an earlier examination.
    hold, go, hold_again = new_name(), new_name(), new_name()
    async with connected(subject) as connector:
        for _ in range(2):
            assert (await connector.hold(campaign, key=hold)).state == "held"
            await _shows(connector, campaign, "held")
        for _ in range(2):
            assert (await connector.release(campaign, 1.0, key=go)).state == "released"
            await _shows(connector, campaign, "released")
        assert (await connector.hold(campaign, key=hold_again)).state == "held"


@platinum
async def says_what_its_hold_is_worth(subject: Subject) -> None:
    """The proof names the level that the manifest promises."""
    campaign = _campaign(subject)
    async with connected(subject) as connector:
        proof = await connector.hold(campaign, key=new_name())
        assert proof.level == connector.manifest.hold, f"{proof.level}, not as promised"


@platinum
async def lets_no_more_run_than_it_may(subject: Subject) -> None:
    """Half of a campaign runs as half of it, or not at all; it never runs whole."""
    campaign = _campaign(subject)
    async with connected(subject) as connector:
        await connector.release(campaign, 1.0, key=new_name())
        with contextlib.suppress(Unsupported):
            await connector.release(campaign, 0.5, key=new_name())
        shown = await connector.look(campaign)
        assert shown is not None, "the campaign is not there"
        assert shown.state == "held" or shown.share <= 0.5, f"{shown.share:.0%} of it runs"


@platinum
async def holds_when_the_answer_is_lost(subject: Subject) -> None:
    """Told to hold, the answer lost, told again: held."""
    campaign = _campaign(subject)
    async with connected(subject) as connector:
        await connector.release(campaign, 1.0, key=new_name())
    key = new_name()
    async with connected(subject, faults.LosingReplies) as connector:
        for _ in range(3):
            try:
                proof = await connector.hold(campaign, key=key)
            except RetryLater:
                continue
            break
        assert proof.state == "held", f"it shows {proof.state}"


@platinum
async def holds_no_campaign_that_is_not_there(subject: Subject) -> None:
    """A campaign that is not there is NotFound, never held."""
    _campaign(subject)
    if subject.makes_campaigns:
        raise ExemptError("it makes the campaigns that it is asked to hold")
    async with connected(subject) as connector:
        try:
            await connector.hold("no such campaign 4711", key=new_name())
        except NotFound:
            return
    msg = "it holds a campaign that is not there"
    raise AssertionError(msg)


@platinum
async def proves_nothing_during_an_outage(subject: Subject) -> None:
    """A system that is down proves no hold."""
    campaign = _campaign(subject)
    async with connected(subject, lambda _: faults.failing(503)) as connector:
        try:
            await connector.hold(campaign, key=new_name())
        except RetryLater:
            return
    msg = "it claims a hold without the system"
    raise AssertionError(msg)


def _campaign(subject: Subject) -> str:
    if subject.campaign is None:
        raise ExemptError("it has no campaigns")
    return subject.campaign


async def _shows(connector: Connector, campaign: str, state: str) -> None:
    shown = await connector.look(campaign)
    assert shown is not None, "the campaign is not there"
    assert shown.state == state, f"it shows {shown.state}, not {state}"
