"""The linter of solution packages, ours and anybody's: what an import would refuse, or take and get wrong.

It judges the builder, so it shares none of it.
"""

from solution.lint.check import RULES, check
from solution.lint.findings import Finding
from solution.lint.twins import differences

__all__ = ["RULES", "Finding", "check", "differences"]
