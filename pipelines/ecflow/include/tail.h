# The end of every job that got here.
trap - EXIT
stop_children
ecflow_client --complete
