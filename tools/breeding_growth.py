#!/usr/bin/env python3
"""How fast bred vectors grow: `apus breed RUN.yml --growth` of several dates, as a table and a figure.

    tools/breeding_growth.py RUN.yml DATE [DATE...] [--apus .build/release/apus] [--cycles N] [--figure FILE.png]

Growth per day by cycle, channel and region, and the factor by degree in the last cycles, averaged over dates. Needs numpy
(and matplotlib for the figure).
"""
import argparse
import json
import re
import subprocess
import tempfile

import numpy

REGIONS = ("north", "tropics", "south")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("dates", nargs="+")
    parser.add_argument("--apus", default=".build/release/apus")
    parser.add_argument("--cycles", type=int, default=24)
    parser.add_argument("--channels", nargs="+", default=["z500", "t850", "u850", "msl"])
    parser.add_argument("--figure")
    options = parser.parse_args()
    text = re.sub(r"cycles: *\d+", f"cycles: {options.cycles}", open(options.run).read())
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(text)
        file.flush()
        found = [
            json.loads(subprocess.run([options.apus, "breed", file.name, "--growth", "--date", date, "--json"], check=True,
                                      capture_output=True, text=True).stdout)
            for date in options.dates
        ]
    cycles = found[0]["cycles"]
    key = "cycles" if isinstance(cycles, list) else next(k for k, v in found[0].items() if isinstance(v, list))
    day, degree = {}, {}
    for result in found:
        for entry in result[key]:
            place = entry["channel"], entry["cycle"]
            growth = entry["growth_per_day"]
            day.setdefault(place, []).append([growth.get(r, numpy.nan) if growth.get(r) is not None else numpy.nan for r in REGIONS])
            degree.setdefault(place, []).append([numpy.nan if g is None else g for g in entry["growth_by_degree"]])
    count = max(c for _, c in day)
    mean = {place: numpy.nanmean(values, 0) for place, values in day.items() if not numpy.isnan(values).all()}
    print(f"growth [1/day], {len(options.dates)} dates, {found[0]['vectors']} vectors each, cycles of {found[0]['cycle_hours']} h")
    print("| channel | cycle | north | tropics | south |\n|---|---|---|---|---|")
    for channel in options.channels:
        for cycle in sorted({2, 3, 4, 8, 12, 16, count} & set(range(count + 1))):
            if (channel, cycle) in mean:
                print(f"| {channel} | {cycle} | " + " | ".join(f"{v:+.2f}" for v in mean[channel, cycle]) + " |")
    print("\n| channel | factor in 6 h at l = 2 | 5 | 10 | 15 | 20 | 30 (mean of the last 8 cycles) |\n|---|---|---|---|---|---|---|")
    spectra = {}
    for channel in options.channels:
        last = [numpy.nanmean(degree[channel, c], 0) for c in range(count - 7, count + 1)]
        spectra[channel] = numpy.nanmean(last, 0)
        print(f"| {channel} | " + " | ".join(f"{spectra[channel][l]:.2f}" for l in (2, 5, 10, 15, 20, 30)) + " |")
    if options.figure:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plot
        figure, (left, right) = plot.subplots(1, 2, figsize=(10, 3.8))
        for channel in options.channels:
            x = [c for c in range(1, count + 1) if (channel, c) in mean]
            left.plot(x, [numpy.mean(mean[channel, c]) for c in x], label=channel)
            right.plot(range(1, len(spectra[channel])), spectra[channel][1:], label=channel)
        left.set(xlabel="cycle (6 h)", ylabel="growth [1/day], mean of regions", title="Growth by cycle")
        left.axhline(0, color="0.6", lw=0.8)
        right.axhline(1, color="0.6", lw=0.8)
        right.set(xlabel="degree l", ylabel="factor in 6 h", title=f"By degree, cycles {count - 7} to {count}")
        left.legend()
        figure.tight_layout()
        figure.savefig(options.figure, dpi=110)


if __name__ == "__main__":
    main()
