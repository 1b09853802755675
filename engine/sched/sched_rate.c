/* sched_rate.c - allowances: so many requests and tokens in a minute.
 *
 * A limit is what the user states, what the server's headers say, or what its refusals
 * teach; the smallest counts. Calls are spread: a tenth of a minute's worth may go at
 * once, the rest as it is earned, and no minute, wherever it begins, holds more than 99%
 * of the limit, so that it does not matter how the server counts. Tokens are foreseen
 * before a call and corrected by its bill. When the server says that less is left than
 * we know of (others use the same key), its word counts. */
#include <string.h>

#include "sched/sched_internal.h"

enum { BURST = 10, STRICT_BURST = 100, SPARE = 100 }; /* parts of a limit */
enum { FIRST_OUTPUT = 256, LEARN_MIN = 20, GROWTH = 20 };
static const int64_t PACE_US = 2000000, PACE_GROWS_US = 6000000;
static const double WORTH_MOST = 3600e6; /* an hour */
static const double PACE_BELOW = 0.98, PACE_STEP = 0.01, PACE_STEP_MOST = 0.5;
static const int64_t SLACK_MS = 61000; /* a limit that comes back later is of no minute */

/* ---- one allowance --------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller_known(int64_t a, int64_t b)
{
    return a > 0 && b > 0 ? least(a, b) : most(a, b);
}

/* 0: not known. */
static int64_t limit_of(const lg_allowance *a)
{
    return smaller_known(smaller_known(a->stated, a->said), a->learned);
}

/* 0: not known. It is how calls are spread; the limit is what a minute may hold. */
static int64_t pace_of(const lg_allowance *a)
{
    return smaller_known(limit_of(a), (int64_t)a->pace);
}

/* When n of it are earned. A server that counts beyond reason is not waited for so long. */
static int64_t worth_us(int64_t n, int64_t limit)
{
    double us = (double)n * (double)LG_MINUTE_US / (double)limit;
    return us > WORTH_MOST    ? (int64_t)WORTH_MOST
           : us < -WORTH_MOST ? -(int64_t)WORTH_MOST
                              : (int64_t)us;
}

static int64_t *half_at(lg_allowance *a, int64_t half)
{
    return &a->halves[half % LG_HALVES];
}

static void pass_time(lg_allowance *a, int64_t now)
{
    int64_t half = now / LG_HALF_US;
    if (half - a->half >= LG_HALVES) {
        memset(a->halves, 0, sizeof a->halves);
        a->sum = 0;
        a->half = half;
    }
    while (a->half < half) {
        int64_t *oldest = half_at(a, ++a->half);
        a->sum -= *oldest;
        *oldest = 0;
    }
}

static void take(lg_allowance *a, int64_t n, int64_t now)
{
    int64_t limit = pace_of(a);
    pass_time(a, now);
    *half_at(a, a->half) += n;
    a->sum += n;
    a->taken += (uint32_t)n;
    a->gate_left -= n;
    if (limit > 0)
        a->earned_us = least(most(a->earned_us, now) + worth_us(n, limit), now + LG_MINUTE_US);
}

/* It was n more, or less, that r took. What the server said behind it has that in it. */
static void correct(lg_allowance *a, const lg_request *r, int64_t n, int64_t now)
{
    int64_t limit = pace_of(a), half = r->sent_us / LG_HALF_US;
    pass_time(a, now);
    if (n != 0 && a->half - half < LG_HALVES) {
        *half_at(a, half) += n;
        a->sum += n;
        a->gate_left -= r->seq > a->gate_seq ? n : 0;
        int64_t far = now + LG_CLOCK_END / 2; /* bills without measure must not sum up beyond */
        a->earned_us = least(a->earned_us + (limit > 0 ? worth_us(n, limit) : 0), far);
    }
}

/* Until no minute holds too much. */
static int64_t window_wait(lg_allowance *a, int64_t n, int64_t limit, int64_t now)
{
    int64_t cap = limit - limit / SPARE;
    pass_time(a, now);
    int64_t over = a->sum + least(n, cap) - cap;
    for (int64_t half = a->half - LG_HALVES + 1; over > 0 && half <= a->half; half++) {
        over -= half >= 0 ? *half_at(a, half) : 0;
        if (over <= 0)
            return (half + LG_HALVES) * LG_HALF_US;
    }
    return 0;
}

static int64_t pace_wait(const lg_allowance *a, int64_t now)
{
    int64_t at = a->earned_us - LG_MINUTE_US / (a->strict ? STRICT_BURST : BURST);
    return at > now ? at : 0;
}

/* Until the server has as much as is needed. */
static int64_t gate_wait(lg_allowance *a, int64_t n, int64_t now)
{
    if (a->gate_us <= now) {
        a->gate_us = 0;
        return 0;
    }
    int64_t lacks = least(n, a->gate_limit - a->gate_limit / SPARE) - a->gate_left;
    int64_t at = a->gate_us;
    if (a->gate_earns && lacks > 0)
        at = least(at, a->gate_at_us + worth_us(lacks, a->gate_limit) + 1);

    bool patient = at - now <= INT64_C(1000) * LG_PATIENCE_MS;
    return lacks > 0 && at > now && patient ? at : 0;
}

