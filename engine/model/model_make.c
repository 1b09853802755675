/* model_make.c - a model out of its config: checked, copied, its dialect found.
 *
 * What it is afterwards, and what is learned of it, is model.c's. */
#include "model/model.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "model/provider.h"

/* ---- checks ------------------------------------------------------------ */

/* What may follow the colon of a header: anything a line break cannot hide in. */
static bool is_header_value(const char *s)
{
    for (; *s; s++) {
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7F)
            return false;
    }
    return true;
}

static bool is_header_name(const char *s)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t len = strlen(s);
    return len > 0 && strspn(s, token) == len && strcasecmp(s, "Content-Length") != 0 &&
           strcasecmp(s, "Transfer-Encoding") != 0;
}

/* NULL: fine. */
static const char *url_problem(const char *url)
{
    const char *host = NULL;
    if (strncasecmp(url, "http://", 7) == 0)
        host = url + 7;
    else if (strncasecmp(url, "https://", 8) == 0)
        host = url + 8;

    if (!host || strcspn(host, "/?#:") == 0)
        return "base_url must look like https://host/path";

    size_t authority = strcspn(host, "/?#");
    if (memchr(host, '@', authority))
        return "base_url must not hold a user name or password; use api_key or headers";

    if (strchr(host, '#'))
        return "base_url must not hold a fragment (#)";

    for (const char *c = url; *c; c++) {
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7F)
            return "base_url must not hold blanks, control characters or non-ASCII";
    }
    return NULL;
}

static const char *tiers_problem(const lg_model_config *cfg)
{
    if (cfg->n_tiers > LG_PRICE_TIERS || (cfg->n_tiers > 0 && !cfg->tiers))
        return "a model has at most 4 tiers of prices";

    for (size_t i = 0; i < cfg->n_tiers; i++) {
        const lg_price_tier *t = &cfg->tiers[i];
        if (t->above <= (i > 0 ? t[-1].above : 0))
            return "tiers of prices must begin above 0, each above the one before";

        if (t->input < -1 || t->output < -1 || t->cached < -1 || t->cache_write < -1)
            return "the prices of a tier must not be negative (-1: as below it)";
    }
    return NULL;
}

static const char *names_problem(const lg_model_config *cfg)
{
    if (!cfg->name || !cfg->name[0] || !lg__model_is_line(cfg->name))
        return "a model needs a name: one line of UTF-8";

    if (cfg->model && !lg__model_is_line(cfg->model))
        return "model must be one line of UTF-8";

    if (cfg->key_name && !lg__model_is_line(cfg->key_name))
        return "key_name must be one line of UTF-8";

    if (cfg->api_key && (!is_header_value(cfg->api_key) || strchr(cfg->api_key, ' ')))
        return "the key must not hold blanks or control characters";

    if (cfg->price_input < -1 || cfg->price_output < -1 || cfg->price_cached < -1 ||
        cfg->price_cache_write < -1 || cfg->price_image_input < -1 ||
        cfg->price_image_output < -1 || cfg->max_output < -1)
        return "prices and max_output must not be negative (-1: not known)";

    if (cfg->requests_per_minute < 0 || cfg->tokens_per_minute < 0)
        return "requests_per_minute and tokens_per_minute must not be negative";

    return cfg->concurrency < 0 ? "concurrency must not be negative" : tiers_problem(cfg);
}

static const char *hedge_problem(const lg_model_config *c)
{
    static const int64_t longest_ms = INT64_C(1000) * 60 * 60 * 24;
    int p = c->hedge_percentile;
    if (!(c->hedge_budget >= 0 && c->hedge_budget <= 1))
        return "hedge_budget is a part of the calls, from 0 to 1";

    if (c->hedge_after_ms < 0 || c->hedge_after_ms > longest_ms)
        return "hedge_after_ms is negative, or more than a day";

    if (p != 0 && (p < 50 || p > 99))
        return "hedge_percentile is not from 50 to 99";

    bool one = (c->hedge_after_ms > 0) != (p > 0);
    return c->hedge_budget > 0 && !one
               ? "hedging needs hedge_after_ms or hedge_percentile, not both"
               : NULL;
}

