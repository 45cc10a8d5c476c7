"""The URL that callers' names are asked of: what it must be, and that no fault of it repeats it."""

from __future__ import annotations

import pytest

from trunkline.plan.caller_name_url import caller_name_url_fault
from trunkline.settings import OperatorSettings, SettingError, check_settings
from trunkline.standalone.options import OptionError, UpOptions, check_options

GOOD = "https://cnam.example/v1/{number}?key=s3cret"


@pytest.mark.parametrize("url", (GOOD, "http://127.0.0.1:8080/?n={number}", "https://x/{number}/{number}"))
def test_a_url_with_a_place_for_the_number_is_right(url: str) -> None:
    """In its path or query; kept as a secret."""
    assert caller_name_url_fault(url) == ""
    checked = check_options(UpOptions(paths=["x"], cnam_url=url))
    assert checked.platform.caller_name_url is not None
    assert checked.platform.caller_name_url.reveal() == url
    assert check_settings(OperatorSettings("voice.example", cnam_url=url)).cnam_url == url
    for shown in (checked, UpOptions(paths=["x"], cnam_url=url), OperatorSettings("x.example", cnam_url=url)):
        assert url not in repr(shown)


@pytest.mark.parametrize(
    "url",
    (
        "cnam.example/{number}?key=s3cret",
        "ftp://cnam.example/{number}?key=s3cret",
        "https://cnam.example/?key=s3cret",
        "https://{number}.example/?key=s3cret",
        "https:///{number}?key=s3cret",
        "https://cnam.example:99999/{number}?key=s3cret",
        "https://cnam.example:0/{number}?key=s3cret",
        "https://user:s3cret@cnam.example/{number}",
        "https://cnam.example/{number}?key=s3cret#x",
        "https://cnam.example/{number}?key=s3cret x",
        "https://cnam.example/{number}?key=s3cret\r\nX: y",
        "https://cnam.example/{number}?key=s3cret\u00e9",
        "https://[::1/{number}?key=s3cret",
        "https://cnam.example/{number}?key=s3cret" + "x" * 1_024,
    ),
)
def test_anything_else_is_refused_without_being_repeated(url: str) -> None:
    """Both commands name the option, and no key."""
    assert caller_name_url_fault(url)
    with pytest.raises(OptionError, match="--cnam-url ") as of_up:
        check_options(UpOptions(paths=["x"], cnam_url=url))
    with pytest.raises(SettingError, match="--cnam-url ") as of_run:
        check_settings(OperatorSettings("voice.example", cnam_url=url))
    assert "s3cret" not in str(of_up.value) + str(of_run.value)
