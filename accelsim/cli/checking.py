"""``accelsim check``: reads every spec file, builds what it describes, and says all that is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from accelsim.cli.kinds import kind_of, models
from accelsim.cli.main import messages
from accelsim.cli.zoo.model import Zoo
from accelsim.errors import AccelsimError, Fault, InfeasibleError, SpecError, nearest
from accelsim.result.ratios import Ratios
from accelsim.specs import Document, read

if TYPE_CHECKING:
    from accelsim.mapping import Stage

ENDINGS = (".yaml", ".yml")
WORKLOAD = "bert"


def check_paths(paths: Iterable[Path], seq: int | None = None) -> int:
    """Check files and folders, designs at ``seq`` tokens; print every fault; return the worst code."""
    worst = checked = 0
    told: set[str] = set()
    for file, alone in _files(paths):
        try:
            check_file(file, alone=alone, seq=seq)
        except (AccelsimError, OSError) as error:
            worst = max(worst, error.exit_code if isinstance(error, AccelsimError) else 2)
            where = f"{file}:1:1: " if isinstance(error, InfeasibleError) else ""
            for line in messages(error):
                text = where + line.removeprefix("accelsim: ") if where else line
                if text not in told:
                    print(text, file=sys.stderr)
                told.add(text)
        checked += 1
    if not worst:
        print(f"{checked} {'file' if checked == 1 else 'files'}: no fault found")
    return worst


def check_file(path: Path, *, alone: bool = True, seq: int | None = None) -> None:
    """Raise SpecError or InfeasibleError for what is wrong with one file.

    ``alone``: a mapping must run at the default workload; in a folder its design says when it is used.
    """
    document = read(path)
    kind = kind_of(path, document.data)
    if kind is None:
        keys = "none of the keys of any"
        known = ", ".join(models())
        message = f"file must be a spec of one of the kinds {known}; it has {keys}"
        raise SpecError(Fault(message=message, file=str(path)))
    try:
        _check(kind, document, path, alone=alone, seq=seq)
    except SpecError as error:
        raise SpecError([_placed(document, fault) for fault in error.faults]) from None


def _check(kind: str, document: Document, path: Path, *, alone: bool, seq: int | None) -> None:
    match kind:
        case "arch":
            _arch(document)
        case "cascade":
            _cascade(document)
        case "costs":
            _costs(path)
        case "design":
            _design(path, seq)
        case "expansions":
            _expansions(document)
        case "exploration":
            _exploration(document)
        case "mapping":
            _mapping(document, path, alone=alone, seq=seq)
        case "pipeline":
            _pipeline(document, path)
        case "published":
            _published(path)
        case "ratios":
            Ratios.load(path)
        case "schedule":
            _schedule(document)
        case "study":
            _study(path)
        case "zoo":
            Zoo.load(path)
        case _:
            _workload(path)


def _placed(document: Document, fault: Fault) -> Fault:
    """Put a fault without a file at the top key that it speaks of, else at the file's beginning."""
    if fault.file != "<input>":
        return fault
    data = document.data if isinstance(document.data, dict) else {}
    for key, value in data.items():
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and f"'{text}'" in fault.message for text in texts):
            return document.fault((key,), fault.message)
    return Fault(message=fault.message, file=document.path)


def _arch(document: Document) -> None:
    from accelsim.arch import Architecture
    from accelsim.energy.account import area
    from accelsim.energy.components import attributes
    from accelsim.energy.tables import CostTable

    arch = Architecture.from_document(document)
    try:
        table = CostTable.load(arch.spec.costs)
    except SpecError as error:
        raise _at(document, ("costs",), error) from None
    area(attributes(arch.spec), table)


def _cascade(document: Document) -> None:
    from accelsim.cascade.load import from_document

    cascade = from_document(document)
    found = cascade.passes()
    faults = [
        document.fault(
            ("passes", rank),
            f"passes.{rank} must be {found[rank]}, as counted, not {claimed}"
            if rank in found
            else f"passes.{rank} must be a rank of the cascade: {', '.join(found)}",
        )
        for rank, claimed in (cascade.claimed_passes or {}).items()
        if found.get(rank) != claimed
    ]
    if faults:
        raise SpecError(faults)


def _costs(path: Path) -> None:
    from accelsim.energy.tables import CostTable

    CostTable.load(str(path) if "/" in str(path) else f"./{path}")


def _expansions(document: Document) -> None:
    from accelsim.arch.expansion import ExpansionFile, check_claims
    from accelsim.specs import validate

    check_claims(validate(document, ExpansionFile).rows, document, ("rows",))


def _design(path: Path, seq: int | None) -> None:
    from accelsim.energy.tables import CostTable
    from accelsim.job import Job
    from accelsim.job.rows import RowJob
    from accelsim.mapping import Design, Workload

    design = Design.load(str(path) if "/" in str(path) else f"./{path}")
    if design.spec.pipeline:
        CostTable.load(RowJob.of(design).costs)
        return
    job = Job.of(design)
    CostTable.load(job.costs)
    for stage in Workload.load(WORKLOAD, seq).stages:
        if stage.scope == "attention":
            job.run(stage)


