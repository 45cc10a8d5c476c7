"""Kopf tells of objects, and keeps nothing of them."""

from __future__ import annotations

import asyncio
import inspect

import kopf

from support.objects import manifest_of
from trunkline.controllers.handlers import NoMemories


def test_kopf_keeps_nothing_of_an_object() -> None:
    memories = NoMemories()
    number = manifest_of("Number", "main", "acme", {"number": "+14155550100"}, uid="a")
    for listed in (True, False):
        memory = asyncio.run(memories.recall(number, memobase=kopf.Memo(), noticed_by_listing=listed))
        assert memory.noticed_by_listing == listed
    assert list(memories.iter_all_memories()) == []


def test_kopf_takes_another_memory() -> None:
    """It is no part of what it documents: a new version may take it away."""
    assert "memories" in inspect.signature(kopf.spawn_tasks).parameters
