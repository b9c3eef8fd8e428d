"""Workloads: how big, and the layer as a list of cascades with their rank sizes."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from accelsim.errors import Fault, SpecError, nearest
from accelsim.specs import Document, Spec, find, read, validate
from accelsim.specs.expr import Expression

if TYPE_CHECKING:
    from accelsim.cascade import Cascade

Positive = Annotated[int, Field(gt=0)]
ATTENTION = "attention"
TOKENS = ("P", "M", "N")  # as many as there are tokens, unless the workload says otherwise
LEADING = {"B": ("b", "batch"), "H": ("h", "head")}
"""Ranks of every tensor of a cascade that does not have them itself, with names for their loops."""
COMMON = {*TOKENS, *LEADING, "E", "F", "G", "D"}  # names that mean the same in every cascade


class StageSpec(Spec):
    """One cascade of a layer. ``ranks`` are sizes or expressions over the workload's ranks.

    ``leading`` are ranks that every tensor has (loops b, h, ...) unless it is in ``shared``; ``cascade``
    "attention" stands for the one that the design runs, or runs for a ``variant`` such as "causal".
    """

    cascade: str
    variant: str = ""
    ranks: dict[str, int | str]
    leading: dict[str, int | str] = {}
    shared: list[str] = []
    scope: str = "layer"


class WorkloadSpec(Spec):
    """The file ``einsum_cascades/workloads/NAME.yaml``; ``seq`` names the ranks that --seq sets.

    ``derived`` are ranks that follow from the others (``HI: floor(sqrt(N))``), each from those before
    it; --set replaces them too. ``alternatives`` are stages by cascade that stand in place of the
    attention when that cascade is asked for.
    """

    name: str
    summary: str = ""
    source: str
    ranks: dict[str, Positive]
    derived: dict[str, str] = {}
    seq: list[str] = ["P", "M"]
    default_seq: Positive = 1024
    stages: dict[str, StageSpec]
    alternatives: dict[str, StageSpec] = {}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage with numbers: rank sizes of its cascade, and leading loops outer to inner."""

    name: str
    cascade: str
    variant: str
    scope: str
    ranks: Table[str, int]
    leading: Table[str, int]
    shared: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Workload:
    spec: WorkloadSpec
    ranks: Table[str, int]
    stages: tuple[Stage, ...]
    alternatives: tuple[Stage, ...] = ()
    seq: int = 1024
    """Tokens: what --seq says, else the workload's own."""
    extra: Table[str, int] = field(default_factory=dict)
    """Sizes and parameters that only the cascade has."""

    @classmethod
    def load(
        cls,
        name: str,
        seq: int | None = None,
        overrides: Table[str, int] | None = None,
        cascade: Cascade | None = None,
    ) -> Workload:
        """Read a workload with ``seq`` for its sequence ranks and other ranks replaced.

        With a ``cascade``, ``overrides`` may also name sizes and parameters that only it has.
        """
        document = read(find.path("workload", name))
        own = frozenset((*cascade.shape_names, *cascade.params)) if cascade else frozenset()
        given = dict(overrides or {})
        key = (cls, seq, own, tuple(given.items()))
        return document.kept.once(key, lambda: cls._loaded(document, seq, given, set(own)))

    @classmethod
    def _loaded(
        cls, document: Document, seq: int | None, given: dict[str, int], own: set[str]
    ) -> Workload:
        spec = validate(document, WorkloadSpec)
        reader = _Reader(document)
        tokens = seq or spec.default_seq
        own -= {*spec.ranks, *spec.derived, *spec.seq, *TOKENS}
        extra = {key: size for key, size in given.items() if key in own}
        others = {key: size for key, size in given.items() if key not in own}
        ranks = reader.ranks(spec, tokens, others)
        stages = reader.stages("stages", spec.stages, ranks)
        alternatives = reader.stages("alternatives", spec.alternatives, ranks)
        if reader.faults:
            raise SpecError(reader.faults)
        return cls(
            spec=spec,
            ranks=ranks,
            stages=stages,
            alternatives=alternatives,
            seq=tokens,
            extra=extra,
        )

    def stage(self, name: str) -> Stage:
        return next(stage for stage in self.stages if stage.name == name)

    @classmethod
    def naming(cls, cascade: Cascade, default: str) -> str:
        """Return the shipped workload that is meant for a cascade.

        The first that names it; else the default, or the first that has a size for each of its ranks.
        """
        loaded = {name: cls.load(name) for name in (default, *find.names("workload"))}
        for name, load in loaded.items():
            if any(s.cascade == cascade.name for s in (*load.stages, *load.alternatives)):
                return name
        for name, load in loaded.items():
            try:
                load.stage_of(cascade)
            except SpecError:
                continue
            return name
        return default

    def stage_of(self, cascade: Cascade) -> Stage:
        """Return the stage that runs a cascade at the sizes of this workload.

        It is the first alternative or stage that names the cascade; else an attention stage whose ranks are
        just those of the cascade; else the ranks P, M, N (the tokens), E, F, G, H and D by their names,
        where batch and heads that the cascade does not have lead. SpecError where a size is missing.
        """
        found = self._stage_of(cascade)
        return replace(found, ranks={**found.ranks, **self.extra})

    def _stage_of(self, cascade: Cascade) -> Stage:
        attention = [s for s in self.stages if s.scope == ATTENTION]
        mine = (*self.alternatives, *attention, *self.stages)
        named = [s for s in mine if s.cascade == cascade.name]
        if named:
            return named[0]
        needs = set(cascade.shape_names)
        for stage in attention:
            if needs <= set(stage.ranks) <= needs | set(cascade.params):
                return replace(stage, cascade=cascade.name, variant="")
        return self._by_name(cascade)

    def _by_name(self, cascade: Cascade) -> Stage:
        known = {
            **dict.fromkeys(TOKENS, self.seq),
            **{name: size for name, size in self.ranks.items() if name in COMMON},
            **self.extra,
        }
        missing = [name for name in cascade.shape_names if name not in known]
        if missing:
            raise SpecError(
                f"{self.spec.name} must have a stage or an alternative for {cascade.name}: the size"
                f" {missing[0]} has no place in this workload"
            )
        return Stage(
            name=ATTENTION,
            cascade=cascade.name,
            variant="",
            scope=ATTENTION,
            ranks={name: known[name] for name in cascade.shape_names},
            leading={
                next(loop for loop in loops if loop not in cascade.block.coords): self.ranks[name]
                for name, loops in LEADING.items()
                if name in self.ranks and name not in cascade.shape_names
            },
            shared=frozenset(),
        )


