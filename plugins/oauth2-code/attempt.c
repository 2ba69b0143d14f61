/* SPDX-License-Identifier: MIT */
/* See attempt.h. */
#include "attempt.h"

#include "codec.h"
#include "packed.h"
#include "str.h"
#include "units.h"

enum { FORMAT = 1 };

void attempt_draw(struct attempt *attempt, const unsigned char chance[3 * AUTHORIZATION_CHANCE])
{
    base64url_encode(paa_bytes_of(chance, AUTHORIZATION_CHANCE), attempt->state);
    base64url_encode(paa_bytes_of(chance + AUTHORIZATION_CHANCE, AUTHORIZATION_CHANCE),
                     attempt->nonce);
    base64url_encode(paa_bytes_of(chance + (size_t)2 * AUTHORIZATION_CHANCE, AUTHORIZATION_CHANCE),
                     attempt->verifier);
}

size_t attempt_write(const struct attempt *attempt, unsigned char ret_bytes[ATTEMPT_BYTES_MAX])
{
    struct packer packer = { .bytes = ret_bytes, .max = ATTEMPT_BYTES_MAX };
    const unsigned char format = FORMAT;

    pack_bytes(&packer, &format, 1);
    pack_bytes(&packer, attempt->state, AUTHORIZATION_TEXT_SIZE);
    pack_bytes(&packer, attempt->nonce, AUTHORIZATION_TEXT_SIZE);
    pack_bytes(&packer, attempt->verifier, AUTHORIZATION_TEXT_SIZE);
    pack_int(&packer, attempt->made_at_s);
    pack_int(&packer, attempt->max_age_s);
    pack_str(&packer, attempt->return_to);
    return packer.failed ? 0 : packer.size;
}

bool attempt_read(struct paa_bytes bytes, struct attempt *ret_attempt)
{
    struct unpacker unpacker = { .rest = bytes };
    unsigned char format;

    unpack_bytes(&unpacker, &format, 1);
    unpack_bytes(&unpacker, ret_attempt->state, AUTHORIZATION_TEXT_SIZE);
    unpack_bytes(&unpacker, ret_attempt->nonce, AUTHORIZATION_TEXT_SIZE);
    unpack_bytes(&unpacker, ret_attempt->verifier, AUTHORIZATION_TEXT_SIZE);
    ret_attempt->made_at_s = unpack_int(&unpacker);
    ret_attempt->max_age_s = unpack_int(&unpacker);
    ret_attempt->return_to = unpack_str(&unpacker);
    return unpack_end(&unpacker) && format == FORMAT &&
           attempt_return_valid(ret_attempt->return_to);
}

bool attempt_is_over(const struct attempt *attempt, int64_t now_s)
{
    return now_s >= time_add(attempt->made_at_s, ATTEMPT_LIFE_S);
}

/* "//host" and "/\host" are other origins to a browser; so is what it drops from an URL, tabs and newlines. */
bool attempt_return_valid(struct paa_str target)
{
    if (target.size == 0 || target.size > ATTEMPT_RETURN_MAX || target.data[0] != '/' ||
        (target.size > 1 && target.data[1] == '/'))
        return false;
    for (size_t i = 0; i < target.size; i++)
        if (target.data[i] <= ' ' || target.data[i] >= 0x7f || target.data[i] == '\\' ||
            target.data[i] == '#')
            return false;
    return true;
}
