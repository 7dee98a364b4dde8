from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from ralph_hooks.core.report import Verdict
from ralph_hooks.errors import RalphError
from ralph_hooks.store.reports import Reports
from ralph_hooks.store.sqlite import Database, RepositoryId
from tests.support.reports import finding, full_report, report
from tests.support.store import Clock


def test_a_report_comes_back_whole(state: Path, repository: RepositoryId, clock: Clock) -> None:
    with Database(state) as database:
        Reports(database, repository, clock=clock).add(full_report())
    with Database(state) as database:
        kept = Reports(database, repository).last()
    assert kept is not None
    assert kept.report == full_report()
    assert kept.report.cost_usd == Decimal("0.0004")
    assert kept.repository == repository
    assert kept.time == clock.now
    assert kept.report.verdict is Verdict.FAIL


def test_a_path_of_any_bytes_comes_back(database: Database, repository: RepositoryId) -> None:
    strange = report(findings=(finding(path="caf\udce9.py", message="naïve \u202e ☃"),))
    reports = Reports(database, repository)
    reports.add(strange)
    kept = reports.last()
    assert kept is not None
    assert kept.report == strange


def test_the_last_report_is_that_of_the_same_repository(
    database: Database, repository: RepositoryId, tmp_path: Path
) -> None:
    other = RepositoryId.at(tmp_path / "other")
    Reports(database, repository).add(report(title="here"))
    Reports(database, other).add(report(title="elsewhere"))
    kept = Reports(database, repository).last()
    assert kept is not None
    assert kept.report.title == "here"
    assert Reports(database, RepositoryId.at(tmp_path / "new")).last() is None


def test_ids_are_short_and_sort_by_age_even_within_a_second_and_when_the_clock_goes_back(
    database: Database, repository: RepositoryId, clock: Clock
) -> None:
    reports = Reports(database, repository, clock=clock)
    for step in (0, 0, 0, -86_400, 60, 3_600):
        clock.now += step
        reports.add(report(title=str(step)))
    ids = [kept.id for kept in reports.recent(10)]
    assert ids == sorted(set(ids), reverse=True)
    assert {len(name) for name in ids} == {6}


def test_any_report_is_found_by_its_id_or_the_beginning_of_it(
    database: Database, repository: RepositoryId, clock: Clock, tmp_path: Path
) -> None:
    reports = Reports(database, repository, clock=clock)
    reports.add(report(title="first"))
    clock.now += 40 * 86_400
    reports.add(report(title="second"))
    second, first = reports.recent(2)
    elsewhere = Reports(database, RepositoryId.at(tmp_path / "other"))
    assert elsewhere.get(first.id) == first
    assert elsewhere.get(second.id.upper()) == second
    different = next(length for length in range(1, 7) if first.id[:length] != second.id[:length])
    assert elsewhere.get(second.id[:different]) == second
    with pytest.raises(RalphError, match="more than one report") as caught:
        elsewhere.get(first.id[: different - 1] or first.id[:1])
    assert f"{second.id}, {first.id}" in caught.value.hint


@pytest.mark.parametrize("name", ["", "zzzzzz", "zzzzzzz", "ü", "%", "0 OR 1"])
def test_an_id_that_nothing_has_is_an_error_in_words(database: Database, repository: RepositoryId, name: str) -> None:
    reports = Reports(database, repository)
    reports.add(report())
    with pytest.raises(RalphError, match="no report has the id"):
        reports.get(name)


def test_only_the_newest_of_each_repository_are_kept(
    database: Database, repository: RepositoryId, tmp_path: Path
) -> None:
    other = Reports(database, RepositoryId.at(tmp_path / "other"), keep=3)
    other.add(report(title="other"))
    reports = Reports(database, repository, keep=3)
    for number in range(7):
        reports.add(report(title=str(number)))
    assert [kept.report.title for kept in reports.recent(10)] == ["6", "5", "4"]
    assert [kept.report.title for kept in other.recent(10)] == ["other"]


def test_nothing_is_kept_for_longer_than_a_year(
    database: Database, repository: RepositoryId, clock: Clock, tmp_path: Path
) -> None:
    other = Reports(database, RepositoryId.at(tmp_path / "gone"), clock=clock)
    other.add(report())
    clock.now += 367 * 86_400
    Reports(database, repository, clock=clock).add(report())
    assert other.last() is None


def test_a_report_of_another_release_is_an_error_in_words(database: Database, repository: RepositoryId) -> None:
    reports = Reports(database, repository)
    reports.add(report())
    sql = "UPDATE reports SET body = CAST('{\"command\": 5}' AS BLOB)"
    database.transact(lambda connection: connection.execute(sql))
    with pytest.raises(RalphError, match="written by another release"):
        reports.last()
    reports.add(report())
    assert [kept.report for kept in reports.recent(5)] == [report()]


def test_a_report_that_cannot_be_kept_does_not_stop_the_commit(tmp_path: Path, repository: RepositoryId) -> None:
    (tmp_path / "file").touch()
    with Database(tmp_path / "file" / "state") as database:
        Reports(database, repository).add(report())
        (trouble,) = database.troubles
    assert trouble.endswith("this run's report is not saved")
