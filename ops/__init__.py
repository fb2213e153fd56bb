"""Commands for people and for CI, run as `./dynamo-gke …` or `python -m ops …`."""

import gc

# Importing the providers creates a million objects and no garbage. At Python's own threshold of 700 the collector
# walks them again and again, a quarter of a preview's time.
gc.set_threshold(100_000, 20, 20)
