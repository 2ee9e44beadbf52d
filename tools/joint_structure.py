"""Joint structure of z500 and msl in ensembles: what a pointwise Gaussian loses (SEEDS, Li et al. 2024).

  joint_structure.py --truth analysis.nc --lead 168 NAME=members/*/*.nc ... [--gaussian NAME] [--stamps out.png]

Of every ensemble, about its mean: the correlation of z500 and msl at the same point, that of z500 with its neighbour
8 columns east, both area means over dates; and multivariate ranks of the truth among the members (average ranks and band
depth; Thorarinsdottir et al. 2016) of the vector (z500, msl) at 12 points per 20 degree tile, as the unreliability
sum (s_k - n/(M+1))^2 / (n M/(M+1)) (Candille and Talagrand 2005). --gaussian adds an ensemble of independent normals with
mean and spread of NAME at every point. Needs numpy, netCDF4 and, for stamps, matplotlib.
"""
import argparse, glob, os
import numpy as np, netCDF4

parser = argparse.ArgumentParser()
parser.add_argument("ensembles", nargs="+")
parser.add_argument("--truth", required=True)
parser.add_argument("--lead", type=int, default=168)
parser.add_argument("--members", type=int, default=16)
parser.add_argument("--gaussian")
parser.add_argument("--stamps")
args = parser.parse_args()
VARIABLES = ["z500", "msl"]


def dates(pattern):
    found = {}
    for path in sorted(glob.glob(pattern)):
        found.setdefault(os.path.basename(os.path.dirname(path)), []).append(path)
    return found


def field(path, name, hours):
    with netCDF4.Dataset(path) as file:
        k = int(np.argmin(abs(file["forecast_period"][:] - hours)))
        assert abs(file["forecast_period"][k] - hours) < 1e-6, (path, hours)
        return np.asarray(file[name][k], dtype="f8")


def load(pattern):
    result = {}
    for date, paths in dates(pattern).items():
        paths = [p for p in paths if not p.endswith("member_0000.nc")][: args.members]
        result[date] = np.stack([[field(p, v, args.lead) for v in VARIABLES] for p in paths])
    return result


with netCDF4.Dataset(args.truth) as file:
    times = netCDF4.num2date(file["time"][:], file["time"].units, only_use_cftime_datetimes=False, only_use_python_datetimes=True)
    index = {t.strftime("%Y%m%dT%H"): k for k, t in enumerate(times)}
    import datetime

    def truth(date):
        t = datetime.datetime.strptime(date, "%Y%m%dT%H") + datetime.timedelta(hours=args.lead)
        k = index[t.strftime("%Y%m%dT%H")]
        return np.stack([np.asarray(file[v][k], dtype="f8") for v in VARIABLES])

    ensembles = {}
    for item in args.ensembles:
        name, pattern = item.split("=", 1)
        ensembles[name] = load(pattern)
    common = set.intersection(*(set(e) for e in ensembles.values()))
    ensembles = {name: {d: x for d, x in e.items() if d in common} for name, e in ensembles.items()}
    print(f"{len(common)} dates in common, + {args.lead} h")
    first = next(iter(ensembles.values()))
    truths = {date: truth(date) for date in first}
    path = next(p for paths in dates(args.ensembles[0].split("=", 1)[1]).values() for p in paths)
    with netCDF4.Dataset(path) as member:
        latitudes, longitudes = np.asarray(member["lat"][:]), np.asarray(member["lon"][:])
        if latitudes[0] < latitudes[-1]:
            raise SystemExit("rows must run from north to south")
    if file["lat"][0] < file["lat"][-1]:
        truths = {d: t[:, ::-1] for d, t in truths.items()}

if args.gaussian:
    random = np.random.default_rng(1)
    ensembles["pointwise Gaussian"] = {
        date: x.mean(0) + x.std(0, ddof=1) * random.standard_normal((args.members,) + x.shape[1:])
        for date, x in ensembles[args.gaussian].items()
    }

