#!/usr/bin/env python3
"""Compares the scores of several runs of `apus run`, date by date: a table, and a figure where one is asked for.

  tools/compare_ensembles.py NAME=RUN_DIRECTORY NAME=RUN_DIRECTORY ... [--figure FILE.png]
  tools/compare_ensembles.py NAME=RUN_DIRECTORY ... --truth NATURE.nc [--region tropics]

The first run is compared with the others: difference of mean fair CRPS in percent of the first's, with a 90 % interval
from 4,000 paired bootstraps over blocks of dates (two, or --block). Dates that lack a score in any run are left out.
Without --truth the scores are those that the runs wrote; with it they are made here from the members' files, which also
serves runs that kept some variables only, and parts of the sphere. Needs numpy and netCDF4 (matplotlib for the figure).
"""
import argparse
import glob

import netCDF4
import numpy

REGIONS = {"globe": (-90, 90), "north": (20, 90), "tropics": (-20, 20), "south": (-90, -20)}


def read(directory, variable):
    """The scores that the run wrote."""
    with netCDF4.Dataset(f"{directory}/scores/{variable}.nc") as file:
        crps = file["crps_fair_by_date"][:].filled(numpy.nan)
        ratio = file["spread_skill_ratio"][:]
        return {"leads": file["lead_time"][:].astype(int), "crps": crps, "ratio": lambda k, kept: ratio[k]}


def valid_hours(file):
    """Valid times in whole hours since 1970."""
    times = file["time"]
    hours = netCDF4.date2num(netCDF4.num2date(times[:], times.units), "hours since 1970-01-01")
    return numpy.round(numpy.atleast_1d(hours)).astype(int)


def score(directory, variable, truth, region):
    """The same from member files: truth is a dictionary from hours since 1970 to fields."""
    dates = []
    for date in sorted(glob.glob(f"{directory}/members/*")):
        members = []
        for path in sorted(glob.glob(date + "/*.nc")):
            with netCDF4.Dataset(path) as file:
                members.append(numpy.asarray(file[variable][:], dtype="f8").squeeze())
                hours = valid_hours(file)
                leads = numpy.round(numpy.atleast_1d(file["forecast_period"][:])).astype(int)
                latitudes = numpy.asarray(file["lat"][:])
        dates.append((hours, numpy.stack(members)))
    south, north = REGIONS[region]
    weights = numpy.cos(numpy.radians(latitudes)) * ((latitudes >= south) & (latitudes <= north))
    crps, error, variance = (numpy.full((len(leads), len(dates)), numpy.nan) for _ in range(3))

    def mean(field):
        return (field.mean(-1) * weights).sum() / weights.sum()

    for column, (hours, members) in enumerate(dates):
        count = len(members)
        for k, hour in enumerate(hours):
            observed = truth.get(hour)
            if observed is None:
                continue
            x = numpy.sort(members[:, k], axis=0)
            ranks = (2 * numpy.arange(count) - count + 1)[:, None, None]
            crps[k, column] = mean(numpy.abs(x - observed).mean(0) - (ranks * x).sum(0) / (count * (count - 1)))
            error[k, column] = mean((x.mean(0) - observed) ** 2)
            variance[k, column] = mean(x.var(0, ddof=1)) * (count + 1) / count

    def ratio(k, kept):
        return numpy.sqrt(variance[k, kept].mean() / error[k, kept].mean())

    return {"leads": leads, "crps": crps, "ratio": ratio}


def fields(paths, variable):
    """Every field of a variable by hours since 1970."""
    found = {}
    for path in paths:
        with netCDF4.Dataset(path) as file:
            found.update(zip(valid_hours(file), numpy.asarray(file[variable][:], dtype="f8")))
    return found


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
    parser.add_argument("--truth", nargs="+", help="score the members against these files")
    parser.add_argument("--region", choices=REGIONS, default="globe", help="with --truth")
    parser.add_argument("--block", type=int, default=2, help="dates drawn together by the bootstrap")
    parser.add_argument("--days", help="only these, as 1,3,5")
    options = parser.parse_args()
    runs = dict(run.split("=", 1) for run in options.runs)
    variables = options.variables.split(",")
    rng = numpy.random.default_rng(1)
    wanted = options.days and [int(day) for day in options.days.split(",")]
    scores = {}
    for v in variables:
        truth = fields(options.truth, v) if options.truth else None
        scores[v] = {
            name: score(path, v, truth, options.region) if truth else read(path, v) for name, path in runs.items()
        }
    first = next(iter(runs))
    for v in variables:
        days = [(k, lead // 24) for k, lead in enumerate(scores[v][first]["leads"]) if lead % 24 == 0 and lead > 0]
        days = [(k, day) for k, day in days if not wanted or day in wanted]
        print(f"\n{v}: fair CRPS; spread/skill; for others than {first}: difference in percent, 90 % interval")
        print("| day | " + " | ".join(runs) + " |\n|---" * 1 + "|" + "---|" * len(runs))
        for k, day in days:
            cells = []
            kept = numpy.all([numpy.isfinite(scores[v][name]["crps"][k]) for name in runs], axis=0)
            for name in runs:
                item, base = scores[v][name], scores[v][first]
                ours, theirs = item["crps"][k][kept], base["crps"][k][kept]
                text = f"{ours.mean():.4g}; {item['ratio'](k, kept):.2f}"
                if name != first:
                    low, high = interval(theirs, ours, rng, options.block)
                    text += f"; {100 * (ours.mean() / theirs.mean() - 1):+.2f} ({low:+.2f} to {high:+.2f})"
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
                kept = [numpy.isfinite(row) for row in item["crps"]]
                axes[0][column].plot(day, [row[k].mean() for row, k in zip(item["crps"], kept)], label=name)
                axes[1][column].plot(day, [item["ratio"](k, dates) for k, dates in enumerate(kept)], label=name)
            axes[0][column].set_title(f"{v}, fair CRPS")
            axes[1][column].set_title(f"{v}, spread/skill")
            axes[1][column].axhline(1, color="grey", linewidth=0.5)
            axes[1][column].set_xlabel("day")
        axes[0][0].legend(fontsize=8)
        figure.tight_layout()
        figure.savefig(options.figure, dpi=90)


if __name__ == "__main__":
    main()
