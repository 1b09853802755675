/* sched_ledger.c - what calls cost, and the limits on it.
 *
 * Money is whole micro-dollars. An attempt's worst case is set aside before it is
 * sent: every byte a token, and as many tokens out as the call allows. What is paid
 * without a bill (a broken connection, a reply without usage) counts against the
 * caps as its worst case. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/provider.h"
#include "sched/sched_internal.h"

enum { TURN_TOKENS = 8, CALL_TOKENS = 16 }; /* what chat templates add, at most */

/* ---- arithmetic that stays at its end ------------------------------------ */

static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t times(int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static void grow(uint64_t *sum, int64_t by)
{
    *sum = __builtin_add_overflow(*sum, (uint64_t)by, sum) ? UINT64_MAX : *sum;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t least_zero(int64_t x)
{
    return larger(x, 0);
}

/* ---- prices ---------------------------------------------------------------- */

static bool is_priced(const lg_model *m)
{
    return m->price_input >= 0 && m->price_output >= 0;
}

static int64_t known(int64_t price, int64_t otherwise)
{
    return price >= 0 ? price : otherwise;
}

/* The prices above the first n tiers' numbers, none of them -1; above: theirs. */
static lg_price_tier prices(const lg_model *m, size_t n)
{
    lg_price_tier p = {0, m->price_input, m->price_output, known(m->price_cached, m->price_input),
                       known(m->price_cache_write, m->price_input)};
    for (size_t i = 0; i < n; i++) {
        const lg_price_tier *t = &m->tiers[i];
        p.above = t->above;
        p.cached = known(t->cached, known(t->input, p.cached));
        p.cache_write = known(t->cache_write, known(t->input, p.cache_write));
        p.input = known(t->input, p.input);
        p.output = known(t->output, p.output);
    }
    return p;
}

/* How many tiers begin below so many tokens of input. */
static size_t tiers_below(const lg_model *m, int64_t input)
{
    size_t n = 0;
    while (n < m->n_tiers && m->tiers[n].above < input)
        n++;

    return n;
}

/* Of a sum of tokens times prices: whole micro-dollars, rounded up. */
static int64_t in_micros(int64_t sum)
{
    return add(sum, 999999) / 1000000;
}

/* Tokens of which some are pictures' at a price of their own. */
static int64_t mixed(int64_t tokens, int64_t price, int64_t pictures, int64_t picture_price)
{
    int64_t p = picture_price < 0 ? 0 : pictures < tokens ? pictures : tokens;
    return add(times(tokens - p, price), times(p, least_zero(picture_price)));
}

/* -1: not known. Cached and written tokens are part of the input. */
static int64_t cost(const lg_model *m, const lg_reply *r)
{
    const lg_usage *u = &r->usage;
    if (!is_priced(m))
        return -1;

    lg_price_tier p = prices(m, tiers_below(m, u->input));
    int64_t plain = least_zero(u->input - u->cached - u->cache_write);
    int64_t sum = mixed(plain, p.input, r->image_in, m->price_image_input);
    sum = add(sum, times(u->cached, p.cached));
    sum = add(sum, times(u->cache_write, p.cache_write));
    sum = add(sum, mixed(u->output, p.output, r->image_out, m->price_image_output));
    return in_micros(sum);
}

/* What is set aside is given back to the last token, so its sums may not end: no attempt
 * counts for more than this. */
static int64_t most_aside(int64_t n)
{
    return n < LG_MOST_TOKENS ? n : LG_MOST_TOKENS;
}

/* ---- the worst case of an attempt ------------------------------------------ */

static int64_t option_int(const lg_request *r, const char *name, int64_t otherwise)
{
    for (size_t i = 0; i < r->n_options; i++) {
        if (strcmp(r->options[i].name, name) == 0) {
            char *end;
            long long n = strtoll(r->options[i].value, &end, 10);
            return end != r->options[i].value && n > 0 ? n : otherwise;
        }
    }
    return otherwise;
}

/* Nobody knows how long its answer can become. */
static bool is_endless(const lg_request *r)
{
    return r->model->max_output < 0 && option_int(r, "max_tokens", 0) == 0 &&
           option_int(r, "max_completion_tokens", 0) == 0;
}

int64_t lg__ledger_worst_output(const lg_request *r)
{
    int64_t known = r->model->max_output;
    if (r->model->provider && r->model->provider->vectors)
        return 0;

    int64_t one = option_int(r, "max_tokens", known > 0 ? known : LG_USUAL_OUTPUT);
    one = option_int(r, "max_completion_tokens", one);
    return times(one, option_int(r, "n", 1));
}

/* Of as many tokens or fewer: whichever tier they may come to lie in. */
static int64_t worst_cost(const lg_model *m, int64_t in, int64_t out)
{
    int64_t worst = 0;
    for (size_t n = tiers_below(m, in) + 1; n-- > 0;) {
        lg_price_tier p = prices(m, n);
        int64_t most = larger(larger(p.cached, p.input), p.cache_write);
        most = larger(most, m->price_image_input);
        int64_t drawn = larger(p.output, m->price_image_output);
        int64_t micros = in_micros(add(times(in, most), times(out, drawn)));
        worst = micros > worst ? micros : worst;
    }
    return worst;
}

/* Schemas and tools are read by the model, too; small options are not worth a count. */
static int64_t option_tokens(const lg_request *r)
{
    int64_t sum = 0;
    for (size_t i = 0; i < r->n_options; i++) {
        const char *value = r->options[i].value;
        sum = add(sum, value[0] == '{' || value[0] == '[' ? (int64_t)strlen(value) : 0);
    }
    return sum;
}

static void estimate(lg_request *r)
{
    const lg_model *m = r->model;
    int64_t in = add(CALL_TOKENS, option_tokens(r)), out = lg__ledger_worst_output(r);
    for (size_t i = 0; i < r->n_parts; i++)
        in = add(in, TURN_TOKENS + (int64_t)r->part_texts[i]->len);

    r->worst_tokens = most_aside(add(in, out));
    bool known = is_priced(m) && !is_endless(r);
    r->worst_micros = !m->provider ? 0 : known ? most_aside(worst_cost(m, in, out)) : -1;
}

/* ---- admission ------------------------------------------------------------- */

/* Whether `more` still fits: yes, when others have finished, or never. */
static int fits(uint64_t cap, uint64_t used, uint64_t reserved, int64_t more)
{
    uint64_t want = (uint64_t)more;
    if (cap == 0 || (used <= cap && want <= cap - used && reserved <= cap - used - want))
        return LG_ADMIT;

    return used <= cap && want <= cap - used && reserved > 0 ? LG_LATER : LG_REFUSE;
}

static void reach(lg_sched *s, int cap)
{
    if (s->stats.cap == LG_CAP_NONE)
        s->stats.cap = cap;
}

bool lg__ledger_late(lg_sched *s, int64_t now)
{
    int64_t most = s->cfg.max_time_ms;
    if (most > 0 && now - s->start_us >= times(most, 1000))
        reach(s, LG_CAP_TIME);

    return s->stats.cap != LG_CAP_NONE;
}

int64_t lg__ledger_due(const lg_sched *s)
{
    return s->cfg.max_time_ms > 0 ? add(s->start_us, times(s->cfg.max_time_ms, 1000)) : INT64_MAX;
}

static int refuse_unpriced(lg_sched *s, lg_request *r)
{
    lg_fail *f = &r->reply.fail;
    lg__fail_set(f, s->mem, LG_EINVAL, "%s: %s not known, so a limit of cost cannot be kept",
                 r->model->name,
                 is_priced(r->model) ? "the most that a call of it may cost is" : "its price is");
    lg__fail_hint(f, s->mem,
                  is_priced(r->model) ? "limit calls instead, or set no limit of cost"
                                      : "give the model's prices, or set no limit of cost");
    return LG_REFUSE;
}

static int refuse(lg_sched *s, lg_request *r)
{
    static const char *const names[] = {"", "max_calls", "max_tokens", "max_cost", "max_time"};
    const lg_sched_config *c = &s->cfg;
    lg_fail *f = &r->reply.fail;
    int cap = s->stats.cap;
    uint64_t most[] = {0, c->max_calls, c->max_tokens, c->max_micros, (uint64_t)c->max_time_ms};
    if (cap == LG_CAP_COST) {
        lg__fail_set(f, s->mem, LG_ECAP,
                     "%s: the limit %s = %" PRIu64 ".%06" PRIu64 " dollars is reached",
                     r->model->name, names[cap], most[cap] / 1000000, most[cap] % 1000000);
    } else {
        lg__fail_set(f, s->mem, LG_ECAP, "%s: the limit %s = %" PRIu64 "%s is reached",
                     r->model->name, names[cap], most[cap], cap == LG_CAP_TIME ? " ms" : "");
    }
    lg__fail_hint(f, s->mem, "what was bought so far is kept; run it again with a higher limit");
    return LG_REFUSE;
}

bool lg__ledger_spares(const lg_sched *s, const lg_request *r)
{
    const lg_sched_config *c = &s->cfg;
    int64_t tokens = r->worst_tokens, micros = least_zero(r->worst_micros);
    return fits(c->max_calls, s->used_calls, 0, 1) == LG_ADMIT &&
           fits(c->max_tokens, s->used_tokens, s->stats.reserved_tokens, tokens) == LG_ADMIT &&
           fits(c->max_micros, s->used_micros, s->stats.reserved_micros, micros) == LG_ADMIT;
}

int lg__ledger_admit(lg_sched *s, lg_request *r, int64_t now)
{
    const lg_sched_config *c = &s->cfg;
    if (r->worst_tokens == 0)
        estimate(r);

    if (lg__ledger_late(s, now))
        return refuse(s, r);

    if (c->max_micros > 0 && r->worst_micros < 0)
        return refuse_unpriced(s, r);

    int calls = fits(c->max_calls, s->used_calls, 0, 1);
    int tokens = fits(c->max_tokens, s->used_tokens, s->stats.reserved_tokens, r->worst_tokens);
    int money =
        fits(c->max_micros, s->used_micros, s->stats.reserved_micros, least_zero(r->worst_micros));
    if (calls == LG_REFUSE || tokens == LG_REFUSE || money == LG_REFUSE) {
        reach(s, calls == LG_REFUSE    ? LG_CAP_CALLS
                 : tokens == LG_REFUSE ? LG_CAP_TOKENS
                                       : LG_CAP_COST);
        return refuse(s, r);
    }
    return tokens == LG_LATER || money == LG_LATER ? LG_LATER : LG_ADMIT;
}

/* ---- the books ------------------------------------------------------------- */

void lg__ledger_reserve(lg_sched *s, lg_request *r)
{
    r->reserved = true;
    s->used_calls++;
    s->stats.reserved_tokens += (uint64_t)r->worst_tokens;
    s->stats.reserved_micros += (uint64_t)least_zero(r->worst_micros);
}

static void release(lg_sched *s, lg_request *r)
{
    if (r->reserved) {
        r->reserved = false;
        s->stats.reserved_tokens -= (uint64_t)r->worst_tokens;
        s->stats.reserved_micros -= (uint64_t)least_zero(r->worst_micros);
    }
}

static void charge_worst(lg_sched *s, const lg_request *r)
{
    grow(&s->used_tokens, r->worst_tokens);
    grow(&s->used_micros, least_zero(r->worst_micros));
}

void lg__ledger_unsent(lg_sched *s, lg_request *r)
{
    if (r->reserved)
        s->used_calls--;

    release(s, r);
}

void lg__ledger_lost(lg_sched *s, lg_request *r)
{
    release(s, r);
    charge_worst(s, r);
}

static void add_usage(lg_sched *s, int kind, const lg_usage *u)
{
    lg_usage *sum = &s->stats.usage[kind];
    sum->input = add(sum->input, u->input);
    sum->cached = add(sum->cached, u->cached);
    sum->cache_write = add(sum->cache_write, u->cache_write);
    sum->output = add(sum->output, u->output);
    sum->reasoning = add(sum->reasoning, u->reasoning);
}

/* Cost as far as it can be known; the provider's own word wins. */
static void find_cost(lg_request *r)
{
    lg_reply *p = &r->reply;
    if (!r->model->provider)
        p->micros = 0;
    else if (p->micros < 0 && p->has_usage)
        p->micros = cost(r->model, p);
}

void lg__ledger_settle(lg_sched *s, lg_request *r)
{
    const lg_reply *p = &r->reply;
    bool good = p->fail.code == LG_OK, paid = good || p->has_usage || p->micros >= 0;
    release(s, r);
    if (!paid && !p->fail.ambiguous)
        return;

    s->stats.useless += paid && (!good || r->is_twin) ? 1 : 0;
    find_cost(r);
    if (p->has_usage) {
        add_usage(s, r->kind, &p->usage);
        grow(&s->used_tokens, least_zero(add(p->usage.input, p->usage.output)));
    } else {
        grow(&s->used_tokens, r->worst_tokens);
    }
    if (paid && p->micros >= 0) {
        grow(&s->stats.micros, p->micros);
        grow(&s->stats.micros_by_kind[r->kind], p->micros);
        grow(&s->used_micros, p->micros);
    } else {
        s->stats.unpriced += paid ? 1 : 0;
        grow(&s->used_micros, least_zero(r->worst_micros));
    }
}
