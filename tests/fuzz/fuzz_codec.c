/* SPDX-License-Identifier: MIT */
/* Encodings: there and back is the same; what decodes is the only text of its value. And escaping. */
#include "buf.h"
#include "codec.h"
#include "fuzz.h"
#include "json.h"
#include "str.h"

static void check_base64url(struct paa_str text)
{
    char *encoded = malloc(BASE64URL_SIZE(text.size) + 1);
    unsigned char *decoded = malloc(BASE64URL_DECODED_MAX(BASE64URL_SIZE(text.size)));
    size_t size = 0;

    HOLDS(encoded != NULL && decoded != NULL);
    base64url_encode(paa_bytes_of(text.data, text.size), encoded);
    HOLDS(base64url_decode(paa_str_of_n(encoded, BASE64URL_SIZE(text.size)), decoded, &size));
    HOLDS(size == text.size && (size == 0 || memcmp(decoded, text.data, size) == 0));
    if (base64url_decode(text, decoded, &size)) {
        HOLDS(BASE64URL_SIZE(size) == text.size);
        base64url_encode(paa_bytes_of(decoded, size), encoded);
        HOLDS(text.size == 0 || memcmp(encoded, text.data, text.size) == 0);
    }
    free(encoded);
    free(decoded);
}

static void check_hex(struct paa_str text)
{
    char *encoded = malloc(2 * text.size + 1);
    unsigned char *decoded = malloc(text.size + 1);

    HOLDS(encoded != NULL && decoded != NULL);
    hex_encode(paa_bytes_of(text.data, text.size), encoded);
    HOLDS(hex_decode(paa_str_of_n(encoded, 2 * text.size), decoded));
    HOLDS(text.size == 0 || memcmp(decoded, text.data, text.size) == 0);
    if (hex_decode(text, decoded)) {
        hex_encode(paa_bytes_of(decoded, text.size / 2), encoded);
        HOLDS(str_eq_nocase(paa_str_of_n(encoded, text.size), text));
    }
    free(encoded);
    free(decoded);
}

/* A bit turned over changes the sum. */
static void check_crc(struct paa_str text)
{
    unsigned char *copy = malloc(text.size + 1);

    HOLDS(copy != NULL);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
        copy[text.size / 2] ^= 0x10;
        HOLDS(crc32_of(paa_bytes_of(copy, text.size)) !=
              crc32_of(paa_bytes_of(text.data, text.size)));
    }
    free(copy);
}

static void check_escapes(struct paa_str text)
{
    struct buf buf;
    struct json json;

    buf_init(&buf, 16 * 1024 * 1024);
    json_init(&json, &buf);
    json_str(&json, NULL, text);
    text_escape(&buf, text);
    HOLDS(!buf.failed && utf8_valid(buf_str(&buf)));
    for (size_t i = 0; i < buf.size; i++)
        HOLDS((unsigned char)buf.data[i] >= 0x20 && buf.data[i] != 0x7f);
    buf_free(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n((const char *)data, size);

    if (text.data == NULL) /* libFuzzer's first input */
        text = STR("");
    check_base64url(text);
    check_hex(text);
    check_crc(text);
    check_escapes(text);
    return 0;
}
