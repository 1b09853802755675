# Makefile - builds, checks and installs lunagrad. `make help` lists the targets.

# ---- settings: change them here or on the command line -----------------------
CC           ?= cc
BUILD        ?= build
PREFIX       ?= /usr/local
DESTDIR      ?=
OPT          ?= -O2 -g
CFLAGS       ?=
LDFLAGS      ?=
LUA          ?= lua5.4
LUA_PC       ?= lua5.4
FUZZ_SECONDS ?= 60
JOBS         ?= $(shell nproc 2>/dev/null || echo 2)
DISTROS      ?= bookworm trixie
V            ?= 0
# The versions that judge. Warnings of other compilers than these are no errors, and what
# other versions of the style tools find is shown as a note (tests/judge.sh).
STRICT_CC     = 12 13 14
LINT_CLANG    = 14
LINT_LUACHECK = 1.1
# -------------------------------------------------------------------------------

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
export CC LUA LUA_PC BUILD

# Packages are asked for when a recipe first needs them, never while this file is
# read, so that `make demo` can install them on a machine that has only make.
PKGS      = $(LUA_PC) libcurl libcjson libuv libmicrohttpd openssl sqlite3 libutf8proc
once      = $(eval $(1) := $$(shell $(2)))$($(1))
PKG_CFLAGS = $(call once,PKG_CFLAGS,pkg-config --cflags $(PKGS))
# libcurl with its OpenSSL and libmicrohttpd are loaded when they are first needed: linked,
# their forty libraries would take 4 ms of every start. Tests and benchmarks link them.
PKGS_LIBRARY = libcjson libuv sqlite3 libutf8proc
LIBS_ENGINE = $(call once,PC_ENGINE,pkg-config --libs $(PKGS_LIBRARY)) -lpthread -lm -ldl
LIBS_LUA = $(call once,PC_UTF8,pkg-config --libs libutf8proc)
LIBS_COMMAND = $(LIBS_LUA) $(call once,PC_COMMAND,pkg-config --libs $(LUA_PC))
LIBS_TEST = $(call once,PC_TEST,pkg-config --libs cmocka) $(LIBS_NET)
LIBS_NET = -Wl,--as-needed $(call once,PC_NET,pkg-config --libs libcurl openssl)
VERSION   = $(shell sed -n 's/^\#define LG_VERSION "\(.*\)"/\1/p' engine/lunagrad.h)
SOVERSION = $(shell sed -n 's/^\#define LG_API_VERSION //p' engine/lunagrad.h)

WARN = -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wvla
CC_MAJOR = $(call once,CC_OF,$(CC) -dumpversion 2>/dev/null | cut -d. -f1)
WERROR = $(if $(filter $(CC_MAJOR),$(STRICT_CC)),-Werror)
# -iquote: paths begin in engine/ and lua/, and sched.h is not the system's <sched.h>
STD  = -std=c17 -D_GNU_SOURCE -iquote engine -iquote lua
# A build that checks itself (engine/base/check.h). C programs of the tests link one always.
DEBUG = -O1 -g -DLG_DEBUG
ALL_CFLAGS = $(STD) $(OPT) $(WARN) $(WERROR) -fPIC -MMD -MP $(PKG_CFLAGS) $(CFLAGS)

