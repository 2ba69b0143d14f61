/* SPDX-License-Identifier: MIT */
/* What a token endpoint answers; the first two bytes say the code. A token that is taken can be sent, and kept; nothing
 * else is taken for a kept one. */
#include "fuzz.h"
#include "str.h"
#include "token_response.h"
#include "token_value.h"

enum { BODY_MAX = 64 * 1024, HEAD = 2 };

static const uint32_t codes[] = { 200, 400, 401, 302, 429, 503 };

static void check_text(struct paa_str s)
{
    for (size_t i = 0; i < s.size; i++)
        HOLDS(s.data[i] >= ' ' && s.data[i] < 0x7f);
}

static void check_kept(const struct token_response *response)
{
    struct token_value value = { .state = TOKEN_AT_HAND,
                                 .credentials = response->access_token,
                                 .scope = response->scope };
    struct token_value read;
    struct buf buf;

    buf_init(&buf, BODY_MAX);
    token_value_write(&buf, &value);
    HOLDS(!buf.failed && token_value_read(paa_bytes_of(buf.data, buf.size), &read));
    HOLDS(str_eq(read.credentials, value.credentials));
    buf_free(&buf);
}

static void check(enum token_answer answer, uint32_t code, const struct token_response *response)
{
    struct buf told;

    HOLDS((answer == TOKEN_MALFORMED) == (response->why != NULL) || answer == TOKEN_TROUBLE);
    if (answer == TOKEN_GIVEN) {
        HOLDS(code == 200 && response->access_token.size > 0);
        HOLDS(response->expires_in_s == -1 ||
              (response->expires_in_s > 0 && response->expires_in_s <= TOKEN_EXPIRES_MAX));
        HOLDS(response->type == TOKEN_BEARER || response->type == TOKEN_DPOP);
        check_text(response->access_token);
        check_text(response->scope);
        check_kept(response);
    }
    if (answer == TOKEN_REFUSED)
        HOLDS(code >= 400 && response->error.size > 0);
    check_text(response->error);
    buf_init(&told, BODY_MAX);
    token_told(&told, response->description);
    HOLDS(!told.failed && str_find(buf_str(&told), '\n', 0) == told.size);
    buf_free(&told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(struct token_memory) char memory[sizeof(struct token_memory) + BODY_MAX];
    struct token_response response;
    struct token_value value;
    uint32_t code;

    (void)token_value_read(paa_bytes_of(data, size), &value);
    if (size < HEAD || size > BODY_MAX)
        return 0;
    code = codes[data[0] % (sizeof codes / sizeof codes[0])];
    check(token_response_read(code, STR("application/json"), paa_bytes_of(data + HEAD, size - HEAD),
                              (struct token_memory *)(void *)memory, &response),
          code, &response);
    return 0;
}
