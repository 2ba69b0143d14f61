/* SPDX-License-Identifier: MIT */
/* The operator's files as they are when the policy is loaded: what is rubbish then is told with its line. What becomes of
 * them later is inputs.c's. */
#include "mtls.h"

#include "str.h"

#include <stdlib.h>

enum { WHY_SIZE = ANCHORS_WHY_SIZE };
_Static_assert((int)WHY_SIZE >= (int)CRL_WHY_SIZE, "room for both kinds of sentences");

/* All that the option names now; NULL: nothing that could be read, or no memory. */
static struct paa_bytes *parts_of(struct paa_op *op, const char *option, size_t *ret_count)
{
    const struct paa_source *source = op->host->options->source(op->options, option, 0);
    struct paa_bytes *parts = NULL, *grown, part;

    *ret_count = 0;
    while (source != NULL &&
           (part = op->host->sources->read(op, source, *ret_count)).data != NULL) {
        grown = (struct paa_bytes *)realloc(parts, (*ret_count + 1) * sizeof *parts);
        if (grown == NULL) {
            free(parts);
            return NULL;
        }
        parts = grown;
        parts[(*ret_count)++] = part;
    }
    return parts;
}

static bool is_certificates(const struct paa_bytes *parts, size_t count, const char *option,
                            char why[WHY_SIZE])
{
    struct anchors *anchors = anchors_read(parts, count, option, why);
    bool is_so = anchors != NULL;

    anchors_free(anchors);
    return is_so;
}

static bool is_lists(const struct paa_bytes *parts, size_t count, const char *option,
                     char why[WHY_SIZE])
{
    struct crl_set *set = crl_set_read(parts, count, option, why);
    bool is_so = set != NULL;

    crl_set_free(set);
    return is_so;
}

static enum paa_status check(struct paa_op *op, const char *option,
                             bool (*read)(const struct paa_bytes *parts, size_t count,
                                          const char *option, char why[WHY_SIZE]))
{
    char why[WHY_SIZE] = "";
    size_t count;
    struct paa_bytes *parts = parts_of(op, option, &count);
    bool is_good = parts == NULL || read(parts, count, option, why);

    free(parts);
    return is_good ? PAA_STATUS_OK
                   : op->host->options->refuse(op->options, option, paa_str_of(why));
}

enum paa_status inputs_check(struct paa_op *op)
{
    enum paa_status status = check(op, "trust", is_certificates);

    if (status == PAA_STATUS_OK)
        status = check(op, "intermediates", is_certificates);
    return status == PAA_STATUS_OK ? check(op, "crl", is_lists) : status;
}
