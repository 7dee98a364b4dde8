"""The wiring of adapters; no other module builds them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click
import msgspec
from msgspec import Struct

from ralph_hooks.app.context import Context, load_context, open_state, require_consent
from ralph_hooks.app.progress import Silent, progress
from ralph_hooks.app.run_lock import exclusive_run
from ralph_hooks.checks.all import all_change_checks, all_checks
from ralph_hooks.checks.ruff import Ruff
from ralph_hooks.checks.ruff_config import ProjectRules
from ralph_hooks.checks.secrets import Secrets
from ralph_hooks.checks.shared import may_be_python
from ralph_hooks.config import GateSettings, Settings, Stage, Unpriced
from ralph_hooks.core import skips
from ralph_hooks.core.change import Change
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.guidance import Guidance, load
from ralph_hooks.core.ports.change import Snapshot
from ralph_hooks.core.ports.checks import Linters
from ralph_hooks.core.ports.cluster import Cluster
from ralph_hooks.core.ports.models import ModelClient, Prices
from ralph_hooks.core.ports.progress import Progress
from ralph_hooks.core.ports.sandbox import LinterRunner, Prover, Verifier
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.report import Report
from ralph_hooks.core.text import visible
from ralph_hooks.engine.models.access import ModelAccess
from ralph_hooks.engine.models.caller import Caller
from ralph_hooks.engine.review.gate import Gate, Scope
from ralph_hooks.engine.review.run_checks import CheckSuite
from ralph_hooks.engine.review.verify_commands import NoCommands
from ralph_hooks.engine.worker_pool import WorkerPool
from ralph_hooks.errors import RalphError
from ralph_hooks.git import snapshot as snapshots
from ralph_hooks.git.base_files import read_files
from ralph_hooks.git.dismissals import GitDismissals
from ralph_hooks.git.snapshot import GitSnapshot
from ralph_hooks.providers import registry
from ralph_hooks.store.cache import NamespacedCache, SharedModelCache, Verdicts
from ralph_hooks.store.labels import StoredLabels
from ralph_hooks.store.ledger import Caps, StoredLedger
from ralph_hooks.store.prices import Catalogue
from ralph_hooks.store.receipts import StoredReceipts
from ralph_hooks.store.reports import Reports
from ralph_hooks.store.state import State
from ralph_hooks.trust.redaction import Redaction

if TYPE_CHECKING:
    from ralph_hooks.engine.backtest.batch import Batching
    from ralph_hooks.engine.backtest.remote import Remote
    from ralph_hooks.engine.repair.fixer import Fixer
    from ralph_hooks.engine.review.push_gate import PushGate
    from ralph_hooks.git.push import GitPush

KEEP_BODIES = "RALPH_HOOKS_KEEP_BODIES"
"""The variable that, if set, saves the bodies of requests and replies in the state folder, for debugging."""


class Selection(Struct, frozen=True):
    """The selected change: a range, a commit, all uncommitted changes, or the staged change."""

    from_ref: str | None = None
    to_ref: str | None = None
    commit: str | None = None
    worktree: bool = False
    intent: str = ""
    """The author's description of the purpose of the change."""

    @property
    def stage(self) -> Stage:
        """The stage: pre-commit for a staged change, pre-push for history (about to be pushed, or in CI)."""
        return Stage.PRE_PUSH if self.from_ref or self.commit else Stage.PRE_COMMIT

    def pushed(self, repository: snapshots.Repository) -> GitPush | None:
        """Return a range with its commits; None if no range was selected. Raises as `read`."""
        if not self.from_ref:
            return None
        from ralph_hooks.git.push import ranged

        return ranged(repository, self.from_ref, self.to_ref or "HEAD")

    def read(self, repository: snapshots.Repository) -> GitSnapshot:
        """Return the change. Raises GitError if it does not exist or cannot be judged."""
        if self.commit:
            return snapshots.commit(repository, self.commit)
        if self.from_ref:
            return snapshots.between(repository, self.from_ref, self.to_ref or "HEAD")
        if self.to_ref:
            raise RalphError("--to-ref needs --from-ref", "add --from-ref with the start of the range")
        if self.worktree:
            from ralph_hooks.git.worktree import everything

            return everything(repository)
        return snapshots.staged(repository)


class ReviewSession(Struct, frozen=True, kw_only=True):
    """The resources of one review."""

    context: Context
    stage: Stage
    snapshot: Snapshot
    gate: Gate
    pushed: GitPush | None = None
    """The push that a range stands for; None for other selections."""

    def judge(self, command: str, scope: Scope) -> Report:
        """Judge and return the report, stored for `show`. Raises RalphError if only the user can help."""
        if self.pushed is None:
            return self.gate.judge(command, self.snapshot, scope)
        return push_gate(self.gate).judge(command, self.pushed, scope)


