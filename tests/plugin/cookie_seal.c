/* SPDX-License-Identifier: MIT */
/* What browsers keep for us: it opens where it was sealed, and nowhere else. */
#include "cookie_seal.h"
#include "str.h"
#include "test.h"

#include <errno.h>
#include <openssl/err.h>

enum { PLAIN = 300 };

static const struct cookie_place home = { .service = { "api", 3 },
                                          .instance = { "login", 5 },
                                          .name = { "__Host-paa-login", 16 },
                                          .count = 1 };
static struct cookie_lane lane;

static void keys_of(struct cookie_keys *keys, const char *first, const char *second)
{
    memset(keys, 0, sizeof *keys);
    CHECK(cookie_keys_add(keys, paa_bytes_of(first, strlen(first))));
    if (second != NULL)
        CHECK(cookie_keys_add(keys, paa_bytes_of(second, strlen(second))));
}

static const char old_secret[] = "0123456789abcdef0123456789abcdef";
static const char new_secret[] = "fedcba9876543210fedcba9876543210";

static struct paa_str sealed(const struct cookie_keys *keys, const struct cookie_place *place)
{
    static char text[COOKIE_SEALED_SIZE(PLAIN)];
    static const unsigned char nonce[COOKIE_NONCE_SIZE] = { 1, 2, 3 };
    unsigned char plain[PLAIN];

    for (size_t i = 0; i < PLAIN; i++)
        plain[i] = (unsigned char)(i * 7);
    CHECK(cookie_close(&lane, keys, nonce, place, paa_bytes_of(plain, PLAIN), text));
    return paa_str_of_n(text, sizeof text);
}

static bool opens(const struct cookie_keys *keys, const struct cookie_place *place,
                  struct paa_str text)
{
    unsigned char plain[2 * COOKIE_SEALED_SIZE(PLAIN)];
    size_t size = 0;
    bool is_open = cookie_open(&lane, keys, place, text, plain, &size);

    if (is_open)
        CHECK_INT(size, PLAIN);
    for (size_t i = 0; is_open && i < PLAIN; i++)
        CHECK(plain[i] == (unsigned char)(i * 7));
    return is_open;
}

TEST(what_was_sealed_opens)
{
    struct cookie_keys keys;

    keys_of(&keys, old_secret, NULL);
    for (int i = 0; i < 3; i++)
        CHECK(opens(&keys, &home, sealed(&keys, &home)));
    cookie_lane_done(&lane);
}

TEST(nothing_opens_that_was_changed_anywhere)
{
    struct cookie_keys keys;
    char text[COOKIE_SEALED_SIZE(PLAIN) + 1];
    struct paa_str good;

    keys_of(&keys, old_secret, NULL);
    good = sealed(&keys, &home);
    for (size_t i = 0; i < good.size; i++) {
        memcpy(text, good.data, good.size);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        CHECK(!opens(&keys, &home, paa_str_of_n(text, good.size)));
    }
    for (size_t size = 0; size < good.size; size++)
        CHECK(!opens(&keys, &home, str_slice(good, 0, size)));
    memcpy(text, good.data, good.size);
    text[good.size] = 'A';
    CHECK(!opens(&keys, &home, paa_str_of_n(text, good.size + 1)));
    CHECK(opens(&keys, &home, good));
    cookie_lane_done(&lane);
}

TEST(it_opens_in_its_own_place_only)
{
    struct cookie_place others[] = { home, home, home, home, home };
    struct cookie_keys keys;
    struct paa_str text;

    others[0].service = STR("other");
    others[1].instance = STR("other");
    others[2].name = STR("__Host-paa-login.1");
    others[3].count = 2;
    others[4].service = STR("apilogin"); /* the same letters, parted elsewhere */
    others[4].instance = STR("");
    keys_of(&keys, old_secret, NULL);
    text = sealed(&keys, &home);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        CHECK(!opens(&keys, &others[i], text));
    cookie_lane_done(&lane);
}

TEST(a_key_that_was_replaced_opens_until_it_is_taken_away)
{
    struct cookie_keys before, both, after;
    struct paa_str text;

    keys_of(&before, old_secret, NULL);
    keys_of(&both, new_secret, old_secret);
    keys_of(&after, new_secret, NULL);
    text = sealed(&before, &home);
    CHECK(opens(&both, &home, text));
    CHECK(!opens(&after, &home, text));
    text = sealed(&both, &home);
    CHECK(opens(&after, &home, text));
    CHECK(!opens(&before, &home, text));
    cookie_lane_done(&lane);
}

TEST(short_secrets_too_many_keys_and_too_much_are_refused)
{
    static unsigned char much[COOKIE_PLAIN_MAX + 1];
    static char text[COOKIE_SEALED_SIZE(COOKIE_PLAIN_MAX + 1)];
    static const unsigned char nonce[COOKIE_NONCE_SIZE];
    struct cookie_keys keys;

    memset(&keys, 0, sizeof keys);
    CHECK(!cookie_close(&lane, &keys, nonce, &home, paa_bytes_of(much, 1), text));
    CHECK(!cookie_keys_add(&keys, paa_bytes_of(old_secret, COOKIE_SECRET_MIN - 1)));
    for (size_t i = 0; i < COOKIE_KEYS_MAX; i++)
        CHECK(cookie_keys_add(&keys, paa_bytes_of(old_secret, COOKIE_SECRET_MIN)));
    CHECK(!cookie_keys_add(&keys, paa_bytes_of(old_secret, COOKIE_SECRET_MIN)));
    CHECK(cookie_close(&lane, &keys, nonce, &home, paa_bytes_of(much, COOKIE_PLAIN_MAX), text));
    CHECK(!cookie_close(&lane, &keys, nonce, &home, paa_bytes_of(much, sizeof much), text));
    cookie_lane_done(&lane);
}

TEST(error_queue_and_errno_stay_as_they_were)
{
    struct cookie_keys keys;
    char text[COOKIE_SEALED_SIZE(PLAIN)];
    struct paa_str good;

    keys_of(&keys, old_secret, NULL);
    good = sealed(&keys, &home);
    memcpy(text, good.data, good.size);
    text[good.size - 1] = text[good.size - 1] == 'A' ? 'B' : 'A';
    errno = 77;
    CHECK(!opens(&keys, &home, paa_str_of_n(text, good.size)));
    CHECK_INT(errno, 77);
    CHECK_INT(ERR_peek_error(), 0);
    cookie_lane_done(&lane);
}
