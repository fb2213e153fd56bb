"""Shared by the tests of the local run: the Dynamo environment, created once."""

import os

import pytest

from ops.local import private_network
from ops.local.environment import DYNAMO, ensure_tiny_model
from ops.local.errors import LocalRunError


@pytest.fixture(scope="session")
def dynamo() -> None:
    """The Dynamo environment and its tiny model, in the user's cache; without a private network there is no run."""
    child = os.fork()
    if child == 0:
        try:
            private_network.enter()
        except LocalRunError:
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        pytest.skip("this machine permits no private network namespace")
    DYNAMO.ensure(print)
    ensure_tiny_model(DYNAMO, print)
