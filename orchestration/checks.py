"""The audit as Dagster asset checks of the candidate: one that fails keeps the candidate from being
published.
"""

import dagster as dg

from orchestration.publish.audit import CHECKS, AuditReport

AUDIT_CHECK_SPECS = [dg.AssetCheckSpec(name=name, asset="candidate", blocking=True) for name in CHECKS]


def audit_results(report: AuditReport) -> list[dg.AssetCheckResult]:
    """The outcome of every check of the audit."""
    return [
        dg.AssetCheckResult(check_name=check.name, passed=check.passed, description=check.message)
        for check in report.checks
    ]
