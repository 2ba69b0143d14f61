/* SPDX-License-Identifier: MIT */
/*
 * host->outcome: what an operation wants to happen, kept aside until the chain is decided. Names and values are
 * checked here for every plugin; a call that is refused makes the operation a FAULT.
 */
#include "body.h"
#include "described.h"
#include "fields.h"
#include "hint.h"
#include "str.h"

enum {
    SLOT_VERIFY = 1u << OP_VERIFY,
    SLOT_ATTACH = 1u << OP_ATTACH,
    SLOT_CHALLENGE = 1u << OP_CHALLENGE,
    SLOT_SERVE = 1u << OP_SERVE,
    ACCEPT_INDEX = 0,
    REJECT_INDEX = 2,
    EFFECT_FLAGS = PAA_ON_GRANT | PAA_ON_DENY | PAA_SECRET | PAA_UNCOPIED,
    PRINCIPAL_KINDS = PAA_PRINCIPAL_USER | PAA_PRINCIPAL_MACHINE
};

static enum paa_status refuse(struct op *op, enum paa_status status, const char *what)
{
    op->broken = true;
    log_line(&op->services->log, PAA_LEVEL_WARNING, "instance %s: %s",
             op->instance != NULL ? op->instance->name : "?", what);
    return status;
}

/* The transaction, if the slot is among those that may call; else NULL, noted. */
static struct paa_txn *txn_in(struct op *op, uint32_t slots)
{
    if (LIKELY(op->slot < 32) && (slots >> op->slot & 1) != 0)
        return op->owner;
    (void)refuse(op, PAA_STATUS_INVALID, "an effect that this slot may not have");
    return NULL;
}

/* Copies; absent stays absent. False: no memory. */
static bool keep(struct paa_txn *txn, struct paa_str s, struct paa_str *ret_copy)
{
    *ret_copy = arena_str(&txn->arena, s);
    return s.data == NULL || ret_copy->data != NULL;
}

/* What a plugin gave, checked. By registers: a copy of what was just written waits for it. */
static enum paa_status add_effect(struct op *op, struct paa_txn *txn, enum effect_kind kind,
                                  enum paa_message where, struct paa_field field, uint32_t flags)
{
    struct effect *effect = arena_alloc(&txn->arena, sizeof *effect);
    bool is_lasting = (flags & PAA_UNCOPIED) != 0;

    if (UNLIKELY(effect == NULL) ||
        (UNLIKELY(!is_lasting) &&
         !arena_strs(&txn->arena, (struct paa_str *[]){ &field.name, &field.value }, 2)))
        return refuse(op, PAA_STATUS_TOO_LARGE, "no memory is left for an effect");
    if ((flags & (PAA_ON_GRANT | PAA_ON_DENY)) == 0)
        flags |= PAA_ON_GRANT;
    effect->next = NULL;
    effect->kind = kind;
    effect->where = where;
    effect->flags = flags;
    effect->site = txn->site;
    effect->is_answer = op->slot == OP_CHALLENGE || op->slot == OP_SERVE;
    effect->name = field.name;
    effect->value = field.value;
    *txn->effects_end = effect;
    txn->effects_end = &effect->next;
    txn->effect_count++;
    txn->edits_content = txn->edits_content || kind > EFFECT_HEADER_REMOVE;
    return PAA_STATUS_OK;
}

/* ---- header fields ----------------------------------------------------------------------------- */

static bool has_direction(const struct op *op, enum paa_message where)
{
    if (op->slot == OP_ATTACH)
        return where == PAA_MESSAGE_REQUEST;
    return where == PAA_MESSAGE_RESPONSE || (where == PAA_MESSAGE_REQUEST && op->slot == OP_VERIFY);
}

static enum paa_status header_effect(struct paa_op *pub, enum effect_kind kind,
                                     enum paa_message where, struct paa_str name,
                                     struct paa_str value, uint32_t flags)
{
    struct op *op = op_of(pub);
    struct paa_txn *txn = txn_in(op, SLOT_VERIFY | SLOT_ATTACH | SLOT_CHALLENGE | SLOT_SERVE);

