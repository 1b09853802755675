/* mockserver.c - the HTTP server under `lunagrad mock`: libmicrohttpd on one epoll
 * descriptor, without threads.
 *
 * libmicrohttpd is not linked but loaded when a server starts: with its GnuTLS it would
 * take a millisecond of every start of the command.
 *
 * What it is not: it knows no Lua and nothing of chat completions; mockd.c takes whole
 * requests from it and says how each is answered. libmicrohttpd's callbacks only move
 * requests between states. While a connection is suspended libmicrohttpd does not look at
 * it; what the client does meanwhile is seen by our own epoll set, which watches every
 * connection for a hang-up. */
#include "command/mockserver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lg_inside.h"

#define NO_INDEX SIZE_MAX
#define LIBRARY "libmicrohttpd.so.12"

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t wall_offset_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 - now_us();
}

/* ---- timers: a binary heap by due_us ------------------------------------ */

static void heap_put(mock_server *s, size_t at, mock_slot *slot)
{
    s->heap[at] = slot;
    slot->heap_at = at;
}

static void heap_up(mock_server *s, size_t at)
{
    mock_slot *slot = s->heap[at];
    while (at > 0 && s->heap[(at - 1) / 2]->due_us > slot->due_us) {
        heap_put(s, at, s->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_put(s, at, slot);
}

static void heap_down(mock_server *s, size_t at)
{
    mock_slot *slot = s->heap[at];
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= s->n_heap)
            break;
        if (child + 1 < s->n_heap && s->heap[child + 1]->due_us < s->heap[child]->due_us)
            child++;
        if (s->heap[child]->due_us >= slot->due_us)
            break;
        heap_put(s, at, s->heap[child]);
        at = child;
    }
    heap_put(s, at, slot);
}

static void timer_start(mock_slot *slot, int64_t due_us)
{
    mock_server *s = slot->server;
    slot->due_us = due_us;
    heap_put(s, s->n_heap++, slot);
    heap_up(s, slot->heap_at);
}

static void timer_stop(mock_slot *slot)
{
    mock_server *s = slot->server;
    size_t at = slot->heap_at;
    if (at == NO_INDEX)
        return;
    slot->heap_at = NO_INDEX;
    if (at == --s->n_heap)
        return;
    heap_put(s, at, s->heap[s->n_heap]);
    heap_up(s, at);
    heap_down(s, s->heap[at]->heap_at);
}

/* ---- slots --------------------------------------------------------------- */

static void list_add(slot_list *l, mock_slot *slot)
{
    slot->next = NULL;
    if (l->last)
        l->last->next = slot;
    else
        l->first = slot;
    l->last = slot;
}

mock_slot *mock_list_take(slot_list *l)
{
    mock_slot *slot = l->first;
    if (slot) {
        l->first = slot->next;
        if (!l->first)
            l->last = NULL;
        slot->next = NULL;
    }
    return slot;
}

static bool grow_slots(mock_server *s)
{
    size_t cap = s->cap_slots ? s->cap_slots * 2 : 64;
    mock_slot **slots = realloc(s->slots, cap * sizeof *slots);
    if (!slots)
        return false;
    s->slots = slots;
    mock_slot **heap = realloc(s->heap, cap * sizeof *heap);
    if (!heap)
        return false;
    s->heap = heap;
    s->cap_slots = cap;
    return true;
}

static mock_slot *slot_get(mock_server *s)
{
    mock_slot *slot = s->free;
    if (slot) {
        s->free = slot->next;
        slot->next = NULL;
        return slot;
    }
    if (s->n_slots == s->cap_slots && (s->n_slots >= UINT32_MAX / 2 || !grow_slots(s)))
        return NULL;
    slot = calloc(1, sizeof *slot);
    if (!slot)
        return NULL;
    slot->server = s;
    slot->index = (uint32_t)s->n_slots;
    s->slots[s->n_slots++] = slot;
    return slot;
}

