"""Serves the stand-in of Google's provider on loopback."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from ops.rehearsal.google.provider import GoogleProvider
from ops.rehearsal.world import World

# The engine creates as many resources at once; a creation may wait for a fault to pass.
THREADS = 64
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@contextmanager
def serving(world: World) -> Iterator[int]:
    """Its port, while the block runs. At its end, waits are canceled, and what was begun is completed."""
    threads, provider = ThreadPoolExecutor(max_workers=THREADS), GoogleProvider(world)
    server = grpc.server(threads, options=_UNLIMITED)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        provider.cancel()
        server.stop(None).wait()
        threads.shutdown()