    if (UNLIKELY(txn == NULL))
        return PAA_STATUS_INVALID;
    if (UNLIKELY(!has_direction(op, where)))
        return refuse(op, PAA_STATUS_INVALID,
                      "a header field of a message this slot has no say in");
    if ((flags & ~(uint32_t)EFFECT_FLAGS) != 0)
        return refuse(op, PAA_STATUS_INVALID, "an unknown flag");
    if (UNLIKELY(!is_token(name)))
        return refuse(op, PAA_STATUS_INVALID,
                      "a header field whose name is no token (RFC 9110 5.1)");
    if (kind != EFFECT_HEADER_REMOVE &&
        (UNLIKELY(value.data == NULL) || (LIKELY(value.size > 0) && !is_field_value(value))))
        return refuse(op, PAA_STATUS_INVALID,
                      "a header field whose value has controls or outer blanks (RFC 9110 5.5)");
    return add_effect(op, txn, kind, where, (struct paa_field){ name, value }, flags);
}

static enum paa_status host_header_set(struct paa_op *op, enum paa_message where,
                                       struct paa_str name, struct paa_str value, uint32_t flags)
{
    return header_effect(op, EFFECT_HEADER_SET, where, name, value, flags);
}

static enum paa_status host_header_add(struct paa_op *op, enum paa_message where,
                                       struct paa_str name, struct paa_str value, uint32_t flags)
{
    return header_effect(op, EFFECT_HEADER_ADD, where, name, value, flags);
}

static enum paa_status host_header_remove(struct paa_op *op, enum paa_message where,
                                          struct paa_str name)
{
    return header_effect(op, EFFECT_HEADER_REMOVE, where, name, STR_NONE, 0);
}

/* ---- parameters and cookies of the request ------------------------------------------------------ */

static enum paa_status request_effect(struct paa_op *pub, enum effect_kind kind,
                                      struct paa_str name, struct paa_str value, uint32_t flags)
{
    struct op *op = op_of(pub);
    struct paa_txn *txn = txn_in(op, SLOT_VERIFY | SLOT_ATTACH);
    bool is_cookie = kind == EFFECT_COOKIE_ADD || kind == EFFECT_COOKIE_REMOVE;

    if (txn == NULL)
        return PAA_STATUS_INVALID;
    if (name.size == 0 || (is_cookie && !is_token(name)) ||
        (kind == EFFECT_COOKIE_ADD && !is_cookie_value(value)))
        return refuse(op, PAA_STATUS_INVALID, "a cookie or parameter with a bad name or value");
    if ((flags & ~(uint32_t)EFFECT_FLAGS) != 0)
        return refuse(op, PAA_STATUS_INVALID, "an unknown flag");
    return add_effect(op, txn, kind, PAA_MESSAGE_REQUEST, (struct paa_field){ name, value }, flags);
}

static enum paa_status host_parameter_add(struct paa_op *op, struct paa_str name,
                                          struct paa_str value, uint32_t flags)
{
    return request_effect(op, EFFECT_PARAMETER_ADD, name, value, flags);
}

static enum paa_status host_parameter_remove(struct paa_op *op, struct paa_str name)
{
    return request_effect(op, EFFECT_PARAMETER_REMOVE, name, STR_NONE, 0);
}

static enum paa_status host_cookie_add(struct paa_op *op, struct paa_str name, struct paa_str value,
                                       uint32_t flags)
{
    return request_effect(op, EFFECT_COOKIE_ADD, name, value, flags);
}

static enum paa_status host_cookie_remove(struct paa_op *op, struct paa_str name)
{
    return request_effect(op, EFFECT_COOKIE_REMOVE, name, STR_NONE, 0);
}

/* ---- credentials, principals, facts ------------------------------------------------------------- */

static enum paa_status host_client_key(struct paa_op *pub, const struct paa_key *key)
{
    struct op *op = op_of(pub);
    const char *sentence = "an effect that this slot may not have";
    enum paa_status status = PAA_STATUS_INVALID;

    if (op->slot == OP_CREATE && key != NULL)
        return client_tls_announce(op, key);
    if (op->slot == OP_ATTACH)
        status = client_tls_stage(op->owner, op, key, &sentence);
    if (status == PAA_STATUS_OK)
        return status;
    if (op->sentence.data == NULL)
        (void)op_fail(pub, PAA_FAULT, "client-key", paa_str_of(sentence));
    return refuse(op, status, sentence);
}

static enum paa_status host_credential(struct paa_op *pub, uint64_t version, uint32_t flags)
{
    struct op *op = op_of(pub);
    struct paa_txn *txn = txn_in(op, SLOT_ATTACH);

