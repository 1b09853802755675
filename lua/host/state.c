/* state.c - a Lua state of the library's own: memory, slices, death. See host.h. */
#include "binding/clean.h"
#include "host/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- clocks -------------------------------------------------------------------- */

static int64_t clock_of(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t lh_clock_us(void)
{
    return clock_of(CLOCK_MONOTONIC);
}

static int64_t cpu_now(void)
{
    return clock_of(CLOCK_THREAD_CPUTIME_ID);
}

/* ---- death ----------------------------------------------------------------- */

_Noreturn void lh_die(lh_state *s, int code, const char *fmt, ...)
{
    va_list ap;
    s->dead = code;
    va_start(ap, fmt);
    vsnprintf(s->why, sizeof s->why, fmt, ap);
    va_end(ap);
    longjmp(*s->base, 1);
}

/* Numbers, cases and order of texts are the same whatever the host's locale. */
static locale_t plain_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0); /* it is a constant of the C library's */
}

bool lh_guard(lh_state *s, void (*fn)(lh_state *s, void *ud), void *ud)
{
    jmp_buf here, *before = s->base;
    if (s->dead || !s->L)
        return false;
    locale_t outside = uselocale(plain_locale());
    if (!before) {
        s->cpu_begin = cpu_now();
        s->hold_end = lh_clock_us() + LH_HOLD_US / 4;
    }
    s->base = &here;
    if (setjmp(here) == 0)
        fn(s, ud);
    s->base = before;
    uselocale(outside);
    return !s->dead;
}

/* ---- memory ---------------------------------------------------------------- */

/* As lua_Alloc. */
static void *resize(lh_state *s, void *p, size_t old_size, size_t size)
{
    lh_block *b = p ? (lh_block *)p - 1 : NULL;
    if (size == 0) {
        if (b) {
            b->prev->next = b->next;
            b->next->prev = b->prev;
            lg__party_alloc(s->party, b, sizeof *b + old_size, 0);
        }
        return NULL;
    }
    b = lg__party_alloc(s->party, b, b ? sizeof *b + old_size : 0, sizeof *b + size);
    if (!b)
        return NULL;
    if (!p) {
        b->prev = &s->blocks;
        b->next = s->blocks.next;
    }
    b->prev->next = b->next->prev = b;
    b->size = size;
    return b + 1;
}

static void free_lost(lh_state *s)
{
    while (s->blocks.next != &s->blocks) {
        lh_block *b = s->blocks.next;
        resize(s, b + 1, b->size, 0);
    }
    s->used = s->large = 0;
}

/* A stack that must not move is about to, or has moved and the old one goes (size 0). */
static void check_stack(lh_state *s, void *block, size_t old_size, size_t size)
{
    lua_State *L = lh_joining(&s->stacks, s->chain, block, old_size);
    if (!L)
        return;
    if (size == 0) {
        lh_finish_move(&s->stacks, L, s->fresh, s->fresh_size);
        resize(s, block, old_size, 0);
        s->used -= old_size;
    }
    lh_die(s, LG_ELIMIT, "stack: a metamethod __concat needs more of it than this Lua gives");
}

static void count_large(lh_state *s, size_t before, size_t size)
{
    s->large += size >= LH_LARGE ? size : 0;
    s->large -= before >= LH_LARGE ? before : 0;
    if (size >= LH_LARGE && size > before && s->chain)
        lh_pace(s, s->chain->L);
}

/* In a state that lives it never says no: Lua would collect in the midst of things then, of which
 * 5.4.4 has died, and its code would catch it. */
