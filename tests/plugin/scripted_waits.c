/* SPDX-License-Identifier: MIT */
/* The scripted test plugin's results, waits and misuse; scripted.h lists the words. */
#include "scripted_run.h"

#include <errno.h>
#include <openssl/err.h>

/* ---- results ---------------------------------------------------------------------------------- */

static bool end_with(struct paa_op *op, struct paa_str reason, enum paa_result result,
                     enum paa_result *ret_result)
{
    *ret_result = reason.size > 0 ? paa_fail(op, result, text_of(op, reason), "scripted: %.*s",
                                             STR_ARGS(reason))
                                  : result;
    return true;
}

#define RESULT_WORD(name, result)                                                                  \
    WORD(name)                                                                                     \
    {                                                                                              \
        UNUSED(run);                                                                               \
        return end_with(op, arg, result, ret_result);                                              \
    }
RESULT_WORD(accept, PAA_ACCEPT)
RESULT_WORD(absent, PAA_ABSENT)
RESULT_WORD(reject, PAA_REJECT)
RESULT_WORD(unavailable, PAA_UNAVAILABLE)
RESULT_WORD(ignore, PAA_IGNORE)
RESULT_WORD(fault, PAA_FAULT)
RESULT_WORD(done, PAA_DONE)
RESULT_WORD(pending, PAA_PENDING)

WORD(number)
{
    UNUSED(op);
    UNUSED(run);
    *ret_result = (enum paa_result)number_of(arg);
    return true;
}

/* ---- waits ------------------------------------------------------------------------------------ */

static enum paa_result go_on(struct paa_op *op, enum paa_status status, void *context)
{
    struct run *run = (struct run *)context;

    atomic_fetch_add(&paa_scripted_counts.continued, 1);
    if (!run->is_open)
        atomic_fetch_add(&paa_scripted_counts.late, 1);
    run->status = status;
    return run_guarded(op, run);
}

static enum paa_result on_memo(struct paa_op *op, enum paa_status status,
                               const struct paa_memo_value *value, void *context)
{
    if (value != NULL && value->bytes.data != NULL)
        op->host->outcome->note(op, STR("memo"),
                                paa_str_of_n((const char *)value->bytes.data, value->bytes.size));
    return go_on(op, status, context);
}

static enum paa_result on_store(struct paa_op *op, enum paa_status status,
                                const struct paa_record *record, void *context)
{
    if (record != NULL && record->value.data != NULL)
        op->host->outcome->note(op, STR("store"),
                                paa_str_of_n((const char *)record->value.data, record->value.size));
    return go_on(op, status, context);
}

static enum paa_result on_body(struct paa_op *op, enum paa_status status, struct paa_bytes body,
                               void *context)
{
    if (status == PAA_STATUS_OK)
        op->host->outcome->note(op, STR("body"), paa_str_of_n((const char *)body.data, body.size));
    return go_on(op, status, context);
}

