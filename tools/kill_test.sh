#!/usr/bin/env bash
# Kills a training with SIGKILL at random times, finishes it, and compares the checkpoint with that of a
# training that nobody disturbed:
#   tools/kill_test.sh RUN.yml [KILLS] [DIRECTORY]
# Exit code 0 where both have the same SHA-256. Times are random: set SEED to repeat them.
set -euo pipefail
run=${1:?usage: tools/kill_test.sh RUN.yml [KILLS] [DIRECTORY]}
kills=${2:-10}
directory=${3:-$(mktemp -d)}
apus=${APUS:-$(cd "$(dirname "$0")/.." && pwd)/.build/release/apus}
RANDOM=${SEED:-$$}
mkdir -p "$directory"

echo "undisturbed..."
begin=$(date +%s%N)
"$apus" train "$run" --output "$directory/whole.safetensors" --quiet
span=$((($(date +%s%N) - begin) / 1000000))
echo "took $span ms"

done=0
for ((k = 1; k <= kills; k++)); do
  "$apus" train "$run" --output "$directory/killed.safetensors" --quiet > "$directory/log" 2>&1 &
  process=$!
  # Half a second to read the data, then anywhere within a fifth of the whole training.
  wait_ms=$((500 + (RANDOM * 32768 + RANDOM) % (span / 5 + 1)))
  sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
  if kill -9 "$process" 2> /dev/null; then done=$((done + 1)); fi
  code=0
  wait "$process" 2> /dev/null || code=$?
  # 137: killed. 0: it had finished. Anything else is a fault.
  if [[ $code != 137 && $code != 0 ]]; then cat "$directory/log"; exit 1; fi
  line=$(tail -n 1 "$directory/killed.safetensors.loss.csv" 2> /dev/null | cut -d, -f1 || true)
  echo "kill $k after $wait_ms ms: exit code $code, curve up to step ${line:-0}"
done
"$apus" train "$run" --output "$directory/killed.safetensors" --quiet
cd "$directory"
sha256sum whole.safetensors killed.safetensors
if [[ $done == 0 ]]; then echo "no training was killed: it is too short"; exit 1; fi
if cmp -s whole.safetensors killed.safetensors; then
  echo "same bytes after $done kills"
else
  echo "DIFFERENT after $done kills"
  exit 1
fi
