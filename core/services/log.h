/* SPDX-License-Identifier: MIT */
/*
 * Log lines. Formatted only at or above the level in force. Host callbacks run only inside host calls, so
 * lines of own threads queue (bounded, loss counted) until log_deliver, unless the host allows any thread.
 */
#ifndef SERVICES_LOG_H
#define SERVICES_LOG_H

#include <paa/paa.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { LOG_LINE_MAX = 2048, LOG_QUEUE_MAX = 256 };

struct log_line {
    enum paa_level level;
    char text[LOG_LINE_MAX];
};

struct log {
    _Atomic int level;
    paa_log_fn fn; /* NULL: standard error */
    void *user;
    void (*mask_fn)(char *text,
                    void *arg); /* takes known secrets out of a line, in place; NULL: none are */
    void *mask_arg;
    bool any_thread;
    pthread_mutex_t lock;
    struct log_line *queue[LOG_QUEUE_MAX]; /* a ring */
    size_t first;
    size_t count;
    uint64_t lost;
    _Atomic bool waiting; /* something is queued: a cheap look for hosts' calls */
};

void log_init(struct log *log, paa_log_fn fn, void *user, bool any_thread, enum paa_level level);
void log_free(struct log *log);
/* In a child after fork: what the parent had queued is the parent's to say. */
void log_forget(struct log *log);

static inline bool log_wants(const struct log *log, enum paa_level level)
{
    return (int)level <= atomic_load_explicit(&log->level, memory_order_relaxed);
}

/* On a thread of the host: straight to the callback. Text is escaped (text_escape). */
PAA_PRINTF(3, 4)
PAA_COLD void log_line(struct log *log, enum paa_level level, const char *format, ...);
/* On a thread of the core: queued. */
PAA_PRINTF(3, 4)
PAA_COLD void log_queue(struct log *log, enum paa_level level, const char *format, ...);
/* Marks this thread as the core's own, so that log_line queues. */
void log_thread_is_core(void);
/* Inside a host's call: hands out what is queued. */
void log_deliver(struct log *log);

#endif
