/* party.h - who made a variable, and is told of it: the host, or somebody whom the library runs.
 *
 * An engine has one host and any number of other parties (a script's Lua state, the library's
 * own). What is made while a party is current is its own: variables, the watches of variables,
 * host models, tools. What is to be told of them goes to its queues, and nobody else's. A party
 * stays as long as something names it; once its owner is gone nothing is kept for it. */
#ifndef LG_PARTY_H
#define LG_PARTY_H

#include "base/bytes.h"
#include "base/list.h"
#include "graph/unseen.h"
#include "graph/var.h"

struct lg_work; /* front_internal.h's */

typedef struct lg_function { /* of the host's, that a script calls: lg_script_function() */
    bool is;                 /* false: it is an ordinary tool */
    lg_script *script;       /* NULL: of another party than a script */
    lg_script_fn fn;         /* NULL: the host is told by an event */
    void *ud;
} lg_function;

typedef struct lg_gone { /* a tag that is of no use any more, to be told */
    struct lg_gone *next;
    struct lg_party *party; /* counted */
    int type;               /* LG_EVENT_TOOL_GONE, LG_EVENT_MODEL_GONE */
    uint64_t tag;
} lg_gone;

typedef struct lg_template {
    struct lg_template *next;
    char *name;
    lg_var *var; /* counted */
} lg_template;

typedef LG_QUEUE_OF(lg_waiter) lg_waits; /* of waiters that were fired */

typedef struct lg_party {
    lg_graph *graph;
    uint32_t refs; /* the owner's, and one for each that names it */
    bool closed;   /* its owner is gone */
    lg_var *vars;  /* all that were made while it was current */
    lg_template *templates;
    lg_unseens unseens;
    lg_waits fired; /* watches */
    LG_QUEUE_OF(lg_gone) gone;
    LG_QUEUE_OF(struct lg_work) out; /* what it is to be told, or asked to do */
    LG_QUEUE_OF(lg_node) partials;   /* streams with something new to say */
    lg_bytes partial;                /* … and what it is */
    lg_event event;                  /* what it was told last */
    lg_var *event_var;               /* counted while that is borrowed */
    lg_text *event_text;             /* … */
    size_t bytes;                    /* of its variables, about: texts may be shared */
    size_t n_works;                  /* that it was asked to do, and has not answered */
    size_t untold;                   /* bytes of lines that its host has not fetched */
    /* front/host_party.c's: */
    bool (*run)(void *ud, int64_t until_us, bool idle); /* NULL: it does nothing by itself */
    void (*end)(void *ud);
    void *ud;
    struct lg_work *last; /* its end, made beforehand */
    int64_t due_us;
    bool busy; /* it runs, or waits for something */
    bool idle; /* it was run because nothing else can happen, and nothing has since */
    struct lg_party *prev, *next;
} lg_party;

void lg__party_init(lg_party *p, lg_graph *g); /* of the host: part of its graph */
/* A new one, counted for its owner; NULL: memory. */
lg_party *lg__party_make(lg_graph *g);
lg_party *lg__party_ref(lg_party *p);
void lg__party_unref(lg_party *p);
/* Its owner is gone: what is queued for it is dropped, but for its work. */
void lg__party_close(lg_party *p);
bool lg__party_hears(const lg_party *p); /* something is queued for it */
void lg__party_empty(lg_party *p);       /* frees what it holds, with the whole graph */

/* v has so many bytes more; less, where n is negative. */
void lg__party_charge(lg_var *v, int64_t n);

/* All variables of the graph, party by party. */
lg_var *lg__vars_first(const lg_graph *g);
lg_var *lg__vars_after(const lg_var *v);

#endif
