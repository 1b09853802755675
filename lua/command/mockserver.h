/* mockserver.h - a loopback HTTP server that is stepped, on libmicrohttpd.
 *
 * Invariants. A request lives in a slot, which is in at most one list: ready (whole, nobody
 * took it yet), ending (all but its end is sent, nobody noted it), finished (over, nobody read
 * how) or free. Between its last byte and its answer
 * its connection is suspended, so libmicrohttpd cannot free it. A slot's id names it until
 * it is released and is not used again for billions of requests. */
#ifndef LG_MOCKSERVER_H
#define LG_MOCKSERVER_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOCK_LIBRARY_MAP(XX)          \
    XX(add_response_header)           \
    XX(create_response_from_buffer)   \
    XX(create_response_from_callback) \
    XX(destroy_response)              \
    XX(get_connection_info)           \
    XX(get_connection_values)         \
    XX(get_daemon_info)               \
    XX(get_timeout)                   \
    XX(queue_response)                \
    XX(resume_connection)             \
    XX(run)                           \
    XX(start_daemon)                  \
    XX(stop_daemon)                   \
    XX(suspend_connection)

typedef struct mock_library {
#define XX(name) __typeof__(MHD_##name) *name;
    MOCK_LIBRARY_MAP(XX)
#undef XX
} mock_library;

/* In the order of a request's life. */
enum slot_state {
    SLOT_FREE = 0,
    SLOT_READING,   /* headers are here, the body is coming */
    SLOT_QUEUED,    /* whole; waits for server:next() */
    SLOT_ASKED,     /* Lua has it and owes an answer */
    SLOT_WAITING,   /* answered; the delay runs */
    SLOT_DUE,       /* resumed; the next handler call acts */
    SLOT_STREAMING, /* libmicrohttpd sends; slow answers are suspended in between */
    SLOT_FINISHED   /* waits for server:finished() */
};

enum answer_way { WAY_WHOLE = 0, WAY_RESET, WAY_RESET_BODY, WAY_CLOSE };

enum { MAX_HEADERS = 24 };

typedef struct mock_server mock_server;

typedef struct mock_slot {
    mock_server *server;
    struct MHD_Connection *conn;
    struct mock_slot *next; /* in the ready, finished or free list */
    uint32_t index, generation;
    enum slot_state state;
    bool too_big, gone, complete;
    bool held, noted; /* its end waits until it is noted; it was */
    char *method, *path;
    char *fields; /* of headers and query: 'h' or 'q', name, NUL, value, NUL; again; or NULL */
    size_t fields_len;
    char *body;
    size_t body_len, body_cap;
    int64_t arrival_us, finish_us, due_us;
    size_t heap_at; /* NO_INDEX: no timer */
    enum answer_way way;
    unsigned status; /* as sent; 0: nothing was */
    char *reply;
    size_t reply_len;
    size_t *ends; /* where the answer's pieces end, rising; each is sent by itself */
    size_t n_ends, piece, released; /* the piece under way; how many may have been sent by now */
    int64_t gap_us;                 /* from piece to piece */
    bool chunked;                   /* no Content-Length, as streams are sent */
    char *header_names[MAX_HEADERS], *header_values[MAX_HEADERS];
    size_t n_headers;
} mock_slot;

/* One TCP connection; freed by on_connection. */
typedef struct mock_link {
    mock_slot *slot; /* the request under way, or NULL */
    bool gone;
} mock_link;

typedef struct slot_list {
    mock_slot *first, *last;
} slot_list;

struct mock_server {
    mock_library mhd;
    char problem[256]; /* why the library could not be loaded; "": errno says why */
    struct MHD_Daemon *daemon;
    int epoll;
    int port;
    size_t max_body;
    int64_t wall_offset_us; /* monotonic + this = Unix time */
    mock_slot **slots;      /* every slot ever made, by index */
    mock_slot **heap;       /* timers; room for every slot, so adding never fails */
    size_t n_slots, cap_slots, n_heap, live;
    bool resumed; /* since the daemon last ran */
    bool notes;   /* no answer ends before mock_slot_noted */
    slot_list ready, ending, finished;
    mock_slot *free;
    bool closing;
};

/* Listens on 127.0.0.1. 0, or -1 with problem or errno; then free it. */
int mock_server_start(mock_server *s, int port, int backlog);
/* Waits until something happened, at most timeout_ms, and does what is due. */
void mock_server_step(mock_server *s, int64_t timeout_ms);
/* Idempotent. What was not answered is closed on; the finished list stays. */
void mock_server_stop(mock_server *s);
void mock_server_free(mock_server *s); /* stops it; frees all but s itself */

/* The first of the list, taken off it; NULL: none. */
mock_slot *mock_list_take(slot_list *l);
int64_t mock_slot_id(const mock_slot *slot);
mock_slot *mock_slot_find(mock_server *s, int64_t id); /* NULL: released, or never was */
/* way, status, reply and headers are set: answer delay_ms after the request's arrival. */
void mock_slot_answer(mock_slot *slot, int64_t delay_ms);
/* Of the ending list: its end may be sent. */
void mock_slot_noted(mock_slot *slot);
void mock_slot_release(mock_slot *slot);

#endif
