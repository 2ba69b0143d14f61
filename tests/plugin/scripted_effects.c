/* SPDX-License-Identifier: MIT */
/* The scripted test plugin's effects on request, outcome and log; scripted.h lists the words. */
#include "scripted_run.h"

#include "units.h"

uint64_t number_of(struct paa_str text)
{
    uint64_t number = 0;

    (void)str_to_u64(text, UINT32_MAX, &number);
    return number;
}

/* "N=V" */
struct paa_field pair_of(struct paa_str arg)
{
    struct paa_field field;
    size_t at = str_find(arg, '=', 0);

    field.name = str_slice(arg, 0, at);
    field.value = at < arg.size ? str_slice(arg, at + 1, arg.size) : STR("");
    return field;
}

struct paa_bytes bytes_of(struct paa_str s)
{
    return paa_bytes_of(s.data, s.size);
}

const char *text_of(struct paa_op *op, struct paa_str s)
{
    char *text = (char *)op->host->alloc(op, s.size + 1);

    if (text == NULL)
        return "memory";
    memcpy(text, s.data, s.size);
    return text;
}

struct paa_memo_product product_of(struct paa_op *op, const struct run *run, struct paa_str value)
{
    struct paa_memo_product product;

    paa_init(&product, sizeof product);
    product.usable_until_s = time_add(op->host->clock->now_s(op), run->usable_s);
    product.bytes = bytes_of(value);
    return product;
}

/* ---- the request ------------------------------------------------------------------------------ */

WORD(absent_unless)
{
    UNUSED(run);
    *ret_result = PAA_ABSENT;
    return op->host->request->header(op, arg, 0).data == NULL;
}

WORD(script)
{
    struct paa_str script = op->host->request->header(op, arg, 0);

    UNUSED(ret_result);
    if (script.data != NULL)
        run->rest = script;
    return false;
}

static bool needed(struct paa_op *op, struct paa_str got, struct paa_field pair,
                   enum paa_result *ret_result)
{
    if (str_eq(got, pair.value))
        return false;
    *ret_result = paa_fail(op, PAA_FAULT, "need", "%.*s is not %.*s but \"%.*s\"",
                           STR_ARGS(pair.name), STR_ARGS(pair.value), STR_ARGS(got));
    return true;
}

WORD(need_fact)
{
    struct paa_field pair = pair_of(arg);
    struct paa_bytes fact = op->host->request->fact(op, pair.name, NULL);

    UNUSED(run);
    return needed(op, paa_str_of_n((const char *)fact.data, fact.size), pair, ret_result);
}

WORD(need_header)
{
    struct paa_field pair = pair_of(arg);

    UNUSED(run);
    return needed(op, op->host->request->header(op, pair.name, 0), pair, ret_result);
}

WORD(need_who)
{
    const struct paa_principal *who = op->host->request->principal(op, 0);
    struct paa_field pair = { STR("the principal"), arg };

    UNUSED(run);
    return needed(op, who != NULL ? who->subject : STR("nobody"), pair, ret_result);
}

/* ---- the outcome ------------------------------------------------------------------------------ */

/* A word that does something and goes on. `pair`: its argument as N=V. */
#define EFFECT(name, call)                                                                         \
    WORD(name)                                                                                     \
    {                                                                                              \
        struct paa_field pair = pair_of(arg);                                                      \
        const struct paa_host_outcome *outcome = op->host->outcome;                                \
                                                                                                   \
        UNUSED(run);                                                                               \
        UNUSED(pair);                                                                              \
        UNUSED(outcome);                                                                           \
        UNUSED(ret_result);                                                                        \
        call;                                                                                      \
        return false;                                                                              \
    }