# ---- what is built of what ------------------------------------------------------
ENGINE_SRC  := $(wildcard engine/*/*.c engine/*/*/*.c)
MODULE_SRC  := $(wildcard lua/binding/*.c)
LUA_SRC     := $(MODULE_SRC) $(wildcard lua/command/*.c)
HOST_SRC    := $(wildcard lua/host/*.c)
WORKER_SRC  := $(wildcard lua/worker/*.c)
LUA_FILES   := $(shell find lua/lunagrad -name '*.lua' 2>/dev/null | sort)
TEST_SRC    := $(wildcard tests/engine/test_*.c)
HELPER_SRC  := $(wildcard tests/*.c)
BENCH_SRC   := $(wildcard benchmarks/*.c)
FUZZ_SRC    := $(wildcard tests/fuzz/fuzz_*.c)
API_SRC     := $(wildcard tests/fuzz/api_*.c)
PACKAGES_SRC := $(wildcard tests/packages/*.c)
C_FILES     := $(ENGINE_SRC) $(LUA_SRC) $(HOST_SRC) $(WORKER_SRC) $(HELPER_SRC) $(TEST_SRC) $(FUZZ_SRC) $(API_SRC) $(PACKAGES_SRC) $(BENCH_SRC)
H_FILES     := $(wildcard engine/*.h engine/*/*.h engine/*/*/*.h lua/*/*.h tests/*.h tests/*/*.h benchmarks/*.h)

ENGINE_OBJ := $(ENGINE_SRC:%.c=$(BUILD)/%.o) $(BUILD)/worker_image.o $(BUILD)/prompts.o
WORKER_OBJ := $(WORKER_SRC:%.c=$(BUILD)/%.o)
LUA_OBJ    := $(LUA_SRC:%.c=$(BUILD)/%.o) $(BUILD)/embedded.o
MODULE_OBJ := $(MODULE_SRC:%.c=$(BUILD)/%.o) $(BUILD)/embedded.o
HOST_OBJ   := $(HOST_SRC:%.c=$(BUILD)/%.o)
# The library has a Lua of its own, 5.4; with another one there are the command and the module.
LIBRARY    := $(if $(filter lua5.4 lua-5.4 lua54,$(LUA_PC)),$(BUILD)/liblunagrad.a $(BUILD)/liblunagrad.so)
# … beside the build it belongs to, which may be one itself
CHECKED     = $(if $(findstring -DLG_DEBUG,$(OPT)),$(BUILD),$(BUILD)/checked)
CHECKED_OBJ = $(ENGINE_SRC:%.c=$(CHECKED)/%.o) $(BUILD)/worker_image.o $(BUILD)/prompts.o
TEST_BIN   := $(TEST_SRC:%.c=$(BUILD)/%)
BENCH_BIN  := $(BENCH_SRC:%.c=$(BUILD)/%)
FUZZ_BIN   := $(FUZZ_SRC:%.c=$(BUILD)/%)

ifeq ($(V),0)
say = @printf '  %-6s %s\n' $(1) $(2);
else
say =
endif

# The manual page and what shells complete by, of the command's tables of options.
MANUAL = $(BUILD)/lunagrad.1 $(BUILD)/completion/lunagrad.bash $(BUILD)/completion/_lunagrad \
	$(BUILD)/completion/lunagrad.fish

.PHONY: thread-check tsan all deps deps-check demo check check-53 check-55 test tests debug lint $(LINTS) reference format asan valgrind oom fuzz fuzz-api bench \
	soak browser-check distro-check package-check fuzz-bin bench-bin dist abi clean help FORCE
.SECONDARY:

all: $(BUILD)/lunagrad $(LIBRARY) $(BUILD)/lunagrad.so $(MANUAL)

$(BUILD)/lunagrad: $(LUA_OBJ) $(BUILD)/libengine.a
	$(call say,LINK,$@) $(CC) $(OPT) $(CFLAGS) $(LDFLAGS) -Wl,-E -o $@ $(LUA_OBJ) \
		$(BUILD)/libengine.a $(LIBS_ENGINE) $(LIBS_COMMAND)

DATED = SOURCE_DATE_EPOCH="$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
$(BUILD)/lunagrad.1: $(BUILD)/lunagrad
	$(call say,MAN,$@) $(DATED) $(BUILD)/lunagrad help --man >$@

SHELL_OF = $(or $(patsubst .%,%,$(suffix $(1))),zsh)
$(BUILD)/completion/%: $(BUILD)/lunagrad
	$(call say,SHELL,$@) mkdir -p $(@D) && $(BUILD)/lunagrad completion $(call SHELL_OF,$(@F)) >$@

$(BUILD)/libengine.a: $(ENGINE_OBJ)
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $(ENGINE_OBJ)

# The library is one object, with Lua in it, of which the public functions alone can be seen:
# a host's own Lua is another. Lua's archive may be no PIC, which lets its uses of the C library's
# three streams move into ours only by other names (lua/host/streams.c).
LUA_ARCHIVE ?= $(call once,LUA_LIBDIR,pkg-config --variable=libdir $(LUA_PC))/lib$(LUA_PC).a
LUA_LEFT_OUT = linit.o loadlib.o loslib.o liolib.o
STREAMS = $(foreach s,stdin stdout stderr,--redefine-sym $(s)=lg__$(s))

$(BUILD)/liblua.o: $(BUILD)/flags
	$(call say,LUA,$@) rm -rf $(BUILD)/liblua && mkdir -p $(BUILD)/liblua && \
		{ [ -f "$(LUA_ARCHIVE)" ] || { echo "make: no static Lua: LUA_ARCHIVE=FILE"; exit 1; }; } && \
		(cd $(BUILD)/liblua && ar x "$(LUA_ARCHIVE)" && rm -f $(LUA_LEFT_OUT)) && \
		ld -r -o $@ $(BUILD)/liblua/*.o && objcopy $(STREAMS) $@

$(BUILD)/library.o: $(ENGINE_OBJ) $(MODULE_OBJ) $(HOST_OBJ) $(BUILD)/liblua.o engine/lunagrad.h
	$(call say,LINK,$@) sed -n 's/^LG_API [^(]*[ *]\(lg_[a-z0-9_]*\)(.*/\1/p' engine/lunagrad.h \
		>$(BUILD)/exported && $(CC) $(OPT) $(CFLAGS) -r -nostdlib -o $@ \
		$(ENGINE_OBJ) $(MODULE_OBJ) $(HOST_OBJ) $(BUILD)/liblua.o && \
		objcopy --keep-global-symbols=$(BUILD)/exported $@

$(BUILD)/liblunagrad.a: $(BUILD)/library.o
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $<

$(BUILD)/liblunagrad.so: $(BUILD)/library.o
	$(call say,LINK,$@) $(CC) $(OPT) $(CFLAGS) $(LDFLAGS) -shared -Wl,-z,text \
		-Wl,-soname,liblunagrad.so.$(SOVERSION) -o $@ $< $(LIBS_ENGINE) $(LIBS_LUA) && \
		ln -sf liblunagrad.so $@.$(SOVERSION)

# The module for a stock Lua finds Lua's functions in its host: no liblua here. Only
# luaopen_* leaves it, so that it can live beside a host's own liblunagrad.
$(BUILD)/lunagrad.so: $(MODULE_OBJ) $(BUILD)/libengine.a
	$(call say,LINK,$@) echo '{ global: luaopen_*; local: *; };' >$(BUILD)/module.map && \
		$(CC) $(OPT) $(CFLAGS) $(LDFLAGS) -shared -Wl,--version-script=$(BUILD)/module.map \
		-o $@ $(MODULE_OBJ) $(BUILD)/libengine.a $(LIBS_ENGINE) $(LIBS_LUA)

$(BUILD)/embedded.c: lua/bake.lua $(LUA_FILES) $(wildcard scripts/*.lua scripts/*/*.lua lua/meta/*.lua)
	$(call say,BAKE,$@) mkdir -p $(@D) && $(LUA) lua/bake.lua $@ lua/lunagrad \
		lunagrad.cli.kept scripts lua/meta

# The operators' prompts, for hosts that have no Lua: engine/front/built_in.h
$(BUILD)/prompts.c: lua/bake_prompts.lua $(wildcard lua/lunagrad/prompts*.lua)
	$(call say,BAKE,$@) mkdir -p $(@D) && $(LUA) lua/bake_prompts.lua $@ lua

$(BUILD)/prompts.o: $(BUILD)/prompts.c $(BUILD)/flags
	$(call say,CC,$<) $(CC) $(ALL_CFLAGS) -fvisibility=hidden -c -o $@ $<

$(BUILD)/embedded.o: $(BUILD)/embedded.c $(BUILD)/flags
	$(call say,CC,$<) $(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/engine/%.o: engine/%.c $(BUILD)/flags
	$(call say,CC,$<) mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -fvisibility=hidden -c -o $@ $<

$(BUILD)/checked/engine/%.o: engine/%.c $(BUILD)/flags
	$(call say,CHECK,$<) mkdir -p $(@D) && \
		$(CC) $(ALL_CFLAGS) $(DEBUG) -fvisibility=hidden -c -o $@ $<

$(BUILD)/checked/libengine.a: $(CHECKED_OBJ)
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $(CHECKED_OBJ)

$(BUILD)/%.o: %.c $(BUILD)/flags
	$(call say,CC,$<) mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -c -o $@ $<

# The sandbox's worker: a program of its own, with Lua in it and at fixed addresses, whose bytes
# are built into the library. It runs where nothing may be instrumented, so that it has flags of
# its own. Where there is no static C library that alone is shared. Its Lua is 5.4 wherever that is to
# be had, whatever Lua the rest is for: candidates run alike under each of them.
WORKER_PC = $(call once,PC_WORKER,pkg-config --exists lua5.4 && echo lua5.4 || echo $(LUA_PC))
WORKER_CFLAGS = $(STD) -O2 $(WARN) $(WERROR) -fno-pie -ffunction-sections -fdata-sections -MMD -MP \
	$(call once,LUA_CFLAGS,pkg-config --cflags $(WORKER_PC))
WORKER_LIBS = -Wl,-Bstatic $(call once,LUA_LIBS,pkg-config --libs $(WORKER_PC))

$(BUILD)/lua/worker/%.o: lua/worker/%.c $(BUILD)/flags
	$(call say,CC,$<) mkdir -p $(@D) && $(CC) $(WORKER_CFLAGS) -c -o $@ $<

$(BUILD)/worker: $(WORKER_OBJ)
	$(call say,LINK,$@) link="$(CC) -no-pie -Wl,--gc-sections,--wrap=time -s -o $@ $(WORKER_OBJ)"; \
		$$link -static $(WORKER_LIBS) -lm 2>/dev/null || \
		$$link $(WORKER_LIBS) -Wl,-Bdynamic -lm

$(BUILD)/worker_image.o: $(BUILD)/worker
	$(call say,BAKE,$@) printf '%s\n' '.section .rodata' '.balign 16' \
		'.globl lg__worker_image, lg__worker_image_end' \
		'.hidden lg__worker_image, lg__worker_image_end' \
		'lg__worker_image: .incbin "$(BUILD)/worker"' 'lg__worker_image_end:' \
		'.section .note.GNU-stack,"",%progbits' >$(BUILD)/worker_image.s && \
		$(CC) -c -o $@ $(BUILD)/worker_image.s

# Everything is rebuilt when the compiler or its flags change.
$(BUILD)/flags: FORCE
	@pkg-config --exists $(PKGS) || { echo "make: libraries are missing, try: make deps"; exit 1; }
	@mkdir -p $(@D); f='$(CC) $(ALL_CFLAGS) $(LDFLAGS)'; \
	[ "$$f" = "$$(cat $@ 2>/dev/null)" ] || echo "$$f" >$@

# ---- what has to be there ---------------------------------------------------------
deps:
	@.ci/deps build

deps-check:
	@.ci/deps check

# ---- running it -------------------------------------------------------------------
demo: deps
	@$(MAKE) -j$(JOBS) all
	$(BUILD)/lunagrad run scripts/prompt.lua

# ---- tests ------------------------------------------------------------------------
check: deps-check
	@$(MAKE) -j$(JOBS) all tests
	@$(MAKE) lint; LG_TEST_LINT=$$? tests/run.sh

test: deps-check
	@$(MAKE) -j$(JOBS) all tests
	@tests/run.sh

tests: $(TEST_BIN) $(BUILD)/tests/fuzz/api_fuzz

$(BUILD)/tests/fuzz/api_fuzz: $(API_SRC:%.c=$(BUILD)/%.o) $(MODULE_OBJ) $(HOST_OBJ) \
		$(CHECKED)/libengine.a
	$(call say,LINK,$@) $(CC) $(OPT) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ENGINE) $(LIBS_NET) \
		$(LIBS_COMMAND)

$(BUILD)/tests/engine/test_%: $(BUILD)/tests/engine/test_%.o $(HELPER_SRC:%.c=$(BUILD)/%.o) \
		$(CHECKED)/libengine.a
	$(call say,LINK,$@) $(CC) $(OPT) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ENGINE) $(LIBS_TEST)

# Hosts that have a Lua of their own: the binding is linked into them.
$(BUILD)/tests/engine/test_lua_%: $(BUILD)/tests/engine/test_lua_%.o $(MODULE_OBJ) \
		$(HELPER_SRC:%.c=$(BUILD)/%.o) $(CHECKED)/libengine.a
	$(call say,LINK,$@) $(CC) $(OPT) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ENGINE) $(LIBS_TEST) \
		$(LIBS_COMMAND)

# … and scripts, in the library's own: here with the Lua of the system.
SCRIPT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/engine/test_script*.c tests/engine/test_host*.c))
$(SCRIPT_TESTS): $(BUILD)/%: $(BUILD)/%.o $(MODULE_OBJ) $(HOST_OBJ) \
		$(HELPER_SRC:%.c=$(BUILD)/%.o) $(CHECKED)/libengine.a
	$(call say,LINK,$@) $(CC) $(OPT) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ENGINE) $(LIBS_TEST) \
		$(LIBS_COMMAND)

# All tests, those of the Lua side as well, on a build that checks itself. No optimizer that
# a debugger has to see through.
debug: deps-check
	@$(MAKE) BUILD=$(BUILD)/debug OPT='$(DEBUG)' -j$(JOBS) all tests
	@BUILD=$(BUILD)/debug LG_TEST_SLOW=2 tests/run.sh

# gcc's guesses about sizes and paths go astray in instrumented code
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	-Wno-format-truncation -Wno-maybe-uninitialized
asan: deps-check
	@$(MAKE) BUILD=$(BUILD)/asan OPT='$(DEBUG) $(SANITIZE)' -j$(JOBS) all tests
	@BUILD=$(BUILD)/asan LG_TEST_SLOW=4 LG_PRELOAD="$$($(CC) -print-file-name=libasan.so)" \
		tests/run.sh

VALGRIND = valgrind -q --error-exitcode=99 --leak-check=full \
	--errors-for-leak-kinds=definite,possible
valgrind:
	@.ci/deps valgrind
	@$(MAKE) -j$(JOBS) tests
	@LG_TEST_SLOW=30 LG_TEST_ONLY=c LG_TEST_WRAP='$(VALGRIND)' tests/run.sh

# The C tests with engines that have a thread of their own; what looks behind its door skips itself.
thread-check: tests
	@failed=; for t in $(TEST_BIN); do \
		LG_TEST_THREAD=1 $$t >$(BUILD)/thread.log 2>&1 || \
		{ failed="$$failed $$t"; cat $(BUILD)/thread.log; }; done; \
	[ -z "$$failed" ] || { echo "thread-check: FAILED:$$failed"; exit 1; }; echo "thread-check: ok"

# … and under ThreadSanitizer, with 10^6 random calls. libuv, libcurl and SQLite are not instrumented.
TSAN_TESTS = command durable frames gradient_pass host_thread pool promise script script_jobs stream thread timer
tsan: deps-check
	@$(MAKE) BUILD=$(BUILD)/tsan OPT='-O1 -g -fsanitize=thread' -j$(JOBS) \
		$(TSAN_TESTS:%=$(BUILD)/tsan/tests/engine/test_%) $(BUILD)/tsan/tests/fuzz/api_fuzz
	@for t in $(TSAN_TESTS); do echo "tsan: $$t"; LG_TEST_THREAD=1 LG_TEST_SECONDS=600 \
		TSAN_OPTIONS="suppressions=tests/tsan.supp" \
		$(BUILD)/tsan/tests/engine/test_$$t >$(BUILD)/tsan.log 2>&1 || \
		{ tail -n 60 $(BUILD)/tsan.log; exit 1; }; done
	@TSAN_OPTIONS="suppressions=tests/tsan.supp halt_on_error=1" \
		$(BUILD)/tsan/tests/fuzz/api_fuzz --thread --calls 1000000

# The library and the command with Lua 5.3: all Lua tests.
check-53: deps-check
	@.ci/deps lua53
	@$(MAKE) LUA=lua5.3 LUA_PC=lua5.3 BUILD=$(BUILD)/53 -j$(JOBS) all
	@LUA=lua5.3 BUILD=$(BUILD)/53 LG_TEST_ONLY=lua tests/run.sh

# … and with Lua 5.5, which not all distributions have.
check-55: deps-check
	@.ci/deps lua55
	@$(MAKE) LUA=lua5.5 LUA_PC=lua5.5 BUILD=$(BUILD)/55 -j$(JOBS) all
	@LUA=lua5.5 BUILD=$(BUILD)/55 LG_TEST_ONLY=lua tests/run.sh

# The tests that make the n-th allocation fail, for every n.
oom: deps-check
	@$(MAKE) -j$(JOBS) all tests
	@LG_TEST_FILTER='*oom*' LG_TEST_SLOW=10 tests/run.sh

fuzz:
	@.ci/deps fuzz
	@$(MAKE) CC=clang BUILD=$(BUILD)/fuzz -j$(JOBS) fuzz-bin \
		OPT='$(DEBUG) -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'
	@tests/fuzz/run.sh $(BUILD)/fuzz $(FUZZ_SECONDS)

# Random calls of the C API and of the Lua API, under sanitizers.
fuzz-api: deps-check
	@$(MAKE) BUILD=$(BUILD)/asan OPT='$(DEBUG) $(SANITIZE)' -j$(JOBS) all tests
	@BUILD=$(BUILD)/asan LG_PRELOAD="$$($(CC) -print-file-name=libasan.so)" \
		tests/fuzz/api.sh seconds $(FUZZ_SECONDS)

fuzz-bin: $(FUZZ_BIN)
$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/libengine.a
	$(call say,LINK,$@) $(CC) $(OPT) -fsanitize=fuzzer -o $@ $^ $(LIBS_ENGINE)

# A run killed 1,000 times at random, and once at each of its writes. Minutes.
soak: deps-check
	@$(MAKE) -j$(JOBS) all
	@tests/kill/run.sh 1000
	@tests/kill/every.sh

# The two commands in bare roots of other releases: tests/distro.sh. Root, network, minutes.
distro-check:
	@.ci/deps distro
	@tests/distro.sh $(DISTROS)

# Report and viewer in chromium, by playwright-core; says so where they are not there.
browser-check: all
	@tests/browser/run.sh $(BUILD)/lunagrad

# All packages, built, installed and used. Root, network (apt's), minutes.
package-check:
	@.ci/deps package
	@$(MAKE) -j$(JOBS) all
	@tests/packages/run.sh

# ---- lint -------------------------------------------------------------------------
# What failed is named at the end, and again below the tests of `make check`.
LINTS = lint-layers lint-symbols lint-abi lint-requires lint-musl lint-banned lint-text lint-format lint-lua lint-meta lint-ffi
lint: deps-check
	@mkdir -p $(BUILD)/lint
	@$(MAKE) -k -O -j$(JOBS) $(LINTS) $(C_FILES:%.c=$(BUILD)/lint/%.ok) 2>&1 | \
		tee $(BUILD)/lint/log
	@sed -n '/Waiting for/d; s/^make.*\*\*\* \[[^]]*: \([^]]*\)\].*/\1/p; s/^make.*\*\*\* //p' \
		$(BUILD)/lint/log >$(BUILD)/lint/failed; \
	[ ! -s $(BUILD)/lint/failed ] || { echo "lint: FAILED:" `cat $(BUILD)/lint/failed`; exit 1; }
	@echo "lint: ok"

lint-layers lint-banned lint-text lint-musl: lint-%:
	@tests/check_$*.sh

lint-symbols: all
	@BUILD=$(BUILD) tests/check_symbols.sh

lint-abi: $(BUILD)/liblunagrad.so
	@BUILD=$(BUILD) $(LUA) tests/abi.lua check

# Records what is new in the interface; refuses what would break programs.
abi: $(BUILD)/liblunagrad.so
	@BUILD=$(BUILD) $(LUA) tests/abi.lua record

lint-format:
	@echo "lint: clang-format" && \
		tests/judge.sh $(LINT_CLANG) clang-format --dry-run -Werror $(C_FILES) $(H_FILES)
	@$(LUA) tests/check_braces.lua $(C_FILES) $(H_FILES)

lint-lua:
	@echo "lint: luacheck" && \
		tests/judge.sh $(LINT_LUACHECK) luacheck -q --no-color $(wildcard lua scripts tests benchmarks packaging)
	@find $(wildcard lua scripts tests benchmarks packaging) -name '*.lua' | xargs $(LUA) tests/check_lua.lua

lint-requires:
	@$(LUA) tests/check_requires.lua

lint-meta: $(BUILD)/lunagrad.so
	@BUILD=$(BUILD) $(LUA) tests/check_meta.lua
	@BUILD=$(BUILD) $(LUA) lua/reference.lua --check && $(LUA) lua/c_reference.lua --check && $(LUA) lua/llms.lua --check
	@LUA_PATH="tests/lua/?.lua;;" BUILD=$(BUILD) $(LUA) tests/lua/test_reference_examples.lua >$(BUILD)/examples.log 2>&1 || \
		{ cat $(BUILD)/examples.log; exit 1; }

lint-ffi:
	@$(LUA) lua/declarations.lua --check

# The pages of docs/reference/, from the stubs; docs/c.md and what lunagrad_ffi.lua declares, from the
# header.
reference: $(BUILD)/lunagrad.so
	@mkdir -p docs/reference && BUILD=$(BUILD) $(LUA) lua/reference.lua
	@$(LUA) lua/c_reference.lua && $(LUA) lua/declarations.lua && $(LUA) lua/llms.lua

# What is there in debug builds alone is looked at as such.
CHECKS = $(if $(filter %check.c,$<),-DLG_DEBUG)
# A second compiler, and the analyzer for what is no test, for each file that changed.
$(BUILD)/lint/%.ok: %.c .clang-tidy $(H_FILES)
	$(call say,LINT,$<) mkdir -p $(@D) && \
		tests/judge.sh $(LINT_CLANG) clang $(STD) -O2 $(WARN) -Werror $(PKG_CFLAGS) \
			$(CHECKS) -fsyntax-only $< && \
		$(if $(filter tests/%,$<),,tests/judge.sh $(LINT_CLANG) clang-tidy --quiet \
			--warnings-as-errors='*' $< -- $(STD) $(CHECKS) $(PKG_CFLAGS) &&) touch $@

format:
	$(LUA) tests/check_braces.lua --fix $(C_FILES) $(H_FILES)
	clang-format -i $(C_FILES) $(H_FILES)

# ---- benchmarks -------------------------------------------------------------------
bench:
	@.ci/deps bench
	@$(MAKE) -j$(JOBS) all bench-bin
	@benchmarks/run.sh

bench-bin: $(BENCH_BIN)
$(BUILD)/benchmarks/%: $(BUILD)/benchmarks/%.o $(BUILD)/libengine.a
	$(call say,LINK,$@) $(CC) $(OPT) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ENGINE) $(LIBS_NET)

$(BUILD)/benchmarks/host_bench $(BUILD)/benchmarks/script_bench: $(BUILD)/benchmarks/%_bench: $(BUILD)/benchmarks/%_bench.o $(BUILD)/liblunagrad.a
	$(call say,LINK,$@) $(CC) $(OPT) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ENGINE) $(LIBS_LUA)

