/* SPDX-License-Identifier: MIT */
/* host->request: what a plugin may ask about the request. Nothing here changes anything, but for views that are
 * made when first asked for. */
#include "body.h"
#include "fields.h"
#include "hint.h"
#include "peer.h"
#include "str.h"

/* NULL for operations without a request. */
static struct paa_txn *txn_of(struct paa_op *pub)
{
    struct op *op = op_of(pub);

    return op->slot >= OP_VERIFY && op->slot <= OP_SERVE ? op->owner : NULL;
}

bool request_is_navigation(const struct paa_txn *txn)
{
    struct paa_str mode = request_header(txn, STR("sec-fetch-mode"), 0);
    struct paa_str accept = request_header(txn, STR("accept"), 0);
    struct paa_str member;

    if ((!paa_str_eq(txn->view.method, "GET") && !paa_str_eq(txn->view.method, "HEAD")) ||
        request_header(txn, STR("authorization"), 0).data != NULL)
        return false;
    if (mode.data != NULL)
        return paa_str_eq(mode, "navigate");
    while (str_next(&accept, ",", &member))
        if (str_starts_nocase(str_trim(member), STR("text/html")))
            return true;
    return false;
}

/* A WebSocket's handshake is a GET that any page may send, and what it opens is unsafe: scripts cannot set this field
 * (RFC 6455 4.1, 10.2). */
static bool is_unsafe(const struct paa_txn *txn)
{
    return !method_is_safe(txn->view.method) ||
           request_header(txn, STR("sec-websocket-key"), 0).data != NULL;
}

/* From another site, as far as the browser says (Fetch Metadata, RFC 6454 7)? */
bool request_is_cross_site(const struct paa_txn *txn)
{
    struct paa_str site = request_header(txn, STR("sec-fetch-site"), 0);
    struct paa_str origin = request_header(txn, STR("origin"), 0);
    bool knows_scheme = txn->service->conf->origin_count > 0; /* else it is that of this hop */
    struct origin from, here;
    struct arena none;

    if (!is_unsafe(txn))
        return false;
    if (site.data != NULL)
        return !paa_str_eq(site, "same-origin") && !paa_str_eq(site, "none");
    if (origin.data == NULL)
        return false;
    arena_init(&none, NULL, 0, 4096);
    bool is_same = origin_parse(origin, &none, &from) == NULL &&
                   authority_parse(txn->view.authority, from.https, &none, &here) == NULL &&
                   (!knows_scheme || from.https == str_eq_nocase(txn->view.scheme, STR("https"))) &&
                   str_eq(from.host, here.host) && from.port == here.port;
    arena_free(&none);
    return !is_same;
}

/* Addresses are text only when somebody looks at them. */
static void fill_addresses(struct paa_txn *txn)
{
    struct paa_request_view *view = &txn->view;

    txn->client_text = arena_zalloc(&txn->arena, ADDRESS_TEXT_MAX);
    if (txn->peer != NULL && txn->peer->address[0] != '\0')
        view->peer_address = paa_str_of(txn->peer->address);
    if (txn->client.data == NULL)
        view->client_address = view->peer_address;
    else if (txn->client_text != NULL && address_text(txn->client, txn->client_text))
        view->client_address = paa_str_of(txn->client_text); /* else nobody's: never a proxy's */
}

const struct paa_request_view *request_view(struct paa_txn *txn)
{
    uint32_t flags = txn->view.flags;

    if (txn->client_text != NULL) /* asked for before */
        return &txn->view;
    fill_addresses(txn);
    if (str_eq_nocase(txn->view.scheme, STR("https")))
        flags |= (uint32_t)PAA_VIEW_TLS;
    if (txn->peer != NULL && (txn->peer->flags & PAA_PEER_RESUMED) != 0)
        flags |= (uint32_t)PAA_VIEW_RESUMED;
    if (request_is_navigation(txn))
        flags |= (uint32_t)PAA_VIEW_NAVIGATION;
    if (body_may_match(txn))
        flags |= (uint32_t)PAA_VIEW_BODY_MATCH;
    txn->view.flags = flags;
    return &txn->view;
}

static const struct paa_request_view *host_view(struct paa_op *pub)
{
    struct paa_txn *txn = txn_of(pub);

    return txn != NULL ? request_view(txn) : NULL;
}

/* ---- fields ------------------------------------------------------------------------------------ */

/* Is it to be seen by this operation of attach: set by a step that accepted, or by this one? */
static bool is_visible(const struct paa_txn *txn, const struct op *op, const struct effect *effect)
{
    return effect->where == PAA_MESSAGE_REQUEST && effect->kind <= EFFECT_HEADER_REMOVE &&
           op->slot == OP_ATTACH && (effect->site == txn->site || txn->results[effect->site] == 0);
}

