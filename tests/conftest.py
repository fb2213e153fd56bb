"""What every test shares: properties are judged by their result, never by the time that a busy machine takes."""

import os
import signal

import pytest
from hypothesis import settings

# Some tests start processes beside a gRPC server, whose threads would otherwise wake up in the child and abort it.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"

# A shell ignores Ctrl-C in what a script starts in the background, such as `make test &`, and tests would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same cases in each run: a pull request fails for its own mistakes. CONTRIBUTING.md says how to try others.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("repeatable")


@pytest.hookimpl(optionalhook=True)  # pytest without xdist has no such hook
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as cores: many tests wait for what they started."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)
