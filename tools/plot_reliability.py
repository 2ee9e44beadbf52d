#!/usr/bin/env python3
"""Reliability diagrams of several ensembles' events, from what `apus verify DEFINITION.yml` wrote.

    python tools/plot_reliability.py 'two seeds=out/v_seeds' 'GEE=out/v_gee' --leads 72 168 --output reliability.png

Counts of all variables and events of the region are pooled. Needs numpy, netCDF4 and matplotlib.
"""
import argparse
import glob

import matplotlib
import netCDF4
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("ensembles", nargs="+", metavar="NAME=DIRECTORY")
parser.add_argument("--leads", nargs="+", type=float, default=[72, 168], help="lead times [h]")
parser.add_argument("--region", type=int, default=0, help="place of the region in the files")
parser.add_argument("--least", type=int, default=1000, help="points and dates that a bin must have")
parser.add_argument("--output", required=True)
args = parser.parse_args()


def pooled(directory, lead):
    """Mean forecast probability and frequency of every bin that has cases."""
    count = probability = events = 0
    files = sorted(glob.glob(f"{directory}/scores_*.nc"))
    if not files:
        raise SystemExit(f"{directory}: no scores_*.nc; expected a directory that apus verify wrote")
    for path in files:
        with netCDF4.Dataset(path) as file:
            k = int(np.argmin(abs(file["lead_time"][:] - lead)))
            if abs(file["lead_time"][k] - lead) > 1e-6:
                raise SystemExit(f"{path}: no lead time of {lead} h")
            n = np.ma.filled(file["reliability_count"][:, args.region, k].astype("f8"), 0)
            p, o = (np.ma.filled(file[f"reliability_{name}"][:, args.region, k].astype("f8"), 0)
                    for name in ("probability", "frequency"))
            count = count + n.sum(0)
            probability = probability + np.nansum(np.where(n > 0, n * p, 0), axis=0)
            events = events + np.nansum(np.where(n > 0, n * o, 0), axis=0)
    some = count >= args.least
    return probability[some] / count[some], events[some] / count[some]


figure, axes = plt.subplots(1, len(args.leads), figsize=(3.7 * len(args.leads), 3.7), squeeze=False)
for axis, lead in zip(axes[0], args.leads):
    axis.plot([0, 1], [0, 1], ":", color="black", linewidth=0.8)
    for number, item in enumerate(args.ensembles):
        name, directory = item.split("=", 1)
        axis.plot(*pooled(directory, lead), ".-", color=["gray", "black", "C0", "C3", "C2", "C1"][number % 6], label=name)
    axis.set(title=f"day {lead / 24:g}", xlabel="forecast probability", ylabel="frequency", xlim=(-0.05, 1.05), ylim=(-0.05, 1.05))
axes[0][0].legend(fontsize=7)
figure.tight_layout()
figure.savefig(args.output, dpi=75)
