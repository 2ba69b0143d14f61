/* SPDX-License-Identifier: MIT */
/* Cookies from a stranger: as a Cookie field, as a sealed text, and as what would be inside. Nothing that was not sealed here
 * opens; what is read was written the same; where a browser is sent back to is of the same origin. */
#include "attempt.h"
#include "cookie_seal.h"
#include "cookie_text.h"
#include "fuzz.h"
#include "session_content.h"
#include "str.h"

static struct cookie_lane lane;
static struct cookie_keys keys;

static const struct cookie_place home = { .service = { "api", 3 },
                                          .instance = { "login", 5 },
                                          .name = { "__Host-paa-login", 16 },
                                          .count = 1 };

static void check_field(struct paa_str text)
{
    struct cookie_names names;
    struct paa_field cookie;
    unsigned count = cookie_first_count(text);

    HOLDS(count <= COOKIE_CHUNKS_MAX);
    cookie_names_make(&names, STR("login"));
    while (cookie_next_attempt(&names, &text, &cookie))
        HOLDS(cookie.name.size == names.login.size + ATTEMPT_SUFFIX_SIZE &&
              cookie.value.data != NULL);
}

static void check_sealed(struct paa_str text)
{
    unsigned char *plain = malloc(text.size + 1);
    size_t size = 0;

    HOLDS(plain != NULL);
    HOLDS(!cookie_open(&lane, &keys, &home, text, plain, &size));
    free(plain);
}

static void check_attempt(struct paa_bytes bytes)
{
    unsigned char again[ATTEMPT_BYTES_MAX];
    struct attempt attempt;

    if (!attempt_read(bytes, &attempt))
        return;
    HOLDS(attempt.return_to.data[0] == '/');
    HOLDS(attempt.return_to.size < 2 || attempt.return_to.data[1] != '/');
    HOLDS(attempt_write(&attempt, again) == bytes.size);
    HOLDS(memcmp(again, bytes.data, bytes.size) == 0);
}

static void check_session(struct paa_bytes bytes)
{
    struct session session;
    unsigned char *again = malloc(bytes.size + 1);

    HOLDS(again != NULL);
    if (session_read(bytes, &session)) {
        HOLDS(session.subject.size > 0);
        HOLDS(session_write(&session, again, bytes.size) == bytes.size);
        HOLDS(memcmp(again, bytes.data, bytes.size) == 0);
    }
    free(again);
}

/* What was sealed opens as it was. */
static void check_round(struct paa_bytes bytes)
{
    static char text[COOKIE_SEALED_SIZE(COOKIE_PLAIN_MAX)];
    static unsigned char plain[sizeof text];
    static const unsigned char nonce[COOKIE_NONCE_SIZE] = { 9 };
    size_t size = 0;

    if (!cookie_close(&lane, &keys, nonce, &home, bytes, text))
        return;
    HOLDS(cookie_open(&lane, &keys, &home, paa_str_of_n(text, COOKIE_SEALED_SIZE(bytes.size)),
                      plain, &size));
    HOLDS(size == bytes.size && memcmp(plain, bytes.data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char secret[] = "0123456789abcdef0123456789abcdef";
    struct paa_str text = paa_str_of_n((const char *)data, size);

    if (keys.count == 0)
        HOLDS(cookie_keys_add(&keys, paa_bytes_of(secret, sizeof secret - 1)));
    check_field(text);
    check_sealed(text);
    check_attempt(paa_bytes_of(data, size));
    check_session(paa_bytes_of(data, size));
    check_round(paa_bytes_of(data, size));
    return 0;
}
