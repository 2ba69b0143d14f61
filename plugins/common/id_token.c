/* SPDX-License-Identifier: MIT */
/* The rules of OpenID Connect Core 3.1.3.7, one after the other. */
#include "id_token.h"

#include "codec.h"
#include "str.h"
#include "units.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

/* ---- who it is for ------------------------------------------------------------------------------ */

static bool is_whole(const struct jwt *jwt)
{
    return jwt->texts[JWT_T_ISS].data != NULL && jwt->texts[JWT_T_SUB].data != NULL &&
           jwt->texts[JWT_T_AUD].data != NULL && (jwt->times & 1u << JWT_EXP) != 0 &&
           (jwt->times & 1u << JWT_IAT) != 0;
}

static enum id_token_verdict judge_audience(const struct jwt *jwt, struct paa_str client_id)
{
    struct paa_str rest = jwt->texts[JWT_T_AUD], azp = jwt->texts[JWT_T_AZP], member;
    bool is_named = false;
    size_t count = 0;

    for (; str_next(&rest, "\n", &member); count++)
        is_named = is_named || str_eq(member, client_id);
    if (!is_named)
        return ID_TOKEN_AUDIENCE;
    if (azp.data != NULL ? !str_eq(azp, client_id) : count > 1)
        return ID_TOKEN_AZP;
    return ID_TOKEN_GOOD;
}

/* ---- this login --------------------------------------------------------------------------------- */

/* 3.1.3.6: the left half of the hash that the token's own algorithm uses. */
static size_t half_hash(enum jose_alg alg, struct paa_str text,
                        unsigned char ret_hash[SHA512_DIGEST_LENGTH])
{
    const unsigned char *data = (const unsigned char *)text.data;

    switch (alg_row(alg)->hash_size) {
    case SHA256_DIGEST_LENGTH:
        (void)SHA256(data, text.size, ret_hash);
        return SHA256_DIGEST_LENGTH / 2;
    case SHA384_DIGEST_LENGTH:
        (void)SHA384(data, text.size, ret_hash);
        return SHA384_DIGEST_LENGTH / 2;
    default: /* Ed25519 hashes with SHA-512 itself */
        (void)SHA512(data, text.size, ret_hash);
        return SHA512_DIGEST_LENGTH / 2;
    }
}

static bool at_hash_fits(const struct jwt *jwt, struct paa_str access_token)
{
    struct paa_str said = jwt->texts[JWT_T_AT_HASH];
    unsigned char hash[SHA512_DIGEST_LENGTH];
    char text[BASE64URL_SIZE(SHA512_DIGEST_LENGTH / 2)];
    size_t size;

    if (said.data == NULL || access_token.data == NULL)
        return true;
    size = half_hash(jwt->alg, access_token, hash);
    base64url_encode(paa_bytes_of(hash, size), text);
    return str_eq(said, paa_str_of_n(text, BASE64URL_SIZE(size)));
}

static bool nonce_fits(struct paa_str said, struct paa_str sent)
{
    if (sent.data == NULL)
        return true;
    return said.size == sent.size && CRYPTO_memcmp(said.data, sent.data, sent.size) == 0;
}

static enum id_token_verdict judge_times(const struct jwt *jwt, int64_t leeway_s, int64_t now_s)
{
    int64_t latest_s = time_add(now_s, leeway_s);

    if (now_s >= time_add(jwt->times_s[JWT_EXP], leeway_s))
        return ID_TOKEN_EXPIRED;
    if (latest_s < jwt->times_s[JWT_IAT])
        return ID_TOKEN_FUTURE;
    if ((jwt->times & 1u << JWT_NBF) != 0 && latest_s < jwt->times_s[JWT_NBF])
        return ID_TOKEN_FUTURE;
    return ID_TOKEN_GOOD;
}

enum id_token_verdict id_token_judge(const struct jwt *jwt, const struct id_token_rules *rules,
                                     int64_t now_s)
{
    struct paa_str subject = jwt->texts[JWT_T_SUB];
    enum id_token_verdict verdict;

    if ((jwt->typ != JWT_TYP_NONE && jwt->typ != JWT_TYP_JWT) || (jwt->flags & JWT_HAS_EVENTS) != 0)
        return ID_TOKEN_TYP;
    if (!is_whole(jwt))
        return ID_TOKEN_MISSING;
    if (rules->issuer.size == 0 || !str_eq(jwt->texts[JWT_T_ISS], rules->issuer))
        return ID_TOKEN_ISSUER;
    verdict = judge_audience(jwt, rules->client_id);
    if (verdict != ID_TOKEN_GOOD)
        return verdict;
    if (subject.size > ID_TOKEN_SUBJECT_MAX ||
        (rules->subject.data != NULL && !str_eq(subject, rules->subject)))
        return ID_TOKEN_SUBJECT;
    verdict = judge_times(jwt, rules->leeway_s, now_s);
    if (verdict != ID_TOKEN_GOOD)
        return verdict;
    if (!nonce_fits(jwt->texts[JWT_T_NONCE], rules->nonce))
        return ID_TOKEN_NONCE;
    return at_hash_fits(jwt, rules->access_token) ? ID_TOKEN_GOOD : ID_TOKEN_AT_HASH;
}

/* ---- words -------------------------------------------------------------------------------------- */

const char *id_token_sentence(enum id_token_verdict verdict)
{
    static const char *const sentences[ID_TOKEN_VERDICTS] = {
        [ID_TOKEN_GOOD] = "is good",
        [ID_TOKEN_TYP] = "is another kind of token",
        [ID_TOKEN_MISSING] = "lacks one of iss, sub, aud, exp and iat",
        [ID_TOKEN_ISSUER] = "names another issuer",
        [ID_TOKEN_AUDIENCE] = "is not for this client",
        [ID_TOKEN_AZP] = "was made for another client (azp)",
        [ID_TOKEN_SUBJECT] = "names another person than before, or none that can be kept",
        [ID_TOKEN_EXPIRED] = "has expired",
        [ID_TOKEN_FUTURE] = "was issued later than now: do the clocks agree?",
        [ID_TOKEN_NONCE] = "does not belong to this login (nonce)",
        [ID_TOKEN_AT_HASH] = "does not belong to the access token (at_hash)",
    };

    return sentences[verdict >= ID_TOKEN_GOOD && verdict < ID_TOKEN_VERDICTS ? verdict
                                                                             : ID_TOKEN_TYP];
}

static bool can_be_shown(struct paa_str text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return false;
    return text.size > 0 && text.size <= ID_TOKEN_NAME_MAX;
}

struct paa_str id_token_name(const struct jwt *jwt)
{
    static const char *const names[] = { "name", "preferred_username", "email" };
    struct paa_str text;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        text = json_member_str(&jwt->payload, 0, paa_str_of(names[i]));
        if (can_be_shown(text))
            return text;
    }
    return STR_NONE;
}
