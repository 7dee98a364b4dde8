"""``ralph-hooks backtest``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import click
from msgspec import Struct, structs

from ralph_hooks.app.context import Context, load_context, open_state, require_consent
from ralph_hooks.app.progress import progress
from ralph_hooks.app.wiring import build_client, build_trial, open_cluster
from ralph_hooks.cli.backtest.runner import AT_ONCE, Replayer
from ralph_hooks.cli.shared.review_command import terminal_width, wants_color, write_text
from ralph_hooks.config import BlockOn, GateSettings, Settings
from ralph_hooks.core.backtest import Bar, Example, Score, Trial, moved, score, settled, tune
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Severity
from ralph_hooks.core.route import Chain, Model, Phase, settings_key
from ralph_hooks.core.text import money, plural, visible
from ralph_hooks.engine.backtest.batch import Batching, HalfPrices
from ralph_hooks.engine.backtest.prefetch import Prefetcher
from ralph_hooks.engine.backtest.replay import CapReached, Routing, run
from ralph_hooks.engine.cache_keys import key
from ralph_hooks.engine.review.estimate import requests
from ralph_hooks.errors import CapError, ConfigError, ExitCode, RalphError
from ralph_hooks.git.history import szz
from ralph_hooks.git.push import GitPush
from ralph_hooks.git.snapshot import Repository
from ralph_hooks.store.cache import Verdicts
from ralph_hooks.store.state import State

HELP = """\
Replay labelled changes through one or more routings and measure each gate: how many bugs it catches (a hit counts only
on a line known to be wrong), how many clean changes it blocks, and what that costs.

The changes are commits of this repository, labelled by its own history (lines that a later fix removed were wrong;
commits that stayed untouched for long were fine), or a file of examples: JSON, one object a line with id, path, label,
before, after; or changes that your gate has reviewed (--decisions), labelled by what became of their findings: fixed or
accepted ones were right, dismissed ones were wrong.

Answers are cached: an interrupted run continues where it stopped and pays nothing twice.

\b
Examples:
  ralph-hooks backtest --commits v1.0..main --estimate       estimate the cost; send nothing
  ralph-hooks backtest --commits v1.0..main --cap 2.00
  ralph-hooks backtest --dataset bugs.jsonl --routing checks --routing flash=openrouter/deepseek/deepseek-v4-flash
  ralph-hooks backtest --dataset bugs.jsonl --tune           find thresholds that keep false blocks under 2 %
  ralph-hooks backtest --commits v1.0..main --batch          half the price; go on with the same command
  ralph-hooks backtest --decisions --tune                    the same from your own fixes and dismissals
  ralph-hooks backtest --commits v1.0..main --dask tcp://scheduler:8786
  ralph-hooks backtest --simulate --assume false-alarm=0.3   what confirm and proof do under assumed error rates
