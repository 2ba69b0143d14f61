/* SPDX-License-Identifier: MIT */
/* A set of keys from an issuer that lies: read within bounds, every key taken is of its type's size, and can be
 * written and read again as the same. */
#include "fuzz.h"
#include "jwk.h"
#include "str.h"

#include <openssl/err.h>

static void check_again(const struct jwk *key)
{
    struct json_node nodes[16];
    struct json_tree tree;
    char spare[4096];
    const char *why = NULL;
    struct jwk again;
    struct buf buf;

    buf_init(&buf, sizeof spare);
    HOLDS(jwk_write(key, &buf));
    HOLDS(json_tree_read(&tree, buf_str(&buf), spare, nodes, 16) == JSON_READ);
    HOLDS(jwk_read(&tree, 0, 0, &again, &why));
    HOLDS(again.type == key->type && again.algs == algs_of_key(key->type));
    HOLDS(memcmp(again.thumbprint, key->thumbprint, JWK_THUMBPRINT_SIZE) == 0);
    jwk_done(&again);
    buf_free(&buf);
}

static void check_key(const struct jwk *key)
{
    HOLDS(key->algs != 0 && (key->algs & ~algs_of_key(key->type)) == 0);
    HOLDS(key->kid.data == NULL || (key->kid.size > 0 && key->kid.size <= JWK_KID_MAX));
    if (key->type == KEY_SECRET)
        HOLDS(key->key == NULL && key->secret.size >= 32 && key->secret.size <= JWK_SECRET_MAX);
    else
        check_again(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t flags = size > 0 && data[size - 1] == '\n' ? JWK_TAKES_SECRETS : 0;
    const char *why = NULL;
    struct jwk_set *set = jwk_set_read(paa_bytes_of(data, size), flags, NULL, NULL, &why);
    struct jwk_query query = { .issuer = STR("https://issuer.example"), .alg = ALG_ES256 };

    HOLDS(ERR_peek_error() == 0);
    HOLDS((set == NULL) == (why != NULL && set == NULL));
    if (set == NULL)
        return 0;
    HOLDS(set->count > 0 && set->count <= JWK_SET_KEYS_MAX);
    for (size_t i = 0; i < set->count; i++) {
        HOLDS((flags & JWK_TAKES_SECRETS) != 0 || set->keys[i].type != KEY_SECRET);
        check_key(&set->keys[i]);
    }
    while (jwk_set_next(set, &query) != NULL)
        ;
    HOLDS(query.tries <= JWK_TRIES_MAX);
    jwk_set_free(set);
    return 0;
}
