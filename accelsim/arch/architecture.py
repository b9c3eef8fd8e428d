"""An architecture with its overrides applied and its names checked."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from accelsim.arch.expansion import check_claims
from accelsim.arch.means import Expansions
from accelsim.arch.model import ArchSpec, Array, Buffer, Dram, LinkTiming
from accelsim.arch.streaming import Channels, Fetcher, Pipeline, Roofline, Select
from accelsim.engines import MACHINES, machine_class
from accelsim.errors import Fault, InfeasibleError, SpecError, nearest
from accelsim.specs import Document, find, read, validate


@dataclass(frozen=True, kw_only=True)
class Link:
    """A connection of two components; ``down`` cycles from ``upper`` to ``lower``, ``up`` cycles back."""

    upper: str
    lower: str
    down: int = 0
    up: int = 0
    chain: bool = False


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A checked architecture; ``document`` says where each of its fields stands."""

    spec: ArchSpec
    links: tuple[Link, ...]
    document: Document

    @classmethod
    def load(cls, name: str, overrides: Table[str, Any] | None = None) -> Architecture:
        """Read ``arch_specs/NAME/arch.yaml`` (or a path) with ``{"PE2D.rows": 128}`` replaced.

        Raises SpecError with every fault of the file.
        """
        return cls.from_document(read(find.path("arch", name)), overrides)

    @classmethod
    def from_document(
        cls, document: Document, overrides: Table[str, Any] | None = None
    ) -> Architecture:
        document = replace(document, data=_overridden(document, overrides or {}))
        spec = validate(document, ArchSpec)
        check_claims(spec.expansions, document, ("expansions",), 8 * spec.word)
        _check_engine(spec, document)
        return cls(spec=spec, links=_links(spec, document), document=document)

    @property
    def name(self) -> str:
        return self.spec.name

    @cached_property
    def arrays(self) -> dict[str, Array]:
        return {n: c for n, c in self.spec.components.items() if isinstance(c, Array)}

    @cached_property
    def buffers(self) -> dict[str, Buffer]:
        return {n: c for n, c in self.spec.components.items() if isinstance(c, Buffer)}

    @cached_property
    def dram_name(self) -> str:
        for name, component in self.spec.components.items():
            if isinstance(component, Dram):
                return name
        raise InfeasibleError(
            f"{self.name} has memory channels and runs rows (a pipeline), not loop nests"
        )

    @property
    def dram(self) -> Dram:
        found = self.spec.components[self.dram_name]
        assert isinstance(found, Dram)
        return found

    @cached_property
    def expansions(self) -> Expansions:
        """How operations are done that an array lacks: the machine's own rows, else the standard ones."""
        return Expansions.of(self.spec.expansions, int(8 * self.spec.word))

    @cached_property
    def bytes_per_cycle(self) -> Fraction:
        """Return the DRAM bandwidth that can be had, in bytes a cycle."""
        share = Fraction(str(self.dram.efficiency))
        return self.dram.bandwidth * share / self.spec.clock

    def link(self, one: str, other: str) -> Link | None:
        """Return the link between two components, in either direction."""
        for link in self.links:
            if {link.upper, link.lower} == {one, other}:
                return link
        return None

    def symbols(self) -> dict[str, int | Fraction]:
        """Return what a mapping's expressions may name: ``PE2D.cols``, ``GLB.size``, ``word`` (bytes).

        Of the memory its ``latency`` in cycles and the ``words`` of a cycle, of a buffer bytes.
        """
        found: dict[str, int | Fraction] = {"word": self.spec.word}
        for name, component in self.spec.components.items():
            if isinstance(component, Array):
                found |= {f"{name}.{d}": size for d, size in component.dimensions.items()}
                found[f"{name}.registers"] = component.registers
            elif isinstance(component, Buffer):
                found |= {f"{name}.size": component.size, f"{name}.row": component.row}
            elif isinstance(component, Pipeline | Fetcher):
                found |= {f"{name}.lanes": component.lanes}
            elif isinstance(component, Select):
                found |= {f"{name}.lanes": component.model.lanes}
            elif isinstance(component, Dram):
                found[f"{name}.latency"] = component.latency * self.spec.clock
                found[f"{name}.words"] = self.bytes_per_cycle / self.spec.word
        return found


