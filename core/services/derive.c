/* SPDX-License-Identifier: MIT */
/* See derive.h. */
#include "derive.h"

#include "str.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

/* OpenSSL's parameters want what it promises not to change. */
static OSSL_PARAM octets(const char *name, struct paa_bytes bytes)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)bytes.data, bytes.size);
}

static bool hkdf(struct paa_bytes master, struct paa_bytes salt, struct paa_bytes info,
                 void *ret_key, size_t size)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    char digest[] = "SHA256";
    OSSL_PARAM params[5];
    size_t count = 0;
    bool is_done;

    params[count++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    params[count++] = octets(OSSL_KDF_PARAM_KEY, master);
    params[count++] = octets(OSSL_KDF_PARAM_INFO, info);
    if (salt.size > 0)
        params[count++] = octets(OSSL_KDF_PARAM_SALT, salt);
    params[count] = OSSL_PARAM_construct_end();
    is_done = context != NULL && EVP_KDF_derive(context, ret_key, size, params) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return is_done;
}

bool derive_key(struct paa_bytes master, struct paa_bytes salt, struct paa_bytes info,
                void *ret_key, size_t size)
{
    int saved = errno;
    bool is_done;

    (void)ERR_set_mark();
    is_done = hkdf(master, salt, info, ret_key, size);
    (void)ERR_pop_to_mark();
    errno = saved;
    return is_done;
}

bool derive_info_add(unsigned char info[DERIVE_INFO_MAX], size_t *size, struct paa_str word)
{
    if (word.size > UINT8_MAX || *size + 1 + word.size > DERIVE_INFO_MAX)
        return false;
    info[(*size)++] = (unsigned char)word.size;
    if (word.size > 0)
        memcpy(info + *size, word.data, word.size);
    *size += word.size;
    return true;
}
