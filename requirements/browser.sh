#!/bin/sh
# Debian's chromium and Chinese letters, which tests/console needs: run by `make test`'s set-up and by .ci/run.
set -eu

browser() {
    for name in chromium chromium-browser google-chrome; do
        if command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

# Where fontconfig's own list is not there to be asked, by the files' names.
letters() {
    if command -v fc-list >/dev/null 2>&1; then
        [ -n "$(fc-list :lang=zh file 2>/dev/null)" ]
        return
    fi
    for folder in /usr/share/fonts /usr/local/share/fonts "${HOME:-/}/.local/share/fonts" "${HOME:-/}/.fonts"; do
        for pattern in '*CJK*' '*wqy*' '*SourceHan*' '*uming*' '*ukai*' '*simsun*' '*msyh*'; do
            if [ -n "$(find "$folder" -iname "$pattern" 2>/dev/null | head -n 1)" ]; then return 0; fi
        done
    done
    return 1
}

missing=
browser || missing=chromium
letters || missing="${missing:+$missing }fonts-noto-cjk"
if [ -z "$missing" ]; then exit 0; fi

tell() {
    case $missing in
    fonts-noto-cjk)
        echo "有浏览器，但没有中文字体（fonts-noto-cjk）：测试照常进行，截图中的汉字会是方框。请安装：$missing" >&2
        echo "There is a browser but no Chinese font: the tests run, and in their screenshots Chinese is empty boxes. Install: $missing" >&2
        ;;
    *)
        echo "浏览器测试缺少：$missing，请安装。 · The browser tests lack: $missing; please install." >&2
        ;;
    esac
}

if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    tell
    exit 0
fi
if (apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing); then
    exit 0
fi
tell
# Without letters the tests still run; without a browser they cannot.
[ "$missing" = fonts-noto-cjk ]
