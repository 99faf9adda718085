#!/usr/bin/env bash
# Puts the binary, the key and the host keys where the deploy finds them, for nobody else to read.
set -euo pipefail
umask 077

fail() {
    echo "::error title=landfall::$1"
    exit 2
}

own="$RUNNER_TEMP/landfall"
rm -rf "$own"
mkdir -p "$own/bin"

if [ -n "$INPUT_BINARY" ]; then
    [ -f "$INPUT_BINARY" ] || fail "the input \`binary\` names no file"
    install -m 700 -- "$INPUT_BINARY" "$own/bin/landfall"
fi
PATH="$own/bin:$PATH"
command -v landfall >/dev/null || fail "there is no landfall: give its path in the input \`binary\`"
version=$(landfall --version)
if [ -n "$INPUT_VERSION" ] && [ "$version" != "landfall ${INPUT_VERSION#v}" ]; then
    fail "the binary is another version than the input \`version\` asks for: it is $version"
fi
echo "using $version"

[ -n "$INPUT_SSH_KEY" ] || exit 0
[ -n "$INPUT_KNOWN_HOSTS" ] || fail "the input \`known-hosts\` is empty: it says which server is the right one"
# Secrets that were pasted may have lost their last line break, or have those of Windows.
printf '%s\n' "$INPUT_SSH_KEY" | tr -d '\r' >"$own/key"
printf '%s\n' "$INPUT_KNOWN_HOSTS" | tr -d '\r' >"$own/known_hosts"
ssh-keygen -y -P "" -f "$own/key" >/dev/null 2>&1 ||
    fail "the input \`ssh-key\` is no private key, or one with a passphrase"
cat >"$own/ssh_config" <<CONFIG
Host *
    IdentityFile "$own/key"
    IdentitiesOnly yes
    UserKnownHostsFile "$own/known_hosts"
    GlobalKnownHostsFile none
    StrictHostKeyChecking yes
    BatchMode yes
CONFIG
