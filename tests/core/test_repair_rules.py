"""Each rule has a repair that breaks it, and a neighbour that does not."""

from __future__ import annotations

import pytest

from ralph_hooks.core.change import Entry, Status
from ralph_hooks.core.repair_rules import aliases, is_git, summary, unsafe_name, violations

ABSENT, PLAIN, EXECUTABLE, LINK, SUBMODULE = "000000", "100644", "100755", "120000", "160000"

STARTED = "change the startup files of interpreters and tools"


def entry(path: str, old: str = PLAIN, new: str = PLAIN, *, old_path: str = "") -> Entry:
    status = Status.RENAMED if old_path else Status.MODIFIED
    oids = (None if mode == ABSENT else "1" * 40 for mode in (old, new))
    return Entry(path, status, old_path or path, old, new, *oids)


def broken(*entries: Entry, protected: tuple[str, ...] = (), hooks: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    return [(found.rule, found.path) for found in violations(entries, protected=protected, hooks=hooks)]


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("../x", "write outside the repository"),
        ("a/../../x", "write outside the repository"),
        ("/etc/passwd", "write outside the repository"),
        ("\\\\server\\share", "write outside the repository"),
        ("C:/x", "write outside the repository"),
        ("a/.. /x", "write outside the repository"),
        ("a\0b", "write outside the repository"),
        ("~/.bashrc", "write outside the repository"),
        ("a/" + 86 * "漢", "use an overlong name"),
        (2500 * "a/" + "b", "use an overlong name"),
        ("a//b", "write a file with an invalid name"),
        ("a/", "write a file with an invalid name"),
        ("./a", "write a file with an invalid name"),
        (".git", "touch .git"),
        (".git/config", "touch .git"),
        ("sub/.git/hooks/pre-commit", "touch .git"),
        (".GIT/config", "touch .git"),
        ("sub\\.git\\config", "touch .git"),
        (".git./config", "touch .git"),
        (".git /config", "touch .git"),
        (".git::$INDEX_ALLOCATION/config", "touch .git"),
        (".g\u200cit/config", "touch .git"),
        ("\ufeff.git/config", "touch .git"),
        ("git~1/config", "use a short name (8.3) of Windows"),
        ("GITMOD~1", "use a short name (8.3) of Windows"),
        ("gi7eba~1", "use a short name (8.3) of Windows"),
        ("pyproj~1.tom", "use a short name (8.3) of Windows"),
        (".github/workflows/ci.yml", "change CI workflows"),
        (".GitHub/Workflows/ci.yml", "change CI workflows"),
        (".github/actions/setup/action.yml", "change CI workflows"),
        (".gitlab-ci.yml", "change CI workflows"),
        ("deploy/.gitlab-ci-extra.yml", "change CI workflows"),
        (".circleci/config.yml", "change CI workflows"),
        ("azure-pipelines.yml", "change CI workflows"),
        ("Jenkinsfile", "change CI workflows"),
        ("jenkinsfile.release", "change CI workflows"),
        (".travis.yml", "change CI workflows"),
        ("bitbucket-pipelines.yml", "change CI workflows"),
        (".buildkite/pipeline.yml", "change CI workflows"),
        (".pre-commit-config.yaml", "change the configuration of hooks"),
        ("sub/.pre-commit-hooks.yaml", "change the configuration of hooks"),
        ("prek.toml", "change the configuration of hooks"),
        ("lefthook.yml", "change the configuration of hooks"),
        ("lefthook-local.toml", "change the configuration of hooks"),
        (".husky/pre-commit", "change the configuration of hooks"),
        (".hus\u212aY/pre-commit", "change the configuration of hooks"),
        (".githooks/pre-push", "change the configuration of hooks"),
        (".gitattributes", "touch .gitattributes"),
        ("sub/.GITATTRIBUTES", "touch .gitattributes"),
        (".gitmodules", "touch .gitmodules"),
        (".vscode/settings.json", "change the configuration of editors and agents"),
        (".claude/settings.json", "change the configuration of editors and agents"),
        (".github\\workflows\\ci.yml", "change CI workflows"),
        ("sub/agents.md", "change the configuration of editors and agents"),
        (".envrc", STARTED),
        (".github/prompts/review.prompt.md", "change the configuration of editors and agents"),
        (".github/instructions/a.instructions.md", "change the configuration of editors and agents"),
        (".github/agents/a.agent.md", "change the configuration of editors and agents"),
        (".windsurf/rules/a.md", "change the configuration of editors and agents"),
        (".Kiro/hooks/a.kiro.hook", "change the configuration of editors and agents"),
        ("sub/.zed/tasks.json", "change the configuration of editors and agents"),
        ("app.code-workspace", "change the configuration of editors and agents"),
        ("sub/.cursor/rules/a.mdc", "change the configuration of editors and agents"),
        (".roomodes", "change the configuration of editors and agents"),
        (".clinerules/a.md", "change the configuration of editors and agents"),
        (".junie/guidelines.md", "change the configuration of editors and agents"),
        ("skills/deploy/SKILL.md", "change the configuration of editors and agents"),
        (".dir-locals.el", "change the configuration of editors and agents"),
        (".run/a.run.xml", "change the configuration of editors and agents"),
        (".tekton/pull.yaml", "change CI workflows"),
        ("renovate.json5", "change CI workflows"),
        (".github/dependabot.yml", "change CI workflows"),
        (".readthedocs.yaml", "change CI workflows"),
        ("mise.toml", STARTED),
        ("sub/mise.local.toml", STARTED),
        (".config/mise/config.toml", STARTED),
        (".tool-versions", STARTED),
        ("sitecustomize.py", STARTED),
        ("src/UserCustomize.py", STARTED),
        ("sub/x.pth", STARTED),
        ("src/__pycache__/a.cpython-311.pyc", STARTED),
        (".npmrc", STARTED),
        ("web/.yarnrc.yml", STARTED),
        (".cargo/config.toml", STARTED),
        (".mvn/extensions.xml", STARTED),
        ("gradle/wrapper/gradle-wrapper.properties", STARTED),
        (".gdbinit", STARTED),
        (".Rprofile", STARTED),
        (".lfsconfig", "change the configuration of hooks"),
        (".ralph-hooks/dismissed.toml", "change the configuration of ralph-hooks"),
        (".Ralph-Hooks.toml", "use a name that some systems take for another one"),
        ("PyProject.toml", "use a name that some systems take for another one"),
    ],
)
def test_a_path_that_no_repair_may_touch(path: str, rule: str) -> None:
    assert broken(entry(path)) == [(rule, path)]
    assert broken(entry(path, ABSENT)) == [(rule, path)]
    assert broken(entry(path, PLAIN, ABSENT)) == [(rule, path)]
    assert broken(entry("fine.py", old_path=path)) == [(rule, path)], "moving it away is touching it"
    assert broken(entry(path, old_path="fine.py")) == [(rule, path)]


