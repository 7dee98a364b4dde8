"""Models that plan, write and correct a repair, and their prompts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TypeVar

from msgspec import Struct

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import BudgetReached, DeadlineReached, ModelError
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.sandbox import Workbench
from ralph_hooks.core.repair import Edit, Repair
from ralph_hooks.core.route import Chain, Model, Phase, Wire
from ralph_hooks.core.text import one_line, path_line, plural
from ralph_hooks.engine.models.access import ModelAccess
from ralph_hooks.engine.models.caller import ByAgent, Unanswered
from ralph_hooks.engine.repair.context import FILES_TOKENS, IMPLEMENT_CHANGE_TOKENS, Chosen, FileContext, change_text
from ralph_hooks.engine.repair.edits import EditsRefused, apply
from ralph_hooks.engine.review.review_input import ReviewInput
from ralph_hooks.errors import RepairRefused
from ralph_hooks.languages.change_kind import kind_of, kind_of_path
from ralph_hooks.phases import fix, implement, plan
from ralph_hooks.phases.plan import Plan
from ralph_hooks.phases.problem import Problem, failing
from ralph_hooks.phases.question import Question

Reply = TypeVar("Reply")

_OUTLINED = 30  # files
_WORDS = 300  # characters of an agent's own summary that a step reports
_PLACES = 5  # lines of a file that an edit with no place may have meant


class GaveUp(Exception):
    """The repair cannot continue: the deadline, the budget, no model. ``str()`` is for the user."""


class NoAnswer(Exception):
    """No model of a chain answered; others may. ``str()`` is for the user."""


class PlannedRepair(Struct, frozen=True):
    """A plan, and who made it."""

    plan: Plan
    told: str
    model: str = ""


class Draft(Struct, frozen=True, kw_only=True):
    """A written repair. Unless it was ``refused``, the workbench contains it."""

    repair: Repair
    model: str
    told: str
    """One sentence for people."""
    refused: tuple[str, ...] = ()
    """Reasons why none of it could be applied."""


class RepairWriters:
    """Client of the models that write the repair of ``change``, which ``bench`` holds."""

    def __init__(self, models: ModelAccess, bench: Workbench, change: ReviewInput) -> None:
        self._models = models
        self._bench = bench
        self._change = change
        held_back = change.checked.withheld
        self._entries = [e for e in change.review if e.path not in held_back and not models.withheld(e.path)]

    def plan(self, problem: Problem) -> PlannedRepair:
        """Return the files to read and the edits to make. Without a model, or an answer, the files concerned."""
        context = self._context()
        concerned = self._concerned(problem, context)
        plain = Plan(dict.fromkeys(concerned, ()))
        chain = self._chain(Phase.PLAN, problem)
        if not chain:
            return PlannedRepair(plain, f"no plan model is configured: {_files(concerned)} concerned")
        question = plan.question(
            problem,
            change=change_text(self._changed(concerned)),
            outline=context.outline(concerned[:_OUTLINED]),
            listed=context.listed(concerned),
            paths=context.paths,
            marker=self._models.caller.marker(),
        )
        try:
            answer, model = self._ask("plan", question, chain)
        except NoAnswer as fault:
            return PlannedRepair(plain, f"{fault}; continues with the {_files(concerned)} concerned")
        files = {**answer.files, **{path: () for path in problem.paths if path not in answer.files}}
        planned = Plan(files or plain.files, answer.steps)
        return PlannedRepair(planned, f"{_files(planned.files)} to read, {plural(len(answer.steps), 'step')}", model.id)

    def implement(self, problem: Problem, planned: Plan, learned: Sequence[str]) -> Draft:
        """Return the repair by the models that the routes name for the files concerned. Raise NoAnswer or GaveUp."""
        chain = self._chain(Phase.IMPLEMENT, problem)
        if not chain:
            raise GaveUp("no model is configured to implement a repair of these files")
        context = self._context()
        files = dict(planned.files)
        for path in (path for text in learned for path in context.mentioned(text)):
            files.setdefault(path, ())
        chosen = context.choose(files, _places(problem), _room(chain))
        before = [source for source in self._changed(list(files)) if source.path in files and source.content.old]
        question = implement.question(
            problem,
            change=change_text(before, IMPLEMENT_CHANGE_TOKENS),
            steps=planned.steps,
            shown=chosen.shown,
            learned=learned,
            marker=self._models.caller.marker(),
        )
        return self._write("implement", question, chain, context, chosen)

    def correct(self, problem: Problem, planned: Plan, written: Draft, wrong: Sequence[str]) -> Draft:
        """Return a correction of ``written``, whose problems are ``wrong``. Raises NoAnswer, GaveUp."""
        chain = self._chain(Phase.FIX, problem)
        if not chain:
            raise NoAnswer("no model is configured to correct a repair")
        context = self._context()
        done = [] if written.repair.edits or written.refused else self._done()
        touched = [*(edit.path for edit in written.repair.edits), *(file.path for file in written.repair.create)]
        touched += [source.path for source in done]
        there = [path for path in touched if path in set(context.paths)]
        files = {path: planned.files.get(path, ()) for path in [*there, *problem.paths, *planned.files]}
        places = _places(problem)
        for edit in written.repair.edits:
            text = context.text(edit.path) or ""
            places.setdefault(edit.path, []).extend(_near(text, edit))
        chosen = context.choose(files, places, _room(chain))
        question = fix.question(
            problem,
            repair=written.repair,
            applied=not written.refused,
            done=change_text(done, IMPLEMENT_CHANGE_TOKENS),
            wrong=wrong,
            shown=chosen.shown,
            marker=self._models.caller.marker(),
        )
        return self._write("fix", question, chain, context, chosen)

    def _write(
        self, what: str, question: Question[Repair], chain: Chain, context: FileContext, chosen: Chosen
    ) -> Draft:
        """Have a repair written, by a model as edits or by a coding agent in the files, and put into the workbench."""
        agents = any(model.provider.wire is Wire.AGENT for model in chain)
        repair, model = self._ask(what, question, chain, self._by_agent(question) if agents else None)
        if model.provider.wire is Wire.AGENT:
            return Draft(repair=repair, model=model.id, told=f"worked on the files: {repair.summary[:_WORDS]}")
        return self._applied(repair, model, context, chosen)

    def _by_agent(self, question: Question[Repair]) -> ByAgent[Repair]:
        """Return the function by which a coding agent answers, by editing files. A failed agent's edits are dropped."""
        before = self._held()

        def work(agent: Model, until: Deadline) -> Repair:
            try:
                words = self._models.caller.run_agent(agent, question.phase, question.task, self._bench, until)
            except ModelError:
                self._bench.reset()
                self._bench.write(before)
                raise
            return Repair(summary=" ".join(words.split()))

        return work

    def _held(self) -> dict[str, bytes | None]:
        """Return the changes in the workbench, so that it can be restored."""
        sources = self._done()
        held: dict[str, bytes | None] = {source.entry.old_path: None for source in sources}
        return held | {source.path: source.content.new for source in sources}

    def _done(self) -> list[Source]:
        """Return the repair that the workbench holds now; empty if it is none that may be."""
        try:
            repair = self._bench.repair()
        except RepairRefused:
            return []
        readable = tuple(entry for entry in repair.change.entries if entry.unreadable() is None)
        return ReviewInput(snapshot=repair, review=readable).sources(readable)

    def _applied(self, repair: Repair, model: Model, context: FileContext, chosen: Chosen) -> Draft:
        """Put ``repair`` into the workbench, whole or not at all."""
        refused: tuple[str, ...] = ()
        try:
            self._bench.write(apply(repair, context.paths, self._bench.read))
        except EditsRefused as reasons:
            refused = reasons.reasons
        except RepairRefused as reason:
            refused = (str(reason),)
        sent = f"saw {chosen.tokens:,} of {chosen.of:,} tokens in {_files(chosen.shown)}"
        left_out = f"; {', '.join(chosen.left_out)}" if chosen.left_out else ""
        told = f"cannot be applied: {'; '.join(refused)}" if refused else _size(repair)
        return Draft(repair=repair, model=model.id, told=f"{told} ({sent}{left_out})", refused=refused)

    def _ask(
        self, what: str, question: Question[Reply], chain: Chain, by_agent: ByAgent[Reply] | None = None
    ) -> tuple[Reply, Model]:
        caller = self._models.caller
        asked = partial(caller.ask, question, chain, by_agent)
        answer: tuple[Reply, Model] | None
        try:
            if by_agent:  # a program: Ctrl-C has to find it in the main thread
                answer = self._models.pool.alone(what, asked)
            else:
                (answer,) = self._models.pool.run(what, [asked])
        except Unanswered as fault:
            final = any(isinstance(reason, BudgetReached | DeadlineReached) for reason in fault.faults.values())
            raise (GaveUp if final else NoAnswer)(str(fault)) from fault
        if answer is None:
            raise GaveUp(f"the deadline of the repair ({caller.deadline.seconds:,.0f} s) was reached")
        return answer

    def _context(self) -> FileContext:
        return FileContext(self._models.withheld, self._bench.paths(), self._bench.read)

    def _concerned(self, problem: Problem, context: FileContext) -> list[str]:
        """Return files with findings, those that failing output or the user mentions, else the changed ones."""
        told = [problem.instruction, *map(failing, problem.failures)]
        named = [*problem.paths, *(path for text in told for path in context.mentioned(text))]
        if problem.failures or not named:
            named += [entry.path for entry in self._entries if entry.path in set(context.paths)]
        return list(dict.fromkeys(named))

    def _changed(self, first: Sequence[str]) -> list[Source]:
        """Return the sources of the change that may be sent, those of ``first`` first."""
        order = {path: index for index, path in enumerate(first)}
        return self._change.sources(sorted(self._entries, key=lambda entry: order.get(entry.path, len(order))))

    def _chain(self, phase: Phase, problem: Problem) -> Chain:
        """Return the models for the files with findings, else for the changed ones; where several, the strongest."""
        settings = self._models.settings
        by_path = {entry.path: entry for entry in self._entries}
        paths = [p for p in problem.paths or by_path or [""] if not settings.route(p).skip]
        chains: dict[Chain, None] = {}
        for path in paths:
            if phase is Phase.IMPLEMENT:
                sources = self._change.sources([by_path[path]]) if path in by_path else []
                kind = kind_of(sources[0].entry, sources[0].content) if sources else kind_of_path(path)
                chains[settings.implementers(path, kind)[0]] = None
            else:
                chains[settings.route(path).chain(phase)] = None
        return max((chain for chain in chains if chain), key=self._strength, default=())

    def _strength(self, chain: Chain) -> tuple[bool, float]:
        """Return the rank of a model: coding agents above models, and models by the price of output."""
        price = self._models.prices.price(chain[0])
        return chain[0].provider.wire is Wire.AGENT, float(price.output) if price else -1.0


