"""Code blocks of Markdown files: written, run, imported, as a reader would."""

import re
import shlex

from accelsim.cli.main import run

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(path):
    """Yield (language, text) of the fenced blocks of a file."""
    return [(m[1], m[2]) for m in BLOCK.finditer(path.read_text(encoding="utf-8"))]


def play(path, capsys, skip=()):
    """Write, run and execute every block in order, in the current folder; return the commands."""
    from pathlib import Path

    done = []
    for language, text in blocks(path):
        if language == "yaml" and text.startswith("# file: "):
            name = text.splitlines()[0].removeprefix("# file: ")
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text, encoding="utf-8")
        elif language == "python":
            exec(compile(text, f"{path.name}: python", "exec"), {"__name__": "document"})
        elif language == "console":
            for line in text.splitlines():
                assert line.startswith("$ accelsim "), line
                if line in skip:
                    continue
                code = run(shlex.split(line)[2:])
                assert code == 0, (line, capsys.readouterr().err)
                done.append(line)
    return done
