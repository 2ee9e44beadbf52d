# For tools/ecflow_test.sh and cylc_test.sh, which source it: a small run on the demo's data, and a program that
# stands for apus and says at the first `daily` of each date that the analysis is not there yet (75).

# make_stub DIRECTORY: sets scratch, apus and stub; writes $scratch/run.yml.
make_stub() {
  apus=$(readlink -f "${APUS:-$home/.build/release/apus}")
  [ -x "$apus" ] || { echo "no $apus: make build" >&2; exit 66; }
  mkdir -p "$1"
  scratch=$(cd "$1" && pwd)
  rm -rf "${scratch:?}"/{out,ecflow,cylc,home,late-*}
  cat > "$scratch/run.yml" << RUN
name: engine test
seed: 2026
checkpoints: [models/era5_seed1.safetensors, models/era5_seed2.safetensors]
analyses: {files: [demo/era5_msl_vo850_t31_6h_20251201-20260228.nc]}
lead_time_hours: 24
perturbation:
  method: bred_vector
  pairs: 1
  seed_channels: [msl]
  amplitudes: computed
  amplitude_times: {from: 2025-12-05, to: 2025-12-13, every_hours: 96}
output: {directory: $scratch/out, members: all}
daily: {product_directory: $scratch/out/products, from: 2026-02-01}
RUN
  stub=$scratch/apus
  cat > "$stub" << STUB
#!/bin/bash
set -eu
[ "\$1" = daily ] || exec "$apus" "\$@"
date=; for ((k = 1; k < \$#; k++)); do [ "\${!k}" != --date ] || { k=\$((k + 1)); date=\${!k}; }; done
if mkdir "$scratch/late-\$date" 2> /dev/null; then
  echo "apus: error: no analysis yet" >&2
  exit 75
fi
[ -n "\$date" ] || set -- "\$@" --now 2026-02-01T06
exec "$apus" "\$@"
STUB
  chmod +x "$stub"
}
