/* SPDX-License-Identifier: MIT */
/* The context: opened inert, its threads start with a process's first lane; reloaded in whole generations; closed. */
#include "engine.h"
#include "keys.h"
#include "store.h"
#include "str.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    OPEN_FLAGS = PAA_OPEN_ANY_THREAD | PAA_OPEN_WATCH | PAA_OPEN_SHARED_COUNTERS | PAA_OPEN_CHECK |
                 PAA_OPEN_OFFLINE,
    CAN_FLAGS = PAA_CAN_PEER_CERT | PAA_CAN_BODY | PAA_CAN_BODY_MATCH | PAA_CAN_PROMPT |
                PAA_CAN_BROWSER | PAA_CAN_UPSTREAM | PAA_CAN_CLIENT_KEY | PAA_CAN_RETRY,
    PROMPT_MAX = 512
};

const char *paa_version(void)
{
    return PAA_VERSION;
}

int context_error(struct paa_error *error, const char *format, ...)
{
    va_list arguments;

    if (error == NULL)
        return -1;
    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return -1;
}

/* ---- services ---------------------------------------------------------------------------------- */

static struct paa_service *find_locked(struct paa_context *context, const char *name,
                                       enum paa_direction direction)
{
    struct paa_service *service = context->first_service;

    while (service != NULL && (service->direction != direction || strcmp(service->name, name) != 0))
        service = service->next;
    return service;
}

struct paa_service *context_service(struct paa_context *context, const char *name,
                                    enum paa_direction direction)
{
    struct paa_service *service;

    pthread_mutex_lock(&context->lock);
    service = find_locked(context, name, direction);
    if (service == NULL && (service = calloc(1, sizeof *service)) != NULL) {
        service->name = strdup(name);
        service->name_size = strlen(name);
        service->context = context;
        service->direction = direction;
        service->index = context->service_count++;
        service->next = context->first_service;
        context->first_service = service;
    }
    pthread_mutex_unlock(&context->lock);
    return service != NULL && service->name != NULL ? service : NULL;
}

static bool is_in_force(struct paa_context *context, const struct paa_service *service)
{
    const struct generation *generation = atomic_load(&context->current);

    return service != NULL && service->index < generation->service_count &&
           generation->services[service->index].conf != NULL;
}

bool service_fits_host(const struct paa_context *context, const struct service_rules *service,
                       struct paa_error *error)
{
    const struct service_conf *conf = service->conf;

    if (service->has_upstream && (context->can & PAA_CAN_UPSTREAM) == 0) {
        (void)context_error(
            error,
            "service %s: `upstream` sets fields of the request, and this host does not "
            "apply edits to requests (PAA_CAN_UPSTREAM)",
            conf->name);
        return false;
    }
    if (service->shows_key != NULL && (context->can & PAA_CAN_CLIENT_KEY) == 0) {
        (void)context_error(error,
                            "service %s: %s shows a client certificate, and this host presents "
                            "none (PAA_CAN_CLIENT_KEY)",
                            conf->name, service->shows_key->id.name);
        return false;
    }
    for (uint32_t i = 0; i < service->route_count; i++)
        if (service->routes[i].kind == ROUTE_ENDPOINT && (context->can & PAA_CAN_BROWSER) == 0) {
            (void)context_error(error,
                                "service %s: %.*s is for PAA to answer, and this host does not "
                                "answer browsers (PAA_CAN_BROWSER)",
                                conf->name, STR_ARGS(service->routes[i].path));
            return false;
        }
    for (size_t i = 0; i < conf->rule_count; i++)
        if (service->rules[i].logs_in != NULL && (context->can & PAA_CAN_BROWSER) == 0) {
            (void)
                context_error(error,
                              "service %s: a step logs browsers in, and this host does not answer "
                              "browsers (PAA_CAN_BROWSER)",
                              conf->name);
            return false;
        }
    return true;
}

/* The service as it is in force, if this host can do what it needs; taken from now on. Context's lock is held. */
static struct paa_service *take_locked(struct paa_context *context, struct paa_service *service,
                                       struct paa_error *error)
{
    const struct generation *generation = atomic_load(&context->current);
    const struct service_rules *rules = &generation->services[service->index];
    struct paa_error why;

    if (!service_fits_host(context, rules, &why)) {
        (void)context_error(error, "%s:%u: %s", rules->conf->where.file, rules->conf->where.line,
                            why.text);
        return NULL;
    }
    service->is_taken = true;
    return service;
}

struct paa_service *paa_service_find(struct paa_context *context, const char *name,
                                     enum paa_direction direction, struct paa_error *error)
{
    bool is_incoming = direction == PAA_INCOMING;
    struct paa_service *found, *other;
    bool has_found, has_other;

