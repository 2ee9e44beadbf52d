#!/usr/bin/env python3
"""Apus and its peers on the same shapes and threads, in turns, in one run.

Each round times Apus (`apus bench SUITE --json`) and then PyTorch with torch-harmonics (and ducc0 where it
is installed), suite by suite, so that whatever else the machine does meets both. Printed are medians over the
rounds, and the median of the rounds' own ratios peer / apus with the smallest and the largest.

    make bench-peers                                  with a virtual environment of its own
    python tools/bench_peers.py --apus .build/release/apus --rounds 7 --seconds 0.5

Apus also takes forward passes and training steps with less than single precision in its 1x1 convolutions, where the processor has units for it:
`matmul_precision: medium` (kernels ending in `.medium`, eight bits a number; AVX512_BF16 or AMX) and `high` (sixteen bits;
AMX). They are compared with PyTorch in single precision, and `medium` with PyTorch whose 1x1 convolutions are in
bfloat16, eight bits, as HENS was trained (peer `bf16`: autocast, transforms in single precision).

Exit code 1 where a median ratio is below its bar: transform 3 (64 channels, 48 x 96, l < 32), forward pass 3,
training step 4 (64 x 4 networks of scale factors 1 and 2 and, with --large, 128 x 6; batch 4).
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
import torch
from torch_harmonics import InverseRealSHT, RealSHT

sys.path.insert(0, str(Path(__file__).parent))
from torch_sfno import SFNO  # noqa: E402

try:
    import ducc0
except ImportError:
    ducc0 = None

BARS = {
    "sht.forward.64x48x96": 3, "sht.inverse.64x48x96": 3,
    "sfno.forward.64x4.sf1": 3, "sfno.forward.64x4.sf2": 3, "sfno.forward.128x6.sf1": 3,
    "train.step.64x4.sf1": 4, "train.step.64x4.sf2": 4, "train.step.128x6.sf1": 4,
}
# As in Sources/apus/Bench/TransformBench.swift and BenchNetwork.swift.
TRANSFORMS = [(64, "legendre-gauss", 48, 96, 32), (256, "equiangular", 91, 180, 90)]
NETWORKS = [(64, 4, 1), (64, 4, 2), (128, 6, 1)]
PROCESSOR = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
LESS = [".high", ".medium"] if "amx_bf16" in PROCESSOR else [".medium"] if "avx512_bf16" in PROCESSOR else []
BATCH, INPUTS, OUTPUTS, ROWS, COLUMNS = 4, 20, 12, 48, 96


def full(name):
    """The kernel's name in single precision."""
    return name.removesuffix(".high").removesuffix(".medium")


def median_ms(body, seconds):
    """The median of repeats for `seconds`, at least five, after one that is not counted: as apus does."""
    body()
    times, total = [], 0.0
    while total < seconds or len(times) < 5:
        start = time.perf_counter()
        body()
        times.append(time.perf_counter() - start)
        total += times[-1]
    return 1e3 * statistics.median(times)


def torch_transforms():
    for channels, kind, rows, columns, degrees in TRANSFORMS:
        size = dict(lmax=degrees, mmax=degrees, grid=kind)
        # Tables in float32 once, rather than converted in every call.
        forward = RealSHT(rows, columns, **size).float()
        inverse = InverseRealSHT(rows, columns, **size).float()
        fields = torch.randn(1, channels, rows, columns)
        with torch.inference_mode():
            spectra = forward(fields)
        shape = f"{channels}x{rows}x{columns}"

        def run(map, value):
            with torch.inference_mode():
                map(value)

        yield f"sht.forward.{shape}", lambda m=forward, v=fields: run(m, v)
        yield f"sht.inverse.{shape}", lambda m=inverse, v=spectra: run(m, v)


