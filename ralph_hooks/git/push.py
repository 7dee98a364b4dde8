"""The commits that a push adds to the remotes, found by object ids from the lines of a pre-push hook.

The lines are those of githooks(5). HEAD, index and working tree play no part: any object may be pushed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import REGULAR_MODES, Change, Content, Entry, Hunk, Status
from ralph_hooks.core.ports.change import CommitChange, PushTarget, Source
from ralph_hooks.core.push import Commit, Message, Update, short
from ralph_hooks.core.report import Action, PushedRef
from ralph_hooks.errors import GitError
from ralph_hooks.git.diff_parser import read_history
from ralph_hooks.git.objects import read_objects
from ralph_hooks.git.run import git
from ralph_hooks.git.snapshot import DEEPEN, RAW, GitSnapshot, Repository, between, compare, resolve

REMOTE_NAME = "PRE_COMMIT_REMOTE_NAME"
"""The variable in which pre-commit and prek name the remote."""

_LINE = re.compile(r"(.+) ([0-9a-f]{40}|[0-9a-f]{64}) (\S+) ([0-9a-f]{40}|[0-9a-f]{64})", re.DOTALL)
_AT_ONCE = 100  # commits whose changes one git lists, which bounds memory
_READ_AT_ONCE = 250  # commits and tags whose text one git reads
_NESTED = 50  # tags of tags: no real workflow nests deeper
_NAMED = 3  # refs that a title names
_USER = re.compile(r"(?<=://)[^/@]*@")

_IDS = re.compile(
    rb"(?:tree|parent|object|type) |gpgsig| (?:[A-Za-z0-9+/=]+|-----(?:BEGIN|END) [A-Z ]*SIGNATURE-----|)$"
)
"""Header lines without text written by a person, signatures included."""
_TAGGED = re.compile(rb"object ([0-9a-f]+)\ntype tag\n")

_Object = tuple[str, str]
"""The id of an object behind all tags, and its type."""


class _Node(Struct, frozen=True):
    """A new commit."""

    tree: str
    parents: tuple[str, ...]


_Graph = dict[str, _Node]
"""New commits by object id; parents come first."""


def read_updates(data: bytes) -> tuple[Update, ...]:
    """Return the updates in git's ``data``. Raises GitError for anything else."""
    return tuple(_read_update(line) for line in os.fsdecode(data).split("\n") if line.strip())


def _read_update(line: str) -> Update:
    match = _LINE.fullmatch(line)  # from the right: the pushed name may be an expression with spaces
    if match is None:
        raise GitError(
            f"this is not a line of a pre-push hook: {line[:200]!r}",
            "call it from git's pre-push hook; to review a range, run `ralph-hooks gate --from-ref A`",
        )
    return Update(match[1], _present(match[2]), match[3], _present(match[4]))


def _present(oid: str) -> str | None:
    return oid if oid.strip("0") else None


def framework_update(repository: Repository, environ: Mapping[str, str]) -> Update | None:
    """Return the one update that pre-commit and prek pass in variables; None outside of them.

    If a first push includes the root commit, they name only the branch. Raises GitError if the named object is gone.
    """
    branch = environ.get("PRE_COMMIT_LOCAL_BRANCH", "")
    wanted = environ.get("PRE_COMMIT_TO_REF") or branch
    if not wanted:
        return None
    oid, had = resolve(repository, [wanted, environ.get("PRE_COMMIT_FROM_REF", "")])
    if oid is None:
        raise GitError(f"there is no {wanted!r} here, but the hook's environment says that it is pushed", "push again")
    return Update(branch or wanted, oid, environ.get("PRE_COMMIT_REMOTE_BRANCH") or wanted, had)


