"""Hostile files get little memory, so that what allocates by a claimed size fails instead of taking the machine."""

import pytest


@pytest.fixture(autouse=True)
def _little(little_memory):
    """Cap every test here."""
