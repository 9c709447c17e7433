#!/bin/sh
# Locks app.in, runtime.in and dev.in for each Python version, with hashes and without addresses. Run by `make lock`.
# Versions that a lock holds already stay; `make lock UPGRADE=--upgrade` moves them.
set -eu
cd "$(dirname "$0")"
uv=../.venv/.uv/bin/uv
compile() {
    UV_CUSTOM_COMPILE_COMMAND='make lock' "$uv" pip compile --quiet --only-binary :all: --generate-hashes \
        --no-emit-index-url --no-emit-find-links ${UPGRADE:-} "$@"
}

compile bootstrap.in --python-version 3.11 --output-file bootstrap.lock
compile fuzz.in --python-version 3.11 --universal --output-file fuzz.lock
for version in 3.11 3.12 3.13; do
    compile dev.in --python-version "$version" --output-file "dev-py$version.lock"
    # Each set is a part of the next larger one, version for version.
    compile runtime.in --python-version "$version" --constraints "dev-py$version.lock" --output-file "runtime-py$version.lock"
    compile app.in --python-version "$version" --constraints "runtime-py$version.lock" --output-file "app-py$version.lock"
    echo "locked for Python $version: app, runtime and dev"
done
