/* SPDX-License-Identifier: MIT */
/*
 * What plugins see of keys (paa/host/keys.h). A signature that takes microseconds is made by the thread that asks, and
 * any in a producer or verb, which runs on a worker already; the others on a worker.
 */
#include "key_inner.h"
#include "key_sign.h"
#include "key_token.h"
#include "pool.h"
#include "str.h"
#include "work.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* The same for the whole operation. NULL: there is none now. */
static const struct key_material *material_of(struct op *op, const struct paa_key *key)
{
    return key->source != NULL ? source_object(op, key->source) : key->material;
}

/* ---- info -------------------------------------------------------------------------------------- */

static enum paa_status host_info(struct paa_op *pub, const struct paa_key *key,
                                 struct paa_key_info *ret_info)
{
    struct op *op = op_of(pub);
    const struct key_material *material;

    if (key == NULL || ret_info == NULL || !PAA_HAS_MEMBER(ret_info, key_id))
        return PAA_STATUS_INVALID;
    material = material_of(op, key);
    if (material == NULL)
        return PAA_STATUS_UNAVAILABLE;
    ret_info->flags = 0;
    ret_info->expires_at_s = material->expires_at_s;
    ret_info->version =
        key->source != NULL ? services_host_sources.version(pub, key->source) : key->version;
    ret_info->public_key = material->public_key;
    ret_info->chain = material->count > 0 ? material->chain : NULL;
    ret_info->chain_count = material->count;
    ret_info->key_id = paa_str_of(key->id);
    return PAA_STATUS_OK;
}

/* ---- sign -------------------------------------------------------------------------------------- */

struct signing { /* in the operation's arena */
    struct task task;
    struct op *op;
    EVP_PKEY *pkey; /* a reference of its own while it waits for a worker */
    struct key_token *
        token; /* has the private key, which may block; NULL: pkey is it. Pinned with its material */
    struct pool *pool;
    const struct key_algorithm *algorithm;
    struct paa_bytes message;
    unsigned char signature[KEY_SIGNATURE_MAX];
};

static enum paa_result resume_sign(struct op *op)
{
    return op->wait.then.sign(&op->pub, op->wait.status, op->wait.came.bytes, op->wait.context);
}

static void answer(struct op *op, enum paa_status status, const char *sentence)
{
    op->wait.status = status;
    op->wait.sentence = sentence;
}

static void sign_with(struct signing *signing, EVP_PKEY *pkey)
{
    struct op *op = signing->op;
    size_t size = 0;

    if (key_sign(pkey, signing->algorithm, signing->message, signing->signature, &size) != 0) {
        answer(op, PAA_STATUS_UNAVAILABLE, "OpenSSL could not sign with this key");
        return;
    }
    op->wait.came.bytes = paa_bytes_of(signing->signature, size);
    answer(op, PAA_STATUS_OK, NULL);
}

static void sign_by_token(struct signing *signing)
{
    struct op *op = signing->op;
    EVP_PKEY *pkey = key_token_take(signing->token, signing->pkey, op->services);

    if (pkey == NULL) {
        answer(op, PAA_STATUS_UNAVAILABLE, "the token does not give the key: the log says why");
        return;
    }
    sign_with(signing, pkey);
    if (op->wait.status != PAA_STATUS_OK)
        key_token_forget(signing->token);
    EVP_PKEY_free(pkey);
}

static void sign_now(struct signing *signing)
{
    if (signing->token != NULL)
        sign_by_token(signing);
    else
        sign_with(signing, signing->pkey);
}

static void run_signing(struct task *task, unsigned worker)
{
    struct signing *signing = LIST_ENTRY(task, struct signing, task);
    struct op *op = signing->op;

    (void)worker;
    (void)atomic_fetch_sub(&op->services->jobs, 1);
    sign_now(signing);
    EVP_PKEY_free(signing->pkey);
    op_post(op);
}

/* Queued: it never runs. Running: it posts when it has signed. */
static bool cancel_sign(struct op *op)
{
    struct signing *signing = op->wait.owner;

    if (signing == NULL) /* answered at once */
        return true;
    if (!pool_remove(signing->pool, &signing->task))
        return false;
    (void)atomic_fetch_sub(&op->services->jobs, 1);
    EVP_PKEY_free(signing->pkey);
    return true;
}

static const struct op_wait_kind sign_kind = { "keys.sign", resume_sign, cancel_sign };

/* To a worker; NULL, or a sentence that says why not. */
static const char *sign_later(struct signing *signing)
{
    struct op *op = signing->op;
    struct services *services = op->services;
    void *message = arena_copy(op->arena, signing->message.data, signing->message.size);

    signing->pool = signing->token != NULL ? services->blocking : services->workers;
    if (signing->pool == NULL || (message == NULL && signing->message.size > 0) ||
        EVP_PKEY_up_ref(signing->pkey) != 1)
        return "no worker runs, or no memory is left";
    signing->message.data = message;
    signing->task.fn = run_signing;
    op->wait.owner = signing;
    if (atomic_fetch_add(&services->jobs, 1) < WORK_QUEUE_MAX &&
        pool_add(signing->pool, &signing->task))
        return NULL;
    op->wait.owner = NULL;
    (void)atomic_fetch_sub(&services->jobs, 1);
    EVP_PKEY_free(signing->pkey);
    return "the queue for slow work is full";
}

