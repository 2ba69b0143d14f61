/* SPDX-License-Identifier: MIT */
/* Lines for the host: formatted, masked, escaped; at once or from a bounded queue. Knows no instance and no request. */
#include "log.h"

#include "buf.h"
#include "json.h"
#include "str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local bool thread_is_core;

void log_init(struct log *log, paa_log_fn fn, void *user, bool any_thread, enum paa_level level)
{
    memset(log, 0, sizeof *log);
    atomic_store(&log->level, (int)level);
    log->fn = fn;
    log->user = user;
    log->any_thread = any_thread;
    pthread_mutex_init(&log->lock, NULL);
}

void log_free(struct log *log)
{
    for (size_t i = 0; i < log->count; i++)
        free(log->queue[(log->first + i) % LOG_QUEUE_MAX]);
    log->count = 0;
    pthread_mutex_destroy(&log->lock);
}

void log_forget(struct log *log)
{
    pthread_mutex_init(&log->lock, NULL);
    log->count = 0;
    log->lost = 0;
    atomic_store(&log->waiting, false);
}

void log_thread_is_core(void)
{
    thread_is_core = true;
}

static void give(const struct log *log, enum paa_level level, const char *text)
{
    if (log->fn != NULL)
        log->fn(level, paa_str_of(text), log->user);
    else
        fprintf(stderr, "paa: %s\n", text);
}

static void enqueue(struct log *log, enum paa_level level, const char *text)
{
    struct log_line *line = malloc(sizeof *line);

    pthread_mutex_lock(&log->lock);
    if (line == NULL || log->count == LOG_QUEUE_MAX) {
        log->lost++;
        free(line);
    } else {
        line->level = level;
        (void)snprintf(line->text, sizeof line->text, "%s", text);
        log->queue[(log->first + log->count++) % LOG_QUEUE_MAX] = line;
    }
    atomic_store(&log->waiting, true);
    pthread_mutex_unlock(&log->lock);
}

PAA_PRINTF(4, 0)
static void write_line(struct log *log, enum paa_level level, bool is_queued, const char *format,
                       va_list arguments)
{
    char text[LOG_LINE_MAX * 2];
    struct buf escaped;

    (void)vsnprintf(text, sizeof text, format, arguments);
    if (log->mask_fn != NULL)
        log->mask_fn(text, log->mask_arg);
    text[LOG_LINE_MAX - 1] = '\0'; /* after masking: a secret across the cut is whole until here */
    buf_init(&escaped, LOG_LINE_MAX * 6);
    text_escape(&escaped, paa_str_of(text));
    if (escaped.failed || escaped.data == NULL)
        (void)snprintf(text, sizeof text, "a log line is lost: no memory");
    if (is_queued && !log->any_thread)
        enqueue(log, level, escaped.data != NULL ? escaped.data : text);
    else
        give(log, level, escaped.data != NULL ? escaped.data : text);
    buf_free(&escaped);
}

void log_line(struct log *log, enum paa_level level, const char *format, ...)
{
    va_list arguments;

    if (!log_wants(log, level))
        return;
    va_start(arguments, format);
    write_line(log, level, thread_is_core, format, arguments);
    va_end(arguments);
}

void log_queue(struct log *log, enum paa_level level, const char *format, ...)
{
    va_list arguments;

    if (!log_wants(log, level))
        return;
    va_start(arguments, format);
    write_line(log, level, true, format, arguments);
    va_end(arguments);
}

static struct log_line *take(struct log *log, uint64_t *ret_lost)
{
    struct log_line *line = NULL;

    pthread_mutex_lock(&log->lock);
    *ret_lost = log->lost;
    log->lost = 0;
    if (log->count > 0) {
        line = log->queue[log->first];
        log->first = (log->first + 1) % LOG_QUEUE_MAX;
        log->count--;
    }
    if (log->count == 0)
        atomic_store(&log->waiting, false);
    pthread_mutex_unlock(&log->lock);
    return line;
}

void log_deliver(struct log *log)
{
    struct log_line *line;
    uint64_t lost = 0;
    char text[64];

    while (atomic_load_explicit(&log->waiting, memory_order_relaxed)) {
        line = take(log, &lost);
        if (line != NULL)
            give(log, line->level, line->text);
        free(line);
        if (lost > 0) {
            (void)snprintf(text, sizeof text, "%llu log lines were lost", (unsigned long long)lost);
            give(log, PAA_LEVEL_WARNING, text);
        }
    }
}
