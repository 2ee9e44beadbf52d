#!/usr/bin/env python3
"""Trains the PyTorch copy of the network on the data, features, loss and recipe of an Apus run file.

The peer of `apus train` for a fixed wall-clock budget: same files, same normalisation, features and static
fields (taken from a checkpoint that Apus wrote, whose weights also prove that data and loss agree), the HENS
loss, AdamW with clipping, warm-up, cosine and moving average. The cosine runs over the budget.

    python tools/torch_train.py --run pipelines/train/t31.yml --checkpoint models/t31_seed1.safetensors \
        --minutes 30 --threads 1 --curve torch.csv
"""
import argparse
import csv
import glob
import json
import math
import sys
import time
from pathlib import Path

import netCDF4
import numpy
import torch
import yaml
from torch_harmonics import InverseRealSHT, RealSHT
from torch_harmonics.quadrature import legendre_gauss_weights

sys.path.insert(0, str(Path(__file__).parent))
from torch_sfno import SFNO, read_safetensors  # noqa: E402

HOUR = numpy.timedelta64(1, "h")


def load(period, channels, degrees, kind="legendre-gauss"):
    """States [time][channel][row][column] of l < degrees and their times, files in order of name."""
    states, times = [], []
    files = period["files"] if isinstance(period["files"], list) else [period["files"]]
    for path in sorted(f for pattern in files for f in glob.glob(pattern)):
        with netCDF4.Dataset(path) as data:
            data.set_auto_mask(False)
            time_ = data["time"]
            stamps = netCDF4.num2date(time_[:], time_.units, time_.calendar, only_use_cftime_datetimes=False)
            stamps = numpy.array(stamps, "datetime64[s]")
            keep = numpy.ones(len(stamps), bool)
            for key, compare in [("from", numpy.greater_equal), ("to", numpy.less_equal)]:
                if key in period:
                    keep &= compare(stamps, numpy.datetime64(str(period[key])))
            values = numpy.stack([data[c][:][keep] for c in channels], 1).astype("f4")
            south_first = data["lat"][0] < data["lat"][-1]
            states.append(values[:, :, ::-1] if south_first else values)
            times.append(stamps[keep])
    states, times = numpy.concatenate(states), numpy.concatenate(times)
    rows, columns = states.shape[-2:]
    size = dict(lmax=degrees, mmax=degrees, grid=kind)
    forward, inverse = RealSHT(rows, columns, **size), InverseRealSHT(rows, columns, **size)
    with torch.inference_mode():
        for start in range(0, len(states), 64):
            part = torch.from_numpy(numpy.ascontiguousarray(states[start:start + 64])).double()
            states[start:start + 64] = inverse(forward(part)).numpy()
    return states, times


def pairs(times):
    """Indices i where state i + 1 is six hours later."""
    return numpy.flatnonzero(numpy.diff(times) == 6 * HOUR)


