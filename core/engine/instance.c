/* SPDX-License-Identifier: MIT */
/* One instance: its plugin is loaded (plugin_file.c), its options are read and bound to sources, `create` runs. */
#include "described.h"
#include "store.h"
#include "str.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { WORKER_LANES = 64 }; /* workers and blocking workers, more than there ever are */

static const char *const core_names[] = { "plugin", "sha256", "store" };

/* ---- options ----------------------------------------------------------------------------------- */

struct binding {
    struct generation *generation;
    struct instance *instance;
    struct diag *diag;
    bool is_good;
};

static const enum source_kind kind_of_secret[] = { [OPTION_LITERAL] = SOURCE_LITERAL,
                                                   [OPTION_ENV] = SOURCE_ENV,
                                                   [OPTION_FILE] = SOURCE_FILE,
                                                   [OPTION_EXEC] = SOURCE_EXEC };

struct source_spec source_spec_of(const struct generation *generation,
                                  const struct option_secret *secret, struct where where,
                                  uint32_t flags)
{
    struct source_spec spec = { .kind = kind_of_secret[secret->kind],
                                .flags = flags,
                                .text = secret->text,
                                .argv = secret->argv,
                                .where = where };

    if ((generation->context->flags & PAA_OPEN_CHECK) != 0)
        spec.flags |= (uint32_t)SOURCE_NO_EXEC;
    return spec;
}

static struct source_spec spec_of(const struct binding *binding, const struct option_value *value)
{
    uint32_t flags = value->row->type == PAA_OPTION_SECRET ? (uint32_t)SOURCE_SECRET : 0;

    if ((value->row->flags & PAA_OPTION_GENERATE) != 0)
        flags |= (uint32_t)SOURCE_GENERATE;
    return source_spec_of(binding->generation, &value->secret, value->where, flags);
}

static bool keep_source(struct instance *instance, struct paa_source *source)
{
    struct paa_source **grown =
        realloc(instance->sources, (instance->source_count + 1) * sizeof *grown);

    if (grown == NULL) {
        source_close(source);
        return false;
    }
    instance->sources = grown;
    instance->sources[instance->source_count++] = source;
    return true;
}

/* A source that cannot be read now is an error: whoever opens a policy wants to know before the first request. A
 * check reads what it may. */
static const struct paa_source *open_source(struct binding *binding,
                                            const struct source_spec *specs, size_t count,
                                            struct where where, const char *option)
{
    struct paa_error error = { "" };
    struct paa_source *source =
        source_open(binding->generation->context->services.sources, specs, count, &error);

    if (source == NULL || !keep_source(binding->instance, source)) {
        diag_error(binding->diag, where, "no memory is left for the option `%s`", option);
        binding->is_good = false;
        return NULL;
    }
    if (error.text[0] != '\0') {
        diag_error(binding->diag, where, "%s: %s", option, error.text);
        binding->is_good = false;
    }
    return source;
}

/* Which service it belongs to is known when there are services (route.c). */
static bool add_endpoint(struct binding *binding, const struct option_entry *entry,
                         const struct option_value *value)
{
    struct instance *instance = binding->instance;

    if (instance->endpoint_count == ENDPOINTS_MAX) {
        diag_error(binding->diag, value->where, "%s: an instance serves at most %d paths",
                   value->row->name, ENDPOINTS_MAX);
        return false;
    }
    instance->endpoints[instance->endpoint_count++] =
        (struct endpoint){ value->string, paa_str_of(value->row->name),
                           (size_t)(value - entry->values), value->where };
    return true;
}

static bool bind_value(struct option_entry *entry, struct option_value *value, void *arg)
{
    struct binding *binding = arg;
    struct source_spec spec;

    switch (value->row->type) {
    case PAA_OPTION_SECRET:
    case PAA_OPTION_PATH:
        spec = spec_of(binding, value);
        value->handle = open_source(binding, &spec, 1, value->where, value->row->name);
        if (entry->count == 1)
            entry->all = value->handle;
        break;
    case PAA_OPTION_KEY:
        value->handle = generation_key(binding->generation, value, binding->diag);
        binding->is_good = binding->is_good && value->handle != NULL;
        break;
    case PAA_OPTION_ENDPOINT:
        binding->is_good = add_endpoint(binding, entry, value) && binding->is_good;
        break;
    case PAA_OPTION_TLS:
        binding->is_good =
            instance_bind_tls(binding->instance, entry, value, binding->diag) && binding->is_good;
        break;
    case PAA_OPTION_URL:
        binding->is_good = instance_own_origin(binding->instance, value) && binding->is_good;
        break;
    default:
        diag_error(binding->diag, value->where,
                   "%s: this version has no such options yet; leave the option out",
                   value->row->name);
        binding->is_good = false;
    }
    return true;
}