def _exploration(document: Document) -> None:
    from accelsim.explore import Exploration, first_point

    first_point(Exploration.from_document(document))


def _schedule(document: Document) -> None:
    from accelsim.rows.schedule import Schedule

    Schedule.from_document(document)


def _pipeline(document: Document, path: Path) -> None:
    """Check a pipeline by itself; with the architecture beside it, what it names too."""
    from accelsim.arch import Architecture
    from accelsim.rows.pipeline import Pipeline, PipelineSpec
    from accelsim.specs import validate

    beside = path.parent / "arch.yaml"
    if beside.is_file():
        Pipeline.from_document(document, Architecture.load(str(beside.absolute())))
    else:
        validate(document, PipelineSpec)


def _mapping(document: Document, path: Path, *, alone: bool, seq: int | None) -> None:
    from accelsim.arch import Architecture
    from accelsim.cascade import Cascade
    from accelsim.mapping import Mapping, Problem, Workload
    from accelsim.sim import jump
    from accelsim.sim.lower import lower

    mapping = Mapping.from_document(document, str(path))
    named = mapping.spec.cascade
    cascades = []
    for name in [named] if isinstance(named, str) else named:
        try:
            cascades.append(Cascade.load(_beside(path, name) or name))
        except SpecError as error:
            raise _at(document, ("cascade",), error) from None
    beside = path.parent / "arch.yaml"
    if not beside.is_file():
        return
    arch = Architecture.load(str(beside.absolute()))
    for cascade in cascades:
        stages = Workload.load(WORKLOAD, seq).stages
        own = [s for s in stages if s.cascade == cascade.name] or [
            s for s in stages if s.scope == "attention"
        ]
        stage = own[0]
        if not set(cascade.shape_names) <= set(stage.ranks):
            continue
        problem = Problem(
            cascade=cascade,
            arch=arch,
            ranks=stage.ranks,
            leading=stage.leading,
            shared=stage.shared,
        )
        try:
            jump.run(lower(mapping.plan(problem)).program)
        except InfeasibleError:
            if alone:
                raise


def _beside(path: Path, name: str) -> str | None:
    """Return the user's own cascade file of a name: in the mapping's folder, above it, or here."""
    if "/" in name or "\0" in name:
        return None
    for folder in (path.parent, path.absolute().parent.parent, Path()):
        file = folder / f"{name}.yaml"
        if file != path and file.is_file() and kind_of(file, read(file).data) == "cascade":
            return str(file.absolute())
    return None


def _published(path: Path) -> None:
    from accelsim.mapping import Design, Workload
    from accelsim.result import Published

    published = Published.load(path)
    for name in published.file.designs.values():
        Design.load(name)
    for name in published.file.workloads.values():
        Workload.load(name)
    published.compare({})


def _study(path: Path) -> None:
    from accelsim.cli.comparing import lengths_of
    from accelsim.cli.study import Study
    from accelsim.mapping import Design, Workload

    study = Study.load(str(path))
    lengths_of(study)
    ways = [name for way in study.spec.ways for name in (way.start, way.end)]
    for name in [*study.spec.designs, *ways]:
        Design.load(name)
    for name in study.spec.workloads:
        Workload.load(name)


def _workload(path: Path) -> None:
    from accelsim.mapping import Workload

    document = read(path)
    workload = Workload.load(str(path) if "/" in str(path) else f"./{path}")
    placed = [("stages", s) for s in workload.stages]
    placed += [("alternatives", s) for s in workload.alternatives]
    for key, stage in placed:
        if stage.cascade != "attention":  # which the design chooses
            _stage(document, (key, stage.name), stage)


def _stage(document: Document, loc: tuple[str, str], stage: Stage) -> None:
    """Check that a stage gives its cascade the sizes that it needs, and nothing else."""
    from accelsim.cascade import Cascade

    try:
        cascade = Cascade.load(stage.cascade)
    except SpecError as error:
        raise _at(document, (*loc, "cascade"), error) from None
    known = {*cascade.shape_names, *cascade.params}
    for name in stage.ranks:
        if name not in known:
            message = (
                f"{name} must be a size or a parameter of {cascade.name}{nearest(name, known)}"
            )
            raise SpecError(document.fault((*loc, "ranks", name), message))
    try:
        cascade.sizes(**stage.ranks)
    except SpecError as error:
        said = "; ".join(fault.message for fault in error.faults)
        raise SpecError(document.fault((*loc, "ranks"), f"{cascade.name}: {said}")) from None


def _at(document: Document, loc: tuple[str, ...], error: SpecError) -> SpecError:
    """Put faults without a file of their own at the place that led to them."""
    return SpecError(
        [
            document.fault(loc, fault.message) if fault.file == "<input>" else fault
            for fault in error.faults
        ]
    )


def _files(paths: Iterable[Path]) -> list[tuple[Path, bool]]:
    """Return every spec file with whether it was named itself."""
    found: dict[Path, bool] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix in ENDINGS and p.is_file())
            if not inside:
                raise SpecError(f"{path} must hold spec files (*.yaml), it has none")
            for file in inside:
                found.setdefault(file, False)
        elif path.is_file():
            found[path] = True
        else:
            raise SpecError(f"{path} must be a file or a folder: there is none")
    return list(found.items())
