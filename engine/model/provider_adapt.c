/* provider_adapt.c - see provider_adapt.h. */
#include "model/provider_adapt.h"

#include <string.h>

#include "model/provider_wire.h"

#define TELL "Answer with one JSON object and nothing else. It must fit this JSON Schema:\n"

/* What writes as "JSON", whatever is in it: the schema is told in words. */
static char any_json[] = "{}", schema_name[] = "schema";

/* ---- what is to be done ------------------------------------------------ */

static bool is_named(const lg_pair *o, const char *name)
{
    return strcmp(o->name, name) == 0;
}

/* How much of the wish for a form of answer is left: none of it, "JSON", or all. */
static unsigned lost_of(const lg_ask *ask)
{
    unsigned lost = ask->model->learned & (LG_LEARNED_NO_SCHEMA | LG_LEARNED_NO_FORMAT);
    lost |= (ask->model->quirks & LG_QUIRK_JSON_OBJECT) ? LG_LEARNED_NO_SCHEMA : 0;
    bool wished = lg__wire_option(ask, "schema") || lg__wire_option(ask, "response_format");
    return wished ? lost : 0;
}

static bool is_system(const char *role)
{
    return strcmp(role, "system") == 0 || strcmp(role, "developer") == 0;
}

static bool is_part(const lg_ask_part *t)
{
    return strcmp(t->role, LG_PART) == 0;
}

/* No message at all. */
static bool is_description(const lg_ask_part *t)
{
    return strncmp(t->role, "describe ", strlen("describe ")) == 0;
}

/* Whether the message that begins at message i is text alone. */
static bool is_words(const lg_ask *ask, size_t i)
{
    bool words = ask->parts[i].media == LG_MEDIA_TEXT;
    for (i++; i < ask->n_parts && is_part(&ask->parts[i]); i++)
        words = words && ask->parts[i].media == LG_MEDIA_TEXT;

    return words;
}

/* ---- messages ---------------------------------------------------------- */

/* The role that an instruction has which is not folded. */
static const char *role_of(const lg_model *model, const char *role)
{
    if (is_system(role) && (model->learned & LG_LEARNED_NO_SYSTEM))
        return "user"; /* what is no text cannot be folded */

    bool developer = strcmp(role, "developer") == 0;
    return developer && (model->learned & LG_LEARNED_NO_DEVELOPER) ? "system" : role;
}

static void put_calls(lg_adapted *a, lg_ask_part t)
{
    a->parts[a->ask.n_parts++] = t;
}

/* Copies all messages but instructions, which go into the words: each of them when they are
 * folded, else, where more words follow, the first message. → the role of the first taken. */
static const char *take_instructions(const lg_ask *ask, bool fold, bool more, lg_adapted *a)
{
    const char *role = NULL;
    bool taking = false, first = true, fresh = false;
    for (size_t i = 0; i < ask->n_parts; i++) {
        lg_ask_part t = ask->parts[i];
        if (is_description(&t)) {
            put_calls(a, t);
            continue;
        }
        if (!is_part(&t)) {
            taking = (fold || (more && first)) && is_system(t.role) && is_words(ask, i);
            first = false;
            t.role = role_of(ask->model, t.role);
            fresh = a->words.len > 0;
            role = taking && !role ? t.role : role;
        }
        if (taking) {
            lg__bytes_adds(&a->words, fresh && t.len > 0 ? "\n\n" : "");
            lg__bytes_add(&a->words, t.text, t.len);
            fresh = fresh && t.len == 0;
        } else {
            put_calls(a, t);
        }
    }
    return role;
}

static void add_schema(const lg_ask *ask, lg_bytes *b)
{
    const lg_json *schema = NULL;
    lg_json *root = lg__wire_schema(ask, b, &schema);
    bool told = schema || lg__wire_option(ask, "schema");
    if (told)
        lg__bytes_adds(b, b->len > 0 ? "\n\n" TELL : TELL);

    if (schema)
        lg__json_write(b, schema);

    lg__json_free(b->mem, root);
}