EFFECT(header, outcome->header_set(op, PAA_MESSAGE_REQUEST, pair.name, pair.value, 0))
EFFECT(add, outcome->header_add(op, PAA_MESSAGE_REQUEST, pair.name, pair.value, 0))
EFFECT(secret, outcome->header_set(op, PAA_MESSAGE_REQUEST, pair.name, pair.value, PAA_SECRET))
EFFECT(lasting, outcome->header_set(op, PAA_MESSAGE_REQUEST, pair.name, pair.value, PAA_UNCOPIED))
EFFECT(remove, outcome->header_remove(op, PAA_MESSAGE_REQUEST, arg))
EFFECT(response, outcome->header_set(op, PAA_MESSAGE_RESPONSE, pair.name, pair.value, 0))
EFFECT(deny, outcome->header_set(op, PAA_MESSAGE_RESPONSE, pair.name, pair.value, PAA_ON_DENY))
EFFECT(both, outcome->header_set(op, PAA_MESSAGE_RESPONSE, pair.name, pair.value,
                                 PAA_ON_GRANT | PAA_ON_DENY))
EFFECT(cookie, outcome->cookie_add(op, pair.name, pair.value, 0))
EFFECT(param, outcome->parameter_add(op, pair.name, pair.value, 0))
EFFECT(fact, outcome->fact(op, pair.name, bytes_of(pair.value)))
EFFECT(note, outcome->note(op, pair.name, pair.value))
EFFECT(retry, outcome->retry_after(op, (int64_t)number_of(arg)))
EFFECT(credential, outcome->credential(op, number_of(arg), 0))
EFFECT(redirect, outcome->redirect(op, arg))
EFFECT(metadata, outcome->metadata(op, pair.name, pair.value))
EFFECT(answer,
       outcome->answer(op, (uint32_t)number_of(pair.name), STR("text/plain"), bytes_of(pair.value)))
EFFECT(emit, op->host->conversation->emit(op, &pair, 1, 0))
EFFECT(log, op->host->log->line(op, PAA_LEVEL_NOTICE, arg))
EFFECT(scope, run->who.scope = arg)
EFFECT(client, run->who.client_id = arg)
EFFECT(issuer, run->who.issuer = arg)
EFFECT(methods, run->who.methods = arg)
EFFECT(expires,
       run->who.expires_at_s = time_add(op->host->clock->now_s(op), (int64_t)number_of(arg)))
EFFECT(usable, run->usable_s = (int64_t)number_of(arg))

WORD(who)
{
    UNUSED(ret_result);
    run->who.struct_size = sizeof run->who;
    run->who.flags = PAA_PRINCIPAL_MACHINE;
    run->who.subject = arg;
    op->host->outcome->principal(op, &run->who);
    return false;
}

WORD(lasting_who)
{
    UNUSED(ret_result);
    run->who.struct_size = sizeof run->who;
    run->who.flags = PAA_PRINCIPAL_MACHINE | PAA_PRINCIPAL_UNCOPIED;
    run->who.subject = arg;
    op->host->outcome->principal(op, &run->who);
    return false;
}

WORD(user)
{
    UNUSED(ret_result);
    run->who.struct_size = sizeof run->who;
    run->who.flags = PAA_PRINCIPAL_USER;
    run->who.subject = arg;
    op->host->outcome->principal(op, &run->who);
    return false;
}

WORD(challenge)
{
    struct paa_field realm = paa_field_of("realm", "scripted");
    struct paa_challenge challenge;

    UNUSED(run);
    paa_init(&challenge, sizeof challenge);
    challenge.scheme = arg;
    challenge.params = &realm;
    challenge.param_count = 1;
    op->host->outcome->challenge(op, &challenge);
    *ret_result = PAA_DONE;
    return true;
}

/* All that the core said, as parameters; the name of what it says nothing of stays away. */
WORD(why)
{
    char max_age[24] = "";
    struct paa_field params[] = {
        { STR("realm"), run->why->realm },
        { STR("error"), run->why->error },
        { STR("scope"), run->why->scope },
        { STR("max_age"), STR_NONE },
        { STR("resource_metadata"), run->why->resource_metadata },
    };
    struct paa_challenge challenge;

    (void)snprintf(max_age, sizeof max_age, "%lld", (long long)run->why->max_age_s);
    if (run->why->max_age_s > 0)
        params[3].value = paa_str_of(max_age);
    paa_init(&challenge, sizeof challenge);
    challenge.scheme = arg;
    challenge.params = params;
    challenge.param_count = sizeof params / sizeof params[0];
    op->host->outcome->challenge(op, &challenge);
    *ret_result = PAA_DONE;
    return false;
}