static void slot_clear(mock_slot *slot)
{
    free(slot->method);
    free(slot->path);
    free(slot->fields);
    free(slot->body);
    free(slot->reply);
    free(slot->ends);
    for (size_t i = 0; i < slot->n_headers; i++) {
        free(slot->header_names[i]);
        free(slot->header_values[i]);
    }
    mock_slot fresh = {.server = slot->server,
                       .index = slot->index,
                       .generation = slot->generation + 1,
                       .heap_at = NO_INDEX};
    *slot = fresh;
}

void mock_slot_release(mock_slot *slot)
{
    mock_server *s = slot->server;
    slot_clear(slot);
    slot->next = s->free;
    s->free = slot;
}

int64_t mock_slot_id(const mock_slot *slot)
{
    return (int64_t)(((uint64_t)(slot->generation & 0x7fffffff) << 32) | slot->index);
}

mock_slot *mock_slot_find(mock_server *s, int64_t id)
{
    uint32_t index = (uint32_t)((uint64_t)id & UINT32_MAX);
    if (id < 0 || index >= s->n_slots)
        return NULL;
    mock_slot *slot = s->slots[index];
    return mock_slot_id(slot) == id ? slot : NULL;
}

/* ---- the connection's side ------------------------------------------------ */

static int connection_fd(const mock_server *s, struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info =
        s->mhd.get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

static mock_link *connection_link(const mock_server *s, struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info =
        s->mhd.get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* A reset that the client sees at once. SO_LINGER 0 makes close() send one, but
 * libmicrohttpd shuts the socket down first, and that sends a FIN before it; on
 * Linux disconnecting by AF_UNSPEC sends the reset there and then. */
static void connection_reset(const mock_slot *slot)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    int fd = connection_fd(slot->server, slot->conn);
    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    if (connect(fd, &nowhere, sizeof nowhere) < 0)
        shutdown(fd, SHUT_RDWR); /* the client has gone already */
}

static void slot_resume(mock_slot *slot, enum slot_state state)
{
    slot->state = state;
    slot->server->resumed = true;
    slot->server->mhd.resume_connection(slot->conn);
}

/* What the client is to know of last waits until it is noted. */
static void slot_hold(mock_slot *slot)
{
    slot->held = true;
    slot->finish_us = now_us();
    list_add(&slot->server->ending, slot);
}

static bool is_to_note(const mock_slot *slot)
{
    return slot->server->notes && !slot->noted && !slot->server->closing;
}

void mock_slot_noted(mock_slot *slot)
{
    slot->held = false;
    slot->noted = true;
    slot_resume(slot, slot->state == SLOT_WAITING ? SLOT_DUE : slot->state);
}

/* Sends piece by piece, each no sooner than it is released (in between the connection
 * sleeps), and where the answer is to break off, resets. */
static ssize_t read_pieces(void *cls, uint64_t pos, char *buf, size_t max)
{
    mock_slot *slot = cls;
    size_t last = slot->way == WAY_RESET_BODY ? slot->reply_len / 2 : slot->reply_len;
    if (pos >= last && slot->way == WAY_RESET_BODY && is_to_note(slot)) {
        slot_hold(slot);
        slot->server->mhd.suspend_connection(slot->conn);
        return 0;
    }
    if (pos >= last && slot->way == WAY_RESET_BODY) {
        connection_reset(slot);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (pos >= last)
        return MHD_CONTENT_READER_END_OF_STREAM;
    while (slot->piece < slot->n_ends && slot->ends[slot->piece] <= pos)
        slot->piece++;
    if (slot->gap_us > 0 && slot->piece >= slot->released) {
        timer_start(slot, now_us() + slot->gap_us);
        slot->server->mhd.suspend_connection(slot->conn);
        return 0;
    }
    size_t end = slot->piece < slot->n_ends ? slot->ends[slot->piece] : last;
    size_t n = (end < last ? end : last) - (size_t)pos;
    if (n > max)
        n = max;
    if (pos + n >= last && is_to_note(slot)) {
        slot_hold(slot);
        slot->server->mhd.suspend_connection(slot->conn);
        return 0;
    }
    memcpy(buf, slot->reply + pos, n);
    return (ssize_t)n;
}

static struct MHD_Response *make_response(mock_slot *slot)
{
    const mock_library *m = &slot->server->mhd;
    struct MHD_Response *r;
    enum { BLOCK = 16 * 1024 };
    bool pieces = slot->n_ends > 0 || slot->chunked || slot->way == WAY_RESET_BODY;
    if (pieces || (is_to_note(slot) && slot->reply_len > 0)) {
        r = m->create_response_from_callback(slot->chunked ? MHD_SIZE_UNKNOWN : slot->reply_len,
                                             BLOCK, read_pieces, slot, NULL);
    } else { /* the slot outlives the response: it is freed after on_completed */
        r = m->create_response_from_buffer(slot->reply_len, slot->reply, MHD_RESPMEM_PERSISTENT);
    }
    if (!r)
        return NULL;
    for (size_t i = 0; i < slot->n_headers; i++)
        m->add_response_header(r, slot->header_names[i], slot->header_values[i]);
    return r;
}

/* The delay is over: do to the connection what the answer says. */
static enum MHD_Result slot_act(mock_slot *slot)
{
    const mock_library *m = &slot->server->mhd;
    slot->state = SLOT_STREAMING;
    if (slot->way == WAY_RESET)
        connection_reset(slot);
    if (slot->way == WAY_RESET || slot->way == WAY_CLOSE || slot->server->closing) {
        slot->status = 0;
        return MHD_NO;
    }
    struct MHD_Response *r = make_response(slot);
    if (!r)
        return MHD_NO;
    enum MHD_Result ok = m->queue_response(slot->conn, slot->status, r);
    m->destroy_response(r);
    return ok;
}

/* Adds one header or query argument to the slot's fields. */
static enum MHD_Result slot_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    mock_slot *slot = cls;
    size_t name_len = strlen(name) + 1;
    size_t value_len = value ? strlen(value) + 1 : 1;
    char *fields = realloc(slot->fields, slot->fields_len + 1 + name_len + value_len);
    if (!fields) {
        slot->too_big = true; /* it is refused: half of its headers would be worse */
        return MHD_NO;
    }
    slot->fields = fields;
    fields += slot->fields_len;
    *fields++ = kind == MHD_HEADER_KIND ? 'h' : 'q';
    memcpy(fields, name, name_len);
    memcpy(fields + name_len, value ? value : "", value_len);
    slot->fields_len += 1 + name_len + value_len;
    return MHD_YES;
}

static mock_slot *slot_open(mock_server *s, struct MHD_Connection *conn, const char *method,
                            const char *path)
{
    mock_slot *slot = slot_get(s);
    if (!slot)
        return NULL;
    slot->heap_at = NO_INDEX;
    slot->conn = conn;
    slot->method = strdup(method);
    slot->path = strdup(path);
    if (!slot->method || !slot->path) {
        mock_slot_release(slot);
        return NULL;
    }
    s->mhd.get_connection_values(conn, MHD_HEADER_KIND, slot_field, slot);
    s->mhd.get_connection_values(conn, MHD_GET_ARGUMENT_KIND, slot_field, slot);
    slot->state = SLOT_READING;
    s->live++;
    mock_link *link = connection_link(s, conn);
    if (link) {
        link->slot = slot;
        slot->gone = link->gone;
    }
    return slot;
}

static bool slot_take_body(mock_slot *slot, const char *data, size_t len)
{
    if (slot->too_big || len > slot->server->max_body - slot->body_len) {
        slot->too_big = true; /* read to the end all the same: the answer must arrive */
        return true;
    }
    if (slot->body_len + len > slot->body_cap) {
        size_t cap = slot->body_cap ? slot->body_cap * 2 : 4096;
        while (cap < slot->body_len + len)
            cap *= 2;
        char *body = realloc(slot->body, cap);
        if (!body)
            return false;
        slot->body = body;
        slot->body_cap = cap;
    }
    memcpy(slot->body + slot->body_len, data, len);
    slot->body_len += len;
    return true;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **con_cls)
{
    mock_server *s = cls;
    mock_slot *slot = *con_cls;
    (void)version;
    if (!slot) {
        *con_cls = s->closing ? NULL : slot_open(s, conn, method, url);
        return *con_cls ? MHD_YES : MHD_NO;
    }
    if (*len) {
        bool ok = slot_take_body(slot, data, *len);
        *len = 0;
        return ok ? MHD_YES : MHD_NO;
    }
    if (slot->state == SLOT_READING) {
        slot->state = SLOT_QUEUED;
        slot->arrival_us = now_us();
        list_add(&s->ready, slot);
        s->mhd.suspend_connection(conn);
        return MHD_YES;
    }
    return slot->state == SLOT_DUE ? slot_act(slot) : MHD_NO;
}

/* The end of a request, however it came. Those that never were whole are forgotten:
 * nobody can have meant them as a call. */
static void on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
                         enum MHD_RequestTerminationCode code)
{
    mock_server *s = cls;
    mock_slot *slot = *con_cls;
    mock_link *link = connection_link(s, conn);
    if (!slot)
        return;
    *con_cls = NULL;
    if (link)
        link->slot = NULL;
    timer_stop(slot);
    s->live--;
    slot->conn = NULL;
    if (slot->state == SLOT_READING) {
        mock_slot_release(slot);
        return;
    }
    slot->state = SLOT_FINISHED;
    slot->finish_us = slot->noted ? slot->finish_us : now_us();
    slot->complete = code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    list_add(&s->finished, slot);
}

