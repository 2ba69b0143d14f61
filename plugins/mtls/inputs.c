/* SPDX-License-Identifier: MIT */
/*
 * What the judgement hangs on beside the certificates: anchors, intermediates, revocation lists. Each is a memo, decoded
 * once for each change; of what cannot be read any more the last good serves for the option `outage`.
 */
#include "mtls.h"

#include "lifetime.h"
#include "str.h"
#include "units.h"

#include <stdlib.h>

enum {
    INPUT_BYTES_MAX = 256 * 1024 * 1024,
    LIST_RESPONSE_MAX = 16 * 1024 * 1024,
    LIST_TIMEOUT_MS = 30 * 1000,
    LIST_FRESH_MIN_S = 60,
    LIST_FRESH_MAX_S = 3600 /* a list may be replaced long before its nextUpdate */
};

/* ---- from bytes to objects ----------------------------------------------------------------------- */

static void anchors_release(void *object, const void *self)
{
    (void)self;
    anchors_free((struct anchors *)object);
}

static void crl_release(void *object, const void *self)
{
    (void)self;
    crl_set_free((struct crl_set *)object);
}

static void tell_weak(struct paa_op *op, const char *what, size_t count)
{
    char line[160];

    (void)snprintf(line, sizeof line,
                   "%zu certificates of `%s` are not used: their keys are too weak, or of a kind "
                   "that is not taken",
                   count, what);
    op->host->log->line(op, PAA_LEVEL_WARNING, paa_str_of(line));
}

static enum paa_status decode_certificates(struct paa_op *op, const struct paa_bytes *parts,
                                           size_t part_count, const char *what, void **ret_object,
                                           size_t *ret_weight)
{
    char why[ANCHORS_WHY_SIZE];
    struct anchors *anchors = anchors_read(parts, part_count, what, why);

    if (anchors == NULL) {
        (void)paa_fail(op, PAA_UNAVAILABLE, "trust", "%s", why);
        return PAA_STATUS_UNAVAILABLE;
    }
    if (anchors->weak > 0)
        tell_weak(op, what, anchors->weak);
    *ret_object = anchors;
    *ret_weight = anchors->bytes;
    return PAA_STATUS_OK;
}

static enum paa_status decode_anchors(struct paa_op *op, const struct paa_bytes *parts,
                                      size_t part_count, void **ret_object, size_t *ret_weight)
{
    return decode_certificates(op, parts, part_count, "trust", ret_object, ret_weight);
}

static enum paa_status decode_intermediates(struct paa_op *op, const struct paa_bytes *parts,
                                            size_t part_count, void **ret_object,
                                            size_t *ret_weight)
{
    return decode_certificates(op, parts, part_count, "intermediates", ret_object, ret_weight);
}

static enum paa_status decode_lists(struct paa_op *op, const struct paa_bytes *parts,
                                    size_t part_count, void **ret_object, size_t *ret_weight)
{
    char why[CRL_WHY_SIZE];
    struct crl_set *set = crl_set_read(parts, part_count, "crl", why);

    if (set == NULL) {
        (void)paa_fail(op, PAA_UNAVAILABLE, "revocation", "%s", why);
        return PAA_STATUS_UNAVAILABLE;
    }
    *ret_object = set;
    *ret_weight = crl_set_bytes(set);
    return PAA_STATUS_OK;
}

/* ---- lists that are fetched ---------------------------------------------------------------------- */

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

enum { KNOWN_MAX = 2 }; /* trust, intermediates */

struct fetching { /* memory of the operation */
    const struct paa_memo_run *asked;
    const STACK_OF(X509) * known[KNOWN_MAX];
    size_t known_count;
};

static const char *judge_list(const struct fetching *fetching, const struct crl_set *set)
{
    char ignored[CRL_WHY_SIZE];
    struct crl_set *previous = NULL;
    const char *why;

    if (fetching->asked->previous.size > 0)
        previous = crl_set_read(&fetching->asked->previous, 1, "crl_url", ignored);
    why = crl_set_may_replace(set, previous, fetching->known, fetching->known_count);
    crl_set_free(previous);
    return why;
}

