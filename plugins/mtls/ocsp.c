/* SPDX-License-Identifier: MIT */
#include "ocsp.h"

#include "certificate.h"
#include "str.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* ---- the question: two sizes of 32 bits, id, issuer, URL ------------------------------------------- */

enum { HEAD = 2 * sizeof(uint32_t) };

static struct paa_str named_url(X509 *certificate, STACK_OF(OPENSSL_STRING) * *ret_all)
{
    *ret_all = X509_get1_ocsp(certificate);
    return sk_OPENSSL_STRING_num(*ret_all) > 0 ? paa_str_of(sk_OPENSSL_STRING_value(*ret_all, 0))
                                               : STR_NONE;
}

static bool put(struct ocsp_question *question, struct paa_bytes id, struct paa_bytes issuer,
                struct paa_str url)
{
    uint32_t sizes[2] = { (uint32_t)id.size, (uint32_t)issuer.size };

    question->size = HEAD + id.size + issuer.size + url.size;
    if (url.size > OCSP_URL_MAX || question->size > OCSP_QUESTION_MAX ||
        (question->data = (unsigned char *)malloc(question->size)) == NULL)
        return false;
    memcpy(question->data, sizes, HEAD);
    memcpy(question->data + HEAD, id.data, id.size);
    memcpy(question->data + HEAD + id.size, issuer.data, issuer.size);
    if (url.size > 0)
        memcpy(question->data + HEAD + id.size + issuer.size, url.data, url.size);
    return true;
}

static bool make(X509 *certificate, X509 *issuer, struct paa_str url,
                 struct ocsp_question *question)
{
    STACK_OF(OPENSSL_STRING) *all = NULL;
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), certificate, issuer); /* a name, no proof */
    unsigned char *id_der = NULL, *issuer_der = NULL;
    int id_size = id != NULL ? i2d_OCSP_CERTID(id, &id_der) : -1;
    int issuer_size = i2d_X509(issuer, &issuer_der);
    bool is_done;

    if (url.data == NULL)
        url = named_url(certificate, &all);
    is_done = id_size > 0 && issuer_size > 0 &&
              put(question, paa_bytes_of(id_der, (size_t)id_size),
                  paa_bytes_of(issuer_der, (size_t)issuer_size), url);
    OCSP_CERTID_free(id);
    OPENSSL_free(id_der);
    OPENSSL_free(issuer_der);
    X509_email_free(all);
    return is_done;
}

bool ocsp_question_of(X509 *certificate, X509 *issuer, struct paa_str url,
                      struct ocsp_question *ret_question)
{
    bool is_done;

    *ret_question = (struct ocsp_question){ NULL, 0 };
    ERR_set_mark();
    is_done = make(certificate, issuer, url, ret_question);
    ERR_pop_to_mark();
    return is_done;
}

bool ocsp_question_read(struct paa_bytes question, struct ocsp_parts *ret_parts)
{
    uint32_t sizes[2];
    size_t left;

    if (question.size < HEAD)
        return false;
    memcpy(sizes, question.data, HEAD);
    left = question.size - HEAD;
    if (sizes[0] > left || sizes[1] > left - sizes[0])
        return false;
    ret_parts->id = paa_bytes_of(question.data + HEAD, sizes[0]);
    ret_parts->issuer = paa_bytes_of(question.data + HEAD + sizes[0], sizes[1]);
    left -= (size_t)sizes[0] + sizes[1];
    ret_parts->url = left > 0
                         ? paa_str_of_n((const char *)question.data + question.size - left, left)
                         : STR_NONE;
    return true;
}

static OCSP_CERTID *id_of(const struct ocsp_parts *parts)
{
    const unsigned char *at = parts->id.data;

    return d2i_OCSP_CERTID(NULL, &at, (long)parts->id.size);
}

static int write_request(const struct ocsp_parts *parts, unsigned char **ret_body)
{
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id = id_of(parts);
    int size = -1;

    if (request != NULL && id != NULL && OCSP_request_add0_id(request, id) != NULL) {
        id = NULL; /* the request's */
        size = i2d_OCSP_REQUEST(request, ret_body);
    }
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(request);
    return size;
}

int ocsp_request(const struct ocsp_parts *parts, unsigned char **ret_body)
{
    int size;

    *ret_body = NULL;
    ERR_set_mark();
    size = write_request(parts, ret_body);
    ERR_pop_to_mark();
    return size;
}

/* ---- the response -------------------------------------------------------------------------------- */

