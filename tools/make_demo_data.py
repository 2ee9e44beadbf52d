#!/usr/bin/env python3
"""Packs ERA5 states that Apus brought to the 48 x 96 grid into the small file that ships with the demo.

apus climate --files 'era5/era5_*_2.5deg_6h_20251201-20260228.nc' --channels msl vo850 \
    --grid grids/gaussian_48x96.txt --degrees 32 --every-hours 6 --output era5_t31.nc
python3 tools/make_demo_data.py era5_t31.nc demo/era5_msl_vo850_t31_6h_20251201-20260228.nc
"""
import sys

import netCDF4
import numpy as np

source, target = netCDF4.Dataset(sys.argv[1]), netCDF4.Dataset(sys.argv[2], "w")
target.Conventions = "CF-1.8"
target.title = "ERA5 mean sea level pressure and 850 hPa relative vorticity, truncated to degree 31"
target.institution = "European Centre for Medium-Range Weather Forecasts"
target.source = "ERA5 reanalysis (last 236 states preliminary, ERA5T), global 2.5 degrees, 6-hourly"
target.history = "spectrally truncated by Apus to l < 32 on the 48 x 96 Gaussian grid, packed to 16 bits"
target.references = "Hersbach et al. 2020, doi:10.1002/qj.3803"
target.comment = (
    "Contains modified Copernicus Climate Change Service information 2026. Licence: CC BY 4.0. Neither the "
    "European Commission nor ECMWF is responsible for any use that may be made of it.")
target.createDimension("time", None)
target.createDimension("lat", 48)
target.createDimension("lon", 96)
time = target.createVariable("time", "f8", ("time",))
time.units, time.calendar = source["sample"].units, "proleptic_gregorian"
time.standard_name, time.axis = "time", "T"
time[:] = source["sample"][:]
for name, standard, axis in (("lat", "latitude", "Y"), ("lon", "longitude", "X")):
    v = target.createVariable(name, "f8", (name,))
    v.standard_name, v.units, v.axis = standard, source[name].units, axis
    v[:] = source[name][:]
for name, scale, offset, standard, words in (
        ("msl", 0.2, 100200.0, "air_pressure_at_mean_sea_level", "mean sea level pressure"),
        ("vo850", 1e-8, 0.0, "atmosphere_relative_vorticity", "relative vorticity at 850 hPa")):
    x = source[name][:].filled(np.nan)
    packed = np.round((x - offset) / scale)
    print(name, x.min(), x.max(), "packed", packed.min(), packed.max())
    assert np.abs(packed).max() < 32767
    v = target.createVariable(name, "i2", ("time", "lat", "lon"), fill_value=-32768, zlib=True, complevel=9,
                              shuffle=True, chunksizes=(1, 48, 96))
    v.set_auto_maskandscale(False)
    v.scale_factor, v.add_offset = np.float64(scale), np.float64(offset)
    v.standard_name, v.long_name, v.units = standard, words, source[name].units
    v[:] = packed.astype("i2")
target.close()
