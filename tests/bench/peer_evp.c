/* SPDX-License-Identifier: MIT */
/* The raw limit: libcrypto's own verification with everything kept, of a signature that needs no decoding. */
#include "alg.h"
#include "codec.h"
#include "measure.h"
#include "peers.h"
#include "str.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <stdlib.h>

enum { SIGNATURE_MAX = 1024 };

struct evp_peer {
    const struct token *token;
    EVP_PKEY_CTX *verify;
    EVP_MD_CTX *digest; /* Ed25519: of the verification */
    EVP_MAC_CTX *mac;
    unsigned char signature[SIGNATURE_MAX];
    size_t size;
};

static void need(bool is_done)
{
    if (!is_done)
        bench_fail("libcrypto does not begin");
}

/* r and s as DER, which libcrypto reads. */
static void der_of_raw(struct evp_peer *peer)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    int half = (int)peer->size / 2;
    unsigned char *at = peer->signature;

    need(pair != NULL && ECDSA_SIG_set0(pair, BN_bin2bn(peer->signature, half, NULL),
                                        BN_bin2bn(peer->signature + half, half, NULL)) == 1);
    peer->size = (size_t)i2d_ECDSA_SIG(pair, &at);
    ECDSA_SIG_free(pair);
}

static void open_mac(struct evp_peer *peer)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    OSSL_PARAM params[2] = { OSSL_PARAM_construct_utf8_string("digest", (char[]){ "SHA256" }, 0),
                             OSSL_PARAM_construct_end() };

    peer->mac = EVP_MAC_CTX_new(hmac);
    need(peer->mac != NULL &&
         EVP_MAC_init(peer->mac, peer->token->secret, peer->token->secret_size, params) == 1);
    EVP_MAC_free(hmac);
}

static void open_key(struct evp_peer *peer)
{
    const struct alg_row *row = alg_row((enum jose_alg)peer->token->alg);
    EVP_PKEY *own = EVP_PKEY_dup(peer->token->key); /* threads do not share it */

    peer->digest = EVP_MD_CTX_new();
    if (row->family == FAMILY_EDDSA) {
        need(EVP_DigestVerifyInit_ex(peer->digest, NULL, NULL, NULL, NULL, own, NULL) == 1);
        EVP_PKEY_free(own);
        return;
    }
    need(EVP_DigestInit_ex2(peer->digest, EVP_sha256(), NULL) == 1);
    peer->verify = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    EVP_PKEY_free(own);
    need(peer->verify != NULL && EVP_PKEY_verify_init(peer->verify) == 1 &&
         EVP_PKEY_CTX_set_signature_md(peer->verify, EVP_sha256()) == 1);
    if (row->family == FAMILY_PSS)
        need(EVP_PKEY_CTX_set_rsa_padding(peer->verify, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(peer->verify, RSA_PSS_SALTLEN_DIGEST) == 1);
}

struct evp_peer *evp_peer_open(const struct token *token)
{
    struct evp_peer *peer = calloc(1, sizeof *peer);
    struct paa_str text;

    if (peer == NULL)
        bench_fail("no memory");
    peer->token = token;
    text = paa_str_of_n(token->text + token->input_size + 1, token->size - token->input_size - 1);
    need(base64url_decode(text, peer->signature, &peer->size));
    if (token->key == NULL)
        open_mac(peer);
    else
        open_key(peer);
    if (alg_row((enum jose_alg)token->alg)->family == FAMILY_ECDSA)
        der_of_raw(peer);
    return peer;
}

void evp_peer_close(struct evp_peer *peer)
{
    EVP_PKEY_CTX_free(peer->verify);
    EVP_MD_CTX_free(peer->digest);
    EVP_MAC_CTX_free(peer->mac);
    free(peer);
}

static bool verify_mac(struct evp_peer *peer, const unsigned char *input, size_t size)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t mac_size = 0;

    return EVP_MAC_init(peer->mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(peer->mac, input, size) == 1 &&
           EVP_MAC_final(peer->mac, mac, &mac_size, sizeof mac) == 1 && mac_size == peer->size &&
           CRYPTO_memcmp(mac, peer->signature, mac_size) == 0;
}

static bool verify(struct evp_peer *peer)
{
    const unsigned char *input = (const unsigned char *)peer->token->text;
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned hash_size = 0;

    if (peer->mac != NULL)
        return verify_mac(peer, input, peer->token->input_size);
    if (peer->verify == NULL)
        return EVP_DigestVerify(peer->digest, peer->signature, peer->size, input,
                                peer->token->input_size) == 1;
    return EVP_DigestInit_ex2(peer->digest, NULL, NULL) == 1 &&
           EVP_DigestUpdate(peer->digest, input, peer->token->input_size) == 1 &&
           EVP_DigestFinal_ex(peer->digest, hash, &hash_size) == 1 &&
           EVP_PKEY_verify(peer->verify, peer->signature, peer->size, hash, hash_size) == 1;
}

void evp_peer_run(void *state, uint64_t count)
{
    struct evp_peer *peer = state;

    for (uint64_t i = 0; i < count; i++)
        if (!verify(peer))
            bench_fail("libcrypto takes a good signature for a bad one");
}
