"""Files that no repair may write, by kind: files that some program reads unasked, and whose content it acts on.

A repair is code that a model wrote. The files in the table below take effect without anybody starting them: when you
open the folder, start an agent or an interpreter, commit, or push. Files that only a build or a test reads are not in
it: they run in the scratch copy like the rest of a repair.

Patterns are in small letters, as in `core.glob`: one without a slash matches at any depth, because its readers look in
every folder or in the one that is opened; one that begins with a slash is read at the top of a repository alone.
"""

from __future__ import annotations

from msgspec import Struct


class ReaderKind(Struct, frozen=True):
    """Files with one kind of reader."""

    name: str
    """For the documentation."""
    rule: str
    """Forbidden action of a repair, phrased to follow 'a repair may not'."""
    source: str
    """Place that says that the files are read, or what happened with one of them."""
    patterns: tuple[str, ...]


_CI = "change CI workflows"
_HOOKS = "change the configuration of hooks"
_TOOLS = "change the configuration of editors and agents"
_STARTED = "change the startup files of interpreters and tools"
_OWN = "change the configuration of ralph-hooks"

KINDS = (
    ReaderKind(
        "CI and deployment: run on a server after a push",
        _CI,
        "docs.github.com/actions, docs.gitlab.com/ci/yaml, tekton.dev/docs/pipelines; each service's own reference",
        (
            "/.github/workflows", "/.github/actions", "/.github/dependabot.y*ml", "/.github/renovate.json*",
            "/.forgejo", "/.gitea", ".gitlab-ci*", "/.gitlab", "/.circleci", "azure-pipelines*", "/.azure-pipelines",
            "/.azuredevops", "jenkinsfile*", ".travis.y*ml", ".appveyor.y*ml", "appveyor.y*ml",
            "bitbucket-pipelines.y*ml", "/.buildkite", ".drone.y*ml", ".drone.star", "/.woodpecker",
            ".woodpecker.y*ml", ".cirrus.*", "/.semaphore", "/.teamcity", "buildspec*.y*ml", "cloudbuild.*",
            "codefresh.y*ml", "/.codefresh", "/.ci", "/.tekton", "/.harness", "/.builds", "/.build.yml",
            "/.zuul.y*ml", "/.zuul.d", "/zuul.y*ml", "/zuul.d", "/.prow.y*ml", "/.screwdriver", "screwdriver.y*ml",
            "wercker.y*ml", "/.spacelift", "/.concourse", ".scrutinizer.yml", "renovate.json*", ".renovaterc*",
            ".mergify.y*ml", "/.mergify", ".readthedocs.y*ml", "netlify.toml", "vercel.json", "/amplify.yml",
            "/render.y*ml", "fly.toml", "procfile", "/.ebextensions", "/.platform", ".platform.app.y*ml",
            "railway.json", "railway.toml", "/.jenkins", "/.rwx", "/.dagger", "/.github/hooks",
        ),
    ),
    ReaderKind(
        "Hooks: run by git at a commit or a push",
        _HOOKS,
        "pre-commit.com, lefthook.dev, typicode.github.io/husky, git-scm.com/docs/githooks",
        (
            ".pre-commit-config.y*ml", ".pre-commit-hooks.y*ml", "prek.toml", "lefthook.[yjt]*",
            "lefthook-local.[yjt]*", ".lefthook*", ".husky", ".huskyrc*", "husky.config.*", ".githooks", ".git-hooks",
            "/githooks", "/git-hooks", ".overcommit.y*ml", ".lintstagedrc*", "lint-staged.config.*",
            ".secrets.baseline",
            "*simple-git-hooks.*", "captainhook.json", "grumphp.y*ml*", ".rusty-hook.toml", ".cargo-husky",
            ".lfsconfig",
        ),
    ),
    ReaderKind(
        "Coding agents: instructions, permissions, servers and commands, read at the start of a session",
        _TOOLS,
        "agents.md, code.claude.com/docs, cursor.com/docs, docs.windsurf.com, kiro.dev/docs/hooks,"
        " docs.github.com/copilot; CVE-2025-53773",
        (
            "agents.md", "agents.*.md", "agent.md", "claude.md", "claude.*.md", "gemini*.md", "qwen.md", "crush.md",
            "warp.md", "copilot-instructions.md", "skill.md", ".claude", ".claude.json", ".cursor", ".cursorrules",
            ".cursorignore", ".windsurf", ".windsurfrules", ".codeium", ".codeiumignore", ".kiro", ".codex",
            ".gemini", ".geminiignore", ".opencode", "opencode.json*", ".aider*", ".cline*", ".roo", ".roo[mir]*",
            ".kilocode*", ".kilo", "kilo.json*", ".continue", ".continuerc*", ".continuerules", ".augment*",
            ".amazonq", ".junie", ".trae", ".qoder", ".qwen", ".goose*", ".crush*", "crush.json", ".factory", ".amp",
            ".agents", ".agent", ".rules", ".ruler", ".warp", ".zencoder", ".tabnine*", ".sourcegraph", ".cody*",
            ".pearai*", ".openhands", ".devin", ".jules", ".copilot*", ".serena", ".firebender*", ".void*", ".llm",
            ".ai", ".mcp", ".mcp.json", "mcp.json", "mcp_config.json", "/.github/prompts", "/.github/instructions",
            "/.github/chatmodes", "/.github/agents", "/.github/skills", "/.github/copilot*", "/.github/mcp.json",
            "/.openai", "/.antigravity", ".specify",
        ),
    ),
    ReaderKind(
        "Editors and cloud workspaces: tasks and settings, read when a folder is opened",
        _TOOLS,
        "code.visualstudio.com/docs (tasks, workspace trust), zed.dev/docs/tasks, jetbrains.com/help, containers.dev,"
        " vimhelp.org (exrc), gnu.org (directory variables)",
        (
            ".vscode", "*.code-workspace", ".vs", ".vscode-insiders", ".idea", ".run", ".fleet", ".zed", ".nova",
            "*.sublime-project", "*.sublime-workspace", "*.sublime-build", ".devcontainer", ".devcontainer.json",
            "devfile.y*ml", ".devfile.y*ml", ".gitpod.*", ".ona", ".codesandbox", "sandbox.config.json",
            ".stackblitzrc", ".replit", "replit.nix", ".idx", ".dir-locals*.el", ".projectile", ".emacs*", ".vimrc",
            ".gvimrc", ".exrc", ".nvimrc", ".nvim.lua", ".vim", ".nvim", ".lvimrc", ".vimspector.json", ".vsconfig",
            ".settings", ".externaltoolbuilders", ".helix", ".kakrc", ".lapce", ".netbeans", "nbproject", ".project",
            ".kateproject", ".tmux.conf", ".tmuxinator*", ".zellij",
        ),
    ),
    ReaderKind(
        "Shells and version managers: read when a shell enters the folder",
        _STARTED,
        "direnv.net, mise.jdx.dev/configuration.html (hooks, env), asdf-vm.com, devenv.sh",
        (
            ".envrc", ".env", ".env.local", ".env.*.local", ".mise.toml", ".mise.*.toml", "mise.toml", "mise.*.toml",
            ".mise", "**/.config/mise*", "mise/config.toml", ".rtx.toml", ".tool-versions", ".autoenv*",
            ".autoenv.zsh", ".zshenv", ".zshrc", ".zprofile", ".bashrc", ".bash_profile", ".bash_login",
            ".bash_logout", ".profile", ".login", ".kshrc", ".inputrc", ".devenv*", "devenv.nix", "devenv.y*ml",
            ".flox", "hermit.hcl", ".shadowenv.d", ".direnv", ".proto*", ".prototools",
        ),
    ),
    ReaderKind(
        "Interpreters: run or obeyed at every start",
        _STARTED,
        "docs.python.org/3/library/site.html, docs.npmjs.com (npmrc), yarnpkg.com (yarnPath), bun.sh (preload),"
        " php.net (user ini), stat.ethz.ch (Rprofile)",
        (
            "sitecustomize.py", "usercustomize.py", "sitecustomize", "usercustomize", "*.pth", "*._pth", "*.egg-link",
            "pyvenv.cfg", "__pycache__", "*.pyc", "*.pyo", ".pythonrc*", ".pdbrc*", ".ipython", ".jupyter",
            "pip.conf", "pip.ini", ".pypirc", ".npmrc", ".yarnrc*", ".yarn", ".pnp.[cl]*", ".pnpmfile.*",
            "pnpmfile.*", "bunfig.toml", ".nodemonrc*", ".irbrc", ".pryrc", ".rdbgrc*", ".byebugrc", ".gemrc",
            ".bundle", ".perldb", ".user.ini", "php.ini", ".htaccess", ".rprofile", ".renviron", ".rprofile.site",
            ".octaverc", ".ghci", ".ghc.environment*", ".iex.exs", ".erlang", ".juliarc.jl", ".sbtopts", ".jvmopts",
            "node_modules", ".luarc.lua",
        ),
    ),
    ReaderKind(
        "Build tools and debuggers: what they run or load before any build file, with the rights of the user",
        _STARTED,
        "doc.rust-lang.org/cargo/reference/config.html (runner, wrapper), maven.apache.org (extensions),"
        " docs.gradle.org (wrapper), bazel.build (bazelrc), sourceware.org/gdb (auto-load)",
        (
            "**/.cargo/config", "**/.cargo/config.toml", ".cargo", "rust-toolchain*", ".mvn", "mvnw", "mvnw.cmd",
            "gradlew", "gradlew.bat", "**/gradle/wrapper", "init.gradle*", ".gradle", ".bazelrc", ".bazeliskrc",
            "**/tools/bazel", ".bazelversion", ".buckconfig*", "pants.ini", ".pants.rc", ".gdbinit*", ".lldbinit*",
            "*-gdb.py", "*-gdb.gdb", "*-gdb.scm", ".nuget", "nuget.config", "directory.build.rsp", "msbuild.rsp",
            "dotnet-tools.json", ".config/dotnet-tools.json", "global.json", ".terraformrc", "terraform.rc",
            ".curlrc", ".wgetrc", ".netrc", ".ssh", ".dockerconfigjson", ".docker", ".kube", ".aws", ".gnupg",
            ".ripgreprc", ".watchmanconfig", ".hgrc", ".hg", ".svn", ".jj",
        ),
    ),
    ReaderKind(
        "git: what it applies to files, and where other repositories come from",
        "touch .gitattributes",
        "git-scm.com/docs/gitattributes (filters and drivers)",
        (".gitattributes",),
    ),
    ReaderKind(
        "git: submodules",
        "touch .gitmodules",
        "git-scm.com/docs/gitmodules, CVE-2018-17456",
        (".gitmodules",),
    ),
    ReaderKind(
        "ralph-hooks: decisions of people. Its settings in pyproject.toml and .ralph-hooks.toml are compared by value",
        _OWN,
        "configuration.md",
        (".ralph-hooks", ".ralph"),
    ),
)  # fmt: skip
