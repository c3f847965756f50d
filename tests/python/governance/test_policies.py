"""Settings of recurring revenue: what the presets say, and what is refused."""

from pathlib import Path

import pytest

from orchestration import policies
from orchestration.errors import ConfigurationError
from orchestration.rules import SEEDS

PRESETS = ("stripe", "chartmogul", "profitwell", "maxio", "chargebee", "recurly")


def _company(tmp_path: Path, setting: str, value: str) -> Path:
    (tmp_path / "metric_policy.csv").write_text(
        f"policy,setting,value\nrecurring_revenue,{setting},{value}\n", encoding="utf-8"
    )
    return tmp_path


def test_the_seed_says_what_the_models_do_without_it() -> None:
    assert policies.in_force(policies.read(SEEDS)) == {
        setting.name: setting.default for setting in policies.SETTINGS
    }


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_valid_settings(name: str) -> None:
    assert policies.preset(name)


def test_the_presets_differ_where_the_tools_do() -> None:
    assert policies.preset("stripe")["discounts"] == "forever_only"
    assert policies.preset("stripe")["churn_date"] == "cancellation"
    assert policies.preset("profitwell")["metered"] == "include"
    assert policies.preset("maxio")["paused"] == "unchanged"
    assert policies.preset("maxio")["reactivation_max_gap_days"] == "90"


def test_a_preset_that_does_not_exist_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"no policy called 'strype'; did you mean stripe\?"):
        policies.preset("strype")


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("discount", "net", r"no setting 'discount'; did you mean discounts\?"),
        ("discounts", "gross", "discounts is 'gross'; it must be one of net, forever_only, ignore"),
        ("past_due_max_days", "soon", "a whole number of days or empty"),
        ("past_due_max_days", "-1", "a whole number of days or empty"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(
    tmp_path: Path, setting: str, value: str, sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        policies.read(_company(tmp_path, setting, value))


def test_settings_a_company_leaves_out_keep_their_default(tmp_path: Path) -> None:
    said = policies.in_force(policies.read(_company(tmp_path, "paused", "unchanged")))

    assert said["paused"] == "unchanged"
    assert said["discounts"] == "net"