@contextmanager
def open_review(command: str, selection: Selection) -> Iterator[ReviewSession]:
    """Yield a session in which ``command`` judges ``selection``.

    Raises UntrustedError before anything is sent or run.
    """
    context = load_context()
    require_consent(context)
    with contextlib.ExitStack() as stack:
        if selection.worktree:
            from ralph_hooks.git.worktree import uncommitted

            view = stack.enter_context(uncommitted(context.repository))
            context = msgspec.structs.replace(context, repository=view)
        yield stack.enter_context(_review(context, command, selection))


@contextmanager
def _review(context: Context, command: str, selection: Selection) -> Iterator[ReviewSession]:
    with open_state(context.home, context.settings) as state:
        pushed = selection.pushed(context.repository)
        snapshot: Snapshot = pushed.targets[0].snapshot if pushed else selection.read(context.repository)
        limits = context.settings.push if pushed else context.settings.gate  # a range is judged as a push
        gate = with_skips(build_gate(context, state, command, limits, snapshot, intent=selection.intent))
        try:
            with exclusive_run(context.home.state, context.key, [snapshot.change], gate.models.caller.deadline):
                yield ReviewSession(
                    context=context,
                    stage=selection.stage,
                    snapshot=snapshot,
                    gate=gate,
                    pushed=pushed,
                )
        finally:
            gate.models.caller.close()  # after an interrupt or an error: calls in progress are already in the ledger


@contextmanager
def open_push(context: Context, command: str, pushed: GitPush) -> Iterator[PushGate]:
    """Yield the gate for ``pushed``.

    Raises UntrustedError before anything is sent or run; a push with nothing to judge needs no approval.
    """
    if pushed.targets:
        require_consent(context)
    nothing = Change(tree="", base="", entries=(), title=pushed.title)
    with open_state(context.home, context.settings) as state:
        # git has stored every pushed object: no change is needed to build a tree.
        gate = build_gate(context, state, command, context.settings.push, GitSnapshot(context.repository, nothing))
        changes = [portion.snapshot.change for portion in pushed.targets]
        gate = with_skips(gate)

        def at_base(gate: Gate, change: Change) -> Gate:
            models = msgspec.structs.replace(gate.models, guidance=_guidance(context, change, ""))
            checks = msgspec.structs.replace(gate.checks, files=all_checks(_ruff(context, change)))
            return msgspec.structs.replace(gate, models=models, checks=checks)

        try:
            with exclusive_run(context.home.state, context.key, changes, gate.models.caller.deadline):
                yield msgspec.structs.replace(push_gate(gate), at_base=at_base)
        finally:
            gate.models.caller.close()


def push_gate(gate: Gate) -> PushGate:
    """Return the gate for several changes with a history, around ``gate`` for one change."""
    from ralph_hooks.engine.review.push_gate import PushGate

    return PushGate(gate=gate, secrets=Secrets())


def with_skips(gate: Gate) -> Gate:
    """Return ``gate`` without the parts that the user skips for this run. Raises RalphError for an unknown name."""
    wanted = os.environ.get(skips.VARIABLE, "")
    if not wanted.strip():
        return gate
    try:
        skipped = skips.read(wanted, gate.checks.names)
    except ValueError as error:
        raise RalphError(*error.args) from error
    return msgspec.structs.replace(gate, checks=msgspec.structs.replace(gate.checks, skips=skipped))


def build_gate(
    context: Context,
    state: State,
    command: str,
    limits: GateSettings,
    snapshot: Snapshot,
    shown: Progress | None = None,
    *,
    intent: str = "",
) -> Gate:
    """Return the gate for one run of ``command``; progress goes to ``shown``, by default the terminal."""
    deadline = Deadline(limits.deadline, time.monotonic)
    run = os.urandom(8).hex()
    caller, store, prices = build_caller(context, state, command, deadline, run=run)
    models = ModelAccess(
        settings=context.settings,
        limits=limits,
        caller=caller,
        pool=WorkerPool(limits.parallel, deadline, shown or progress()),
        answers=SharedModelCache(state),
        prices=prices,
        guidance=_guidance(context, snapshot.change, intent),
    )
    gate = _gate(context, state, models, store, context.repository, snapshot.change)
    labels = StoredLabels(state.database, context.known_as(), run=run, shared=state.team is not None)
    return msgspec.structs.replace(
        gate,
        labels=labels,
        checks=msgspec.structs.replace(
            gate.checks, files=all_checks(_ruff(context, snapshot.change)), linters=_linters(context, store)
        ),
        dismissals=GitDismissals(context.repository),
    )


