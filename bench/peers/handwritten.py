"""The job as a Python function: what a team writes that needs no engine."""

from bench.peers.job import DAY, JOINED, NOW, PLAIN, SINGLE, Answer, Blocked, Facts, about, by_kind


def prepare() -> Answer:
    """Returns the function."""
    return answer


def answer(world: Facts) -> Blocked:
    """Does the job."""
    known = by_kind(world)
    blocked: Blocked = set()
    offers = {(one["pool"], one["period"]): one for one in known["offer"]}
    for demand in known["demand"]:
        offer = offers.get((demand["pool"], demand["period"]))
        for n in range(JOINED):
            if (
                offer is None
                or NOW - offer["seen_at"] > DAY
                or not offer["available"] >= demand["amount"] + n
                or offer["unit"] != demand["unit"]
            ):
                blocked.add((f"capacity-{n}", about(demand)))
    for kpi in known["kpi"]:
        for n in range(SINGLE):
            if kpi["owner"] == f"nobody-{n}" or kpi["cadence"] == "" or not kpi["has_target"]:
                blocked.add((f"kpi-{n}", about(kpi)))
    measure = known["measure"]
    for n in range(PLAIN):
        if measure["owner"] == "" or measure["quorum"] < n - 100:
            blocked.add((f"measure-{n}", about(measure)))
    return blocked
