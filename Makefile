# The commands that people and CI run. Each first makes what it needs; paths are relative, for Make splits at blanks.
# 人与 CI 用的都是这些命令，各命令先备好自己所需的环境。
SHELL := /bin/sh
PY := .venv/bin/python
# A path with Chinese characters is read the same under every locale.
export PYTHONUTF8 := 1
export HUXIN_PYTHON
unexport PYTHONPATH PYTHONHOME

# A virtual environment that was moved, or whose Python has gone, is made anew.
sound := $(shell test "$$(cat .venv/.place 2>/dev/null)" = "$$(pwd -P)" && $(PY) -c '' 2>/dev/null && echo yes)
inputs := pyproject.toml privacy/pyproject.toml requirements/install.py requirements/bootstrap.lock
anew := $(if $(sound),,anew)

.PHONY: vendor openapi help demo test both-ways soak fuzz check generate lock bench-night bench-enquiry bench-privacy bench-console tour clean anew

help:            ## lists these commands · 列出命令
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile

demo: .venv/.runtime       ## a night of six members, from files to answers · 演示：六家机构的一夜
	@exec env HUXIN_NOW=2026-05-31T22:00:00+08:00 $(PY) -m huxin.demo

serve: .venv/.runtime      ## the demo, and its API stays up until Ctrl-C · 演示后保持接口运行
	@exec env HUXIN_NOW=2026-05-31T22:00:00+08:00 $(PY) -m huxin.demo --stay

# Side by side, a file to a process: each process has a database server of its own.
JOBS ?= 2
test: .venv/.dev           ## all tests, JOBS=2 at once · 全部测试（JOBS 个进程并行）
	@sh requirements/browser.sh
	$(PY) -m pytest -n $(JOBS) --dist loadfile $(ARGS)

both-ways: .venv/.dev      ## the night's tests in one process and in three zones, and the zones' own · 单进程与分区两种方式
	HUXIN_BOTH_WAYS=1 $(PY) -m pytest -n $(JOBS) --dist loadfile tests/nightly tests/zones $(ARGS)

soak: .venv/.dev           ## half an hour of kill -9, made-up requests, keys turned in made-up weeks · 反复强杀、随机请求与密钥轮换
	HUXIN_SOAK_KILLS=10 HUXIN_SOAK_EXAMPLES=400 HUXIN_JOIN_EXAMPLES=5000 HUXIN_SOAK_ROTATIONS=60 \
	  $(PY) -m pytest -s --timeout=1800 tests/hostile/test_nothing_lost.py tests/hostile/test_schemathesis.py \
	  tests/privacy/test_joins.py tests/nightly/test_rotating_nights.py $(ARGS)

MINUTES ?= 10
fuzz: .venv/.fuzz          ## identifiers, sealed files, keyrings, receipts under atheris for MINUTES=10 · 模糊测试
	PYTHONPATH=.venv/.fuzz $(PY) tests/fuzz/fuzz_run.py --minutes $(MINUTES) $(ARGS)

check: .venv/.dev          ## lint, types, import contracts, drift · 静态检查
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -c 'from importlinter.cli import lint_imports_command as run; run()'
	$(PY) -m huxin.blind_contract --check
	$(PY) -m huxin.nightly.gx.suites --check
	$(PY) -m huxin.api.openapi --check
	$(PY) privacy/vectors/generate.py --check

generate: .venv/.runtime   ## writes suites, templates, docs/contract.md and golden vectors anew · 由合同表重新生成
	$(PY) -m huxin.blind_contract
	$(PY) -m huxin.nightly.gx.suites
	$(PY) -m huxin.templates
	$(PY) privacy/vectors/generate.py

openapi: .venv/.runtime    ## writes schemas/openapi.yaml from the routes · 由路由生成接口描述
	$(PY) -m huxin.api.openapi

vendor:          ## brings the console's scripts and styles from npm at their pinned versions · 更新控制台的前端文件
	python3 requirements/vendor.py

lock: .venv/.dev           ## locks requirements/*.in anew · 重新锁定依赖
	sh requirements/lock.sh

bench-night: .venv/.runtime      ## the night's speed as ratios to a bare COPY · 夜间批处理的速度
	$(PY) benches/night.py $(ARGS)

bench-enquiry: .venv/.runtime    ## enquiries and reservations as ratios to a bare hello and pgbench · 查询与占用的速度
	$(PY) benches/enquiry.py $(ARGS)

bench-privacy: .venv/.runtime    ## identifiers to tokens, no two sharing one; blind evaluations; re-keying · 标识保护的速度
	$(PY) benches/privacy.py $(ARGS)

bench-console: .venv/.runtime    ## pages at a million loans and a thousand members · 控制台页面的速度
	$(PY) benches/console.py $(ARGS)

tour: .venv/.dev           ## pictures of the console for the README, docs/tour · 重拍控制台截图
	@sh requirements/browser.sh
	$(PY) tests/console/tour.py $(ARGS)

clean:           ## removes .venv and caches, not the state in .huxin · 清除环境与缓存
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.runtime: $(anew) $(inputs) $(wildcard requirements/runtime-py*.lock)
	@python=$$(sh requirements/python.sh) && "$$python" requirements/install.py runtime

.venv/.dev: $(anew) $(inputs) $(wildcard requirements/dev-py*.lock)
	@python=$$(sh requirements/python.sh) && "$$python" requirements/install.py dev

.venv/.fuzz: .venv/.dev requirements/fuzz.lock
	@$(PY) requirements/install.py fuzz && touch $@
