/* SPDX-License-Identifier: MIT */
/* The text of an API key: what is read as minted is written again as the same text; one changed character is not, and
 * what was cut is neither. */
#include "fuzz.h"
#include "key.h"

static void check_minted(struct paa_str text, const struct key_parts *parts)
{
    char chosen[KEY_ID_SIZE + KEY_SECRET_SIZE];
    char again[KEY_TEXT_MAX];

    HOLDS(key_prefix_valid(parts->prefix) && key_id_valid(parts->id));
    HOLDS(parts->secret.size == KEY_SECRET_SIZE);
    memcpy(chosen, parts->id.data, KEY_ID_SIZE);
    memcpy(chosen + KEY_ID_SIZE, parts->secret.data, KEY_SECRET_SIZE);
    HOLDS(key_write(parts->prefix, chosen, again) == text.size);
    HOLDS(memcmp(again, text.data, text.size) == 0);
}

/* The input as chance: whatever it is, what is written from it is read as minted. */
static void check_written(struct paa_bytes chance)
{
    char chosen[KEY_ID_SIZE + KEY_SECRET_SIZE];
    char text[KEY_TEXT_MAX];
    struct key_parts parts;
    size_t size;

    if (key_characters(chance, chosen, sizeof chosen) < sizeof chosen)
        return;
    size = key_write(paa_str_of("paa"), chosen, text);
    HOLDS(key_parse(paa_str_of_n(text, size), &parts) == KEY_MINTED);
    text[chance.data[0] % size] ^= 1;
    HOLDS(key_parse(paa_str_of_n(text, size), &parts) != KEY_MINTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n(size > 0 ? (const char *)data : "", size);
    struct key_parts parts;

    if (key_parse(text, &parts) == KEY_MINTED)
        check_minted(text, &parts);
    if (key_is_cut(text, paa_str_of("paa")))
        HOLDS(key_parse(text, &parts) == KEY_FOREIGN);
    check_written(paa_bytes_of(text.data, size));
    return 0;
}