/* The last effect that clears fields of that name; NULL: none does. */
static const struct effect *last_clear(const struct paa_txn *txn, const struct op *op,
                                       struct paa_str name)
{
    const struct effect *last = NULL;

    for (const struct effect *e = txn->effects; e != NULL; e = e->next)
        if (is_visible(txn, op, e) && e->kind != EFFECT_HEADER_ADD &&
            field_name_same(e->name, name))
            last = e;
    return last;
}

/* Calls fn for each field as it would be sent now, until it says true. */
static bool each_field(const struct paa_txn *txn, const struct op *op,
                       bool (*fn)(struct paa_field field, void *arg), void *arg)
{
    const struct effect *e;

    for (size_t i = 0; i < txn->header_count; i++)
        if ((txn->effects == NULL || last_clear(txn, op, txn->headers[i].name) == NULL) &&
            fn(txn->headers[i], arg))
            return true;
    for (e = txn->effects; e != NULL; e = e->next) {
        const struct effect *clear;

        if (!is_visible(txn, op, e) || e->kind == EFFECT_HEADER_REMOVE)
            continue;
        clear = last_clear(txn, op, e->name);
        for (const struct effect *later = e->next; later != NULL && clear != NULL;
             later = later->next)
            if (later == clear)
                clear = NULL; /* cleared afterwards */
        if ((clear != NULL || last_clear(txn, op, e->name) == NULL) &&
            fn((struct paa_field){ e->name, e->value }, arg))
            return true;
    }
    return false;
}

struct wanted {
    struct paa_str name; /* absent: any */
    size_t index;
    struct paa_field found;
};

static bool is_wanted(struct paa_field field, void *arg)
{
    struct wanted *wanted = arg;

    if (wanted->name.data != NULL && !str_eq_nocase(field.name, wanted->name))
        return false;
    if (wanted->index-- > 0)
        return false;
    wanted->found = field;
    return true;
}

static struct paa_str host_header(struct paa_op *pub, struct paa_str name, size_t index)
{
    struct paa_txn *txn = txn_of(pub);
    struct wanted wanted = { name, index, { STR_NONE, STR_NONE } };

    if (txn == NULL || name.data == NULL)
        return STR_NONE;
    if (LIKELY(op_of(pub)->slot != OP_ATTACH || txn->effects == NULL))
        return request_header(txn, name, index);
    return each_field(txn, op_of(pub), is_wanted, &wanted) ? str_trim(wanted.found.value)
                                                           : STR_NONE;
}

static struct paa_field host_header_at(struct paa_op *pub, size_t index)
{
    struct paa_txn *txn = txn_of(pub);
    struct wanted wanted = { STR_NONE, index, { STR_NONE, STR_NONE } };

    if (txn != NULL)
        (void)each_field(txn, op_of(pub), is_wanted, &wanted);
    return wanted.found;
}

static struct paa_str host_cookie(struct paa_op *pub, struct paa_str name, size_t index)
{
    struct paa_txn *txn = txn_of(pub);

    return txn != NULL ? cookie_find(request_header(txn, STR("cookie"), 0), name, index) : STR_NONE;
}

static struct paa_str host_parameter(struct paa_op *pub, struct paa_str name, size_t index)
{
    struct paa_txn *txn = txn_of(pub);

    return txn != NULL ? query_find(txn->view.query, name, index, &txn->arena) : STR_NONE;
}

static struct paa_str host_attribute(struct paa_op *pub, struct paa_str name)
{
    struct paa_txn *txn = txn_of(pub);

    for (size_t i = 0; txn != NULL && i < txn->attribute_count; i++)
        if (str_eq(txn->attributes[i].name, name))
            return txn->attributes[i].value;
    return STR_NONE;
}

/* ---- what is known beside the request ---------------------------------------------------------- */

static struct paa_bytes host_peer_certificate(struct paa_op *pub, size_t index)
{
    struct paa_txn *txn = txn_of(pub);

    return txn != NULL && txn->peer != NULL ? peer_certificate(txn->peer, index) : BYTES_NONE;
}

/* Facts are kept newest first. */
static struct paa_bytes host_fact(struct paa_op *pub, struct paa_str name, struct paa_str *ret_by)
{
    struct paa_txn *txn = txn_of(pub);

    if (ret_by != NULL)
        *ret_by = STR_NONE;
    for (const struct fact *f = txn != NULL ? txn->facts : NULL; f != NULL; f = f->next) {
        if (txn->results[f->site] != 0 || !str_eq(f->name, name))
            continue;
        if (ret_by != NULL && txn->sites[f->site].op != NULL)
            *ret_by = txn->sites[f->site].op->pub.instance;
        return f->value;
    }
    if (txn != NULL && paa_str_eq(name, PAA_FACT_PEER_CERTIFICATE) && txn->peer != NULL &&
        (txn->peer->flags & PAA_PEER_TLS) != 0)
        return peer_certificate(txn->peer, 0);
    return BYTES_NONE;
}

