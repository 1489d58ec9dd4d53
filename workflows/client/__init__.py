"""Typed verbs over the Temporal client: the one way in for console, worker and inbound news.

Every request carries an id: asking twice with the same id changes nothing the second time.
"""

from workflows.client.launches import LaunchVerbs
from workflows.client.measures import MeasureVerbs
from workflows.client.permits import PermitVerbs
from workflows.client.pools import PoolVerbs
from workflows.client.remotes import RemoteVerbs


class SluiceClient(MeasureVerbs, PoolVerbs, LaunchVerbs, RemoteVerbs, PermitVerbs):
    """Asks measures, pools, launches and remote objects; see `workflows.client.speaking`."""