def _guidance(context: Context, change: Change, intent: str) -> Guidance:
    """Return the project's review guidelines from the base of ``change``, and the ``intent``."""
    names = context.settings.all_guidelines()
    if not names or not change.base:
        return Guidance(intent=intent)
    return load(names, read_files(context.repository, change.base, [name.partition("#")[0] for name in names]), intent)


def _ruff(context: Context, change: Change) -> Ruff:
    """Return the ruff check by the project's configuration in the base of ``change``."""
    paths = [entry.path for entry in change.entries if may_be_python(entry)]
    project = ProjectRules(lambda wanted: read_files(context.repository, change.base, wanted), paths)
    return Ruff(project, context.settings.checks.ruff.ignore)


def _linters(context: Context, store: Cache, runner: LinterRunner | None = None) -> Linters | None:
    """Return the project's own linters; None if it has none."""
    if not context.settings.linters:
        return None
    from ralph_hooks.checks.linters import ProjectLinters
    from ralph_hooks.git.sandbox.linter_runner import GitLinterRunner

    verify = context.settings.verify
    runner = runner or GitLinterRunner(
        context.repository, network=verify.network, dependencies=verify.share_dependencies
    )
    return ProjectLinters(context.settings.linters, runner, store)


def build_trial(
    context: Context,
    state: State,
    repository: snapshots.Repository,
    change: Change,
    *,
    run: str,
    client: ModelClient,
    apart: str,
    batch: Batching | None = None,
    proves: bool = False,
) -> Gate:
    """Return the gate for one backtest example.

    It runs no commands, stores no report, and keeps its answers apart from real ones. With ``proves`` it runs
    reproducers.
    """
    limits = context.settings.gate
    deadline = Deadline(limits.deadline, time.monotonic)
    caller, store, prices = build_caller(
        context, state, "backtest", deadline, run=run, client=client, apart=apart, batch=batch
    )
    models = ModelAccess(
        settings=context.settings,
        limits=limits,
        caller=caller,
        pool=WorkerPool(limits.parallel, deadline, Silent()),
        answers=NamespacedCache(SharedModelCache(state), apart),
        prices=prices,
    )
    return _gate(context, state, models, store, repository, change, proves=proves)


def _gate(
    context: Context,
    state: State,
    models: ModelAccess,
    store: Cache,
    repository: snapshots.Repository,
    change: Change,
    *,
    proves: bool = True,
) -> Gate:
    """Return the gate for ``change`` of ``repository``; without ``proves`` it runs no reproducers."""
    return Gate(
        models=models,
        checks=CheckSuite(
            files=all_checks(),
            changes=all_change_checks(context.settings.checks.weakened_tests),
            secrets=Secrets(),
        ),
        store=store,
        verifier=_verifier(context, repository, change, store),
        history=Reports(state.database, context.known_as()),
        receipts=StoredReceipts(state.database, context.known_as()),
        prover=partial(build_prover, context, repository) if proves and context.settings.proof.enabled else None,
    )


def build_prover(context: Context, repository: snapshots.Repository, change: Change) -> Prover:
    """Return the prover that runs reproducers for ``change``."""
    from ralph_hooks.git.sandbox.prover import GitProver

    settings = context.settings
    return GitProver(
        repository, change, command=settings.proof.command, dependencies=settings.verify.share_dependencies
    )


def _verifier(context: Context, repository: snapshots.Repository, change: Change, store: Cache) -> Verifier:
    verify = context.settings.verify
    if not verify.commands:
        return NoCommands()
    from ralph_hooks.git.sandbox.verifier import OWN_NETWORK, CommandVerifier  # costs 5 ms

    cut_by = "" if verify.network else OWN_NETWORK
    return CommandVerifier(
        repository,
        change,
        timeout=verify.timeout,
        cut_by=cut_by,
        store=store,
        dependencies=verify.share_dependencies,
    )


def build_caller(
    context: Context,
    state: State,
    command: str,
    deadline: Deadline,
    *,
    run: str = "",
    client: ModelClient | None = None,
    apart: str = "",
    batch: Batching | None = None,
) -> tuple[Caller, Cache, Prices]:
    """Return the model caller for one run of ``command``, with its cache and prices.

    ``run`` and ``client`` are shared by several callers of one run; ``apart`` names a cache of their own.
    """
    verdicts = Verdicts(state.database)
    store: Cache = NamespacedCache(verdicts, apart) if apart else verdicts
    prices: Prices = Catalogue(context.settings.prices, verdicts)
    if batch is not None:
        from ralph_hooks.engine.backtest.batch import HalfPrices

        client, prices = batch, HalfPrices(prices)
    run = run or os.urandom(8).hex()
    caller = Caller(
        client=client or build_client(context, run),
        store=store,
        ledger=build_ledger(context, state, command, run),
        prices=prices,
        redactor=Redaction(),
        deadline=deadline,
        run=run,
        sleep=time.sleep,
        now=time.time,
        batch=batch,
    )
    return caller, store, prices