static void on_connection(void *cls, struct MHD_Connection *conn, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    mock_server *s = cls;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        free(*socket_context);
        *socket_context = NULL;
        return;
    }
    mock_link *link = calloc(1, sizeof *link);
    if (!link)
        return;
    *socket_context = link;
    struct epoll_event ev = {.events = EPOLLRDHUP | EPOLLET, .data = {.ptr = link}};
    epoll_ctl(s->epoll, EPOLL_CTL_ADD, connection_fd(s, conn), &ev);
}

/* A client that only shut down its sending side still gets its answer; one that is
 * being kept waiting to be closed on need not be waited for. */
static void link_gone(mock_link *link)
{
    link->gone = true;
    mock_slot *slot = link->slot;
    if (!slot)
        return;
    slot->gone = true;
    if (slot->state == SLOT_WAITING && slot->way == WAY_CLOSE && !slot->held) {
        timer_stop(slot);
        slot_resume(slot, SLOT_DUE);
    }
}

void mock_slot_answer(mock_slot *slot, int64_t delay_ms)
{
    if (slot->gone && slot->way == WAY_CLOSE)
        delay_ms = 0;
    slot->state = SLOT_WAITING;
    timer_start(slot, slot->arrival_us + delay_ms * 1000);
}

/* ---- the server ------------------------------------------------------------ */