static const struct paa_principal *earlier_principal(const struct paa_txn *txn, size_t index)
{
    size_t count = 0;

    for (const struct identity *i = txn->identities; i != NULL; i = i->next)
        count += txn->results[i->site] == 0;
    for (const struct identity *i = txn->identities; i != NULL && index < count; i = i->next)
        if (txn->results[i->site] == 0 && --count == index)
            return &i->principal;
    return NULL;
}

static bool keep_principal(struct paa_txn *txn, struct paa_principal *who)
{
    struct paa_str *const texts[] = { &who->instance, &who->subject, &who->issuer, &who->client_id,
                                      &who->scope,    &who->methods, &who->cnf,    &who->claims };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bool is_present = texts[i]->data != NULL;

        *texts[i] = arena_str(&txn->arena, *texts[i]);
        if (is_present && texts[i]->data == NULL)
            return false;
    }
    return true;
}

/* Without memory nobody is kept, and plugins that need the caller fail. */
void request_keep_caller(struct paa_txn *txn)
{
    const struct paa_txn *caller = txn->caller;
    size_t count = 0;

    txn->caller = NULL;
    while (paa_txn_principal(caller, count) != NULL)
        count++;
    txn->caller_kept = arena_array(&txn->arena, count + 1, sizeof *txn->caller_kept);
    for (size_t i = 0; i < count && txn->caller_kept != NULL; i++) {
        txn->caller_kept[i] = *paa_txn_principal(caller, i);
        if (!keep_principal(txn, &txn->caller_kept[i]))
            return;
        txn->caller_count = i + 1;
    }
}

static const struct paa_principal *caller_principal(const struct paa_txn *txn, size_t index)
{
    if (txn->caller != NULL)
        return paa_txn_principal(txn->caller, index);
    return index < txn->caller_count ? &txn->caller_kept[index] : NULL;
}

static const struct paa_principal *host_principal(struct paa_op *pub, size_t index)
{
    struct paa_txn *txn = txn_of(pub);

    if (txn == NULL)
        return NULL;
    if (txn->handle->direction == PAA_OUTGOING)
        return caller_principal(txn, index);
    return earlier_principal(txn, index);
}

/* ---- content ------------------------------------------------------------------------------------ */

/* In operations without a request there is none, and nobody who would give some. */
static enum paa_result resume_nothing(struct op *op)
{
    return op->wait.then.body(&op->pub, op->wait.status, op->wait.came.bytes, op->wait.context);
}

static bool cancel_nothing(struct op *op)
{
    (void)op;
    return true; /* its outcome is at hand */
}

static const struct op_wait_kind nothing_kind = { "request.body", resume_nothing, cancel_nothing };

static enum paa_result unsupported(struct op *op, paa_body_fn then, void *context,
                                   const char *sentence)
{
    if (op_wait(op, &nothing_kind, context)) {
        op->wait.then.body = then;
        op->wait.status = PAA_STATUS_UNSUPPORTED;
        op->wait.sentence = sentence;
        op_wait_ready(op);
    }
    return PAA_PENDING;
}

static enum paa_result host_body(struct paa_op *pub, size_t limit, paa_body_fn then, void *context)
{
    if (txn_of(pub) == NULL)
        return unsupported(op_of(pub), then, context, "there is no request here");
    return body_ask(op_of(pub), CONTENT_BYTES, limit, then, context);
}

static enum paa_result host_body_digest(struct paa_op *pub, struct paa_str algorithm,
                                        paa_body_fn then, void *context)
{
    enum content_algorithm known = content_algorithm(algorithm);

    if (txn_of(pub) == NULL)
        return unsupported(op_of(pub), then, context, "there is no request here");
    if (known == CONTENT_BYTES)
        return unsupported(op_of(pub), then, context,
                           "the digests of content are sha-256 and sha-512 (RFC 9530)");
    return body_ask(op_of(pub), known, 0, then, context);
}

const struct paa_host_request engine_host_request = {
    .struct_size = sizeof(struct paa_host_request),
    .view = host_view,
    .header = host_header,
    .header_at = host_header_at,
    .cookie = host_cookie,
    .parameter = host_parameter,
    .attribute = host_attribute,
    .peer_certificate = host_peer_certificate,
    .fact = host_fact,
    .principal = host_principal,
    .body = host_body,
    .body_digest = host_body_digest,
};
