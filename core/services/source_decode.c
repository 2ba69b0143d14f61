/* SPDX-License-Identifier: MIT */
/* Sources whose bytes stand for an object: made where they are read, published and retired with them. */
#include "source_inner.h"

#include <string.h>

/* False: the bytes are good for nothing. */
static bool decode(const struct paa_source *source, struct source_bytes *bytes,
                   struct paa_error *error)
{
    if (source->decoder.make_fn == NULL)
        return true;
    bytes->free_fn = source->decoder.free_fn;
    bytes->object =
        source->decoder.make_fn(bytes, source->specs, source->count, source->decoder.arg, error);
    return bytes->object != NULL;
}

struct source_bytes *source_read_new(const struct paa_source *source,
                                     const struct source_bytes *old, struct paa_error *error)
{
    struct source_bytes *bytes =
        source_read(source->specs, source->count, &source->sources->services->chance, error);

    if (bytes == NULL || source_bytes_equal(old, bytes) || decode(source, bytes, error))
        return bytes;
    source_bytes_free(bytes);
    return NULL;
}

const void *source_object(struct op *op, const struct paa_source *source)
{
    const struct source_bytes *bytes = source_bytes_of(op, source);

    return bytes != NULL ? bytes->object : NULL;
}

const void *source_pin(struct pins *pins, const struct paa_source *source)
{
    const struct source_bytes *bytes = pins_get(pins, &source->self->now);

    return bytes != NULL ? bytes->object : NULL;
}

int source_use(const struct paa_source *source, int (*fn)(const void *object, void *arg), void *arg)
{
    const struct source_bytes *bytes;
    struct pins pins;
    int result = -1;

    memset(&pins, 0, sizeof pins);
    pins_join(&pins, source->sources->services->pins);
    bytes = pins_get(&pins, &source->self->now);
    if (bytes != NULL && bytes->object != NULL)
        result = fn(bytes->object, arg);
    pins_release(&pins, 0);
    pins_leave(&pins);
    return result;
}

uint64_t source_version(const struct paa_source *source)
{
    return atomic_load(&source->version);
}

uint64_t sources_next_version(struct sources *sources)
{
    return atomic_fetch_add(&sources->version, 1) + 1;
}
