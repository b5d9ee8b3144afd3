"""Random histories of failing, merging, splitting and deciding, against a plain model."""

import random
from contextlib import nullcontext
from typing import Any

import pytest

from errors_app.domain.groups import Status
from tests.api.expectations import hidden
from tests.conftest import Workspace, settle
from tests.merging.conftest import Merging

TYPES = "ABCDEF"
STEPS = 20
STATUS = {"resolve": "resolved", "ignore": "ignored", "unresolve": "unresolved"}


class Model:
    """What must be true, kept in dictionaries."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(TYPES, 0)
        self.into: dict[str, str] = {}
        self.statuses = dict.fromkeys(TYPES, "unresolved")

    def survivor(self, name: str) -> str:
        return self.into.get(name, name)

    def members(self, survivor: str) -> set[str]:
        return {one for one, into in self.into.items() if into == survivor}

    def fail(self, name: str) -> None:
        self.counts[name] += 1
        survivor = self.survivor(name)
        if self.statuses[survivor] == "resolved":
            self.statuses[survivor] = "unresolved"

    def merge(self, one: str, other: str) -> None:
        into, source = self.survivor(one), self.survivor(other)
        if into != source:
            for moved in (source, *self.members(source)):
                self.into[moved] = into

    def shown(self) -> dict[str, int]:
        found = dict.fromkeys((self.survivor(name) for name in TYPES), 0)
        for name, count in self.counts.items():
            found[self.survivor(name)] += count
        return found


def step(chance: random.Random, merging: Merging, model: Model) -> None:
    """Now and then the copy of the states cannot be told, and waits in the outbox."""
    kind = chance.choices(["fail", "merge", "split", "decide"], [3, 3, 2, 2])[0]
    if kind == "fail":
        name = chance.choice(TYPES)
        merging.fail(name)
        model.fail(name)
        return
    with hidden("error_group_states_v1") if chance.random() < 0.3 else nullcontext():
        change(chance, merging, model, kind)


def change(chance: random.Random, merging: Merging, model: Model, kind: str) -> None:
    one, other = chance.sample(TYPES, 2)
    merged = sorted(model.into)
    if kind == "merge":
        merging.merge(one, other)
        model.merge(one, other)
    elif kind == "split" and merged:
        leaving = chance.choice(merged)
        merging.split(chance.choice([leaving, model.into[leaving]]), leaving)
        del model.into[leaving]
    elif kind == "decide":
        action = chance.choice(sorted(STATUS))
        merging.decide(one, action)
        model.statuses[model.survivor(one)] = STATUS[action]


def listed(merging: Merging, chance: random.Random, **query: Any) -> dict[str, int]:
    names = {id_: name for name, id_ in merging.ids.items()}
    sort = chance.choice(["-count", "count", "-lastSeen", "lastSeen", "firstSeen"])
    groups = merging.workspace.errors(**query, sort=sort)
    return {names[group["id"]]: group["count"] for group in groups}


def assert_as_modelled(merging: Merging, model: Model, chance: random.Random) -> None:
    shown = model.shown()
    assert listed(merging, chance) == shown
    for status in Status:
        wanted = {name: n for name, n in shown.items() if model.statuses[name] == status}
        assert listed(merging, chance, status=status.value) == wanted
    name = chance.choice(TYPES)
    survivor = model.survivor(name)
    detail = merging.detail(name)
    assert (detail["id"], detail["count"]) == (merging.id(survivor), shown[survivor])
    assert detail["status"] == model.statuses[survivor]
    assert detail["mergedFingerprints"] == sorted(
        merging.fingerprint(one) for one in model.members(survivor)
    )
    assert len(merging.runs(name)) == min(shown[survivor], 25)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_history_ends_as_the_model_says(prod: Workspace, seed: int) -> None:
    chance = random.Random(seed)
    merging, model = Merging(prod), Model()
    merging.fail(*TYPES)
    for name in TYPES:
        model.fail(name)

    for _ in range(STEPS):
        step(chance, merging, model)
        assert_as_modelled(merging, model, chance)

    settle()
    assert_as_modelled(merging, model, chance)
