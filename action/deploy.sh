#!/usr/bin/env bash
# Deploys. What set-up.sh has put there is used, and nothing else of this user's for ssh.
set -euo pipefail

own="$RUNNER_TEMP/landfall"
export PATH="$own/bin:$PATH"
if [ -f "$own/ssh_config" ]; then
    # LANDFALL_SSH is split into words as a shell does it.
    printf -v quoted '%q' "$own/ssh_config"
    export LANDFALL_SSH="ssh -F $quoted"
fi
arguments=()
while IFS= read -r argument; do
    [ -z "$argument" ] || arguments+=("$argument")
done <<<"$INPUT_ARGS"
cd -- "$INPUT_WORKING_DIRECTORY"
exec landfall deploy --ci --env "$INPUT_ENVIRONMENT" "${arguments[@]}"
