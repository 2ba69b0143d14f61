/* SPDX-License-Identifier: MIT */
/* What an allowed transaction tells its host: identity fields, what is taken off the request, advice to caches. */
#include "codec.h"
#include "edits.h"
#include "fields.h"
#include "hint.h"
#include "str.h"

static void not_writable(struct paa_txn *txn)
{
    (void)reply_refuse(
        txn, ROW_FAULT, 500, PAA_WHY_FAULT, "encoding",
        "`upstream` with encoding \"ascii\" cannot hold this principal: use percent or base64url");
}

static void out_of_memory(struct paa_txn *txn)
{
    (void)reply_refuse(txn, ROW_UNAVAILABLE, 503, PAA_WHY_UNAVAILABLE, "memory",
                       "no memory is left for the outcome");
}

/* ---- identity for the application ---------------------------------------------------------------- */

static struct paa_str encode_base64url(struct paa_txn *txn, struct paa_str value)
{
    size_t size = BASE64URL_SIZE(value.size);
    char *text = arena_alloc(&txn->arena, size + 1);

    if (text == NULL)
        return STR_NONE;
    base64url_encode(paa_bytes_of(value.data, value.size), text);
    return paa_str_of_n(text, size);
}

static bool is_visible_ascii(struct paa_str s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] < 0x21 || s.data[i] > 0x7e)
            return false;
    return true;
}

/* "%" and all but visible ASCII; a blank parts scopes and stays. */
static struct paa_str encode_percent(struct paa_txn *txn, struct paa_str value, bool is_list)
{
    static const char digits[] = "0123456789ABCDEF";
    char *text = arena_alloc(&txn->arena, value.size * 3 + 1);
    size_t size = 0;

    if (text == NULL)
        return STR_NONE;
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];

        if ((c > 0x20 && c < 0x7f && c != '%') || (c == ' ' && is_list && i > 0)) {
            text[size++] = (char)c;
        } else {
            text[size++] = '%';
            text[size++] = digits[c >> 4];
            text[size++] = digits[c & 15];
        }
    }
    return paa_str_of_n(text, size);
}

/* Absent: cannot be written this way (ascii), or no memory. Unknown is empty. */
static struct paa_str encode(struct paa_txn *txn, struct paa_str value, bool is_list)
{
    if (value.size == 0)
        return STR("");
    switch (txn->service->conf->encoding) {
    case UPSTREAM_BASE64URL:
        return encode_base64url(txn, value);
    case UPSTREAM_ASCII:
        return is_visible_ascii(value) || (is_list && is_field_value(value)) ? value : STR_NONE;
    case UPSTREAM_PERCENT:
    default:
        return encode_percent(txn, value, is_list);
    }
}

static struct paa_str upstream_value(const struct paa_principal *who, enum upstream_field field)
{
    switch (field) {
    case UPSTREAM_SUBJECT:
        return who->subject;
    case UPSTREAM_ISSUER:
        return who->issuer;
    case UPSTREAM_CLIENT_ID:
        return who->client_id;
    case UPSTREAM_SCOPE:
        return who->scope;
    case UPSTREAM_INSTANCE:
        return who->instance;
    case UPSTREAM_METHODS:
        return who->methods;
    case UPSTREAM_COUNT:
    default:
        return STR_NONE;
    }
}

/* Absent: cannot be written. */
static struct paa_str upstream_text(struct paa_txn *txn, const struct identity *primary,
                                    enum upstream_field field)
{
    bool is_list = field == UPSTREAM_SCOPE || field == UPSTREAM_METHODS;

    return primary != NULL ? encode(txn, upstream_value(&primary->principal, field), is_list)
                           : STR("");
}

/* `ascii` leaves values as they are, and not every one can stand in a field so. */
static bool is_writable(struct paa_txn *txn)
{
    const struct service_conf *conf = txn->service->conf;

    if (LIKELY(!txn->service->has_upstream) || conf->encoding != UPSTREAM_ASCII)
        return true;
    for (int i = 0; i < UPSTREAM_COUNT; i++)
        if (conf->upstream[i].data != NULL &&
            upstream_text(txn, grant_primary(txn), (enum upstream_field)i).data == NULL)
            return false;
    return true;
}

/* Every field that the service may set is set, empty if unknown: what a client sent under that name is gone. */
static bool add_upstream(struct paa_txn *txn, struct edits *edits)
{
    const struct identity *primary = grant_primary(txn);

    for (int i = 0; i < UPSTREAM_COUNT; i++) {
        struct paa_str value;

        if (txn->service->conf->upstream[i].data == NULL)
            continue;
        value = upstream_text(txn, primary, (enum upstream_field)i);
        if (value.data == NULL)
            return false;
        edits_add(edits, PAA_EDIT_SET, PAA_MESSAGE_REQUEST, txn->service->conf->upstream[i], value,
                  0);
    }
    return true;
}

