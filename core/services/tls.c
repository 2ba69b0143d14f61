/* SPDX-License-Identifier: MIT */
/* tls.h. */
#include "tls.h"

#include "buf.h"
#include "str.h"

#include <stdatomic.h>
#include <stdlib.h>

static char *pins_of(const struct tls_spec *spec)
{
    struct buf buf;

    buf_init(&buf, TLS_PINS_MAX * (TLS_PIN_SIZE + sizeof ";sha256//"));
    for (size_t i = 0; i < spec->pin_count; i++) {
        buf_add_text(&buf, i > 0 ? ";sha256//" : "sha256//");
        buf_add_str(&buf, spec->pins[i]);
    }
    return buf_detach(&buf);
}

struct paa_tls *tls_new(const struct tls_spec *spec)
{
    static _Atomic uint64_t last_id;
    struct paa_tls *tls = calloc(1, sizeof *tls);

    if (tls == NULL)
        return NULL;
    tls->id = atomic_fetch_add(&last_id, 1) + 1;
    tls->ca = spec->ca;
    tls->min_version = spec->min_version;
    tls->no_verify = spec->no_verify;
    tls->no_verify_anywhere = spec->no_verify_anywhere;
    tls->http_loopback = spec->http_loopback;
    if (spec->pin_count > 0)
        tls->pins = pins_of(spec);
    if (spec->proxy.data != NULL)
        tls->proxy = strndup(spec->proxy.data, spec->proxy.size);
    if ((spec->pin_count > 0 && tls->pins == NULL) ||
        (spec->proxy.data != NULL && tls->proxy == NULL)) {
        tls_free(tls);
        return NULL;
    }
    return tls;
}

void tls_free(struct paa_tls *tls)
{
    if (tls == NULL)
        return;
    free(tls->pins);
    free(tls->proxy);
    free(tls);
}