    if (txn == NULL)
        return PAA_STATUS_INVALID;
    if ((flags & ~(uint32_t)PAA_CREDENTIAL_EVERY_RESPONSE) != 0)
        return refuse(op, PAA_STATUS_INVALID, "an unknown flag");
    if (txn->credential_count == CREDENTIALS_MAX)
        return refuse(op, PAA_STATUS_TOO_LARGE, "more credentials than a ticket carries");
    txn->credentials[txn->credential_count++] = (struct credential){ version, flags, txn->site };
    txn->wants_responses = txn->wants_responses || (flags & PAA_CREDENTIAL_EVERY_RESPONSE) != 0;
    return PAA_STATUS_OK;
}

static bool keep_principal(struct paa_txn *txn, struct paa_principal *p)
{
    struct paa_str *const strings[] = { &p->subject, &p->issuer, &p->client_id, &p->scope,
                                        &p->methods, &p->cnf,    &p->claims };

    return arena_strs(&txn->arena, strings, sizeof strings / sizeof strings[0]);
}

/* Stamped with the instance; without an issuer of its own it is this instance's, "paa:NAME". */
static enum paa_status host_principal(struct paa_op *pub, const struct paa_principal *principal)
{
    struct op *op = op_of(pub);
    struct paa_txn *txn = txn_in(op, SLOT_VERIFY);
    struct identity *identity;

    if (txn == NULL)
        return PAA_STATUS_INVALID;
    if (principal->struct_size != sizeof *principal ||
        (principal->flags & ~(uint32_t)(PRINCIPAL_KINDS | PAA_PRINCIPAL_UNCOPIED)) != 0 ||
        str_starts(principal->issuer, STR("paa:")))
        return refuse(op, PAA_STATUS_INVALID,
                      "a principal with unknown members, or an issuer of the core's");
    identity = arena_alloc(&txn->arena, sizeof *identity);
    if (identity == NULL)
        return refuse(op, PAA_STATUS_TOO_LARGE, "no memory is left for a principal");
    identity->principal = *principal;
    identity->principal.flags = principal->flags & PRINCIPAL_KINDS;
    identity->principal.instance = pub->instance;
    identity->site = txn->site;
    identity->next = NULL;
    if ((principal->flags & PAA_PRINCIPAL_UNCOPIED) == 0 &&
        !keep_principal(txn, &identity->principal))
        return refuse(op, PAA_STATUS_TOO_LARGE, "no memory is left for a principal");
    if (principal->issuer.data == NULL)
        identity->principal.issuer = ((struct instance *)(void *)op->instance)->own_issuer;
    *txn->identities_end = identity;
    txn->identities_end = &identity->next;
    return PAA_STATUS_OK;
}

static enum paa_status host_fact(struct paa_op *pub, struct paa_str name, struct paa_bytes value)
{
    struct op *op = op_of(pub);
    struct paa_txn *txn = txn_in(op, SLOT_VERIFY | SLOT_ATTACH);
    struct fact *fact;

    if (txn == NULL)
        return PAA_STATUS_INVALID;
    fact = arena_alloc(&txn->arena, sizeof *fact);
    if (fact == NULL || !keep(txn, name, &fact->name))
        return refuse(op, PAA_STATUS_TOO_LARGE, "no memory is left for a fact");
    fact->value = paa_bytes_of(arena_copy(&txn->arena, value.data, value.size), value.size);
    if (fact->value.data == NULL && value.size > 0)
        return refuse(op, PAA_STATUS_TOO_LARGE, "no memory is left for a fact");
    fact->site = txn->site;
    fact->next = txn->facts;
    txn->facts = fact;
    return PAA_STATUS_OK;
}

static enum paa_status host_body_must_match(struct paa_op *pub, struct paa_str algorithm,
                                            struct paa_bytes digest)
{
    struct op *op = op_of(pub);
    struct paa_txn *txn = txn_in(op, SLOT_VERIFY);
    enum content_algorithm known = content_algorithm(algorithm);

    if (txn == NULL)
        return PAA_STATUS_INVALID;
    if (known == CONTENT_BYTES)
        return refuse(op, PAA_STATUS_UNSUPPORTED,
                      "a digest of content that is neither sha-256 nor sha-512 (RFC 9530)");
    if (digest.data == NULL || digest.size != content_digest_size(known))
        return refuse(op, PAA_STATUS_INVALID, "a digest of content that has not its size");
    if (!body_may_match(txn))
        return refuse(op, PAA_STATUS_UNSUPPORTED,
                      "content to be compared, which this host does not pass after it has let a "
                      "request in (PAA_CAN_BODY_MATCH)");
    if (!body_expect(txn, known, digest))
        return refuse(op, PAA_STATUS_TOO_LARGE, "no memory is left for a digest");
    return PAA_STATUS_OK;
}

