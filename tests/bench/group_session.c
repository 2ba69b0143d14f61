/* SPDX-License-Identifier: MIT */
/* A person's session in a cookie: a request that shows it, through the whole transaction; and the cookie on its way out and
 * in again, beside the cipher alone. */
#include "allocations.h"
#include "cookie_seal.h"
#include "cookie_text.h"
#include "groups.h"
#include "pace.h"
#include "session_content.h"
#include "world.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FIELDS = 4,
    SOME = 1000,
    QUICK = 64,
    PLAIN_MAX = 2048,
    SIZE = 1024,
    HOUR_S = 3600,
    BOUND = 64
};

#define ISSUER "https://id.example.com"
#define SECRET "a secret of the bench that is long enough"

static const char policy[] =
    "instances = { login = { plugin = \"oauth2-code\"; issuer = \"" ISSUER
    "\"; client_id = \"bench\"; client_auth = \"none\"; callback = \"/callback\"; logout = "
    "\"/logout\"; cookie_key = "
    "\"file:cookie.key\"; lifetime = \"7d\"; idle = \"1d\"; }; };\n"
    "services = { api = { direction = \"incoming\"; origins = [ \"https://api.example.com\" ]; "
    "chain = ( { required = \"login\" } ); }; };\n";

/* ---- requests ----------------------------------------------------------------------------------- */

struct shown { /* one thread's */
    struct work work;
    const struct paa_str *lines;
    size_t count;
    size_t at;
};

static void run_shown(void *state, uint64_t count)
{
    struct shown *shown = state;

    for (uint64_t i = 0; i < count; i++) {
        shown->work.fields[FIELDS].value = shown->lines[shown->at];
        shown->at = shown->at + 1 < shown->count ? shown->at + 1 : 0;
        work_run(&shown->work, 1);
    }
}

static size_t write_session(unsigned number, unsigned char plain[PLAIN_MAX])
{
    static char claims[512];
    int64_t now_s = (int64_t)time(NULL);
    struct session session = { .made_at_s = now_s,
                               .seen_at_s = now_s + HOUR_S, /* not to be written again meanwhile */
                               .issuer = paa_str_of(ISSUER),
                               .subject = paa_str_of("7f3c2a9e-5b1d-4e8a-9c66-2f1d8b7a4c55"),
                               .sid = paa_str_of("09a7c1f0-77a5-4a6e-8d2c-61c9e3b54f10"),
                               .scope = paa_str_of("openid profile email"),
                               .amr = paa_str_of("pwd otp") };

    memcpy(session.id, &number, sizeof number);
    (void)snprintf(claims, sizeof claims,
                   "{\"name\":\"Alice Adams\",\"preferred_username\":\"alice\",\"email\":"
                   "\"alice@example.com\",\"email_verified\":true,\"groups\":[\"staff\",\"orders\","
                   "\"billing\",\"shipping\"]}");
    session.claims = paa_str_of(claims);
    return session_write(&session, plain, PLAIN_MAX);
}

static struct paa_str make_line(struct cookie_lane *lane, const struct cookie_keys *keys,
                                unsigned number)
{
    static const char prefix[] = "theme=dark; __Host-paa-login=1";
    const struct cookie_place place = { .service = paa_str_of("api"),
                                        .instance = paa_str_of("login"),
                                        .name = paa_str_of("__Host-paa-login"),
                                        .count = 1 };
    unsigned char plain[PLAIN_MAX], nonce[COOKIE_NONCE_SIZE];
    size_t size = write_session(number, plain), text = COOKIE_SEALED_SIZE(size);
    char *line = malloc(sizeof prefix + text);

    if (line == NULL || RAND_bytes(nonce, sizeof nonce) != 1)
        bench_fail("no memory or no chance");
    memcpy(line, prefix, sizeof prefix - 1);
    if (!cookie_close(lane, keys, nonce, &place, paa_bytes_of(plain, size),
                      line + sizeof prefix - 1))
        bench_fail("a cookie is not sealed");
    return paa_str_of_n(line, sizeof prefix - 1 + text);
}

static struct paa_str *make_lines(const struct cookie_keys *keys, size_t count)
{
    struct paa_str *lines = calloc(count, sizeof *lines);
    struct cookie_lane lane = { NULL, NULL };

    for (size_t i = 0; lines != NULL && i < count; i++)
        lines[i] = make_line(&lane, keys, (unsigned)i);
    cookie_lane_done(&lane);
    if (lines == NULL)
        bench_fail("no memory");
    return lines;
}

static void shown_init(struct shown *shown, const struct host *host, unsigned thread,
                       const struct paa_str *lines, size_t count)
{
    memset(shown, 0, sizeof *shown);
    work_init(&shown->work, host, thread, FIELDS);
    shown->work.request.authority = paa_str_of("api.example.com");
    shown->work.request.scheme = paa_str_of("https");
    shown->work.fields[FIELDS].name = paa_str_of("Cookie");
    shown->work.request.header_count = FIELDS + 1;
    shown->lines = lines;
    shown->count = count;
    shown->at = thread * count / BENCH_THREADS;
}

static void requests(const struct bench_options *options, const struct cookie_keys *keys)
{
    static struct shown some[BENCH_THREADS];
    size_t count = options->quick ? QUICK : SOME;
    struct paa_str *lines = make_lines(keys, count);
    struct bench_case cases[2];
    struct host host;

    host_open_text(&host, policy, PAA_INCOMING);
    memset(cases, 0, sizeof cases);
    cases[0] = (struct bench_case){ .name = "a session's cookie, 1,000 in turn", .run = run_shown };
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        shown_init(&some[i], &host, i, lines, count);
        cases[0].state[i] = &some[i];
    }
    run_shown(&some[0], count); /* now all are open */
    pace_case(&cases[1]);
    bench_group(options, "sessions, the whole transaction", cases, 2);
    pace_promise(options, &cases[0], &cases[1], 2000, 0);
    bench_promise_speed_up(options, &cases[0], 1.9);
    allocations_promise("a session", run_shown, &some[0]);
    host_close(&host);
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)lines[i].data);
    free(lines);
}

