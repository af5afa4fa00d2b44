"""The names of a report's files in a job's folder."""

from __future__ import annotations

HTML, PDF = "report.html", "report.pdf"
