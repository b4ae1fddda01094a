# SPDX-License-Identifier: Apache-2.0
# The one build system of Fuse.
#
#   make            build/fuse, build/libfusetl.a, build/libfusetl.so
#   make demo       installs what is missing, builds, runs examples/minilm
#   make test       installs what is missing, builds, runs every test (minutes)
#   make check      layers, sizes, unit tests, language tests, examples of the docs (seconds)
#   make soak       fuzzing, valgrind, thread sanitizer (FUZZ_SECONDS=600 for each fuzz target)
#   make neon       the tests built for aarch64, under an emulator (minutes)
#   make bench      speed, side by side with the peers (BENCH_ARGS='--only P2 --threads 1')
#   make bless      rewrites the expected outputs of the tests; read the diff
#   make install    PREFIX=/usr/local DESTDIR=
#
# Variables: CC=gcc|clang, SAN=1 (address and undefined behaviour), SAN=thread, SAN=fuzz, WERROR=1,
# V=1 (print commands), BUILD=folder, CFLAGS, LDFLAGS.

ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -rR --no-print-directory -j$(shell nproc)
endif
ifneq ($(filter default undefined,$(origin CC)),)
CC := gcc
endif
SAN_NAME_1 := san
SAN_NAME_thread := tsan
SAN_NAME_fuzz := fuzz
BUILD ?= build$(if $(SAN),/$(SAN_NAME_$(SAN)))
FUZZ_SECONDS ?= 600
Q := $(if $(V),,@)
comma := ,
say = $(if $(V),,@echo "  $(1)	$(2)")

VERSION := $(shell sed -n 's/^.define FTL_VERSION "\(.*\)".*/\1/p' include/fusetl.h)
SONAME := libfusetl.so.$(firstword $(subst ., ,$(VERSION)))
PKGS := jansson libzip zlib
ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))

# ---- flags ----
SAN_1 := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DFTL_VERIFY
SAN_thread := -O1 -fsanitize=thread -DFTL_VERIFY
SAN_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -DFTL_VERIFY
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -ldl -lpthread -lm
COMPILE = $(CC) -std=c17 -D_GNU_SOURCE -Iinclude $(WARN) $(CFLAGS) $(SAN_$(SAN)) -fPIC -pthread \
          -fvisibility=hidden -fno-math-errno -MMD -MP $(PKG_CFLAGS)
LINK = $(CC) $(CFLAGS) $(SAN_$(SAN)) -pthread $(LDFLAGS)

# The kernels of the native backend are compiled once for each instruction set.
ISAS_x86_64 := base avx2 avx512
ISAS_aarch64 := base neon
ISAS := $(or $(ISAS_$(ARCH)),base)
ISA_avx2 := -mavx2 -mfma -mf16c
ISA_avx512 := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mf16c -mprefer-vector-width=512
ISA_FLAGS := $(if $(SAN),,-O3) -ffp-contract=fast -fno-trapping-math -Wno-pass-failed

