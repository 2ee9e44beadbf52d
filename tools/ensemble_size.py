#!/usr/bin/env python3
"""What more members buy (HENS Part II): outliers, largest member, best member, sampling error of probabilities.

  tools/ensemble_size.py TRUTH.nc RUN_DIRECTORY [RUN_DIRECTORY ...] [--figure FILE.png]

Runs of one run file with more and more `perturbation.pairs`, products only, with `member_errors` and `thresholds`; the
last one is the largest. Their members are nested: a smaller run has the first members of a larger one. Area means have
weights cos(latitude). Expected: outliers 2/(n + 1); largest standardised member of a Gaussian sample
(the mean of the maximum of n normals); the width of the 90 % interval of a probability p, 2 x 1.645 sqrt(p (1 - p) / n).
Needs numpy and netCDF4 (and matplotlib for the figure).
"""
import argparse
import glob
import json
import math

import netCDF4
import numpy


def largest_of(n):
    """Mean of the largest of n standard normals, by integrating 1 - F^n and F^n."""
    x = numpy.linspace(-10, 10, 40001)
    f = numpy.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in x])
    power = f**n
    step = x[1] - x[0]
    return float((1 - power)[x > 0].sum() * step - power[x <= 0].sum() * step)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth")
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--days", default="1,3,5,7,10,15")
    parser.add_argument("--variables", default="z500,t850,t2m,msl")
    parser.add_argument("--figure")
    options = parser.parse_args()
    days = [int(day) for day in options.days.split(",")]
    rows = {}
    probabilities = {}
    for run in options.runs:
        stamp = glob.glob(f"{run}/products/mean_*.nc")[0].split("_")[-1]
        with open(f"{run}/scores/products.json") as file:
            scores = json.load(file)["scores"]
        n = scores[0]["members"]
        for score in scores:
            rows[score["variable"], score["lead_hours"] // 24, n] = score
        with netCDF4.Dataset(f"{run}/products/probabilities_{stamp}") as file:
            lead = (file["forecast_period"][:] / 24).astype(int)
            weight = numpy.cos(numpy.deg2rad(file["lat"][:]))[:, None] * numpy.ones(file.dimensions["lon"].size)
            weight /= weight.mean()
            for name in file.variables:
                if "_above_" in name:
                    for k, day in enumerate(lead):
                        probabilities[name, file[name].threshold, int(day), n] = file[name][k].filled(numpy.nan)
    sizes = sorted({key[2] for key in rows})
    print("Expected of a Gaussian ensemble: " + "; ".join(
        f"n = {n}: outliers {2 / (n + 1):.5f}, largest {largest_of(n):.2f}" for n in sizes))
    for variable in options.variables.split(","):
        print(f"\n{variable}: outliers; largest standardised member; best member's RMSE over the mean's")
        print("| day | " + " | ".join(f"n = {n}" for n in sizes) + " |\n|---|" + "---|" * len(sizes))
        for day in days:
            cells = []
            for n in sizes:
                s = rows.get((variable, day, n))
                cells.append("-" if s is None else
                             f"{s['outliers']:.5f}; {s['largest_standardised']:.2f}; {s['rmse_least_member'] / s['rmse_mean']:.2f}")
            print(f"| {day} | " + " | ".join(cells) + " |")
    print("\nProbabilities: 90 % interval expected from n members, area mean; RMS difference from the largest run over what"
          "\nsampling alone gives (1: nothing but sampling)")
    names = sorted({key[:2] for key in probabilities})
    widths = {}
    print("| variable above | day | " + " | ".join(f"n = {n}" for n in sizes) + " |\n|---|---|" + "---|" * len(sizes))
    for name, threshold in names:
        for day in days:
            if (name, threshold, day, sizes[-1]) not in probabilities:
                continue
            best = probabilities[name, threshold, day, sizes[-1]]
            variance = (weight * best * (1 - best)).mean()
            cells = []
            for n in sizes:
                width = 2 * 1.645 * (weight * numpy.sqrt(best * (1 - best) / n)).mean()
                difference = (weight * (probabilities[name, threshold, day, n] - best) ** 2).mean()
                expected = variance * (1 / n - 1 / sizes[-1])
                widths[name, threshold, day, n] = width, 2 * 1.645 * math.sqrt(difference)
                cells.append(f"{width:.4f}" + ("" if n == sizes[-1] else f"; {math.sqrt(difference / expected):.2f}"))
            print(f"| {name.split('_')[0]} {threshold} | {day} | " + " | ".join(cells) + " |")
    if options.figure:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(1, 4, figsize=(17, 4))
        for number, variable in enumerate(options.variables.split(",")):
            known = sorted({key[1] for key in rows if key[0] == variable})
            for n, style in zip(sizes, [":", "--", "-"]):
                item = [rows[variable, day, n] for day in known]

                def draw(axis, values):
                    axis.plot(known, values, style, color=f"C{number}", label=f"{variable}, {n}")

                # No outlier at all has no place on a logarithmic axis.
                draw(axes[0], [s["outliers"] / s["outliers_expected"] or math.nan for s in item])
                draw(axes[1], [s["largest_standardised"] / largest_of(n) for s in item])
                draw(axes[2], [s["rmse_least_member"] / s["rmse_mean"] for s in item])
        axes[0].set_yscale("log")
        for axis, title in zip(axes, ["outliers over 2/(n + 1)", "largest standardised member over a Gaussian's",
                                      "best member's RMSE over the ensemble mean's"]):
            axis.set_title(title, fontsize=9)
            axis.set_xlabel("day")
            axis.axhline(1, color="grey", linewidth=0.5)
        axis, day = axes[3], 7 if 7 in days else days[-1]
        for number, (name, threshold) in enumerate(names):
            both = [(n, *widths[name, threshold, day, n]) for n in sizes if (name, threshold, day, n) in widths]
            if both:
                label = f"{name.split('_')[0]} {threshold}"
                axis.plot([b[0] for b in both], [b[1] for b in both], "-", color=f"C{number}", label=label)
                axis.plot([b[0] for b in both[:-1]], [b[2] for b in both[:-1]], "o", color=f"C{number}")
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("members")
        axis.set_title(f"90 % interval of probabilities above, day {day};\ndots: from the differences to the largest run",
                       fontsize=9)
        axis.legend(fontsize=7)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, fontsize=7, ncol=len(labels), loc="lower center")
        figure.tight_layout(rect=(0, 0.07, 1, 1))
        figure.savefig(options.figure, dpi=90)


if __name__ == "__main__":
    main()
