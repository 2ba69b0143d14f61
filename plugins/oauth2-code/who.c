/* SPDX-License-Identifier: MIT */
/* Whose tokens they are, by the ID token that came along (OpenID Connect Core 3.1.3.3). */
#include "id_token.h"
#include "oauth2-code.h"
#include "str.h"
#include "token_response.h"

struct reading { /* memory of the operation */
    struct jwt_scratch scratch;
    struct jwt jwt;
    unsigned char memory[]; /* as jwt_memory says */
};

static struct paa_str copy(struct paa_op *op, struct paa_str text)
{
    char *memory = text.size > 0 ? (char *)op->host->alloc(op, text.size) : NULL;

    if (memory == NULL)
        return STR_NONE;
    memcpy(memory, text.data, text.size);
    return paa_str_of_n(memory, text.size);
}

/* NULL: read; else what is wrong. */
static const char *read_token(struct paa_op *op, struct paa_str token, struct reading **ret_reading)
{
    static const struct jwt_accept accept = { .algs = ALGS_PUBLIC | ALGS_SECRET };
    struct jwt_finding found;
    struct reading *reading;
    struct jwt_parts parts;
    size_t size;

    found = jwt_split(token, &parts);
    if (found.verdict != JWT_GOOD)
        return "is no signed JWT";
    size = jwt_memory(&parts);
    reading = (struct reading *)op->host->alloc(op, sizeof *reading + size);
    if (reading == NULL)
        return "cannot be read: no memory is left";
    found = jwt_read(&parts, reading->memory, &reading->scratch, &accept, &reading->jwt);
    if (found.verdict != JWT_GOOD)
        return "cannot be read: it is unsigned, malformed, or of an unknown algorithm";
    *ret_reading = reading;
    return NULL;
}

/* Its signature is not verified: it came from the token endpoint itself, over TLS that the core has verified, and OpenID
 * Connect Core 3.1.3.7 (6) lets that take the signature's place. */
const char *code_read_id_token(struct paa_op *op, const struct instance *self,
                               const struct token_response *response, struct paa_str nonce,
                               struct paa_str subject, struct token_value *value)
{
    struct id_token_rules rules = { .issuer = self->sends.issuer,
                                    .client_id = self->sends.client.id,
                                    .nonce = nonce,
                                    .subject = subject,
                                    .access_token = response->access_token,
                                    .leeway_s = ID_TOKEN_LEEWAY_S };
    enum id_token_verdict verdict;
    struct reading *reading = NULL;
    const char *wrong;

    if (response->id_token.data == NULL || self->sends.issuer.data == NULL)
        return NULL; /* without an issuer to compare with, none is believed */
    wrong = read_token(op, response->id_token, &reading);
    if (wrong != NULL)
        return wrong;
    verdict = id_token_judge(&reading->jwt, &rules, op->host->clock->now_s(op));
    if (verdict != ID_TOKEN_GOOD)
        return id_token_sentence(verdict);
    value->subject = copy(op, reading->jwt.texts[JWT_T_SUB]);
    value->name = copy(op, id_token_name(&reading->jwt));
    return NULL;
}