static void *allocate(void *ud, void *block, size_t old_size, size_t size)
{
    lh_state *s = ud;
    size_t before = block ? old_size : 0, most = s->limits.memory;
    if (size > before && most && !s->closing && size - before > most - s->used) {
        if (!s->base)
            return NULL;
        lh_die(s, LG_ELIMIT, "memory: its Lua state needs more than %zu bytes", most);
    }
    if (s->doomed && s->chain)
        lh_die(s, LG_ELIMIT, "memory: a text, JSON or an index needs more than %zu bytes", most);
    if (most && s->chain && lg__party_bytes(s->party) > 2 * most)
        lh_die(s, LG_ELIMIT, "memory: its variables need more than %zu bytes", most);
    if (s->stacks.fragile && block && s->chain)
        check_stack(s, block, before, size);
    void *made = resize(s, block, before, size);
    if (!made && size > 0) {
        if (s->closing || !s->base)
            return NULL;
        lh_die(s, LG_ENOMEM, "out of memory");
    }
    if (!block && old_size == 0) {
        s->fresh = made;
        s->fresh_size = size;
    }
    s->used = s->used - before + size;
    s->peak = s->used > s->peak ? s->used : s->peak;
    count_large(s, before, size);
    return made;
}

void *lh_alloc(void *party, void *block, size_t old_size, size_t size)
{
    return lg__party_alloc(party, block, block ? old_size : 0, size);
}

/* Of what the binding keeps beside Lua. The code that asks could not be left from here: it is told
 * that there is no memory, and the state dies soon. */
static void *allocate_beside(void *ud, void *block, size_t old_size, size_t size)
{
    lh_state *s = ud;
    size_t before = block ? old_size : 0, most = s->limits.memory;
    s->doomed = s->doomed || (most && size > before && size - before > most - s->beside);
    void *made = s->doomed && size > before ? NULL : resize(s, block, before, size);
    if (made || size == 0)
        s->beside = s->beside - before + size;
    return made;
}

static bool charge(void *ud, size_t before, size_t now, bool for_good)
{
    lh_state *s = ud;
    s->beside = s->beside - before + now;
    bool over = s->limits.memory && s->beside > s->limits.memory;
    s->doomed = s->doomed || (over && for_good);
    return !over;
}

/* ---- time ------------------------------------------------------------------ */

lh_state *lh_state_of(lua_State *L)
{
    lh_state *s;
    memcpy(&s, lua_getextraspace(L), sizeof s);
    return s;
}

static void check_cpu(lh_state *s, int64_t used)
{
    if (s->limits.cpu_us && used > s->limits.cpu_us) {
        lh_die(s, LG_ELIMIT, "cpu: its Lua took more than %lld ms",
               (long long)s->limits.cpu_us / 1000);
    }
}

/* In a slice that is longer than it should be; after each, check_all(). */
static void check_time(lh_state *s)
{
    int64_t used = cpu_now() - s->cpu_begin;
    check_cpu(s, s->cpu_us + used);
    if (used > s->limits.slice_us + LH_HOLD_US && !s->lent.trusted) {
        lh_die(s, LG_ELIMIT, "cpu: it ran for %d ms where it cannot be cut, in one function of C",
               LH_HOLD_US / 1000);
    }
    s->hold_end = lh_clock_us() + LH_HOLD_US / 4;
}

/* KiB of work of the collector in one go; and its speed, in units of its own. Lua's (100) does in
 * one step what takes 3 ms, of which no hook hears, and is of no use: memory grows by less than a
 * tenth with this. */
enum { GC_STEP = 200, GC_WORK = 12 };

/* What its variables hold counts as well, but is not Lua's to see: so garbage is looked for here,
 * and each time what is left to fill is at most half of before, so that it cannot take long. */
static void check_memory(lh_state *s, lua_State *L)
{
    size_t most = s->limits.memory, all = s->used + lg__party_bytes(s->party);
    if (s->doomed)
        lh_die(s, LG_ELIMIT, "memory: a text, JSON or an index needs more than %zu bytes", most);
    if (!most || all <= s->collect_at)
        return;
    bool full = all > most - most / 16;
    if (!full && !lua_gc(L, LUA_GCSTEP, GC_STEP))
        return;
    if (full)
        lua_gc(L, LUA_GCCOLLECT, 0);
    all = s->used + lg__party_bytes(s->party);
    if (all > most)
        lh_die(s, LG_ELIMIT, "memory: its Lua and variables need more than %zu bytes", most);
    s->collect_at = all / 2 + most / 2;
}

