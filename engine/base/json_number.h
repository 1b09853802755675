/* json_number.h - the numbers of JSON as texts: what a double keeps of them, and how one is
 * written. See json.h for the readers; no tree here. */
#ifndef LG_JSON_NUMBER_H
#define LG_JSON_NUMBER_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any double in its shortest form. */
enum { LG_NUMBER_SIZE = 32 };

/* The calling thread reads and writes numbers as C does until lg__c_leave. *own is 0
 * where there was no memory for it. */
locale_t lg__c_enter(locale_t *own);
void lg__c_leave(locale_t own, locale_t before);

/* The shortest form that reads back the same; integers below 1e15 have no exponent. The
 * locale must be C, and x finite. */
void lg__number_shortest(char out[LG_NUMBER_SIZE], double x);
/* The same for texts that people and models read: a float looks like one ("1.0", "0.1", "1e+15").
 * false: no memory. x is finite; any locale. */
bool lg__number_for_people(char out[LG_NUMBER_SIZE], double x);
/* Is a JSON number written as lg__number_shortest writes the double that it is read as? May
 * say no where it is so; an integer of up to 15 digits always is. */
bool lg__number_is_plain(const char *s, size_t len);
/* A JSON number, without fraction and exponent, that fits in 64 bits. */
bool lg__number_integer(const char *s, int64_t *out);
/* Do two JSON numbers have the same value, whatever they look like? Linear in their lengths. */
bool lg__number_same(const char *a, const char *b);

#endif
