/* SPDX-License-Identifier: MIT */
/* loopback.h: the operation's side of a listener. */
#include "loopback_inner.h"

#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- waiting -------------------------------------------------------------------------------------- */

static void stop_clock(struct loopback *loopback)
{
    if (loopback->home->services->reactor != NULL)
        timer_clear(loopback->home->services->reactor, &loopback->deadline);
}

static enum paa_result resume_redirected(struct op *op)
{
    const struct paa_reply *reply = op->wait.status == PAA_STATUS_OK ? &op->wait.came.reply : NULL;

    if (op->loopback != NULL)
        stop_clock(op->loopback);
    return op->wait.then.reply(&op->pub, op->wait.status, reply, op->wait.context);
}

/* What it waits for is posted under the lock: either it was, or it never will be. */
static bool cancel_redirected(struct op *op)
{
    struct loopback *loopback = op->loopback;
    bool is_mine;

    if (loopback == NULL || op->wait.state == OP_WAIT_READY)
        return true;
    pthread_mutex_lock(&loopback->home->lock);
    is_mine = loopback->op == op;
    loopback->op = NULL;
    pthread_mutex_unlock(&loopback->home->lock);
    stop_clock(loopback);
    return is_mine;
}

static const struct op_wait_kind redirected_kind = { "conversation.redirected", resume_redirected,
                                                     cancel_redirected };

/* Under the lock. */
static void tell(struct loopback *loopback, struct op *op)
{
    struct paa_reply *reply = &op->wait.came.reply;

    loopback->is_told = true;
    paa_init(reply, sizeof *reply);
    reply->fields = loopback->fields;
    reply->field_count = loopback->field_count;
    op->wait.status = PAA_STATUS_OK;
}

bool loopback_arrived(struct loopback *loopback, struct paa_field *fields, size_t count)
{
    struct op *op;
    bool is_wanted;

    pthread_mutex_lock(&loopback->home->lock);
    is_wanted = !loopback->has_arrived && !loopback->is_ended;
    if (is_wanted) {
        loopback->has_arrived = true;
        loopback->fields = fields;
        loopback->field_count = count;
    }
    op = is_wanted ? loopback->op : NULL;
    if (op != NULL) {
        loopback->op = NULL;
        tell(loopback, op);
        op_post(op);
    }
    pthread_mutex_unlock(&loopback->home->lock);
    return is_wanted;
}

static void on_deadline(struct timer *timer)
{
    struct loopback *loopback = LIST_ENTRY(timer, struct loopback, deadline);
    struct op *op;

    pthread_mutex_lock(&loopback->home->lock);
    op = loopback->op;
    loopback->op = NULL;
    if (op != NULL) {
        op->wait.sentence = "nobody came back from the login in time";
        op_post(op); /* UNAVAILABLE, as it began */
    }
    pthread_mutex_unlock(&loopback->home->lock);
}

static enum paa_result refuse(struct op *op, enum paa_status status, const char *sentence)
{
    op->wait.status = status;
    op->wait.sentence = sentence;
    op_wait_ready(op);
    return PAA_PENDING;
}

enum paa_result loopback_redirected(struct op *op, int64_t deadline_ms, paa_reply_fn then,
                                    void *context)
{
    struct loopback *loopback = op->loopback;
    bool is_set = true;

    if (!op_wait(op, &redirected_kind, context))
        return PAA_PENDING;
    op->wait.then.reply = then;
    if (loopback == NULL)
        return refuse(op, PAA_STATUS_INVALID, "nothing listens: call conversation->listen first");
    pthread_mutex_lock(&loopback->home->lock);
    if (loopback->is_told) {
        (void)refuse(op, PAA_STATUS_NONE, "the listener was for one request, and it came");
    } else if (loopback->has_arrived) {
        tell(loopback, op);
        op_wait_ready(op);
    } else {
        loopback->op = op;
        is_set = deadline_ms == INT64_MAX ||
                 timer_set(loopback->home->services->reactor, &loopback->deadline, deadline_ms);
        loopback->op = is_set ? op : NULL;
    }
    pthread_mutex_unlock(&loopback->home->lock);
    return is_set ? PAA_PENDING : refuse(op, PAA_STATUS_UNAVAILABLE, "no timer could be set");
}

/* ---- beginning and ending ------------------------------------------------------------------------- */

static bool is_path(struct paa_str path)
{
    if (!str_starts(path, STR("/")) || path.size >= LOOPBACK_PATH_MAX)
        return false;
    for (size_t i = 0; i < path.size; i++) {
        char c = path.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '/' || c == '-' || c == '.' || c == '_' || c == '~'))
            return false;
    }
    return true;
}

/* An empty one would be everybody's. */
static bool is_state(struct paa_str state)
{
    return state.data == NULL || (state.size > 0 && state.size <= LOOPBACK_STATE_MAX);
}

static struct loopback *new_loopback(struct loopbacks *home, struct paa_str path,
                                     struct paa_str state)
{
    struct loopback *loopback = calloc(1, sizeof *loopback);

