/* SPDX-License-Identifier: MIT */
/* Did a session end before its time: by logout here, or because the provider said so of its sid or its person? */
#include "browser.h"

#include "packed.h"
#include "str.h"

struct asking {
    const struct found *found;
    browser_fn then;
    void *context;
    unsigned at;
};

enum which { BY_ID = 0, BY_SID, BY_SUB, WHICH_COUNT };

static enum paa_result ask(struct paa_op *op, struct asking *asking);

/* All of a person's sessions that were made up to then. */
static bool is_before(const struct session *session, struct paa_bytes value)
{
    struct unpacker unpacker = { .rest = value };
    int64_t until_s = unpack_int(&unpacker);

    return unpacker.failed || session->made_at_s <= until_s;
}

static enum paa_result on_record(struct paa_op *op, enum paa_status status,
                                 const struct paa_record *record, void *context)
{
    struct asking *asking = (struct asking *)context;

    if (status != PAA_STATUS_OK && status != PAA_STATUS_NONE)
        return asking->then(op, PAA_STATUS_UNAVAILABLE, asking->context);
    if (status == PAA_STATUS_OK &&
        (asking->at != BY_SUB || is_before(&asking->found->session, record->value)))
        return asking->then(op, PAA_STATUS_DENIED, asking->context);
    asking->at++;
    return ask(op, asking);
}

/* Absent: this one need not be asked for. */
static struct paa_bytes key_of(const struct browser *self, const struct asking *asking)
{
    const struct found *found = asking->found;

    if (asking->at == BY_ID && !self->in_store) /* there a session that ended is not found at all */
        return paa_bytes_of(found->session.id, SESSION_ID_SIZE);
    if (asking->at == BY_SID && self->backchannel.data != NULL && found->session.sid.data != NULL)
        return paa_bytes_of(found->by_sid, BROWSER_DIGEST_SIZE);
    if (asking->at == BY_SUB && self->backchannel.data != NULL)
        return paa_bytes_of(found->by_sub, BROWSER_DIGEST_SIZE);
    return BYTES_NONE;
}

static enum paa_result ask(struct paa_op *op, struct asking *asking)
{
    const struct browser *self = browser_of(op);
    struct paa_bytes key = BYTES_NONE;

    while (asking->at < WHICH_COUNT && (key = key_of(self, asking)).data == NULL)
        asking->at++;
    if (asking->at == WHICH_COUNT)
        return asking->then(op, PAA_STATUS_OK, asking->context);
    return op->host->store->get(op, self->revoked, key, on_record, asking);
}

enum paa_result session_ask_revoked(struct paa_op *op, const struct found *found, browser_fn then,
                                    void *context)
{
    struct asking *asking = (struct asking *)op->host->alloc(op, sizeof *asking);

    if (asking == NULL)
        return then(op, PAA_STATUS_UNAVAILABLE, context);
    asking->found = found;
    asking->then = then;
    asking->context = context;
    return ask(op, asking);
}