static bool is_over(lh_state *s, uint64_t steps)
{
    s->instructions += steps;
    if (s->limits.instructions && s->instructions > s->limits.instructions) {
        lh_die(s, LG_ELIMIT, "instructions: more than %llu",
               (unsigned long long)s->limits.instructions);
    }
    int64_t now = lh_clock_us();
    if (now > s->hold_end && s->limits.slice_us)
        check_time(s);
    return now >= s->slice_end;
}

/* One instruction takes as long as there is memory that it goes through (a text that is compared,
 * a list that is shifted): between two looks no more than LH_EVERY times LH_LARGE bytes. */
static int pace(const lh_state *s)
{
    size_t n = s->large > LH_LARGE ? (size_t)LH_EVERY * LH_LARGE / s->large : LH_EVERY;
    return n > 0 ? (int)n : 1;
}

static void on_count(lua_State *L, lua_Debug *ar)
{
    lh_state *s = lh_state_of(L);
    int n = lua_gethookcount(L);
    (void)ar;
    check_memory(s, L);
    if (pace(s) != n)
        lua_sethook(L, on_count, LUA_MASKCOUNT, pace(s));
    if (!is_over(s, (uint64_t)n) || !lua_isyieldable(L))
        return;
    s->cut = true;
    lua_yield(L, 0);
}

/* Lua allows that inside of an instruction, too. */
void lh_pace(lh_state *s, lua_State *L)
{
    int n = pace(s);
    if (lua_gethook(L) && lua_gethookcount(L) > n)
        lua_sethook(L, on_count, LUA_MASKCOUNT, n);
}

int lh_go_on(lua_State *L, lua_KContext extra, lua_KFunction k)
{
    lh_state *s = lh_state_of(L);
    if (!s->limits.slice_us || !is_over(s, 0) || !lua_isyieldable(L))
        return k(L, LUA_OK, extra);
    s->cut = true;
    return lua_yieldk(L, 0, extra, k);
}

void lh_burn(lua_State *L, uint64_t steps)
{
    lh_state *s = lh_state_of(L);
    if (s->limits.slice_us)
        (void)is_over(s, steps);
}

/* ---- life -------------------------------------------------------------------- */

static void make(lh_state *s, lua_CFunction prepare)
{
    s->L = NULL;
    lua_State *L = lua_newstate(allocate, s);
    if (!L)
        return;
    s->L = L;
    memcpy(lua_getextraspace(L), &s, sizeof s);
    lua_gc(L, LUA_GCINC, 0, GC_WORK, 0);
    s->co = lua_newthread(L);
    lua_pushcfunction(s->co, prepare);
    if (lua_pcall(s->co, 0, 0, 0) != LUA_OK) {
        const char *why = lua_tostring(s->co, -1);
        lh_die(s, LG_ENOMEM, "a state cannot be made: %s", why ? why : "?");
    }
    if (s->stacks.fragile)
        lua_checkstack(s->co, 2 * LH_ROOM);
    if (s->limits.slice_us)
        lua_sethook(s->co, on_count, LUA_MASKCOUNT, LH_EVERY);
}

int lh_state_open(lh_state *s, lg_engine *e, const lh_owner *owner, lua_CFunction prepare)
{
    jmp_buf here;
    s->e = e;
    s->blocks.prev = s->blocks.next = &s->blocks;
    int err = lg__party_new(e, owner->run, owner->end, owner->ud, &s->party);
    if (err)
        return err;
    s->lent.party = s->party;
    s->lent.alloc = allocate_beside;
    s->lent.alloc_ud = s;
    s->lent.charge = charge;
    s->base = &here;
    if (setjmp(here) == 0)
        make(s, prepare);
    s->base = NULL;
    if (s->L && !s->dead)
        return LG_OK;
    lh_state_free(s);
    return LG_ENOMEM;
}

