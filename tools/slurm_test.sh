#!/usr/bin/env bash
# Runs Apus on a real Slurm of one node, which it starts (munged, slurmctld, slurmd) and stops itself, and
# compares the files of every way to run with those of one process:
#   tools/slurm_test.sh [DIRECTORY]
# Exit code 0 where all SHA-256 agree. Needs root, Debian's slurm-wlm and munge (installs them where missing)
# and a build (APUS names another program). Takes two minutes on two cores. What an earlier test left in
# DIRECTORY is removed.
set -euo pipefail
home=$(cd "$(dirname "$0")/.." && pwd)
apus=$(readlink -f "${APUS:-$home/.build/release/apus}")
scratch=${1:-$(mktemp -d)}
mkdir -p "$scratch"
scratch=$(cd "$scratch" && pwd)
[ "$(id -u)" = 0 ] || { echo "slurm_test: must be root: slurmd starts jobs as their users" >&2; exit 77; }
[ -x "$apus" ] || { echo "slurm_test: no $apus: make build" >&2; exit 66; }
if ! { command -v slurmctld && command -v slurmd && command -v munged && command -v sbatch; } > /dev/null; then
  apt-get update -q > /dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends slurm-wlm munge > /dev/null
fi

# --- the daemons, with everything of theirs under $scratch
daemons=()
finish() {
  code=$?
  for ((k = ${#daemons[@]} - 1; k >= 0; k--)); do kill "${daemons[k]}" 2> /dev/null || true; done
  for process in "${daemons[@]}"; do wait "$process" 2> /dev/null || true; done
  if [ $code != 0 ]; then
    echo "FAILED ($code); logs: $scratch" >&2
    tail -n 5 "$scratch"/slurm/*.log "$scratch"/run*/slurm/*.log 2> /dev/null >&2 || true
  fi
  exit $code
}
trap finish EXIT
rm -rf "$scratch"/{slurm,munge,run*}
mkdir -p "$scratch"/slurm/{state,spool} "$scratch/munge"
chmod 755 "$scratch" "$scratch/munge"
(umask 077 && head -c 128 /dev/urandom > "$scratch/munge/key")
munged --foreground --force --socket="$scratch/munge/socket" --key-file="$scratch/munge/key" \
  --pid-file="$scratch/munge/pid" --seed-file="$scratch/munge/seed" --log-file="$scratch/munge/log" \
  > "$scratch/slurm/munged.log" 2>&1 &
daemons+=($!)
export SLURM_CONF=$scratch/slurm/slurm.conf
port=$((20000 + $$ % 20000))
# cred_expire is also how long a requeued job waits; 120 s by default.
cat > "$SLURM_CONF" << CONF
ClusterName=apus
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$scratch/munge/socket,cred_expire=15
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,batch_sched_delay=0
StateSaveLocation=$scratch/slurm/state
SlurmdSpoolDir=$scratch/slurm/spool
SlurmctldPidFile=$scratch/slurm/slurmctld.pid
SlurmdPidFile=$scratch/slurm/slurmd.pid
SlurmctldLogFile=$scratch/slurm/slurmctld.log
SlurmdLogFile=$scratch/slurm/slurmd.log
NodeName=$(hostname) NodeAddr=127.0.0.1 CPUs=2 RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES State=UP MaxTime=INFINITE
CONF
slurmctld -D -f "$SLURM_CONF" > /dev/null 2>&1 &
daemons+=($!)
slurmd -D -f "$SLURM_CONF" > /dev/null 2>&1 &
daemons+=($!)
for ((k = 0; ; k++)); do
  sinfo -h -o %T 2> /dev/null | grep -q idle && break
  [ $k -lt 60 ] || { echo "slurm_test: Slurm did not come up" >&2; exit 69; }
  sleep 0.5
done
echo "$(sinfo --version) is up on $(hostname)"

# --- a small run on the demo's data: 4 initial times x 9 members, 20 steps
cd "$home"
cat > "$scratch/run.yml" << RUN
name: slurm test
seed: 2026
checkpoints: [models/era5_seed1.safetensors, models/era5_seed2.safetensors]
analyses: {files: [demo/era5_msl_vo850_t31_6h_20251201-20260228.nc]}
initial_times: {from: 2026-02-01, to: 2026-02-04, every_hours: 24}
lead_time_hours: 120
perturbation:
  method: bred_vector
  pairs: 2
  seed_channels: [msl]
  amplitudes: computed
  amplitude_times: {from: 2025-12-05, to: 2025-12-25, every_hours: 96}
output: {directory: $scratch/run, members: all}
report: {title: Slurm}
RUN

# Names and SHA-256 of members and products.
digests() { (cd "$1" && find members products -name '*.nc' | LC_ALL=C sort | xargs -d '\n' sha256sum); }
# A field of a job: `field 12_0 JobState`.
field() { scontrol show job "$1" 2> /dev/null | grep -o "$2=[^ ]*" | cut -d= -f2; }
# Waits until a job, with all tasks of an array, has ended.
await() {
  for ((k = 0; k < 600; k++)); do
    states=$(field "$1" JobState | sort -u)
    case $states in *PENDING* | *RUNNING* | *COMPLETING* | *REQUEUE*) sleep 0.5 ;; *) break ;; esac
  done
  [ "$states" = COMPLETED ] || { echo "slurm_test: job $1: $states" >&2; exit 1; }
}
# Submits a run as `apus submit slurm` does: `submit DIRECTORY TASKS`; sets forecast and merge.
submit() {
  "$apus" submit slurm "$scratch/run.yml" --output "$1" --tasks "$2" --json > "$scratch/submission.json"
  read -r forecast merge < <(python3 -c 'import json, sys; print(*json.load(open(sys.argv[1]))["jobs"])' \
    "$scratch/submission.json")
}
rows=()
failures=0
check() {
  digests "$1" > "$scratch/digests"
  if cmp -s "$scratch/digests" "$scratch/expected"; then verdict=same; else
    verdict=DIFFERENT
    failures=$((failures + 1))
  fi
  rows+=("$(printf '%-52s %4d files  %s  %s' "$2" "$(wc -l < "$scratch/digests")" \
    "$(sha256sum < "$scratch/digests" | cut -c1-16)" "$verdict")")
}

echo "one process..."
"$apus" run "$scratch/run.yml" --output "$scratch/run-one" --threads 1 --quiet > /dev/null
digests "$scratch/run-one" > "$scratch/expected"
check "$scratch/run-one" "one process"

echo "submit slurm, 3 tasks..."
submit "$scratch/run a" 3
await "$forecast"
await "$merge"
[ -s "$scratch/run a/report/report.html" ] || { echo "slurm_test: no report" >&2; exit 1; }
check "$scratch/run a" "submit slurm, 3 tasks, a space in the path"

echo "submit slurm, 2 tasks, task 0 warned half-way..."
submit "$scratch/run-warned" 2
until [ -n "$(find "$scratch/run-warned/members" -name '*.nc' 2> /dev/null | head -n 1)" ]; do sleep 0.1; done
# What --signal=B:USR1@120 does two minutes before a time limit.
scancel --signal=USR1 --batch "${forecast}_0"
await "$forecast"
await "$merge"
log=$scratch/run-warned/slurm/forecast_${forecast}_0.log
grep "stopped" "$log"
restarts=$(field "${forecast}_0" Restarts)
[ "$restarts" = 1 ] || { echo "slurm_test: $restarts restarts, expected 1" >&2; exit 1; }
check "$scratch/run-warned" "the same, 1 task stopped by USR1, requeued, resumed"

echo "submit slurm, 2 tasks, task 1 killed and requeued half-way..."
submit "$scratch/run-requeued" 2
until [ -n "$(find "$scratch/run-requeued/members" -name '*.nc' 2> /dev/null | head -n 1)" ]; do sleep 0.1; done
scontrol requeue "${forecast}_1"
await "$forecast"
await "$merge"
check "$scratch/run-requeued" "the same, 1 task killed by scontrol requeue"

echo "srun, 2 ranks, --shard auto..."
srun -n 2 --overcommit "$apus" forecast "$scratch/run.yml" --output "$scratch/run-ranks" --shard auto \
  --threads 1 --quiet > /dev/null
"$apus" merge "$scratch/run.yml" --output "$scratch/run-ranks" --quiet > /dev/null
check "$scratch/run-ranks" "srun -n 2, --shard auto"

echo "array of 2 x srun of 2, --shard auto..."
job=$(sbatch --parsable --array=0-1 --ntasks=2 --output="$scratch/slurm/product_%a.log" --wrap \
  "srun '$apus' forecast '$scratch/run.yml' --output '$scratch/run-product' --shard auto --threads 1 --quiet")
await "$job"
"$apus" merge "$scratch/run.yml" --output "$scratch/run-product" --quiet > /dev/null
check "$scratch/run-product" "array of 2 x srun -n 2, --shard auto"

echo "batch script with 2 tasks that forgets srun..."
code=0
sbatch --wait --parsable --ntasks=2 --output="$scratch/slurm/forgotten.log" --wrap \
  "'$apus' forecast '$scratch/run.yml' --output '$scratch/run-forgotten' --shard auto" > /dev/null || code=$?
grep -q "Write srun before apus" "$scratch/slurm/forgotten.log" && [ $code = 64 ] ||
  { echo "slurm_test: ended with $code, expected 64" >&2; exit 1; }

echo
printf '%s\n' "${rows[@]}"
[ $failures = 0 ] || exit 1
echo "all the same"
