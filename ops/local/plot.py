"""Plots TTFT and ITL over the number of clients. Runs in the bench environment: python plot.py results.json plot.svg"""

import json
import sys
from pathlib import Path

import matplotlib  # pyright: ignore[reportMissingImports]  # only the bench environment has it

matplotlib.use("svg")
from matplotlib import pyplot  # pyright: ignore[reportMissingImports]

PANELS = {"ttft": "time to first token", "itl": "time between tokens"}


def main(results: Path, plot: Path) -> None:
    """Draws one panel per metric and one line per percentile."""
    content = json.loads(results.read_text(encoding="utf-8"))
    clients = [load["concurrency"] for load in content["loads"]]
    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(10, 4), layout="constrained")
    for panel, (metric, title) in zip(axes, PANELS.items(), strict=True):
        for percentile in ("p50", "p99"):
            panel.plot(clients, [load[f"{metric}_{percentile}"] for load in content["loads"]], "o-", label=percentile)
        panel.margins(y=0.15)
        panel.set(title=title, xlabel="clients at a time", ylabel="ms", xticks=clients)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
        panel.legend()
    figure.suptitle(content["engine"])
    figure.savefig(plot)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
