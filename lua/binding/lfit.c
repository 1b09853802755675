/* lfit.c - sparse matrices and bounded least squares with one-sided penalties.
 *
 * For the library's own files (lunagrad/fit.lua), not for scripts. Neither needs an engine. A
 * fit keeps its matrix alive in its user value. */
#include "binding/lua_binding.h"

#include <math.h>

#include "binding/fit.h"
#include "binding/sparse.h"

#define LG_LUA_SPARSE "lunagrad.sparse"
#define LG_LUA_FIT "lunagrad.fit"

/* ---- the matrix ---------------------------------------------------------------- */

static lg_sparse *check_sparse(lua_State *L)
{
    lg_sparse *m = luaL_testudata(L, 1, LG_LUA_SPARSE);
    if (!m)
        lg__lua_badarg(L, 1, "expected a sparse matrix");
    return m;
}

/* core.sparse(columns) -> matrix */
static int l_sparse(lua_State *L)
{
    lua_Integer columns = lg__lua_check_int(L, 1, 1, LG_SPARSE_COLUMNS);
    lg_sparse *m = lua_newuserdatauv(L, sizeof *m, 0);
    lg__sparse_init(m, NULL, NULL, (size_t)columns);
    luaL_setmetatable(L, LG_LUA_SPARSE);
    return 1;
}

/* The numbers of the list at arg, of length n; raises for what is no finite number. */
static double *check_numbers(lua_State *L, int arg, size_t n)
{
    double *list = lua_newuserdatauv(L, n * sizeof *list + 1, 0);
    for (size_t i = 0; i < n; i++) {
        int is_number = 0;
        lua_rawgeti(L, arg, (lua_Integer)i + 1);
        list[i] = lua_tonumberx(L, -1, &is_number);
        if (!is_number || !isfinite(list[i])) {
            lg__lua_raise(L, LG_EINVAL, NULL, "the list has no finite number at %I",
                          (LUAI_UACINT)i + 1);
        }
        lua_pop(L, 1);
    }
    return list;
}

/* matrix:add(columns, values): a row; columns count from 1 and ascend */
static int l_sparse_add(lua_State *L)
{
    lg_sparse *m = check_sparse(L);
    size_t n = lg__lua_check_list(L, 2);
    if (lg__lua_check_list(L, 3) != n)
        return lg__lua_badarg(L, 3, "there are not as many values as columns");
    const double *value = check_numbers(L, 3, n), *named = check_numbers(L, 2, n);
    uint32_t *column = lua_newuserdatauv(L, n * sizeof *column + 1, 0);
    for (size_t k = 0; k < n; k++) {
        if (!(named[k] >= 1 && named[k] <= (double)m->columns) || floor(named[k]) < named[k])
            return lg__lua_badarg(L, 2, "a column is none of the matrix");
        column[k] = (uint32_t)named[k] - 1;
    }
    int err = lg__sparse_add(m, n, column, value);
    if (err)
        return lg__lua_raise(L, err, NULL, "matrix: %s", lg_error_text(err));
    return 0;
}

/* matrix:size() -> rows, columns, entries */
static int l_sparse_size(lua_State *L)
{
    const lg_sparse *m = check_sparse(L);
    lua_pushinteger(L, (lua_Integer)m->rows);
    lua_pushinteger(L, (lua_Integer)m->columns);
    lua_pushinteger(L, (lua_Integer)m->n);
    return 3;
}

static int l_sparse_gc(lua_State *L)
{
    lg_sparse *m = luaL_testudata(L, 1, LG_LUA_SPARSE);
    if (m)
        lg__sparse_free(m);
    return 0;
}

/* ---- the fit ------------------------------------------------------------------- */

static lg_fit *check_fit(lua_State *L)
{
    lg_fit *f = luaL_testudata(L, 1, LG_LUA_FIT);
    if (!f || !f->memory || f->a->rows < f->rows)
        lg__lua_badarg(L, 1, "expected a fit");
    return f;
}

/* … to which nothing has been done yet but setting it up */
static lg_fit *check_fresh(lua_State *L)
{
    lg_fit *f = check_fit(L);
    if (f->state != LG_FIT_SET_UP)
        lg__lua_raise(L, LG_ESTATE, NULL, "the fit has begun");
    return f;
}

static double check_least(lua_State *L, int arg, double least)
{
    double x = lg__lua_check_number(L, arg);
    if (!(x >= least) || !isfinite(x))
        lg__lua_badarg(L, arg, "the number is too small, or not finite");
    return x;
}

/* core.fit(matrix, tolerance, ridge, steps) -> fit */
static int l_fit(lua_State *L)
{
    enum { MOST_STEPS = 1000000 };
    lg_sparse *m = check_sparse(L);
    double tolerance = check_least(L, 2, 0), ridge = check_least(L, 3, 0);
    lua_Integer steps = lg__lua_check_int(L, 4, 0, MOST_STEPS);
    lg_fit *f = lua_newuserdatauv(L, sizeof *f, 1);
    *f = (lg_fit){.a = m};
    luaL_setmetatable(L, LG_LUA_FIT);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    int err = lg__fit_init(f, m);
    if (err)
        return lg__lua_raise(L, err, NULL, "fit: %s", lg_error_text(err));
    f->tolerance = tolerance;
    f->ridge = ridge;
    f->most_steps = (uint64_t)steps;
    return 1;
}