"""
_FOREVER = 366 * 86_400.0  # seconds
_CHECKS = "checks"
_CONFIGURED = "configured"


class _Wanted(Struct, frozen=True, kw_only=True):
    """The options of one backtest."""

    workers: int | None
    """The number of changes judged concurrently; None for the default of the place where they run."""
    dask: str | None
    """The address of a Dask scheduler."""
    repeat: int
    cap: Decimal | None
    tuning: bool
    batch: bool
    proofs: bool


@click.command("backtest", help=HELP)
@click.option("--commits", metavar="RANGE", help="Commits of this repository, such as v1.0..main.")
@click.option(
    "--patience", type=click.IntRange(0), metavar="DAYS", default=szz.PATIENCE, show_default=True,
    help="With --commits: the age at which a commit without a fix counts as clean.",
)  # fmt: skip
@click.option("--decisions", is_flag=True, help="Changes of this repository whose findings you fixed or dismissed.")
@click.option("--dataset", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file of examples.")
@click.option(
    "--routing", "routings", multiple=True, metavar="NAME=MODEL[,MODEL]",
    help="A model for analyze and verify, or one for each; `checks` for no model. Default: as configured.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(1), help="Replay at most N changes, sampled evenly.")
@click.option(
    "--repeat",
    type=click.IntRange(1, 20),
    default=1,
    show_default=True,
    help="Repeat each request N times to measure unstable verdicts.",
)
@click.option(
    "--workers", type=click.IntRange(1, 1000),
    help=f"Review N changes at once; default: {AT_ONCE}, with --dask as many as its workers have threads.",
)  # fmt: skip
@click.option("--dask", metavar="ADDRESS", help="Review on the workers of a Dask cluster: its scheduler's address.")
@click.option(
    "--batch", is_flag=True,
    help="Send the requests as batches where the provider takes them: half the price, answers within 24 hours.",
)  # fmt: skip
@click.option(
    "--proofs", is_flag=True,
    help="Run reproducers, to see what each value of gate.block-on would have blocked. Runs code of these changes.",
)  # fmt: skip
@click.option("--cap", type=click.FloatRange(0), help="Maximum cost in US dollars; default: budget.per-run.")
@click.option("--estimate", is_flag=True, help="Estimate the cost and send nothing.")
@click.option(
    "--tune", "tuning", is_flag=True, help="Find the thresholds with the highest catch rate within --false-blocks."
)
@click.option("--false-blocks", type=click.FloatRange(0, 1), default=0.02, show_default=True, help="For --tune.")
@click.option("--simulate", is_flag=True, help="Simulate the gate under assumed error rates; reviews nothing.")
@click.option(
    "--assume", "assumed", multiple=True, metavar="NAME=VALUE",
    help="For --simulate: an assumption to change, such as catch=0.6, false-alarm, correlation, confirm-false, proof.",
)  # fmt: skip
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a chart of cost and quality to a file."
)
def command(
    *,
    commits: str | None,
    patience: int,
    dataset: Path | None,
    decisions: bool,
    routings: tuple[str, ...],
    limit: int | None,
    repeat: int,
    workers: int | None,
    dask: str | None,
    batch: bool,
    proofs: bool,
    cap: float | None,
    estimate: bool,
    tuning: bool,
    false_blocks: float,
    simulate: bool,
    assumed: tuple[str, ...],
    format_: str,
    html: Path | None,
) -> int:
    """Label the changes, replay them and count the results."""
    if simulate:
        from ralph_hooks.cli.backtest.simulate import run as run_simulation

        if commits or dataset or decisions or routings or estimate or tuning or html:
            raise click.UsageError("--simulate reviews no change: use it with --assume and --format alone")
        run_simulation(assumed, format_)
        return ExitCode.PASS
    if assumed:
        raise click.UsageError("--assume needs --simulate")
    if (commits is not None) + (dataset is not None) + decisions != 1:
        raise click.UsageError("give one of --commits RANGE, --dataset FILE and --decisions")
    _check_combination(batch=batch, proofs=proofs, tuning=tuning, dask=dask)
    context = load_context()
    require_consent(context)
    if proofs and not context.settings.proof.enabled:
        raise ConfigError(
            "proof.enabled is false, so --proofs can run nothing", "set it to true, or leave --proofs out"
        )
    most = None if cap is None else Decimal(str(cap))
    wanted = _Wanted(workers=workers, dask=dask, repeat=repeat, cap=most, tuning=tuning, batch=batch, proofs=proofs)
    with (
        open_state(context.home, context.settings) as state,
        _labelled(context, state, commits, patience, dataset) as (repository, found),
    ):
        examples = _evenly(found, limit)
        _say_what(examples)
        settings = [_routed(context.settings, text) for text in routings or (_CONFIGURED,)]
        if estimate:
            return _estimate(context, state, repository, examples, settings, wanted)
        with _bench(context, state, repository, settings, wanted) as bench:
            trials = _replay(context, bench, examples, settings, wanted)
    bars = {name: _bar(routed.gate) for name, routed in settings}
    scores = [score(name, runs, bars[name], proofs=proofs) for name, runs in trials.items()]
    _show(scores, format_, html, commits or ("your decisions" if decisions else str(dataset)))
    if tuning:
        from ralph_hooks.reports.backtest.table import tuned

        for line in tuned(tune({name: runs[0] for name, runs in trials.items()}, false_blocks), false_blocks):
            click.echo(line, err=format_ == "json")
    return ExitCode.PASS


def _check_combination(*, batch: bool, proofs: bool, tuning: bool, dask: str | None) -> None:
    if batch and dask is not None:
        raise click.UsageError("--batch sends from this machine alone: leave --dask out")
    if proofs and (batch or tuning or dask is not None):
        raise click.UsageError("--proofs runs reproducers on this machine: leave --batch, --dask and --tune out")


@contextmanager
def _labelled(
    context: Context, state: State, commits: str | None, patience: int, dataset: Path | None
) -> Iterator[tuple[Repository, tuple[Example, ...]]]:
    if dataset is not None:
        from ralph_hooks.git.history.examples import read_records, stored

        with stored(read_records(dataset)) as (repository, examples):
            yield repository, examples
        return
    if commits is None:
        yield context.repository, _decided(context, state)
        return
    shown = progress()
    history = szz.history(context.repository, commits)
    shown.begin("labelling commits", sum(szz.is_fix(each.subject) for each in history))
    try:
        examples = szz.examples(context.repository, history, patience=patience, done=shown.advance)
    finally:
        shown.end()
    if not examples:
        raise RalphError(
            f"no commit in {commits} can be labelled from the history",
            "give a longer range, for example the last two years",
        )
    if all(example.wrong for example in examples):
        click.echo(
            f"No commit has lived for {plural(patience, 'day')} without a fix, so none counts as clean, and nothing is "
            "said about false blocks; --patience says how long it takes.",
            err=True,
        )
    yield context.repository, examples


def _decided(context: Context, state: State) -> tuple[Example, ...]:
    """Return the examples that the user's decisions make. Raises RalphError if there is none."""
    from ralph_hooks.git.history.decisions import decided
    from ralph_hooks.store.labels import reviewed_trees

    found = decided(context.repository, reviewed_trees(state.database, context.known_as()))
    for count, why in ((found.undecided, "is undecided (bypassed or open findings)"), (found.gone, "is gone from git")):
        if count:
            click.echo(f"Left out: {plural(count, 'reviewed change')} that {why}", err=True)
    if not found.examples:
        raise RalphError(
            "no reviewed change of this repository has a decided outcome yet",
            "fix or dismiss findings first (`ralph-hooks stats`), or use --commits RANGE",
        )
    return found.examples


