"""Workers of a dask cluster, by the address of its scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from accelsim.errors import SpecError
from accelsim.explore.store import StoreError

_PATIENCE = "10s"  # for the scheduler to answer


@contextmanager
def connected(address: str) -> Iterator[int]:
    """Connect to a scheduler such as ``tcp://host:8786``; give how many threads its workers have."""
    try:
        import distributed
    except ImportError:
        raise SpecError(
            "--cluster must have dask.distributed: pip install 'accelsim[cluster]'"
        ) from None
    connect: Any = distributed.Client  # without annotations
    try:
        client: Any = connect(address, timeout=_PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StoreError(f"--cluster {address} cannot be reached: {reason}") from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise StoreError(
                f"--cluster {address} must have workers, it has none: dask worker {address}"
            )
        yield threads