static int64_t wait(lg_allowance *a, int64_t n, int64_t now)
{
    int64_t limit = limit_of(a);
    int64_t at = a->gate_us > 0 ? gate_wait(a, n, now) : 0;
    if (pace_of(a) > 0 && n > 0)
        at = most(at, pace_wait(a, now));

    if (limit > 0 && n > 0)
        at = most(at, window_wait(a, n, limit, now));

    return at;
}

/* ---- what a call needs ------------------------------------------------------- */

static int32_t narrow(int64_t tokens)
{
    return (int32_t)most(0, least(tokens, INT32_MAX / 4));
}

static int64_t guess_input(lg_request *r)
{
    if (r->guess == 0) {
        int64_t sum = 4;
        for (size_t i = 0; i < r->n_parts; i++) {
            const lg_text *t = r->part_texts[i];
            sum += 4 + (int64_t)lg_token_estimate(t->data, t->len);
        }
        r->guess = narrow(sum);
    }
    return r->guess;
}

static bool counts_tokens(const lg_lane *l)
{
    const lg_allowance *a = l->allowances;
    for (int i = LG_LIMIT_TOKENS; i < LG_LIMITS; i++) {
        if (limit_of(&a[i]) > 0 || a[i].gate_us > 0)
            return true;
    }
    return false;
}

static void foresee(lg_request *r)
{
    const lg_lane *l = r->lane;
    r->needs[0] = r->needs[1] = 0;
    if (counts_tokens(l)) {
        int64_t longest = lg__ledger_worst_output(r);
        double output = l->mean_output < 0 ? (double)FIRST_OUTPUT : l->mean_output + 1;
        r->needs[0] = narrow((int64_t)((double)guess_input(r) * l->input_ratio) + 1);
        r->needs[1] = narrow(least(longest, (int64_t)output));
    }
}

static void spell(const int32_t tokens[2], int64_t needs[LG_LIMITS])
{
    needs[LG_LIMIT_REQUESTS] = 1;
    needs[LG_LIMIT_TOKENS] = (int64_t)tokens[0] + tokens[1];
    needs[LG_LIMIT_INPUT] = tokens[0];
    needs[LG_LIMIT_OUTPUT] = tokens[1];
}

int64_t lg__rate_wait(lg_request *r, int64_t now)
{
    int64_t needs[LG_LIMITS], at = 0;
    foresee(r);
    spell(r->needs, needs);
    for (int i = 0; i < LG_LIMITS; i++)
        at = most(at, wait(&r->lane->allowances[i], needs[i], now));

    return at > now ? at : 0;
}

void lg__rate_take(lg_request *r, int64_t now)
{
    int64_t needs[LG_LIMITS];
    spell(r->needs, needs);
    for (int i = 0; i < LG_LIMITS; i++)
        take(&r->lane->allowances[i], needs[i], now);

    r->marks[0] = r->lane->allowances[LG_LIMIT_REQUESTS].taken;
    r->marks[1] = r->lane->allowances[LG_LIMIT_INPUT].taken;
    r->marks[2] = r->lane->allowances[LG_LIMIT_OUTPUT].taken;
    r->taken = true;
}

static uint32_t mark_of(const lg_request *r, int what)
{
    switch (what) {
    case LG_LIMIT_REQUESTS:
        return r->marks[0];
    case LG_LIMIT_INPUT:
        return r->marks[1];
    case LG_LIMIT_OUTPUT:
        return r->marks[2];
    default: /* tokens are both */
        return r->marks[1] + r->marks[2];
    }
}

void lg__rate_refund(lg_request *r, int64_t now)
{
    int64_t needs[LG_LIMITS];
    spell(r->needs, needs);
    for (int i = 0; r->taken && i < LG_LIMITS; i++)
        correct(&r->lane->allowances[i], r, -needs[i], now);

    r->taken = false;
}

/* ---- what it was -------------------------------------------------------------- */

static int64_t sane(int64_t tokens)
{
    return most(0, least(tokens, INT64_C(1) << 40));
}

/* Cached input is on the common bill, and not on that of input alone (Anthropic). */
static void bill(lg_request *r, const lg_usage *u, int64_t now)
{
    lg_allowance *a = r->lane->allowances;
    int64_t in = sane(u->input), out = sane(u->output), fresh = most(0, in - sane(u->cached));
    correct(&a[LG_LIMIT_TOKENS], r, in + out - r->needs[0] - r->needs[1], now);
    correct(&a[LG_LIMIT_INPUT], r, fresh - r->needs[0], now);
    correct(&a[LG_LIMIT_OUTPUT], r, out - r->needs[1], now);
}

