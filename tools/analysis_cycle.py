#!/usr/bin/env python3
r"""Makes analyses that have errors of the day, from a nature run and a checkpoint: a twin experiment's data assimilation.

    tools/analysis_cycle.py NATURE.nc CHECKPOINT.safetensors OUTPUT.nc --amplitudes RUN/amplitudes.json \
        --from 2015-01-01 --to 2015-06-30

Every 6 hours the last analysis is carried forward by the checkpoint (`apus forecast`), and drawn towards observations of
the nature run, which have errors of their own:

    x_b = M(x_a)        x_a <- x_b + K (y - x_b)        y = truth + sigma noise

with one gain K for everything and noise that is white from point to point, of `--noise` times the checkpoint's 48-hour
error (an amplitudes.json of a run with that checkpoint). What the observations do not remove, the dynamics have grown:
such errors are what bred vectors are made for (Toth and Kalnay 1993), and a nature run itself has none. The first days
are spin-up. Needs numpy and netCDF4.
"""
import argparse
import datetime
import json
import pathlib
import shutil
import subprocess
import tempfile

import netCDF4
import numpy

HOME = pathlib.Path(__file__).resolve().parent.parent


def create(path, nature, channels, attributes):
    file = netCDF4.Dataset(path, "w")
    file.setncatts({name: nature.getncattr(name) for name in nature.ncattrs()} | attributes)
    for name in nature[channels[0]].dimensions:
        file.createDimension(name, None if name == "time" else nature.dimensions[name].size)
        variable = file.createVariable(name, "f8", (name,))
        variable.setncatts({k: nature[name].getncattr(k) for k in nature[name].ncattrs() if k != "_FillValue"})
        if name != "time":
            variable[:] = nature[name][:]
    for name in channels:
        source = nature[name]
        variable = file.createVariable(name, "f4", source.dimensions, zlib=True, complevel=1)
        skipped = ("_FillValue", "scale_factor", "add_offset", "missing_value", "valid_range", "valid_min", "valid_max")
        variable.setncatts({k: source.getncattr(k) for k in source.ncattrs() if k not in skipped})
    return file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nature")
    parser.add_argument("checkpoint")
    parser.add_argument("output")
    parser.add_argument("--from", dest="first", required=True)
    parser.add_argument("--to", dest="last", required=True)
    parser.add_argument("--gain", type=float, default=0.15)
    parser.add_argument("--noise", type=float, default=0.5)
    parser.add_argument("--amplitudes", required=True, help="amplitudes.json of a run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--apus", default=str(HOME / ".build/release/apus"))
    options = parser.parse_args()
    rng = numpy.random.default_rng(options.seed)
    nature = netCDF4.Dataset(options.nature)
    table = json.loads(pathlib.Path(options.amplitudes).read_text())
    channels = table["channels"]
    lead = table["lead_hours"].index(48)
    sizes = numpy.array([row[lead] for row in table["root_mean_square_error"]])
    units = nature["time"].units
    hours = numpy.asarray(nature["time"][:])
    first, last = (netCDF4.date2num(datetime.datetime.fromisoformat(t), units) for t in (options.first, options.last))
    steps = numpy.flatnonzero((hours >= first) & (hours <= last))
    weights = numpy.cos(numpy.radians(nature[nature[channels[0]].dimensions[1]][:]))

    def truth(k):
        return numpy.stack([numpy.asarray(nature[name][k], dtype="f8") for name in channels])

    scratch = pathlib.Path(tempfile.mkdtemp(prefix="analysis-cycle-"))
    current, directory = scratch / "current.nc", scratch / "run"
    attributes = {"title": "Analyses of a twin experiment", "source": f"tools/analysis_cycle.py, {options}"}
    output = create(options.output, nature, channels, attributes)
    for count, k in enumerate(steps):
        date = netCDF4.num2date(hours[k], units)
        state = truth(k)
        observation = state + rng.standard_normal(state.shape) * (options.noise * sizes)[:, None, None]
        analysis = observation if count == 0 else background + options.gain * (observation - background)
        if "q850" in channels:
            q = channels.index("q850")
            analysis[q] = numpy.maximum(analysis[q], 0)
        output["time"][count] = hours[k]
        for c, name in enumerate(channels):
            output[name][count] = analysis[c]
        if count % 40 == 0:
            error = numpy.sqrt(((analysis - state) ** 2).mean(2) @ weights / weights.sum())
            print(date, " ".join(f"{n} {e / s:.2f}" for n, e, s in zip(channels, error, sizes)), flush=True)
            output.sync()
        if k == steps[-1]:
            break
        with create(current, nature, channels, {}) as file:
            file["time"][0] = hours[k]
            for c, name in enumerate(channels):
                file[name][0] = analysis[c]
        stamp = date.strftime("%Y-%m-%dT%H")
        (scratch / "run.yml").write_text(
            f"name: cycle\nseed: 1\ncheckpoints: [{pathlib.Path(options.checkpoint).resolve()}]\n"
            f"analyses: {{files: [{current}]}}\ninitial_times: [{stamp}]\nlead_time_hours: 6\n"
            f"perturbation: {{method: none}}\noutput: {{directory: {directory}, members: all, every_hours: 6}}\n")
        shutil.rmtree(directory, ignore_errors=True)
        subprocess.run([options.apus, "forecast", str(scratch / "run.yml"), "--threads", "1", "-q"], check=True,
                       stdout=subprocess.DEVNULL)
        (member,) = directory.glob("members/*/*.nc")
        with netCDF4.Dataset(member) as file:
            background = numpy.stack([numpy.asarray(file[name][-1], dtype="f8") for name in channels])
    output.close()
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
