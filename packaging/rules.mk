# rules.mk - installing and packing; a part of the Makefile, whose names it uses.
# docs/install.md is for who installs, docs/internals/packaging.md for who packs.

# ---- installing: packaging/install.sh says what ---------------------------------
# BINDIR LIBDIR INCLUDEDIR DATADIR MANDIR LUA_CMODDIR ZSHDIR: below PREFIX, unless set
INSTALL_ENV = BUILD='$(BUILD)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' BINDIR='$(BINDIR)' \
	LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' DATADIR='$(DATADIR)' MANDIR='$(MANDIR)' \
	LUA_CMODDIR='$(LUA_CMODDIR)' ZSHDIR='$(ZSHDIR)' VERSION='$(VERSION)' SOVERSION='$(SOVERSION)' \
	PKGS_LIBRARY='$(PKGS_LIBRARY)'

.PHONY: install uninstall module deb rock amalgamation static

install: all
	@$(INSTALL_ENV) packaging/install.sh install

uninstall:
	@$(INSTALL_ENV) packaging/install.sh uninstall

# ---- one C file -------------------------------------------------------------------
# In the order of the folders' ranks (tests/layers.txt), then what make itself writes.
AMALGAM_RANKS = base model net child graph store sched front
AMALGAM_SRC = $(foreach r,$(AMALGAM_RANKS),$(wildcard engine/$(r)/*.c engine/$(r)/*/*.c)) \
	$(MODULE_SRC) $(HOST_SRC) $(BUILD)/embedded.c $(patsubst %.o,%.c,$(filter %/prompts.o,$(ENGINE_OBJ)))
AMALGAM = $(BUILD)/amalgamation

amalgamation: $(AMALGAM)/lunagrad.c $(AMALGAM)/lunagrad.h

$(AMALGAM)/lunagrad.h: engine/lunagrad.h
	@mkdir -p $(@D) && cp $< $@

$(AMALGAM)/lunagrad.c: packaging/amalgamate.lua packaging/amalgamation.txt $(AMALGAM_SRC) \
		$(H_FILES) $(BUILD)/worker
	$(call say,BAKE,$@) mkdir -p $(@D) && { echo '/* lunagrad $(VERSION), as one file' && \
		sed 's/@PKGS@/$(PKGS_LIBRARY) $(LUA_PC)/; s,^, * ,; s, *$$,,' packaging/amalgamation.txt LICENSE && \
		echo ' */'; } >$(AMALGAM)/head && PKG_CFLAGS='$(PKG_CFLAGS)' $(LUA) \
		packaging/amalgamate.lua $@ $(BUILD)/worker $(AMALGAM)/head $(AMALGAM_SRC)

# ---- packages ---------------------------------------------------------------------
# From what `make dist` takes, in trees of their own below $(BUILD).
deb: dist
	@BUILD='$(BUILD)' JOBS='$(JOBS)' packaging/deb.sh $(BUILD)/$(DIST).tar.gz $(VERSION)

rock: dist
	@BUILD='$(BUILD)' packaging/rock.sh $(BUILD)/$(DIST).tar.gz $(VERSION)

module: $(BUILD)/lunagrad.so

# One file that needs the C library alone: packaging/static.sh says what is in it.
static: $(LUA_OBJ) $(ENGINE_OBJ)
	@mkdir -p $(BUILD)/static && CFLAGS='$(CFLAGS)' LDFLAGS='$(LDFLAGS)' \
		packaging/static.sh $(BUILD)/static/lunagrad $(LUA_OBJ) $(ENGINE_OBJ)
