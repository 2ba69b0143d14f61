/* SPDX-License-Identifier: MIT */
/* A token's key in the memo: the digest of what the policy says; the account and a NUL, if there is one; what the token
 * is bound to: another certificate or DPoP key is another token. No binding has a NUL in it, so the last one ends the
 * account. */
#include "token_client.h"

#include "codec.h"
#include "str.h"

#include <openssl/sha.h>

struct token_bound {
    token_bound_fn then;
    void *context;
    struct paa_memo_query query;
    size_t size;
    char key[];
};

static void add(struct token_bound *bound, const char *data, size_t size)
{
    memcpy(bound->key + bound->size, data, size);
    bound->size += size;
    bound->query.key = paa_bytes_of(bound->key, bound->size);
}

static void add_account(struct token_bound *bound, struct paa_str account)
{
    if (account.size == 0)
        return;
    add(bound, account.data, account.size);
    add(bound, "", 1);
}

static bool add_certificate(struct paa_op *op, const struct token_client *client,
                            struct token_bound *bound)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char text[BASE64URL_SIZE(SHA256_DIGEST_LENGTH)];
    struct paa_key_info info;

    paa_init(&info, sizeof info);
    if (op->host->keys->info(op, client->client.key, &info) != PAA_STATUS_OK ||
        info.chain_count == 0)
        return false;
    (void)SHA256(info.chain[0].data, info.chain[0].size, digest);
    base64url_encode(paa_bytes_of(digest, sizeof digest), text);
    add(bound, text, sizeof text);
    return true;
}

static enum paa_result on_key(struct paa_op *op, enum paa_status status,
                              const struct paa_memo_value *value, void *context)
{
    struct token_bound *bound = (struct token_bound *)context;
    const struct dpop_key *key;

    if (status != PAA_STATUS_OK)
        return bound->then(op, status, NULL, NULL, bound->context);
    key = (const struct dpop_key *)value->object;
    add(bound, key->thumbprint, sizeof key->thumbprint);
    return bound->then(op, PAA_STATUS_OK, &bound->query, key, bound->context);
}

struct paa_str token_account_of(struct paa_bytes key)
{
    size_t end = key.size;

    while (end > SHA256_DIGEST_LENGTH && key.data[end - 1] != '\0')
        end--;
    if (end <= SHA256_DIGEST_LENGTH)
        return STR_NONE;
    return paa_str_of_n((const char *)key.data + SHA256_DIGEST_LENGTH,
                        end - 1 - SHA256_DIGEST_LENGTH);
}

static struct token_bound *begin(struct paa_op *op, const struct token_client *client,
                                 struct paa_str account)
{
    size_t size = client->key.size + account.size + 1 + TOKEN_BINDING_MAX;
    struct token_bound *bound = (struct token_bound *)op->host->alloc(op, sizeof *bound + size);

    if (bound == NULL)
        return NULL;
    add(bound, client->key.data, client->key.size);
    add_account(bound, account);
    return bound;
}

enum paa_result token_bound_find(struct paa_op *op, const struct token_client *client,
                                 struct paa_str account, uint32_t query_flags, token_bound_fn then,
                                 void *context)
{
    struct token_bound *bound;
    struct paa_memo_query query;

    if (account.size > TOKEN_ACCOUNT_MAX)
        return paa_fail(op, PAA_REJECT, "account", "the account's name is over 1 KiB");
    bound = begin(op, client, account);
    if (bound == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "token", "no memory is left for the token");
    bound->then = then;
    bound->context = context;
    paa_init(&bound->query, sizeof bound->query);
    bound->query.flags = query_flags;
    bound->query.key = paa_bytes_of(bound->key, bound->size);
    if (client->is_certificate_bound && !add_certificate(op, client, bound))
        return paa_fail(op, PAA_UNAVAILABLE, "client-key",
                        "the client_key or its certificate cannot be read");
    if (client->keys == NULL)
        return then(op, PAA_STATUS_OK, &bound->query, NULL, context);
    paa_init(&query, sizeof query);
    query.flags = query_flags;
    return op->host->memo->get(op, client->keys, &query, on_key, bound);
}