weights = np.cos(np.radians(latitudes))[:, None] * np.ones(len(longitudes))
weights /= weights.sum()
# A vector of 12 points of both variables in boxes of about 20 degrees between 80 S and 80 N.
step = max(1, round(20 / (360 / len(longitudes))))
boxes = [
    [(r + i * step // 3, (c + j * step // 4) % len(longitudes)) for i in range(3) for j in range(4)]
    for r in range(0, len(latitudes) - step, step)
    for c in range(0, len(longitudes), step)
]
generator = np.random.default_rng(2)


def ranks(members, y):
    """Ranks of the truth by average rank and by band depth; ties at random."""
    pool = np.concatenate([y[None], members])  # [1 + M][dimension]
    order = (pool[:, None] > pool[None]).sum(1) + 1.0  # rank of each in each dimension
    average = order.mean(1)
    m = len(pool)
    depth = ((m - order) * (order - 1)).mean(1) + (m - 1)
    result = []
    for pre in (average, depth):
        less, equal = (pre[1:] < pre[0]).sum(), (pre[1:] == pre[0]).sum()
        result.append(less + generator.integers(0, equal + 1))
    return result


print(f"{'ensemble':24s} members  corr(z500,msl)  corr(z500, 8 east)  unreliability: average  band depth")
for name, ensemble in ensembles.items():
    joint, neighbour, counts = [], [], None
    for date, x in ensemble.items():
        d = x - x.mean(0)
        def correlation(a, b):
            return (weights * (a * b).mean(0)).sum() / np.sqrt((weights * (a * a).mean(0)).sum() * (weights * (b * b).mean(0)).sum())
        # Scaled by the spread at each point, so that no latitude rules.
        z, p = (d[:, v] / (d[:, v].std(0) + 1e-30) for v in range(2))
        joint.append(correlation(z, p))
        neighbour.append(correlation(z, np.roll(z, -8, axis=-1)))
        if counts is None:
            counts = np.zeros((2, len(x) + 1))
        for box in boxes:
            at = tuple(np.array(box).T)
            vectors = x[:, :, at[0], at[1]].reshape(len(x), -1)
            y = truths[date][:, at[0], at[1]].reshape(-1)
            for k, rank in enumerate(ranks(vectors, y)):
                counts[k, rank] += 1
    n, m = counts[0].sum(), counts.shape[1] - 1
    delta = ((counts - n / (m + 1)) ** 2).sum(1) / (n * m / (m + 1))
    print(f"{name:24s} {m:7d}  {np.mean(joint):14.3f}  {np.mean(neighbour):18.3f}  {delta[0]:22.1f}  {delta[1]:10.1f}")

if args.stamps:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    date = sorted(first)[len(first) // 2]
    fig, axes = plt.subplots(len(ensembles) + 1, 4, figsize=(12, 1.9 * (len(ensembles) + 1)), squeeze=False)
    show = lambda axis, x, title: (
        axis.contourf(longitudes, latitudes, x[0], levels=np.arange(4900, 6000, 80), cmap="viridis", extend="both"),
        axis.contour(longitudes, latitudes, x[1] / 100, levels=np.arange(960, 1060, 8), colors="white", linewidths=0.6),
        axis.set_title(title, fontsize=8), axis.set_xticks([]), axis.set_yticks([]), axis.set_ylim(20, 85))
    show(axes[0][0], truths[date], f"truth, {date} + {args.lead} h")
    for axis in axes[0][1:]:
        axis.axis("off")
    for row, (name, ensemble) in enumerate(ensembles.items(), 1):
        for k in range(4):
            if k < len(ensemble[date]):
                show(axes[row][k], ensemble[date][k], f"{name}, member {k + 1}")
            else:
                axes[row][k].axis("off")
    fig.tight_layout()
    fig.savefig(args.stamps, dpi=70)
    print("wrote", args.stamps)
