#!/usr/bin/env python3
"""CRPS, Brier score and rank histogram: Apus beside scoringrules, scores and xskillscore, in turns, in one run.

    python tools/bench_scores.py --apus .build/release/apus [--rounds 3] [--threads 2]

Apus computes the three (and ten more) in one pass from the members as files have them, [member][point]
(`apus bench crps`); the peers get them in the order that they like best, members innermost (and, where said, as files
have them), one score a call; each of them shares the points among as many threads. Printed are medians over the rounds of the sum of the three scores; a peer
that needs more than --most seconds at one score is left out. Exit code 1 where the fastest peer is not 20 times slower,
or Apus takes more than three times as long as reading and sorting.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np

warnings.filterwarnings("ignore")
import scores.probability as sp  # noqa: E402
import scoringrules as sr  # noqa: E402
import xarray as xr  # noqa: E402
import xskillscore as xs  # noqa: E402

SHAPES = [(50, 721 * 1440, "50x721x1440"), (7424, 48 * 96, "7424x48x96")]


def timed(body):
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--apus", default=".build/release/apus")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--most", type=float, default=120)
    options = parser.parse_args()
    failed = False
    pool = ThreadPoolExecutor(options.threads)
    for members, points, name in SHAPES:
        rng = np.random.default_rng(1)
        x = rng.normal(280, 3, (points, members)).astype("float32")
        y = rng.normal(280, 3, points).astype("float32")
        t = 284.0
        parts = np.array_split(np.arange(points), options.threads)

        def shared(body):
            """The points in as many parts as threads."""
            list(pool.map(lambda p: body(x[p[0] : p[-1] + 1], y[p[0] : p[-1] + 1]), parts))

        def arrays(a, b):
            return xr.DataArray(a, dims=("point", "member")), xr.DataArray(b, dims=("point",))

        def xs_crps(a, b):
            fct, obs = arrays(a, b)
            xs.crps_ensemble(obs, fct, dim=[])

        def xs_brier(a, b):
            fct, obs = arrays(a, b)
            xs.brier_score(obs > t, (fct > t).mean("member"), dim=[])

        def xs_ranks(a, b):
            fct, obs = arrays(a, b)
            xs.rank_histogram(obs, fct)

        def sp_crps(a, b):
            fct, obs = arrays(a, b)
            sp.crps_for_ensemble(fct, obs, "member", method="ecdf", preserve_dims="all")

        def sp_brier(a, b):
            fct, obs = arrays(a, b)
            sp.brier_score_for_ensemble(fct, obs, "member", t, preserve_dims="all")

        peers = {
            "scoringrules": {"crps (qd)": lambda a, b: sr.crps_ensemble(b, np.sort(a, -1), estimator="qd", sorted_ensemble=True)
                             if "sorted_ensemble" in sr.crps_ensemble.__code__.co_varnames else sr.crps_ensemble(b, a, estimator="qd"),
                             "brier": lambda a, b: sr.brier_score((b > t).astype(float), (a > t).mean(-1))},
            "scores": {"crps": sp_crps, "brier": sp_brier},
            "xskillscore": {"crps": xs_crps, "brier": xs_brier, "ranks": xs_ranks},
        }
        # As files have them, members outermost.
        native = np.ascontiguousarray(x.T)

        def in_file_order(body):
            def call(a, b):
                first = (a.ctypes.data - x.ctypes.data) // (4 * members)
                fct = xr.DataArray(native[:, first : first + len(b)], dims=("member", "point"))
                body(fct, xr.DataArray(b, dims=("point",)))

            return call

        peers["xskillscore, file order"] = {
            "crps": in_file_order(lambda f, o: xs.crps_ensemble(o, f, dim=[])),
            "brier": in_file_order(lambda f, o: xs.brier_score(o > t, (f > t).mean("member"), dim=[])),
            "ranks": in_file_order(lambda f, o: xs.rank_histogram(o, f)),
        }
        peers["scores, file order"] = {
            "crps": in_file_order(lambda f, o: sp.crps_for_ensemble(f, o, "member", method="ecdf", preserve_dims="all")),
            "brier": in_file_order(lambda f, o: sp.brier_score_for_ensemble(f, o, "member", t, preserve_dims="all")),
        }
        times, ours = {}, []
        for _ in range(options.rounds):
            out = subprocess.run([options.apus, "bench", "crps", "--threads", str(options.threads), "--seconds", "1", "--json"],
                                 check=True, capture_output=True, text=True).stdout
            ours.append({k["name"]: k["ms"] for k in json.loads(out)["kernels"]})
            for peer, scores in peers.items():
                for score, body in scores.items():
                    known = times.setdefault((peer, score), [])
                    if known and known[-1] > options.most:
                        continue
                    if not known:
                        list(pool.map(lambda p: body(x[p[0] : p[0] + 16], y[p[0] : p[0] + 16]), parts))  # compiles
                    known.append(timed(lambda: shared(body)))
        apus = statistics.median(o[f"crps.scores.{name}"] for o in ours)
        whole = statistics.median(o[f"crps.decomposed.{name}"] for o in ours)
        sort = statistics.median(o[f"crps.sort.{name}"] for o in ours)
        print(f"{name}: Apus {apus:.0f} ms, with the CRPS taken apart {whole:.0f} ms; reading and sorting {sort:.0f} ms, ratio {apus / sort:.2f}")
        best = {}
        for (peer, score), values in times.items():
            middle = 1e3 * statistics.median(values)
            kind = score.split()[0]
            print(f"  {peer:24s} {score:12s} {middle:10.0f} ms  {middle / apus:8.1f} x")
            if "order" not in peer:
                best[kind] = min(best.get(kind, (1e30, "")), (middle, peer))
        total = sum(v for v, _ in best.values())
        print(f"  fastest peer for each, together: {total:.0f} ms = {total / apus:.1f} x  ({', '.join(f'{k} {p}' for k, (_, p) in best.items())})")
        failed |= total / apus < 20 or apus / sort > 3
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
