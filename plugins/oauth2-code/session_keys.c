/* SPDX-License-Identifier: MIT */
/* Sealing with the host's keys, chance and lanes; the cookies of requests and responses. */
#include "browser.h"

#include "secret.h"
#include "str.h"

enum { SET_COOKIE_MAX = COOKIE_CHUNK_MAX + 2 * COOKIE_NAME_SIZE };

/* ---- keys --------------------------------------------------------------------------------------- */

/* Of two ages, so that none is out at the moment when they change. */
static bool derive(struct paa_op *op, struct cookie_keys *keys)
{
    unsigned char secret[COOKIE_SECRET_MIN];

    for (uint32_t age = 0; age < 2; age++)
        if (op->host->sources->derive(op, "cookie", age, secret, sizeof secret) == PAA_STATUS_OK)
            (void)cookie_keys_add(keys, paa_bytes_of(secret, sizeof secret));
    secret_wipe(secret, sizeof secret);
    return keys->count > 0;
}

static void read_secrets(struct paa_op *op, struct cookie_keys *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct paa_source *source = op->host->options->source(op->options, "cookie_key", i);

        /* the first one seals: without it nothing does */
        if (!cookie_keys_add(keys, op->host->sources->read(op, source, 0)) && i == 0)
            return;
    }
}

bool browser_keys(struct paa_op *op, struct cookie_keys *ret_keys)
{
    size_t count = op->host->options->count(op->options, "cookie_key");

    memset(ret_keys, 0, sizeof *ret_keys);
    if (count > 0)
        read_secrets(op, ret_keys, count);
    else
        (void)derive(op, ret_keys);
    if (ret_keys->count > 0)
        return true;
    (void)paa_fail(op, PAA_UNAVAILABLE, "cookie-key",
                   "there is no key for cookies: see where the option \"cookie_key\" points; it "
                   "needs 32 bytes or more");
    return false;
}

static struct cookie_place place_of(struct paa_op *op, struct paa_str name, unsigned count)
{
    return (struct cookie_place){ .service = op->host->request->view(op)->service,
                                  .instance = op->instance,
                                  .name = name,
                                  .count = count };
}

struct paa_str browser_seal(struct paa_op *op, struct paa_str name, unsigned count,
                            struct paa_bytes plain)
{
    struct cookie_place place = place_of(op, name, count);
    size_t size = COOKIE_SEALED_SIZE(plain.size);
    unsigned char nonce[COOKIE_NONCE_SIZE];
    char *text = (char *)op->host->alloc(op, size);
    struct cookie_keys keys;
    bool is_done;

    if (!browser_keys(op, &keys))
        return STR_NONE;
    is_done = text != NULL && op->host->random->fill(op, nonce, sizeof nonce) == PAA_STATUS_OK &&
              cookie_close(cookie_lane_of(op), &keys, nonce, &place, plain, text);
    secret_wipe(&keys, sizeof keys);
    if (is_done)
        return paa_str_of_n(text, size);
    (void)paa_fail(op, PAA_UNAVAILABLE, "cookie",
                   "a cookie could not be sealed: no memory or no "
                   "chance is left");
    return STR_NONE;
}

enum paa_status browser_unseal(struct paa_op *op, struct paa_str name, unsigned count,
                               struct paa_str text, struct paa_bytes *ret_plain)
{
    struct cookie_place place = place_of(op, name, count);
    unsigned char *plain = (unsigned char *)op->host->alloc(op, text.size);
    struct cookie_keys keys;
    size_t size = 0;
    bool is_open;

    if (plain == NULL || !browser_keys(op, &keys))
        return PAA_STATUS_UNAVAILABLE;
    is_open = cookie_open(cookie_lane_of(op), &keys, &place, text, plain, &size);
    secret_wipe(&keys, sizeof keys);
    *ret_plain = paa_bytes_of(plain, size);
    return is_open ? PAA_STATUS_OK : PAA_STATUS_NONE;
}

/* ---- fields ------------------------------------------------------------------------------------- */

void browser_set_cookie(struct paa_op *op, struct paa_str name, struct paa_str value,
                        int64_t max_age_s, uint32_t flags)
{
    struct buf buf;

    buf_init(&buf, SET_COOKIE_MAX);
    cookie_set_write(&buf, name, value, max_age_s);
    /* without memory the core is given no value, and makes a fault of it */
    (void)op->host->outcome->header_add(op, PAA_MESSAGE_RESPONSE, STR("Set-Cookie"),
                                        buf.failed ? STR_NONE : buf_str(&buf), flags | PAA_SECRET);
    buf_free(&buf);
}

void browser_clear_session(struct paa_op *op, unsigned from, uint32_t flags)
{
    const struct cookie_names *names = &browser_of(op)->names;

    for (unsigned i = from; i < COOKIE_CHUNKS_MAX; i++)
        if (op->host->request->cookie(op, names->chunks[i], 0).data != NULL)
            browser_set_cookie(op, names->chunks[i], STR(""), 0, flags);
}

struct paa_str browser_cookie(struct paa_op *op, struct paa_str name)
{
    const struct paa_host_request *request = op->host->request;

    if (request->header(op, STR("Cookie"), 1).data != NULL ||
        request->cookie(op, name, 1).data != NULL)
        return STR_NONE;
    return request->cookie(op, name, 0);
}
