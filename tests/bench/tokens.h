/* SPDX-License-Identifier: MIT */
/* One access token (RFC 9068, 899 bytes of claims) for each algorithm, with its key in the forms that PAA and its peers
 * read. */
#ifndef BENCH_TOKENS_H
#define BENCH_TOKENS_H

#include <openssl/evp.h>
#include <stdint.h>

enum { TOKEN_TEXT_MAX = 24 * 1024, TOKEN_JWK_MAX = 2048, TOKEN_PEM_MAX = 1024 };

#define TOKEN_ISSUER   "https://issuer.example.com/realms/production"
#define TOKEN_AUDIENCE "https://api.example.com/orders"

enum { TOKEN_NOW_S = 1800000000 };

struct token {
    int alg;          /* enum jose_alg of plugins/common, whose headers not every peer can see */
    const char *name; /* "RS256" */
    char text[TOKEN_TEXT_MAX]; /* header: alg, typ, kid */
    size_t size;
    size_t input_size;
    char jwk[TOKEN_JWK_MAX]; /* JSON of the key that verifies; with its secret for HS256 */
    char pem[TOKEN_PEM_MAX];
    EVP_PKEY *key; /* NULL for HS256 */
    unsigned char secret[64];
    size_t secret_size;
};

/* typ: "at+jwt", or what a peer can read. */
void token_make(struct token *ret_token, int alg, const char *typ);
/* Another one of the same key: its jti holds the number, and it is good for an hour from now. Returns its size. */
size_t token_vary(const struct token *token, unsigned number, int64_t now_s,
                  char ret_text[TOKEN_TEXT_MAX]);
void token_free(struct token *token);

#endif
