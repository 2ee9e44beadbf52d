#!/usr/bin/env python3
"""Apus' scores beside those of scoringrules, scores, xskillscore, earthkit-meteo and CDO, on three ensembles.

    python tools/compare_scores.py --apus .build/release/apus --work /tmp/compare \
        [--era5 'out/hindcast-era5/members/2026020*/*.nc' --era5-truth 'era5/era5_msl*.nc'] [--eda EDA.grib]

Needs: pip install scoringrules scores xskillscore earthkit-meteo xarray netCDF4 cfgrib, and cdo. Prints a table in
Markdown: our score, their function, the largest difference over all data sets, relative to the score's largest value.
Exit code 1 where one is above 1e-6.
"""
import argparse
import glob
import os
import subprocess
import sys
import warnings

import numpy as np
import scoringrules as sr
import xarray as xr

warnings.filterwarnings("ignore")
import scores.probability as sp  # noqa: E402
import xskillscore as xs  # noqa: E402
from earthkit.meteo.extreme import array as extreme  # noqa: E402
from earthkit.meteo.score.array import crps_from_ensemble  # noqa: E402

FOUND = {}


def note(name, function, ours, theirs):
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    both = np.isfinite(ours) & np.isfinite(theirs)
    assert both.any(), (name, function, ours, theirs)
    assert (np.isfinite(ours) == np.isfinite(theirs)).all(), (name, function, "missing in different places")
    worst = np.abs(ours - theirs)[both].max() / max(np.abs(theirs[both]).max(), 1e-300)
    FOUND.setdefault((name, function), []).append(worst)


def definition(variable, thresholds, has_climate, path):
    text = f"name: compare\nvariables: [{variable}]\nregions: [global]\nmaps: [crps, crps_fair, rmse_mean, spread, bias, mae_mean]\n"
    text += "energy_members: 10000\ntiles: {}\nvariogram: {points: 60}\nbootstrap: {resamples: 100}\nprobability_bins: 10\n"
    text += f"events: {{{variable}: {thresholds}}}\n"
    if has_climate:
        text += "climate: {calendar: all}\n"
    open(path, "w").write(text)


def decomposition(fct, obs, weights):
    """Reliability and potential CRPS over all points and times."""
    x, y, w = np.sort(fct, -1), obs[..., None], weights / weights.sum()
    m = x.shape[-1]
    inside = np.clip(y, x[..., :-1], x[..., 1:])
    alpha = (w[..., None] * (inside - x[..., :-1])).reshape(-1, m - 1).sum(0)
    beta = (w[..., None] * (x[..., 1:] - inside)).reshape(-1, m - 1).sum(0)
    below, above = (w * (obs < x[..., 0])).sum(), (w * (obs > x[..., -1])).sum()
    first = (w * np.clip(x[..., 0] - obs, 0, None)).sum() / max(below, 1e-300)
    last = (w * np.clip(obs - x[..., -1], 0, None)).sum() / max(above, 1e-300)
    width = np.concatenate([[first], alpha + beta, [last]])
    came = np.concatenate([[below], beta / (alpha + beta), [1 - above]])
    p = np.arange(m + 1) / m
    return (width * (came - p) ** 2).sum(), (width * came * (1 - came)).sum()


def inverse_distances(latitudes, longitudes):
    """Weights of a variogram score of points [degrees], scaled to sum 1; two points at one place have none."""
    a, o = np.deg2rad(latitudes), np.deg2rad(longitudes)
    e = np.stack([np.cos(a) * np.cos(o), np.cos(a) * np.sin(o), np.sin(a)])
    distance = np.arccos(np.clip(e.T @ e, -1, 1))
    inverse = np.where((distance > 1e-6) & ~np.eye(len(a), dtype=bool), 1 / np.maximum(distance, 1e-6), 0)
    return inverse / inverse.sum()


