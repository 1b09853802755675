#!/bin/sh
# run.sh - the peers and this engine on one server; see run.py --help and README.md.
exec python3 "$(dirname "$0")/run.py" "$@"
