# rules.mk - installing and packing; a part of the Makefile, whose names it uses.
# docs/install.md is for who installs, docs/internals/packaging.md for who packs.

# ---- installing: packaging/install.sh says what ---------------------------------
# BINDIR LIBDIR INCLUDEDIR DATADIR MANDIR LUA_CMODDIR: below PREFIX, unless set
INSTALL_ENV = BUILD='$(BUILD)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' BINDIR='$(BINDIR)' \
	LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' DATADIR='$(DATADIR)' MANDIR='$(MANDIR)' \
	LUA_CMODDIR='$(LUA_CMODDIR)' VERSION='$(VERSION)' SOVERSION='$(SOVERSION)' \
	PKGS_LIBRARY='$(PKGS_LIBRARY)'

.PHONY: install uninstall module deb rock amalgamation static package-check

install: all
	@$(INSTALL_ENV) packaging/install.sh install

uninstall:
	@$(INSTALL_ENV) packaging/install.sh uninstall