@pytest.mark.parametrize(
    "path",
    [
        "a.py", "src/a/b.py", ".gitignore", "git/x.py", "gitx", ".github/CODEOWNERS", "docs/lefthooks.md",
        "lefthook.py", "a..b/c...py", "ci/build.py", "hooks/useThing.ts", "src/.hidden", "a b/ü.py", "backup~",
        "pyproject.toml", "vscode/x", ".ralph-hooks.toml", "agents/x.md", "docs/agents-of-change.md",
        ".env.example", "mises.toml", "path.py", "src/rules/a.py", "cursor/a.ts", "docs/claude-models.md", "kiro.py",
        "x~y.py", "sub/pyproject.toml", "tests/test_a.py", "-n", ":(top)",
        "new\nline", "\udcff.py",
    ],
)  # fmt: skip
def test_a_path_that_may_be_repaired(path: str) -> None:
    assert broken(entry(path)) == []
    assert unsafe_name(path) is None


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("new\nline", "write a file with an invalid name"),
        ("a\x1b[2J.py", "write a file with an invalid name"),
        ("a\u202eyp.txt", "write a file with an invalid name"),
        ("docs\\ci.md", "use a name that some systems take for another one"),
        ("a.py.", "use a name that some systems take for another one"),
        ("a.py ", "use a name that some systems take for another one"),
        ("a.py:x", "use a name that some systems take for another one"),
        ("src/aux.py", "use a name that some systems take for another one"),
        ("NUL", "use a name that some systems take for another one"),
    ],
)
def test_a_name_that_no_new_file_may_have(path: str, rule: str) -> None:
    assert broken(entry(path, ABSENT)) == [(rule, path)]
    assert broken(entry(path, old_path="fine.py")) == [(rule, path)]
    assert broken(entry(path)) == broken(entry(path, PLAIN, ABSENT)) == [], "what is there may be mended"


