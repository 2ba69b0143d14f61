/* SPDX-License-Identifier: MIT */
/* Plugins, their option tables and verbs as documentation (paa_plugin_describe). Loads what it describes. */
#include "command.h"
#include "str.h"

#include <stdlib.h>

enum { OPTION_DEPTH_MAX = 4 };

struct telling {
    paa_option_info_fn fn;
    void *user;
    const struct plugin *plugin;
    const char *verb;
    struct arena arena;
};

static struct paa_option_info info_of(const struct telling *telling, const char *option,
                                      const char *type, const char *help)
{
    struct paa_option_info info;

    paa_init(&info, sizeof info);
    info.plugin = telling->plugin->slots.name;
    info.version = telling->plugin->slots.version;
    info.path = telling->plugin->path;
    info.verb = telling->verb;
    info.option = option;
    info.type = type;
    info.help = help;
    return info;
}

static void tell(struct telling *telling, const char *prefix, const struct paa_option *row)
{
    struct paa_option_info info;
    char type[64];

    option_type_text(row, type);
    info =
        info_of(telling, arena_printf(&telling->arena, "%s%s", prefix, row->name), type, row->help);
    info.flags = ((row->flags & PAA_OPTION_REQUIRED) != 0 ? (uint32_t)PAA_INFO_REQUIRED : 0) |
                 (row->type == PAA_OPTION_SECRET ? (uint32_t)PAA_INFO_SECRET : 0) |
                 ((row->flags & PAA_OPTION_INCOMING) != 0 ? (uint32_t)PAA_INFO_INCOMING : 0) |
                 ((row->flags & PAA_OPTION_OUTGOING) != 0 ? (uint32_t)PAA_INFO_OUTGOING : 0);
    info.fallback = row->fallback;
    telling->fn(&info, telling->user);
}

static void tell_rows(struct telling *telling, const char *prefix, const struct option_rows *rows,
                      int depth)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct paa_option *row = option_row(rows, i);
        bool is_key = row->type == PAA_OPTION_KEY;
        struct option_rows own = { row->members, row->member_count, rows->row_size };
        struct option_rows members = is_key ? option_key_rows : own;

        tell(telling, prefix, row);
        if ((is_key || row->type == PAA_OPTION_GROUP) && depth < OPTION_DEPTH_MAX)
            tell_rows(telling, arena_printf(&telling->arena, "%s%s.", prefix, row->name), &members,
                      depth + 1);
    }
}

static void tell_verbs(struct telling *telling, const struct paa_plugin *slots)
{
    for (size_t i = 0; i < slots->verb_count; i++) {
        struct option_rows rows = { NULL, 0, slots->option_size };
        struct paa_option_info info;
        struct paa_verb verb;

        if (!command_verb(slots, i, &verb))
            continue;
        telling->verb = verb.name;
        info = info_of(telling, "", "", verb.help);
        telling->fn(&info, telling->user);
        rows.rows = verb.arguments;
        rows.count = verb.argument_count;
        tell_rows(telling, "", &rows, 0);
    }
}

static void tell_plugin(const struct plugin *plugin, paa_option_info_fn fn, void *user)
{
    const struct paa_plugin *slots = &plugin->slots;
    struct option_rows rows = { slots->options, slots->option_count, slots->option_size };
    struct telling telling = { .fn = fn, .user = user, .plugin = plugin };
    struct paa_option_info info = info_of(&telling, "", "", slots->summary);

    info.flags = (slots->verify != NULL ? (uint32_t)PAA_INFO_INCOMING : 0) |
                 (slots->attach != NULL ? (uint32_t)PAA_INFO_OUTGOING : 0);
    fn(&info, user);
    arena_init(&telling.arena, NULL, 0, TXN_ARENA_MAX);
    tell_rows(&telling, "", &rows, 0);
    tell_verbs(&telling, slots);
    arena_free(&telling.arena);
}

int paa_plugin_describe(const char *plugin_dir, const char *plugin, paa_option_info_fn info_fn,
                        void *user, struct paa_error *error)
{
    char *folder = plugin_dir != NULL ? strdup(plugin_dir) : loader_plugin_dir();
    struct paa_context context = { .plugin_dir = folder };
    const struct plugin *loaded = NULL;
    char *names[PLUGINS_MAX];
    size_t count;
    int result = 0;

    if (folder == NULL)
        return context_error(error, "no memory is left");
    if (plugin != NULL) {
        loaded = plugin_open(&context, plugin, NULL, error);
        if (loaded != NULL)
            tell_plugin(loaded, info_fn, user);
        free(folder);
        return loaded != NULL ? 0 : -1;
    }
    count = plugin_list(folder, names);
    if (count == 0)
        result = context_error(error, "%s holds no plugins", folder);
    for (size_t i = 0; i < count; i++) {
        loaded = plugin_open(&context, names[i], NULL, error);
        if (loaded != NULL)
            tell_plugin(loaded, info_fn, user);
        else
            result = -1; /* the others are described all the same */
        free(names[i]);
    }
    free(folder);
    return result;
}
