/* SPDX-License-Identifier: MIT */
/* A policy becomes a generation: files are read, instances made, rules made ready, everything linted. One error and
 * nothing of it stays. */
#include "engine.h"
#include "store.h"
#include "str.h"
#include "trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { POLICY_FILES_MAX = 1000 };

#define GENERATION_ARENA_MAX ((size_t)8 << 30)

struct files {
    struct policy_file *list;
    size_t count;
};

/* A finding about a file as a whole. */
static struct where whole(const char *file)
{
    return (struct where){ file, 0 };
}

/* ---- files ------------------------------------------------------------------------------------- */

static bool add_file(struct generation *generation, struct files *files, const char *name,
                     struct diag *diag)
{
    struct policy_file *file = &files->list[files->count];
    struct paa_error error;
    char *text;
    size_t size;

    file->name = arena_printf(&generation->arena, "%s", name);
    file->folder = generation->folder;
    if (file->name == NULL || trust_read(name, 0, FILE_MAX, &text, &size, &error) != 0) {
        diag_error(diag, whole(name), "%s", error.text);
        return false;
    }
    file->text = paa_str_of_n(text, size);
    files->count++;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_policy_name(const char *name)
{
    size_t size = strlen(name);

    return size > 5 && name[0] != '.' && strcmp(name + size - 5, ".conf") == 0;
}

/* One entry of the folder. False: it cannot be taken in, and nothing is left out silently. */
static bool take_entry(struct generation *generation, const char *path, const char *entry,
                       const char **names, size_t *count, struct diag *diag)
{
    char *name = arena_printf(&generation->arena, "%s/%s", path, entry);

    if (name == NULL || *count == POLICY_FILES_MAX) {
        diag_error(diag, whole(path), "the folder holds more than %d policy files",
                   POLICY_FILES_MAX);
        return false;
    }
    if (is_policy_name(entry))
        names[(*count)++] = name;
    else
        diag_add(diag, PAA_LEVEL_NOTICE, whole(name),
                 "skipped: a policy folder is read for *.conf only");
    return true;
}

/* The folder's *.conf in byte order; what else lies there is named, so that nobody wonders. */
static bool list_folder(struct generation *generation, const char *path, const char **names,
                        size_t *ret_count, struct diag *diag)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool is_good = folder != NULL;
    int failure = errno;

    *ret_count = 0;
    do {
        errno = 0;
        entry = is_good ? readdir(folder) : NULL;
        failure = folder != NULL ? errno : failure;
        if (entry != NULL && entry->d_name[0] != '.')
            is_good = take_entry(generation, path, entry->d_name, names, ret_count, diag);
    } while (entry != NULL && is_good);
    if (failure != 0 || folder == NULL) {
        diag_error(diag, whole(path), "the folder cannot be read: %s", strerror(failure));
        is_good = false;
    }
    if (folder != NULL)
        closedir(folder);
    qsort(names, *ret_count, sizeof *names, compare_names);
    return is_good;
}

static bool read_folder(struct generation *generation, struct files *files, const char *path,
                        struct diag *diag)
{
    const char **names = calloc(POLICY_FILES_MAX, sizeof *names);
    struct paa_error error;
    struct stat st;
    size_t count = 0;
    bool is_good = names != NULL;
    int fd = trust_open(path, TRUST_FOLDER, &st, NULL, &error);

    if (fd < 0) {
        diag_error(diag, whole(path), "%s", error.text);
        is_good = false;
    } else {
        close(fd);
    }
    is_good = is_good && list_folder(generation, path, names, &count, diag);
    if (is_good && count == 0) {
        diag_error(diag, whole(path), "the folder holds no *.conf");
        is_good = false;
    }
    for (size_t i = 0; i < count && is_good; i++)
        is_good = add_file(generation, files, names[i], diag);
    free(names);
    return is_good;
}

/* Where relative paths of the policy start: its own folder, absolute. */
static const char *folder_of(struct generation *generation, const char *path, bool is_folder)
{
    char *real = realpath(path, NULL);
    char *folder = real != NULL ? arena_printf(&generation->arena, "%s", real) : NULL;
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;

    free(real);
    if (slash != NULL && !is_folder)
        slash[slash == folder ? 1 : 0] = '\0';
    return folder;
}

static bool read_files(struct generation *generation, struct files *files, struct diag *diag)
{
    const char *path = generation->context->policy_path;
    struct stat st;

    files->count = 0;
    files->list = arena_array(&generation->arena, POLICY_FILES_MAX, sizeof *files->list);
    if (files->list == NULL)
        return false;
    if (stat(path, &st) != 0) {
        diag_error(diag, whole(path), "the policy cannot be read: %s", strerror(errno));
        return false;
    }
    generation->folder = folder_of(generation, path, S_ISDIR(st.st_mode));
    if (generation->folder == NULL) {
        diag_error(diag, whole(path), "the policy's folder cannot be resolved");
        return false;
    }
    return S_ISDIR(st.st_mode) ? read_folder(generation, files, path, diag)
                               : add_file(generation, files, path, diag);
}

static void free_files(const struct files *files)
{
    for (size_t i = 0; files->list != NULL && i < files->count; i++) {
        secret_wipe((void *)(uintptr_t)files->list[i].text.data, files->list[i].text.size);
        free((void *)(uintptr_t)files->list[i].text.data);
    }
}

/* ---- making ------------------------------------------------------------------------------------ */