def test_a_new_file_is_none_that_is_there_in_another_spelling() -> None:
    there = ["a.py", "A.py", "src/b.py", "SRC/\u00dc.py", "src/u\u0308.py", "c.py"]
    assert [violation.path for violation in aliases(["A.py", "src/u\u0308.py", "c.py"], there)] == [
        "A.py",
        "src/u\u0308.py",
    ]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (PLAIN, EXECUTABLE, "change the mode of a file"),
        (EXECUTABLE, PLAIN, "change the mode of a file"),
        (ABSENT, EXECUTABLE, "add executable files"),
        (ABSENT, LINK, "add, change or remove symbolic links"),
        (PLAIN, LINK, "add, change or remove symbolic links"),
        (LINK, LINK, "add, change or remove symbolic links"),
        (LINK, ABSENT, "add, change or remove symbolic links"),
        (ABSENT, SUBMODULE, "add, change or remove submodules"),
        (SUBMODULE, SUBMODULE, "add, change or remove submodules"),
        (PLAIN, SUBMODULE, "add, change or remove submodules"),
    ],
)
def test_a_kind_of_change_that_no_repair_may_make(old: str, new: str, rule: str) -> None:
    assert broken(entry("a", old, new)) == [(rule, "a")]


@pytest.mark.parametrize(
    ("old", "new"), [(PLAIN, PLAIN), (EXECUTABLE, EXECUTABLE), (ABSENT, PLAIN), (PLAIN, ABSENT), (EXECUTABLE, ABSENT)]
)
def test_a_kind_of_change_that_is_allowed(old: str, new: str) -> None:
    assert broken(entry("a", old, new)) == []


def test_what_the_user_protects_is_protected_in_any_case() -> None:
    protected = ("tests/**", "Schema.sql")
    assert broken(entry("tests/test_a.py"), protected=protected) == [
        ("change a path that fix.protected lists (tests/**)", "tests/test_a.py")
    ]
    assert broken(entry("Tests/test_a.py"), entry("db/schema.sql"), protected=protected) == [
        ("change a path that fix.protected lists (tests/**)", "Tests/test_a.py"),
        ("change a path that fix.protected lists (schema.sql)", "db/schema.sql"),
    ]
    assert broken(entry("src/tests.py"), protected=protected) == []


def test_the_folder_of_this_clones_hooks_is_protected() -> None:
    assert broken(entry("tools/hooks/x"), hooks=("/tools/hooks",)) == [
        ("change the configuration of hooks", "tools/hooks/x")
    ]


def test_all_that_is_broken_is_told_up_to_a_point() -> None:
    told = summary(violations([entry(f".husky/{n}\x1b") for n in range(7)]))
    assert told.count("a repair may not change the configuration of hooks") == 5
    assert told.startswith("a repair may not change the configuration of hooks: .husky/0\\x1b; ")
    assert told.endswith("and 2 more paths")


def test_what_some_file_system_takes_for_git() -> None:
    assert [name for name in (".git", ".GIT", ".git ", ".git.", ".giT::x", "git", ".gitx", ".gi") if is_git(name)] == [
        ".git", ".GIT", ".git ", ".git.", ".giT::x"
    ]  # fmt: skip
