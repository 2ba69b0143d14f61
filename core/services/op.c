/* SPDX-License-Identifier: MIT */
/*
 * How an operation waits and goes on, whatever it waits for, and what its slot may answer. Knows no service,
 * transaction or policy.
 */
#include "op.h"

#include "hint.h"
#include "log.h"
#include "services.h"
#include "str.h"

enum {
    SAYS_ACCEPT = 1u << 0,
    SAYS_ABSENT = 1u << 1,
    SAYS_REJECT = 1u << 2,
    SAYS_UNAVAILABLE = 1u << 3,
    SAYS_IGNORE = 1u << 4,
    SAYS_FAULT = 1u << 5,
    SAYS_PENDING = 1u << 6,
    SAYS_DONE = 1u << 7,
    JUDGES = SAYS_ACCEPT | SAYS_ABSENT | SAYS_REJECT | SAYS_UNAVAILABLE | SAYS_IGNORE | SAYS_FAULT |
             SAYS_PENDING,
    TELLS = SAYS_DONE | SAYS_ABSENT | SAYS_UNAVAILABLE | SAYS_FAULT | SAYS_PENDING,
    OP_ALLOC_MAX = 256 * 1024 /* plugin.h says so */
};

static const struct {
    const char *name;
    unsigned says;
} slots[] = {
    [OP_CREATE] = { "create", 0 },
    [OP_VERIFY] = { "verify", JUDGES },
    [OP_ATTACH] = { "attach", JUDGES },
    [OP_CHALLENGE] = { "challenge", TELLS },
    [OP_ANSWERED] = { "answered", TELLS },
    [OP_SERVE] = { "serve", TELLS | SAYS_REJECT },
    [OP_DESCRIBE] = { "describe", TELLS },
    [OP_VERB] = { "a verb", TELLS | SAYS_REJECT },
    [OP_PRODUCE] = { "produce", TELLS | SAYS_REJECT },
    [OP_DECODE] = { "decode", 0 },
};

bool op_result_allowed(enum op_slot slot, enum paa_result result)
{
    unsigned index = (unsigned)result - (unsigned)PAA_ACCEPT;

    return index < 8 && (slots[slot].says >> index & 1) != 0;
}

void op_misuse(struct op *op, const char *what)
{
    if (!op->misused)
        log_line(&op->services->log, PAA_LEVEL_ERROR, "instance %s: %s in %s",
                 op->instance != NULL ? op->instance->name : "?", what, slots[op->slot].name);
    op->misused = true;
    op->broken = true;
}

bool op_wait(struct op *op, const struct op_wait_kind *kind, void *context)
{
    if ((slots[op->slot].says & SAYS_PENDING) == 0) {
        op_misuse(op, "a waiting call, which is not allowed there,");
        return false;
    }
    if (op->wait.state != OP_WAIT_NONE) {
        op_misuse(op, "a second wait while one is under way");
        return false;
    }
    op->wait.state = OP_WAIT_ARMED;
    op->wait.status = PAA_STATUS_UNAVAILABLE;
    op->wait.kind = kind;
    op->wait.context = context;
    memset(&op->wait.came, 0, sizeof op->wait.came);
    list_init(&op->wait.link);
    op->wait.owner = NULL;
    op->wait.pin_mark = pins_mark(op->pins);
    op->wait.retry_after_ms = 0;
    op->wait.sentence = NULL;
    op->wait.is_public = false;
    return true;
}

/* The outcome is at hand: its continuation runs. What it was told lives until it returns. */
static enum paa_result resume(struct op *op)
{
    enum paa_result result;

    op->wait.state = OP_WAIT_NONE;
    if (UNLIKELY(op->wait.retry_after_ms > op->retry_after_ms))
        op->retry_after_ms = op->wait.retry_after_ms;
    result = op->wait.kind->resume(op);
    if (op->wait.state == OP_WAIT_NONE)
        op->wait.sentence = NULL;
    return result;
}

/* Nobody may see what is waited for. An ARMED wait that cannot be taken back is the owner's to await. */
static void call_off(struct op *op)
{
    if (op->wait.state == OP_WAIT_READY) {
        (void)op->wait.kind->cancel(op);
        op->wait.state = OP_WAIT_NONE;
    }
    op->wait.sentence = NULL;
}

static enum paa_result judge(struct op *op, enum paa_result result)
{
    bool is_good = result == PAA_ACCEPT || result == PAA_DONE;

    if (UNLIKELY(!op_result_allowed(op->slot, result))) {
        op_misuse(op, "a result that may not be returned");
        op->forbidden = true;
    }
    if (UNLIKELY(op->misused || (op->broken && is_good)))
        return PAA_FAULT;
    if (UNLIKELY(op->is_untimed) && is_good) /* what it judged may have ended long ago */
        return op_fail(&op->pub, PAA_UNAVAILABLE, "clock",
                       STR("the clock failed, and what has an end cannot be judged without"));
    return result;
}

enum paa_result op_settle(struct op *op, enum paa_result result)
{
    while (result == PAA_PENDING && LIKELY(op->wait.state == OP_WAIT_READY))
        result = resume(op);
    if (UNLIKELY(result == PAA_PENDING) && op->wait.state == OP_WAIT_ARMED)
        return PAA_PENDING;
    if (UNLIKELY(op->wait.state != OP_WAIT_NONE)) {
        op_misuse(op, "a result while a wait was under way");
        call_off(op);
    } else if (UNLIKELY(result == PAA_PENDING)) {
        op_misuse(op, "PENDING without a wait");
    }
    return judge(op, result);
}

enum paa_result op_go_on(struct op *op)
{
    op->wait.state = OP_WAIT_READY;
    op->read_ms = 0;
    return op_settle(op, PAA_PENDING);
}

bool op_understands(const void *s, size_t size, uint32_t flags)
{
    const unsigned char *bytes = s;
    uint32_t head[2];

    if (s == NULL)
        return false;
    memcpy(head, s, sizeof head);
    for (size_t i = size; UNLIKELY(i < head[0]); i++)
        if (bytes[i] != 0)
            return false;
    return head[0] >= size && (head[1] & ~flags) == 0;
}

/* ---- what every slot may call ------------------------------------------------------------------ */

static bool may_fail_with(enum paa_result result)
{
    return result == PAA_ABSENT || result == PAA_REJECT || result == PAA_UNAVAILABLE ||
           result == PAA_IGNORE || result == PAA_FAULT;
}

/* Sentences cost a copy: only where somebody may read them. On its way out a request without a credential is not sent,
 * and the host is told why ("nobody has logged in"). */
static bool is_wanted(const struct op *op, enum paa_result result)
{
    return result == PAA_REJECT || result == PAA_UNAVAILABLE || result == PAA_FAULT || op->trace ||
           (result == PAA_ABSENT && op->slot == OP_ATTACH) ||
           log_wants(&op->services->log, PAA_LEVEL_DEBUG);
}

enum paa_result op_fail(struct paa_op *pub, enum paa_result result, const char *reason,
                        struct paa_str sentence)
{
    struct op *op = op_of(pub);

    if (!may_fail_with(result))
        result = PAA_FAULT;
    op->is_public = sentence.data == NULL && op->wait.sentence != NULL && op->wait.is_public;
    if (sentence.data == NULL)
        sentence = paa_str_of(op->wait.sentence);
    op->reason = reason;
    op->sentence = is_wanted(op, result) ? arena_str(op->arena, sentence) : STR_NONE;
    return result;
}

void *op_alloc(struct paa_op *pub, size_t size)
{
    return size <= OP_ALLOC_MAX ? arena_zalloc(op_of(pub)->arena, size) : NULL;
}
