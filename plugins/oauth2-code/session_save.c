/* SPDX-License-Identifier: MIT */
/* A session on its way to the browser: into its cookies, or into the store, with a number of chance in the cookie. And
 * its end. */
#include "browser.h"

#include "secret.h"
#include "str.h"

struct saving {
    browser_fn then;
    void *context;
    uint32_t flags;
    bool is_new;
    char number[SESSION_NUMBER_TEXT];
};

static struct paa_str cookie_name(struct paa_op *op, unsigned chunk)
{
    return browser_of(op)->names.chunks[chunk];
}

/* ---- cookies ------------------------------------------------------------------------------------ */

static void set_chunks(struct paa_op *op, struct paa_str text, unsigned count, uint32_t flags)
{
    struct buf value;

    for (unsigned i = 0; i < count; i++) {
        buf_init(&value, COOKIE_CHUNK_MAX + 1);
        cookie_chunk_write(&value, text, count, i);
        browser_set_cookie(op, cookie_name(op, i), value.failed ? STR_NONE : buf_str(&value),
                           COOKIE_NO_AGE, flags);
        buf_free(&value);
    }
    browser_clear_session(op, count, flags); /* chunks of one that was longer */
}

static enum paa_status save_in_cookies(struct paa_op *op, const struct session *session,
                                       uint32_t flags)
{
    unsigned char *bytes = (unsigned char *)op->host->alloc(op, BROWSER_SESSION_MAX);
    size_t size = bytes != NULL ? session_write(session, bytes, BROWSER_SESSION_MAX) : 0;
    unsigned count = cookie_chunk_count(COOKIE_SEALED_SIZE(size));
    struct paa_str text;

    if (bytes == NULL)
        return PAA_STATUS_UNAVAILABLE;
    if (size == 0 || count == 0)
        return PAA_STATUS_TOO_LARGE;
    text = browser_seal(op, cookie_name(op, 0), count, paa_bytes_of(bytes, size));
    if (text.data == NULL)
        return PAA_STATUS_UNAVAILABLE;
    set_chunks(op, text, count, flags);
    return PAA_STATUS_OK;
}

/* ---- the store ---------------------------------------------------------------------------------- */

/* EXISTS: another request wrote it meanwhile, or it ended; what it says then counts. */
static enum paa_result on_put(struct paa_op *op, enum paa_status status,
                              const struct paa_record *record, void *context)
{
    const struct saving *saving = (const struct saving *)context;

    (void)record;
    if (status == PAA_STATUS_EXISTS && !saving->is_new)
        return saving->then(op, PAA_STATUS_OK, saving->context);
    if (status != PAA_STATUS_OK)
        return saving->then(op, status == PAA_STATUS_TOO_LARGE ? status : PAA_STATUS_UNAVAILABLE,
                            saving->context);
    if (saving->is_new) {
        browser_set_cookie(op, cookie_name(op, 0),
                           paa_str_of_n(saving->number, SESSION_NUMBER_TEXT), COOKIE_NO_AGE,
                           saving->flags);
        browser_clear_session(op, 1, saving->flags);
    }
    return saving->then(op, PAA_STATUS_OK, saving->context);
}

/* A number for a new session; that of the request's cookie for one that goes on. */
static bool find_number(struct paa_op *op, struct saving *saving)
{
    unsigned char chance[SESSION_NUMBER_SIZE];
    struct paa_str text;

    if (!saving->is_new) {
        text = browser_cookie(op, cookie_name(op, 0));
        if (text.size != SESSION_NUMBER_TEXT)
            return false;
        memcpy(saving->number, text.data, SESSION_NUMBER_TEXT);
        return true;
    }
    if (op->host->random->fill(op, chance, sizeof chance) != PAA_STATUS_OK)
        return false;
    base64url_encode(paa_bytes_of(chance, sizeof chance), saving->number);
    secret_wipe(chance, sizeof chance);
    return true;
}

static void record_key(struct paa_op *op, struct paa_str number,
                       unsigned char key[BROWSER_DIGEST_SIZE])
{
    browser_digest("session", op->host->request->view(op)->service, number, key);
}

static enum paa_result save_in_store(struct paa_op *op, const struct session *session,
                                     struct saving *saving)
{
    const struct browser *self = browser_of(op);
    unsigned char *bytes = (unsigned char *)op->host->alloc(op, BROWSER_STORED_MAX);
    unsigned char key[BROWSER_DIGEST_SIZE];
    struct paa_record record;
    size_t size;

    if (bytes == NULL || !find_number(op, saving))
        return saving->then(op, PAA_STATUS_UNAVAILABLE, saving->context);
    size = session_write(session, bytes, BROWSER_STORED_MAX);
    if (size == 0)
        return saving->then(op, PAA_STATUS_TOO_LARGE, saving->context);
    record_key(op, paa_str_of_n(saving->number, SESSION_NUMBER_TEXT), key);
    paa_init(&record, sizeof record);
    record.expires_at_s = session_ends_s(session, &self->times);
    record.version = saving->is_new ? 0 : incoming_state_of(op)->found->version;
    record.key = paa_bytes_of(key, sizeof key);
    record.value = paa_bytes_of(bytes, size);
    return op->host->store->put(op, self->sessions, &record,
                                saving->is_new ? PAA_PUT_NEW : PAA_PUT_SAME, on_put, saving);
}

enum paa_result session_save(struct paa_op *op, const struct session *session, bool is_new,
                             uint32_t flags, browser_fn then, void *context)
{
    struct saving *saving;

    if (!browser_of(op)->in_store)
        return then(op, save_in_cookies(op, session, flags), context);
    saving = (struct saving *)op->host->alloc(op, sizeof *saving);
    if (saving == NULL)
        return then(op, PAA_STATUS_UNAVAILABLE, context);
    *saving = (struct saving){ .then = then, .context = context, .flags = flags, .is_new = is_new };
    return save_in_store(op, session, saving);
}

/* ---- its end ------------------------------------------------------------------------------------ */

static enum paa_result on_ended(struct paa_op *op, enum paa_status status,
                                const struct paa_record *record, void *context)
{
    const struct saving *saving = (const struct saving *)context;
    bool is_ended = status == PAA_STATUS_OK || status == PAA_STATUS_NONE;

    (void)record;
    return saving->then(op, is_ended ? PAA_STATUS_OK : PAA_STATUS_UNAVAILABLE, saving->context);
}

enum paa_result session_end(struct paa_op *op, const struct found *found, browser_fn then,
                            void *context)
{
    const struct browser *self = browser_of(op);
    struct saving *saving = (struct saving *)op->host->alloc(op, sizeof *saving);
    unsigned char key[BROWSER_DIGEST_SIZE];
    struct paa_record record;

    if (session_ends_s(&found->session, &self->times) <= op->host->clock->now_s(op))
        return then(op, PAA_STATUS_OK, context); /* it has ended by itself */
    if (saving == NULL)
        return then(op, PAA_STATUS_UNAVAILABLE, context);
    saving->then = then;
    saving->context = context;
    if (self->in_store) {
        record_key(op, browser_cookie(op, cookie_name(op, 0)), key);
        return op->host->store->remove(op, self->sessions, paa_bytes_of(key, sizeof key), 0,
                                       on_ended, saving);
    }
    paa_init(&record, sizeof record);
    record.expires_at_s = session_ends_s(&found->session, &self->times);
    record.key = paa_bytes_of(found->session.id, SESSION_ID_SIZE);
    return op->host->store->put(op, self->revoked, &record, PAA_PUT_DURABLE, on_ended, saving);
}