/* ---- sealing ------------------------------------------------------------------------------------ */

struct sealing { /* one thread's */
    const struct cookie_keys *keys;
    struct cookie_lane lane;
    EVP_CIPHER_CTX *closing, *opening;
    unsigned char plain[SIZE];
    unsigned char raw[SIZE + COOKIE_EXTRA];
    char text[COOKIE_SEALED_SIZE(SIZE)];
    unsigned char opened[COOKIE_SEALED_SIZE(SIZE)];
};

static void run_sealed(void *state, uint64_t count)
{
    const struct cookie_place place = { .service = paa_str_of("api"),
                                        .instance = paa_str_of("login"),
                                        .name = paa_str_of("__Host-paa-login"),
                                        .count = 1 };
    struct sealing *s = state;
    unsigned char nonce[COOKIE_NONCE_SIZE];
    size_t size;

    for (uint64_t i = 0; i < count; i++)
        if (RAND_priv_bytes(nonce, sizeof nonce) != 1 ||
            !cookie_close(&s->lane, s->keys, nonce, &place, paa_bytes_of(s->plain, SIZE),
                          s->text) ||
            !cookie_open(&s->lane, s->keys, &place, paa_str_of_n(s->text, sizeof s->text),
                         s->opened, &size))
            bench_fail("what was sealed does not open");
}

/* The least that does the same to bytes: chance nonce, as many bytes bound, kept contexts. */
static void run_raw(void *state, uint64_t count)
{
    static const unsigned char bound[BOUND];
    struct sealing *s = state;
    unsigned char *nonce = s->raw, *text = nonce + COOKIE_NONCE_SIZE, *tag = text + SIZE;
    int n;

    for (uint64_t i = 0; i < count; i++) {
        if (RAND_priv_bytes(nonce, COOKIE_NONCE_SIZE) != 1 ||
            EVP_EncryptInit_ex(s->closing, NULL, NULL, NULL, nonce) != 1 ||
            EVP_EncryptUpdate(s->closing, NULL, &n, bound, BOUND) != 1 ||
            EVP_EncryptUpdate(s->closing, text, &n, s->plain, SIZE) != 1 ||
            EVP_EncryptFinal_ex(s->closing, tag, &n) != 1 ||
            EVP_CIPHER_CTX_ctrl(s->closing, EVP_CTRL_GCM_GET_TAG, COOKIE_TAG_SIZE, tag) != 1 ||
            EVP_DecryptInit_ex(s->opening, NULL, NULL, NULL, nonce) != 1 ||
            EVP_CIPHER_CTX_ctrl(s->opening, EVP_CTRL_GCM_SET_TAG, COOKIE_TAG_SIZE, tag) != 1 ||
            EVP_DecryptUpdate(s->opening, NULL, &n, bound, BOUND) != 1 ||
            EVP_DecryptUpdate(s->opening, s->opened, &n, text, SIZE) != 1 ||
            EVP_DecryptFinal_ex(s->opening, tag, &n) != 1)
            bench_fail("libcrypto does not encipher");
    }
}

static void sealing_init(struct sealing *s, const struct cookie_keys *keys)
{
    const unsigned char *key = keys->list[0].bytes;

    memset(s, 0, sizeof *s);
    memset(s->plain, 'v', SIZE);
    s->keys = keys;
    s->closing = EVP_CIPHER_CTX_new();
    s->opening = EVP_CIPHER_CTX_new();
    if (s->closing == NULL || s->opening == NULL ||
        EVP_EncryptInit_ex(s->closing, EVP_aes_256_gcm(), NULL, key, NULL) != 1 ||
        EVP_DecryptInit_ex(s->opening, EVP_aes_256_gcm(), NULL, key, NULL) != 1)
        bench_fail("no memory for keys");
}

static void seals(const struct bench_options *options, const struct cookie_keys *keys)
{
    static struct sealing sealing[BENCH_THREADS];
    struct bench_case cases[2];

    memset(cases, 0, sizeof cases);
    cases[0] = (struct bench_case){ .name = "AES-256-GCM alone, kept contexts", .run = run_raw };
    cases[1] = (struct bench_case){ .name = "1 kB into a cookie and out", .run = run_sealed };
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        sealing_init(&sealing[i], keys);
        cases[0].state[i] = cases[1].state[i] = &sealing[i];
    }
    bench_group(options, "cookies sealed and opened", cases, 2);
    bench_promise_ratio(options, "a cookie of 1 kB made and opened, of the cipher alone", &cases[1],
                        &cases[0], 0, 3);
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        cookie_lane_done(&sealing[i].lane);
        EVP_CIPHER_CTX_free(sealing[i].closing);
        EVP_CIPHER_CTX_free(sealing[i].opening);
    }
}

void group_session(const struct bench_options *options)
{
    static struct cookie_keys keys;
    char path[WORLD_PATH];

    memset(&keys, 0, sizeof keys);
    world_path(path, "cookie.key");
    world_write(path, SECRET);
    if (!cookie_keys_add(&keys, paa_bytes_of(SECRET, sizeof SECRET - 1)))
        bench_fail("no key");
    requests(options, &keys);
    seals(options, &keys);
}
