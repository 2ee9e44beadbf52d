#!/usr/bin/env python3
"""Draws validation losses of trainings against wall-clock time in one figure.

    python tools/plot_training.py --apus models/x.safetensors.loss.csv:1782 --torch torch.csv --output curves.png

An Apus curve holds steps; the number behind the colon is the seconds that the training took (its report and its
card say so), spread evenly over them. A curve of tools/torch_train.py holds seconds.
"""
import argparse
import csv

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402


def rows(path):
    with open(path, newline="") as file:
        return [row for row in csv.DictReader(file) if row["validation_loss"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--apus", required=True, metavar="CSV:SECONDS")
    parser.add_argument("--torch", required=True, metavar="CSV")
    parser.add_argument("--title", default="")
    parser.add_argument("--output", required=True)
    options = parser.parse_args()
    path, seconds = options.apus.rsplit(":", 1)
    ours, theirs = rows(path), rows(options.torch)
    last = int(ours[-1]["step"])
    figure, axes = pyplot.subplots(figsize=(6.4, 3.8), layout="constrained")
    axes.plot([float(seconds) / 60 * int(r["step"]) / last for r in ours],
              [float(r["validation_loss"]) for r in ours], "o-", ms=3, label="Apus")
    axes.plot([float(r["seconds"]) / 60 for r in theirs],
              [float(r["validation_loss"]) for r in theirs], "s-", ms=3, label="PyTorch + torch-harmonics")
    axes.set(xlabel="wall-clock time [min]", ylabel="validation loss (HENS, one step)", yscale="log",
             title=options.title)
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(options.output, dpi=110)


if __name__ == "__main__":
    main()
