/* SPDX-License-Identifier: MIT */
/*
 * Incoming: judges the key of a request.
 *
 * The digest of what was given is computed before the store is asked, and compared with a dummy if
 * there is no record: an unknown id costs what a wrong secret costs. Only who shows the right secret
 * learns (in the log) more than that.
 */
#include "apikey.h"

#include "buf.h"

/* ---- which record ----------------------------------------------------------------------------- */

/* The way to a record is long in a large store: its first half is gone while the key is parsed, its second
 * while the digest is computed. */
static void expect(struct paa_op *op, struct paa_str id)
{
    const struct instance *self = instance_of(op);

    if (id.data != NULL && self->keys != NULL)
        op->host->store->expect(op, self->keys, paa_bytes_of(id.data, id.size));
}

static bool minted(struct paa_op *op, const struct key_parts *parts, struct lookup *lookup)
{
    expect(op, parts->id);
    lookup->flags = 0;
    lookup->key_size = parts->id.size;
    memcpy(lookup->key, parts->id.data, parts->id.size);
    return digest_minted(digest_lane_of(op), parts, lookup->digest);
}

static enum lookup_answer peppered(struct paa_op *op, struct paa_str text, struct lookup *lookup)
{
    const struct paa_source *source = instance_of(op)->pepper;
    struct paa_bytes pepper;

    if (source == NULL)
        return LOOKUP_NO_PEPPER;
    pepper = op->host->sources->read(op, source, 0);
    if (pepper.data == NULL)
        return LOOKUP_PEPPER_AWAY;
    if (pepper.size < PEPPER_MIN)
        return LOOKUP_NO_PEPPER;
    lookup->flags |= RECORD_PEPPERED;
    return digest_short(pepper, text, lookup->digest) ? LOOKUP_FOUND : LOOKUP_FAULT;
}

static bool is_visible(struct paa_str text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
            return false;
    return true;
}

static enum lookup_answer foreign(struct paa_op *op, struct paa_str text, struct lookup *lookup)
{
    enum lookup_answer answer;

    if (text.size > IMPORT_MAX)
        return LOOKUP_TOO_LONG;
    if (!is_visible(text))
        return LOOKUP_UNREADABLE;
    if (text.size < IMPORT_MIN)
        return LOOKUP_TOO_SHORT;
    lookup->flags = RECORD_IMPORTED;
    if (text.size < IMPORT_PLAIN_MIN)
        answer = peppered(op, text, lookup);
    else
        answer =
            digest_imported(digest_lane_of(op), text, lookup->digest) ? LOOKUP_FOUND : LOOKUP_FAULT;
    memcpy(lookup->key, "i:", 2);
    memcpy(lookup->key + 2, lookup->digest, DIGEST_SIZE);
    lookup->key_size = 2 + DIGEST_SIZE;
    return answer;
}

enum lookup_answer lookup_of(struct paa_op *op, struct paa_str text, struct lookup *ret_lookup)
{
    struct key_parts parts;

    switch (key_parse(text, &parts)) {
    case KEY_MINTED:
        return minted(op, &parts, ret_lookup) ? LOOKUP_FOUND : LOOKUP_FAULT;
    case KEY_BAD_CHECKSUM:
        return LOOKUP_CHECKSUM;
    case KEY_FOREIGN:
        if (key_is_cut(text, instance_of(op)->prefix))
            return LOOKUP_CHECKSUM;
        break;
    }
    return foreign(op, text, ret_lookup);
}

/* ---- what it says ----------------------------------------------------------------------------- */

static enum paa_result accept(struct paa_op *op, const struct record *record)
{
    struct paa_principal who;

    paa_init(&who, sizeof who);
    who.flags = PAA_PRINCIPAL_MACHINE;
    who.subject = record->client;
    who.client_id = record->client;
    who.scope = record->scope;
    who.methods = STR("apikey");
    who.expires_at_s = record_end(record);
    op->host->outcome->principal(op, &who);
    return PAA_ACCEPT;
}

static enum paa_result say(struct paa_op *op, const struct record *record,
                           enum record_verdict verdict)
{
    switch (verdict) {
    case RECORD_GOOD:
        return accept(op, record);
    case RECORD_REVOKED:
        return paa_fail(op, PAA_REJECT, "revoked", "the key was revoked");
    case RECORD_EXPIRED:
        return paa_fail(op, PAA_REJECT, "expired", "the key has expired");
    case RECORD_RETIRED:
        return paa_fail(op, PAA_REJECT, "expired", "the key was retired, and its grace is over");
    case RECORD_NOT_YET:
        return paa_fail(op, PAA_REJECT, "not-yet-valid", "the key is not valid yet");
    case RECORD_OTHER_INSTANCE:
        return paa_fail(op, PAA_REJECT, "other-instance",
                        "the key is for other instances than \"%.*s\"", STR_ARGS(op->instance));
    case RECORD_OTHER_NETWORK:
        return paa_fail(op, PAA_REJECT, "network", "the key may not be used from this address");
    }
    return paa_fail(op, PAA_FAULT, "verdict", "no such verdict");
}

