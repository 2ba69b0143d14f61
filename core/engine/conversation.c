/* SPDX-License-Identifier: MIT */
/* host->conversation: a verb's terminal, the person behind a host, and the listener that a login comes back to. */
#include "command.h"
#include "dialogue.h"
#include "loopback.h"
#include "secret.h"
#include "str.h"

static struct command_run *run_of(struct paa_op *pub)
{
    struct op *op = op_of(pub);

    return op->slot == OP_VERB ? op->owner : NULL;
}

static struct paa_txn *txn_of(struct paa_op *pub)
{
    struct op *op = op_of(pub);

    return op->slot >= OP_VERIFY && op->slot <= OP_SERVE ? op->owner : NULL;
}

static enum paa_result resume(struct op *op)
{
    const struct paa_reply *reply = op->wait.status == PAA_STATUS_OK ? &op->wait.came.reply : NULL;
    struct paa_bytes line = op->wait.came.reply.bytes;
    enum paa_result result =
        op->wait.then.reply(&op->pub, op->wait.status, reply, op->wait.context);

    secret_wipe((unsigned char *)(uintptr_t)line.data, line.size);
    return result;
}

static bool cancel(struct op *op)
{
    (void)op;
    return true; /* the outcome is always at hand */
}

static const struct op_wait_kind kind = { "conversation", resume, cancel };

static enum paa_result reply_with(struct op *op, paa_reply_fn then, void *context,
                                  enum paa_status status, struct paa_bytes bytes)
{
    if (op_wait(op, &kind, context)) {
        op->wait.then.reply = then;
        op->wait.status = status;
        op->wait.sentence = status == PAA_STATUS_UNSUPPORTED ? "there is nobody to ask" : NULL;
        paa_init(&op->wait.came.reply, sizeof op->wait.came.reply);
        op->wait.came.reply.bytes = bytes;
        op_wait_ready(op);
    }
    return PAA_PENDING;
}

static enum paa_result ask_terminal(struct op *op, const struct command_run *run,
                                    const struct paa_prompt *prompt, paa_reply_fn then,
                                    void *context)
{
    struct paa_prompt asked = *prompt;
    char *line = arena_zalloc(op->arena, COMMAND_LINE_MAX);
    int64_t size;

    asked.instance = op->pub.instance;
    size = line != NULL
               ? run->context->converse_fn(&asked, line, COMMAND_LINE_MAX, run->context->user)
               : -1;
    if (size < 0 || size > COMMAND_LINE_MAX)
        return reply_with(op, then, context, PAA_STATUS_DENIED, BYTES_NONE);
    if (dialogue_only_shows(prompt))
        return reply_with(op, then, context, PAA_STATUS_OK, BYTES_NONE);
    return reply_with(op, then, context, PAA_STATUS_OK, paa_bytes_of(line, (size_t)size));
}

static enum paa_result host_ask(struct paa_op *pub, const struct paa_prompt *prompt,
                                paa_reply_fn then, void *context)
{
    struct op *op = op_of(pub);
    struct command_run *run = run_of(pub);

    if (txn_of(pub) != NULL)
        return dialogue_ask(op, prompt, then, context);
    if (run == NULL || run->context->converse_fn == NULL)
        return reply_with(op, then, context, PAA_STATUS_UNSUPPORTED, BYTES_NONE);
    if (!dialogue_understands(prompt))
        return reply_with(op, then, context, PAA_STATUS_INVALID, BYTES_NONE);
    return ask_terminal(op, run, prompt, then, context);
}

/* ---- the listener -------------------------------------------------------------------------------- */

/* Where there is no person, no browser comes back. */
static bool has_person(struct paa_op *pub)
{
    struct paa_txn *txn = txn_of(pub);

    if ((op_of(pub)->services->flags & PAA_OPEN_OFFLINE) != 0)
        return false;
    return run_of(pub) != NULL || (txn != NULL && dialogue_can(txn));
}

static enum paa_status host_listen(struct paa_op *pub, struct paa_str path, struct paa_str state,
                                   struct paa_str *ret_redirect_uri)
{
    *ret_redirect_uri = STR_NONE;
    if (!has_person(pub))
        return PAA_STATUS_UNSUPPORTED;
    return loopback_listen(op_of(pub), path, state, ret_redirect_uri);
}

