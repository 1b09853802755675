/* lunicode.c - people's languages for Lua: texts made alike, words, markers.
 *
 * For lunagrad/text.lua, which says what each is for. Pure functions of their arguments. */
#include "binding/lua_binding.h"

#include "binding/unicode.h"

static const char *const levels[] = {"plain", "fold", "search", NULL};

/* core.alike(text, "plain"|"fold"|"search") -> text */
static int l_alike(lua_State *L)
{
    size_t len;
    const char *text = lg__lua_check_text(L, 1, &len);
    int level = luaL_checkoption(L, 2, NULL, levels);
    lg_lua_box *box = lg__lua_new_box(L);
    lg__text_alike(&box->out, text, len, (enum lg_level)level);
    return lg__lua_push_out(L, box);
}

static char kind_letter(enum lg_char kind)
{
    return kind == LG_CHAR_NUMBER ? 'n' : kind >= LG_CHAR_HAN ? 'p' : 'w';
}

/* core.words(text[, pieces]) -> list of words, list of where each begins, and a text with one
 * letter for each: w a word, n a number, p of a script that parts words by nothing */
static int l_words(lua_State *L)
{
    size_t len;
    const char *text = lg__lua_check_text(L, 1, &len);
    bool pieces = lua_toboolean(L, 2);
    lua_settop(L, 1);
    lg_lua_box *box = lg__lua_new_box(L);
    lg_word w;
    lua_Integer n = 0;
    lua_newtable(L);
    lua_newtable(L);
    for (size_t at = 0; lg__word_next(text, len, at, pieces, &w); at = w.to) {
        lua_pushlstring(L, text + w.from, w.to - w.from);
        lua_rawseti(L, 3, ++n);
        lua_pushinteger(L, (lua_Integer)w.from + 1);
        lua_rawseti(L, 4, n);
        char letter = kind_letter(w.kind);
        lg__out_add(&box->out, &letter, 1);
    }
    lg__lua_push_out(L, box);
    return 3;
}

/* core.cut(text) -> its words and pieces with a blank between */
static int l_cut(lua_State *L)
{
    size_t len;
    const char *text = lg__lua_check_text(L, 1, &len);
    lg_lua_box *box = lg__lua_new_box(L);
    lg_word w;
    for (size_t at = 0; lg__word_next(text, len, at, true, &w); at = w.to) {
        if (at > 0)
            lg__out_add(&box->out, " ", 1);
        lg__out_add(&box->out, text + w.from, w.to - w.from);
    }
    return lg__lua_push_out(L, box);
}

/* core.count_words(text) -> how many people would count */
static int l_count_words(lua_State *L)
{
    size_t len;
    const char *text = lg__lua_check_text(L, 1, &len);
    lua_pushinteger(L, (lua_Integer)lg__word_count(text, len));
    return 1;
}

/* core.char_kind(text, at) -> "w", "n", "p" as in words, "m" for what belongs to the character
 * before, nil for all else and behind the end */
static int l_char_kind(lua_State *L)
{
    size_t len, size;
    const char *text = lg__lua_check_text(L, 1, &len);
    size_t at = (size_t)lg__lua_check_int(L, 2, 1, LUA_MAXINTEGER) - 1;
    enum lg_char kind = at < len ? lg__char_kind(lg__char_at(text, len, at, &size)) : LG_CHAR_OTHER;
    if (kind == LG_CHAR_OTHER)
        return 0;
    char letter = kind == LG_CHAR_EXTEND ? 'm' : kind == LG_CHAR_JOIN ? 'w' : kind_letter(kind);
    lua_pushlstring(L, &letter, 1);
    return 1;
}

/* core.find_marker(text, marker[, at]) -> where it begins, where it ends; or nothing */
static int l_find_marker(lua_State *L)
{
    size_t len, marker_len, from, to;
    const char *text = lg__lua_check_text(L, 1, &len);
    const char *marker = lg__lua_check_text(L, 2, &marker_len);
    size_t at = (size_t)lg__lua_opt_int(L, 3, 1, LUA_MAXINTEGER, 1) - 1;
    if (!lg__marker_find(text, len, at, marker, marker_len, &from, &to))
        return 0;
    lua_pushinteger(L, (lua_Integer)from + 1);
    lua_pushinteger(L, (lua_Integer)to);
    return 2;
}

void lg__lua_open_unicode(lua_State *L)
{
    static const luaL_Reg functions[] = {{"alike", l_alike},
                                         {"words", l_words},
                                         {"cut", l_cut},
                                         {"count_words", l_count_words},
                                         {"char_kind", l_char_kind},
                                         {"find_marker", l_find_marker},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
