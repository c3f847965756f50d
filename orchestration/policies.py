"""Settings of recurring revenue, on which billing tools disagree: what each may say, and named presets."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import ConfigurationError
from orchestration.rules import SEEDS
from orchestration.settings import nearest

RECURRING_REVENUE = "recurring_revenue"

Policies = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Setting:
    """A setting of the policy recurring_revenue. `choices` is empty for a number of days or nothing.

    `first_model` is the first model that reads it: nothing upstream of it changes with the setting.
    """

    name: str
    default: str
    choices: tuple[str, ...]
    first_model: str
    about: str


# In the order in which `revops kpi --compare` goes from one policy to the other.
SETTINGS = (
    Setting(
        "discounts",
        "net",
        ("net", "forever_only", "ignore"),
        "subscription_periods",
        "discounts: all in force, those without an end only, or none are subtracted",
    ),
    Setting("trial", "exclude", ("exclude", "include"), "subscription_periods", "trials"),
    Setting("metered", "exclude", ("exclude", "include"), "subscription_periods", "metered items"),
    Setting(
        "paused",
        "zero",
        ("zero", "unchanged"),
        "subscription_periods",
        "paused items: worth nothing, or as before the pause",
    ),
    Setting(
        "past_due_max_days",
        "",
        (),
        "subscription_periods",
        "days a past due item goes on counting; empty: until its status changes",
    ),
    Setting(
        "churn_date",
        "end_of_service",
        ("end_of_service", "cancellation"),
        "subscription_periods",
        "a canceled item counts to the end of service, or to the notice",
    ),
    Setting(
        "currency",
        "plan",
        ("plan", "spot"),
        "recurring_revenue_changes",
        "foreign currency at the fiscal year's plan rate, or at the rate of the day",
    ),
    Setting(
        "reactivation_max_gap_days",
        "",
        (),
        "arr_movements",
        "a customer back after more days than these is new; empty: never",
    ),
)


def read(folder: Path) -> Policies:
    """Policy → setting → value out of {folder}/metric_policy.csv, empty values left out.

    Raises ConfigurationError for a setting of recurring_revenue that does not exist or cannot have its value.
    """
    path = folder / "metric_policy.csv"
    found: Policies = {}
    if path.exists():
        for row in _rows(path):
            if row["policy"] == RECURRING_REVENUE:
                _check(row["setting"], row["value"], path)
            if row["value"]:
                found.setdefault(row["policy"], {})[row["setting"]] = row["value"]
    return found


def preset(name: str, folder: Path = SEEDS) -> dict[str, str]:
    """What a preset of policy_presets.csv says about recurring revenue; an empty value is said, too.

    Raises ConfigurationError with the nearest name for one that does not exist.
    """
    rows = _rows(folder / "policy_presets.csv")
    names = sorted({row["preset"] for row in rows})
    if name not in names:
        near = nearest(name, names)
        hint = f"did you mean {near}? " if near else ""
        raise ConfigurationError(f"There is no policy called '{name}'; {hint}There are: {', '.join(names)}.")
    found = {
        row["setting"]: row["value"]
        for row in rows
        if row["preset"] == name and row["policy"] == RECURRING_REVENUE
    }
    for setting, value in found.items():
        _check(setting, value, folder / "policy_presets.csv")
    return found


def in_force(policies: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Every setting of recurring revenue, with its default where the policies say nothing."""
    said = policies.get(RECURRING_REVENUE, {})
    return {setting.name: said.get(setting.name) or setting.default for setting in SETTINGS}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _check(name: str, value: str, path: Path) -> None:
    settings = {setting.name: setting for setting in SETTINGS}
    if name not in settings:
        near = nearest(name, settings)
        hint = f"did you mean {near}? " if near else ""
        raise ConfigurationError(
            f"{path}: {RECURRING_REVENUE} has no setting '{name}'; {hint}There are: {', '.join(settings)}."
        )
    choices = settings[name].choices
    if value and choices and value not in choices:
        raise ConfigurationError(f"{path}: {name} is '{value}'; it must be one of {', '.join(choices)}.")
    if value and not choices and not (value.isascii() and value.isdigit()):
        raise ConfigurationError(f"{path}: {name} is '{value}'; it must be a whole number of days or empty.")
