"""Writes docs/images/report.png, a page as a browser shows it: python docs/screenshot.py."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from accelsim.cli.main import run

ROOT = Path(__file__).resolve().parents[1]
DESIGNS = ("fusemax", "fusemax_serial", "flat_1pass", "flat", "unfused")
SIZE = "1180,1840"


def main() -> int:
    """Make the page and have headless Chromium draw it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("screenshot: needs chromium")
    with tempfile.TemporaryDirectory() as name:
        page, picture = Path(name) / "report.html", Path(name) / "report.png"
        if run(["report", *DESIGNS, "--seq", "4K", "-o", str(page)]):
            return 1
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        flags += ["--no-first-run", "--disable-background-networking", f"--window-size={SIZE}"]
        subprocess.run(
            [chromium, *flags, f"--user-data-dir={name}", f"--screenshot={picture}", page.as_uri()],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        shutil.copy(picture, ROOT / "docs" / "images" / "report.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
