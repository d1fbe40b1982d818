"""The report: one HTML page of one experiment or several, whole in itself."""

from initbench.present.report.chapters import Appendix, Chapter
from initbench.present.report.page import render_report

__all__ = ["Appendix", "Chapter", "render_report"]
