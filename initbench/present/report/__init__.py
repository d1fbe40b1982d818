"""The report: one HTML page of one experiment or several, whole in itself."""

from initbench.present.report.chapters import Chapter
from initbench.present.report.page import render_report

__all__ = ["Chapter", "render_report"]
