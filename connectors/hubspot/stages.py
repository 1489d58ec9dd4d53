"""What the statuses of HubSpot's objects are called, and which of them mean done."""

from dataclasses import dataclass
from typing import Any

from connectors.http import HttpDoor
from connectors.hubspot.settings import HubspotConfig, Kind
from connectors.understanding import understanding


@dataclass(frozen=True)
class Stage:
    """One status.

    Attributes:
        id: how HubSpot writes it.
        pipeline: the pipeline that it belongs to; empty where there are none.
        label: how people read it.
        closed: whether it means done.
        won: whether it means success.
    """

    id: str
    pipeline: str
    label: str
    closed: bool
    won: bool


class Stages:
    """The statuses of one account, read when they are needed, and anew for one not known.

    Args:
        config: the connection's settings.
        http: the way there.
    """

    def __init__(self, config: HubspotConfig, http: HttpDoor) -> None:
        self._config = config
        self._http = http
        self._known: dict[str, tuple[Stage, ...]] = {}
        self._nobodys: set[tuple[str, str]] = set()

    async def all(self, shape: Kind) -> tuple[Stage, ...]:
        """Returns the statuses of a kind as they are now."""
        read = self._of_pipelines if shape.pipeline else self._of_property
        self._known[shape.name] = await read(shape)
        return self._known[shape.name]

    async def label(self, shape: Kind, written: str) -> str:
        """Returns what a status is called; its id where nobody tells."""
        if not written or (shape.name, written) in self._nobodys:
            return written
        stage = await self._stage(shape, "id", written)
        if stage is None:
            # As of a pipeline that was deleted: it is not asked for with every object again.
            self._nobodys.add((shape.name, written))
            return written
        return stage.label

    async def named(self, shape: Kind, label: str) -> Stage | None:
        """Returns the status that is called so."""
        return await self._stage(shape, "label", label)

    async def _stage(self, shape: Kind, by: str, wanted: str) -> Stage | None:
        for read_anew in (False, True):
            stages = self._known.get(shape.name, ())
            if read_anew:
                stages = await self.all(shape)
            for stage in stages:
                if getattr(stage, by) == wanted:
                    return stage
        return None

    async def _of_pipelines(self, shape: Kind) -> tuple[Stage, ...]:
        answer = await self._http.json(
            "GET", self._config.path("crm", f"pipelines/{shape.objects}")
        )
        ours = self._config.pipelines.get(shape.name)
        with understanding("HubSpot", f"its {shape.name} pipelines"):
            return tuple(
                _stage(pipeline, stage, bare=pipeline["id"] == ours)
                for pipeline in answer["results"]
                for stage in sorted(pipeline["stages"], key=lambda one: one["displayOrder"])
            )

    async def _of_property(self, shape: Kind) -> tuple[Stage, ...]:
        path = self._config.path("crm", f"properties/{shape.objects}/{shape.status}")
        answer = await self._http.json("GET", path)
        closed = self._config.contact_closed
        with understanding("HubSpot", f"its property {shape.status}"):
            return tuple(
                Stage(str(one["value"]), "", one["label"], one["label"] in closed, won=False)
                for one in answer["options"]
                if not one["hidden"]
            )


def _stage(pipeline: dict[str, Any], stage: dict[str, Any], *, bare: bool) -> Stage:
    about = stage["metadata"]
    closed = str(about.get("isClosed", about.get("ticketState") == "CLOSED")).lower() == "true"
    label = str(stage["label"]) if bare else f"{pipeline['label']}: {stage['label']}"
    won = closed and float(about.get("probability", 0)) == 1
    return Stage(str(stage["id"]), str(pipeline["id"]), label, closed, won)
