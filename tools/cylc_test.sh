#!/usr/bin/env bash
# Runs two cycles of pipelines/cylc on a real Cylc scheduler:
#   tools/cylc_test.sh [DIRECTORY]
# In each the first try finds no analysis (75) and the second succeeds. Exit code 0 where all that happened.
# Needs a build (APUS names another program), rsync, and cylc: CYLC names one, else cylc-flow is installed in
# DIRECTORY/venv. Takes a minute.
set -euo pipefail
home=$(cd "$(dirname "$0")/.." && pwd)
source "$home/tools/engine_stub.sh"
make_stub "${1:-$(mktemp -d)}"
command -v rsync > /dev/null || { echo "cylc_test: no rsync, which cylc install needs" >&2; exit 69; }
cylc=${CYLC:-$scratch/venv/bin/cylc}
if [ ! -x "$cylc" ]; then
  python3 -m venv "$scratch/venv"
  "$scratch/venv/bin/pip" install -q cylc-flow
fi
# A home of its own, so that ~/cylc-run stays as it is; jobs find cylc on the PATH.
mkdir -p "$scratch/home" "$scratch/cylc"
export HOME=$scratch/home CYLC_CONF_PATH=$scratch/cylc PATH=$(dirname "$cylc"):$PATH
cat > "$scratch/cylc/global.cylc" << CONF
[scheduler]
    [[events]]
        stall timeout = PT5S
        abort on stall timeout = True
[platforms]
    [[localhost]]
        hosts = localhost
        global init-script = export PATH='$(dirname "$cylc")':\$PATH
CONF
echo "cylc $(cylc --version)"
cylc install "$home/pipelines/cylc" --workflow-name=apus --no-run-name
code=0
timeout 300 cylc play apus --no-detach --initial-cycle-point=2026-02-01 --final-cycle-point=2026-02-02 \
  --set="APUS='$stub'" --set="DIRECTORY='$home'" --set="RUN_FILE='$scratch/run.yml'" \
  --set="PRODUCTS='$scratch/out/products'" --set="THREADS=1" --set="RETRIES='2*PT3S'" \
  > "$scratch/cylc/log" 2>&1 || code=$?
grep -E "running|succeeded|failed|retry|published" "$scratch/cylc/log" || true
check() { if ! "${@:2}"; then echo "FAILED: $1; logs: $scratch/cylc/log, $HOME/cylc-run" >&2; exit 1; fi; }
check "cylc play ended with $code" [ $code = 0 ]
runs=$HOME/cylc-run/apus/log/job
for date in 2026-02-01T00 2026-02-02T00; do
  check "$date: the first try was not the late analysis" grep -q "no analysis yet" "$runs/$date/forecast/01/job.err"
  check "$date: no second try" grep -q "SUCCEEDED" "$runs/$date/forecast/02/job.status"
  check "$date: no handover" grep -q "members" "$runs/$date/handover/01/job.out"
done
echo "Cylc: two dates, each with one try of 75, a second that made the products, and a handover"
