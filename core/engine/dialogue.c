/* SPDX-License-Identifier: MIT */
/* dialogue.h: prompts of a transaction, and its clock. */
#include "dialogue.h"

#include "secret.h"
#include "str.h"

static int64_t now_ms(const struct paa_txn *txn)
{
    return clock_now_ms(&txn->lane->context->services.clock);
}

bool dialogue_can(const struct paa_txn *txn)
{
    return (txn->lane->context->can & PAA_CAN_PROMPT) != 0;
}

bool dialogue_only_shows(const struct paa_prompt *prompt)
{
    return prompt->kind != PAA_PROMPT_TEXT && prompt->kind != PAA_PROMPT_SECRET;
}

bool dialogue_understands(const struct paa_prompt *prompt)
{
    return op_understands(prompt, sizeof *prompt, 0) && prompt->kind >= PAA_PROMPT_INFO &&
           prompt->kind <= PAA_PROMPT_OPEN;
}

static struct dialogue *dialogue_of(struct paa_txn *txn)
{
    if (txn->dialogue == NULL)
        txn->dialogue = arena_zalloc(&txn->arena, sizeof *txn->dialogue);
    return txn->dialogue;
}

/* ---- two clocks ---------------------------------------------------------------------------------- */

bool dialogue_begin(struct paa_txn *txn, struct op *op)
{
    struct dialogue *dialogue = dialogue_of(txn);

    if (dialogue == NULL || dialogue->used_ms >= DIALOGUE_MS)
        return false;
    if (dialogue->is_open) /* a second wait, which will be refused */
        return true;
    dialogue->is_open = true;
    dialogue->began_ms = now_ms(txn);
    dialogue->left_ms = txn->deadline_ms - dialogue->began_ms;
    txn->deadline_ms = time_add(dialogue->began_ms, DIALOGUE_MS - dialogue->used_ms);
    op->deadline_ms = txn->deadline_ms;
    lane_redate(txn);
    return true;
}

void dialogue_end(struct paa_txn *txn)
{
    struct dialogue *dialogue = txn->dialogue;
    int64_t now;

    if (dialogue == NULL || !dialogue->is_open)
        return;
    now = now_ms(txn);
    dialogue->is_open = false;
    dialogue->used_ms += now - dialogue->began_ms;
    txn->deadline_ms = time_add(now, dialogue->left_ms);
    if (txn->waiting != NULL)
        txn->waiting->deadline_ms = txn->deadline_ms;
    lane_redate(txn);
}

bool dialogue_is_over(struct paa_txn *txn)
{
    struct op *op = txn->waiting;

    if (txn->dialogue == NULL || !txn->dialogue->is_open)
        return false;
    if (op->wait.kind->cancel(op)) {
        op->wait.status = PAA_STATUS_UNAVAILABLE;
        op->wait.sentence = "the person did not answer in time";
    } else {
        (void)lane_take(txn->lane, op); /* an answer came at the last moment */
    }
    return true;
}

/* ---- prompts ------------------------------------------------------------------------------------- */

static enum paa_result resume_ask(struct op *op)
{
    struct paa_txn *txn = op->owner;
    const struct paa_reply *reply = op->wait.status == PAA_STATUS_OK ? &op->wait.came.reply : NULL;
    struct paa_str text = txn->dialogue != NULL ? txn->dialogue->reply : STR_NONE;
    enum paa_result result;

    txn->wants = 0;
    if (txn->dialogue != NULL)
        txn->dialogue->reply = STR_NONE;
    result = op->wait.then.reply(&op->pub, op->wait.status, reply, op->wait.context);
    secret_wipe((char *)(uintptr_t)text.data, text.size);
    return result;
}

static bool cancel_ask(struct op *op)
{
    struct paa_txn *txn = op->owner;

    txn->wants = 0;
    return true; /* the host's own calls bring the reply, and they are over */
}

