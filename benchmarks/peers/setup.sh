#!/bin/sh
# setup.sh - a Python environment for each peer in build/peers, from the package index that pip is
# set to use. What cannot be installed is said, and leaves no row in the table.
#
#   benchmarks/peers/setup.sh [PEER …]          all, or some of: textgrad gepa dspy trace
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../build/peers
mkdir -p "$build"
for peer in ${*:-textgrad gepa dspy trace}; do
  if "$build/$peer/bin/python" -m pip --version >/dev/null 2>&1 || python3 -m venv "$build/$peer"; then
    if "$build/$peer/bin/python" -m pip install -q -r "$here/requirements/$peer.txt"; then
      echo "$peer: installed"
      continue
    fi
  fi
  echo "$peer: could not be installed"
  rm -rf "${build:?}/$peer"
done
