/* SPDX-License-Identifier: MIT */
/* Challenges of a peer: each is made of what came, in order, and reading ends. */
#include "challenge.h"
#include "fields.h"
#include "fuzz.h"
#include "str.h"

static void check_inside(struct paa_str part, struct paa_str whole)
{
    if (part.data != NULL)
        HOLDS(part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str whole = paa_str_of_n((const char *)data, size);
    struct paa_str rest = whole;
    struct challenge challenge;
    size_t left = size;

    while (challenge_next(&rest, &challenge)) {
        HOLDS(is_token(challenge.scheme));
        HOLDS(rest.size < left);
        left = rest.size;
        check_inside(challenge.scheme, whole);
        check_inside(challenge.token68, whole);
        check_inside(challenge.params, whole);
        check_inside(challenge_param(&challenge, STR("error")), challenge.params);
    }
    return 0;
}
