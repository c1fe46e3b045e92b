"""The HTML pages: each one self-contained file that asks nobody for anything."""

from conformance.report.html.page import html, html_parts, write_html

__all__ = ["html", "html_parts", "write_html"]