def tiled(fct, obs, lat, lon, degrees=20, most=36):
    """Mean over tiles and times of the fair energy score and the variogram score, tiles as TileScores cuts them."""
    bands = round(180 / degrees)
    sums, total = np.zeros(2), 0.0
    for band in range(bands):
        north, south = 90 - 180 * band / bands, 90 - 180 * (band + 1) / bands
        rows = np.flatnonzero((lat <= north) & ((lat > south) | ((band == bands - 1) & (lat >= south))))
        centre = np.cos(np.deg2rad((north + south) / 2))
        count = max(1, int(np.floor(360 / degrees * centre + 0.5)))
        cells = np.minimum(count - 1, (lon % 360 / 360 * count).astype(int))
        for cell in range(count):
            columns = np.flatnonzero(cells == cell)
            points = [(r, c) for r in rows for c in columns]
            points = points[:: max(1, -(-len(points) // most))]
            if len(points) < 2:
                continue
            r, c = np.array(points).T
            x, y = np.swapaxes(fct[:, r, c], 1, 2), obs[:, r, c]
            es = sr.es_ensemble(y / np.sqrt(len(r)), x / np.sqrt(len(r)), estimator="fair")
            vs = sr.vs_ensemble(y, x, inverse_distances(lat[r], lon[c]), p=0.5)
            sums += centre / count * np.array([es.mean(), vs.mean()])
            total += centre / count
    return sums / total


def spread_points(lat, lon, count):
    """Grid points nearest to a Fibonacci lattice, as GlobalVariogram chooses them."""
    i = np.arange(count)
    wanted = np.rad2deg(np.arcsin(1 - (2 * i + 1) / count))
    golden = (1 + 5 ** 0.5) / 2
    east = (i / golden - np.floor(i / golden)) * 360
    turn = np.abs(lon[None] - east[:, None]) % 360
    rows = np.abs(lat[None] - wanted[:, None]).argmin(1)
    columns = np.minimum(turn, 360 - turn).argmin(1)
    return np.unique(rows * len(lon) + columns)


def variogram(fct, obs, lat, lon, count):
    """Mean over times of the variogram score of points spread over the globe."""
    points = spread_points(lat, lon, count)
    weights = inverse_distances(lat[points // len(lon)], lon[points % len(lon)])
    x = np.swapaxes(fct.reshape(len(fct), -1, fct.shape[-1])[:, points], 1, 2)
    y = obs.reshape(len(obs), -1)[:, points]
    return sr.vs_ensemble(y, x, weights, p=0.5).mean()


def compare(label, apus, work, variable, forecast, truth, thresholds, climate=None):
    """forecast: (time, number, lat, lon), truth: (time, lat, lon); both written to files first."""
    os.makedirs(work, exist_ok=True)
    place = f"{work}/{label}"
    attributes = {"units": str(truth.attrs.get("units", "1"))}
    for data, name in [(forecast, "forecast"), (truth, "truth")] + ([(climate, "climate")] if climate is not None else []):
        data = data.astype("float32").rename(variable)
        data.attrs = attributes
        data.lat.attrs = {"standard_name": "latitude", "units": "degrees_north"}
        data.lon.attrs = {"standard_name": "longitude", "units": "degrees_east"}
        if "number" in data.dims:
            data = data.assign_coords(number=np.arange(data.sizes["number"]))
            data.number.attrs = {"standard_name": "realization"}
        data.to_netcdf(f"{place}_{name}.nc")
    definition(variable, thresholds, climate is not None, f"{place}.yml")
    subprocess.run(["rm", "-rf", place], check=True)
    command = [apus, "verify", f"{place}.yml", "--forecast", f"{place}_forecast.nc", "--truth", f"{place}_truth.nc",
               "--output", place]
    if climate is not None:
        command += ["--climate", f"{place}_climate.nc"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    ours = xr.open_dataset(f"{place}/scores_{variable}.nc").isel(region=0, lead_time=0)
    maps = xr.open_dataset(f"{place}/maps_{variable}.nc").isel(lead_time=0)

    x = xr.open_dataarray(f"{place}_forecast.nc").astype("float64").transpose("time", "lat", "lon", "number")
    y = xr.open_dataarray(f"{place}_truth.nc").astype("float64").sel(time=x.time).transpose("time", "lat", "lon")
    x = x.rename(number="member").drop_vars("member")
    fct, obs = x.values, y.values
    members = fct.shape[-1]
    weights = np.clip(np.cos(np.deg2rad(y.lat)), 0, None)
    w = weights.broadcast_like(y.isel(time=0)).transpose("lat", "lon")

    def mean(field):
        """Area means of every time, then the mean over times."""
        field = np.asarray(field)
        ok = np.isfinite(field)
        by_time = np.where(ok, field, 0).reshape(len(field), -1) @ w.values.ravel()
        by_time /= ok.reshape(len(field), -1) @ w.values.ravel()
        return by_time.mean()

    note("`crps`", "scoringrules.crps_ensemble(estimator='nrg')", ours.crps, mean(sr.crps_ensemble(obs, fct, estimator="nrg")))
    note("`crps`, map", "scoringrules.crps_ensemble(estimator='qd')", maps.crps, sr.crps_ensemble(obs, fct, estimator="qd").mean(0))
    note("`crps`", "scores.probability.crps_for_ensemble(method='ecdf')", ours.crps,
         mean(sp.crps_for_ensemble(x, y, "member", method="ecdf", preserve_dims="all")))
    note("`crps`", "xskillscore.crps_ensemble", ours.crps, mean(xs.crps_ensemble(y, x, dim=[])))
    earthkit = np.stack([crps_from_ensemble(np.moveaxis(f, -1, 0), o) for f, o in zip(fct, obs)])
    note("`crps`", "earthkit.meteo.score.crps_from_ensemble", ours.crps, mean(earthkit))
    reliability, potential = decomposition(fct, obs, np.broadcast_to(w.values, obs.shape))
    note("`crps_reliability`", "NumPy, from Hersbach (2000)", ours.crps_reliability, reliability)
    note("`crps_potential`", "NumPy, from Hersbach (2000)", ours.crps_potential, potential)
    energy, by_tile = tiled(fct, obs, y.lat.values, y.lon.values)
    note("`variogram_score`", "scoringrules.vs_ensemble(p=0.5), 60 points", ours.variogram_score,
         variogram(fct, obs, y.lat.values, y.lon.values, 60))
    note("`energy_score_tiles`", "scoringrules.es_ensemble(estimator='fair'), tile by tile", ours.energy_score_tiles, energy)
    note("`variogram_score_tiles`", "scoringrules.vs_ensemble(p=0.5), tile by tile", ours.variogram_score_tiles, by_tile)
    note("`crps_fair`", "scoringrules.crps_ensemble(estimator='fair')", ours.crps_fair, mean(sr.crps_ensemble(obs, fct, estimator="fair")))
    note("`crps_fair`", "scores.probability.crps_for_ensemble(method='fair')", ours.crps_fair,
         mean(sp.crps_for_ensemble(x, y, "member", method="fair", preserve_dims="all")))
    average = x.mean("member")
    note("`rmse_mean`", "xskillscore.mse", ours.rmse_mean, np.sqrt(mean(xs.mse(average, y, dim=[]))))
    note("`mae_mean`", "xskillscore.mae", ours.mae_mean, mean(xs.mae(average, y, dim=[])))
    note("`bias`", "xskillscore.me", ours.bias, -mean(xs.me(y, average, dim=[])))
    deviation = x.std("member", ddof=1)
    note("`spread`", "xarray var(ddof=1)", ours.spread, np.sqrt(mean(x.var("member", ddof=1))))
    theirs = sr.logs_normal(obs, average.values, deviation.values)
    # Theirs is the logarithm of a density that underflows far out; ours is not.
    if np.isfinite(theirs).all():
        note("`log_score_normal`", "scoringrules.logs_normal", ours.log_score_normal, mean(theirs))
    root = np.sqrt(np.broadcast_to(w.values, obs.shape[1:]).ravel() / w.values.sum())
    flat = fct.reshape(len(fct), -1, members)
    scaled = np.moveaxis(flat * root[:, None], 2, 1)
    note("`energy_score_fair`", "scoringrules.es_ensemble(estimator='fair')", ours.energy_score_fair,
         sr.es_ensemble(obs.reshape(len(obs), -1) * root, scaled, estimator="fair").mean())
    # Ties are drawn here and counted low there.
    if not (x == y).any():
        ranks = xs.rank_histogram(y, x, dim=["time", "lat", "lon"])
        note("`rank_histogram`", "xskillscore.rank_histogram", ours.rank_histogram, ranks)
    for number, rule in enumerate(thresholds):
        t = float(rule)
        o, p = (y > t), (x > t)
        event = ours.isel(event=number)
        note("`twcrps`", "scoringrules.twcrps_ensemble(a=t)", event.twcrps, mean(sr.twcrps_ensemble(obs, fct, a=t, estimator="nrg")))
        note("`twcrps`", "scores.probability.tail_tw_crps_for_ensemble", event.twcrps,
             mean(sp.tail_tw_crps_for_ensemble(x, y, "member", t, tail="upper", method="ecdf", preserve_dims="all")))
        some = ((obs > t) & (fct > t).any(-1))
        theirs = np.where(some, sr.owcrps_ensemble(obs, fct, a=t), np.where(obs > t, np.abs(fct.max(-1) - obs), np.nan))
        note("`owcrps`", "scoringrules.owcrps_ensemble(a=t)", event.owcrps, mean(theirs))
        note("`brier`", "xskillscore.brier_score", event.brier, mean(xs.brier_score(o, p.mean("member"), dim=[])))
        note("`brier`", "scoringrules.brier_score", event.brier, mean(sr.brier_score(o.values.astype(float), p.mean("member").values)))
        note("`brier_fair`", "xskillscore.brier_score(fair=True)", event.brier_fair,
             mean(xs.brier_score(o, p, member_dim="member", fair=True, dim=[])))
        import operator
        note("`brier_fair`", "scores.probability.brier_score_for_ensemble", event.brier_fair,
             mean(sp.brier_score_for_ensemble(x, y, "member", t, event_threshold_operator=operator.gt, preserve_dims="all")))
        # Bins as ours: from below, the last with its upper edge; probabilities are k/M, edges may fall on them.
        edges = np.linspace(0, 1, 11)
        edges[-1] += 1e-8
        shifted = (p.mean("member") + 1e-10).clip(0, 1)
        reliability = xs.reliability(o, shifted, probability_bin_edges=edges)
        note("`reliability_frequency`", "xskillscore.reliability", event.reliability_frequency, reliability.values)
        note("`reliability_count`", "xskillscore.reliability", event.reliability_count, reliability.samples.values)
        roc = xs.roc(o, p.mean("member"), bin_edges="continuous", return_results="area")
        note("`roc_area`", "xskillscore.roc(return_results='area')", event.roc_area, roc)
        discrimination = xs.discrimination(o, shifted, dim=["time", "lat", "lon"], probability_bin_edges=edges)
        note("`discrimination_event`", "xskillscore.discrimination", event.discrimination_event,
             discrimination.sel(event=True).values)
        note("`discrimination_no_event`", "xskillscore.discrimination", event.discrimination_no_event,
             discrimination.sel(event=False).values)
    if climate is not None:
        sample = np.asarray(climate.astype("float32"), dtype="float64").reshape(climate.sizes["time"], -1)
        quantiles = np.quantile(sample, np.linspace(0, 1, 101), axis=0)
        # EFI asks which members are at or below a quantile: the quantiles must be ours to the last bit (NumPy's).
        values = np.moveaxis(fct, -1, 1).reshape(len(fct), members, -1)
        efi = np.stack([extreme.efi(quantiles, v) for v in values])
        note("`efi`", "earthkit.meteo.extreme.efi", ours.efi, mean(efi.reshape(obs.shape)))
        for percent in (90, 10):
            sot = np.stack([extreme.sot(quantiles, v, percent) for v in values]).reshape(obs.shape)
            note(f"`sot{percent}`", "earthkit.meteo.extreme.sot", ours[f"sot{percent}"], mean(sot))
        # HENS: trapezoids on 54 levels. A second run of ours, with its rule.
        levels = np.concatenate([[1e-4, 1e-3], np.arange(1, 100, 2) / 100, [0.999, 0.9999]])
        bounds = np.quantile(sample, levels, axis=0)
        shares = (values[:, :, None, :] <= bounds).mean(1)
        terms = (levels[:, None] - shares) / np.sqrt(levels * (1 - levels))[:, None]
        hens = 2 / np.pi * (np.diff(levels)[:, None] * (terms[:, 1:] + terms[:, :-1]) / 2).sum(1)
        text = open(f"{place}.yml").read()
        open(f"{place}_hens.yml", "w").write(text + "extreme_forecast_index: hens\n")
        subprocess.run(["rm", "-rf", f"{place}_hens"], check=True)
        subprocess.run([part.replace(f"{place}.yml", f"{place}_hens.yml") if part != place else f"{place}_hens" for part in command],
                       check=True, stdout=subprocess.DEVNULL)
        second = xr.open_dataset(f"{place}_hens/scores_{variable}.nc").isel(region=0, lead_time=0)
        note("`efi`, rule of HENS", "NumPy, from the definition", second.efi, mean(hens.reshape(obs.shape)))
        c = sample.mean(0).reshape(obs.shape[1:])
        f, a = average.values - c, obs - c
        acc = (f * a * w.values).sum((1, 2)) / np.sqrt((f * f * w.values).sum((1, 2)) * (a * a * w.values).sum((1, 2)))
        note("`anomaly_correlation`", "NumPy, from the definition", ours.anomaly_correlation, acc.mean())
        note("`crps_climatology`", "scoringrules.crps_ensemble(estimator='fair')", ours.crps_climatology,
             mean(np.stack([sr.crps_ensemble(o, np.moveaxis(sample.reshape(-1, *obs.shape[1:]), 0, -1), estimator="fair")
                            for o in obs])))
    cdo(place, x, y, apus, variable, attributes)


def cdo(place, x, y, apus, variable, attributes):
    """CDO's operators over members, of files a member.

    Ranks only: enscrps of CDO 2.1.1 leaves out what lies below the truth (members 0 and 1, truth 0.3: it says 0.175,
    the definition 0.3 / 4 + 0.7 / 4 = 0.25), so neither its CRPS nor its parts can be compared.
    """
    environment = dict(os.environ, USER=os.environ.get("USER", "root"), LOGNAME=os.environ.get("LOGNAME", "root"))

    def run(*arguments):
        subprocess.run(["cdo", "-s", "-O", *arguments], check=True, capture_output=True, text=True, env=environment)

    row = int(np.abs(y.lat.values - 45).argmin())
    x, y = x.isel(lat=slice(row, row + 1), time=slice(0, 1)), y.isel(lat=slice(row, row + 1), time=slice(0, 1))
    members = x.sizes["member"]
    folder = f"{place}_cdo"
    os.makedirs(folder, exist_ok=True)

    def put(data, name, kind):
        data = data.rename(variable).transpose(..., "lat", "lon").astype(kind)
        data.attrs = attributes
        data.lat.attrs = {"standard_name": "latitude", "units": "degrees_north"}
        data.lon.attrs = {"standard_name": "longitude", "units": "degrees_east"}
        data.to_netcdf(f"{folder}/{name}.nc")
        return f"{folder}/{name}.nc"

    def plain(data, name):
        """Without coordinates: CDO then weights nothing."""
        values = data.transpose(..., "lat", "lon").values.astype("float64")
        xr.Dataset({variable: (("time", "y", "x"), values)}, {"time": data.time}).to_netcdf(f"{folder}/{name}.nc")
        return f"{folder}/{name}.nc"

    reference = plain(y, "reference")
    names = [plain(x.isel(member=i), f"m{i}") for i in range(members)]
    put(x.rename(member="number"), "forecast", "float32")
    open(f"{folder}/d.yml", "w").write(f"name: cdo\nvariables: [{variable}]\nregions: [global]\n")
    subprocess.run(["rm", "-rf", f"{folder}/out"], check=True)
    subprocess.run([apus, "verify", f"{folder}/d.yml", "--forecast", f"{folder}/forecast.nc", "--truth",
                    put(y, "truth", "float32"), "--output", f"{folder}/out"], check=True, stdout=subprocess.DEVNULL)
    ours = xr.open_dataset(f"{folder}/out/scores_{variable}.nc").isel(region=0, lead_time=0)
    run("ensrkhisttime", reference, *names, f"{folder}/ranks.nc")
    ranks = xr.open_dataset(f"{folder}/ranks.nc")
    histogram = [v for v in ranks.data_vars.values() if "histogram_binID" in v.dims][0]
    counts = histogram.sum([d for d in histogram.dims if d != "histogram_binID"])
    if not (x == y).any():
        note("`rank_histogram`", "cdo ensrkhisttime", ours.rank_histogram, counts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--apus", default=".build/release/apus")
    parser.add_argument("--work", default="/tmp/compare")
    parser.add_argument("--reference", default="../shared/reference")
    parser.add_argument("--era5", default="")
    parser.add_argument("--era5-truth", default="")
    parser.add_argument("--eda", default="")
    options = parser.parse_args()
    rename = {"latitude": "lat", "longitude": "lon", "realization": "number"}

    def tidy(data):
        return data.rename({old: new for old, new in rename.items() if old in data.dims or old in data.coords})

    place = options.reference
    forecast = tidy(xr.open_dataset(f"{place}/verification_forecast.nc")["t2m"])
    truth = tidy(xr.open_dataset(f"{place}/verification_truth.nc")["t2m"])
    climate = tidy(xr.open_dataset(f"{place}/verification_climate.nc")["t2m"])
    first = [d for d in climate.dims if d not in ("lat", "lon")][0]
    if first != "time":
        climate = climate.rename({first: "time"})
    climate = climate.assign_coords(time=np.datetime64("2000-01-01", "ns") + np.arange(climate.sizes["time"]) * np.timedelta64(86400 * 10**9, "ns"))
    compare("reference", options.apus, options.work, "t2m", forecast, truth,
            [round(float(truth.quantile(q)), 2) for q in (0.5, 0.9)], climate)
    if options.era5:
        files = sorted(glob.glob(options.era5))
        members = {}
        for file in files:
            with xr.open_dataset(file) as data:
                valid = tidy(data["msl"]).isel(time=-1)
                members.setdefault(valid.time.values, []).append(valid.drop_vars([c for c in valid.coords if c not in ("lat", "lon", "time")]).load())
        most = max(map(len, members.values()))
        forecast = xr.concat([xr.concat(v, "number") for v in members.values() if len(v) == most], "time")
        truth = tidy(xr.open_mfdataset(options.era5_truth)["msl"].rename(valid_time="time")).sel(time=forecast.time)
        truth = truth.drop_vars([c for c in truth.coords if c not in ("lat", "lon", "time")])
        if truth.sizes["lat"] != forecast.sizes["lat"] or not np.allclose(truth.lat, forecast.lat):
            truth = truth.interp(lat=forecast.lat, lon=forecast.lon, kwargs={"fill_value": "extrapolate"})
        truth = truth.assign_coords(lat=forecast.lat, lon=forecast.lon)
        truth.attrs["units"] = "Pa"
        compare("era5", options.apus, options.work, "msl", forecast, truth, [100000.3, 102000.3])
    if options.eda:
        data = xr.open_dataset(options.eda, engine="cfgrib", backend_kwargs={"indexpath": ""})
        forecast = tidy(data["t"].sel(isobaricInhPa=850)).transpose("time", "number", "lat", "lon")
        forecast = forecast.drop_vars([c for c in forecast.coords if c not in ("lat", "lon", "time", "number")])
        # Each analysis as a forecast of the next one's first member.
        truth = forecast.isel(number=0).isel(time=slice(1, None)).drop_vars("number")
        forecast = forecast.isel(time=slice(None, -1)).assign_coords(time=truth.time)
        truth.attrs["units"] = "K"
        compare("eda", options.apus, options.work, "t850", forecast, truth, [273.15, 290])
    print("| score | the same as | largest difference, relative | data sets |\n|---|---|---|---|")
    worst = 0
    for (name, function), values in sorted(FOUND.items()):
        worst = max(worst, max(values))
        print(f"| {name} | {function} | {max(values):.1e} | {len(values)} |")
    sys.exit(int(worst > 1e-6))


if __name__ == "__main__":
    main()
