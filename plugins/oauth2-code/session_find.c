/* SPDX-License-Identifier: MIT */
/* The session that a request shows: out of its cookies, or out of the store by the number that its cookie holds. */
#include "browser.h"

#include "secret.h"
#include "str.h"

#include <openssl/sha.h>
#include <stdlib.h>

enum { PART_MAX = 2048 };

struct finding {
    found_fn then;
    void *context;
    struct paa_str text; /* of the cookies, with the first one's digit */
    unsigned count;
};

struct opened { /* object of the memo */
    struct found found;
    uint64_t keys_version;  /* under which it was opened */
    struct paa_str service; /* for which */
    size_t size;            /* of all */
    unsigned char bytes[];  /* what its texts show */
};

static enum paa_result none(struct paa_op *op, const struct finding *finding)
{
    return finding->then(op, PAA_STATUS_NONE, NULL, finding->context);
}

/* Each part with a NUL behind it, which is in none of them. A part that is longer than any of ours counts by its
 * beginning. */
void browser_digest(const char *purpose, struct paa_str owner, struct paa_str text,
                    unsigned char ret_key[BROWSER_DIGEST_SIZE])
{
    const struct paa_str parts[] = { paa_str_of(purpose), owner, text };
    unsigned char bytes[sizeof parts / sizeof parts[0] * (PART_MAX + 1)];
    size_t size = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t part = parts[i].size < PART_MAX ? parts[i].size : PART_MAX;

        if (part > 0)
            memcpy(bytes + size, parts[i].data, part);
        bytes[size + part] = 0;
        size += part + 1;
    }
    (void)SHA256(bytes, size, ret_key);
}

/* ---- from bytes --------------------------------------------------------------------------------- */

/* A session of another issuer, from before the policy changed, is nobody's here. */
static bool read_session(struct paa_op *op, struct paa_bytes bytes, struct found *found)
{
    const struct browser *self = browser_of(op);
    struct session *session = &found->session;

    if (!session_read(bytes, session) || !str_eq(session->issuer, self->issuer->rules.issuer))
        return false;
    if (self->backchannel.data == NULL)
        return true;
    if (session->sid.data != NULL)
        browser_digest("sid", session->issuer, session->sid, found->by_sid);
    browser_digest("sub", session->issuer, session->subject, found->by_sub);
    return true;
}

/* ---- out of cookies ----------------------------------------------------------------------------- */

/* Changes when a key does: what was opened with one that is gone counts no more. */
static uint64_t keys_version(struct paa_op *op)
{
    const struct paa_host_options *options = op->host->options;
    size_t count = options->count(op->options, "cookie_key");
    uint64_t version = 0;

    for (size_t i = 0; i < count; i++)
        version += op->host->sources->version(op, options->source(op->options, "cookie_key", i));
    return version;
}

static void release(void *object, const void *self)
{
    struct opened *opened = (struct opened *)object;

    (void)self;
    secret_wipe(opened, opened->size); /* there are tokens in it */
    free(opened);
}

void opened_memo(struct paa_memo_def *ret_def)
{
    paa_init(ret_def, sizeof *ret_def);
    ret_def->name = "opened";
    ret_def->flags = PAA_MEMO_SECRET;
    ret_def->release = release;
    ret_def->max_bytes = BROWSER_OPENED_BYTES;
}

static void remember(struct paa_op *op, const struct finding *finding, struct paa_bytes plain)
{
    const struct browser *self = browser_of(op);
    struct paa_str service = op->host->request->view(op)->service;
    size_t size = sizeof(struct opened) + plain.size + service.size;
    struct opened *opened = (struct opened *)malloc(size);

    if (opened == NULL)
        return; /* it is opened again next time */
    memset(opened, 0, sizeof *opened);
    memcpy(opened->bytes, plain.data, plain.size);
    memcpy(opened->bytes + plain.size, service.data, service.size);
    opened->service = paa_str_of_n((const char *)opened->bytes + plain.size, service.size);
    opened->keys_version = keys_version(op);
    opened->size = size;
    if (!read_session(op, paa_bytes_of(opened->bytes, plain.size), &opened->found) ||
        op->host->memo->keep(op, self->opened, paa_bytes_of(finding->text.data, finding->text.size),
                             opened, size,
                             session_ends_s(&opened->found.session, &self->times)) != PAA_STATUS_OK)
        release(opened, NULL);
}

static enum paa_result open_text(struct paa_op *op, const struct finding *finding)
{
    struct found *found = (struct found *)op->host->alloc(op, sizeof *found);
    struct paa_bytes plain = BYTES_NONE;
    enum paa_status status = browser_unseal(op, browser_of(op)->names.chunks[0], finding->count,
                                            cookie_first_text(finding->text), &plain);

