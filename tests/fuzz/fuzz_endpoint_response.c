/* SPDX-License-Identifier: MIT */
/* What device authorization and pushed request endpoints answer; the first two bytes say the code. What is taken can be
 * shown, and leads to web pages only. */
#include "endpoint_response.h"
#include "fuzz.h"
#include "str.h"

enum { BODY_MAX = 64 * 1024, HEAD = 2 };

static const uint32_t codes[] = { 200, 201, 400, 401, 302, 503 };

static void check_text(struct paa_str s)
{
    HOLDS(s.size > 0);
    for (size_t i = 0; i < s.size; i++)
        HOLDS(s.data[i] >= ' ' && s.data[i] < 0x7f);
}

static void check_device(enum token_answer answer, const struct device_response *device)
{
    if (answer != TOKEN_GIVEN) {
        HOLDS(answer != TOKEN_REFUSED || device->refusal.error.size > 0);
        HOLDS(answer != TOKEN_MALFORMED || device->refusal.why != NULL);
        return;
    }
    check_text(device->device_code);
    check_text(device->user_code);
    check_text(device->uri);
    HOLDS(str_starts(device->uri, STR("http")));
    if (device->uri_complete.data != NULL)
        HOLDS(str_starts(device->uri_complete, STR("http")));
    HOLDS(device->expires_in_s > 0 && device->expires_in_s <= DEVICE_EXPIRES_MAX_S);
    HOLDS(device->interval_s > 0 && device->interval_s <= DEVICE_INTERVAL_MAX_S);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(struct token_memory) char memory[sizeof(struct token_memory) + BODY_MAX];
    struct token_memory *room = (struct token_memory *)(void *)memory;
    struct device_response device;
    struct pushed_response pushed;
    struct paa_bytes body;
    uint32_t code;

    if (size < HEAD || size > BODY_MAX)
        return 0;
    code = codes[data[0] % (sizeof codes / sizeof codes[0])];
    body = paa_bytes_of(data + HEAD, size - HEAD);
    check_device(device_response_read(code, STR("application/json"), body, room, &device), &device);
    if (pushed_response_read(code, STR("application/json"), body, room, &pushed) == TOKEN_GIVEN)
        check_text(pushed.request_uri);
    return 0;
}