class Features:
    """As Sources/Fields/InputFeatures.swift: sun, position, season, ground."""

    def __init__(self, rows, columns, options, statics):
        x, _ = numpy.polynomial.legendre.leggauss(rows)
        self.latitude = numpy.arcsin(x[::-1])[:, None] * numpy.ones((1, columns))
        self.longitude = (2 * math.pi * numpy.arange(columns) / columns)[None] * numpy.ones((rows, 1))
        waves = [numpy.sin, numpy.cos] if options.get("position_cosines") else [numpy.sin]
        self.position = [
            wave((k + 1) * axis) for k in range(options.get("position_frequencies", 0))
            for wave in waves for axis in (self.latitude, self.longitude)]
        self.options, self.statics = options, statics

    def zenith(self, moment):
        t = (moment - numpy.datetime64("2000-01-01T12")) / numpy.timedelta64(1, "s") / 86400 / 36525
        seconds = 67310.54841 + t * (876600 * 3600 + 8640184.812866 + t * (0.093104 - t * 6.2 * 10e-6))
        greenwich = math.radians(seconds / 240) % (2 * math.pi)
        anomaly = math.radians(357.52910 + 35999.05030 * t - 0.0001559 * t * t - 0.00000048 * t**3)
        mean = 280.46645 + 36000.76983 * t + 0.0003032 * t * t
        centre = ((1.914600 - 0.004817 * t - 0.000014 * t * t) * math.sin(anomaly)
                  + (0.019993 - 0.000101 * t) * math.sin(2 * anomaly) + 0.000290 * math.sin(3 * anomaly))
        sun = math.radians(mean + centre)
        obliquity = math.radians(23 + 26 / 60 + 21.406 / 3600 - (
            46.836769 * t - 0.0001831 * t * t + 0.0020034 * t**3 - 0.576e-6 * t**4 - 4.34e-8 * t**5) / 3600)
        x, y, z = math.cos(sun), math.cos(obliquity) * math.sin(sun), math.sin(obliquity) * math.sin(sun)
        r = math.sqrt(1 - z * z)
        ascension, declination = 2 * math.atan2(y, x + r), math.atan2(z, r)
        return (numpy.sin(self.latitude) * math.sin(declination) + numpy.cos(self.latitude)
                * math.cos(declination) * numpy.cos(greenwich + self.longitude - ascension))

    def at(self, moment):
        fields = [self.zenith(moment)] if self.options.get("solar_zenith", False) else []
        fields += self.position
        if self.options.get("season"):
            year = moment.astype("datetime64[Y]")
            whole = (year + 1).astype("datetime64[s]") - year.astype("datetime64[s]")
            angle = 2 * math.pi * ((moment - year.astype("datetime64[s]")) / whole)
            fields += [numpy.full_like(self.latitude, f(angle)) for f in (math.sin, math.cos)]
        return numpy.concatenate([numpy.stack(fields).astype("f4"), self.statics])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", required=True)
    parser.add_argument("--checkpoint", required=True, help="a checkpoint of the same run file")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--validate-every", type=float, default=60, metavar="SECONDS")
    parser.add_argument("--curve", required=True, help="CSV: seconds, samples, loss, validation_loss")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    run = yaml.safe_load(open(options.run))
    tensors, metadata = read_safetensors(options.checkpoint, {"F32": "<f4", "F16": "<f2"})
    normalisation = json.loads(metadata["normalisation"])
    channels, degrees = run["data"]["channels"], run["data"]["degrees"]
    assert normalisation["channels"] == channels
    mean, deviation, tendency = (
        numpy.array(normalisation[k], "f8")[:, None, None] for k in (
            "mean", "standard_deviation", "tendency_standard_deviation"))

    def normalised(periods):
        states, times = zip(*(load(p, channels, degrees) for p in periods))
        states, times = numpy.concatenate(states), numpy.concatenate(times)
        for start in range(0, len(states), 256):
            states[start:start + 256] = (states[start:start + 256] - mean) / deviation
        return torch.from_numpy(states), times

    states, times = normalised(run["data"]["training"])
    held, held_times = normalised(run["data"]["validation"])
    rows, columns = states.shape[-2:]
    features = Features(rows, columns, run["inputs"], tensors["static_fields"].numpy())
    samples, held_samples = pairs(times), pairs(held_times)
    print(f"{len(samples)} samples to train on, {len(held_samples)} to validate on", flush=True)

    area = torch.as_tensor(numpy.asarray(legendre_gauss_weights(rows)[1])).flip(0).float() / 2 / columns
    area = area.reshape(1, 1, rows, 1)

    def weight(name):
        digits = name.lstrip("abcdefghijklmnopqrstuvwxyz")
        if name in ("t2m", "d2m"):
            return 1.0
        if name in ("u10", "v10", "u100", "v100", "tp", "sp", "msl", "tcwv"):
            return 0.1
        return 0.001 * float(digits) if digits else 0.01

    w = numpy.array([weight(c) for c in channels])
    factor = torch.from_numpy(w / w.sum() * ((deviation / tendency).squeeze() ** 2)).float()

    def loss_of(forecast, truth):
        error = (area * (forecast - truth) ** 2).sum((-2, -1))
        size = (area * truth**2).sum((-2, -1))
        return (factor * error / size).sum(1).mean()

    def batch_of(states, times, indices):
        x = torch.stack([
            torch.cat([states[i], torch.from_numpy(features.at(times[i]))]) for i in indices])
        return x, torch.stack([states[i + 1] for i in indices])

    def validation(network):
        total, count = 0.0, min(64, len(held_samples))
        with torch.inference_mode():
            for k in range(count):
                x, y = batch_of(held, held_times, [held_samples[k * len(held_samples) // count]])
                total += loss_of(network(x), y).item()
        return total / count

    network = SFNO(json.loads(metadata["config"]))
    network.load_state_dict({n: t for n, t in tensors.items() if n.startswith("model.")}, strict=True)
    print(f"validation loss of {options.checkpoint}: {validation(network):.5f}", flush=True)

    settings = run["optimisation"]
    torch.manual_seed(run["seed"])
    network = SFNO(json.loads(metadata["config"]))
    with torch.no_grad():
        # The start that Apus' run files ask for: persistence, and a decoder the size of a tendency.
        network.model.residual_transform.weight.zero_()
        for c in range(len(channels)):
            network.model.residual_transform.weight[c, c] = 1
        getattr(network.model.decoder.fwd, "2").weight.mul_(float(((tendency / deviation) ** 2).mean() ** 0.5))
    average = SFNO(json.loads(metadata["config"]))
    average.load_state_dict(network.state_dict())
    parameters, kept = list(network.parameters()), list(average.parameters())
    batch = options.batch or settings["batch_size"]
    peak = options.learning_rate or float(settings["learning_rate"])
    optimiser = torch.optim.AdamW(parameters, lr=peak, betas=(0.9, 0.95), weight_decay=0, fused=True)
    generator = numpy.random.default_rng(run["seed"])
    order, step, seen, sums = [], 0, 0, [0.0, 0]
    budget = 60 * options.minutes
    with open(options.curve, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["seconds", "samples", "loss", "validation_loss"])
        start = last = time.perf_counter()
        while True:
            now = time.perf_counter()
            ended = now - start >= budget
            if ended or now - last >= options.validate_every:
                value = validation(average)
                writer.writerow([f"{now - start:.1f}", seen, f"{sums[0] / max(sums[1], 1):.6f}", f"{value:.6f}"])
                file.flush()
                print(f"{now - start:7.1f} s  {seen} samples  loss {sums[0] / max(sums[1], 1):.5f}  "
                      f"validation {value:.5f}", flush=True)
                last, sums = time.perf_counter(), [0.0, 0]
                if ended:
                    return
            if len(order) < batch:
                order = list(generator.permutation(samples))
            x, y = batch_of(states, times, [order.pop() for _ in range(batch)])
            progress = (time.perf_counter() - start) / budget
            rate = peak * 0.5 * (1 + math.cos(math.pi * min(progress, 1)))
            rate *= min(1, (step + 1) / settings["warmup_steps"])
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.zero_grad(set_to_none=True)
            loss = loss_of(network(x), y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, settings["gradient_clip"])
            optimiser.step()
            step += 1
            seen += batch
            share = 1 - min(settings["ema_decay"], (1 + step) / (10 + step))
            with torch.no_grad():
                torch._foreach_lerp_(kept, parameters, share)
            sums[0] += loss.item()
            sums[1] += 1


if __name__ == "__main__":
    main()