    if (loopback == NULL)
        return NULL;
    loopback->home = home;
    loopback->kick.fn = loopback_on_kick;
    loopback->deadline.fn = on_deadline;
    list_init(&loopback->connections);
    arena_init(&loopback->arena, NULL, 0, (size_t)8 * LOOPBACK_HEAD_MAX);
    buf_init(&loopback->page, LOOPBACK_RESPONSE_MAX);
    loopback->fd = loopback_socket(AF_INET, loopback->host);
    if (loopback->fd < 0)
        loopback->fd = loopback_socket(AF_INET6, loopback->host);
    (void)snprintf(loopback->path, sizeof loopback->path, "%.*s", STR_ARGS(path));
    (void)snprintf(loopback->uri, sizeof loopback->uri, "http://%s%s", loopback->host,
                   loopback->path);
    memcpy(loopback->state, state.size > 0 ? state.data : "", state.size);
    loopback->state_size = state.size;
    return loopback;
}

/* Under the lock of its home. */
static struct loopback *begin(struct loopbacks *home, struct paa_str path, struct paa_str state)
{
    struct loopback *loopback =
        home->services->reactor != NULL ? new_loopback(home, path, state) : NULL;

    if (loopback == NULL)
        return NULL;
    list_add_last(&home->all, &loopback->link);
    home->count++;
    if (loopback->fd >= 0 && loopback_open(loopback)) {
        loopback_note(home, loopback->fd);
        return loopback;
    }
    if (loopback->fd >= 0)
        close(loopback->fd);
    list_remove(&loopback->link);
    home->count--;
    free(loopback);
    return NULL;
}

enum paa_status loopback_listen(struct op *op, struct paa_str path, struct paa_str state,
                                struct paa_str *ret_uri)
{
    struct loopbacks *home = op->services->loopbacks;
    enum paa_status status = PAA_STATUS_OK;
    int saved = errno;

    *ret_uri = STR_NONE;
    if (op->loopback != NULL || !is_path(path) || !is_state(state))
        return PAA_STATUS_INVALID;
    pthread_mutex_lock(&home->lock);
    if (home->count == LOOPBACK_LISTENERS_MAX)
        status = PAA_STATUS_LIMITED;
    else if ((op->loopback = begin(home, path, state)) == NULL)
        status = PAA_STATUS_UNAVAILABLE;
    pthread_mutex_unlock(&home->lock);
    if (op->loopback != NULL)
        *ret_uri = paa_str_of(op->loopback->uri);
    errno = saved;
    return status;
}

enum paa_status loopback_page(struct op *op, bool success, struct paa_str sentence)
{
    struct loopback *loopback = op->loopback;
    enum paa_status status = PAA_STATUS_OK;

    if (loopback == NULL)
        return PAA_STATUS_INVALID;
    pthread_mutex_lock(&loopback->home->lock);
    if (!loopback->is_told || loopback->has_page) {
        status = PAA_STATUS_INVALID;
    } else {
        loopback_page_write(&loopback->page, success, sentence);
        loopback->has_page = true;
        (void)timer_set(loopback->home->services->reactor, &loopback->kick, 0);
    }
    pthread_mutex_unlock(&loopback->home->lock);
    return status;
}

void loopback_op_ended(struct op *op)
{
    struct loopback *loopback = op->loopback;

    op->loopback = NULL;
    pthread_mutex_lock(&loopback->home->lock);
    loopback->op = NULL;
    loopback->is_ended = true; /* from here on it is the reactor's alone */
    (void)timer_set(loopback->home->services->reactor, &loopback->kick, 0);
    pthread_mutex_unlock(&loopback->home->lock);
}

/* ---- all of a context ----------------------------------------------------------------------------- */

static void begin_all(struct loopbacks *loopbacks, struct services *services)
{
    memset(loopbacks, 0, sizeof *loopbacks);
    loopbacks->services = services;
    pthread_mutex_init(&loopbacks->lock, NULL);
    list_init(&loopbacks->all);
    list_init(&loopbacks->departing);
}

struct loopbacks *loopbacks_new(struct services *services)
{
    struct loopbacks *loopbacks = calloc(1, sizeof *loopbacks);

    if (loopbacks != NULL)
        begin_all(loopbacks, services);
    return loopbacks;
}

void loopbacks_stop(struct loopbacks *loopbacks)
{
    if (loopbacks == NULL)
        return;
    while (!list_empty(&loopbacks->all))
        loopback_depart(LIST_ENTRY(loopbacks->all.next, struct loopback, link));
    loopback_flush(loopbacks);
}

void loopbacks_forget(struct loopbacks *loopbacks)
{
    for (size_t i = 0; i < LOOPBACK_SOCKETS_MAX; i++)
        if (loopbacks->sockets[i] > 0)
            close(loopbacks->sockets[i]);
    begin_all(loopbacks, loopbacks->services);
}

void loopbacks_free(struct loopbacks *loopbacks)
{
    if (loopbacks == NULL)
        return;
    pthread_mutex_destroy(&loopbacks->lock);
    free(loopbacks);
}
