"""Several records side by side: where they differ, and how. Made from records alone, anywhere, later."""

from conformance.compare.comparing import compare
from conformance.compare.document import to_json
from conformance.compare.html import html
from conformance.compare.markdown import markdown
from conformance.compare.nouns import Comparison, InvalidComparison
from conformance.compare.terminal import print_comparison

__all__ = ["Comparison", "InvalidComparison", "compare", "html", "markdown", "print_comparison", "to_json"]