/* A verb has no lane that looks after its deadline: the listener does. */
static int64_t deadline_for(const struct op *op)
{
    return op->slot != OP_VERB ? INT64_MAX
                               : time_add(clock_now_ms(&op->services->clock), DIALOGUE_MS);
}

static enum paa_result host_redirected(struct paa_op *pub, paa_reply_fn then, void *context)
{
    struct op *op = op_of(pub);
    struct paa_txn *txn = txn_of(pub);
    enum paa_result result;

    if (!has_person(pub))
        return reply_with(op, then, context, PAA_STATUS_UNSUPPORTED, BYTES_NONE);
    if (txn != NULL && !dialogue_begin(txn, op))
        return reply_with(op, then, context, PAA_STATUS_UNAVAILABLE, BYTES_NONE);
    result = loopback_redirected(op, deadline_for(op), then, context);
    if (txn != NULL && op->wait.state != OP_WAIT_ARMED)
        dialogue_end(txn); /* it was here already */
    return result;
}

static enum paa_status host_page(struct paa_op *pub, uint32_t success, struct paa_str sentence)
{
    return has_person(pub) ? loopback_page(op_of(pub), success != 0, sentence)
                           : PAA_STATUS_UNSUPPORTED;
}

/* ---- a verb's terminal --------------------------------------------------------------------------- */

/* What the core knows as a secret is masked, unless the verb shows it on purpose. */
static enum paa_status host_emit(struct paa_op *pub, const struct paa_field *fields,
                                 size_t field_count, uint32_t flags)
{
    struct command_run *run = run_of(pub);
    struct op *op = op_of(pub);
    struct paa_field *copy;

    if (run == NULL || (flags & ~(uint32_t)PAA_EMIT_REVEAL) != 0)
        return PAA_STATUS_INVALID;
    if ((flags & PAA_EMIT_REVEAL) != 0)
        return command_emit(run, fields, field_count);
    copy = arena_array(op->arena, field_count + 1, sizeof *copy);
    if (copy == NULL)
        return PAA_STATUS_TOO_LARGE;
    for (size_t i = 0; i < field_count; i++) {
        copy[i].name = fields[i].name;
        copy[i].value = arena_str(op->arena, fields[i].value);
        if (copy[i].value.data != NULL)
            sources_mask(op->services->sources, (char *)(uintptr_t)copy[i].value.data);
        if (copy[i].value.data != NULL)
            copy[i].value = paa_str_of(copy[i].value.data);
    }
    return command_emit(run, copy, field_count);
}

static enum paa_result host_read(struct paa_op *pub, size_t limit, paa_reply_fn then, void *context)
{
    struct command_run *run = run_of(pub);
    struct op *op = op_of(pub);
    int64_t size;
    char *line;

    if (run == NULL)
        return reply_with(op, then, context, PAA_STATUS_UNSUPPORTED, BYTES_NONE);
    if (run->command->read_fn == NULL)
        return reply_with(op, then, context, PAA_STATUS_NONE, BYTES_NONE);
    if (limit > COMMAND_LINE_MAX)
        limit = COMMAND_LINE_MAX;
    line = arena_zalloc(op->arena, limit + 1);
    if (line == NULL)
        return reply_with(op, then, context, PAA_STATUS_UNAVAILABLE, BYTES_NONE);
    size = run->command->read_fn(line, limit, run->command->user);
    if (size < 0)
        return reply_with(op, then, context, PAA_STATUS_NONE, BYTES_NONE);
    if ((uint64_t)size > limit)
        return reply_with(op, then, context, PAA_STATUS_TOO_LARGE, BYTES_NONE);
    return reply_with(op, then, context, PAA_STATUS_OK, paa_bytes_of(line, (size_t)size));
}

const struct paa_host_conversation engine_host_conversation = {
    .struct_size = sizeof(struct paa_host_conversation),
    .ask = host_ask,
    .listen = host_listen,
    .redirected = host_redirected,
    .page = host_page,
    .emit = host_emit,
    .read = host_read,
};
