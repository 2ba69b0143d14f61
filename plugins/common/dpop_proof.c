/* SPDX-License-Identifier: MIT */
/* Proofs as text, and the bytes of a kept key. Pure. */
#include "dpop_proof.h"

#include "codec.h"
#include "json.h"
#include "jws_write.h"
#include "str.h"

#include <openssl/sha.h>

enum { KEPT_HEAD = DPOP_TEXT_SIZE + 1 }; /* thumbprint, size of jwk */

void dpop_ath(struct paa_str access_token, char ret_text[DPOP_TEXT_SIZE])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    (void)SHA256((const unsigned char *)access_token.data, access_token.size, digest);
    base64url_encode(paa_bytes_of(digest, sizeof digest), ret_text);
}

bool dpop_nonce_valid(struct paa_str nonce)
{
    for (size_t i = 0; i < nonce.size; i++)
        if (nonce.data[i] <= ' ' || nonce.data[i] >= 0x7f || nonce.data[i] == '"' ||
            nonce.data[i] == '\\')
            return false;
    return nonce.size > 0 && nonce.size <= DPOP_NONCE_MAX;
}

static void write_header(struct buf *part, struct paa_str jwk)
{
    buf_add_text(part, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":");
    buf_add_str(part, jwk);
    buf_add_char(part, '}');
}

static void write_claims(struct buf *part, const struct dpop_proof *proof,
                         const unsigned char chance[DPOP_CHANCE_SIZE], int64_t now_s)
{
    char jti[BASE64URL_SIZE(DPOP_CHANCE_SIZE)];
    struct json json;
    struct buf htu;

    buf_init(&htu, part->max);
    buf_add_str(&htu, proof->origin);
    buf_add_str(&htu, str_slice(proof->target, 0, str_find(proof->target, '?', 0)));
    part->failed = part->failed || htu.failed;
    base64url_encode(paa_bytes_of(chance, DPOP_CHANCE_SIZE), jti);
    json_init(&json, part);
    json_open(&json, NULL, '{');
    json_str(&json, "jti", paa_str_of_n(jti, sizeof jti));
    json_str(&json, "htm", proof->method);
    json_str(&json, "htu", buf_str(&htu));
    json_int(&json, "iat", now_s);
    if (proof->ath.data != NULL)
        json_str(&json, "ath", proof->ath);
    if (proof->nonce.data != NULL)
        json_str(&json, "nonce", proof->nonce);
    json_close(&json, '}');
    buf_free(&htu);
}

bool dpop_proof_write(struct buf *buf, struct paa_str jwk, const struct dpop_proof *proof,
                      const unsigned char chance[DPOP_CHANCE_SIZE], int64_t now_s)
{
    struct buf part;

    buf_init(&part, DPOP_PROOF_MAX);
    write_header(&part, jwk);
    jws_add_part(buf, &part);
    buf_add_char(buf, '.');
    write_claims(&part, proof, chance, now_s);
    jws_add_part(buf, &part);
    buf_free(&part);
    return !buf->failed;
}

bool dpop_kept_read(struct paa_bytes bytes, struct dpop_kept *ret_kept)
{
    size_t jwk = bytes.size > KEPT_HEAD ? bytes.data[DPOP_TEXT_SIZE] : 0;

    if (jwk == 0 || bytes.size <= KEPT_HEAD + jwk)
        return false;
    ret_kept->thumbprint = paa_str_of_n((const char *)bytes.data, DPOP_TEXT_SIZE);
    ret_kept->jwk = paa_str_of_n((const char *)bytes.data + KEPT_HEAD, jwk);
    ret_kept->private_key =
        paa_bytes_of(bytes.data + KEPT_HEAD + jwk, bytes.size - KEPT_HEAD - jwk);
    return true;
}

void dpop_kept_write(struct buf *buf, const struct dpop_kept *kept)
{
    if (kept->thumbprint.size != DPOP_TEXT_SIZE || kept->jwk.size > UINT8_MAX)
        buf->failed = true;
    buf_add_str(buf, kept->thumbprint);
    buf_add_char(buf, (char)kept->jwk.size);
    buf_add_str(buf, kept->jwk);
    buf_add(buf, kept->private_key.data, kept->private_key.size);
}