/* ---- answers ----------------------------------------------------------------------------------- */

static struct paa_str param_of(const struct paa_challenge *challenge, struct paa_str name)
{
    for (size_t i = 0; i < challenge->param_count; i++)
        if (str_eq_nocase(challenge->params[i].name, name))
            return challenge->params[i].value;
    return STR_NONE;
}

static struct challenge_text *find_offer(const struct paa_txn *txn, struct paa_str scheme,
                                         struct paa_str realm)
{
    struct challenge_text *text = txn->challenges;

    while (text != NULL && (!str_eq_nocase(text->scheme, scheme) || !str_eq(text->realm, realm)))
        text = text->next;
    return text;
}

/* Did this step look at a credential of the client's, so that its challenge says what is wrong with it? */
static bool has_looked(const struct paa_txn *txn, uint16_t site)
{
    return txn->results[site] == ACCEPT_INDEX || txn->results[site] == REJECT_INDEX;
}

/* Its own place: behind the others, or instead of the one that says less of the same scheme and realm. */
static void place_offer(struct paa_txn *txn, struct challenge_text *text,
                        struct challenge_text *before)
{
    struct challenge_text **end = &txn->challenges;

    if (before != NULL) {
        text->next = before->next;
        *before = *text;
        return;
    }
    while (*end != NULL)
        end = &(*end)->next;
    *end = text;
}

static enum paa_status host_challenge(struct paa_op *pub, const struct paa_challenge *challenge)
{
    struct op *op = op_of(pub);
    struct paa_txn *txn = txn_in(op, SLOT_CHALLENGE);
    struct challenge_text *text, *before;
    struct paa_str realm;
    struct buf buf;

    if (txn == NULL)
        return PAA_STATUS_INVALID;
    realm = param_of(challenge, STR("realm"));
    before = find_offer(txn, challenge->scheme, realm);
    if (before != NULL && (has_looked(txn, before->site) || !has_looked(txn, txn->site)))
        return PAA_STATUS_OK; /* one per scheme and realm */
    buf_init(&buf, FIELD_BYTES_MAX);
    text = arena_zalloc(&txn->arena, sizeof *text);
    if (text == NULL || challenge->struct_size != sizeof *challenge || challenge->flags != 0 ||
        !challenge_write(&buf, challenge->scheme, challenge->token68, challenge->params,
                         challenge->param_count) ||
        !keep(txn, buf_str(&buf), &text->text) || !keep(txn, challenge->scheme, &text->scheme) ||
        !keep(txn, realm, &text->realm)) {
        buf_free(&buf);
        return refuse(op, PAA_STATUS_INVALID,
                      "a challenge that is not well-formed (RFC 9110 11.6.1)");
    }
    buf_free(&buf);
    text->site = txn->site;
    place_offer(txn, text, before);
    return PAA_STATUS_OK;
}

static enum paa_status host_redirect(struct paa_op *pub, struct paa_str location)
{
    struct op *op = op_of(pub);
    struct paa_txn *txn = txn_in(op, SLOT_CHALLENGE | SLOT_SERVE);
    const struct instance *instance = (const struct instance *)(const void *)op->instance;
    bool is_path = str_starts(location, STR("/")) && !str_starts(location, STR("//"));

    if (txn == NULL)
        return PAA_STATUS_INVALID;
    if (op->slot == OP_SERVE && (txn->served->code != 0 || txn->redirect.data != NULL))
        return refuse(op, PAA_STATUS_INVALID, "a second answer");
    if (op->slot == OP_CHALLENGE && (instance->slots->flags & PAA_PLUGIN_LOGIN) == 0)
        return refuse(op, PAA_STATUS_INVALID, "a redirect from a plugin without PAA_PLUGIN_LOGIN");
    if ((!is_path && !str_starts(location, STR("https://"))) || !is_field_value(location))
        return refuse(op, PAA_STATUS_INVALID, "a redirect that is neither a path nor an https URL");
    txn->redirect_site = txn->site;
    return keep(txn, location, &txn->redirect)
               ? PAA_STATUS_OK
               : refuse(op, PAA_STATUS_TOO_LARGE, "no memory is left for a redirect");
}

