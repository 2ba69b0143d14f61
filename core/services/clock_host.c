/* SPDX-License-Identifier: MIT */
/* host->clock, host->random and host->log. */
#include "hint.h"
#include "op.h"
#include "reactor.h"
#include "services.h"
#include "str.h"
#include "units.h"

static int64_t host_now_s(struct paa_op *pub)
{
    struct op *op = op_of(pub);
    int64_t now_s = clock_now_s(&op->services->clock);

    if (UNLIKELY(now_s < 0))
        op->is_untimed = true;
    return now_s;
}

static int64_t host_now_ms(struct paa_op *pub)
{
    return clock_now_ms(&op_of(pub)->services->clock);
}

static int64_t host_remaining_ms(struct paa_op *pub)
{
    const struct op *op = op_of(pub);
    int64_t left;

    if (op->deadline_ms == INT64_MAX)
        return INT64_MAX;
    left = op->deadline_ms - clock_now_ms(&op->services->clock);
    return left > 0 ? left : 0;
}

/* ---- after ------------------------------------------------------------------------------------- */

struct alarm { /* one wait; in the operation's arena, which outlives whatever will be posted */
    struct timer timer;
    struct op *op;
    bool has_rung; /* read after timer_clear only, which waits for on_time */
};

static enum paa_result resume_after(struct op *op)
{
    return op->wait.then.timer(&op->pub, op->wait.status, op->wait.context);
}

static void on_time(struct timer *timer)
{
    struct alarm *alarm = LIST_ENTRY(timer, struct alarm, timer);

    alarm->has_rung = true;
    op_post(alarm->op);
}

static bool cancel_after(struct op *op)
{
    struct alarm *alarm = op->wait.owner;

    if (op->wait.state == OP_WAIT_READY)
        return true;
    timer_clear(op->services->reactor, &alarm->timer);
    return !alarm->has_rung;
}

static const struct op_wait_kind after_kind = { "clock.after", resume_after, cancel_after };

static enum paa_result host_after(struct paa_op *pub, int64_t delay_ms, paa_timer_fn then,
                                  void *context)
{
    struct op *op = op_of(pub);
    struct alarm *alarm;

    if (!op_wait(op, &after_kind, context))
        return PAA_PENDING;
    op->wait.then.timer = then;
    op->wait.status = PAA_STATUS_OK;
    if (delay_ms <= 0) {
        op_wait_ready(op);
        return PAA_PENDING;
    }
    alarm = op->services->reactor != NULL ? arena_zalloc(op->arena, sizeof *alarm) : NULL;
    if (alarm != NULL) {
        alarm->op = op;
        alarm->timer.fn = on_time;
        op->wait.owner = alarm;
    }
    if (alarm == NULL || !timer_set(op->services->reactor, &alarm->timer,
                                    time_add(clock_now_ms(&op->services->clock), delay_ms))) {
        op->wait.status = PAA_STATUS_UNAVAILABLE;
        op->wait.sentence = "no timer could be set";
        op_wait_ready(op);
    }
    return PAA_PENDING;
}

const struct paa_host_clock services_host_clock = {
    .struct_size = sizeof(struct paa_host_clock),
    .now_s = host_now_s,
    .now_ms = host_now_ms,
    .remaining_ms = host_remaining_ms,
    .after = host_after,
};

/* ---- chance and log ---------------------------------------------------------------------------- */

static enum paa_status host_fill(struct paa_op *pub, void *ret_bytes, size_t size)
{
    return chance_fill(&op_of(pub)->services->chance, ret_bytes, size) == 0
               ? PAA_STATUS_OK
               : PAA_STATUS_UNAVAILABLE;
}

const struct paa_host_random services_host_random = {
    .struct_size = sizeof(struct paa_host_random),
    .fill = host_fill,
};

static void host_line(struct paa_op *pub, enum paa_level level, struct paa_str text)
{
    struct op *op = op_of(pub);

    if (!log_wants(&op->services->log, level))
        return;
    log_line(&op->services->log, level, "instance %s: %.*s",
             op->instance != NULL ? op->instance->name : "?", STR_ARGS(text));
}

const struct paa_host_log services_host_log = {
    .struct_size = sizeof(struct paa_host_log),
    .line = host_line,
};