/* Nobody but the issuer, or whom it signed for that. */
static X509_STORE *store_of(X509 *issuer, int64_t now_s)
{
    X509_STORE *store = X509_STORE_new();

    if (store == NULL || X509_STORE_add_cert(store, issuer) != 1) {
        X509_STORE_free(store);
        return NULL;
    }
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)now_s);
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(store), 2);
    (void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return store;
}

/* Libcrypto asks for 112 bits only, and takes keys that we do not. */
static bool is_strong(OCSP_BASICRESP *basic, STACK_OF(X509) * certificates, const X509 *issuer)
{
    X509 *signer = NULL;

    return OCSP_resp_get0_signer(basic, &signer, certificates) == 1 &&
           key_weakness(X509_get0_pubkey(signer)) == NULL &&
           (X509_cmp(signer, issuer) == 0 || signature_weakness(signer) == NULL);
}

static bool is_signed(OCSP_BASICRESP *basic, X509 *issuer, int64_t now_s)
{
    STACK_OF(X509) *certificates = sk_X509_new_null();
    X509_STORE *store = store_of(issuer, now_s);
    bool is_good = store != NULL && certificates != NULL &&
                   sk_X509_push(certificates, issuer) > 0 &&
                   signature_weakness_of(OCSP_resp_get0_tbs_sigalg(basic)) == NULL &&
                   is_strong(basic, certificates, issuer) &&
                   OCSP_basic_verify(basic, certificates, store, 0) == 1;

    X509_STORE_free(store);
    sk_X509_free(certificates);
    return is_good;
}

static const char *read_status(OCSP_BASICRESP *basic, OCSP_CERTID *id, int64_t now_s,
                               struct ocsp_said *said)
{
    ASN1_GENERALIZEDTIME *when = NULL, *this_update = NULL, *next_update = NULL;
    int64_t this_s, next_s;
    int status, reason;

    if (OCSP_resp_find_status(basic, id, &status, &reason, &when, &this_update, &next_update) != 1)
        return "is about another certificate";
    if (!time_of(this_update, &this_s) || this_s > now_s + OCSP_SKEW_S)
        return "is of the future, or has no thisUpdate";
    if (next_update == NULL)
        next_s = this_s + OCSP_LIFE_S;
    else if (!time_of(next_update, &next_s))
        return "has a nextUpdate that cannot be read";
    if (status != V_OCSP_CERTSTATUS_GOOD && status != V_OCSP_CERTSTATUS_REVOKED)
        return "says that the responder does not know the certificate";
    if (now_s >= next_s)
        return "is too old";
    said->answer = status == V_OCSP_CERTSTATUS_GOOD ? OCSP_IS_GOOD : OCSP_IS_REVOKED;
    said->this_s = this_s;
    said->until_s = next_s;
    return NULL;
}

static const char *judge(OCSP_RESPONSE *response, OCSP_CERTID *id, X509 *issuer, int64_t now_s,
                         struct ocsp_said *said)
{
    OCSP_BASICRESP *basic;
    const char *why;

    if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return "is an error of the responder's";
    basic = OCSP_response_get1_basic(response);
    if (basic == NULL)
        return "is of a kind that is not known";
    why = is_signed(basic, issuer, now_s) ? read_status(basic, id, now_s, said)
                                          : "is not signed by the certificate's issuer, or in its "
                                            "name";
    OCSP_BASICRESP_free(basic);
    return why;
}

static const char *read_all(struct paa_bytes body, const struct ocsp_parts *parts, int64_t now_s,
                            struct ocsp_said *said)
{
    const unsigned char *at = body.data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)body.size);
    OCSP_CERTID *id = id_of(parts);
    X509 *issuer = certificate_read(parts->issuer);
    const char *why = "is no OCSP response";

    if (response != NULL && id != NULL && issuer != NULL && at == body.data + body.size)
        why = judge(response, id, issuer, now_s, said);
    OCSP_RESPONSE_free(response);
    OCSP_CERTID_free(id);
    X509_free(issuer);
    return why;
}

const char *ocsp_response_read(struct paa_bytes body, const struct ocsp_parts *parts, int64_t now_s,
                               struct ocsp_said *ret_said)
{
    const char *why;

    memset(ret_said, 0, sizeof *ret_said);
    if (body.size == 0 || body.size > OCSP_RESPONSE_MAX)
        return "is empty, or larger than 32 KiB";
    ERR_set_mark();
    why = read_all(body, parts, now_s, ret_said);
    ERR_pop_to_mark();
    return why;
}