static const char *fault_of_answer(const struct paa_txn *txn, uint32_t code,
                                   struct paa_str media_type, struct paa_bytes body)
{
    if (txn->served->code != 0 || txn->redirect.data != NULL)
        return "a second answer";
    if (code < 200 || code > 599 || (code >= 300 && code < 400))
        return "an answer whose code is none of 200 to 299 and 400 to 599";
    if ((media_type.size == 0 && body.size > 0) ||
        (media_type.size > 0 && !is_field_value(media_type)))
        return "an answer without a media type that a field can hold";
    return NULL;
}

static enum paa_status host_answer(struct paa_op *pub, uint32_t code, struct paa_str media_type,
                                   struct paa_bytes body)
{
    struct op *op = op_of(pub);
    struct paa_txn *txn = txn_in(op, SLOT_SERVE);
    const char *fault = txn != NULL ? fault_of_answer(txn, code, media_type, body) : NULL;
    const void *content;

    if (txn == NULL)
        return PAA_STATUS_INVALID;
    if (fault != NULL)
        return refuse(op, PAA_STATUS_INVALID, fault);
    content = arena_copy(&txn->arena, body.data, body.size);
    if ((content == NULL && body.size > 0) || !keep(txn, media_type, &txn->served->media_type))
        return refuse(op, PAA_STATUS_TOO_LARGE, "no memory is left for an answer");
    txn->served->content = paa_bytes_of(content, body.size);
    txn->served->code = code;
    return PAA_STATUS_OK;
}

static void drop_effects(struct paa_txn *txn, uint16_t site)
{
    struct effect **at = &txn->effects;

    while (*at != NULL)
        if ((*at)->is_answer && (*at)->site == site)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    txn->effects_end = at;
}

void outcome_drop(struct paa_txn *txn, uint16_t site)
{
    struct challenge_text **at = &txn->challenges;

    drop_effects(txn, site);
    while (*at != NULL)
        if ((*at)->site == site)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    if (txn->redirect_site == site)
        txn->redirect = STR_NONE;
}

static enum paa_status host_metadata(struct paa_op *pub, struct paa_str name, struct paa_str json)
{
    const char *fault = described_add(op_of(pub), name, json);

    return fault == NULL ? PAA_STATUS_OK : refuse(op_of(pub), PAA_STATUS_INVALID, fault);
}

static enum paa_status host_retry_after(struct paa_op *pub, int64_t delay_ms)
{
    struct op *op = op_of(pub);

    if (delay_ms < 0)
        return refuse(op, PAA_STATUS_INVALID, "a negative delay");
    if (delay_ms > op->retry_after_ms)
        op->retry_after_ms = delay_ms;
    return PAA_STATUS_OK;
}

static enum paa_status host_note(struct paa_op *pub, struct paa_str name, struct paa_str value)
{
    struct op *op = op_of(pub);
    struct paa_txn *txn;
    struct note *note;

    if (op->slot < OP_VERIFY || op->slot > OP_SERVE)
        return PAA_STATUS_OK; /* nobody reads notes of what has no request */
    txn = op->owner;
    note = arena_alloc(&txn->arena, sizeof *note);
    if (note == NULL)
        return PAA_STATUS_TOO_LARGE;
    note->field = (struct paa_field){ name, value };
    if (!arena_strs(&txn->arena, (struct paa_str *[]){ &note->field.name, &note->field.value }, 2))
        return PAA_STATUS_TOO_LARGE;
    note->site = txn->site;
    note->next = txn->notes;
    txn->notes = note;
    return PAA_STATUS_OK;
}

const struct paa_host_outcome engine_host_outcome = {
    .struct_size = sizeof(struct paa_host_outcome),
    .header_set = host_header_set,
    .header_add = host_header_add,
    .header_remove = host_header_remove,
    .parameter_add = host_parameter_add,
    .parameter_remove = host_parameter_remove,
    .cookie_add = host_cookie_add,
    .cookie_remove = host_cookie_remove,
    .client_key = host_client_key,
    .credential = host_credential,
    .principal = host_principal,
    .fact = host_fact,
    .body_must_match = host_body_must_match,
    .challenge = host_challenge,
    .redirect = host_redirect,
    .answer = host_answer,
    .metadata = host_metadata,
    .retry_after = host_retry_after,
    .note = host_note,
};