WORD(need_endpoint)
{
    struct paa_field pair = pair_of(arg);

    *ret_result = paa_fail(op, PAA_FAULT, "script", "another endpoint: %.*s %zu",
                           STR_ARGS(run->option), run->index);
    return !str_eq(pair.name, run->option) || number_of(pair.value) != run->index;
}

WORD(product)
{
    struct paa_memo_product product = product_of(op, run, arg);

    *ret_result = PAA_DONE;
    return op->host->memo->product(op, &product) == PAA_STATUS_OK;
}

/* All of it is written to, so that a size the core did not give is found. */
WORD(alloc)
{
    size_t size = number_of(arg);
    void *memory = op->host->alloc(op, size);

    UNUSED(run);
    if (memory != NULL)
        memset(memory, 0xa5, size);
    *ret_result = PAA_UNAVAILABLE;
    return memory == NULL;
}

/* ---- create ----------------------------------------------------------------------------------- */

WORD(reads)
{
    struct paa_field pair = pair_of(arg);
    enum paa_place place = PAA_PLACE_HEADER;

    UNUSED(run);
    if (paa_str_eq(pair.name, "cookie"))
        place = PAA_PLACE_COOKIE;
    else if (paa_str_eq(pair.name, "param"))
        place = PAA_PLACE_PARAMETER;
    else if (paa_str_eq(pair.name, "connection"))
        place = PAA_PLACE_CONNECTION;
    *ret_result = (enum paa_result)op->host->options->reads(op->options, place, pair.value);
    return (int)*ret_result != (int)PAA_STATUS_OK;
}

WORD(refuse)
{
    UNUSED(run);
    *ret_result = (enum paa_result)op->host->options->refuse(op->options, "create", arg);
    return true;
}

WORD(warn)
{
    UNUSED(run);
    *ret_result = (enum paa_result)op->host->options->warn(op->options, "create", arg);
    return (int)*ret_result != (int)PAA_STATUS_OK;
}

WORD(invalid)
{
    UNUSED(op);
    UNUSED(run);
    UNUSED(arg);
    *ret_result = (enum paa_result)PAA_STATUS_INVALID;
    return true;
}

static unsigned nibble(char c)
{
    return c >= 'a' ? (unsigned)(c - 'a') + 10 : (unsigned)(c - '0');
}

WORD(must_match)
{
    struct paa_field pair = pair_of(arg);
    unsigned char digest[64];
    size_t size = 0;

    UNUSED(run);
    UNUSED(ret_result);
    for (; 2 * size + 1 < pair.value.size && size < sizeof digest; size++)
        digest[size] = (unsigned char)(nibble(pair.value.data[2 * size]) << 4 |
                                       nibble(pair.value.data[2 * size + 1]));
    op->host->outcome->body_must_match(op, pair.name, paa_bytes_of(digest, size));
    return false;
}

const struct script_word script_effects[] = {
    { "absent_unless", word_absent_unless },
    { "script", word_script },
    { "need_fact", word_need_fact },
    { "need_header", word_need_header },
    { "need_who", word_need_who },
    { "header", word_header },
    { "add", word_add },
    { "secret", word_secret },
    { "lasting", word_lasting },
    { "remove", word_remove },
    { "response", word_response },
    { "deny", word_deny },
    { "both", word_both },
    { "cookie", word_cookie },
    { "param", word_param },
    { "fact", word_fact },
    { "must_match", word_must_match },
    { "note", word_note },
    { "retry", word_retry },
    { "credential", word_credential },
    { "redirect", word_redirect },
    { "metadata", word_metadata },
    { "answer", word_answer },
    { "emit", word_emit },
    { "log", word_log },
    { "scope", word_scope },
    { "client", word_client },
    { "issuer", word_issuer },
    { "methods", word_methods },
    { "expires", word_expires },
    { "usable", word_usable },
    { "who", word_who },
    { "lasting_who", word_lasting_who },
    { "user", word_user },
    { "why", word_why },
    { "need_endpoint", word_need_endpoint },
    { "challenge", word_challenge },
    { "product", word_product },
    { "alloc", word_alloc },
    { "reads", word_reads },
    { "refuse", word_refuse },
    { "warn", word_warn },
    { "invalid", word_invalid },
    { NULL, NULL },
};
