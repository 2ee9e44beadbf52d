#!/usr/bin/env bash
# Runs the suite of pipelines/ecflow once on a real ecFlow server, which it starts and stops itself:
#   tools/ecflow_test.sh [DIRECTORY]
# The first try finds no analysis (75) and the second succeeds; then the family must have queued itself for the
# next day. Exit code 0 where all that happened. Needs Debian's ecflow-server and ecflow-client (installs them
# where missing, as root) and a build (APUS names another program). Takes 20 seconds.
set -euo pipefail
home=$(cd "$(dirname "$0")/.." && pwd)
source "$home/tools/engine_stub.sh"
if ! { command -v ecflow_server && command -v ecflow_client; } > /dev/null; then
  apt-get update -q > /dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
    ecflow-server ecflow-client > /dev/null
fi
make_stub "${1:-$(mktemp -d)}"

export ECF_HOST=localhost ECF_PORT=$((20000 + $$ % 20000))
mkdir -p "$scratch/ecflow"
(cd "$scratch/ecflow" && ECF_HOME=$scratch/ecflow exec ecflow_server --port "$ECF_PORT") \
  > "$scratch/ecflow/server.log" 2>&1 &
server=$!
finish() {
  code=$?
  # The server takes SIGTERM as the wish for a checkpoint only.
  ecflow_client --terminate=yes > /dev/null 2>&1 || kill -9 "$server" 2> /dev/null || true
  wait "$server" 2> /dev/null || true
  [ $code = 0 ] || echo "FAILED ($code); logs: $scratch" >&2
  exit $code
}
trap finish EXIT
for ((k = 0; k < 40; k++)); do
  if ecflow_client --ping > /dev/null 2>&1; then break; fi
  sleep 0.5
done
ecflow_client --restart
ecflow_client --load "$home/pipelines/ecflow/apus.def"
for pair in "ECF_HOME $scratch/ecflow" "ECF_FILES $home/pipelines/ecflow" \
  "ECF_INCLUDE $home/pipelines/ecflow/include" "APUS_DIRECTORY $home" "APUS $stub" \
  "RUN_FILE $scratch/run.yml" "OUTPUT $scratch/out" "PRODUCTS $scratch/out/products" "THREADS 1"; do
  ecflow_client --alter change variable "${pair%% *}" "${pair#* }" /apus
done
ecflow_client --alter change variable RETRY_SECONDS 3 /apus/daily/forecast
ecflow_client --begin apus
# It is not half past six.
ecflow_client --free-dep=time /apus/daily

for ((k = 0; k < 240; k++)); do
  ecflow_client --get_state > "$scratch/ecflow/state"
  grep -q "state:aborted" "$scratch/ecflow/state" && grep -q "exit code [^7]" "$scratch/ecflow/state" && break
  # A finished handover, and the family in the queue again.
  if [ -s "$scratch/ecflow/apus/daily/handover.1" ] && grep -q "family daily.*state:queued" \
    "$scratch/ecflow/state"; then break; fi
  sleep 0.5
done
ecflow_client --log=get | grep -E "(submitted|active|aborted|complete|queued): /apus|chd:(abort|label|meter)" \
  > "$scratch/ecflow/history"
cat "$scratch/ecflow/history"
check() { if ! "${@:2}"; then echo "ecflow_test: $1" >&2; exit 1; fi; }
check "no first try with 75" grep -q "abort.*exit code 75\|exit code 75.*abort" "$scratch/ecflow/history"
check "the meter did not reach 100" grep -q "chd:meter members 100" "$scratch/ecflow/history"
check "no complete family" grep -q "complete: /apus/daily " <(sed 's/$/ /' "$scratch/ecflow/history")
check "the family is not queued for the next day" grep -q "family daily.*state:queued" "$scratch/ecflow/state"
check "no products" grep -q "products" "$scratch/ecflow/apus/daily/handover.1"
echo "ecFlow: one try aborted with 75, the second made the products, handover ran, queued for the next day"