def _files(paths: Iterable[object]) -> str:
    return plural(len(list(paths)), "file")


def _size(repair: Repair) -> str:
    edited = {edit.path for edit in repair.edits}
    parts = [f"{plural(len(repair.edits), 'edit')} in {_files(edited)}"] if edited else []
    parts += [f"creates {', '.join(path_line(file.path) for file in repair.create)}"] if repair.create else []
    parts += [f"deletes {', '.join(map(one_line, repair.delete))}"] if repair.delete else []
    return ", ".join(parts)


def _room(chain: Chain) -> int:
    """Return the number of tokens of files that fit into a request to any of ``chain``, besides the rest of it."""
    return min(FILES_TOKENS, *(model.provider.context // 2 for model in chain))


def _places(problem: Problem) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for finding in problem.findings:
        places.setdefault(finding.path, []).append(finding.line)
    return places


def _near(text: str, edit: Edit) -> list[int]:
    """Return lines of ``text`` that ``edit`` has written, or meant."""
    for part in (edit.replace, edit.search):
        place = text.find(part) if part.strip() else -1
        if place >= 0:
            return [text.count("\n", 0, place) + 1]
    wanted = {line.strip() for line in edit.search.splitlines() if line.strip()}
    return [number for number, line in enumerate(text.splitlines(), 1) if line.strip() in wanted][:_PLACES]
