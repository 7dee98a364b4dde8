"""A repository gets what its user has approved, and not one byte more."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.errors import RalphError
from ralph_hooks.trust.consent import Consent, Permission, digest, requested_permissions

REPOSITORY = "/home/ada/code/thing/.git"
CORP = Permission(
    "providers.corp", ('base-url = "https://llm.corp.example/v1"', 'api-key-env = "CORP_KEY"'), "send code there"
)
TESTS = Permission("verify.commands", ("python -m pytest -q",), "run this command")


@pytest.fixture
def consent(tmp_path: Path) -> Consent:
    return Consent(tmp_path / "state", {})


def test_nothing_is_approved_until_the_user_says_so(consent: Consent) -> None:
    assert not consent.approved(REPOSITORY, [CORP])
    consent.approve(REPOSITORY, [CORP])
    assert consent.approved(REPOSITORY, [CORP])


def test_a_repository_that_wishes_nothing_needs_no_approval(consent: Consent) -> None:
    assert consent.approved(REPOSITORY, [])


def test_one_changed_byte_asks_again(consent: Consent) -> None:
    consent.approve(REPOSITORY, [CORP, TESTS])
    assert not consent.approved(REPOSITORY, [CORP, Permission(TESTS.key, ("python -m pytest -Q",), TESTS.allows)])
    assert not consent.approved(REPOSITORY, [CORP])
    assert not consent.approved(REPOSITORY, [CORP, TESTS, Permission("providers.x", ("a",), "")])
    assert consent.approved(REPOSITORY, [TESTS, CORP])


def test_our_own_words_for_it_do_not_count(consent: Consent) -> None:
    consent.approve(REPOSITORY, [TESTS])
    assert consent.approved(REPOSITORY, [Permission(TESTS.key, TESTS.lines, "said better")])


def test_approval_is_for_one_repository(consent: Consent) -> None:
    consent.approve(REPOSITORY, [TESTS])
    assert not consent.approved("/home/ada/code/other/.git", [TESTS])


def test_the_difference_to_what_was_approved_can_be_shown(consent: Consent) -> None:
    assert consent.previous(REPOSITORY) == ()
    consent.approve(REPOSITORY, [CORP, TESTS])
    assert consent.previous(REPOSITORY) == (CORP, TESTS)


def test_it_stays_for_the_next_run(tmp_path: Path) -> None:
    Consent(tmp_path, {}).approve(REPOSITORY, [TESTS])
    assert Consent(tmp_path, {}).approved(REPOSITORY, [TESTS])


def test_ci_names_the_digest(tmp_path: Path) -> None:
    assert Consent(tmp_path, {"RALPH_HOOKS_TRUST": f" {digest([TESTS])}\n"}).approved(REPOSITORY, [TESTS])
    assert not Consent(tmp_path, {"RALPH_HOOKS_TRUST": digest([CORP])}).approved(REPOSITORY, [TESTS])
    assert not Consent(tmp_path, {"RALPH_HOOKS_TRUST": ""}).approved(REPOSITORY, [TESTS])
    assert list(tmp_path.iterdir()) == []


def test_the_digest_of_the_same_wishes_stays_the_same() -> None:
    """It is written into CI configurations."""
    assert digest([TESTS]) == "2561f472bd8ff4ea0dc36e2daad0319020c634bf03ef1ee6248bce46e70e8c3b"
    assert digest([CORP, TESTS]) == digest([TESTS, CORP])


@given(st.lists(st.builds(Permission, st.text(), st.lists(st.text()).map(tuple), st.just("")), max_size=4))
def test_other_permissions_have_another_digest(permissions: list[Permission]) -> None:
    more = [*permissions, Permission("verify.commands", ("rm -rf /",), "")]
    assert digest(more) != digest(permissions)


def test_the_record_is_for_its_owner_alone(consent: Consent, tmp_path: Path) -> None:
    consent.approve(REPOSITORY, [TESTS])
    (record,) = (tmp_path / "state" / "trust").iterdir()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="Windows closes the profile instead")
def test_a_record_that_others_could_have_written_is_refused(consent: Consent, tmp_path: Path) -> None:
    consent.approve(REPOSITORY, [TESTS])
    (record,) = (tmp_path / "state" / "trust").iterdir()
    record.chmod(0o666)
    with pytest.raises(RalphError, match="other users can write"):
        consent.approved(REPOSITORY, [TESTS])
    target = record.rename(tmp_path / "elsewhere")
    record.symlink_to(target)
    with pytest.raises(RalphError, match="cannot be read"):
        consent.approved(REPOSITORY, [TESTS])
    record.unlink()
    os.mkfifo(record, 0o600)
    with pytest.raises(RalphError, match="other users can write"):
        consent.approved(REPOSITORY, [TESTS])


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"repository": 1}', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_record_approves_nothing_and_says_what_to_do(consent: Consent, tmp_path: Path, damage: bytes) -> None:
    consent.approve(REPOSITORY, [TESTS])
    (record,) = (tmp_path / "state" / "trust").iterdir()
    record.write_bytes(damage)
    with pytest.raises(RalphError, match="is damaged") as caught:
        consent.approved(REPOSITORY, [TESTS])
    assert "remove" in caught.value.hint
    consent.approve(REPOSITORY, [TESTS])
    assert consent.approved(REPOSITORY, [TESTS])


def test_approvals_at_the_same_time_all_stay(consent: Consent, tmp_path: Path) -> None:
    repositories = [f"/code/{number}/.git" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda repository: consent.approve(repository, [TESTS]), repositories * 3))
    assert all(consent.approved(repository, [TESTS]) for repository in repositories)
    assert len(list((tmp_path / "state" / "trust").iterdir())) == 20


def test_a_path_of_any_bytes_is_a_repository(consent: Consent) -> None:
    consent.approve("/code/\udcff/.git", [TESTS])
    assert consent.approved("/code/\udcff/.git", [TESTS])
    assert not consent.approved("/code/\udcfe/.git", [TESTS])


def test_a_folder_that_cannot_be_written_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file is in the way")
    with pytest.raises(RalphError, match="cannot write the approval to"):
        Consent(tmp_path / "state", {}).approve(REPOSITORY, [TESTS])


def test_what_an_agent_would_run_and_see_is_said() -> None:
    asked = '{"api-key-env":"HELPER_KEY","command":["helper","--fast"],"environment":["AWS_PROFILE"],"wire":"agent"}'
    [permission] = requested_permissions([("providers.helper", asked)])
    assert (
        permission.allows == "run helper --fast in a scratch copy of your code, and let it see HELPER_KEY, AWS_PROFILE"
    )
    assert 'environment = ["AWS_PROFILE"]' in permission.lines


def test_a_network_for_a_models_code_is_asked_for_in_words() -> None:
    assert requested_permissions([("fix.network", "true")]) == (
        Permission("fix.network", ("true",), "allow network access while model-written code is tested"),
    )


def test_what_a_request_would_carry_is_told_and_part_of_the_digest() -> None:
    """A header can send any variable of the environment somewhere."""
    served: dict[str, object] = {"base-url": "https://llm.corp.example/v1", "api-key-env": "CORP_KEY"}
    more: list[dict[str, object]] = [
        {"headers": {"x-a": "${AWS_SECRET_ACCESS_KEY}", "x-b": "${A}-${AWS_SECRET_ACCESS_KEY}"}},
        {"query": {"api-version": "1"}},
        {"auth": "none"},
        {"wire": "openai-responses"},
    ]
    asked = [
        requested_permissions([("providers.corp", msgspec.json.encode({**served, **each}).decode())])
        for each in ({}, *more)
    ]
    assert asked[1][0].allows == (
        "send code under review to https://llm.corp.example/v1 with the key in CORP_KEY "
        "and the values of AWS_SECRET_ACCESS_KEY, A"
    )
    assert len({digest(permissions) for permissions in asked}) == len(asked)


def test_the_form_of_a_command_is_part_of_the_digest() -> None:
    forms = [
        '["make test"]', '[["make", "test"]]', '["[\\"make\\",\\"test\\"]"]', '[{"run": "make test"}]',
        '[{"run": "make test", "cwd": "web"}]', '[{"run": "make test", "paths": ["web/**"]}]',
        '[{"run": "make test", "junit": "*.xml"}]',
    ]  # fmt: skip
    asked = [requested_permissions([("verify.commands", form)]) for form in forms]
    assert len(set(map(digest, asked))) == len(forms)
    assert asked[0][0].lines == ("make test",)
    assert asked[4][0].lines == ('{"cwd":"web","run":"make test"}',)
