/* SPDX-License-Identifier: MIT */
/*
 * The `describe` slot: what an instance adds to the metadata of the services it protects. It runs as the producer of a
 * memo, so it is asked on a worker, when somebody wants to know; what it said last serves while it is asked again, and
 * where it fails. Knows no document.
 */
#include "described.h"

#include "fields.h"
#include "json_scan.h"
#include "str.h"

enum { KEPT_S = 86400 };

struct member {
    struct member *next;
    struct paa_str name;
    struct paa_str json;
};

struct described { /* so far, in the operation's arena */
    struct member *first;
    struct member **end;
    uint32_t count;
    size_t size; /* of all, as they will be kept */
};

const char *described_add(struct op *op, struct paa_str name, struct paa_str json)
{
    struct described *described = op->described;
    struct member *member;

    if (described == NULL)
        return "metadata from another slot than describe";
    if (!is_token(name) || paa_str_eq(name, "resource"))
        return "metadata whose name is no token, or the core's own";
    if (!json_is_value(json))
        return "metadata whose value is no JSON (RFC 8259)";
    described->size += name.size + json.size + 2;
    if (described->count == METADATA_MEMBERS_MAX || described->size > METADATA_BYTES_MAX)
        return "more metadata than one instance may add";
    member = arena_zalloc(op->arena, sizeof *member);
    if (member == NULL)
        return "no memory is left for metadata";
    member->name = name;
    member->json = json;
    if (!arena_strs(op->arena, (struct paa_str *[]){ &member->name, &member->json }, 2))
        return "no memory is left for metadata";
    *described->end = member;
    described->end = &member->next;
    described->count++;
    return NULL;
}

/* Name and value by turns, each with a NUL behind it: JSON has none. */
static struct paa_bytes bytes_of(const struct op *op)
{
    const struct described *described = op->described;
    char *bytes = arena_alloc(op->arena, described->size + 1);
    size_t size = 0;

    for (const struct member *m = described->first; m != NULL && bytes != NULL; m = m->next) {
        memcpy(bytes + size, m->name.data, m->name.size + 1);
        size += m->name.size + 1;
        memcpy(bytes + size, m->json.data, m->json.size + 1);
        size += m->json.size + 1;
    }
    return paa_bytes_of(bytes, size);
}

/* Having nothing to say is an answer too; what was said before that is dropped. */
static enum paa_result keep(struct op *op, enum paa_result result)
{
    int64_t now_s = clock_now_s(&op->services->clock);
    struct paa_memo_product product;

    if (result != PAA_DONE && result != PAA_ABSENT)
        return result;
    paa_init(&product, sizeof product);
    product.fresh_until_s = now_s + METADATA_FRESH_S;
    product.usable_until_s = now_s + KEPT_S;
    product.bytes = result == PAA_DONE ? bytes_of(op) : paa_bytes_of("", 0);
    if (product.bytes.data == NULL ||
        services_host_memo.product(&op->pub, &product) != PAA_STATUS_OK)
        return PAA_UNAVAILABLE;
    return PAA_DONE;
}

static enum paa_result produce(struct paa_op *pub, const struct paa_memo_run *run)
{
    struct op *op = op_of(pub);
    const struct instance *instance = (const struct instance *)(const void *)op->instance;

    (void)run;
    op->described = arena_zalloc(op->arena, sizeof *op->described);
    if (op->described == NULL)
        return PAA_UNAVAILABLE;
    op->described->end = &op->described->first;
    return instance->slots->describe(pub);
}

enum paa_status described_open(struct op *op, struct instance *instance)
{
    struct paa_memo_def def;

    if (instance->slots->describe == NULL || (instance->used & PAA_OP_USED_INCOMING) == 0)
        return PAA_STATUS_OK;
    paa_init(&def, sizeof def);
    def.name = "paa.describe"; /* no name of a memo of the plugin itself */
    def.produce = produce;
    def.finish = instance->slots->finish;
    def.state_size = instance->slots->state_size;
    return memo_open_own(op, &def, keep, &instance->described);
}
