"""An object that the compiler fails at costs only itself: the one place that catches what nobody foresaw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from trunkline.api import Account, InvalidObject, ObjectRef, Resources, oldest_first
from trunkline.api.faults import FieldReason, internal_error
from trunkline.compiler.verdict import Described

Thing = TypeVar("Thing", bound=Described)
Found = TypeVar("Found")

_DEFAULT_ACCOUNT: Final = ObjectRef(Account.kind, None, "default")


@dataclass(slots=True)
class Guard:
    """Every function of the compiler that looks into one object is called through `each`.

    A round with faults is thrown away and made again by `without` them, so that nothing half done is left
    of an object: no claim, no row, no count.
    """

    faults: dict[ObjectRef, InvalidObject] = field(default_factory=dict)

    def each(self, things: Iterable[Thing], judge: Callable[[Thing], Found]) -> list[Found]:
        """What `judge` (no generator) finds in each of `things`, in order; those at fault are left out."""
        found = []
        for thing in things:
            if thing.ref in self.faults:
                continue
            try:
                found.append(judge(thing))
            except MemoryError:
                raise  # says nothing of the object
            except Exception as error:
                self.faults[thing.ref] = InvalidObject(thing.ref, thing.generation, (internal_error(error),))
        return found


def guarded(resources: Resources, compile_round: Callable[[Resources, Guard], Found]) -> Found:
    """The round without faults: each one before it refuses at least one object more."""
    while True:
        guard = Guard()
        try:
            found = compile_round(resources, guard)
        except MemoryError:
            raise
        except Exception as error:
            if not guard.faults:
                guard.faults.update(_culprit(resources, compile_round, error))
        else:
            if not guard.faults:
                return found
        resources = without(resources, guard.faults)


def _culprit(
    resources: Resources, compile_round: Callable[[Resources, Guard], Found], error: Exception
) -> Mapping[ObjectRef, InvalidObject]:
    """Who is refused for what was raised between objects: the youngest without which it is not raised.

    Found by halves, in 17 rounds for 100,000 objects. Raises `error` if no object has to do with it.
    """
    everything = oldest_first(thing for things in resources.objects.values() for thing in things.values())
    # The platform's first: where a tenant's object and the platform's fail together, the tenant's goes.
    things = sorted(everything, key=lambda thing: thing.scope == "Namespaced")

    def is_well(count: int) -> bool:
        chosen = frozenset(thing.ref for thing in things[:count])
        try:
            compile_round(_only(resources, chosen), Guard())
        except MemoryError:
            raise
        except Exception:
            return False
        return True

    if not is_well(0):
        raise error
    well, ill = 0, len(things)
    while ill - well > 1:
        middle = (well + ill) // 2
        well, ill = (middle, ill) if is_well(middle) else (well, middle)
    thing = things[well]
    return {thing.ref: InvalidObject(thing.ref, thing.generation, (internal_error(error),))}


def _only(resources: Resources, chosen: frozenset[ObjectRef]) -> Resources:
    objects = {
        kind: {ref: thing for ref, thing in things.items() if ref in chosen}
        for kind, things in resources.objects.items()
    }
    return replace(resources, objects=objects)


def without(resources: Resources, faults: Mapping[ObjectRef, InvalidObject]) -> Resources:
    """The same with the objects at fault refused. What they closed stays closed."""
    known = {each.ref: each for each in resources.invalid}
    closed = (_namespaces_of(resources, ref) for ref in faults if ref.kind == Account.kind)
    platform = resources.platform
    if _DEFAULT_ACCOUNT in faults:
        platform = replace(platform, open_account=False)
    return replace(
        resources,
        platform=platform,
        objects={
            kind: {ref: thing for ref, thing in things.items() if ref not in faults}
            for kind, things in resources.objects.items()
        },
        invalid=tuple(sorted({**faults, **known}.values(), key=lambda each: each.ref)),
        # The version that is served goes on, until that one is at fault as well.
        served_edges={
            name: edge
            for name, edge in resources.served_edges.items()
            if not (edge.ref in faults and edge.ref in known)
        },
        closed_namespaces=resources.closed_namespaces.union(*closed),
    )


def is_internal(thing: InvalidObject) -> bool:
    """True if it is refused by a fault of our own, be it that decode met it or the compiler."""
    return any(error.reason == FieldReason.InternalError for error in thing.errors)


def _namespaces_of(resources: Resources, ref: ObjectRef) -> frozenset[str]:
    """The namespaces of an Account, as far as they can be read."""
    account = resources.objects[Account.kind].get(ref)
    try:
        assert isinstance(account, Account)  # noqa: S101 - it was judged
        return frozenset(account.spec.namespaces)
    except Exception:
        return frozenset()