static void fire_timers(mock_server *s)
{
    int64_t now = now_us();
    while (s->n_heap > 0 && s->heap[0]->due_us <= now) {
        mock_slot *slot = s->heap[0];
        timer_stop(slot);
        if (slot->state == SLOT_WAITING) {
            bool at_once = slot->way == WAY_RESET || slot->way == WAY_CLOSE || !slot->reply_len;
            if (at_once && is_to_note(slot))
                slot_hold(slot); /* it is suspended */
            else
                slot_resume(slot, SLOT_DUE);
            continue;
        }
        slot->released = slot->piece + 1;
        slot_resume(slot, SLOT_STREAMING);
    }
}

static int wait_ms(const mock_server *s, int64_t timeout_ms)
{
    MHD_UNSIGNED_LONG_LONG daemon_ms = 0;
    if (s->resumed || s->ready.first || s->ending.first || s->finished.first)
        return 0;
    if (s->mhd.get_timeout(s->daemon, &daemon_ms) == MHD_YES && (int64_t)daemon_ms < timeout_ms)
        timeout_ms = (int64_t)daemon_ms;
    if (s->n_heap > 0) {
        int64_t due_ms = (s->heap[0]->due_us - now_us() + 999) / 1000;
        if (due_ms < timeout_ms)
            timeout_ms = due_ms;
    }
    if (timeout_ms < 0)
        return 0;
    return timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
}

