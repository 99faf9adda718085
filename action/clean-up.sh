#!/usr/bin/env bash
# Leaves nothing of set-up.sh behind, whatever happened before.
set -euo pipefail

rm -rf "$RUNNER_TEMP/landfall"
