/* SPDX-License-Identifier: MIT */
/*
 * host->memo: the memos of an instance from open to close. Knows nothing of how values come and go.
 */
#include "lock.h"
#include "memo_inner.h"

#include "str.h"

#include <stdlib.h>
#include <unistd.h>

enum { DEF_FLAGS = PAA_MEMO_SHARED | PAA_MEMO_SECRET | PAA_MEMO_KEEP | PAA_MEMO_PEER };

/* ---- all memos of a context --------------------------------------------------------------------- */

/* False: no chance is to be had. */
static bool number_apart(struct memos *memos)
{
    uint32_t drawn[2];

    if (chance_fill(&memos->services->chance, drawn, sizeof drawn) != 0)
        return false;
    memos->salt = (uint64_t)(drawn[0] & UINT16_MAX) << MEMO_VERSION_SALT_SHIFT;
    atomic_fetch_add(&memos->version, drawn[1]);
    return true;
}

struct memos *memos_new(struct services *services)
{
    struct memos *memos = calloc(1, sizeof *memos);
    struct hash_key key;

    if (memos == NULL)
        return NULL;
    memos->services = services;
    memos->has_key = number_apart(memos) && chance_fill(&services->chance, &key, sizeof key) == 0;
    if (memos->has_key)
        hash_long_key_make(&key, &memos->key);
    pthread_mutex_init(&memos->lock, NULL);
    list_init(&memos->groups);
    return memos;
}

int memos_start(struct memos *memos)
{
    if (memos->pid == getpid())
        return 0;
    if (memos->pid != 0)
        memo_forget_parent(memos);
    memos->pid = getpid();
    return number_apart(memos) ? 0 : -1;
}

void memos_free(struct memos *memos)
{
    if (memos == NULL)
        return;
    pthread_mutex_destroy(&memos->lock);
    free(memos);
}

/* ---- what plugins fill -------------------------------------------------------------------------- */

static const char *fault_of(const struct paa_memo_def *def)
{
    if (!op_understands(def, sizeof *def, DEF_FLAGS))
        return "its definition has an unknown flag or member";
    if (def->name == NULL || def->name[0] == '\0')
        return "it has no name";
    if (def->decode != NULL && def->release == NULL)
        return "it has decode without release";
    if (def->source != NULL && (def->flags & PAA_MEMO_SHARED) != 0)
        return "a source is read by every process: it is not SHARED";
    if (def->source != NULL && def->produce != NULL)
        return "it has both a producer and a source";
    if (def->state_size > MEMO_STATE_MAX)
        return "its state_size is over 64 KiB";
    if ((def->flags & PAA_MEMO_PEER) != 0 &&
        (def->produce != NULL || def->source != NULL || def->decode != NULL ||
         (def->flags & PAA_MEMO_SHARED) != 0 || def->release == NULL))
        return "a PEER memo has a release, and neither producer, source, decoder nor store";
    return NULL;
}

/* ---- open and close ----------------------------------------------------------------------------- */

static struct memo_group *group_new(struct memos *memos, struct op_instance *instance)
{
    struct memo_group *group = calloc(1, sizeof *group);

    if (group == NULL)
        return NULL;
    group->memos = memos;
    group->instance = instance;
    lock_init(&group->lock);
    pthread_mutex_init(&group->home_lock, NULL);
    pthread_cond_init(&group->changed, NULL);
    list_init(&group->queue);
    list_init(&group->runs);
    pthread_mutex_lock(&memos->lock);
    list_add_last(&memos->groups, &group->link);
    pthread_mutex_unlock(&memos->lock);
    return group;
}

static void group_free(struct memo_group *group)
{
    pthread_mutex_lock(&group->memos->lock);
    list_remove(&group->link);
    pthread_mutex_unlock(&group->memos->lock);
    pthread_mutex_destroy(&group->lock);
    pthread_mutex_destroy(&group->home_lock);
    pthread_cond_destroy(&group->changed);
    free(group);
}

static void fill_limits(struct paa_memo *memo)
{
    const struct paa_memo_def *def = &memo->def;

    memo->max_bytes = def->max_bytes > 0 ? def->max_bytes : MEMO_BYTES_DEFAULT;
    memo->max_negatives =
        def->negative_entries > 0 ? def->negative_entries : MEMO_NEGATIVES_DEFAULT;
    memo->timeout_ms = def->timeout_ms > 0 ? def->timeout_ms : MEMO_TIMEOUT_DEFAULT_MS;
    memo->cooldown_ms = def->cooldown_ms > 0 ? def->cooldown_ms : MEMO_COOLDOWN_DEFAULT_MS;
    memo->grace_s = def->grace_s > 0 ? def->grace_s : MEMO_GRACE_DEFAULT_S;
}

