/* inside_items.c - a tree of JSON, value by value, for lua/. See lg_inside.h.
 *
 * No recursion: the arrays and objects that a value is in are kept. A text of n bytes nests
 * no deeper than n / 2 + 1, so that a short one needs little. */
#include "lg_inside.h"

#include "base/json.h"

_Static_assert((int)LG_ITEMS_DEPTH == (int)LG_JSON_DEPTH, "what is read can be told");

struct lg_items {
    lg_mem mem;
    lg_json *root;
    const lg_json *next; /* NULL: here something ends */
    size_t depth, room;
    const lg_json *inside[];
};

static size_t size_of(size_t room)
{
    return sizeof(lg_items) + room * sizeof(lg_json *);
}

int lg__items_open(lg_alloc_fn alloc, void *ud, const char *s, size_t len, lg_items **out,
                   size_t *where)
{
    lg_mem m;
    size_t room = len < (size_t)2 * LG_JSON_DEPTH ? len / 2 + 1 : LG_JSON_DEPTH;
    *out = NULL;
    lg__mem_init(&m, alloc, ud);
    lg_items *items = lg__mem_new(&m, size_of(room));
    if (!items)
        return LG_ENOMEM;

    items->mem = m;
    items->depth = 0;
    items->room = room;
    int err = lg__json_parse(&items->mem, s, len, &items->root, where);
    items->next = items->root;
    if (err)
        lg__items_close(items);
    else
        *out = items;
    return err;
}

void lg__items_close(lg_items *items)
{
    if (!items)
        return;

    lg__json_free(&items->mem, items->root);
    lg_mem m = items->mem;
    lg__mem_free(&m, items, size_of(items->room));
}

static void tell_number(const lg_json *j, lg_item *item)
{
    item->kind = LG_ITEM_WHOLE;
    if (lg__json_integer(j, &item->whole))
        return;

    item->kind = LG_ITEM_NUMBER;
    item->text = lg__json_number_text(j);
    lg__json_number(j, &item->x);
}

static void tell(const lg_json *j, lg_item *item)
{
    switch (lg__json_type(j)) {
    case LG_JSON_BOOL:
        item->kind = LG_ITEM_BOOL;
        item->whole = lg__json_true(j);
        break;
    case LG_JSON_NUMBER:
        tell_number(j, item);
        break;
    case LG_JSON_STRING:
        item->kind = LG_ITEM_STRING;
        item->text = lg__json_string(j);
        break;
    case LG_JSON_ARRAY:
        item->kind = LG_ITEM_ARRAY;
        item->count = lg__json_count(j);
        break;
    case LG_JSON_OBJECT:
        item->kind = LG_ITEM_OBJECT;
        item->count = lg__json_count(j);
        break;
    default:
        item->kind = LG_ITEM_NULL;
    }
}

bool lg__items_next(lg_items *items, lg_item *item)
{
    const lg_json *j = items->next;
    if (j) {
        item->name = lg__json_name(j);
        tell(j, item);
        if (item->kind == LG_ITEM_ARRAY || item->kind == LG_ITEM_OBJECT) {
            items->inside[items->depth++] = j;
            items->next = lg__json_first(j);
        } else {
            items->next = lg__json_after(j);
        }
        return true;
    }
    if (items->depth == 0)
        return false;

    items->next = lg__json_after(items->inside[--items->depth]);
    item->kind = LG_ITEM_END;
    item->name = NULL;
    return true;
}