    if (context == NULL || name == NULL) {
        (void)context_error(error, "no context, or no service name");
        return NULL;
    }
    pthread_mutex_lock(&context->lock);
    found = find_locked(context, name, direction);
    other = find_locked(context, name, is_incoming ? PAA_OUTGOING : PAA_INCOMING);
    has_found = is_in_force(context, found);
    has_other = is_in_force(context, other);
    if (has_found)
        found = take_locked(context, found, error);
    pthread_mutex_unlock(&context->lock);
    if (has_found)
        return found;
    if (has_other)
        (void)context_error(error, "%s: the service %s is %s, not %s", context->policy_path, name,
                            is_incoming ? "outgoing" : "incoming",
                            is_incoming ? "incoming" : "outgoing");
    else
        (void)context_error(error, "%s: there is no service %s", context->policy_path, name);
    return NULL;
}

/* ---- starting and stopping ----------------------------------------------------------------------- */

static void wake_lanes(uint32_t events, void *arg)
{
    struct paa_context *context = arg;

    (void)events;
    reactor_unwatch(context->services.reactor, context->stop_fd);
    pthread_mutex_lock(&context->lock);
    for (struct paa_lane *lane = context->first_lane; lane != NULL; lane = lane->next)
        lane_wake(lane);
    pthread_mutex_unlock(&context->lock);
}

/* In a child of the process that ran lanes: their waits, locks and threads stayed behind. */
static void forget_parent(struct paa_context *context)
{
    pthread_mutex_init(&context->lock, NULL);
    context->first_lane = NULL;
    context->is_reloading = false;
    context->dead = NULL;
    context->burials = 0;
    atomic_store(&context->pending, 0);
    atomic_store(&context->pending_bytes, 0);
    atomic_load(&context->current)->holders = 1;
    if (context->stop_fd >= 0)
        close(context->stop_fd);
}

static int start_locked(struct paa_context *context, struct paa_error *error)
{
    if (context->process == process_number)
        return 0;
    if (context->process != 0)
        forget_parent(context);
    context->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (context->stop_fd < 0)
        return context_error(error, "no descriptor is left for the context: %s", strerror(errno));
    if (services_start(&context->services, error) != 0)
        return -1;
    if (reactor_watch(context->services.reactor, context->stop_fd, EPOLLIN, wake_lanes, context) !=
        0)
        return context_error(error, "the context's descriptor cannot be watched");
    context->process = process_number;
    return 0;
}

int context_start(struct paa_context *context, struct paa_error *error)
{
    bool is_first;
    int status;

    if (context == NULL || (context->flags & PAA_OPEN_CHECK) != 0)
        return context_error(error, "a context that only checks has no lanes");
    start_watch();
    start_hold();
    is_first = context->process != process_number;
    status = start_locked(context, error);
    start_release();
    if (status == 0 && is_first)
        watch_policy(context);
    return status;
}

void paa_context_stop(struct paa_context *context)
{
    uint64_t one = 1;
    int saved = errno;

    if (context == NULL)
        return;
    atomic_store(&context->is_stopped, true);
    if (context->stop_fd >= 0)
        (void)!write(context->stop_fd, &one, sizeof one);
    errno = saved;
}

