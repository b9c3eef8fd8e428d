"""Where results go: standard output, files that are whole or not there, progress on a terminal."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from accelsim.errors import SpecError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a file to write that takes the place of ``path`` when it is complete."""
    try:
        handle, name = tempfile.mkstemp(
            prefix=".accelsim-", suffix="".join(path.suffixes), dir=path.parent
        )
    except OSError as error:
        raise SpecError(f"{path} cannot be written: {_reason(error)}") from None
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o666 & ~_umask())
        draft.replace(path)
    except OSError as error:
        raise SpecError(f"{path} cannot be written: {_reason(error)}") from None
    finally:
        draft.unlink(missing_ok=True)


def write(path: Path, text: str) -> None:
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_pictures(folder: Path, pictures: Mapping[str, Axes]) -> None:
    """Write each picture as PNG and as SVG."""
    from accelsim import plot

    for name, axes in pictures.items():
        with (
            whole(folder / f"{name}.png") as png,
            whole(folder / f"{name}.svg") as svg,
        ):
            plot.save(axes, png, svg)


def writable(folder: Path) -> Path:
    """Make a folder for results if need be; SpecError, before any long computation, if it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".accelsim-", dir=folder):
            pass
    except OSError as error:
        raise SpecError(f"{folder} cannot be written: {_reason(error)}") from None
    return folder


def writable_file(path: Path) -> Path:
    """The same for one file; the folder must be there."""
    if path.is_dir():
        raise SpecError(f"{path} must be a file to write, not a folder")
    try:
        with tempfile.NamedTemporaryFile(prefix=".accelsim-", dir=path.parent):
            pass
    except OSError as error:
        raise SpecError(f"{path} cannot be written: {_reason(error)}") from None
    return path


@contextmanager
def progress(total: int | None = None) -> Iterator[Callable[[str], None]]:
    """Give a call that says what is being done: a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        begun = False

        def step(text: str) -> None:
            nonlocal begun
            bar.update(task, description=text, advance=int(begun))
            begun = True

        yield step


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
