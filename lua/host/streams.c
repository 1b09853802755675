/* streams.c - where the library's own Lua would find the C library's streams (see the Makefile).
 * Nothing that uses them can be reached in a state of ours. */
#include <stdio.h>

extern FILE *const lg__stdin, *const lg__stdout, *const lg__stderr;

FILE *const lg__stdin = NULL;
FILE *const lg__stdout = NULL;
FILE *const lg__stderr = NULL;
