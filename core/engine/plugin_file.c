/* SPDX-License-Identifier: MIT */
/* A plugin's file: found by its name, judged and loaded; and what else there is, if it is not there. */
#include "engine.h"
#include "near.h"
#include "str.h"
#include "trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the folder -------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t plugin_list(const char *path, char *names[PLUGINS_MAX])
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    size_t count = 0;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        size_t size = strlen(entry->d_name);

        if (size > 3 && strcmp(entry->d_name + size - 3, ".so") == 0 && count < PLUGINS_MAX &&
            (names[count] = strndup(entry->d_name, size - 3)) != NULL)
            count++;
    }
    if (folder != NULL)
        closedir(folder);
    qsort(names, count, sizeof *names, compare_names);
    return count;
}

/* Behind the sentence that says that there is no such file. */
static void add(struct paa_error *error, const char *before, const char *name, const char *after)
{
    size_t size = strlen(error->text);

    (void)snprintf(error->text + size, sizeof error->text - size, "%s%s%s", before, name, after);
}

static void tell_others(const char *folder, struct paa_str name, struct paa_error *error)
{
    char *names[PLUGINS_MAX];
    size_t count = plugin_list(folder, names);
    const char *near = near_word(name, (const char *const *)names, count);

    if (near != NULL)
        add(error, ": did you mean \"", near, "\"?");
    for (size_t i = 0; i < count && near == NULL; i++)
        add(error, i == 0 ? "; the plugins there are " : ", ", names[i], "");
    for (size_t i = 0; i < count; i++)
        free(names[i]);
}

/* ---- the file ---------------------------------------------------------------------------------- */

static bool is_allowed_outside(const struct paa_context *context, const char *path)
{
    if ((context->flags & PAA_OPEN_CHECK) == 0)
        return true;
    for (size_t i = 0; i < context->allow_plugin_count; i++)
        if (strcmp(context->allow_plugins[i], path) == 0)
            return true;
    return false;
}

const struct plugin *plugin_open(const struct paa_context *context, const char *name,
                                 const char *sha256, struct paa_error *error)
{
    bool is_path = name[0] == '/';
    const struct plugin *plugin = NULL;
    char *path = NULL, *real = NULL;
    struct stat st;
    int fd = -1;

    if (is_path && !is_allowed_outside(context, name)) {
        (void)context_error(error,
                            "%s is outside the plugin directory: a check loads it only with "
                            "--allow-plugin %s",
                            name, name);
        return NULL;
    }
    if (asprintf(&path, is_path ? "%s" : "%s/%s.so", is_path ? name : context->plugin_dir, name) <
        0) {
        (void)context_error(error, "no memory is left for a plugin's path");
        return NULL;
    }
    fd = trust_open(path, 0, &st, &real, error);
    if (fd >= 0) {
        plugin = loader_load(fd, &st, real, is_path ? NULL : name, sha256, error);
        close(fd);
    } else if (!is_path && access(path, F_OK) != 0 && errno == ENOENT)
        tell_others(context->plugin_dir, paa_str_of(name), error);
    free(path);
    free(real);
    return plugin;
}
