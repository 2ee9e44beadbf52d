#!/usr/bin/env python3
"""Compares the scores of several runs of `apus run`, date by date: a table, and a figure where one is asked for.

  tools/compare_ensembles.py NAME=RUN_DIRECTORY NAME=RUN_DIRECTORY ... [--figure FILE.png]

The first run is compared with the others: difference of mean fair CRPS in percent of the first's, with a 90 % interval
from 4,000 paired bootstraps over blocks of two dates. Needs numpy and netCDF4 (and matplotlib for the figure).
"""
import argparse

import netCDF4
import numpy


def read(directory, variable):
    with netCDF4.Dataset(f"{directory}/scores/{variable}.nc") as file:
        return {
            "leads": file["lead_time"][:].astype(int),
            "crps": file["crps_fair_by_date"][:].filled(numpy.nan),
            "ratio": file["spread_skill_ratio"][:],
            "rmse": file["rmse_mean"][:],
            "spread": file["spread"][:],
        }


def interval(first, other, rng, block=2, trials=4000):
    """5 and 95 % of (other - first) / first in percent, blocks of consecutive dates drawn with replacement."""
    dates = len(first)
    starts = rng.integers(0, dates, (trials, -(-dates // block)))
    picks = (starts[:, :, None] + numpy.arange(block)).reshape(trials, -1)[:, :dates] % dates
    difference = 100 * (other[picks].mean(1) / first[picks].mean(1) - 1)
    return numpy.percentile(difference, [5, 95])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="NAME=DIRECTORY")
    parser.add_argument("--variables", default="z500,t850,u850,msl")
    parser.add_argument("--figure")
    options = parser.parse_args()
    runs = dict(run.split("=", 1) for run in options.runs)
    variables = options.variables.split(",")
    rng = numpy.random.default_rng(1)
    scores = {v: {name: read(path, v) for name, path in runs.items()} for v in variables}
    first = next(iter(runs))
    for v in variables:
        days = [(k, lead // 24) for k, lead in enumerate(scores[v][first]["leads"]) if lead % 24 == 0]
        print(f"\n{v}: fair CRPS; spread/skill; for others than {first}: difference in percent, 90 % interval")
        print("| day | " + " | ".join(runs) + " |\n|---" * 1 + "|" + "---|" * len(runs))
        for k, day in days:
            cells = []
            for name in runs:
                item, base = scores[v][name], scores[v][first]
                text = f"{item['crps'][k].mean():.4g}; {item['ratio'][k]:.2f}"
                if name != first:
                    low, high = interval(base["crps"][k], item["crps"][k], rng)
                    change = 100 * (item["crps"][k].mean() / base["crps"][k].mean() - 1)
                    text += f"; {change:+.1f} ({low:+.1f} to {high:+.1f})"
                cells.append(text)
            print(f"| {day} | " + " | ".join(cells) + " |")
    if options.figure:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(2, len(variables), figsize=(4 * len(variables), 7), sharex=True)
        for column, v in enumerate(variables):
            for name in runs:
                item = scores[v][name]
                day = item["leads"] / 24
                axes[0][column].plot(day, item["crps"].mean(1), label=name)
                axes[1][column].plot(day, item["ratio"], label=name)
            axes[0][column].set_title(f"{v}, fair CRPS")
            axes[1][column].set_title(f"{v}, spread/skill")
            axes[1][column].axhline(1, color="grey", linewidth=0.5)
            axes[1][column].set_xlabel("day")
        axes[0][0].legend(fontsize=8)
        figure.tight_layout()
        figure.savefig(options.figure, dpi=90)


if __name__ == "__main__":
    main()
