"""The story of the demo: the commits it makes and their expected outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from demo.models import FALSE_MESSAGE, MESSAGE
from demo.reviewer import scripted_models
from demo.sample import CHECKOUT, MADE_UP_KEY, Change, changes, copy_sample
from demo.screen import Screen, Shown
from demo.source import publish
from ralph_hooks.process import run

CACHE = CHECKOUT / ".cache" / "demo"
SIGNS = {
    "nobody": "no model reviewed",
    "checks": "F821",
    "tests": "test_every_started_hour_counts_up_to_the_maximum",
    "model": "no model reviewed",
    "secrets": "secret",
}
"""Text that the gate must print for each kind of change, so that it passes or fails for the right reason."""
WRONG = {
    "nobody": "a correct one",
    "checks": "a bug that the checks find",
    "tests": "a bug that only the project's tests find",
    "model": "a bug that only a model finds, and no key is set",
    "secrets": "a secret that the scan finds",
}

REVIEWER = "scripted/reviewer"
IMPLEMENTER = "scripted/implementer"
USER_CONFIG = """\
[providers.scripted]
wire = "openai"
base-url = "{url}"

[prices."scripted/reviewer"] # made up, in US dollars per million tokens
input = 0.10
output = 0.40

[prices."scripted/implementer"] # made up as well
input = 5.00
output = 25.00
"""


class UnexpectedError(Exception):
    """A step of the demo had an unexpected outcome."""


class Demo:
    """One run in ``work``, an empty folder."""

    def __init__(self, work: Path, env: Mapping[str, str], screen: Screen) -> None:
        self.project = work / "parkhouse"
        self.home = work / "home"
        self.log = work / "reviewer.log"
        self.env = {**env, "RALPH_HOOKS_HOME": str(self.home)}
        self.screen = screen

    def install(self) -> None:
        """Make the repository and install the hooks; the first time that downloads packages."""
        screen = self.screen
        screen.title("Installation")
        screen.prose(
            "A copy of sample-repo becomes a git repository, and real pre-commit installs this checkout's hooks into "
            "it. The first time this downloads packages; later it takes seconds."
        )
        source = CACHE / "ralph-hooks"
        revision = publish(source, self.env)
        copy_sample(self.project, repository=str(source), revision=revision)
        self.home.mkdir()
        for args in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "A car park")):
            self._git(*args)
        self._must_pass(self._shown("pre-commit", "install", "--install-hooks"))

    def act_one(self) -> None:
        """Show the gate without a model: only checks and the project's own tests."""
        screen = self.screen
        screen.title("What this repository may run")
        screen.prose("Verify commands run only after you approve them. Here the demo approves.")
        self._must_pass(self._shown("ralph-hooks", "trust", "--yes"))
        for number, change in enumerate(changes(), start=1):
            screen.title(f"Change {number} of {len(changes())}: {WRONG[change.caught_by]}")
            screen.prose(change.about)
            self._stage(change)
            shown = self._commit(change.subject, goes_through=change.caught_by in {"nobody", "model"})
            self._must_say(shown, SIGNS[change.caught_by])
            if MADE_UP_KEY in shown.text:
                raise UnexpectedError("the made-up key was printed in full")

    def act_two(self) -> None:
        """Review the change that only a model can catch, with a scripted model."""
        screen = self.screen
        clean, change = (next(c for c in changes() if c.caught_by == who) for who in ("nobody", "model"))
        screen.title("The first change again, with a model that reports a false alarm")
        screen.prose(
            "So far no key was set, so no model was called. Now a server on this machine replaces the cheap model. It "
            "is a script with fixed answers: it shows how a review works, not how good a model is. It reports "
            "a false alarm and confirms it. Then it must write a test that fails because of the defect. The test "
            "passes, so the finding is only advice."
        )
        with scripted_models(env=self.env, log=self.log) as url:
            (self.home / "config.toml").write_text(USER_CONFIG.format(url=url), encoding="utf-8")
            self._must_pass(self._shown("git", "reset", "-q", "--hard", "HEAD~2"))
            self._choose("cheap", REVIEWER)
            self._must_say(self._commit("Use the scripted reviewer", goes_through=True), "1 file reviewed")
            self._stage(clean)
            self._must_say(self._commit(clean.subject, goes_through=True), "advice: 1")
            advice = self._must_pass(self._shown("ralph-hooks", "show"))
            self._must_say(advice, FALSE_MESSAGE)
            self._must_say(advice, "unproved: the reproducer passes on the change")
            screen.title("The fourth change again, with a finding that is right")
            screen.prose(
                "The test fails on the change in three of three runs and passes on its base: the project's own code "
                "raises an exception. That proves the finding, and the commit is blocked."
            )
            self._stage(change)
            refused = self._commit(change.subject, goes_through=False)
            self._must_say(refused, MESSAGE[:40])
            self._must_say(refused, "proved: parkhouse.garage.UnknownTicket")
            self._must_say(refused, "reproducer: fails 3 of 3")
            screen.title("The same commit again costs nothing")
            self._stage(change)
            self._must_say(self._commit(change.subject, goes_through=False), "no requests")
            self._repair(change)
        screen.title("What it cost")
        self._must_say(self._must_pass(self._shown("ralph-hooks", "cost")), REVIEWER)

    def _repair(self, change: Change) -> None:
        """Show the expensive model's repair: only now, and only for this change."""
        screen = self.screen
        screen.title("The expensive model repairs it")
        screen.prose(
            "The gate rejected the change, so the expensive model is called for the first time. It gets the "
            "reproducer, which must pass. Its first repair breaks a test; the cheap model corrects it from the test's "
            "output. All of this happens in a scratch copy."
        )
        self._choose("expensive", IMPLEMENTER)
        self._must_say(self._commit("Use the scripted implementer", goes_through=True), "reviewed")
        self._stage(change)
        fixed = self._must_pass(self._shown("ralph-hooks", "fix", "--no-apply"))
        self._must_say(fixed, "a verified fix of 1 file")
        self._must_say(fixed, "1 reproducer passes")
        self._must_say(self._must_pass(self._shown("ralph-hooks", "apply")), "parkhouse/garage.py")
        self._git("add", "parkhouse/garage.py")
        self._must_say(self._commit(change.subject, goes_through=True), "PASS")

    def _choose(self, which: str, model: str) -> None:
        path = self.project / "pyproject.toml"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        chosen = [f'{which} = "{model}"\n' if line.startswith(f"{which} = ") else line for line in lines]
        path.write_text("".join(chosen), encoding="utf-8")
        self._git("add", "pyproject.toml")
        self._must_pass(self._shown("git", "diff", "--cached", "-U0", "--no-prefix"))

    def _stage(self, change: Change) -> None:
        done = run(("git", "apply", "--index", "-"), cwd=self.project, env=self.env, stdin=change.patch.encode())
        if done.returncode:
            raise UnexpectedError(f"{change.name} cannot be applied: {done.stderr.decode(errors='replace').strip()}")

    def _commit(self, subject: str, *, goes_through: bool) -> Shown:
        """Commit the staged change; undo it if it is rejected. Raises UnexpectedError on another outcome."""
        before = self._git("rev-parse", "HEAD")
        shown = self._shown("git", "commit", "-q", "-m", subject)
        went_through = self._git("rev-parse", "HEAD") != before
        outcome = "went through" if went_through else "was blocked"
        if went_through is not goes_through or (shown.returncode == 0) is not went_through:
            raise UnexpectedError(f"the commit {outcome} (exit {shown.returncode}), which was not expected")
        if not went_through:
            self._git("reset", "-q", "--hard")
        self.screen.say(f"=> {outcome}, as expected ({shown.seconds:.1f} s)", "good")
        return shown

    def _shown(self, *args: str) -> Shown:
        return self.screen.run(args, cwd=self.project, env=self.env)

    def _git(self, *args: str) -> str:
        done = run(("git", *args), cwd=self.project, env=self.env)
        if done.returncode:
            raise UnexpectedError(f"git {args[0]} failed: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode().strip()

    def _must_pass(self, shown: Shown) -> Shown:
        if shown.returncode:
            raise UnexpectedError(f"exit {shown.returncode}, expected 0")
        return shown

    def _must_say(self, shown: Shown, words: str) -> None:
        if "".join(words.split()) not in "".join(shown.text.split()):  # the report wraps its lines
            raise UnexpectedError(f"expected it to say {words!r}")
