"""What calls have had looked up: how much of it is kept, and for whom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sipedge.agent.kept_answers import KeptAnswers, Share
from sipedge.routing.lookups import CallerNameQuestion, Question

SHARE = Share(at_once=1, at_once_of_account=1, kept=5, kept_of_account=3)


def question(number: int) -> CallerNameQuestion:
    return CallerNameQuestion(f"+1415555{number:04}")


def test_an_account_fills_its_own_share_alone_and_the_oldest_goes() -> None:
    """What is kept again is the newest; over all accounts the oldest of all goes."""
    kept = KeptAnswers(SHARE)
    assert kept.keep(question(0), "beta", 60) is None
    assert [kept.keep(question(number), "acme", 60) for number in (1, 2, 3, 1)] == [None] * 4
    assert kept.keep(question(4), "acme", 60) == question(2)
    assert kept.keep(question(5), "gamma", 60) is None
    assert kept.keep(question(6), "gamma", 60) == question(0)
    assert kept.questions == tuple(map(question, (3, 1, 4, 5, 6)))


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from("abc"), st.integers(0, 9)) | st.integers(0, 9),
        max_size=40,
    )
)
def test_the_bounds_hold_and_what_goes_is_told(steps: list[tuple[int, str, int] | int]) -> None:
    """Whatever is kept and forgotten: nothing goes without a word, and nothing is left behind."""
    kept = KeptAnswers(SHARE)
    model: dict[Question, tuple[str, int]] = {}
    for step in steps:
        if isinstance(step, int):
            kept.forget(question(step))
            model.pop(question(step), None)
        else:
            number, account, until = step
            gone = kept.keep(question(number), account, until)
            assert gone is None or model.pop(gone)
            model[question(number)] = (account, until)
        assert set(kept.questions) == set(model)
        assert len(kept) == len(model) <= SHARE.kept
        accounts = [account for account, _ in model.values()]
        assert all(accounts.count(each) <= SHARE.kept_of_account for each in "abc")
        assert set(kept.expired(5)) == {each for each, (_, until) in model.items() if until <= 5}
