#!/bin/sh
# Makes a cluster in an empty data directory, with the user, password and database of the
# POSTGRES_ variables and what is in /docker-entrypoint-initdb.d; then becomes the server.
set -eu

if [ "${1#-}" != "$1" ]; then
    set -- postgres "$@"
fi
if [ "$1" != postgres ]; then
    exec "$@"
fi

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chmod 2775 /var/run/postgresql
    chmod 700 "$PGDATA"
    chown postgres:postgres /var/run/postgresql
    find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

ask() {
    psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$user" --dbname "$@"
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
        POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    fi
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
        echo "Error: Database is uninitialized and superuser password is not specified: set POSTGRES_PASSWORD" >&2
        exit 1
    fi
    password=$(mktemp)
    printf '%s\n' "${POSTGRES_PASSWORD:-}" >"$password"
    if [ -n "${POSTGRES_PASSWORD:-}" ]; then
        initdb --username "$user" --pwfile "$password" --encoding UTF8 --locale C.UTF-8
    else
        initdb --username "$user" --encoding UTF8 --locale C.UTF-8
    fi
    rm "$password"
    echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
    sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/" "$PGDATA/postgresql.conf"

    # Nobody else can reach this one: a container that is ready has its database.
    export PGPASSWORD="${POSTGRES_PASSWORD:-}"
    pg_ctl start --wait --silent --options "-c listen_addresses=''"
    if [ "$database" != postgres ]; then
        echo 'CREATE DATABASE :"name"' | ask postgres --set name="$database"
    fi
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
        *.sql) ask "$database" --file "$file" ;;
        *.sh) . "$file" ;;
        esac
    done
    pg_ctl stop --wait --silent --mode fast
    unset PGPASSWORD
fi

exec "$@"