static enum paa_result on_digest(struct paa_op *op, enum paa_status status, struct paa_bytes digest,
                                 void *context)
{
    char text[2 * 64 + 1] = "";

    for (size_t i = 0; i < digest.size && i < 64; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", digest.data[i]);
    if (status == PAA_STATUS_OK)
        op->host->outcome->note(op, STR("digest"), paa_str_of(text));
    return go_on(op, status, context);
}

static enum paa_result on_reply(struct paa_op *op, enum paa_status status,
                                const struct paa_reply *reply, void *context)
{
    if (reply != NULL && reply->bytes.data != NULL)
        op->host->outcome->note(op, STR("reply"),
                                paa_str_of_n((const char *)reply->bytes.data, reply->bytes.size));
    return go_on(op, status, context);
}

static enum paa_result on_fetched(struct paa_op *op, enum paa_status status,
                                  const struct paa_http_response *response, void *context)
{
    char text[256];

    if (response != NULL) {
        (void)snprintf(text, sizeof text, "%u %.*s", response->code, (int)response->body.size,
                       (const char *)response->body.data);
        op->host->outcome->note(op, STR("http"), paa_str_of(text));
    }
    return go_on(op, status, context);
}

static void work(const void *self, void *lane, void *context)
{
    UNUSED(self);
    UNUSED(lane);
    busy_rounds(((struct run *)context)->rounds);
    atomic_fetch_add(&paa_scripted_counts.worked, 1);
}

WORD(after)
{
    *ret_result = op->host->clock->after(op, (int64_t)number_of(arg), go_on, run);
    return true;
}

WORD(work)
{
    run->rounds = number_of(arg);
    *ret_result = op->host->work->run(op, work, 0, go_on, run);
    return true;
}

WORD(blocks)
{
    run->rounds = number_of(arg);
    *ret_result = op->host->work->run(op, work, PAA_WORK_BLOCKS, go_on, run);
    return true;
}

static struct paa_memo *memo_of(struct paa_op *op)
{
    return ((const struct scripted *)op->self)->memo;
}

static struct paa_table *table_of(struct paa_op *op)
{
    return ((const struct scripted *)op->self)->table;
}

static struct paa_memo_query query_of(struct paa_str key)
{
    struct paa_memo_query query;

    paa_init(&query, sizeof query);
    query.key = bytes_of(key);
    return query;
}

WORD(get)
{
    struct paa_memo_query query = query_of(arg);

    *ret_result = op->host->memo->get(op, memo_of(op), &query, on_memo, run);
    return true;
}

WORD(renew)
{
    struct paa_memo_query query = query_of(arg);

    *ret_result = op->host->memo->renew(op, memo_of(op), &query, on_memo, run);
    return true;
}

WORD(drop)
{
    struct paa_memo_query query = query_of(arg);

    *ret_result = op->host->memo->drop(op, memo_of(op), &query, on_memo, run);
    return true;
}

WORD(put)
{
    struct paa_field pair = pair_of(arg);
    struct paa_memo_product product = product_of(op, run, pair.value);

    *ret_result = op->host->memo->put(op, memo_of(op), bytes_of(pair.name), &product, on_memo, run);
    return true;
}

WORD(store_get)
{
    *ret_result = op->host->store->get(op, table_of(op), bytes_of(arg), on_store, run);
    return true;
}

static enum paa_result store_put(struct paa_op *op, struct run *run, struct paa_str arg,
                                 uint32_t flags)
{
    struct paa_field pair = pair_of(arg);
    struct paa_record record;

    paa_init(&record, sizeof record);
    record.key = bytes_of(pair.name);
    record.value = bytes_of(pair.value);
    return op->host->store->put(op, table_of(op), &record, flags, on_store, run);
}

WORD(store_new)
{
    *ret_result = store_put(op, run, arg, PAA_PUT_NEW | PAA_PUT_DURABLE);
    return true;
}

WORD(store_put)
{
    *ret_result = store_put(op, run, arg, PAA_PUT_DURABLE);
    return true;
}

WORD(store_remove)
{
    *ret_result = op->host->store->remove(op, table_of(op), bytes_of(arg), 0, on_store, run);
    return true;
}

WORD(store_next)
{
    *ret_result = op->host->store->next(op, table_of(op), bytes_of(arg), BYTES_NONE, on_store, run);
    return true;
}

WORD(store_lock)
{
    *ret_result = op->host->store->lock(op, table_of(op), bytes_of(arg), on_store, run);
    return true;
}

WORD(body)
{
    *ret_result = op->host->request->body(op, number_of(arg), on_body, run);
    return true;
}

WORD(digest)
{
    *ret_result = op->host->request->body_digest(op, arg, on_digest, run);
    return true;
}

static enum paa_result fetch(struct paa_op *op, struct run *run, struct paa_str url, uint32_t flags)
{
    struct paa_http_request request;

    paa_init(&request, sizeof request);
    request.url = url;
    request.flags = flags;
    return op->host->http->fetch(op, &request, on_fetched, run);
}

WORD(fetch)
{
    *ret_result = fetch(op, run, arg, 0);
    return true;
}

WORD(foreign)
{
    *ret_result = fetch(op, run, arg, PAA_HTTP_FOREIGN_URL);
    return true;
}

static const struct paa_key *signer_of(struct paa_op *op)
{
    return op->host->options->key(op->options, "signer", 0);
}

static enum paa_result on_signed(struct paa_op *op, enum paa_status status,
                                 struct paa_bytes signature, void *context)
{
    UNUSED(signature);
    return go_on(op, status, context);
}

WORD(sign)
{
    *ret_result =
        op->host->keys->sign(op, signer_of(op), arg, paa_bytes_of("message", 7), on_signed, run);
    return true;
}

WORD(key_id)
{
    struct paa_key_info info;

    UNUSED(ret_result);
    paa_init(&info, sizeof info);
    run->status = op->host->keys->info(op, signer_of(op), &info);
    if (run->status == PAA_STATUS_OK)
        op->host->outcome->header_set(op, PAA_MESSAGE_REQUEST, arg, info.key_id, 0);
    return false;
}

WORD(read)
{
    *ret_result = op->host->conversation->read(op, number_of(arg), on_reply, run);
    return true;
}

static enum paa_result put_prompt(struct paa_op *op, struct run *run, enum paa_prompt_kind kind,
                                  struct paa_str text, struct paa_str url)
{
    struct paa_prompt prompt;

    paa_init(&prompt, sizeof prompt);
    prompt.kind = kind;
    prompt.text = text;
    prompt.url = url;
    return op->host->conversation->ask(op, &prompt, on_reply, run);
}

WORD(ask)
{
    *ret_result = put_prompt(op, run, PAA_PROMPT_TEXT, arg, STR_NONE);
    return true;
}

WORD(ask_secret)
{
    *ret_result = put_prompt(op, run, PAA_PROMPT_SECRET, arg, STR_NONE);
    return true;
}

WORD(show)
{
    *ret_result = put_prompt(op, run, PAA_PROMPT_INFO, arg, STR_NONE);
    return true;
}

WORD(open)
{
    *ret_result = put_prompt(op, run, PAA_PROMPT_OPEN, STR("go there"), arg);
    return true;
}

WORD(ask_kind)
{
    *ret_result = put_prompt(op, run, (enum paa_prompt_kind)number_of(arg), STR("x"), STR_NONE);
    return true;
}

/* ---- a login in a browser ---- */

WORD(listen)
{
    size_t comma = str_find(arg, ',', 0);
    struct paa_str state = comma < arg.size ? str_slice(arg, comma + 1, arg.size) : STR_NONE;

    UNUSED(ret_result);
    run->status = op->host->conversation->listen(op, str_slice(arg, 0, comma), state, &run->uri);
    op->host->outcome->note(op, STR("uri"), run->uri);
    if (run->slot == SCRIPT_VERB && run->status == PAA_STATUS_OK) {
        struct paa_field field = { STR("uri"), run->uri };

        op->host->conversation->emit(op, &field, 1, 0);
    }
    return false;
}

WORD(open_uri)
{
    UNUSED(arg);
    *ret_result = put_prompt(op, run, PAA_PROMPT_OPEN, STR("go there"), run->uri);
    return true;
}

static enum paa_result on_redirect(struct paa_op *op, enum paa_status status,
                                   const struct paa_reply *reply, void *context)
{
    for (size_t i = 0; reply != NULL && i < reply->field_count; i++) {
        op->host->outcome->note(op, reply->fields[i].name, reply->fields[i].value);
        if (((struct run *)context)->slot == SCRIPT_VERB)
            op->host->conversation->emit(op, &reply->fields[i], 1, 0);
    }
    return go_on(op, status, context);
}

WORD(redirected)
{
    UNUSED(arg);
    *ret_result = op->host->conversation->redirected(op, on_redirect, run);
    return true;
}

WORD(page)
{
    UNUSED(ret_result);
    run->status = op->host->conversation->page(op, 1, arg);
    return false;
}

WORD(page_of_failure)
{
    UNUSED(ret_result);
    run->status = op->host->conversation->page(op, 0, arg);
    return false;
}

/* Of the operation's time, into a note of that name. */
WORD(remaining)
{
    char text[32];

    UNUSED(run);
    UNUSED(ret_result);
    (void)snprintf(text, sizeof text, "%lld", (long long)op->host->clock->remaining_ms(op));
    op->host->outcome->note(op, arg, paa_str_of(text));
    return false;
}

static bool status_of(struct paa_str word, enum paa_status *ret_status)
{
    static const char *const names[] = { "ok",        "none",        "exists",
                                         "limited",   "unavailable", "denied",
                                         "too_large", "unsupported", "invalid" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (paa_str_eq(word, names[i])) {
            *ret_status = (enum paa_status)(PAA_STATUS_OK + (int)i);
            return true;
        }
    }
    return false;
}

WORD(need)
{
    enum paa_status status = PAA_STATUS_INVALID;

    if (status_of(arg, &status) && run->status == status)
        return false;
    *ret_result = paa_fail(op, PAA_FAULT, "need", "the wait ended with status %#x, not %.*s",
                           (unsigned)run->status, STR_ARGS(arg));
    return true;
}

/* ---- misuse ----------------------------------------------------------------------------------- */

WORD(two_waits)
{
    UNUSED(arg);
    (void)op->host->clock->after(op, 1, go_on, run);
    *ret_result = op->host->clock->after(op, 1, go_on, run);
    return true;
}

WORD(wait_and)
{
    (void)op->host->clock->after(op, 1, go_on, run);
    *ret_result = (enum paa_result)number_of(arg);
    return true;
}

WORD(openssl)
{
    UNUSED(op);
    UNUSED(run);
    UNUSED(arg);
    UNUSED(ret_result);
    ERR_raise(ERR_LIB_USER, 1);
    return false;
}

WORD(errno)
{
    UNUSED(op);
    UNUSED(run);
    UNUSED(arg);
    UNUSED(ret_result);
    errno = E2BIG;
    return false;
}

WORD(busy)
{
    UNUSED(op);
    UNUSED(run);
    UNUSED(ret_result);
    busy_rounds(number_of(arg));
    return false;
}

const struct script_word script_waits[] = {
    { "accept", word_accept },
    { "absent", word_absent },
    { "reject", word_reject },
    { "unavailable", word_unavailable },
    { "ignore", word_ignore },
    { "fault", word_fault },
    { "done", word_done },
    { "pending", word_pending },
    { "number", word_number },
    { "after", word_after },
    { "work", word_work },
    { "blocks", word_blocks },
    { "get", word_get },
    { "renew", word_renew },
    { "drop", word_drop },
    { "put", word_put },
    { "store_get", word_store_get },
    { "store_new", word_store_new },
    { "store_put", word_store_put },
    { "store_remove", word_store_remove },
    { "store_next", word_store_next },
    { "store_lock", word_store_lock },
    { "body", word_body },
    { "digest", word_digest },
    { "fetch", word_fetch },
    { "sign", word_sign },
    { "key_id", word_key_id },
    { "foreign", word_foreign },
    { "read", word_read },
    { "ask", word_ask },
    { "ask_secret", word_ask_secret },
    { "ask_kind", word_ask_kind },
    { "show", word_show },
    { "open", word_open },
    { "listen", word_listen },
    { "open_uri", word_open_uri },
    { "redirected", word_redirected },
    { "page", word_page },
    { "page_of_failure", word_page_of_failure },
    { "remaining", word_remaining },
    { "need", word_need },
    { "two_waits", word_two_waits },
    { "wait_and", word_wait_and },
    { "openssl", word_openssl },
    { "errno", word_errno },
    { "busy", word_busy },
    { NULL, NULL },
};