static const char *config_problem(const lg_model_config *cfg, const char **field)
{
    bool host = cfg->dialect && strcmp(cfg->dialect, "host") == 0;
    const struct lg_provider *p = lg__provider_find(cfg->dialect);
    bool nowhere = host || lg__provider_is_program(p);
    if (!host && !p) {
        *field = "dialect";
        return "unknown dialect";
    }
    if (nowhere && cfg->base_url) {
        *field = "base_url";
        return host ? "a host model has no base_url" : "a program has no base_url";
    }
    if (!host && (!cfg->model || !cfg->model[0]))
        return "model (the server's name of it) is missing";

    if (!nowhere && !cfg->base_url) {
        *field = "base_url";
        return "base_url is missing";
    }
    for (size_t i = 0; i < cfg->n_headers; i++) {
        const lg_option *h = &cfg->headers[i];
        if (!h->name || !is_header_name(h->name))
            return "an extra header has a name that is not allowed";

        if (!h->json || !is_header_value(h->json))
            return "an extra header's value holds control characters";
    }
    const char *why = nowhere ? NULL : url_problem(cfg->base_url);
    *field = why ? "base_url" : NULL;
    why = why ? why : hedge_problem(cfg);
    return why ? why : names_problem(cfg);
}

/* ---- making ------------------------------------------------------------ */

static int copy_headers(lg_model *model, const lg_option *from, size_t n)
{
    model->headers = n > 0 ? lg__mem_zero(model->mem, n * sizeof *model->headers) : NULL;
    model->n_headers = model->headers ? n : 0;
    for (size_t i = 0; i < model->n_headers; i++) {
        lg_pair *to = &model->headers[i];
        to->name = lg__mem_strdup(model->mem, from[i].name);
        to->value = lg__mem_strdup(model->mem, from[i].json);
        if (!to->name || !to->value)
            return LG_ENOMEM;
    }
    return model->n_headers < n ? LG_ENOMEM : LG_OK;
}

/* One option into the sorted list; an equal name is replaced. 0, LG_ENOMEM. */
static int option_insert(lg_model *model, const lg_option *o)
{
    char *value = lg__mem_strdup(model->mem, o->json);
    if (!value)
        return LG_ENOMEM;

    size_t at = 0;
    while (at < model->n_options && strcmp(model->options[at].name, o->name) < 0)
        at++;

    lg_pair *slot = &model->options[at];
    if (at < model->n_options && strcmp(slot->name, o->name) == 0) {
        lg__mem_strfree(model->mem, slot->value);
        slot->value = value;
        return LG_OK;
    }
    char *name = lg__mem_strdup(model->mem, o->name);
    if (!name) {
        lg__mem_strfree(model->mem, value);
        return LG_ENOMEM;
    }
    memmove(slot + 1, slot, (model->n_options - at) * sizeof *slot);
    *slot = (lg_pair){name, value};
    model->n_options++;
    return LG_OK;
}

/* The list has room for cfg's n_options; equal names leave places at its end free. */
static int copy_options(lg_model *model, const lg_model_config *cfg, const char **why)
{
    for (size_t i = 0; i < cfg->n_options; i++) {
        int err = lg__model_option_check(model->mem, &cfg->options[i], why);
        err = err ? err : option_insert(model, &cfg->options[i]);
        if (err)
            return err;
    }
    return LG_OK;
}

static bool copy_string(lg_mem *m, char **to, const char *from)
{
    *to = lg__mem_strdup(m, from);
    return *to || !from;
}

static int copy_config(lg_model *model, const lg_model_config *cfg, const char **why)
{
    lg_mem *m = model->mem;
    const char *key = cfg->api_key && cfg->api_key[0] ? cfg->api_key : NULL;
    if (!copy_string(m, &model->dialect, cfg->dialect) ||
        !copy_string(m, &model->name, cfg->name) ||
        !copy_string(m, &model->model, cfg->model ? cfg->model : cfg->name) ||
        !copy_string(m, &model->base_url, cfg->base_url) || !copy_string(m, &model->api_key, key) ||
        !copy_string(m, &model->key_name, cfg->key_name))
        return LG_ENOMEM;

    if (cfg->n_options > 0) {
        model->options = lg__mem_zero(m, cfg->n_options * sizeof *model->options);
        model->cap_options = model->options ? cfg->n_options : 0;
    }
    if (model->cap_options < cfg->n_options)
        return LG_ENOMEM;

    int err = copy_headers(model, cfg->headers, cfg->n_headers);
    return err ? err : copy_options(model, cfg, why);
}