class GitPush:
    """The commits and refs of a push. Implements `core.ports.change.Push`."""

    def __init__(
        self,
        repository: Repository,
        title: str,
        portions: Iterable[PushTarget],
        refs: Iterable[PushedRef] = (),
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.title = title
        self.targets = tuple(portions)
        self.refs = tuple(refs)
        self.tags = tags or {}
        self._repository = repository
        self._blobs = GitSnapshot(repository, Change(tree="", base="", entries=(), title=title))

    def history(self, commits: Sequence[str]) -> Iterator[CommitChange]:
        """Yield the changes of each of ``commits`` by path, as a commit hook would see them."""
        args = ["diff-tree", "--stdin", "--root", "-r", "-c", *RAW]
        for start in range(0, len(commits), _AT_ONCE):
            listed = _git(self._repository, *args, names=commits[start : start + _AT_ONCE])
            for commit, entries in read_history(listed):
                yield CommitChange(commit, entries)

    def messages(self, oids: Sequence[str], most: int) -> Iterator[Message]:
        """Yield the text of ``oids``, commits and annotated tags, in their order.

        At most ``most`` bytes of each.
        """
        for start in range(0, len(oids), _READ_AT_ONCE):
            names = oids[start : start + _READ_AT_ONCE]
            answer = _git(self._repository, "cat-file", "--batch-check=%(objectsize)", names=names)
            sizes = dict(zip(names, map(int, answer.split()), strict=True))
            small = [oid for oid in names if sizes[oid] <= most]
            objects = read_objects(small, cwd=self._repository.top, env=self._repository.environment)
            for oid in names:
                header, _, text = objects.get(oid, b"").partition(b"\n\n")
                written = b"\n".join(line for line in header.split(b"\n") if not _IDS.match(line))
                yield Message(oid, sizes[oid], text if oid in objects else None, written)

    def sizes(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Return the size in bytes of the larger side of each entry."""
        return list(self._blobs.sizes(_numbered(entries)).values()) if entries else []

    def contents(self, entries: Sequence[Entry]) -> Sequence[Content]:
        """Return both sides of each entry."""
        return list(self._blobs.contents(_numbered(entries)).values()) if entries else []

    def hunks(self, entries: Sequence[Entry]) -> Sequence[tuple[Hunk, ...]]:
        """Return the changed lines of each entry."""
        return list(self._blobs.hunks(_numbered(entries)).values())

    def stream(self, oid: str) -> Iterator[bytes]:
        """Yield one side of an entry in pieces."""
        return self._blobs.stream(oid)

    def sources(self, entries: Sequence[Entry]) -> Sequence[Source]:
        """Return content and changed lines of each entry."""
        both = zip(entries, self.contents(entries), self.hunks(entries), strict=True)
        return [Source(entry, content, hunks) for entry, content, hunks in both]


def _numbered(entries: Sequence[Entry]) -> list[Entry]:
    """Return ``entries`` under unique names: a snapshot answers by path, and here a path has many versions."""
    return [msgspec.structs.replace(entry, path=str(number)) for number, entry in enumerate(entries)]


def ranged(repository: Repository, from_ref: str, to_ref: str) -> GitPush:
    """Return the commits of ``to_ref`` that ``from_ref`` lacks, regardless of remotes. Raises as `between` does."""
    snapshot = between(repository, from_ref, to_ref)
    tip, known = resolve(repository, [f"{to_ref}^{{commit}}", f"{from_ref}^{{commit}}"])
    assert tip is not None  # `between` has checked both
    assert known is not None
    new = _new_commits(repository, [tip, f"^{known}"])
    return GitPush(repository, snapshot.change.title, [PushTarget((), snapshot, _commits(repository, new))])


def pushed(repository: Repository, updates: Sequence[Update], remote: str) -> GitPush:
    """Return the commits of ``updates`` that no known remote has; ``remote`` is its name or URL, for display.

    All remotes count, not only the target: a newly added fork has no known commits, and a topic pushed to it does not
    make its author responsible for all earlier commits. Raises GitError if an object or a parent is missing.
    """
    objects = _peeled(repository, updates)
    tips: dict[_Object, list[Update]] = {}
    for update in updates:
        if update.local_oid is not None:
            tips.setdefault(objects[update.local_oid], []).append(update)
    has = dict.fromkeys(objects[update.remote_oid] for update in updates if update.remote_oid in objects)
    known = [f"^{oid}" for oid, kind in has if kind == "commit"]
    commits = [oid for oid, kind in tips if kind == "commit"]
    graph = _new_commits(repository, [*commits, *known], "--not", "--remotes") if commits else {}
    order = {commit: position for position, commit in enumerate(graph)}
    portions: dict[_Object, PushTarget] = {}
    seen: set[str] = set()
    judged: set[Entry] = set()
    for tip in sorted(tips, key=lambda tip: order.get(tip[0], -1)):  # a ref's base is judged before it
        names = tuple(short(update.remote_ref) for update in tips[tip])
        if tip[1] != "commit":
            snapshot = _loose(repository, tip, tips[tip][0].remote_ref, known)
            if snapshot.change.entries:
                portions[tip] = PushTarget(names, snapshot, ())
        elif tip[0] in graph:
            own = _own(graph, tip[0], seen)
            # A commit seen through another ref was judged in that context: only a ref itself can be a base.
            since = _own(graph, tip[0], {oid for oid, _ in portions})
            net = _net(repository, since, tip[0], ", ".join(names))
            if len(since) > len(own):
                net = _only(repository, net, set(net.change.entries) - judged)
            portions[tip] = PushTarget(names, net, _commits(repository, own))
            seen |= own.keys()
            judged.update(net.change.entries)
    refs = [_ref(update, portions.get(objects[update.local_oid]) if update.local_oid else None) for update in updates]
    return GitPush(repository, _title(updates, remote), portions.values(), refs, _tags(repository, updates, objects))


def _peeled(repository: Repository, updates: Iterable[Update]) -> dict[str, _Object]:
    """Return the object behind the tags of each named object.

    What the remote has need not be in this clone.
    """
    local = [update.local_oid for update in updates if update.local_oid]
    remote = [update.remote_oid for update in updates if update.remote_oid]
    wanted = list(dict.fromkeys([*local, *remote]))
    answer = _git(
        repository,
        "cat-file",
        "--batch-check=%(objectname) %(objecttype)",
        names=[f"{oid}^{{}}" for oid in wanted],
    )
    rows = [line.split(" ") for line in answer.decode("ascii").splitlines()]
    found = {oid: (row[0], row[1]) for oid, row in zip(wanted, rows, strict=True) if row[1] != "missing"}
    for oid in local:
        if oid not in found:
            raise GitError(
                f"the object {oid[:12]} that is pushed is not in this clone", "a partial clone may lack it: fetch it"
            )
    return found


def _tags(repository: Repository, updates: Iterable[Update], objects: Mapping[str, _Object]) -> dict[str, str]:
    """Return the names of annotated tags by id, including nested ones."""
    named = {update.local_oid: short(update.remote_ref) for update in updates if update.local_oid}
    tags = {oid: name for oid, name in named.items() if objects[oid][0] != oid}
    new = tags
    for _ in range(_NESTED):
        if not new:
            break
        found = read_objects(list(new), cwd=repository.top, env=repository.environment)
        inner = {oid: _TAGGED.match(data) for oid, data in found.items()}
        new = {match[1].decode(): new[oid] for oid, match in inner.items() if match and match[1].decode() not in tags}
        tags |= new
    return tags


def _new_commits(repository: Repository, names: Sequence[str], *options: str) -> _Graph:
    """Return the commits that ``names`` and ``options`` select. Raises GitError if a shallow clone lacks parents."""
    # --stdin first: git 2.42 and later do not apply --not to arguments after it, earlier versions did.
    args = ["rev-list", "--topo-order", "--reverse", "--format=%H %T %P", "--stdin", *options, "--"]
    listed = _git(repository, *args, names=names).decode("ascii").splitlines()
    rows = [line.split() for line in listed[1::2]]  # each follows a line "commit <id>"
    graph = {commit: _Node(tree, tuple(parents)) for commit, tree, *parents in rows}
    if not repository.shallow.isdisjoint(graph):
        raise GitError("this shallow clone does not reach back to the remote's commits", DEEPEN)
    return graph


def _own(graph: _Graph, tip: str, seen: Collection[str]) -> _Graph:
    """Return the commits of ``graph`` reachable from ``tip``, but not those ``seen`` or reachable only from these."""
    mine = {tip}
    for commit in reversed(graph):
        if commit in mine:
            mine.update(parent for parent in graph[commit].parents if parent in graph and parent not in seen)
    return {commit: node for commit, node in graph.items() if commit in mine}


def _around(own: _Graph) -> list[str]:
    """Return the parents of ``own`` that are outside of it."""
    return list(dict.fromkeys(parent for node in own.values() for parent in node.parents if parent not in own))


def _commits(repository: Repository, own: _Graph) -> tuple[Commit, ...]:
    trees = {oid: node.tree for oid, node in own.items()} | _trees(repository, _around(own))
    return tuple(
        Commit(oid, node.tree, trees[node.parents[0]] if node.parents else repository.empty_tree)
        for oid, node in own.items()
    )


def _net(repository: Repository, own: _Graph, tip: str, title: str) -> GitSnapshot:
    """Return the changes in ``tip`` that none of the commits that ``own`` is built on has.

    ``tip`` is compared with the commit at which its chain of first parents leaves ``own``. A file identical to its
    version in another of these commits (such as a merged branch) is not a change of this push.
    """
    first = tip
    while first in own and own[first].parents:
        first = own[first].parents[0]
    built_on = _independent(repository, _around(own))
    base = first if first in built_on else next(iter(built_on), None)
    trees = _trees(repository, [tip, *built_on])
    begin = trees[base] if base else repository.empty_tree
    snapshot = compare(repository, begin, trees[tip], title)
    others = [trees[commit] for commit in built_on if trees[commit] != begin]
    return _without_known(repository, snapshot, others)


def _independent(repository: Repository, commits: Sequence[str]) -> Sequence[str]:
    """Return those of ``commits`` that no other of them contains."""
    if len(commits) < 2:  # noqa: PLR2004 - one contains no other
        return commits
    args = ["merge-base", "--independent", *commits]
    return git(args, cwd=repository.top, env=repository.environment).decode("ascii").split()


def _trees(repository: Repository, commits: Sequence[str]) -> dict[str, str]:
    found = resolve(repository, [f"{commit}^{{tree}}" for commit in commits])
    if None in found:
        raise GitError("the tree of a commit that is pushed is not in this clone", DEEPEN)
    return {commit: tree for commit, tree in zip(commits, found, strict=True) if tree}


def _without_known(repository: Repository, snapshot: GitSnapshot, others: Iterable[str]) -> GitSnapshot:
    """Return ``snapshot`` without the paths that are identical in one of the ``others`` (trees)."""
    entries = snapshot.change.entries
    for other in others:
        args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", other, snapshot.change.tree, "--"]
        listed = git(args, cwd=repository.top, env=repository.environment)
        differing = {os.fsdecode(name) for name in listed.split(b"\0")}
        entries = tuple(entry for entry in entries if not differing.isdisjoint((entry.path, entry.old_path)))
    return _only(repository, snapshot, set(entries))


def _only(repository: Repository, snapshot: GitSnapshot, wanted: Collection[Entry]) -> GitSnapshot:
    """Return ``snapshot`` with only the ``wanted`` entries."""
    entries = tuple(entry for entry in snapshot.change.entries if entry in wanted)
    return GitSnapshot(repository, msgspec.structs.replace(snapshot.change, entries=entries))


def _loose(repository: Repository, tag: _Object, ref: str, known: Sequence[str]) -> GitSnapshot:
    """Return a tag of a tree or a blob as a change: its content that the remotes' newest commits lack."""
    oid, kind = tag
    args = ["rev-list", "--objects-edge-aggressive", "--no-object-names", "--stdin", "--not", "--remotes", "--"]
    new = set(_git(repository, *args, names=[oid, *known]).decode("ascii").split())
    if kind == "blob":
        added = Entry(ref, Status.ADDED, ref, "000000", REGULAR_MODES[0], None, oid)
        whole = GitSnapshot(
            repository, Change(tree=oid, base=repository.empty_tree, entries=(added,), title=short(ref))
        )
    else:
        whole = compare(repository, repository.empty_tree, oid, short(ref))
    return _only(repository, whole, {entry for entry in whole.change.entries if entry.new_oid in new})


def _ref(update: Update, portion: PushTarget | None) -> PushedRef:
    action = Action.DELETE if not update.local_oid else Action.UPDATE if update.remote_oid else Action.CREATE
    change = portion.snapshot.change if portion else None
    return PushedRef(
        ref=update.remote_ref,
        local_ref=update.local_ref,
        action=action,
        oid=update.local_oid or "",
        tree=change.tree if change else "",
        base=change.base if change else "",
        commits=len(portion.commits) if portion else 0,
    )


def _title(updates: Sequence[Update], remote: str) -> str:
    """Return ``push of main and tag v1 to origin``, without a password in a URL."""
    names = [f"{short(update.remote_ref)}{'' if update.local_oid else ' (deleted)'}" for update in updates]
    if len(names) > _NAMED:
        names = [*names[:_NAMED], f"{len(names) - _NAMED} more"]
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "nothing"
    return f"push of {listed} to {_USER.sub('', remote)}"


def _git(repository: Repository, *args: str, names: Iterable[str]) -> bytes:
    """Return git's output, with ``names`` on standard input: they may exceed the limit for arguments."""
    stdin = "".join(f"{name}\n" for name in names).encode("ascii")
    return git(args, cwd=repository.top, stdin=stdin, env=repository.environment)
