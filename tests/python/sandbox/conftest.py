"""Worlds shared by the tests of the sandbox; nobody may change them."""

from datetime import date

import pytest

from sandbox.rules import Plants
from sandbox.world import World


@pytest.fixture(scope="session")
def small_world() -> World:
    """A third of the company, lived for two and a half years."""
    return World(date(2026, 7, 15), scale=0.34)


@pytest.fixture(scope="session")
def world() -> World:
    """The company at its usual size, with its planted troubles."""
    return World(date(2026, 11, 22))


@pytest.fixture(scope="session")
def untroubled_world() -> World:
    """The same company without planted troubles."""
    return World(date(2026, 11, 22), plants=Plants.none())
