/*
 * paa/with_curl.h: paa_txn_client_tls on a libcurl handle. Optional, for hosts that send with libcurl;
 * all of it is inline, and nothing of it is part of the ABI.
 *
 *   if (paa_with_curl(easy, paa_txn_client_tls(txn)) != CURLE_OK)   after each ALLOW, before perform
 *       …                                                           do not send
 *
 * It sets every TLS option that the struct speaks of, to what it says or back to libcurl's default, so
 * one handle serves requests of any service in turn. Certificates are verified against the policy's
 * CAs and no others, or the system's; the peer's name always, but for INSECURE.
 *
 * CONNECTIONS. A connection made for one id must never carry another's request. libcurl keeps to
 * that by itself: it compares versions, verification, CAs, pins and the whole client certificate of
 * a kept connection, and of a kept TLS session, with the request's, since 7.83.1. A host that keeps
 * connections in a pool of its own has to have one pool for each id.
 *
 * THE KEY is copied by libcurl into ordinary memory. One that stays in a token (key_uri) libcurl asks
 * of OpenSSL's engine, which paa_client_tls_token makes ready: call it first.
 *
 * LEFT TO THE HOST: CURLOPT_FOLLOWLOCATION 0 (a redirect is a new transaction), proxies, time-outs.
 */
#ifndef PAA_WITH_CURL_H
#define PAA_WITH_CURL_H

#include <paa/paa.h>

#include <curl/curl.h>
#include <stdlib.h>

#if LIBCURL_VERSION_NUM < 0x075301
#error "paa/with_curl.h needs libcurl 7.83.1: older ones keep connections that they should not"
#endif

PAA_BEGIN_DECLS

/* Copied by libcurl; absent: what was set before is gone. */
static inline CURLcode paa_with_curl_blob(CURL *easy, CURLoption option, struct paa_str text)
{
    struct curl_blob blob;

    if (text.data == NULL)
        return curl_easy_setopt(easy, option, (struct curl_blob *)NULL);
    blob.data = (void *)(uintptr_t)text.data;
    blob.len = text.size;
    blob.flags = CURL_BLOB_COPY;
    return curl_easy_setopt(easy, option, &blob);
}

/* libcurl wants it to end with NUL, and copies it. */
static inline CURLcode paa_with_curl_text(CURL *easy, CURLoption option, struct paa_str text)
{
    char *copy = NULL;
    CURLcode code;

    if (text.data != NULL) {
        copy = (char *)malloc(text.size + 1);
        if (copy == NULL)
            return CURLE_OUT_OF_MEMORY;
        memcpy(copy, text.data, text.size);
        copy[text.size] = '\0';
    }
    code = curl_easy_setopt(easy, option, copy);
    free(copy);
    return code;
}

static inline long paa_with_curl_versions(const struct paa_client_tls *tls)
{
    long versions = CURL_SSLVERSION_TLSv1_2;

    if (tls == NULL)
        return versions;
    if (tls->min_version == 0)
        versions = CURL_SSLVERSION_DEFAULT;
    else if (tls->min_version >= 0x0304)
        versions = CURL_SSLVERSION_TLSv1_3;
    if (tls->max_version == 0x0303)
        versions |= CURL_SSLVERSION_MAX_TLSv1_2;
    else if (tls->max_version == 0x0304)
        versions |= CURL_SSLVERSION_MAX_TLSv1_3;
    return versions;
}

/* The policy's CAs and no others: libcurl would add its folder of CAs to a blob. Absent: its defaults again. */
static inline CURLcode paa_with_curl_trust(CURL *easy, struct paa_str pem)
{
    const curl_version_info_data *built = curl_version_info(CURLVERSION_NOW);
    const char *file = pem.data == NULL ? built->cainfo : NULL;
    const char *folder = pem.data == NULL ? built->capath : NULL;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_CAINFO, file);

    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CAPATH, folder);
    if (code == CURLE_OK)
        code = paa_with_curl_blob(easy, CURLOPT_CAINFO_BLOB, pem);
    return code;
}

static inline CURLcode paa_with_curl_key(CURL *easy, struct paa_str chain, struct paa_str key,
                                         struct paa_str uri, struct paa_str pin)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");

    if (code == CURLE_OK)
        code = paa_with_curl_blob(easy, CURLOPT_SSLCERT_BLOB, chain);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, uri.data != NULL ? "ENG" : "PEM");
    if (code == CURLE_OK)
        code = paa_with_curl_blob(easy, CURLOPT_SSLKEY_BLOB, key);
    if (code == CURLE_OK)
        code = paa_with_curl_text(easy, CURLOPT_SSLKEY, uri);
    if (code == CURLE_OK) /* else OpenSSL would ask at the terminal */
        code = paa_with_curl_text(easy, CURLOPT_KEYPASSWD, pin);
    return code;
}

/* tls NULL: as if no policy said anything. Not CURLE_OK: do not send, what is set is neither old nor new. */
static inline CURLcode paa_with_curl(CURL *easy, const struct paa_client_tls *tls)
{
    struct paa_client_tls none;
    long verifies = tls == NULL || (tls->flags & PAA_CLIENT_TLS_INSECURE) == 0;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verifies);

    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2 * verifies);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SSLVERSION, paa_with_curl_versions(tls));
    if (tls == NULL) {
        paa_init(&none, sizeof none);
        tls = &none;
    }
    if (code == CURLE_OK)
        code = paa_with_curl_text(easy, CURLOPT_PINNEDPUBLICKEY, tls->pins);
    if (code == CURLE_OK)
        code = paa_with_curl_trust(easy, tls->trust_pem);
    if (code == CURLE_OK)
        code = paa_with_curl_key(easy, tls->chain_pem, tls->key_pem, tls->key_uri,
                                 tls->key_uri.data != NULL && tls->key_pin.data == NULL ? paa_str_of("") : tls->key_pin);
    return code;
}

PAA_END_DECLS

#endif
