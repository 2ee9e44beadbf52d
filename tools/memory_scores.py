#!/usr/bin/env python3
"""Peak memory of `apus verify` against the size of the ensemble: bundles of 12 variables on 48 x 96, every kind of score.

    python tools/memory_scores.py --apus .build/release/apus --work /tmp/memory [--lead-times 2]

Needs numpy, netCDF4 and GNU time. Writes up to 1.6 GB a lead time into --work and removes it at the end. Prints for 1,856
members, 7,424 members at one and at --lead-times lead times, and 7,424 members with memory_megabytes 100: peak memory and
time, and whether the last one's scores are the same bytes.
"""
import argparse
import os
import shutil
import subprocess

import netCDF4
import numpy as np

VARIABLES = [f"v{i}" for i in range(12)]
ROWS, COLUMNS = 48, 96


def write(path, members, leads, seed):
    """members None: a truth."""
    draws = np.random.default_rng(seed)
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", leads)
        file.createDimension("lat", ROWS)
        file.createDimension("lon", COLUMNS)
        if members:
            file.createDimension("realization", members)
            number = file.createVariable("realization", "i4", ("realization",))
            number.standard_name = "realization"
            number[:] = np.arange(members)
            start = file.createVariable("forecast_reference_time", "f8", ())
            start.standard_name, start.units = "forecast_reference_time", "hours since 2020-01-01"
            start[...] = 0
        time = file.createVariable("time", "f8", ("time",))
        time.standard_name, time.units = "time", "hours since 2020-01-01"
        time[:] = 24 * (1 + np.arange(leads))
        for name, values, unit in [("lat", np.linspace(88, -88, ROWS), "degrees_north"),
                                   ("lon", np.arange(COLUMNS) * 360 / COLUMNS, "degrees_east")]:
            axis = file.createVariable(name, "f8", (name,))
            axis.units = unit
            axis[:] = values
        for name in VARIABLES:
            dimensions = ("time",) + (("realization",) if members else ()) + ("lat", "lon")
            variable = file.createVariable(name, "f4", dimensions)
            variable.units = "K"
            for lead in range(leads):
                if not members:
                    variable[lead] = draws.standard_normal((ROWS, COLUMNS), dtype="f4")
                else:
                    for first in range(0, members, 464):
                        variable[lead, first:first + 464] = draws.standard_normal((464, ROWS, COLUMNS), dtype="f4")


def verify(options, name, forecast, memory):
    definition = f"{options.work}/{name}.yml"
    with open(definition, "w") as file:
        file.write(f"""name: memory
variables: [{", ".join(VARIABLES)}]
regions: [global, tropics, northern_extratropics, southern_extratropics]
energy_members: 64
tiles: {{}}
variogram: {{points: 100}}
spectra: {{}}
ensemble_sizes: [10, 100, 1000]
bootstrap: {{resamples: 100}}
memory_megabytes: {memory}
""")
    output = f"{options.work}/{name}"
    shutil.rmtree(output, ignore_errors=True)
    report = subprocess.run(
        ["/usr/bin/time", "-f", "%M %e", options.apus, "verify", definition, "--forecast", forecast, "--truth",
         f"{options.work}/truth.nc", "--output", output, "--threads", "2"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr.split()
    print(f"{name}: {int(report[-2]) / 1000:.0f} MB, {report[-1]} s", flush=True)
    return output


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--apus", default=".build/release/apus")
    parser.add_argument("--work", default="/tmp/memory")
    parser.add_argument("--lead-times", type=int, default=2)
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    write(f"{options.work}/truth.nc", None, options.lead_times, 1)
    large, small = f"{options.work}/large.nc", f"{options.work}/small.nc"
    write(small, 1856, 1, 2)
    verify(options, "1856 members", small, 768)
    write(large, 7424, 1, 3)
    first = verify(options, "7424 members", large, 768)
    second = verify(options, "7424 members, memory_megabytes 100", large, 100)
    same = all(open(f"{first}/scores_{v}.nc", "rb").read() == open(f"{second}/scores_{v}.nc", "rb").read() for v in VARIABLES)
    print("same bytes" if same else "OTHER BYTES", flush=True)
    write(large, 7424, options.lead_times, 3)
    verify(options, f"7424 members, {options.lead_times} lead times", large, 768)
    shutil.rmtree(options.work)


if __name__ == "__main__":
    main()