/* ---- quirks ------------------------------------------------------------ */

static unsigned quirk_of(const char *word)
{
    static const struct {
        const char *word;
        unsigned flag;
    } known[] = {
        {"no_stream_usage", LG_QUIRK_NO_STREAM_USAGE},
        {"json_object", LG_QUIRK_JSON_OBJECT},
        {"developer", LG_QUIRK_DEVELOPER},
        {"tool_any", LG_QUIRK_TOOL_ANY},
        {"responses", LG_QUIRK_RESPONSES},
        {"old_version", LG_QUIRK_OLD_VERSION},
        {"v1", LG_QUIRK_V1},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].word, word) == 0)
            return known[i].flag;
    }
    return 0;
}

/* One word: "a>b", "-a" or a flag. */
static int read_quirk(lg_model *model, char *word, const char **why)
{
    char *becomes = strchr(word, '>');
    if (word[0] == '-')
        return lg__model_repair(model, word + 1, NULL);

    if (becomes) {
        *becomes = '\0';
        return lg__model_repair(model, word, becomes + 1);
    }
    unsigned flag = quirk_of(word);
    model->quirks |= flag;
    *why = flag ? NULL : "quirks holds a word that is none";
    return flag ? LG_OK : LG_EINVAL;
}

static int read_quirks(lg_model *model, const char *quirks, const char **why)
{
    char *copy = lg__mem_strdup(model->mem, quirks), *rest = copy;
    int err = copy || !quirks ? LG_OK : LG_ENOMEM;
    for (char *word; !err && rest && (word = strsep(&rest, " ")) != NULL;) {
        err = word[0] ? read_quirk(model, word, why) : LG_OK;
        err = err == LG_ESTATE ? LG_EINVAL : err;
    }
    lg__mem_free(model->mem, copy, quirks ? strlen(quirks) + 1 : 0);
    if (err == LG_EINVAL && !*why)
        *why = "quirks renames a field twice, or one that has no other name";

    return err;
}

int lg__model_make(lg_mem *m, const lg_model_config *cfg, lg_model **out, const char **why,
                   const char **field)
{
    const char *unasked;
    field = field ? field : &unasked;
    *out = NULL;
    const char *none;
    field = field ? field : &none;
    *field = NULL;
    *why = config_problem(cfg, field);
    if (*why)
        return LG_EINVAL;

    lg_model *model = lg__mem_zero(m, sizeof *model);
    if (!model)
        return LG_ENOMEM;

    model->refs = 1;
    model->mem = m;
    model->concurrency = cfg->concurrency;
    model->no_memo = cfg->no_memo || cfg->fresh;
    model->fresh = cfg->fresh;
    model->keep_thinking = cfg->keep_thinking;
    model->stop_repetition = cfg->stop_repetition;
    model->tag = cfg->tag;
    model->price_input = cfg->price_input;
    model->price_output = cfg->price_output;
    model->price_cached = cfg->price_cached;
    model->price_cache_write = cfg->price_cache_write;
    model->price_image_input = cfg->price_image_input;
    model->price_image_output = cfg->price_image_output;
    for (size_t i = 0; i < cfg->n_tiers; i++)
        model->tiers[model->n_tiers++] = cfg->tiers[i];

    model->max_output = cfg->max_output != 0 ? cfg->max_output : LG_USUAL_OUTPUT;
    model->requests_per_minute = cfg->requests_per_minute;
    model->tokens_per_minute = cfg->tokens_per_minute;
    model->provider = lg__provider_find(cfg->dialect);
    model->hedge_budget = cfg->hedge_budget;
    model->hedge_after_us = cfg->hedge_after_ms * 1000;
    model->hedge_percentile = cfg->hedge_percentile;
    int err = copy_config(model, cfg, why);
    if (!err) {
        err = read_quirks(model, cfg->quirks, why);
        *field = err == LG_EINVAL ? "quirks" : NULL;
    }
    if (err) {
        lg__model_destroy(model);
        return err;
    }
    *out = model;
    return LG_OK;
}
