#!/bin/sh
# Prints the Python that .venv is made with: HUXIN_PYTHON where it is set, else the first that fits.
fits='import sys, venv, ensurepip; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

if [ -n "${HUXIN_PYTHON:-}" ]; then
    set -- "$HUXIN_PYTHON"
else
    set -- python3 python3.13 python3.12 python3.11 python
fi
for candidate; do
    if "$candidate" -c "$fits" >/dev/null 2>&1; then
        command -v "$candidate"
        exit 0
    fi
done

cat >&2 <<'TEXT'
没有找到可用的 Python：需要 3.11、3.12 或 3.13，并带有 venv 模块（Debian/Ubuntu：apt-get install python3-venv）。
已安装在别处时，请指明：make demo HUXIN_PYTHON=/路径/python3.12
No Python fits: 3.11, 3.12 or 3.13 with its venv module is needed (Debian/Ubuntu: apt-get install python3-venv).
If it lies elsewhere, name it: make demo HUXIN_PYTHON=/path/to/python3.12
TEXT
exit 1