void paa_context_log_level(struct paa_context *context, enum paa_level level)
{
    if (context != NULL)
        atomic_store(&context->services.log.level, (int)level);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static void tell_host(enum paa_level level, struct where where, const char *sentence, void *user)
{
    struct paa_context *context = user;

    if (context->diagnostic_fn != NULL)
        context->diagnostic_fn(level, where.file, (int)where.line, sentence, context->user);
    else
        log_finding(level, where, sentence, context);
}

static bool copy_options(struct paa_context *context, const struct paa_context_options *options)
{
    context->flags = options->flags;
    context->can = options->can;
    context->user = options->user;
    context->diagnostic_fn = options->diagnostic_fn;
    context->converse_fn = options->converse_fn;
    context->max_pending = options->max_pending > 0 ? options->max_pending : PENDING_DEFAULT;
    context->max_pending_bytes =
        options->max_pending_bytes > 0 ? options->max_pending_bytes : PENDING_BYTES_DEFAULT;
    context->policy_path = strdup(options->policy);
    context->plugin_dir =
        options->plugin_dir != NULL ? strdup(options->plugin_dir) : loader_plugin_dir();
    context->allow_plugins =
        calloc(options->allow_plugin_count + 1, sizeof *context->allow_plugins);
    if (context->policy_path == NULL || context->plugin_dir == NULL ||
        context->allow_plugins == NULL)
        return false;
    for (size_t i = 0; i < options->allow_plugin_count; i++)
        if ((context->allow_plugins[i] = strdup(options->allow_plugins[i])) != NULL)
            context->allow_plugin_count++;
    return context->allow_plugin_count == options->allow_plugin_count;
}

static void fill_host_table(struct paa_host *host)
{
    *host = (struct paa_host){
        .abi = PAA_ABI,
        .struct_size = sizeof *host,
        .fail = op_fail,
        .alloc = op_alloc,
        .request = &engine_host_request,
        .outcome = &engine_host_outcome,
        .options = &config_host_options,
        .sources = &services_host_sources,
        .keys = &services_host_keys,
        .http = &services_host_http,
        .memo = &services_host_memo,
        .store = &services_host_store,
        .work = &services_host_work,
        .clock = &services_host_clock,
        .random = &services_host_random,
        .log = &services_host_log,
        .conversation = &engine_host_conversation,
    };
}

static bool init_services(struct paa_context *context, const struct paa_context_options *options)
{
    struct services *services = &context->services;
    enum paa_level level = options->log_level != 0 ? options->log_level : PAA_LEVEL_NOTICE;

    services->clock = (struct clock){ options->real_time_fn, options->monotonic_fn, options->user };
    services->chance = (struct chance){ options->random_fn, options->user };
    services->flags = options->flags;
    log_init(&services->log, options->log_fn, options->user,
             (options->flags & PAA_OPEN_ANY_THREAD) != 0, level);
    return services_init(services) == 0;
}

static struct paa_context *context_new(const struct paa_context_options *options)
{
    struct paa_context *context = calloc(1, sizeof *context);
    pthread_condattr_t steady;

    if (context == NULL)
        return NULL;
    context->stop_fd = -1;
    context->reload.fn = reload_task;
    pthread_mutex_init(&context->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&context->changed, &steady);
    pthread_condattr_destroy(&steady);
    context->counters = counters_new((options->flags & PAA_OPEN_SHARED_COUNTERS) != 0);
    fill_host_table(&context->host);
    if (!init_services(context, options) || context->counters == NULL ||
        !copy_options(context, options)) {
        paa_context_close(&context);
        return NULL;
    }
    return context;
}

static int64_t ask_passphrase(const char *place, char *ret_passphrase, size_t size, void *arg)
{
    const struct paa_context *context = arg;
    char text[PROMPT_MAX];
    struct paa_prompt prompt;

    (void)snprintf(text, sizeof text, "Passphrase of %.400s: ", place);
    paa_init(&prompt, sizeof prompt);
    prompt.kind = PAA_PROMPT_SECRET;
    prompt.text = paa_str_of(text);
    return context->converse_fn(&prompt, ret_passphrase, size, context->user);
}

int paa_context_open(struct paa_context **ret_context, const struct paa_context_options *options,
                     struct paa_error *error)
{
    struct diag findings = { .fn = tell_host };
    struct generation *generation;
    struct paa_context *context;

    *ret_context = NULL;
    if (!struct_fits(options, sizeof *options) || (options->flags & ~(uint32_t)OPEN_FLAGS) != 0 ||
        (options->can & ~(uint32_t)CAN_FLAGS) != 0 || options->policy == NULL)
        return context_error(
            error, "the context's options name no policy, or hold an unknown flag or member");
    (void)OPENSSL_init_crypto(0, NULL); /* its exit handler comes before ours */
    context = context_new(options);
    if (context == NULL)
        return context_error(error, "no memory is left for a context");
    findings.user = context;
    keys_ask_by(context->services.keys, context->converse_fn != NULL ? ask_passphrase : NULL,
                context);
    generation = generation_load(context, &findings);
    keys_ask_by(context->services.keys, NULL, NULL);
    log_deliver(&context->services.log);
    if (generation == NULL) {
        if (error != NULL)
            *error = findings.first;
        paa_context_close(&context);
        return -1;
    }
    context_publish(context, generation);
    *ret_context = context;
    return 0;
}

/* ---- closing ----------------------------------------------------------------------------------- */

static void free_names(struct paa_context *context)
{
    struct paa_service *service;

    while ((service = context->first_service) != NULL) {
        context->first_service = service->next;
        free(service->name);
        free(service);
    }
    for (size_t i = 0; context->allow_plugins != NULL && i < context->allow_plugin_count; i++)
        free(context->allow_plugins[i]);
    free(context->allow_plugins);
    free(context->policy_path);
    free(context->plugin_dir);
}

static void await_idle(struct paa_context *context)
{
    pthread_mutex_lock(&context->lock);
    while ((context->is_reloading || context->burials > 0) &&
           !atomic_load(&context->services.is_halted))
        pthread_cond_wait(&context->changed, &context->lock);
    pthread_mutex_unlock(&context->lock);
}

void paa_context_close(struct paa_context **ret_context)
{
    struct paa_context *context = *ret_context;
    struct generation *generation;

    *ret_context = NULL;
    if (context == NULL)
        return;
    paa_context_stop(context);
    if (context->process != 0 && context->process != process_number)
        return; /* a child that opened no lane: what the parent's threads held cannot be taken apart here */
    await_idle(context);
    generation = atomic_load(&context->current);
    if (generation != NULL) {
        pthread_mutex_lock(&context->lock);
        generation_drop(generation);
        pthread_mutex_unlock(&context->lock);
        context_bury(context);
        await_idle(context);
    }
    services_stop(&context->services);
    log_deliver(&context->services.log);
    services_free(&context->services);
    log_free(&context->services.log);
    counters_free(context->counters);
    free_names(context);
    if (context->stop_fd >= 0)
        close(context->stop_fd);
    pthread_cond_destroy(&context->changed);
    pthread_mutex_destroy(&context->lock);
    free(context);
}