static bool is_on_worker(const struct op *op)
{
    return op->slot == OP_PRODUCE || op->slot == OP_VERB;
}

/* Readies the wait, or leaves it to a worker. */
static void begin_sign(struct op *op, const struct key_material *material,
                       const struct key_algorithm *algorithm, struct paa_bytes message)
{
    struct signing *signing = arena_zalloc(op->arena, sizeof *signing);
    const char *trouble = "no memory is left to sign";

    if (signing != NULL) {
        signing->op = op;
        signing->pkey = material->pkey;
        signing->token = material->token;
        signing->algorithm = algorithm;
        signing->message = message;
        if ((key_algorithm_is_quick(algorithm) && material->token == NULL) || is_on_worker(op)) {
            sign_now(signing);
            op_wait_ready(op);
            return;
        }
        trouble = sign_later(signing);
    }
    if (trouble == NULL)
        return;
    answer(op, PAA_STATUS_UNAVAILABLE, trouble);
    op_wait_ready(op);
}

static enum paa_result host_sign(struct paa_op *pub, const struct paa_key *key, struct paa_str name,
                                 struct paa_bytes message, paa_sign_fn then, void *context)
{
    struct op *op = op_of(pub);
    const struct key_algorithm *algorithm = key_algorithm_named(name);
    const struct key_material *material = NULL;

    if (!op_wait(op, &sign_kind, context))
        return PAA_PENDING;
    op->wait.then.sign = then;
    op->wait.owner = NULL;
    op->wait.came.bytes = BYTES_NONE;
    if (key != NULL)
        material = material_of(op, key);
    if (key == NULL || message.size > KEY_MESSAGE_MAX)
        answer(op, PAA_STATUS_INVALID, "a key is needed, and at most 64 KiB to sign");
    else if (algorithm == NULL)
        answer(op, PAA_STATUS_UNSUPPORTED, "nothing is signed with this algorithm");
    else if (material == NULL)
        answer(op, PAA_STATUS_UNAVAILABLE, "the key could not be read yet: the log says why");
    else if (!key_algorithm_fits(algorithm, material->kind))
        answer(op, PAA_STATUS_UNSUPPORTED, "the key is not of the kind that the algorithm needs");
    else {
        begin_sign(op, material, algorithm, message);
        return PAA_PENDING;
    }
    op_wait_ready(op);
    return PAA_PENDING;
}

/* ---- import and release ------------------------------------------------------------------------ */

static bool is_understood(const struct paa_key_material *material)
{
    const unsigned char *bytes = (const unsigned char *)material;

    if (material == NULL || !PAA_HAS_MEMBER(material, chain) || material->flags != 0)
        return false;
    for (size_t i = sizeof *material; i < material->struct_size; i++)
        if (bytes[i] != 0)
            return false;
    return material->private_key.data != NULL;
}

/* Not "key" of the operation's last wait: host->fail with an absent sentence says this one. */
static void keep_sentence(struct op *op, const struct paa_error *error)
{
    if (op->wait.state == OP_WAIT_NONE)
        op->wait.sentence = arena_printf(op->arena, "%s", error->text);
}

static struct paa_key *imported(struct op *op, struct key_material *material)
{
    struct paa_key *key = calloc(1, sizeof *key);

    if (key == NULL)
        return NULL;
    key->keys = op->services->keys;
    key->version = sources_next_version(op->services->sources);
    key->material = material;
    return key;
}

/* A provider's URI: no token is asked for a key by this version. */
static bool is_uri(struct paa_bytes bytes)
{
    return str_starts(paa_str_of_n((const char *)bytes.data, bytes.size), STR("pkcs11:"));
}

static enum paa_status host_import(struct paa_op *pub, const struct paa_key_material *given,
                                   struct paa_key **ret_key)
{
    struct op *op = op_of(pub);
    struct key_part chain, *certificates = NULL;
    struct key_material *material = NULL;
    struct key_parts parts;
    struct paa_error error;
    enum paa_status status;

    if (ret_key == NULL || !is_understood(given))
        return PAA_STATUS_INVALID;
    if (is_uri(given->private_key))
        return PAA_STATUS_UNSUPPORTED;
    memset(&parts, 0, sizeof parts);
    parts.key = (struct key_part){ given->private_key, "the imported key" };
    chain = (struct key_part){ given->chain, "its chain" };
    certificates = given->chain.data != NULL ? &chain : NULL;
    parts.certificates = certificates;
    parts.certificate_count = certificates != NULL;
    status = key_material_make(&parts, clock_now_s(&op->services->clock), &material, &error);
    if (status != PAA_STATUS_OK) {
        keep_sentence(op, &error);
        return status == PAA_STATUS_DENIED ? PAA_STATUS_INVALID : status;
    }
    *ret_key = imported(op, material);
    if (*ret_key == NULL)
        key_material_free(material);
    return *ret_key != NULL ? PAA_STATUS_OK : PAA_STATUS_UNAVAILABLE;
}

/* One of the policy's is the core's to close. */
static void host_release(struct paa_key *key)
{
    if (key == NULL || key->source != NULL)
        return;
    key_material_free(key->material);
    free(key);
}

const struct paa_host_keys services_host_keys = {
    .struct_size = sizeof(struct paa_host_keys),
    .info = host_info,
    .sign = host_sign,
    .import = host_import,
    .release = host_release,
};