/* The whole list of a LIST as one source of several parts. */
static bool bind_list(struct binding *binding, struct option_entry *entry)
{
    struct source_spec *specs;

    if (entry->count < 2 ||
        (entry->row->type != PAA_OPTION_SECRET && entry->row->type != PAA_OPTION_PATH))
        return true;
    specs = arena_array(&binding->generation->arena, entry->count, sizeof *specs);
    if (specs == NULL)
        return false;
    for (size_t i = 0; i < entry->count; i++)
        specs[i] = spec_of(binding, &entry->values[i]);
    entry->all = open_source(binding, specs, entry->count, entry->where, entry->row->name);
    return entry->all != NULL;
}

static bool bind_options(struct generation *generation, struct instance *instance,
                         struct diag *diag)
{
    struct binding binding = { generation, instance, diag, true };

    if (!options_name_keys(instance->options, &generation->policy->keys, diag))
        return false;
    (void)options_each(instance->options, bind_value, &binding);
    for (size_t i = 0; i < instance->options->count; i++)
        if (!bind_list(&binding, &instance->options->entries[i]))
            binding.is_good = false;
    return binding.is_good;
}

static void digest_update(void *arg, const void *data, size_t size)
{
    (void)EVP_DigestUpdate(arg, data, size);
}

/* Same plugin, same options, same store: the same digest. */
static bool digest_options(struct instance *instance)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char tagged[32];
    bool is_done;

    ERR_set_mark();
    is_done = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(md, instance->id.plugin, strlen(instance->id.plugin) + 1) == 1;
    if (is_done) {
        options_digest(instance->options, digest_update, md);
        is_done = EVP_DigestFinal_ex(md, instance->id.digest, NULL) == 1 &&
                  EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
                  EVP_DigestUpdate(md, instance->id.name, strlen(instance->id.name) + 1) == 1 &&
                  EVP_DigestUpdate(md, instance->id.digest, sizeof instance->id.digest) == 1 &&
                  EVP_DigestFinal_ex(md, tagged, NULL) == 1;
    }
    ERR_pop_to_mark();
    EVP_MD_CTX_free(md);
    if (is_done)
        memcpy(&instance->tag, tagged, sizeof instance->tag);
    return is_done;
}

/* ---- create ------------------------------------------------------------------------------------ */

static enum paa_status add_reads(void *arg, enum paa_place place, struct paa_str name)
{
    struct instance *instance = arg;
    struct reads *reads = &instance->reads[instance->read_count];
    bool has_name = place != PAA_PLACE_CONNECTION;

    if (instance->read_count == READS_MAX || place < PAA_PLACE_HEADER ||
        place > PAA_PLACE_CONNECTION || has_name != (name.size > 0))
        return PAA_STATUS_INVALID;
    reads->place = place;
    reads->name = arena_str(&instance->generation->arena, name);
    if (has_name && reads->name.data == NULL)
        return PAA_STATUS_UNAVAILABLE;
    instance->read_count++;
    return PAA_STATUS_OK;
}

/* create waits for nothing: what posts to it is a plugin's mistake, and its op is dead. */
static void post_to_nobody(struct op_home *home, struct op *op)
{
    (void)home;
    (void)op;
}

static struct op_home nobody = { post_to_nobody };

static enum paa_status call_create(struct instance *instance, struct arena *arena,
                                   struct pins *pins, struct paa_error *error)
{
    struct op op;
    enum paa_status status = PAA_STATUS_OK;

    memset(&op, 0, sizeof op);
    op.pub.struct_size = sizeof op.pub;
    op.pub.flags = instance->used;
    op.pub.host = instance->id.host;
    op.pub.options = instance->options;
    op.pub.instance = paa_str_of(instance->id.name);
    op.services = &instance->generation->context->services;
    op.home = &nobody;
    op.arena = arena;
    op.pins = pins;
    op.instance = &instance->id;
    op.slot = OP_CREATE;
    op.trace = true;
    op.deadline_ms = INT64_MAX;
    list_init(&op.ready);
    if (instance->slots->create != NULL)
        status = instance->slots->create(&op.pub, &instance->id.self);
    instance->is_created = status == PAA_STATUS_OK;
    if (instance->is_created)
        status = described_open(&op, instance);
    if (op.wait.state != OP_WAIT_NONE || op.misused)
        status = PAA_STATUS_INVALID;
    (void)context_error(error, "%s", op.sentence.data != NULL ? op.sentence.data : "");
    return status;
}

static bool run_create(struct instance *instance, struct diag *diag)
{
    struct paa_context *context = instance->generation->context;
    struct paa_options *options = instance->options;
    uint32_t errors = diag->errors;
    enum paa_status status;
    struct paa_error error = { "" };
    struct arena arena;
    struct pins pins;

    arena_init(&arena, NULL, 0, TXN_ARENA_MAX);
    memset(&pins, 0, sizeof pins);
    pins_join(&pins, context->services.pins);
    options->diag = diag;
    options->reads_fn = add_reads;
    options->reads_arg = instance;
    status = call_create(instance, &arena, &pins, &error);
    options->diag = NULL;
    options->reads_fn = NULL;
    pins_release(&pins, 0);
    pins_leave(&pins);
    arena_free(&arena);
    if (status != PAA_STATUS_OK && diag->errors == errors)
        diag_error(diag, instance->where, "instance %s: plugin %s could not make it%s%s",
                   instance->id.name, instance->id.plugin, error.text[0] != '\0' ? ": " : "",
                   error.text);
    return status == PAA_STATUS_OK && diag->errors == errors;
}

