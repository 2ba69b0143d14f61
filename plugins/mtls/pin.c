/* SPDX-License-Identifier: MIT */
#include "pin.h"

#include "base64.h"
#include "codec.h"
#include "str.h"

#include <openssl/err.h>
#include <openssl/evp.h>

enum { HEX_SIZE = 2 * PIN_DIGEST_SIZE, BASE64_SIZE = 44 };

#define KEY_PREFIX "sha256//"

static bool parse_key(struct paa_str text, unsigned char digest[PIN_DIGEST_SIZE])
{
    unsigned char bytes[BASE64_DECODED_MAX(BASE64_SIZE)];
    size_t size;

    if (text.size != BASE64_SIZE || !base64_decode(text, bytes, &size) || size != PIN_DIGEST_SIZE)
        return false;
    memcpy(digest, bytes, PIN_DIGEST_SIZE);
    return true;
}

/* "AA:BB:…", as openssl prints fingerprints, or without the colons. */
static bool parse_certificate(struct paa_str text, unsigned char digest[PIN_DIGEST_SIZE])
{
    bool has_colons = text.size == HEX_SIZE + PIN_DIGEST_SIZE - 1;
    size_t step = has_colons ? 3 : 2;

    if (!has_colons && text.size != HEX_SIZE)
        return false;
    for (size_t i = 0; i < PIN_DIGEST_SIZE; i++)
        if (!hex_decode(str_slice(text, i * step, i * step + 2), &digest[i]) ||
            (has_colons && i > 0 && text.data[i * step - 1] != ':'))
            return false;
    return true;
}

bool pin_parse(struct paa_str text, struct pin *ret_pin)
{
    bool is_key = str_starts(text, STR(KEY_PREFIX));

    ret_pin->kind = is_key ? PIN_KEY : PIN_CERTIFICATE;
    return is_key ? parse_key(str_slice(text, sizeof KEY_PREFIX - 1, text.size), ret_pin->digest)
                  : parse_certificate(text, ret_pin->digest);
}

static bool digest(const void *data, size_t size, unsigned char ret_digest[PIN_DIGEST_SIZE])
{
    return EVP_Digest(data, size, ret_digest, NULL, EVP_sha256(), NULL) == 1;
}

static bool digest_key(const X509 *certificate, unsigned char ret_digest[PIN_DIGEST_SIZE])
{
    unsigned char *spki = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
    bool is_done = size > 0 && digest(spki, (size_t)size, ret_digest);

    OPENSSL_free(spki);
    return is_done;
}

bool pin_subject_of(struct paa_bytes der, const X509 *certificate, struct pin_subject *ret_subject)
{
    bool is_done;

    ERR_set_mark();
    is_done = digest(der.data, der.size, ret_subject->certificate) &&
              digest_key(certificate, ret_subject->key);
    ERR_pop_to_mark();
    return is_done;
}

bool pin_is_of(const struct pin *pin, const struct pin_subject *subject)
{
    const unsigned char *mine = pin->kind == PIN_KEY ? subject->key : subject->certificate;

    return memcmp(pin->digest, mine, PIN_DIGEST_SIZE) == 0; /* of public text */
}