    if (status == PAA_STATUS_UNAVAILABLE || found == NULL)
        return finding->then(op, PAA_STATUS_UNAVAILABLE, NULL, finding->context);
    if (status != PAA_STATUS_OK || !read_session(op, plain, found))
        return none(op, finding);
    remember(op, finding, plain);
    return finding->then(op, PAA_STATUS_OK, found, finding->context);
}

static enum paa_result on_opened(struct paa_op *op, enum paa_status status,
                                 const struct paa_memo_value *value, void *context)
{
    const struct finding *finding = (const struct finding *)context;
    const struct opened *opened;

    if (status != PAA_STATUS_OK)
        return open_text(op, finding);
    opened = (const struct opened *)value->object;
    if (opened->keys_version != keys_version(op) ||
        !str_eq(opened->service, op->host->request->view(op)->service))
        return open_text(op, finding);
    return finding->then(op, PAA_STATUS_OK, &opened->found, finding->context);
}

/* All chunks, one behind the other; one alone is left where it is. Absent: one is missing. */
static struct paa_str join(struct paa_op *op, struct paa_str first, unsigned count)
{
    const struct cookie_names *names = &browser_of(op)->names;
    struct paa_str chunks[COOKIE_CHUNKS_MAX] = { first };
    size_t size = first.size, at = 0;
    char *text;

    for (unsigned i = 1; i < count; i++) {
        chunks[i] = browser_cookie(op, names->chunks[i]);
        size += chunks[i].size;
        if (chunks[i].data == NULL || chunks[i].size > COOKIE_CHUNK_MAX)
            return STR_NONE;
    }
    if (count == 1)
        return first;
    text = (char *)op->host->alloc(op, size);
    for (unsigned i = 0; i < count && text != NULL; i++) {
        memcpy(text + at, chunks[i].data, chunks[i].size);
        at += chunks[i].size;
    }
    return text != NULL ? paa_str_of_n(text, size) : STR_NONE;
}

static enum paa_result find_in_cookies(struct paa_op *op, struct finding *finding,
                                       struct paa_str first)
{
    struct paa_memo_query query;

    finding->count = cookie_first_count(first);
    if (finding->count == 0 || first.size > COOKIE_CHUNK_MAX)
        return none(op, finding);
    finding->text = join(op, first, finding->count);
    if (finding->text.data == NULL)
        return none(op, finding);
    paa_init(&query, sizeof query);
    query.flags = PAA_QUERY_LOOK;
    query.key = paa_bytes_of(finding->text.data, finding->text.size);
    return op->host->memo->get(op, browser_of(op)->opened, &query, on_opened, finding);
}

/* ---- out of the store --------------------------------------------------------------------------- */

static enum paa_result on_record(struct paa_op *op, enum paa_status status,
                                 const struct paa_record *record, void *context)
{
    const struct finding *finding = (const struct finding *)context;
    struct found *found;
    void *bytes;

    if (status == PAA_STATUS_NONE)
        return none(op, finding);
    if (status != PAA_STATUS_OK)
        return finding->then(op, PAA_STATUS_UNAVAILABLE, NULL, finding->context);
    found = (struct found *)op->host->alloc(op, sizeof *found + record->value.size);
    if (found == NULL)
        return finding->then(op, PAA_STATUS_UNAVAILABLE, NULL, finding->context);
    bytes = found + 1;
    memcpy(bytes, record->value.data, record->value.size);
    found->version = record->version;
    if (!read_session(op, paa_bytes_of(bytes, record->value.size), found))
        return none(op, finding);
    return finding->then(op, PAA_STATUS_OK, found, finding->context);
}

static enum paa_result find_in_store(struct paa_op *op, struct finding *finding,
                                     struct paa_str text)
{
    unsigned char key[BROWSER_DIGEST_SIZE];

    if (text.size != SESSION_NUMBER_TEXT)
        return none(op, finding);
    browser_digest("session", op->host->request->view(op)->service, text, key);
    return op->host->store->get(op, browser_of(op)->sessions, paa_bytes_of(key, sizeof key),
                                on_record, finding);
}

enum paa_result session_find(struct paa_op *op, found_fn then, void *context)
{
    const struct browser *self = browser_of(op);
    struct paa_str first = browser_cookie(op, self->names.chunks[0]);
    struct finding *finding = (struct finding *)op->host->alloc(op, sizeof *finding);

    if (finding == NULL)
        return then(op, PAA_STATUS_UNAVAILABLE, NULL, context);
    finding->then = then;
    finding->context = context;
    if (first.data == NULL)
        return none(op, finding);
    return self->in_store ? find_in_store(op, finding, first) : find_in_cookies(op, finding, first);
}