# ---- installing and packing -------------------------------------------------------
include packaging/rules.mk

DIST = lunagrad-$(VERSION)
dist:
	@mkdir -p $(BUILD) && tar --exclude='*~' --sort=name --owner=0 --group=0 --numeric-owner \
		--mtime="@$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 0)}" \
		--transform='s,^,$(DIST)/,' -czf $(BUILD)/$(DIST).tar.gz $(wildcard engine lua scripts \
		benchmarks tests docs packaging Makefile README.md LICENSE .ci .clang-format .clang-tidy \
		.luacheckrc .gitignore)
	@echo $(BUILD)/$(DIST).tar.gz

clean:
	rm -rf $(BUILD)

help:
	@echo "make            build $(BUILD)/lunagrad, liblunagrad.a and .so, and the Lua module lunagrad.so"
	@echo "make demo       install what is missing, build, and improve a prompt on the embedded model"
	@echo "make check      install what is missing, build, lint, test; ends with the counts"
	@echo "make test       the tests alone;  make lint    the checks alone;  make format  lay out C"
	@echo "make debug      the tests on a build that checks itself and begins with small buffers"
	@echo "make asan       tests under address and undefined-behaviour sanitizers"
	@echo "make check-53   the Lua tests with Lua 5.3;  make check-55   with Lua 5.5"
	@echo "make valgrind   C tests under valgrind;  make oom     every allocation fails once"
	@echo "make fuzz       each parser for FUZZ_SECONDS ($(FUZZ_SECONDS)) seconds"
	@echo "make fuzz-api   random calls of the C and Lua APIs, for as long, under sanitizers"
	@echo "make soak       a run is killed 1,000 times, and at each of its writes"
	@echo "make browser-check  report and viewer in chromium, where playwright-core is there"
	@echo "make package-check  each package is built, installed and used"
	@echo "make distro-check  demo and check in bare roots of $(DISTROS)"
	@echo "make bench      the table of limits, measured (benchmarks/README.md)"
	@echo "make install    to PREFIX ($(PREFIX)), below DESTDIR if set;  make uninstall  takes it away"
	@echo "make deb, rock, amalgamation, static, abi, package-check: docs/internals/packaging.md"
	@echo "make dist       a source tarball in $(BUILD);  make clean   remove $(BUILD)"
	@echo "Settings: CC BUILD PREFIX DESTDIR OPT CFLAGS LDFLAGS LUA LUA_PC FUZZ_SECONDS DISTROS JOBS V=1"

-include $(wildcard $(BUILD)/*.d $(foreach d,engine/* engine/*/* checked/engine/* checked/engine/*/* lua/* tests tests/* benchmarks,$(BUILD)/$(d)/*.d))
