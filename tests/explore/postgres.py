"""A PostgreSQL server of the tests' own: as a user that is not root, on a socket, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

USER = "nobody"


def programs():
    """Return the folder of initdb and postgres, None where the server is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def server():
    """Start a server with an empty database; give its URL."""
    folder = Path(tempfile.mkdtemp(prefix="accelsim-postgres-", dir="/tmp"))
    as_root = os.geteuid() == 0
    user = pwd.getpwnam(USER) if as_root else None
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
        folder.chmod(0o700)

    def call(*command):
        subprocess.run(
            command,
            check=True,
            cwd="/",
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=[] if user is not None else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(folder)},
        )

    folder_of = programs()
    data = folder / "data"
    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c unix_socket_permissions=0777"
    try:
        call(folder_of / "initdb", "-D", data, "-U", "tests", "-A", "trust", "--no-sync")
        call(folder_of / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql://tests@/postgres?host={folder}"
        finally:
            call(folder_of / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