def _evenly(examples: Sequence[Example], limit: int | None) -> tuple[Example, ...]:
    if limit is None or limit >= len(examples):
        return tuple(examples)
    return tuple(examples[index * len(examples) // limit] for index in range(limit))


def _say_what(examples: Sequence[Example]) -> None:
    bugs = sum(bool(example.wrong) for example in examples)
    click.echo(
        f"{plural(len(examples), 'change')}: {bugs:,} with a known bug, {len(examples) - bugs:,} clean", err=True
    )


def _routed(settings: Settings, text: str) -> tuple[str, Settings]:
    """Return the name and settings of a routing given on the command line.

    Raises ConfigError for a model of an unknown provider.
    """
    if text == _CONFIGURED:
        return text, settings
    if text == _CHECKS:
        return text, structs.replace(settings, models={}, routes=(), _known={})
    name, equals, models = text.partition("=")
    chosen = [_model(settings, each.strip()) for each in models.split(",")] if equals else []
    if not name or not chosen or len(chosen) > len((Phase.ANALYZE, Phase.VERIFY)):
        raise click.UsageError(f"--routing {text!r}: expected NAME=MODEL or NAME=MODEL,MODEL, or `{_CHECKS}`")
    analyze, verify = (chosen[0],), (chosen[-1],)
    served: dict[Phase, Chain] = {**settings.models, Phase.ANALYZE: analyze, Phase.VERIFY: verify}
    return name, structs.replace(settings, models=served, routes=(), _known={})


def _model(settings: Settings, text: str) -> Model:
    provider, slash, name = text.partition("/")
    if not slash or provider not in settings.providers:
        raise ConfigError(
            f"{text!r} has an unknown provider", f"known providers: {', '.join(sorted(settings.providers))}"
        )
    return Model(settings.providers[provider], name)


def _limits(gate: GateSettings, *, tuning: bool) -> GateSettings:
    """Return the gate's limits.

    Tuning sends every doubtful finding to the verify model, so that any threshold can be tried afterwards.
    """
    return structs.replace(gate, block_at=Severity.WARNING, min_confidence=0.0, confirm=True) if tuning else gate


def _place_of(context: Context, settings: Settings, wanted: _Wanted) -> Context:
    gate = _limits(settings.gate, tuning=wanted.tuning)
    if wanted.proofs:
        gate = structs.replace(gate, block_on=BlockOn.AUTO)  # `agreement` would run no reproducer
    budget = settings.budget if wanted.cap is None else structs.replace(settings.budget, per_run=wanted.cap)
    return structs.replace(context, settings=structs.replace(settings, gate=gate, budget=budget, _known={}))


@contextmanager
def _bench(
    context: Context,
    state: State,
    repository: Repository,
    routings: Sequence[tuple[str, Settings]],
    wanted: _Wanted,
) -> Iterator[Replayer]:
    run = os.urandom(8).hex()
    client = build_client(context, run)
    if wanted.proofs and not context.settings.proof.enabled:
        raise ConfigError("--proofs can run nothing: proof.enabled is false", "set it to true, or leave --proofs out")
    if wanted.dask is None:
        yield Replayer(state=state, repository=repository, client=client, cluster=None, run=run, proves=wanted.proofs)
        return
    with open_cluster(wanted.dask, [settings for _, settings in routings]) as cluster:
        many = plural(cluster.places, "change")
        click.echo(f"The Dask cluster at {visible(wanted.dask)} reviews {many} at once.", err=True)
        yield Replayer(state=state, repository=repository, client=client, cluster=cluster, run=run)


def _replay(
    context: Context,
    bench: Replayer,
    examples: Sequence[Example],
    routings: Sequence[tuple[str, Settings]],
    wanted: _Wanted,
) -> dict[str, list[list[Trial]]]:
    """Return every repetition of every routing. Raises RalphError if the cap was reached first."""
    trials: dict[str, list[list[Trial]]] = {}
    for name, settings in routings:
        here = _place_of(context, settings, wanted)
        digest = _digest(here.settings, proofs=wanted.proofs)
        trials[name] = []
        for repetition in range(wanted.repeat):
            batch = bench.batching(here, repetition, _say) if wanted.batch else None
            judge = bench.judge(here, examples, repetition, batch)
            trials[name].append(
                _once(
                    Routing(name=name, digest=digest, judge=judge),
                    examples,
                    repetition,
                    bench.state,
                    bench.places(wanted.workers),
                    batch,
                )
            )
        if wanted.tuning:
            trials[name] = [[moved(each, _bar(settings.gate)) for each in runs] for runs in trials[name]]
        if wanted.proofs:
            block_on = settings.gate.block_on.value
            trials[name] = [settled(runs, _bar(settings.gate), block_on) for runs in trials[name]]
    return trials


def _once(
    routing: Routing,
    examples: Sequence[Example],
    repetition: int,
    state: State,
    workers: int,
    batch: Batching | None,
) -> list[Trial]:
    """Return one repetition of a routing; with ``batch`` in as many rounds as answers lead to new requests."""
    trials: list[Trial] = []
    try:
        while True:
            trials = run(
                routing,
                examples,
                repetition=repetition,
                workers=workers,
                deadline=Deadline(_FOREVER, time.monotonic),
                store=Verdicts(state.database),
                progress=progress(),
                ending=_ending,
                earlier=trials,
            )
            if batch is None or not batch.pending:
                return trials
            batch.work()
    except CapReached as reached:
        raise CapError(
            "the spend cap was reached before all changes were reviewed; the answers so far are cached",
            "run it again with a higher --cap to continue where it stopped (see also budget.per-day and per-month)",
        ) from reached


def _say(sentence: str) -> None:
    click.echo(f"ralph-hooks: {visible(sentence)}", err=True)


def _ending(under_way: int) -> None:
    click.echo(
        f"ralph-hooks: stopping; {plural(under_way, 'change')} under way, whose answers will be cached "
        "(press Ctrl-C again to quit now)",
        err=True,
    )


def _bar(gate: GateSettings) -> Bar:
    return Bar(gate.block_at.value, gate.min_confidence, gate.confirm)


def _digest(settings: Settings, *, proofs: bool) -> str:
    """Return a digest of everything but prompts and content that a routing's answers depend on."""
    gate = settings.gate
    models = [
        f"{phase.value}={settings_key(model)}"
        for phase in (Phase.ANALYZE, Phase.VERIFY)
        for model in settings.models.get(phase, ())
    ]
    bar = (gate.block_at.value, str(gate.min_confidence), str(gate.confirm), str(gate.passes), *gate.exclude)
    return key("proofs" if proofs else "", *models, *bar, *(rule.label for rule in settings.routes))


def _estimate(
    context: Context,
    state: State,
    repository: Repository,
    examples: Sequence[Example],
    routings: Sequence[tuple[str, Settings]],
    wanted: _Wanted,
) -> int:
    client = build_client(context, "estimate")
    for name, settings in routings:
        prefetcher = Prefetcher(GitPush(repository, "examples", ()), examples)
        here = _place_of(context, settings, wanted)
        costs: list[Decimal | None] = []
        tokens = count = 0
        shown = progress()
        shown.begin(f"estimate {name}", len(examples))
        for example in examples:
            snapshot = prefetcher.take(example)
            gate = build_trial(
                here, state, repository, snapshot.change, run="estimate", client=client, apart="backtest-0"
            )
            models = (
                structs.replace(gate.models, prices=HalfPrices(gate.models.prices)) if wanted.batch else gate.models
            )
            for each in requests(models, gate.sort(snapshot)):
                costs.append(each.cost_usd)
                tokens += each.input_tokens + each.output_tokens
                count += each.requests
            shown.advance()
        shown.end()
        total = "an unknown price" if None in costs else money(sum(filter(None, costs), Decimal(0)))
        again = f", times {wanted.repeat}" if wanted.repeat > 1 else ""
        click.echo(
            f"{name}: {plural(count, 'request')} of the analyze phase, about {tokens:,} tokens, {total}{again}; "
            "what it finds is put to the verify model on top"
        )
    click.echo("Nothing was sent.")
    return ExitCode.PASS


def _show(scores: Sequence[Score], format_: str, html: Path | None, about: str) -> None:
    from ralph_hooks.reports.backtest import table

    if html is not None:
        from ralph_hooks.reports.backtest import page

        write_text(html, page.render(scores, about))
        click.echo(f"Written to {html}: open it in a browser.", err=True)
    text: Callable[[], str] = (
        (lambda: table.to_json(scores))
        if format_ == "json"
        else (lambda: table.render(scores, color=wants_color(), width=terminal_width()))
    )
    click.echo(text(), nl=False)