def build_ledger(context: Context, state: State, command: str, run: str) -> StoredLedger:
    """Return the ledger of one run, with the user's budgets."""
    budget = context.settings.budget
    caps = Caps(
        per_run=budget.per_run,
        per_day=budget.per_day,
        per_month=budget.per_month,
        price_needed=budget.unpriced is Unpriced.REFUSE,
    )
    return StoredLedger(state, run=run, repository=context.known_as(), command=command, caps=caps)


@contextmanager
def open_cluster(address: str, routings: Iterable[Settings]) -> Iterator[Cluster]:
    """Yield the Dask cluster at ``address``, whose workers can ask the models of all ``routings``.

    Raises RalphError.
    """
    from ralph_hooks.app import cluster_worker
    from ralph_hooks.cluster.dask import Dask
    from ralph_hooks.engine.backtest.remote import reviewers

    models = dict.fromkeys(model for settings in routings for model in reviewers(settings))
    question = cluster_worker.question(tuple(models))
    with Dask(
        address, do=cluster_worker.do, answer=cluster_worker.answer, question=question, accept=cluster_worker.refusal
    ) as cluster:
        yield cluster


def build_remote(context: Context, state: State, cluster: Cluster, *, run: str, apart: str) -> Remote:
    """Return a judge that runs on ``cluster``, with this user's ledger and cache."""
    from ralph_hooks import secrets
    from ralph_hooks.engine.backtest.remote import Remote

    verdicts = Verdicts(state.database)
    return Remote(
        cluster=cluster,
        settings=context.settings,
        ledger=build_ledger(context, state, "backtest", run),
        store=NamespacedCache(verdicts, apart),
        answers=NamespacedCache(SharedModelCache(state), apart),
        prices=Catalogue(context.settings.prices, verdicts),
        checks=all_checks(),
        harmless=lambda text, path: not secrets.find(text, path),
        run=run,
    )


@contextmanager
def open_fixer(context: Context, gate: Gate, snapshot: Snapshot) -> Iterator[Fixer]:
    """Yield the fixer for ``snapshot``, which ``gate`` judges; its scratch copy is removed at the end.

    Raises GitError.
    """
    from ralph_hooks.checks.autofix import RuffFixes
    from ralph_hooks.engine.repair.fixer import Fixer
    from ralph_hooks.git.sandbox.workbench import GitWorkbench

    settings = context.settings
    workbench = GitWorkbench(
        context.repository,
        snapshot.change,
        timeout=settings.verify.timeout,
        protected=settings.fix.protected,
        network=settings.fix.network,
        own_network=settings.verify.network,
        own_files=settings.own_files,
        store=gate.store,
        dependencies=settings.verify.share_dependencies,
    )
    try:
        with workbench as bench:
            # Only the workbench's own repository has the repaired tree.
            known = (lambda _: bench.prover(settings.proof.command)) if gate.prover else None
            linters = _linters(context, gate.store, bench.linters()) if gate.checks.linters else None
            checks = msgspec.structs.replace(gate.checks, linters=linters)
            judging = msgspec.structs.replace(gate, prover=known, checks=checks)
            yield Fixer(gate=judging, models=gate.models, bench=bench, autofix=RuffFixes())
    except OSError as error:
        raise RalphError(
            f"cannot use the scratch copy: {error}", "check for free space in the temporary folder"
        ) from error


def build_batching(context: Context, state: State, run: str, apart: str, tell: Callable[[str], None]) -> Batching:
    """Return the client that sends the requests of a backtest as batches; ``tell`` gets sentences for the user."""
    from ralph_hooks.engine.backtest.batch import Batching

    verdicts = Verdicts(state.database)
    return Batching(
        client=registry.client(os.environ, context.settings.proxy),
        store=NamespacedCache(verdicts, apart),
        ledger=build_ledger(context, state, "backtest", run),
        prices=Catalogue(context.settings.prices, verdicts),
        run=run,
        deadline=lambda seconds: Deadline(seconds, time.monotonic),
        sleep=time.sleep,
        tell=tell,
    )


def build_client(context: Context, run: str) -> ModelClient:
    """Return the model client; with `KEEP_BODIES` set it saves requests and replies, and prints where."""
    client = registry.client(os.environ, context.settings.proxy)
    if not os.environ.get(KEEP_BODIES):
        return client
    from ralph_hooks.providers.request_log import BodyKeeper

    folder = context.home.state / "bodies" / run
    click.echo(f"ralph-hooks: requests and replies are saved in {visible(str(folder))}", err=True)
    return BodyKeeper(client, folder)