static bool names_upstream(const struct paa_txn *txn, struct paa_str name)
{
    for (int i = 0; i < UPSTREAM_COUNT; i++)
        if (txn->service->conf->upstream[i].data != NULL &&
            field_name_same(txn->service->conf->upstream[i], name))
            return true;
    return false;
}

/* Adds what one Connection field may list. True: something was left out. */
static bool add_members(const struct paa_txn *txn, struct paa_str value, struct buf *buf)
{
    bool is_forged = false;
    struct paa_str member;

    while (str_next(&value, ",", &member)) {
        member = str_trim(member);
        if (names_upstream(txn, member)) {
            is_forged = true;
            continue;
        }
        if (buf->size > 0)
            buf_add_text(buf, ", ");
        buf_add_str(buf, member);
    }
    return is_forged;
}

/* A client that lists our identity fields in Connection would have the next proxy drop them (RFC 9110 7.6.1). */
static void clean_connection(struct paa_txn *txn, struct edits *edits)
{
    struct paa_str value;
    struct buf buf;
    bool is_forged = false;

    buf_init(&buf, FIELD_BYTES_MAX);
    for (size_t i = 0; (value = request_header(txn, STR("connection"), i)).data != NULL; i++)
        is_forged = add_members(txn, value, &buf) || is_forged;
    if (is_forged)
        edits_add(edits, buf.size > 0 ? PAA_EDIT_SET : PAA_EDIT_REMOVE, PAA_MESSAGE_REQUEST,
                  STR("Connection"), arena_str(&txn->arena, buf_str(&buf)), 0);
    buf_free(&buf);
}

/* ---- cookies and the query --------------------------------------------------------------------- */

static struct paa_str strip_cookies(struct paa_txn *txn, struct paa_str cookie)
{
    const struct rule *rule = txn->rule;

    for (uint32_t i = 0; i < rule->read_count && !rule->conf->forward; i++)
        if (rule->reads[i]->place == PAA_PLACE_COOKIE && txn->handle->direction == PAA_INCOMING)
            cookie = cookie_without(cookie, rule->reads[i]->name, &txn->arena);
    for (const struct effect *e = txn->effects; e != NULL; e = e->next)
        if (e->kind == EFFECT_COOKIE_REMOVE && effect_contributes(txn, e))
            cookie = cookie_without(cookie, e->name, &txn->arena);
    return cookie;
}

static bool has_effect(const struct paa_txn *txn, enum effect_kind kind)
{
    for (const struct effect *e = txn->effects; e != NULL; e = e->next)
        if (e->kind == kind && effect_contributes(txn, e))
            return true;
    return false;
}

static void add_cookies(struct paa_txn *txn, struct edits *edits, struct paa_str before,
                        struct paa_str after)
{
    bool is_secret = false;
    struct buf buf;

    buf_init(&buf, FIELD_BYTES_MAX);
    buf_add_str(&buf, after);
    for (const struct effect *e = txn->effects; e != NULL; e = e->next) {
        if (e->kind != EFFECT_COOKIE_ADD || !effect_contributes(txn, e))
            continue;
        buf_add_text(&buf, buf.size > 0 ? "; " : "");
        buf_add_str(&buf, e->name);
        buf_add_char(&buf, '=');
        buf_add_str(&buf, e->value);
        is_secret = is_secret || (e->flags & PAA_SECRET) != 0;
    }
    if (!str_eq(buf_str(&buf), before))
        edits_add(edits, PAA_EDIT_SET, PAA_MESSAGE_REQUEST, STR("Cookie"),
                  arena_str(&txn->arena, buf_str(&buf)), is_secret ? (uint32_t)PAA_EDIT_SECRET : 0);
    buf_free(&buf);
}

/* The Cookie field as it goes on; an edit only if it changed. */
static void edit_cookies(struct paa_txn *txn, struct edits *edits)
{
    struct paa_str before = request_header(txn, STR("cookie"), 0);
    struct paa_str after = strip_cookies(txn, before);

    if (has_effect(txn, EFFECT_COOKIE_ADD))
        add_cookies(txn, edits, before, after);
    else if (after.size == 0 && before.data != NULL)
        edits_add(edits, PAA_EDIT_REMOVE, PAA_MESSAGE_REQUEST, STR("Cookie"), STR_NONE, 0);
    else if (!str_eq(after, before))
        edits_add(edits, PAA_EDIT_SET, PAA_MESSAGE_REQUEST, STR("Cookie"), after, 0);
}

static struct paa_str strip_query(struct paa_txn *txn, struct paa_str query)
{
    const struct rule *rule = txn->rule;