static double opt_bound(lua_State *L, int arg, double otherwise)
{
    double x = lua_isnoneornil(L, arg) ? otherwise : lg__lua_check_number(L, arg);
    if (isnan(x))
        lg__lua_badarg(L, arg, "expected a number");
    return x;
}

/* From `from` to `to`, counted from 1, both included. */
static void check_range(lua_State *L, size_t n, size_t *from, size_t *to)
{
    *from = (size_t)lg__lua_check_int(L, 2, 1, (lua_Integer)n + 1) - 1;
    *to = (size_t)lg__lua_check_int(L, 3, (lua_Integer)*from, (lua_Integer)n);
}

/* fit:aim(from, to, low | nil, under, high | nil, over), of these rows */
static int l_fit_aim(lua_State *L)
{
    size_t from, to;
    lg_fit *f = check_fresh(L);
    check_range(L, f->rows, &from, &to);
    lg_fit_aim aim = {.low = opt_bound(L, 4, -INFINITY),
                      .under = check_least(L, 5, 0),
                      .high = opt_bound(L, 6, INFINITY),
                      .over = check_least(L, 7, 0)};
    if (aim.low > aim.high)
        return lg__lua_badarg(L, 4, "the low aim is above the high one");
    for (size_t i = from; i < to; i++)
        f->aim[i] = aim;
    return 0;
}

/* fit:bounds(from, to, low | nil, high | nil), of these columns */
static int l_fit_bounds(lua_State *L)
{
    size_t from, to;
    lg_fit *f = check_fresh(L);
    check_range(L, f->columns, &from, &to);
    double low = opt_bound(L, 4, -INFINITY), high = opt_bound(L, 5, INFINITY);
    if (!(low <= high) || low > 1e300 || high < -1e300)
        return lg__lua_badarg(L, 4, "no number is within the bounds");
    for (size_t j = from; j < to; j++) {
        f->bottom[j] = low;
        f->top[j] = high;
    }
    return 0;
}

/* fit:start(list | nil): where to begin, after the aims and bounds; nil: next to zero */
static int l_fit_start(lua_State *L)
{
    lg_fit *f = check_fresh(L);
    const double *x = f->x;
    if (!lua_isnoneornil(L, 2)) {
        if (lg__lua_check_list(L, 2) != f->columns)
            return lg__lua_badarg(L, 2, "expected a number for each column");
        x = check_numbers(L, 2, f->columns);
    }
    lg__fit_start(f, x);
    return 0;
}

/* fit:step(work) -> whether it has come to an end */
static int l_fit_step(lua_State *L)
{
    lg_fit *f = check_fit(L);
    if (f->state == LG_FIT_SET_UP)
        return lg__lua_raise(L, LG_ESTATE, NULL, "the fit has not begun");
    lua_pushboolean(L, lg__fit_step(f, (size_t)lg__lua_check_int(L, 2, 1, INT32_MAX)));
    return 1;
}

static int push_numbers(lua_State *L, const double *list, size_t n)
{
    lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
    for (size_t i = 0; i < n; i++) {
        lua_pushnumber(L, list[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* fit:x() -> list of a number for each column */
static int l_fit_x(lua_State *L)
{
    const lg_fit *f = check_fit(L);
    return push_numbers(L, f->x, f->columns);
}

/* fit:values() -> list of a number for each row, once it has come to an end */
static int l_fit_values(lua_State *L)
{
    const lg_fit *f = check_fit(L);
    return push_numbers(L, f->value, f->rows);
}

/* fit:report() -> {state, cost, residual (by the scale), steps, passes} */
static int l_fit_report(lua_State *L)
{
    const lg_fit *f = check_fit(L);
    lua_createtable(L, 0, 5);
    lg__lua_set_text(L, "state", lg__fit_state_name(f->state));
    lua_pushnumber(L, f->cost);
    lua_setfield(L, -2, "cost");
    lua_pushnumber(L, f->scale > 0 ? f->residual / f->scale : f->residual);
    lua_setfield(L, -2, "residual");
    lg__lua_set_count(L, "steps", f->steps);
    lg__lua_set_count(L, "passes", f->passes);
    return 1;
}

static int l_fit_gc(lua_State *L)
{
    lg_fit *f = luaL_testudata(L, 1, LG_LUA_FIT);
    if (f)
        lg__fit_free(f);
    return 0;
}

void lg__lua_open_fit(lua_State *L)
{
    static const luaL_Reg sparse_meta[] = {{"__gc", l_sparse_gc}, {NULL, NULL}};
    static const luaL_Reg sparse_methods[] = {
        {"add", l_sparse_add}, {"size", l_sparse_size}, {NULL, NULL}};
    static const luaL_Reg fit_meta[] = {{"__gc", l_fit_gc}, {NULL, NULL}};
    static const luaL_Reg fit_methods[] = {{"aim", l_fit_aim},       {"bounds", l_fit_bounds},
                                           {"start", l_fit_start},   {"step", l_fit_step},
                                           {"x", l_fit_x},           {"values", l_fit_values},
                                           {"report", l_fit_report}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"sparse", l_sparse}, {"fit", l_fit}, {NULL, NULL}};
    lg__lua_new_class(L, LG_LUA_SPARSE, sparse_meta, sparse_methods);
    lg__lua_new_class(L, LG_LUA_FIT, fit_meta, fit_methods);
    lua_pop(L, 2);
    luaL_setfuncs(L, functions, 0);
}