def ducc_transforms(threads):
    """The faster of its own two ways: threads within a map, or one map a thread."""
    geometries = {"legendre-gauss": "GL", "equiangular": "CC"}
    pool = ThreadPoolExecutor(threads)
    for channels, kind, rows, columns, degrees in TRANSFORMS:
        geometry, lmax = geometries[kind], degrees - 1
        fields = numpy.random.default_rng(1).standard_normal((channels, 1, rows, columns)).astype("f4")
        spectra = numpy.zeros((channels, 1, degrees * (degrees + 1) // 2), "c8")
        shape = f"{channels}x{rows}x{columns}"

        def analyse(i, n):
            ducc0.sht.analysis_2d(
                map=fields[i], alm=spectra[i], spin=0, lmax=lmax, geometry=geometry, nthreads=n)

        def synthesise(i, n):
            ducc0.sht.synthesis_2d(
                alm=spectra[i], map=fields[i], spin=0, lmax=lmax, geometry=geometry, ntheta=rows,
                nphi=columns, nthreads=n)

        def slice_of(map, t):
            for i in range(channels * t // threads, channels * (t + 1) // threads):
                map(i, 1)

        for direction, map in [("forward", analyse), ("inverse", synthesise)]:
            # Default arguments keep this turn's values.
            ways = [
                lambda m=map, c=channels: [m(i, threads) for i in range(c)],
                lambda m=map, s=slice_of: list(pool.map(lambda t: s(m, t), range(threads))),
            ]
            yield f"sht.{direction}.{shape}", min(ways, key=lambda way: median_ms(way, 0.05))


def network(embedding, blocks, scale):
    torch.manual_seed(1)
    return SFNO(dict(
        inp_shape=[ROWS, COLUMNS], inp_chans=INPUTS, out_chans=OUTPUTS, embed_dim=embedding,
        num_layers=blocks, scale_factor=scale, model_grid_type="legendre-gauss"))


def keep_transforms(model):
    """Transforms without autocast, which their FFT cannot take."""
    for transform in {model.outer, model.inner, model.outer_inverse, model.inner_inverse}:
        plain = transform.forward

        def forward(x, plain=plain):
            with torch.autocast("cpu", enabled=False):
                return plain(x if x.is_complex() else x.float())
        transform.forward = forward


def in_bfloat16(body):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return body()


def torch_forwards():
    for embedding, blocks, scale in NETWORKS:
        model = network(embedding, blocks, scale).eval()
        if LESS:
            keep_transforms(model)
        x = torch.randn(BATCH, INPUTS, ROWS, COLUMNS)
        channels_last = x.to(memory_format=torch.channels_last)

        def run(m, v):
            with torch.inference_mode():
                m(v)

        name = f"sfno.forward.{embedding}x{blocks}.sf{scale}"
        ways = [lambda m=model, v=x: run(m, v), lambda m=model, v=channels_last: run(m, v)]
        yield "torch", name, min(ways, key=lambda way: median_ms(way, 0.3))
        if LESS:
            halves = [lambda way=way: in_bfloat16(way) for way in ways]
            yield "bf16", name + LESS[-1], min(halves, key=lambda way: median_ms(way, 0.3))


def torch_steps():
    """Forward, the loss of HENS, backward, AdamW; the input's features are given, which favours the peer."""
    area = torch.cos(torch.linspace(-torch.pi / 2, torch.pi / 2, ROWS + 2)[1:-1])
    area = (area / area.sum() / COLUMNS).reshape(1, 1, ROWS, 1)
    for embedding, blocks, scale in NETWORKS:
        model = network(embedding, blocks, scale).train()
        if LESS:
            keep_transforms(model)
        x, target = torch.randn(BATCH, INPUTS, ROWS, COLUMNS), torch.randn(BATCH, OUTPUTS, ROWS, COLUMNS)
        optimiser = torch.optim.AdamW(
            model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0, fused=True)

        def step(half=False, model=model, x=x, target=target, optimiser=optimiser):
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
                output = model(x)
            error = (area * (output.float() - target) ** 2).sum((-2, -1))
            size = (area * target**2).sum((-2, -1))
            loss = (error / size).sum(1).mean()
            loss.backward()
            optimiser.step()

        name = f"train.step.{embedding}x{blocks}.sf{scale}"
        yield "torch", name, step
        if LESS:
            yield "bf16", name + LESS[-1], lambda step=step: step(half=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--apus", default=".build/release/apus", help="the built program")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="for every kernel and round")
    parser.add_argument("--suites", nargs="+", default=["sht", "sfno", "train"])
    parser.add_argument("--large", action="store_true", help="the 128 x 6 network too (minutes more)")
    parser.add_argument("--json", metavar="FILE", help="write every figure to this file")
    options = parser.parse_args()
    if not os.access(options.apus, os.X_OK):
        parser.error(f"{options.apus}: not there; run `make build` first")
    if not options.large:
        NETWORKS.remove((128, 6, 1))
    warnings.filterwarnings("ignore")
    torch.set_num_threads(options.threads)

    print(f"PyTorch {torch.__version__}, {options.threads} threads, {options.rounds} rounds of "
          f"{options.seconds} s a kernel; load average before: {os.getloadavg()[0]:.1f} "
          f"on {os.cpu_count()} processors", flush=True)
    peers = {"sht": [("torch", *kernel) for kernel in torch_transforms()]}
    if ducc0 and "sht" in options.suites:
        peers["sht"] += [("ducc0", *kernel) for kernel in ducc_transforms(options.threads)]
    peers["sfno"] = list(torch_forwards()) if "sfno" in options.suites else []
    peers["train"] = list(torch_steps()) if "train" in options.suites else []

    times, limits, kernels = {}, [], []
    for turn in range(options.rounds):
        for suite in options.suites:
            def run_apus():
                run = subprocess.run(
                    [options.apus, "bench", suite, "--threads", str(options.threads), "--seconds",
                     str(options.seconds), "--json"], check=True, capture_output=True, text=True)
                report = json.loads(run.stdout)
                limits.append(report["limits"])
                for kernel in report["kernels"]:
                    kernels.append(kernel)
                    times.setdefault(("apus", kernel["name"]), []).append(kernel["ms"])

            def run_peers():
                for peer, name, body in peers[suite]:
                    times.setdefault((peer, name), []).append(median_ms(body, options.seconds))

            # Who goes first changes from round to round.
            for run in (run_apus, run_peers) if turn % 2 == 0 else (run_peers, run_apus):
                run()
        print(f"round {turn + 1} of {options.rounds} done", file=sys.stderr, flush=True)

    # A limit is what the machine can do: the best of all rounds.
    peak = max(limit["sgemm_gflops"] for limit in limits)
    print(f"sgemm peak {peak:.0f} GFLOP/s, triad {max(limit['triad_gbytes'] for limit in limits):.1f} GB/s "
          f"on {options.threads} threads (best of all rounds)\n")
    print(f"{'kernel':26} {'apus ms':>9} {'of peak':>8}  {'peer':5} {'peer ms':>9} "
          f"{'peer/apus':>9}  {'range':13} {'bar':>4}")
    good, results = True, []
    pairs = [(peer, name, times[peer, name]) for peer, name in times if peer != "apus"]
    pairs += [("torch", name, times["torch", full(name)])
              for peer, name in times if peer == "apus" and full(name) != name and ("torch", full(name)) in times]
    for peer, name, theirs in pairs:
        ours = times["apus", name]
        ratios = [b / a for a, b in zip(ours, theirs)]
        ratio = statistics.median(ratios)
        milliseconds = statistics.median(ours)
        one = next(kernel for kernel in kernels if kernel["name"] == name)
        fraction = one["gflops"] * one["ms"] / milliseconds / peak
        bar = BARS.get(full(name)) if peer == "torch" else None
        verdict = "" if bar is None else f"{bar:>4} {'ok' if ratio >= bar else 'MISSED'}"
        good = good and (bar is None or ratio >= bar)
        print(f"{name:26} {milliseconds:9.3f} {100 * fraction:7.1f}%  {peer:5} "
              f"{statistics.median(theirs):9.3f} {ratio:9.2f}  {min(ratios):5.2f}..{max(ratios):<6.2f} {verdict}")
        results.append(dict(
            kernel=name, peer=peer, apus_ms=ours, peer_ms=theirs, ratio=ratio, fraction_of_sgemm=fraction,
            bar=bar))
    if options.json:
        Path(options.json).write_text(json.dumps(
            dict(torch=torch.__version__, threads=options.threads, limits=limits, results=results), indent=1))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
