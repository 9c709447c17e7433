#!/bin/sh
# Debian's chromium and Chinese letters, which tests/console needs: run by `make test`'s set-up and by .ci/run.
set -eu
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    echo "请安装 chromium 与 fonts-noto-cjk · install chromium and fonts-noto-cjk for the browser tests" >&2
    exit 0
fi
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium fonts-noto-cjk