@dataclass(frozen=True)
class _Reader:
    """Turns expressions into sizes; faults are kept with their places."""

    document: Document
    faults: list[Fault] = field(default_factory=list)

    def ranks(self, spec: WorkloadSpec, tokens: int, given: Table[str, int]) -> dict[str, int]:
        ranks: dict[str, int] = {**spec.ranks, **dict.fromkeys(spec.seq, tokens)}
        known = {*ranks, *spec.derived, *TOKENS}
        for key, value in given.items():
            if key not in known:
                raise SpecError(f"--set {key}: must be a rank of the workload{nearest(key, known)}")
            ranks[key] = value
        for key, text in spec.derived.items():
            if key not in given:
                ranks[key] = self.number(text, ("derived", key), ranks)
        return ranks

    def stages(
        self, key: str, specs: Table[str, StageSpec], ranks: Table[str, int]
    ) -> tuple[Stage, ...]:
        return tuple(self._stage(name, spec, (key, name), ranks) for name, spec in specs.items())

    def _stage(
        self, name: str, spec: StageSpec, loc: tuple[str, ...], ranks: Table[str, int]
    ) -> Stage:
        def numbers(key: str, table: Table[str, int | str]) -> dict[str, int]:
            return {k: self.number(v, (*loc, key, k), ranks) for k, v in table.items()}

        return Stage(
            name=name,
            cascade=spec.cascade,
            variant=spec.variant,
            scope=spec.scope,
            ranks=numbers("ranks", spec.ranks),
            leading=numbers("leading", spec.leading),
            shared=frozenset(spec.shared),
        )

    def number(self, value: int | str, loc: tuple[str | int, ...], ranks: Table[str, int]) -> int:
        """Return a size, or 1 and a fault."""
        try:
            found: Any = (
                value if isinstance(value, int) else Expression.parse(value).evaluate(dict(ranks))
            )
            if found != int(found) or found < 1:
                raise ValueError(f"must be a whole number of at least 1, not {found}")
            return int(found)
        except (ValueError, ArithmeticError) as error:
            self.faults.append(self.document.fault(loc, str(error)))
            return 1