/* Made into text when somebody asks: so only where the record has networks. */
static struct paa_str address_of(struct paa_op *op, const struct instance *self)
{
    const struct paa_request_view *view = op->host->request->view(op);

    return self->judges_peer ? view->peer_address : view->client_address;
}

static enum paa_result on_record(struct paa_op *op, enum paa_status status,
                                 const struct paa_record *kept, void *context)
{
    const struct instance *self = instance_of(op);
    const struct lookup *lookup = (const struct lookup *)context;
    bool is_known = status == PAA_STATUS_OK;
    struct record record;

    if (!is_known && status != PAA_STATUS_NONE)
        return op->host->fail(op, PAA_UNAVAILABLE, "store", STR_NONE);
    if (!record_decode(is_known ? kept->value : paa_bytes_of(self->dummy, self->dummy_size),
                       &record))
        return paa_fail(op, PAA_FAULT, "record", "the key's record in the store is damaged");
    if (!digest_eq(record.digest, lookup->digest) || !is_known)
        return paa_fail(op, PAA_REJECT, is_known ? "wrong-key" : "unknown-key",
                        is_known ? "the id is known, the secret is not its" : "no such key");
    op->host->outcome->note(op, STR("key_id"), record.id);
    return say(op, &record,
               record_judge(&record, op->host->clock->now_s(op), op->instance,
                            record.network_count > 0 ? address_of(op, self) : STR_NONE));
}

static enum paa_result invalid(struct paa_op *op, const char *sentence)
{
    return paa_fail(op, PAA_REJECT, PAA_REASON_INVALID_REQUEST, "%s", sentence);
}

/* What cannot be looked up. */
static enum paa_result say_unfound(struct paa_op *op, enum lookup_answer answer)
{
    switch (answer) {
    case LOOKUP_UNREADABLE:
        return invalid(op, "the key holds blanks, controls or letters outside ASCII");
    case LOOKUP_CHECKSUM:
        return paa_fail(op, PAA_REJECT, "checksum", "the key was mistyped or cut short");
    case LOOKUP_TOO_LONG:
        return invalid(op, "the key is longer than any key can be");
    case LOOKUP_TOO_SHORT:
    case LOOKUP_NO_PEPPER:
        return paa_fail(op, PAA_REJECT, "unknown-key", "no such key: none so short can be kept");
    case LOOKUP_PEPPER_AWAY:
        return paa_fail(op, PAA_UNAVAILABLE, "no-pepper",
                        "the pepper could not be read; see where the option \"pepper\" points");
    case LOOKUP_FOUND:
    case LOOKUP_FAULT:
        break;
    }
    return paa_fail(op, PAA_FAULT, "digest", "libcrypto could not compute a digest");
}

enum paa_result apikey_verify(struct paa_op *op)
{
    const struct instance *self = instance_of(op);
    struct lookup *lookup = (struct lookup *)op->state;
    struct paa_str text = place_read(op, &self->place, 0);
    enum lookup_answer answer;

    if (text.data == NULL)
        return PAA_ABSENT;
    expect(op, key_id_place(text));
    if (place_read(op, &self->place, 1).data != NULL)
        return invalid(op, "there are two keys");
    if (text.size == 0)
        return invalid(op, "the key is empty");
    answer = lookup_of(op, text, lookup);
    if (answer != LOOKUP_FOUND)
        return say_unfound(op, answer);
    return op->host->store->get(op, self->keys, paa_bytes_of(lookup->key, lookup->key_size),
                                on_record, lookup);
}

/* `ApiKey realm="…"`; the scheme is not registered, but a 401 must offer one (RFC 9110 15.5.2). */
enum paa_result apikey_challenge(struct paa_op *op, const struct paa_denial *why)
{
    const struct instance *self = instance_of(op);
    struct paa_field params[2];
    struct paa_challenge challenge;

    paa_init(&challenge, sizeof challenge);
    challenge.scheme = self->place.scheme.data != NULL ? self->place.scheme : STR("ApiKey");
    challenge.params = params;
    if (why->realm.data != NULL) {
        params[challenge.param_count].name = STR("realm");
        params[challenge.param_count++].value = why->realm;
    }
    if (why->result == PAA_REJECT) {
        params[challenge.param_count].name = STR("error");
        params[challenge.param_count++].value =
            why->error.data != NULL ? why->error : STR(PAA_REASON_INVALID_TOKEN);
    }
    op->host->outcome->challenge(op, &challenge);
    return PAA_DONE;
}
