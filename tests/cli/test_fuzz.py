"""Spoilt specs get a message and an exit code: never a traceback, never a hang."""

import os
import random
import shutil
import signal
import threading
from pathlib import Path

import pytest

from accelsim.cli.main import run
from accelsim.specs import find

LIMIT_SECONDS = 60  # a watchdog, not a measure of speed
CHUNKS = 20
FILES = sorted(
    file
    for package in ("arch_specs", "einsum_cascades")
    for file in find.folder(package).rglob("*.yaml")
)


class HangError(BaseException):
    """A case that took longer than the watchdog allows."""


def _hang(*_):
    raise HangError


@pytest.fixture(scope="module", autouse=True)
def plain_signals():
    assert threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGALRM, _hang)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A copy of the shipped specs, in which one file at a time is spoilt."""
    root = tmp_path_factory.mktemp("specs")
    for package in ("arch_specs", "einsum_cascades"):
        shutil.copytree(find.folder(package), root / package)
    return root


def check(path, capsys):
    signal.alarm(LIMIT_SECONDS)
    try:
        code = run(["check", str(path)])
    finally:
        signal.alarm(0)
    return code, capsys.readouterr()


def campaign(seed, count, shipped, capsys):
    from tests.cli.mutate import mutated

    rng = random.Random(seed)
    originals = {file: file.read_bytes() for file in FILES}
    others = list(originals.values())
    failures = []
    for number in range(count):
        file = rng.choice(FILES)
        package = find.folder("arch_specs" if "arch_specs" in file.parts else "einsum_cascades")
        place = shipped / package.name / file.relative_to(package)
        text = mutated(rng, originals[file], others)
        place.write_bytes(text)
        try:
            code, said = check(place, capsys)
        except HangError:
            code, said = "hang", None
        finally:
            place.write_bytes(originals[file])
        wrong = code not in (0, 1, 2) or "Traceback" in said.err or (code and not said.err.strip())
        if wrong:
            name = f"{seed}-{number}-{file.parent.name}-{file.name}"
            keep = Path(os.environ.get("ACCELSIM_FUZZ_KEEP", shipped)) / name
            keep.write_bytes(text)
            failures.append((str(keep), code, said.err[-300:] if said else ""))
    assert not failures, failures


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_spoilt_specs(chunk, shipped, capsys):
    campaign(1000 + chunk, 160 // CHUNKS, shipped, capsys)


@pytest.mark.campaign
@pytest.mark.parametrize("chunk", range(200))
def test_many_spoilt_specs(chunk, shipped, capsys):
    campaign(50_000 + chunk, 100, shipped, capsys)


@pytest.mark.parametrize("name", ["arch.yaml", "design.yaml", "attention_1pass.yaml"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"# nothing\n", b"\x00" * 4096, bytes(range(256)) * 16, b"{" * 10_000_000,
     b"[" * 10_000_000, b"a: " * 100_000, b"name: x\nname: y\n", b"- 1\n- 2\n", b"3\n", b"&a [*a]\n",
     b"a: &a [1,1]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", b"name: 9**9**9\n",
     b"name: !!python/object/apply:os.system [ls]\n"],
    ids=lambda content: repr(content[:12]),
)  # fmt: skip
def test_hopeless_files(content, name, tmp_path, capsys):
    file = tmp_path / name
    file.write_bytes(content)
    code, said = check(file, capsys)
    assert code == 2
    assert said.err.startswith(f"{file}:")
    assert "Traceback" not in said.err
