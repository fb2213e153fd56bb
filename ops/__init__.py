"""Commands for people and for CI, run as `./dynamo-gke …` or `python -m ops …`."""

from reading.garbage import collect_rarely

collect_rarely()
