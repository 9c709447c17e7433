#!/bin/sh
# Makes the secrets that are missing: `sh docker/secrets.sh [FOLDER]`, as root; FOLDER is docker/secrets unless named.
# What is there stays as it is. To change a password, delete its file and run this again (docs/deploy.md).
# 生成缺少的机密文件；已有的不动。以 root 运行。
#
# Compose mounts each file as it lies here: owner and mode count, and uid or mode in compose.yaml would have no effect.
# Files end without a line end, for Airflow takes them as they are.
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
cd "$folder"
app=10001 postgres=999 proxy=101

random() { head -c "$1" /dev/urandom; }
hex() { random "$1" | od -An -v -tx1 | tr -d ' \n'; }
base64_of_32() { random 32 | base64 | tr -d '\n'; }

# put NAME OWNER: standard input, whole or not at all.
put() {
    cat >"$1.new"
    chmod 0400 "$1.new"
    if [ "$(id -u)" = 0 ]; then chown "$2:$2" "$1.new"; fi
    mv "$1.new" "$1"
    echo "made $1"
}
missing() { ! [ -s "$1" ]; }

missing password_postgres && hex 32 | put password_postgres "$postgres"

# login ROLE-FILE URL-FILE SCHEME ROLE DATABASE: a role's password for the server, and the address that holds it.
login() {
    if missing "$1"; then
        rm -f "$2"
        hex 32 | put "$1" "$postgres"
    fi
    missing "$2" && printf '%s://%s:%s@postgres:5432/%s' "$3" "$4" "$(cat "$1")" "$5" | put "$2" "$app"
    return 0
}
login password_huxin url_huxin postgresql huxin huxin
login password_api url_api postgresql huxin_api huxin
# Airflow wants its database's address twice, once for each way of speaking to it.
if missing password_airflow; then rm -f url_airflow url_airflow_async; fi
login password_airflow url_airflow postgresql+psycopg airflow airflow
login password_airflow url_airflow_async postgresql+psycopg_async airflow airflow

# One key-encryption key a zone, and the console's, which seals what people's telephones know. Losing the zones' loses
# the registry: back them up, away from the keyrings.
for zone in entry registry intake audit console; do
    missing "$zone.kek" && base64_of_32 | put "$zone.kek" "$app"
done

missing airflow_jwt && hex 64 | put airflow_jwt "$app"
missing airflow_api && hex 64 | put airflow_api "$app"
missing airflow_fernet && base64_of_32 | tr '+/' '-_' | put airflow_fernet "$app"
missing airflow_users.json && printf '{"operator": "%s"}' "$(hex 16)" | put airflow_users.json "$app"

# Certificate and key come from the association's authority; here they only get owner and mode.
for file in tls.crt tls.key; do
    if missing "$file"; then
        echo "still to be put here: $folder/$file (see docs/deploy.md)" >&2
    else
        chmod 0400 "$file"
        if [ "$(id -u)" = 0 ]; then chown "$proxy:$proxy" "$file"; fi
    fi
done