/* It is read here for its times, and once more when it is decoded: on a worker, once an hour. */
static enum paa_result publish(struct paa_op *op, const struct fetching *fetching,
                               const struct paa_http_response *response)
{
    int64_t now_s = op->host->clock->now_s(op), life_s = response_lifetime_s(response, now_s);
    char why[CRL_WHY_SIZE];
    struct crl_set *set = crl_set_read(&response->body, 1, "crl_url", why);
    struct paa_memo_product product;
    const char *wrong;

    if (set == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "revocation", "%s", why);
    wrong = judge_list(fetching, set);
    if (wrong != NULL) {
        crl_set_free(set);
        return paa_fail(op, PAA_UNAVAILABLE, "revocation", "what crl_url gave %s: not taken",
                        wrong);
    }
    paa_init(&product, sizeof product);
    product.fresh_until_s =
        time_add(now_s,
                 life_s < 0 ? LIST_FRESH_MAX_S : clamp(life_s, LIST_FRESH_MIN_S, LIST_FRESH_MAX_S));
    product.usable_until_s = crl_set_until_s(set);
    if (product.usable_until_s < product.fresh_until_s)
        product.usable_until_s = product.fresh_until_s;
    product.usable_until_s = time_add(product.usable_until_s, judging_of(op)->outage_s);
    product.bytes = response->body;
    crl_set_free(set);
    op->host->memo->product(op, &product);
    return PAA_DONE;
}

static enum paa_result on_list(struct paa_op *op, enum paa_status status,
                               const struct paa_http_response *response, void *context)
{
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "revocation", STR_NONE);
    if (response->retry_after_s > 0)
        op->host->outcome->retry_after(op, (int64_t)response->retry_after_s * 1000);
    if (response->code != 200)
        return paa_fail(op, PAA_UNAVAILABLE, "revocation",
                        "the server of crl_url answered with %u, not 200",
                        (unsigned)response->code);
    return publish(op, (const struct fetching *)context, response);
}

/* Its signature is checked, so plain http will do. */
static enum paa_result fetch_list(struct paa_op *op, struct fetching *fetching)
{
    struct paa_bytes url = fetching->asked->key;
    struct paa_http_request request;

    paa_init(&request, sizeof request);
    request.flags = PAA_HTTP_SIGNED_CONTENT;
    request.url = paa_str_of_n((const char *)url.data, url.size);
    request.response_limit = LIST_RESPONSE_MAX;
    request.timeout_ms = LIST_TIMEOUT_MS;
    return op->host->http->fetch(op, &request, on_list, fetching);
}

static enum paa_result ask_known(struct paa_op *op, struct fetching *fetching);

static enum paa_result on_known(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_value *value, void *context)
{
    struct fetching *fetching = (struct fetching *)context;

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "revocation", STR_NONE);
    fetching->known[fetching->known_count++] =
        ((const struct anchors *)value->object)->certificates;
    return ask_known(op, fetching);
}

/* The anchors and intermediates of the policy, which come first among the inputs; then the list. */
static enum paa_result ask_known(struct paa_op *op, struct fetching *fetching)
{
    const struct judging *judging = judging_of(op);
    size_t count = (size_t)judging->has_anchors + judging->has_intermediates;
    struct paa_memo_query query;

    if (fetching->known_count == count)
        return fetch_list(op, fetching);
    paa_init(&query, sizeof query);
    return op->host->memo->get(op, judging->inputs[fetching->known_count].memo, &query, on_known,
                               fetching);
}

static enum paa_result produce_list(struct paa_op *op, const struct paa_memo_run *asked)
{
    struct fetching *fetching = (struct fetching *)op->host->alloc(op, sizeof *fetching);

