"""The reproducer of a finding, as ``ralph-hooks show --proof`` prints or saves it."""

from __future__ import annotations

from pathlib import Path

import click

from ralph_hooks.core.finding import Finding
from ralph_hooks.core.proof import Proof
from ralph_hooks.core.report import Report
from ralph_hooks.core.text import one_line, path_line, visible
from ralph_hooks.errors import RalphError
from ralph_hooks.reports import wording


def show_proof(report: Report, id_: str, save: Path | None) -> None:
    """Print the reproducer of the finding ``id_`` of ``report`` and both of its runs, or write it to ``save``."""
    finding, proof = _found(report, id_)
    if save is not None:
        _write(save, proof.test)
        click.echo(f"{one_line(str(save))} written")
        return
    click.echo(f"{wording.place(finding)}: {one_line(finding.message)}")
    click.echo(f"evidence: {wording.evidence(finding)}")
    if proof.asserts:
        click.echo(f"asserts: {one_line(proof.asserts)}")
    if proof.because:
        click.echo(f"because: {one_line(proof.because)}")
    click.echo(f"\n{path_line(proof.path)} (run it with: {one_line(proof.command)})")
    click.echo(_indented(proof.test))
    for side, told in (("change", proof.on_change), ("base", proof.on_base)):
        head, _, rest = told.partition("\n")
        click.echo(f"\non the {side}: {one_line(head)}")
        if rest.strip():
            click.echo(_indented(rest))


def _indented(text: str) -> str:
    return "\n".join(f"  | {line}".rstrip() for line in visible(text).expandtabs(4).rstrip().split("\n"))


def _found(report: Report, id_: str) -> tuple[Finding, Proof]:
    wanted = id_.lower()
    matching = [finding for finding in report.findings if wanted and finding.fingerprint.startswith(wanted)]
    if not matching:
        raise RalphError(f"no finding in this report has the id {one_line(id_)}", "`ralph-hooks show` lists the ids")
    if len({finding.fingerprint for finding in matching}) > 1:
        raise RalphError(f"more than one finding has an id that begins with {one_line(id_)}", "give more of its digits")
    for finding in matching:
        if finding.proof is not None:
            return finding, finding.proof
    raise RalphError(
        f"no reproducer was run for {one_line(id_)}",
        matching[0].note or f"its evidence is `{matching[0].evidence.value}`",
    )


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text if text.endswith("\n") else f"{text}\n")
    except FileExistsError as error:
        raise RalphError(f"{path} exists already", "save to another file") from error
    except OSError as error:
        raise RalphError(f"cannot write {path}: {error.strerror}", "save to another file") from error
