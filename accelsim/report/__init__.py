"""Results as one HTML page that needs nothing else: tables, plots, timelines, the bottleneck in words."""

from accelsim.report.build import write_report
from accelsim.report.page import html_page
from accelsim.report.point import Detail, Point

__all__ = ["Detail", "Point", "html_page", "write_report"]
