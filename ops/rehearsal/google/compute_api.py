"""The call of Compute Engine's API that the program makes itself: whether a zone has a network profile."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from ops.rehearsal.google.answers import access_token, stack_config
from ops.rehearsal.world import COMPUTE_API, World
from planning.load import load
from planning.plan import plan

URL = f"http://{COMPUTE_API}/compute/v1/"
"""For the variable GOOGLE_COMPUTE_CUSTOM_ENDPOINT."""
_PROFILES = "global/networkProfiles"


@contextmanager
def serving(world: World) -> Iterator[None]:
    """Answers calls while the block runs. Profiles exist as the stack in rehearsal needs them."""
    host, port = COMPUTE_API.split(":")
    server = ThreadingHTTPServer((host, int(port)), _handler(world))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(world: World) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(world, self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a request's line is no message for the user."""

    return Handler


def answer(world: World, path: str, authorization: str) -> tuple[int, dict[str, object]]:
    if authorization != f"Bearer {access_token(world)}":
        return 401, _error(401, "Request had invalid authentication credentials.")
    config = stack_config(world.project)
    planned = plan(load(config)) if config else None
    folder, _, profile = path.rpartition("/")
    if not planned or profile not in planned.network_profiles or not folder.endswith(f"/{planned.project}/{_PROFILES}"):
        return 404, _error(404, f"The resource '{path}' was not found")
    return 200, {"kind": "compute#networkProfile", "name": profile}


def _error(code: int, message: str) -> dict[str, object]:
    return {"error": {"code": code, "message": message}}
