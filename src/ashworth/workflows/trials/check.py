"""Check a protocol before any patient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ashworth.trials.protocols.executable import load_protocol
from ashworth.trials.protocols.static_checks import Finding, ProtocolChecks, check_protocol


@dataclass(frozen=True, slots=True)
class CheckedProtocol:
    """Findings of the static checks with the words for a terminal."""

    checks: ProtocolChecks

    @property
    def holds(self) -> bool:
        """Whether there is no error."""
        return self.checks.holds

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {
            "protocol": self.checks.protocol,
            "protocol_version": self.checks.protocol_version,
            "digest": self.checks.digest,
            "holds": self.holds,
            "paths": self.checks.paths,
            "findings": self.checks.table().to_dicts(),
            "method": self.checks.method,
            "software_version": self.checks.version,
        }

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        checks = self.checks
        yield f"protocol {checks.protocol}, version {checks.protocol_version}"
        yield from (_line(finding) for finding in checks.findings)
        errors = sum(f.level == "error" for f in checks.findings)
        verdict = "no errors" if not errors else f"{errors} error{'' if errors == 1 else 's'}"
        yield (
            f"{verdict}; {checks.paths} ways through the flow, all of them end; "
            "decisions, arms and what is known when were checked"
        )


def _line(finding: Finding) -> str:
    where = "" if finding.line is None else f"line {finding.line}, column {finding.column}, "
    return f"{finding.level}: {where}{finding.place}: {finding.message}"


def check(
    protocol: str, *, version: int | None = None, folders: tuple[Path, ...] = ()
) -> CheckedProtocol:
    """Load a protocol and check it.

    Raises
    ------
    DefinitionError, DefinitionFileError
        If it cannot be loaded; every fault of the file.
    """
    trial = load_protocol(protocol, version=version, folders=folders)
    return CheckedProtocol(check_protocol(trial))