def _overridden(document: Document, overrides: Table[str, Any]) -> Any:
    """Return the file's data with dotted fields replaced; a bare name is a component's or a top field."""
    data = document.data
    if not isinstance(data, dict) or not overrides:
        return data
    data = {**data, "components": dict(data.get("components") or {})}
    for dotted, value in overrides.items():
        head, _, field = dotted.partition(".")
        part, _, entry = field.partition(".")
        if not field:
            if head not in ArchSpec.model_fields:
                raise SpecError(
                    f"--arch-set {dotted}: must be a field of the architecture, not {head!r}"
                    f"{nearest(head, ArchSpec.model_fields)}"
                )
            data[head] = value
            continue
        tables = {n: v for n, v in data.items() if isinstance(v, dict) and n != "components"}
        within = data if head in tables else data["components"]
        if head not in within:
            raise SpecError(
                f"--arch-set {dotted}: must begin with a component, not {head!r}"
                f"{nearest(head, [*data['components'], *tables])}"
            )
        component = dict(within[head])
        if entry:
            component[part] = {**component.get(part, {}), entry: value}
        else:
            component[part] = value
        within[head] = component
    return data


def _check_engine(spec: ArchSpec, document: Document) -> None:
    """Refuse a machine that there is not, and parameters that it does not have."""
    if spec.engine is None:
        return
    name = spec.engine.name
    if name not in MACHINES:
        message = f"engine must be a whole machine, not {name!r}{nearest(name, MACHINES)}"
        raise SpecError(document.fault(("engine", "name"), message))
    known = machine_class(name).describe()
    faults = [
        document.fault(
            ("engine", "set", key),
            f"{name} must have the parameter, not {key!r}{nearest(key, known)}",
        )
        for key in spec.engine.set
        if key not in known
    ]
    if faults:
        raise SpecError(faults)


def _links(spec: ArchSpec, document: Document) -> tuple[Link, ...]:
    faults: list[Fault] = []
    links: list[Link] = []
    kinds = Dram | Channels | Roofline  # a roofline has its memory in it
    memories = sum(isinstance(part, kinds) for part in spec.components.values())
    if memories != 1:
        message = (
            f"components must hold exactly one of kind dram, channels or roofline, not {memories}"
        )
        faults.append(document.fault(("components",), message))
    for name, part in spec.components.items():
        if not isinstance(part, Fetcher):
            continue
        channels = [n for n, other in spec.components.items() if isinstance(other, Channels)]
        if part.memory not in channels:
            message = f"memory must be of kind channels, not {part.memory!r}"
            message += nearest(part.memory, channels)
            faults.append(document.fault(("components", name, "memory"), message))
    for number, item in enumerate(spec.links):
        entries = {item: LinkTiming()} if isinstance(item, str) else item
        for text, timing in entries.items():
            ends = [end.strip() for end in text.split(" - ")]
            unknown = [end for end in ends if end not in spec.components]
            if len(ends) != 2 or unknown:
                wrong = unknown[0] if unknown else text
                message = f"link must join two components as 'A - B', not {text!r}"
                message += nearest(wrong, spec.components) if unknown else ""
                faults.append(document.fault(("links", number), message))
                continue
            cycles: dict[str, int] = {}
            for way in ("down", "up"):
                value = getattr(timing, way)
                if isinstance(value, str):
                    sizes = _dimensions(spec, ends)
                    if value not in sizes:
                        message = f"{way} must be cycles or a dimension, not {value!r}"
                        message += nearest(value, sizes)
                        faults.append(document.fault(("links", number), message))
                        continue
                    value = sizes[value]
                if value < 0:
                    message = f"{way} must be at least 0 cycles, not {value}"
                    faults.append(document.fault(("links", number), message))
                    continue
                cycles[way] = value
            links.append(Link(upper=ends[0], lower=ends[1], chain=timing.chain, **cycles))
    if faults:
        raise SpecError(faults)
    return tuple(links)


def _dimensions(spec: ArchSpec, ends: list[str]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for end in reversed(ends):
        component = spec.components[end]
        if isinstance(component, Array):
            sizes |= component.dimensions
    return sizes
