#!/bin/bash
# The start of every job: tells the server that it runs, and that it failed, however it ends. ecFlow puts its
# variables where names stand between percent signs; a percent sign for the shell is written twice.
set -eu
export ECF_HOST=%ECF_HOST% ECF_PORT=%ECF_PORT% ECF_NAME=%ECF_NAME% ECF_PASS=%ECF_PASS% ECF_TRYNO=%ECF_TRYNO%
export ECF_RID=$$
ecflow_client --init=$$

# Background processes of the job; apus takes TERM as the wish to stop, and leaves what the next try needs.
children=()
stop_children() {
  kill -TERM "${children[@]}" 2> /dev/null || true
  wait
}
failed() {
  code=$?
  trap '' TERM
  trap - EXIT
  stop_children
  ecflow_client --abort="exit code $code"
  exit 0   # the server takes another code for a second failure
}
trap failed EXIT
trap 'exit 143' HUP INT TERM
cd "%APUS_DIRECTORY%"