    for (uint32_t i = 0; i < rule->read_count && !rule->conf->forward; i++)
        if (rule->reads[i]->place == PAA_PLACE_PARAMETER && txn->handle->direction == PAA_INCOMING)
            query = query_without(query, rule->reads[i]->name, &txn->arena);
    for (const struct effect *e = txn->effects; e != NULL; e = e->next)
        if (e->kind == EFFECT_PARAMETER_REMOVE && effect_contributes(txn, e))
            query = query_without(query, e->name, &txn->arena);
    return query;
}

/* The target with its query edited; false: no memory. */
static bool edit_target(struct paa_txn *txn)
{
    struct paa_str query = strip_query(txn, txn->view.query);
    bool is_changed = !str_eq(query, txn->view.query);
    struct paa_str given = txn->given_target;
    size_t path_end = str_find(given, '?', 0);
    struct buf buf, parameters;

    if (!is_changed && !has_effect(txn, EFFECT_PARAMETER_ADD))
        return true;
    buf_init(&buf, 2 * (TARGET_MAX + FIELD_BYTES_MAX));
    buf_init(&parameters, TARGET_MAX + FIELD_BYTES_MAX);
    buf_add_str(&parameters, query);
    for (const struct effect *e = txn->effects; e != NULL; e = e->next) {
        if (e->kind != EFFECT_PARAMETER_ADD || !effect_contributes(txn, e))
            continue;
        form_add(&parameters, e->name, e->value);
        is_changed = true;
    }
    if (is_changed) {
        buf_add_str(&buf, str_slice(given, 0, path_end));
        buf_add_text(&buf, parameters.size > 0 ? "?" : "");
        buf_add_str(&buf, buf_str(&parameters));
        txn->target = arena_str(&txn->arena, buf_str(&buf));
    }
    is_changed = !buf.failed && !parameters.failed && txn->target.data != NULL;
    buf_free(&parameters);
    buf_free(&buf);
    return is_changed;
}

/* ---- allow ------------------------------------------------------------------------------------- */

enum { FORWARDED = UPSTREAM_COUNT + 1 }; /* the identity fields, and Connection */

static bool allow_request(struct paa_txn *txn)
{
    uint32_t effects = txn->effect_count;
    bool is_edited = UNLIKELY(txn->rule->edits_cookies || txn->edits_content);
    bool has_upstream = txn->service->has_upstream && txn->handle->direction == PAA_INCOMING;
    struct edits edits;

    if (effects == 0 && !is_edited && !has_upstream)
        return true;
    if (!edits_room(txn, &edits, effects + (is_edited ? 1 : 0) + (has_upstream ? FORWARDED : 0)))
        return false;
    if (UNLIKELY(is_edited) && !edit_target(txn))
        return false;
    if (UNLIKELY(is_edited))
        edit_cookies(txn, &edits);
    if (UNLIKELY(has_upstream)) {
        if (!add_upstream(txn, &edits))
            return false;
        clean_connection(txn, &edits);
    }
    edits_add_effects(txn, &edits, PAA_MESSAGE_REQUEST, PAA_ON_GRANT);
    edits_done(txn, PAA_MESSAGE_REQUEST, &edits);
    return true;
}

static bool allow_response(struct paa_txn *txn)
{
    uint32_t effects = txn->effect_count;
    const struct rule *rule = txn->rule;
    struct edits edits;

    if (txn->handle->direction == PAA_OUTGOING)
        return true;
    if (effects == 0) {
        edits_done(txn, PAA_MESSAGE_RESPONSE,
                   &(struct edits){ .list = rule->advice, .count = rule->advice_count });
        return true;
    }
    if (!edits_room(txn, &edits, effects + rule->advice_count))
        return false;
    for (uint32_t i = 0; i < rule->advice_count; i++)
        edits.list[edits.count++] = rule->advice[i];
    edits_add_effects(txn, &edits, PAA_MESSAGE_RESPONSE, PAA_ON_GRANT);
    edits_done(txn, PAA_MESSAGE_RESPONSE, &edits);
    return true;
}

static void not_presentable(struct paa_txn *txn, const char *sentence)
{
    (void)reply_refuse(txn, ROW_FAULT, 500, PAA_WHY_FAULT, "client-key", sentence);
}

void reply_allow(struct paa_txn *txn)
{
    const char *trouble = txn->handle->direction == PAA_OUTGOING ? client_tls_commit(txn) : NULL;

    txn->state = PAA_TXN_ALLOW;
    txn->target = txn->given_target;
    if (UNLIKELY(trouble != NULL))
        not_presentable(txn, trouble);
    else if (UNLIKELY(!is_writable(txn)))
        not_writable(txn);
    else if (UNLIKELY(!allow_request(txn) || !allow_response(txn)))
        out_of_memory(txn);
}