static const struct op_wait_kind ask_kind = { "conversation.ask", resume_ask, cancel_ask };

static enum paa_result refuse(struct op *op, enum paa_status status, const char *sentence)
{
    op->wait.status = status;
    op->wait.sentence = sentence;
    op_wait_ready(op);
    return PAA_PENDING;
}

static bool keep(struct paa_txn *txn, const struct paa_prompt *prompt, struct paa_str instance)
{
    struct dialogue *dialogue = txn->dialogue;

    dialogue->prompt = *prompt;
    dialogue->prompt.struct_size = sizeof dialogue->prompt;
    dialogue->prompt.instance = instance;
    dialogue->is_shown = false;
    dialogue->is_replied = false;
    return arena_strs(&txn->arena,
                      (struct paa_str *[]){ &dialogue->prompt.text, &dialogue->prompt.url,
                                            &dialogue->prompt.code },
                      3);
}

enum paa_result dialogue_ask(struct op *op, const struct paa_prompt *prompt, paa_reply_fn then,
                             void *context)
{
    struct paa_txn *txn = op->owner;

    if (!op_wait(op, &ask_kind, context))
        return PAA_PENDING;
    op->wait.then.reply = then;
    if (!dialogue_understands(prompt))
        return refuse(op, PAA_STATUS_INVALID, "a prompt of an unknown kind");
    if (!dialogue_can(txn))
        return refuse(op, PAA_STATUS_UNSUPPORTED, "this host has nobody to ask (PAA_CAN_PROMPT)");
    if (dialogue_of(txn) == NULL || !keep(txn, prompt, op->pub.instance))
        return refuse(op, PAA_STATUS_UNAVAILABLE, "no memory is left for a prompt");
    if (!dialogue_begin(txn, op))
        return refuse(op, PAA_STATUS_UNAVAILABLE, "the time for asking the person is over");
    txn->wants = PAA_WANTS_PROMPT;
    return PAA_PENDING;
}

bool dialogue_is_answered(struct paa_txn *txn)
{
    const struct dialogue *dialogue = txn->dialogue;
    struct op *op = txn->waiting;
    bool only_shows;

    if (txn->wants != PAA_WANTS_PROMPT)
        return false;
    only_shows = dialogue_only_shows(&dialogue->prompt);
    if (!dialogue->is_replied && !(only_shows && dialogue->is_shown))
        return false;
    paa_init(&op->wait.came.reply, sizeof op->wait.came.reply);
    op->wait.status = PAA_STATUS_OK;
    if (dialogue->is_replied && dialogue->reply.data == NULL)
        op->wait.status = PAA_STATUS_DENIED;
    else if (!only_shows)
        op->wait.came.reply.bytes = paa_bytes_of(dialogue->reply.data, dialogue->reply.size);
    return true;
}

/* ---- the host's side ----------------------------------------------------------------------------- */

/* That it was looked at is noted, so that what only shows is not passed over unseen. */
const struct paa_prompt *paa_txn_prompt(const struct paa_txn *txn)
{
    if (txn == NULL || txn->state != PAA_TXN_INPUT || txn->wants != PAA_WANTS_PROMPT)
        return NULL;
    txn->dialogue->is_shown = true;
    return &txn->dialogue->prompt;
}

/* One that is too long is nobody's password: it counts as none. */
void paa_txn_reply(struct paa_txn *txn, struct paa_str reply)
{
    struct dialogue *dialogue;

    if (txn == NULL || txn->state != PAA_TXN_INPUT || txn->wants != PAA_WANTS_PROMPT)
        return;
    dialogue = txn->dialogue;
    secret_wipe((char *)(uintptr_t)dialogue->reply.data, dialogue->reply.size);
    dialogue->is_replied = true;
    dialogue->reply = reply.size <= DIALOGUE_REPLY_MAX ? arena_str(&txn->arena, reply) : STR_NONE;
}
