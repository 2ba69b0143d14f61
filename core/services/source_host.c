/* SPDX-License-Identifier: MIT */
/*
 * What plugins see of sources (paa/host/keys.h), and what the log must not see. Reading is one pin: no lock, no
 * allocation beyond the operation's arena.
 */
#include "source_inner.h"

#include "derive.h"
#include "str.h"

/* ---- read and version -------------------------------------------------------------------------- */

struct seen { /* in the operation's arena: what it read first is what it goes on reading */
    const struct paa_source *source;
    const struct source_bytes *bytes;
    const struct seen *next;
};

const struct source_bytes *source_bytes_of(struct op *op, const struct paa_source *source)
{
    struct seen *seen;

    if (source == NULL)
        return NULL;
    for (const struct seen *at = op->sources; at != NULL; at = at->next)
        if (at->source == source)
            return at->bytes;
    seen = arena_alloc(op->arena, sizeof *seen);
    if (seen == NULL)
        return NULL;
    seen->source = source;
    seen->bytes = pins_get(op->pins, &source->self->now);
    seen->next = op->sources;
    op->sources = seen;
    return seen->bytes;
}

static struct paa_bytes host_read(struct paa_op *pub, const struct paa_source *source, size_t part)
{
    const struct source_bytes *bytes = source_bytes_of(op_of(pub), source);

    if (bytes == NULL || part >= bytes->count)
        return BYTES_NONE;
    return paa_bytes_of(bytes->parts[part].data, bytes->parts[part].size);
}

static uint64_t host_version(struct paa_op *pub, const struct paa_source *source)
{
    const struct source_bytes *bytes = source_bytes_of(op_of(pub), source);

    return bytes != NULL ? bytes->version : 0;
}

/* ---- derive ------------------------------------------------------------------------------------ */

static enum paa_status host_derive(struct paa_op *pub, const char *label, uint32_t age,
                                   void *ret_key, size_t size)
{
    struct op *op = op_of(pub);
    const struct sources *sources = op->services->sources;
    const char *plugin = op->instance != NULL ? op->instance->plugin : NULL;
    unsigned char info[DERIVE_INFO_MAX];
    size_t info_size = 0;

    if (label == NULL || ret_key == NULL || size == 0 || size > SOURCE_DERIVED_MAX ||
        !derive_info_add(info, &info_size, STR("paa derive 1")) ||
        !derive_info_add(info, &info_size, paa_str_of(plugin)) ||
        !derive_info_add(info, &info_size, pub->instance) ||
        !derive_info_add(info, &info_size, paa_str_of(label))) {
        op_misuse(op, "sources->derive: a label and 1 to 255 bytes are needed");
        return PAA_STATUS_INVALID;
    }
    if (age > 0)
        return PAA_STATUS_NONE;
    if (!sources->has_master)
        return PAA_STATUS_UNAVAILABLE;
    return derive_key(paa_bytes_of(sources->master, SOURCE_MASTER_SIZE), BYTES_NONE,
                      paa_bytes_of(info, info_size), ret_key, size)
               ? PAA_STATUS_OK
               : PAA_STATUS_UNAVAILABLE;
}

const struct paa_host_sources services_host_sources = {
    .struct_size = sizeof services_host_sources,
    .read = host_read,
    .version = host_version,
    .derive = host_derive,
};

/* ---- masking ----------------------------------------------------------------------------------- */

/* The longest secret that begins here; 0: none. One may begin another: what is left would be shown. */
static size_t secret_at(const struct sources *sources, const char *text, size_t left)
{
    size_t longest = 0;

    for (struct list *at = sources->alive.next; at != &sources->alive; at = at->next) {
        const struct source_bytes *bytes = LIST_ENTRY(at, struct source_bytes, link);

        for (size_t i = 0; bytes->is_secret && i < bytes->count; i++) {
            const struct source_part *part = &bytes->parts[i];

            if (part->size >= SOURCE_MASK_MIN && part->size > longest && part->size <= left &&
                part->data[0] == text[0] && memcmp(part->data, text, part->size) == 0)
                longest = part->size;
        }
    }
    return longest;
}

void sources_mask(struct sources *sources, char *text)
{
    static const char mask[] = "***";
    size_t left = strlen(text);
    char *to = text;

    pthread_mutex_lock(&sources->alive_lock);
    for (const char *from = text; left > 0;) {
        size_t size = secret_at(sources, from, left);

        if (size > 0) {
            memmove(to, mask, sizeof mask - 1);
            to += sizeof mask - 1;
            from += size;
            left -= size;
        } else {
            *to++ = *from++;
            left--;
        }
    }
    *to = '\0';
    pthread_mutex_unlock(&sources->alive_lock);
}
