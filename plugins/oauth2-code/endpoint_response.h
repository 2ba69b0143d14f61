/* SPDX-License-Identifier: MIT */
/*
 * What the endpoints beside the token endpoint answer to a login: device authorization (RFC 8628 3.2) and pushed
 * authorization requests (RFC 9126 2.2), read strictly. Pure, as token_response.h, whose words for answers these are.
 */
#ifndef OAUTH2_CODE_ENDPOINT_RESPONSE_H
#define OAUTH2_CODE_ENDPOINT_RESPONSE_H

#include "token_response.h"

enum {
    DEVICE_INTERVAL_S = 5, /* between polls, if the server does not say (RFC 8628 3.2) */
    DEVICE_INTERVAL_MAX_S = 300,
    DEVICE_EXPIRES_MAX_S = 3600,
    DEVICE_USER_CODE_MAX = 64,
    PUSHED_URI_MAX = 2048
};

struct device_response { /* views of the body and of the memory given */
    struct paa_str device_code;
    struct paa_str user_code;
    struct paa_str uri;
    struct paa_str uri_complete; /* absent: none was given */
    int64_t expires_in_s;
    int64_t interval_s;
    struct token_response refusal; /* with all but TOKEN_GIVEN: error, description, why */
};

enum token_answer device_response_read(uint32_t code, struct paa_str media_type,
                                       struct paa_bytes body, struct token_memory *memory,
                                       struct device_response *ret_response);

struct pushed_response {
    struct paa_str request_uri;
    struct token_response refusal; /* likewise */
};

enum token_answer pushed_response_read(uint32_t code, struct paa_str media_type,
                                       struct paa_bytes body, struct token_memory *memory,
                                       struct pushed_response *ret_response);

#endif