static struct paa_memo *memo_new(struct memos *memos, struct op_instance *instance,
                                 const struct paa_memo_def *def)
{
    struct paa_memo *memo = calloc(1, sizeof *memo);

    if (memo == NULL)
        return NULL;
    memo->group = instance->memos != NULL ? instance->memos->group : group_new(memos, instance);
    memo->name = strdup(def->name);
    if (memo->group == NULL || memo->name == NULL) {
        if (memo->group != NULL && instance->memos == NULL)
            group_free(memo->group);
        free(memo->name);
        free(memo);
        return NULL;
    }
    memo->def = *def;
    memo->def.name = memo->name;
    memo->bit = memo->group->bits + 1;
    memo->group->bits |= memo->bit;
    list_init(&memo->kept);
    list_init(&memo->others);
    list_init(&memo->peers);
    fill_limits(memo);
    memo->next = instance->memos;
    instance->memos = memo;
    return memo;
}

static enum paa_status refuse_open(struct op *op, const char *name, const char *why)
{
    char *sentence = arena_printf(op->arena, "memo %s: %s", name != NULL ? name : "?", why);

    (void)op_fail(&op->pub, PAA_FAULT, "memo", paa_str_of(sentence));
    return PAA_STATUS_INVALID;
}

static enum paa_status host_open(struct paa_op *pub, const struct paa_memo_def *def,
                                 struct paa_memo **ret_memo)
{
    struct op *op = op_of(pub);
    struct memos *memos = op->services->memos;
    struct paa_memo *memo;
    enum paa_status status;
    const char *fault;

    if (op->slot != OP_CREATE || op->instance == NULL || def == NULL || ret_memo == NULL) {
        op_misuse(op, "memo->open, which is for create, or without its arguments,");
        return PAA_STATUS_INVALID;
    }
    *ret_memo = NULL;
    fault = fault_of(def);
    for (const struct paa_memo *m = op->instance->memos; m != NULL && fault == NULL; m = m->next)
        if (strcmp(m->name, def->name) == 0)
            fault = "it is opened twice";
    if (op->instance->memos != NULL &&
        op->instance->memos->group->bits >> (MEMO_OF_INSTANCE_MAX - 1) != 0)
        fault = "the instance has 64 memos already";
    if (fault != NULL)
        return refuse_open(op, def->name, fault);
    if (!memos->has_key || (memo = memo_new(memos, op->instance, def)) == NULL) {
        (void)refuse_open(op, def->name,
                          memos->has_key ? "no memory is left" : "no chance is to be had");
        return PAA_STATUS_UNAVAILABLE;
    }
    if ((def->flags & PAA_MEMO_SHARED) != 0 &&
        (status = memo_share_open(op, memo)) != PAA_STATUS_OK)
        return status; /* the memo goes with its instance */
    *ret_memo = memo;
    return PAA_STATUS_OK;
}

enum paa_status memo_open_own(struct op *op, const struct paa_memo_def *def,
                              memo_settle_fn settle_fn, struct paa_memo **ret_memo)
{
    enum paa_status status = host_open(&op->pub, def, ret_memo);

    if (status == PAA_STATUS_OK)
        (*ret_memo)->settle_fn = settle_fn;
    return status;
}

/* Everything of the memo that can still be read goes to the bin. */
static void empty_memo(struct paa_memo *memo, struct memo_bin *bin)
{
    pthread_mutex_lock(&memo->group->lock);
    memo_table_free(memo, bin);
    memo_bin_add(bin, atomic_exchange(&memo->decoded, NULL));
    pthread_mutex_unlock(&memo->group->lock);
    memo_peer_leave(memo, bin);
}

/* Another thread may be about to release what it found unpinned. */
static void await_released(struct memo_group *group)
{
    pin_collect(group->memos->services->pins);
    pthread_mutex_lock(&group->home_lock);
    while (group->alive > 0)
        pthread_cond_wait(&group->changed, &group->home_lock);
    pthread_mutex_unlock(&group->home_lock);
}

void memo_close_all(struct op_instance *instance)
{
    struct memo_bin bin = { NULL };
    struct memo_group *group;
    struct paa_memo *memo;

    if (instance->memos == NULL)
        return;
    group = instance->memos->group;
    if (group->memos->pid != 0 && group->memos->pid != getpid())
        (void)memos_start(
            group->memos); /* a child: its parent's runs and objects are not its own */
    for (memo = instance->memos; memo != NULL; memo = memo->next)
        memo_share_close(memo);
    memo_home_close(group);
    for (memo = instance->memos; memo != NULL; memo = memo->next)
        empty_memo(memo, &bin);
    memo_bin_empty(group->memos, &bin);
    await_released(group);
    while ((memo = instance->memos) != NULL) {
        instance->memos = memo->next;
        free(memo->name);
        free(memo);
    }
    group_free(group);
}

const struct paa_host_memo services_host_memo = {
    .struct_size = sizeof(struct paa_host_memo),
    .open = host_open,
    .get = memo_call_get,
    .renew = memo_call_renew,
    .put = memo_call_put,
    .drop = memo_call_drop,
    .keep = memo_call_keep,
    .product = memo_call_product,
    .check = memo_call_check,
};