void mock_server_step(mock_server *s, int64_t timeout_ms)
{
    struct epoll_event events[128];
    int n = epoll_wait(s->epoll, events, 128, wait_ms(s, timeout_ms));
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr) /* else it is the daemon's own descriptor */
            link_gone(events[i].data.ptr);
    }
    fire_timers(s);
    s->resumed = false;
    s->mhd.run(s->daemon); /* may free links: only after the events are done */
}

static int listen_on(int port, int backlog, int *actual)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof addr;
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) || listen(fd, backlog) ||
        getsockname(fd, (struct sockaddr *)&addr, &len)) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    *actual = ntohs(addr.sin_port);
    return fd;
}

/* As many connections as the system lets this process have. */
static unsigned raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 1000;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur > 1000000)
        return 1000000;
    return limit.rlim_cur > 128 ? (unsigned)limit.rlim_cur - 32 : 96;
}

/* problem says what failed */
static bool library_load(mock_server *s)
{
    const lg_import imports[] = {
#define XX(name) {"MHD_" #name, &s->mhd.name},
        MOCK_LIBRARY_MAP(XX)
#undef XX
    };
    return lg__inside_load(LIBRARY, imports, sizeof imports / sizeof *imports, s->problem,
                           sizeof s->problem);
}

int mock_server_start(mock_server *s, int port, int backlog)
{
    struct epoll_event ev = {.events = EPOLLIN, .data = {.ptr = NULL}};
    if (!library_load(s))
        return -1;
    s->wall_offset_us = wall_offset_us();
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    int fd = s->epoll < 0 ? -1 : listen_on(port, backlog, &s->port);
    if (fd < 0)
        return -1;
    errno = 0;
    s->daemon = s->mhd.start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, s,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, raise_descriptor_limit(),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16 * 1024, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_END);
    if (!s->daemon) {
        int why = errno ? errno : EINVAL;
        close(fd);
        errno = why;
        return -1;
    }
    const union MHD_DaemonInfo *info = s->mhd.get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? epoll_ctl(s->epoll, EPOLL_CTL_ADD, info->epoll_fd, &ev) : -1;
}

/* Idempotent. libmicrohttpd must have no suspended connection when it stops. What was
 * not answered is closed on and stays in the finished list. */
void mock_server_stop(mock_server *s)
{
    if (s->daemon) {
        s->closing = true;
        for (size_t i = 0; i < s->n_slots; i++) {
            mock_slot *slot = s->slots[i];
            bool slow = slot->state == SLOT_STREAMING && (slot->heap_at != NO_INDEX || slot->held);
            timer_stop(slot);
            if (slow) /* sends its rest into the closing socket */
                slot->released = SIZE_MAX;
            if (slow || (slot->state >= SLOT_QUEUED && slot->state <= SLOT_WAITING))
                slot_resume(slot, slow ? SLOT_STREAMING : SLOT_DUE);
        }
        s->ready.first = s->ready.last = s->ending.first = s->ending.last = NULL;
        s->mhd.run(s->daemon);
        s->mhd.stop_daemon(s->daemon);
        s->daemon = NULL;
    }
    if (s->epoll >= 0)
        close(s->epoll);
    s->epoll = -1;
}

void mock_server_free(mock_server *s)
{
    mock_server_stop(s);
    for (size_t i = 0; i < s->n_slots; i++) {
        slot_clear(s->slots[i]);
        free(s->slots[i]);
    }
    free(s->slots);
    free(s->heap);
    s->slots = s->heap = NULL;
    s->n_slots = s->cap_slots = s->n_heap = 0;
    s->ready = s->ending = s->finished = (slot_list){NULL, NULL};
    s->free = NULL;
}