# ---- what there is ----
SRC := $(wildcard src/*/*.c src/*/*/*.c src/backend/native/logic/*.c)
ISA_SRC := $(wildcard src/backend/native/isa/*.c)
CLI := $(wildcard cli/*.c)
UNIT := $(wildcard tests/unit/test_*.c tests/fault/test_*.c)
API := $(wildcard tests/api/test_*.c)
SUPPORT := $(filter-out $(UNIT),$(wildcard tests/unit/*.c))
FUZZ := $(wildcard fuzz/fuzz_*.c)
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB_OBJ := $(call obj,$(SRC)) \
           $(foreach i,$(ISAS),$(patsubst %.c,$(BUILD)/obj/%.$(i).o,$(ISA_SRC)))
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(UNIT) $(API)) $(BUILD)/tests/libcount.so
FUSE := $(if $(CLI),$(BUILD)/fuse)

.PHONY: all demo deps test test-programs check bench soak fuzz fuzz-programs bless \
        neon install uninstall clean changed
.SECONDARY .DELETE_ON_ERROR:

all: $(FUSE) $(BUILD)/libfusetl.a $(BUILD)/libfusetl.so

# ---- building ----
# Changes when the compiler or the flags change, so that everything is built again.
FLAGS_NOW := $(COMPILE) $(LDFLAGS)
$(BUILD)/flags: $(if $(findstring $(FLAGS_NOW),$(file <$(BUILD)/flags)),,changed)
	@pkg-config --exists $(PKGS) || { echo "make: $(PKGS): not all are installed; run 'make deps'"; exit 1; }
	@mkdir -p $(@D)
	@echo '$(FLAGS_NOW)' > $@

$(BUILD)/obj/tests/api/%.o $(BUILD)/obj/cli/%.o $(BUILD)/obj/bench/%.o: ROOMS =
$(BUILD)/obj/%.o: ROOMS = -Isrc
$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) $(ROOMS) $(if $(WERROR),-Werror) -c $< -o $@

define isa_rule
$(BUILD)/obj/%.$(1).o: %.c $(BUILD)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$< ($(1)))
	$$(Q)$$(COMPILE) -Isrc $$(if $$(WERROR),-Werror) $(ISA_FLAGS) $(ISA_$(1)) -DFTL_ISA=$(1) -c $$< -o $$@
endef
$(foreach i,$(ISAS),$(eval $(call isa_rule,$(i))))

$(BUILD)/libfusetl.a: $(LIB_OBJ) $(BUILD)/flags
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(if $(AR),$(AR),ar) rcs $@ $(LIB_OBJ)

$(BUILD)/libfusetl.so: $(LIB_OBJ) $(BUILD)/flags
	$(call say,LD,$@)
	$(Q)$(LINK) -shared -Wl,-soname,$(SONAME)$(if $(SAN),, -Wl$(comma)--no-undefined) -o $@ $(LIB_OBJ) $(LIBS)
	$(Q)ln -sf libfusetl.so $(BUILD)/$(SONAME)

$(BUILD)/fuse: $(call obj,$(CLI)) $(BUILD)/libfusetl.a
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(call obj,$(SUPPORT)) $(BUILD)/libfusetl.a
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ -lcmocka $(LIBS)

# Programs of tests/api see what a user sees: the installed header and the shared library.
$(BUILD)/tests/api/%: $(BUILD)/obj/tests/api/%.o $(BUILD)/libfusetl.so
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $< -L$(BUILD) -lfusetl -Wl,-rpath,$(abspath $(BUILD)) -lcmocka -lm
$(BUILD)/tests/lib%.so: $(BUILD)/obj/tests/blas/%.o
	$(Q)mkdir -p $(@D) && $(LINK) -shared -o $@ $<

$(BUILD)/obj/bench/micro.o $(BUILD)/obj/bench/logic.o: ROOMS = -Isrc
$(BUILD)/bench/driver $(BUILD)/bench/micro $(BUILD)/bench/logic: $(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(BUILD)/libfusetl.a
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(BUILD)/fuzz_%: $(BUILD)/obj/fuzz/fuzz_%.o $(BUILD)/libfusetl.a
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS)

-include $(shell test -d $(BUILD)/obj && find $(BUILD)/obj -name '*.d')

# ---- testing ----
deps: ; @tools/deps build test demo

demo:
	@tools/deps build demo
	@$(MAKE) all
	@examples/demo $(abspath $(BUILD)/fuse)

test-programs: all $(TESTS)

check: test-programs
	@tests/run --build $(BUILD) check

test:
	@tools/deps build test demo
	@$(MAKE) test-programs
	@$(MAKE) SAN=1 BUILD=$(BUILD)/san test-programs
	@tests/run --build $(BUILD) --san $(BUILD)/san --full check corpus san fault oracle install

fuzz:
	@$(MAKE) CC=clang SAN=fuzz BUILD=$(BUILD)/fuzz fuzz-programs
fuzz-programs: $(patsubst fuzz/%.c,$(BUILD)/%,$(FUZZ))

soak: test-programs fuzz
	@$(MAKE) SAN=thread BUILD=$(BUILD)/tsan test-programs
	@tests/run --build $(BUILD) --full --seconds $(FUZZ_SECONDS) fuzz valgrind threads
neon:
	@tools/deps build test arm64 && tests/run --build $(BUILD) --full neon

bless: all ; @tests/run --build $(BUILD) --bless lang docs

bench:
	@tools/deps build bench
	@$(MAKE) all $(BUILD)/bench/driver
	@.deps/bench/bin/python bench/run.py --driver $(BUILD)/bench/driver --fuse $(BUILD)/fuse $(BENCH_ARGS)

# ---- installing ----
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
D := $(DESTDIR)
SHARE := $(PREFIX)/share
SHARED := man/man1/fuse.1 bash-completion/completions/fuse zsh/site-functions/_fuse fish/vendor_completions.d/fuse.fish

install: all
	install -Dm 644 include/fusetl.h $(D)$(PREFIX)/include/fusetl.h
	install -Dm 644 $(BUILD)/libfusetl.a $(D)$(LIBDIR)/libfusetl.a
	install -d $(D)$(LIBDIR)/pkgconfig
	install $(BUILD)/libfusetl.so $(D)$(LIBDIR)/libfusetl.so.$(VERSION)
	ln -sf libfusetl.so.$(VERSION) $(D)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(D)$(LIBDIR)/libfusetl.so
	sed -e 's|@PREFIX@|$(PREFIX)|;s|@LIBDIR@|$(LIBDIR)|;s|@VERSION@|$(VERSION)|' fusetl.pc.in > $(D)$(LIBDIR)/pkgconfig/fusetl.pc
ifdef FUSE
	install -D $(FUSE) $(D)$(PREFIX)/bin/fuse
	install -d $(addprefix $(D)$(SHARE)/,$(dir $(SHARED)))
	$(FUSE) man > $(D)$(SHARE)/$(word 1,$(SHARED))
	$(FUSE) completion bash > $(D)$(SHARE)/$(word 2,$(SHARED))
	$(FUSE) completion zsh > $(D)$(SHARE)/$(word 3,$(SHARED))
	$(FUSE) completion fish > $(D)$(SHARE)/$(word 4,$(SHARED))
endif
	@echo "installed below $(D)$(PREFIX); run ldconfig as root, or link with -Wl,-rpath,$(LIBDIR), so that libfusetl.so is found"

uninstall:
	rm -f $(D)$(PREFIX)/bin/fuse $(D)$(PREFIX)/include/fusetl.h $(D)$(LIBDIR)/libfusetl.* \
	    $(D)$(LIBDIR)/pkgconfig/fusetl.pc $(addprefix $(D)$(SHARE)/,$(SHARED))

clean: ; rm -rf $(BUILD)