static bool parse(struct generation *generation, struct diag *diag)
{
    struct files files = { NULL, 0 };

    if (read_files(generation, &files, diag))
        generation->policy = policy_parse(files.list, files.count, &generation->arena, diag);
    free_files(&files);
    return generation->policy != NULL;
}

static bool seal_store(const struct generation *generation, const struct store_conf *store,
                       struct diag *diag)
{
    struct source_spec specs[STORE_SEAL_MAX];
    struct paa_error error = { "" };

    for (size_t i = 0; i < store->seal_count; i++)
        specs[i] = source_spec_of(generation, &store->seal[i], store->where, SOURCE_SECRET);
    if (stores_seal(generation->context->services.stores, store->name, specs, store->seal_count,
                    &error) == 0)
        return true;
    diag_error(diag, store->where, "store %s: seal: %s", store->name, error.text);
    return false;
}

static bool define_stores(struct generation *generation, struct diag *diag)
{
    const struct policy *policy = generation->policy;

    for (size_t i = 0; i < policy->store_count; i++) {
        const struct store_conf *store = &policy->stores[i];

        if (stores_define(generation->context->services.stores, store->name, store->path,
                          store->where) != 0) {
            diag_error(diag, store->where, "store %s cannot be defined: no memory", store->name);
            return false;
        }
        if (!seal_store(generation, store, diag))
            return false;
    }
    return true;
}

/* All of them, so that one check names every mistake. */
static bool make_instances(struct generation *generation, struct diag *diag)
{
    const struct policy *policy = generation->policy;
    bool is_good = true;

    generation->instances =
        arena_array(&generation->arena, policy->instance_count + 1, sizeof *generation->instances);
    if (generation->instances == NULL)
        return false;
    generation->instance_count = policy->instance_count;
    for (size_t i = 0; i < policy->instance_count; i++) {
        generation->instances[i].index = (uint32_t)i;
        is_good =
            instance_make(generation, &generation->instances[i], &policy->instances[i], diag) &&
            is_good;
    }
    return is_good;
}

static bool make_services(struct generation *generation, struct diag *diag)
{
    const struct policy *policy = generation->policy;

    for (size_t i = 0; i < policy->service_count; i++)
        if (context_service(generation->context, policy->services[i].name,
                            policy->services[i].direction) == NULL)
            return false;
    generation->service_count = generation->context->service_count;
    generation->services = arena_array(&generation->arena, generation->service_count + 1,
                                       sizeof *generation->services);
    if (generation->services == NULL)
        return false;
    for (size_t i = 0; i < policy->service_count; i++) {
        const struct service_conf *conf = &policy->services[i];
        const struct paa_service *handle =
            context_service(generation->context, conf->name, conf->direction);
        struct service_rules *service = &generation->services[handle->index];

        service->conf = conf;
        if (!rules_make(generation, service) || !routes_make(generation, service, diag))
            return false;
        client_tls_make(generation, service, diag);
    }
    return true;
}

static bool make_audit(struct generation *generation, struct diag *diag)
{
    const struct policy *policy = generation->policy;

    if (policy->audit_file == NULL ||
        (generation->context->flags & (PAA_OPEN_CHECK | PAA_OPEN_OFFLINE)) != 0)
        return true;
    generation->audit =
        audit_new(&generation->context->services, policy->audit_file, policy->audit_required);
    if (generation->audit == NULL)
        diag_error(diag, whole(policy->audit_file), "no memory is left for the audit");
    return generation->audit != NULL;
}

/* A service that the host uses already may not come to need what this host cannot do. */
static void check_hosts(const struct generation *generation, struct diag *diag)
{
    struct paa_service *service;

    pthread_mutex_lock(&generation->context->lock);
    for (service = generation->context->first_service; service != NULL; service = service->next) {
        const struct service_rules *rules = &generation->services[service->index];
        struct paa_error error;

        if (service->is_taken && rules->conf != NULL &&
            !service_fits_host(generation->context, rules, &error))
            diag_error(diag, rules->conf->where, "%s", error.text);
    }
    pthread_mutex_unlock(&generation->context->lock);
}

static bool make(struct generation *generation, struct diag *diag)
{
    if (!parse(generation, diag) || !define_stores(generation, diag) ||
        !make_instances(generation, diag))
        return false;
    if (!make_services(generation, diag) || !make_audit(generation, diag)) {
        diag_error(diag, whole(generation->context->policy_path),
                   "no memory is left for the policy");
        return false;
    }
    policy_warn_keys(generation->policy, diag);
    check_hosts(generation, diag);
    lint_generation(generation, diag);
    return diag->errors == 0;
}

struct generation *generation_load(struct paa_context *context, struct diag *diag)
{
    struct generation *generation = calloc(1, sizeof *generation);

    if (generation == NULL) {
        diag_error(diag, whole(context->policy_path), "no memory is left");
        return NULL;
    }
    generation->context = context;
    arena_init(&generation->arena, NULL, 0, GENERATION_ARENA_MAX);
    if (make(generation, diag))
        return generation;
    generation_free(generation);
    return NULL;
}

void generation_free(struct generation *generation)
{
    for (size_t i = 0; generation->instances != NULL && i < generation->instance_count; i++)
        instance_unmake(&generation->instances[i]);
    for (size_t i = 0; generation->services != NULL && i < generation->service_count; i++)
        client_tls_close(&generation->services[i].tls);
    generation_close_keys(generation);
    audit_free(generation->audit);
    arena_free(&generation->arena);
    free(generation);
}