void lh_state_close(lh_state *s)
{
    lua_State *L = s->L;
    s->L = s->co = NULL;
    s->closing = true;
    if (L)
        lua_close(L);
    if (s->blocks.next)
        free_lost(s);
    s->closing = false;
    while (s->modules) {
        lh_module *m = s->modules;
        s->modules = m->next;
        lg__party_alloc(s->party, m->name, strlen(m->name) + 1, 0);
        lg__party_alloc(s->party, m->source, m->len + 1, 0);
        lg__party_alloc(s->party, m, sizeof *m, 0);
    }
    lg__party_alloc(s->party, s->line, s->line_cap, 0);
    s->line = NULL;
    s->line_len = s->line_cap = 0;
}

void lh_state_free(lh_state *s)
{
    if (!s->party)
        return;
    lh_state_close(s);
    lg__party_free(s->party);
    s->party = NULL;
}

/* ---- a slice ------------------------------------------------------------------- */

typedef struct slice {
    int status, n;
} slice;

static void resume(lh_state *s, void *ud)
{
    slice *one = ud;
    int n = 0;
    if (lua_status(s->co) != LUA_YIELD)
        n = lua_gettop(s->co) - 1; /* the function is below its arguments */
    lh_running here = {s->co, NULL};
    s->chain = &here;
    one->status = lua_resume(s->co, NULL, n, &one->n);
    s->chain = NULL;
}

static void check_all(lh_state *s, void *ud)
{
    (void)ud;
    check_cpu(s, s->cpu_us);
}

enum lh_slice lh_state_run(lh_state *s, int64_t until_us, int *n)
{
    slice one = {LUA_OK, 0};
    int64_t now = lh_clock_us();
    s->slice_end = s->limits.slice_us ? now + s->limits.slice_us : INT64_MAX;
    if (until_us && until_us < s->slice_end && s->limits.slice_us)
        s->slice_end = until_us;
    s->cut = s->waits = false;
    bool lives = lh_guard(s, resume, &one);
    s->chain = NULL;
    s->cpu_us += cpu_now() - s->cpu_begin;
    *n = one.n;
    if (!lives)
        return LH_DIED;
    if (one.status == LUA_OK)
        return LH_ENDED;
    if (one.status != LUA_YIELD)
        return LH_FAILED;
    if (!lh_guard(s, check_all, NULL))
        return LH_DIED;
    lua_settop(s->co, lua_gettop(s->co) - one.n);
    return s->waits ? LH_WAITS : LH_CUT;
}

/* ---- what it prints ---------------------------------------------------------------- */

static void tell_line(lh_state *s)
{
    if (s->line)
        s->line_len = lg__clean(s->line, s->line, s->line_len); /* hosts show it as it is */
    lg__party_tell(s->party, LG_EVENT_LOG, s->tag, s->line ? s->line : "", s->line_len);
    s->line_len = 0;
}

/* What no memory is left for is not told. */
static void add_to_line(lh_state *s, const char *text, size_t len)
{
    size_t room = LH_LINE - s->line_len;
    len = len < room ? len : room;
    if (s->line_len + len > s->line_cap) {
        size_t cap = s->line_len + len < 256 ? 256 : 2 * (s->line_len + len);
        char *more = lg__party_alloc(s->party, s->line, s->line_cap, cap);
        if (!more)
            return;
        s->line = more;
        s->line_cap = cap;
    }
    if (len > 0)
        memcpy(s->line + s->line_len, text, len);
    s->line_len += len;
}

void lh_print(lh_state *s, const char *text, size_t len)
{
    const char *end;
    while (len > 0 && (end = memchr(text, '\n', len))) {
        add_to_line(s, text, (size_t)(end - text));
        tell_line(s);
        len -= (size_t)(end - text) + 1;
        text = end + 1;
    }
    add_to_line(s, text, len);
}

void lh_print_end(lh_state *s)
{
    if (s->line_len > 0)
        tell_line(s);
}
