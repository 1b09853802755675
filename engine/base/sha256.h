/* sha256.h - SHA-256 (FIPS 180-4) of bytes in memory: names for bodies that other
 * programs can work out too. The engine's own keys are lg__digest's. */
#ifndef LG_SHA256_H
#define LG_SHA256_H

#include <stddef.h>

void lg__sha256(const void *data, size_t len, unsigned char out[32]);

#endif