    if (fetching == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "revocation", "no memory is left for a list");
    fetching->asked = asked;
    return ask_known(op, fetching);
}

/* ---- memos --------------------------------------------------------------------------------------- */

static enum paa_status add_file(struct paa_op *op, struct judging *judging, const char *option,
                                paa_decode_fn decode, paa_release_fn release)
{
    struct paa_memo_def def;

    if (op->host->options->count(op->options, option) == 0)
        return PAA_STATUS_OK;
    paa_init(&def, sizeof def);
    def.name = option;
    def.source = op->host->options->source(op->options, option, 0);
    def.decode = decode;
    def.release = release;
    def.max_bytes = INPUT_BYTES_MAX;
    def.grace_s = judging->outage_s;
    return op->host->memo->open(op, &def, &judging->inputs[judging->input_count++].memo);
}

static enum paa_status add_urls(struct paa_op *op, struct judging *judging)
{
    size_t count = op->host->options->count(op->options, "crl_url");
    struct paa_memo *memo = NULL;
    struct paa_memo_def def;
    enum paa_status status;

    if (count == 0)
        return PAA_STATUS_OK;
    paa_init(&def, sizeof def);
    def.name = "crl_url";
    def.produce = produce_list;
    def.decode = decode_lists;
    def.release = crl_release;
    def.max_bytes = INPUT_BYTES_MAX;
    def.format = 1;
    status = op->host->memo->open(op, &def, &memo);
    for (size_t i = 0; i < count && status == PAA_STATUS_OK; i++)
        judging->inputs[judging->input_count++] =
            (struct input){ memo, op->host->options->string(op->options, "crl_url", i) };
    return status;
}

enum paa_status inputs_create(struct paa_op *op, struct judging *judging)
{
    enum paa_status status = add_file(op, judging, "trust", decode_anchors, anchors_release);

    if (status == PAA_STATUS_OK)
        status = add_file(op, judging, "intermediates", decode_intermediates, anchors_release);
    if (status == PAA_STATUS_OK)
        status = add_file(op, judging, "crl", decode_lists, crl_release);
    if (status == PAA_STATUS_OK)
        status = add_urls(op, judging);
    return status;
}

/* ---- asking -------------------------------------------------------------------------------------- */

static size_t lists_from(const struct judging *judging)
{
    return (size_t)judging->has_anchors + judging->has_intermediates;
}

/* Soft: what cannot be had is left out. */
static bool may_do_without(const struct judging *judging, size_t input)
{
    return input >= lists_from(judging) && judging->rules.revocation == REVOCATION_SOFT;
}

static enum paa_result on_input(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_value *value, void *context)
{
    const struct judging *judging = judging_of(op);
    struct state *state = (struct state *)context;
    struct weighing *weighing = state->weighing;
    bool is_here = status == PAA_STATUS_OK;

    if (!is_here && !may_do_without(judging, weighing->asked))
        return op->host->fail(op, PAA_UNAVAILABLE,
                              weighing->asked < lists_from(judging) ? "trust" : "revocation",
                              STR_NONE);
    weighing->objects[weighing->asked] = is_here ? value->object : NULL;
    weighing->versions[weighing->asked] = is_here ? value->version : 0;
    weighing->asked++;
    return inputs_ask(op, state);
}

enum paa_result inputs_ask(struct paa_op *op, struct state *state)
{
    const struct judging *judging = judging_of(op);
    const struct weighing *weighing = weighing_of(op, state);
    const struct input *input;
    struct paa_memo_query query;

    if (weighing == NULL)
        return paa_fail(op, PAA_FAULT, "memory", "no memory is left to judge a certificate");
    if (weighing->asked == judging->input_count)
        return verify_with_inputs(op, state);
    input = &judging->inputs[weighing->asked];
    paa_init(&query, sizeof query);
    query.key = paa_bytes_of(input->key.data, input->key.size);
    return op->host->memo->get(op, input->memo, &query, on_input, state);
}
