"""CPU time of rows: GPT-2 small, 4,608 rows of everything that SpAtten prunes, from rows to the report.

python -m benchmarks.bench_rows [TRACE.csv]
"""

from __future__ import annotations

import sys
import time

from accelsim.job.rows import RowJob, rows_of


def main(trace: str | None = None) -> None:
    job = RowJob.of("spatten")
    begin = time.process_time()
    rows = rows_of(schedule="gpt2-small") if trace is None else rows_of(trace_csv=trace)
    read = time.process_time()
    report = job.report(rows)
    end = time.process_time()
    print(f"{len(rows):,} rows, {report.cycles:,} cycles")
    print(f"rows {read - begin:.2f} CPU s, simulated and reported {end - read:.2f} CPU s")


if __name__ == "__main__":
    main(*sys.argv[1:2])
