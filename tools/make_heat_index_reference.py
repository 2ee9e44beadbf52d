#!/usr/bin/env python3
"""Writes Tests/FieldsTests/Resources/heat_index.csv: heat indices of Lu and Romps (2022) in all six regions.

The authors' package `heatindex` (0.0.2) holds their index of 2025, which differs by up to 3.5 K below 320 K;
the index of 2022 is in pythermalcomfort (MIT License), solved there by nested bisection to 1e-8 K.

python3 -m venv venv && venv/bin/pip install pythermalcomfort==4.8.1
venv/bin/python tools/make_heat_index_reference.py > Tests/FieldsTests/Resources/heat_index.csv
"""
import importlib

import numpy as np

# The public function rounds through degrees Celsius and per cent; the one behind it takes kelvins and fractions.
heat_index = importlib.import_module("pythermalcomfort.models.heat_index_lu")._lu_heat_index_optimized

random = np.random.default_rng(2022)
# Where regions I, II and III, IV and V, V alone (moist), VI lie, the borders in more than one range.
ranges = [(150, 245, 30), (238, 300, 60), (290, 345, 70), (302, 318, 40), (315, 375, 30)]
print("temperature_K,relative_humidity,heat_index_K")
for low, high, count in ranges:
    for temperature in np.round(np.linspace(low, high, count), 2):
        humidity = random.choice([random.random(), random.random() ** 3, 0.0, 1.0], p=[0.6, 0.3, 0.05, 0.05])
        if high == 318:
            humidity = 0.5 + 0.5 * humidity
        humidity = np.round(humidity, 4)
        print(f"{temperature:.2f},{humidity:.4f},{heat_index(temperature, humidity):.7f}")