static void learn_size(lg_request *r, const lg_usage *u)
{
    lg_lane *l = r->lane;
    double in = (double)sane(u->input), out = (double)sane(u->output);
    if (r->guess > 0 && in > 0) {
        double ratio = in / (double)r->guess;
        ratio = ratio < 0.1 ? 0.1 : ratio > 10 ? 10 : ratio;
        l->input_ratio += (ratio - l->input_ratio) / 16;
    }
    l->mean_output = l->mean_output < 0 ? out : l->mean_output + (out - l->mean_output) / 16;
}

/* ---- the server's word ---------------------------------------------------------- */

/* What was sent behind r is not in it yet. An older reply's word is no news. */
static void set_gate(lg_allowance *a, const lg_server_limit *h, uint64_t seq, uint32_t mark,
                     int64_t now)
{
    if (seq < a->gate_seq || h->remaining < 0 || h->reset_ms <= 0)
        return;

    int64_t gone = h->limit - h->remaining;
    double period = gone > 0 ? (double)h->reset_ms * (double)h->limit / (double)gone : 0;
    a->gate_seq = seq;
    a->gate_limit = h->limit;
    a->gate_left = h->remaining - (int64_t)(a->taken - mark);
    a->gate_at_us = now;
    a->gate_us = now + least(h->reset_ms, INT64_C(1) << 40) * 1000;
    a->gate_earns = period > 54000 && period < 66000;
}

static void hear(lg_request *r, const lg_server_limit *said, int64_t now)
{
    bool apart = said[LG_LIMIT_INPUT].limit > 0 && said[LG_LIMIT_OUTPUT].limit > 0;
    for (int i = 0; i < LG_LIMITS; i++) {
        lg_allowance *a = &r->lane->allowances[i];
        const lg_server_limit *h = &said[i];
        if (h->limit > 0 && !(apart && i == LG_LIMIT_TOKENS)) { /* then the tighter of both */
            a->said = h->reset_ms <= SLACK_MS ? h->limit : 0;
            set_gate(a, h, r->seq, mark_of(r, i), now);
        }
    }
}

void lg__rate_settle(lg_request *r, const lg_attempt *a, int64_t now)
{
    if (r->reply.has_usage) {
        bill(r, &r->reply.usage, now);
        learn_size(r, &r->reply.usage);
    }
    if (a)
        hear(r, a->limits, now);
}

/* ---- what refusals teach ---------------------------------------------------------- */

static bool has_line(const lg_lane *lane)
{
    bool any = false;
    for (int i = 0; i < LG_LINES; i++)
        any = any || lane->lines[i].count > 0;

    return any;
}

/* What it took while there was always more to ask, between one refusal and the next, is what
 * it earns. */
static void learn_pace(lg_allowance *a, int64_t now)
{
    int64_t us = now - a->seen_us;
    if (a->seen_us > 0 && us >= PACE_US && a->seen >= LEARN_MIN) {
        double rate = (double)a->seen / (double)us * (double)LG_MINUTE_US;
        a->pace = rate * PACE_BELOW;
        a->pace_us = now;
        a->seen_us = now;
        a->seen = 0;
    }
    a->pace_step = PACE_STEP;
}

/* A good reply. The longer nothing is refused, the larger the steps up. */
static void grow_pace(lg_lane *lane, lg_allowance *a, int64_t now)
{
    a->seen++;
    if (a->seen_us == 0 || !has_line(lane)) {
        a->seen_us = now;
        a->seen = 0;
    }
    if (a->pace > 0 && now - a->pace_us >= PACE_GROWS_US) {
        a->pace += a->pace * a->pace_step;
        a->pace_step = a->pace_step < PACE_STEP_MOST ? a->pace_step * 2 : PACE_STEP_MOST;
        a->pace_us = now;
    }
}

void lg__rate_silence(lg_lane *lane)
{
    lane->allowances[LG_LIMIT_REQUESTS].seen_us = 0;
}

/* A server that refuses again and again what is alone has had enough of this minute: what
 * it took of it is its limit. A lower one later is believed when it is not far from that. */
void lg__rate_refused(lg_lane *lane, int64_t now, bool full)
{
    lg_allowance *a = &lane->allowances[LG_LIMIT_REQUESTS];
    for (int i = 0; i < LG_LIMITS; i++)
        lane->allowances[i].strict = true;

    pass_time(a, now);
    if (a->stated || a->said)
        return;

    learn_pace(a, now);
    if (!full || a->sum < LEARN_MIN || a->sum < a->learned / 2)
        return;

    a->learned = a->learned ? least(a->learned, a->sum) : a->sum;
    a->learned_us = now;
}

void lg__rate_grow(lg_lane *lane, int64_t now)
{
    lg_allowance *a = &lane->allowances[LG_LIMIT_REQUESTS];
    grow_pace(lane, a, now);
    if (a->learned > 0 && now - a->learned_us >= LG_MINUTE_US) {
        a->learned += a->learned / GROWTH;
        a->learned_us = now;
    }
}