static void put_first(lg_adapted *a, const char *role)
{
    memmove(a->parts + 1, a->parts, a->ask.n_parts * sizeof *a->parts);
    a->parts[0] =
        (lg_ask_part){role, a->words.data ? a->words.data : "", a->words.len, LG_MEDIA_TEXT};
    a->ask.n_parts++;
}

/* The words before the first message, when it is the user's; one of their own else. */
static void put_folded(lg_adapted *a)
{
    size_t i = 0;
    while (i < a->ask.n_parts && is_description(&a->parts[i]))
        i++;

    lg_ask_part *first = i < a->ask.n_parts ? &a->parts[i] : NULL;
    if (!first || (strcmp(first->role, "user") != 0 && !is_part(first))) {
        put_first(a, "user");
    } else if (first->media == LG_MEDIA_TEXT) {
        lg__bytes_adds(&a->words, "\n\n");
        lg__bytes_add(&a->words, first->text, first->len);
        first->text = a->words.data;
        first->len = a->words.len;
    } else {
        memmove(first + 1, first, (a->ask.n_parts - i) * sizeof *first);
        first[1].role = LG_PART;
        *first = (lg_ask_part){"user", a->words.data, a->words.len, LG_MEDIA_TEXT};
        a->ask.n_parts++;
    }
}

static int adapt_parts(const lg_ask *ask, unsigned lost, lg_adapted *a)
{
    bool fold = (ask->model->learned & LG_LEARNED_NO_SYSTEM) != 0;
    a->cap_parts = ask->n_parts + 1;
    a->parts = lg__mem_new(a->mem, a->cap_parts * sizeof *a->parts);
    if (!a->parts)
        return LG_ENOMEM;

    a->ask.parts = a->parts;
    a->ask.n_parts = 0;
    const char *role = take_instructions(ask, fold, lost != 0, a);
    if (lost)
        add_schema(ask, &a->words);

    if (a->words.err || (a->words.len == 0 && !role))
        return a->words.err;

    if (!fold)
        put_first(a, role ? role : "system");
    else if (a->words.len > 0)
        put_folded(a);

    return a->words.err;
}

/* ---- options ----------------------------------------------------------- */

static int adapt_options(const lg_ask *ask, unsigned lost, lg_adapted *a)
{
    const lg_json *schema = NULL;
    lg_json *root = lg__wire_schema(ask, &a->words, &schema);
    bool told = schema || lg__wire_option(ask, "schema");
    lg__json_free(a->mem, root);
    a->cap_options = ask->n_options + 1;
    a->options = lg__mem_new(a->mem, a->cap_options * sizeof *a->options);
    if (!a->options || a->words.err)
        return LG_ENOMEM;

    size_t n = 0;
    for (size_t i = 0; i < ask->n_options; i++) {
        bool form =
            is_named(&ask->options[i], "schema") || is_named(&ask->options[i], "response_format");
        if (!form || (!told && !(lost & LG_LEARNED_NO_FORMAT)))
            a->options[n++] = ask->options[i];
    }
    if (told && !(lost & LG_LEARNED_NO_FORMAT))
        a->options[n++] = (lg_pair){schema_name, any_json};

    a->ask.options = a->options;
    a->ask.n_options = n;
    return LG_OK;
}

/* ---- all of it --------------------------------------------------------- */

int lg__adapt(lg_mem *m, const lg_ask *ask, lg_adapted *a)
{
    unsigned lost = lost_of(ask);
    unsigned roles = ask->model->learned & (LG_LEARNED_NO_SYSTEM | LG_LEARNED_NO_DEVELOPER);
    *a = (lg_adapted){.ask = *ask, .mem = m};
    lg__bytes_init(&a->words, m, LG_BYTES_MAX);
    int err = lost ? adapt_options(ask, lost, a) : LG_OK;
    return err || !(lost || roles) ? err : adapt_parts(ask, lost, a);
}

void lg__adapt_free(lg_adapted *a)
{
    lg__bytes_free(&a->words);
    lg__mem_free(a->mem, a->parts, a->cap_parts * sizeof *a->parts);
    lg__mem_free(a->mem, a->options, a->cap_options * sizeof *a->options);
}