/* Lane memory on a worker; each is that worker's alone. */
static void *worker_lane(struct op_instance *id, unsigned worker)
{
    struct instance *instance = (struct instance *)(void *)id;
    size_t size = instance->slots->lane_size;
    void *memory;

    if (worker >= WORKER_LANES || instance->worker_lanes == NULL)
        return NULL;
    if (size == 0)
        return instance->worker_lanes;
    memory = instance->worker_lanes[worker];
    if (memory != NULL || (memory = calloc(1, size)) == NULL)
        return memory;
    if (instance->slots->lane_init != NULL &&
        instance->slots->lane_init(memory, id->self) != PAA_STATUS_OK) {
        free(memory);
        return NULL;
    }
    return instance->worker_lanes[worker] = memory;
}

static bool has_slots(const struct instance *instance, const struct instance_conf *conf,
                      struct diag *diag)
{
    if (conf->used_incoming && instance->slots->verify == NULL) {
        diag_error(diag, conf->where,
                   "instance %s: plugin %s only attaches credentials to outgoing requests, "
                   "but an incoming service uses it",
                   conf->name, conf->plugin);
        return false;
    }
    if (conf->used_outgoing && instance->slots->attach == NULL) {
        diag_error(diag, conf->where,
                   "instance %s: plugin %s only verifies incoming requests, but an outgoing "
                   "service uses it",
                   conf->name, conf->plugin);
        return false;
    }
    return true;
}

bool instance_make(struct generation *generation, struct instance *instance,
                   const struct instance_conf *conf, struct diag *diag)
{
    struct paa_error error;
    char *owner = arena_printf(&generation->arena, "instance %s", conf->name);
    char *issuer = arena_printf(&generation->arena, "paa:%s", conf->name);

    instance->generation = generation;
    instance->where = conf->where;
    instance->plugin = plugin_open(generation->context, conf->plugin, conf->sha256, &error);
    if (instance->plugin == NULL) {
        diag_error(diag, conf->where, "instance %s: %s", conf->name, error.text);
        return false;
    }
    instance->slots = &instance->plugin->slots;
    instance->used = (conf->used_incoming ? (uint32_t)PAA_OP_USED_INCOMING : 0) |
                     (conf->used_outgoing ? (uint32_t)PAA_OP_USED_OUTGOING : 0);
    instance->id.name = conf->name;
    instance->id.plugin = instance->slots->name;
    instance->id.store = conf->store;
    instance->id.host = &generation->context->host;
    instance->id.lane = worker_lane;
    instance->name = paa_str_of(conf->name);
    instance->own_issuer = paa_str_of(issuer);
    instance->worker_lanes = calloc(WORKER_LANES, sizeof *instance->worker_lanes);
    if (owner == NULL || issuer == NULL || instance->worker_lanes == NULL) {
        diag_error(diag, conf->where, "no memory is left for instance %s", conf->name);
        return false;
    }
    if (!has_slots(instance, conf, diag))
        return false;
    instance->options =
        options_read(conf->group,
                     &(struct option_rows){ instance->slots->options, instance->slots->option_count,
                                            instance->slots->option_size },
                     instance->used, owner, generation->folder, core_names,
                     sizeof core_names / sizeof core_names[0], &generation->arena, diag);
    if (instance->options == NULL || !bind_options(generation, instance, diag))
        return false;
    instance->id.options = instance->options;
    if (!digest_options(instance)) {
        diag_error(diag, conf->where, "SHA-256 is not available from OpenSSL");
        return false;
    }
    return run_create(instance, diag);
}

static void free_worker_lanes(struct instance *instance)
{
    for (unsigned i = 0; instance->worker_lanes != NULL && i < WORKER_LANES; i++) {
        void *memory = instance->worker_lanes[i];

        if (memory == NULL)
            continue;
        if (instance->slots->lane_done != NULL)
            instance->slots->lane_done(memory, instance->id.self);
        secret_wipe(memory, instance->slots->lane_size);
        free(memory);
    }
    free(instance->worker_lanes);
    instance->worker_lanes = NULL;
}

void instance_unmake(struct instance *instance)
{
    if (instance->slots == NULL)
        return;
    memo_close_all(&instance->id);
    store_close_all(&instance->id);
    free_worker_lanes(instance);
    if (instance->is_created && instance->slots->destroy != NULL)
        instance->slots->destroy(instance->id.self);
    instance_drop_tls(instance);
    for (size_t i = 0; i < instance->source_count; i++)
        source_close(instance->sources[i]);
    free(instance->sources);
}
