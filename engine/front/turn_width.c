/* turn_width.c - how many calls at once a server was found to take, kept in the store for the
 * next run.
 *
 * Read once for each model that is asked, written with turns that are written anyway. When
 * either fails nothing is lost: the server is met gently. What is found there is no more
 * than a hint about when calls begin; a replay, which sends nothing, does not look. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "front/front_internal.h"

#define WIDTH "width"

enum { MOST = 1000000 };

/* "64", or "12 refused". */
static lg_width read_word(const lg_text *t)
{
    char *end = NULL;
    long most = strtol(t->data, &end, 10);
    bool plain = *end == '\0', refused = strcmp(end, " refused") == 0;
    if (t->len > 20 || most < 1 || most > MOST || !(plain || refused))
        return (lg_width){0, false};

    return (lg_width){(int)most, refused};
}

static int width_key(lg_engine *e, const unsigned char lane[32], unsigned char key[32])
{
    const lg_piece piece = {(const char *)lane, 32};
    return lg__store_tool_key(WIDTH, "", &piece, 1, &e->mem, key);
}

void lg__turn_recall_width(lg_engine *e, lg_request *r)
{
    unsigned char lane[32], key[32];
    lg_text *text = NULL;
    bool has_score;
    double score, target;
    if (!e->store || e->replay_only || !lg__sched_width_wanted(r, lane) ||
        width_key(e, lane, key) ||
        lg__store_find_result(e->store, key, &text, &has_score, &score, &target) != 1)
        return;

    lg__sched_width_recall(e->sched, r, read_word(text));
    lg__text_unref(text);
}

void lg__turn_note_width(lg_engine *e)
{
    unsigned char lane[32], key[32];
    char word[40];
    lg_width w;
    while (lg__sched_width_news(e->sched, lane, &w)) {
        snprintf(word, sizeof word, "%d%s", w.most, w.refused ? " refused" : "");
        if (!width_key(e, lane, key))
            lg__store_remember(e->store, key, WIDTH, word);
    }
}
