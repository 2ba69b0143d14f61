/* SPDX-License-Identifier: MIT */
/* From a policy to a URL, and from a redirect to a code. */
#include "authorization.h"

#include "codec.h"
#include "fields.h"
#include "str.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

/* ---- there -------------------------------------------------------------------------------------- */

void pkce_challenge(struct paa_str verifier, char ret_challenge[AUTHORIZATION_TEXT_SIZE])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    (void)SHA256((const unsigned char *)verifier.data, verifier.size, digest);
    base64url_encode(paa_bytes_of(digest, sizeof digest), ret_challenge);
}

static void add_if_there(struct buf *buf, const char *name, struct paa_str value)
{
    if (value.data != NULL)
        form_add(buf, paa_str_of(name), value);
}

/* What a person is asked with counts more than what the policy says for all. */
static void add_policys(struct buf *buf, struct paa_str form, bool has_hint)
{
    struct paa_str parameter;

    while (str_next(&form, "&", &parameter)) {
        if (parameter.size == 0 || (has_hint && str_starts(parameter, STR("login_hint="))))
            continue;
        buf_add_char(buf, '&');
        buf_add_str(buf, parameter);
    }
}

void authorization_form(struct buf *buf, const struct authorization *authorization)
{
    form_add(buf, STR("response_type"), STR("code"));
    form_add(buf, STR("redirect_uri"), authorization->redirect_uri);
    form_add(buf, STR("state"), authorization->state);
    form_add(buf, STR("code_challenge"), authorization->challenge);
    form_add(buf, STR("code_challenge_method"), STR("S256"));
    add_if_there(buf, "nonce", authorization->nonce);
    add_if_there(buf, "dpop_jkt", authorization->thumbprint);
    add_if_there(buf, "login_hint", authorization->login_hint);
    add_policys(buf, authorization->form, authorization->login_hint.data != NULL);
}

void authorization_url(struct buf *buf, struct paa_str endpoint, struct paa_str client_id,
                       struct paa_str form)
{
    bool has_query = str_find(endpoint, '?', 0) < endpoint.size;

    buf_add_str(buf, endpoint);
    buf_add_text(buf, has_query ? "&client_id=" : "?client_id=");
    percent_encode(buf, client_id);
    buf_add_char(buf, '&');
    buf_add_str(buf, form);
}

bool authorization_url_valid(struct paa_str url)
{
    static const char *const loopback[] = { "http://127.0.0.1", "http://[::1]" };
    struct paa_str rest;

    if (str_starts(url, STR("https://")))
        return true;
    for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++) {
        if (!str_starts(url, paa_str_of(loopback[i])))
            continue;
        rest = str_slice(url, strlen(loopback[i]), url.size);
        return rest.size == 0 || rest.data[0] == ':' || rest.data[0] == '/' || rest.data[0] == '?';
    }
    return false;
}

/* ---- and back ----------------------------------------------------------------------------------- */

static struct paa_str parameter(const struct paa_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (paa_str_eq(fields[i].name, name))
            return fields[i].value.data != NULL ? fields[i].value : STR("");
    return STR_NONE;
}

static bool has_double(const struct paa_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            if (str_eq(fields[i].name, fields[k].name))
                return true;
    return false;
}

static bool state_fits(struct paa_str came, struct paa_str sent)
{
    return came.size == sent.size && sent.size > 0 &&
           CRYPTO_memcmp(came.data, sent.data, sent.size) == 0;
}

static bool issuer_fits(struct paa_str came, const struct redirect_rules *rules)
{
    if (came.data == NULL)
        return !rules->names_issuer;
    return rules->issuer.data == NULL || str_eq(came, rules->issuer);
}

/* VSCHAR (RFC 6749 A.11), or the letters of an error (A.7), which are fewer. */
static bool is_visible(struct paa_str text, size_t max)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] >= 0x7f)
            return false;
    return text.size > 0 && text.size <= max;
}

enum redirect_verdict redirect_judge(const struct paa_field *fields, size_t count,
                                     const struct redirect_rules *rules,
                                     struct redirect *ret_redirect)
{
    memset(ret_redirect, 0, sizeof *ret_redirect);
    if (has_double(fields, count))
        return REDIRECT_DOUBLED;
    if (!state_fits(parameter(fields, count, "state"), rules->state))
        return REDIRECT_STATE;
    if (!issuer_fits(parameter(fields, count, "iss"), rules))
        return REDIRECT_ISSUER;
    ret_redirect->code = parameter(fields, count, "code");
    ret_redirect->error = parameter(fields, count, "error");
    ret_redirect->description = parameter(fields, count, "error_description");
    if (ret_redirect->error.data != NULL)
        return ret_redirect->code.data == NULL &&
                       is_visible(ret_redirect->error, AUTHORIZATION_ERROR_MAX)
                   ? REDIRECT_ERROR
                   : REDIRECT_MALFORMED;
    return is_visible(ret_redirect->code, AUTHORIZATION_CODE_MAX) ? REDIRECT_CODE
                                                                  : REDIRECT_MALFORMED;
}

const char *redirect_sentence(enum redirect_verdict verdict)
{
    switch (verdict) {
    case REDIRECT_CODE:
        return "brings a code";
    case REDIRECT_ERROR:
        return "brings an error";
    case REDIRECT_DOUBLED:
        return "holds a parameter twice";
    case REDIRECT_STATE:
        return "answers another question than was asked (state)";
    case REDIRECT_ISSUER:
        return "does not come from the issuer that was asked (iss)";
    case REDIRECT_MALFORMED:
    default:
        return "holds neither a code nor an error, or both";
    }
}
