/* SPDX-License-Identifier: MIT */
/*
 * ABI negotiation: may this plugin's table be used by this core? Pure. What is not understood is refused, never
 * dropped; what an older minor lacks reads as zero. Knows no file; `path` is for sentences.
 */
#include "abi.h"
#include "loader.h"
#include "str.h"

#include <stdarg.h>
#include <stdio.h>

/* The first release's layouts: nothing that is shorter was ever a table. The last slot without which a plugin is
 * none is attach. */
#define TABLE_MIN  (offsetof(struct paa_plugin, attach) + sizeof(paa_slot_fn))
#define OPTION_MIN (offsetof(struct paa_option, max) + sizeof(int64_t))
#define VERB_MIN   (offsetof(struct paa_verb, finish) + sizeof(paa_finish_fn))

static const uint32_t PLUGIN_FLAGS = PAA_PLUGIN_LOGIN;
static const uint32_t OPTION_FLAGS = PAA_OPTION_REQUIRED | PAA_OPTION_LIST | PAA_OPTION_GENERATE |
                                     PAA_OPTION_INCOMING | PAA_OPTION_OUTGOING |
                                     PAA_OPTION_INSTANCE;

struct check {
    const char *path;
    size_t option_size;
    bool has_endpoint;
    bool is_verb; /* arguments: no name of theirs is the core's */
    struct paa_error *error;
};

PAA_PRINTF(2, 3) static int refuse(const struct check *check, const char *format, ...)
{
    char *text = check->error->text;
    int size = snprintf(text, sizeof check->error->text, "%s: ", check->path);
    va_list arguments;

    if (size < 0 || (size_t)size >= sizeof check->error->text)
        size = 0;
    va_start(arguments, format);
    (void)vsnprintf(text + size, sizeof check->error->text - (size_t)size, format, arguments);
    va_end(arguments);
    return -1;
}

bool abi_is_name(struct paa_str name)
{
    if (name.data == NULL || name.size == 0 || name.size > ABI_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

void abi_symbol(char ret_symbol[ABI_SYMBOL_MAX], unsigned major, struct paa_str name)
{
    (void)snprintf(ret_symbol, ABI_SYMBOL_MAX, "paa_plugin_%u_%.*s", major, STR_ARGS(name));
    for (char *at = ret_symbol; *at != '\0'; at++)
        if (*at == '-')
            *at = '_';
}

static bool is_zero(const void *data, size_t from, size_t to)
{
    const unsigned char *bytes = data;

    for (size_t i = from; i < to; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* ---- versions ---------------------------------------------------------------------------------- */

static int check_version(const struct check *check, uint32_t abi, uint32_t needs_abi,
                         uint32_t core_abi)
{
    uint32_t needs = needs_abi != 0 ? needs_abi : abi;

    if (abi >> 16 != core_abi >> 16)
        return refuse(check,
                      "built for PAA's plugin ABI %u, but this core has ABI %u: install the "
                      "plugin's build for ABI %u",
                      abi >> 16, core_abi >> 16, core_abi >> 16);
    if (needs >> 16 != core_abi >> 16)
        return refuse(check,
                      "says it needs PAA's plugin ABI %u.%u though it was built for %u.%u: "
                      "its needs_abi is wrong",
                      needs >> 16, needs & 0xffff, abi >> 16, abi & 0xffff);
    if ((needs & 0xffff) > (core_abi & 0xffff))
        return refuse(check,
                      "needs PAA's plugin ABI %u.%u or later, but this core has %u.%u: update PAA",
                      needs >> 16, needs & 0xffff, core_abi >> 16, core_abi & 0xffff);
    return 0;
}

static int check_size(const struct check *check, const struct paa_plugin *table)
{
    size_t size = table->struct_size;

    if (size < TABLE_MIN || size > ABI_TABLE_MAX || size % sizeof(void *) != 0)
        return refuse(check, "its table says it has %zu bytes, which no release's table has", size);
    if (size > sizeof *table && !is_zero(table, sizeof *table, size))
        return refuse(check,
                      "uses slots that this core does not know (%zu bytes, the core knows "
                      "%zu): update PAA",
                      size, sizeof *table);
    return 0;
}

/* ---- names and slots --------------------------------------------------------------------------- */

static int check_names(const struct check *check, const struct paa_plugin *slots, const char *name)
{
    if (slots->name == NULL || !abi_is_name(paa_str_of(slots->name)))
        return refuse(check, "its table has no name of the form [a-z0-9-]+");
    if (strcmp(slots->name, name) != 0)
        return refuse(check,
                      "its table calls it \"%s\", but it was loaded as \"%s\": name, symbol "
                      "and file must agree",
                      slots->name, name);
    if (strcmp(name, "permit") == 0 || strcmp(name, "deny") == 0)
        return refuse(check, "\"%s\" is a name of the core's own: give the plugin another one",
                      name);
    if (slots->version == NULL || slots->summary == NULL)
        return refuse(check, "its table lacks %s", slots->version == NULL ? "version" : "summary");
    return 0;
}

static int check_slots(const struct check *check, const struct paa_plugin *slots)
{
    if ((slots->flags & ~PLUGIN_FLAGS) != 0)
        return refuse(check, "sets flags that this core does not know (0x%x): update PAA",
                      slots->flags & ~PLUGIN_FLAGS);
    if (slots->verify == NULL && slots->attach == NULL)
        return refuse(check, "has neither verify nor attach: a plugin needs one of them");
    if (check->has_endpoint && slots->serve == NULL)
        return refuse(check, "has an ENDPOINT option but no serve slot");
    if ((slots->flags & PAA_PLUGIN_LOGIN) != 0 && slots->challenge == NULL)
        return refuse(check, "says that challenge logs in, but has no challenge slot");
    if (slots->state_size > ABI_MEMORY_MAX || slots->lane_size > ABI_MEMORY_MAX)
        return refuse(check, "asks for %zu bytes of %s; more than %d is refused",
                      slots->state_size > ABI_MEMORY_MAX ? slots->state_size : slots->lane_size,
                      slots->state_size > ABI_MEMORY_MAX ? "state" : "lane memory", ABI_MEMORY_MAX);
    return 0;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static int check_rows(const struct check *check, const char *what, const void *rows, size_t count,
                      size_t size, size_t min_size, size_t known_size)
{
    if (count == 0)
        return 0;
    if (rows == NULL || count > ABI_ROWS_MAX)
        return refuse(check, "its table of %s has %zu rows%s", what, count,
                      rows == NULL ? " but is not there" : ", which is too many");
    if (size < min_size || size > ABI_ROW_MAX || size % sizeof(void *) != 0)
        return refuse(check, "its rows of %s have %zu bytes, which no release's rows have", what,
                      size);
    for (size_t i = 0; size > known_size && i < count; i++)
        if (!is_zero((const char *)rows + i * size, known_size, size))
            return refuse(check, "its %s use members that this core does not know: update PAA",
                          what);
    return 0;
}

/* No other layout than today's exists yet: what is longer was seen to be zero. */
static const struct paa_option *option_at(const struct paa_option *rows, size_t size, size_t index)
{
    return (const void *)((const char *)rows + index * size);
}

/* A row `tls` says that the plugin fetches; what the group holds is the core's. */
static bool is_reserved(const struct paa_option *option)
{
    static const char *const reserved[] = { "plugin", "sha256", "store", "paa" };

    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(option->name, reserved[i]) == 0)
            return true;
    return strcmp(option->name, "tls") == 0 && option->type != PAA_OPTION_TLS;
}

static int check_option(const struct check *check, const struct paa_option *option, size_t index)
{
    bool is_group = option->type == PAA_OPTION_GROUP;
    bool is_choice = option->type == PAA_OPTION_CHOICE;

    if (option->name == NULL || option->name[0] == '\0')
        return refuse(check, "its option %zu has no name", index + 1);
    if (option->type < PAA_OPTION_STRING || option->type > PAA_OPTION_GROUP)
        return refuse(check,
                      "its option %s has a type that this core does not know (%d): update PAA",
                      option->name, (int)option->type);
    if ((option->flags & ~OPTION_FLAGS) != 0)
        return refuse(check,
                      "its option %s has flags that this core does not know (0x%x): update PAA",
                      option->name, option->flags & ~OPTION_FLAGS);
    if (is_group != (option->member_count > 0))
        return refuse(check, "its option %s %s", option->name,
                      is_group ? "is a group without members" : "has members but is no group");
    if (is_choice && (option->choices == NULL || option->choices[0] == '\0'))
        return refuse(check, "its option %s is a choice of nothing", option->name);
    if ((option->flags & PAA_OPTION_GENERATE) != 0 && option->type != PAA_OPTION_SECRET)
        return refuse(check, "its option %s is to be generated but is no secret", option->name);
    if ((option->flags & PAA_OPTION_INSTANCE) != 0 &&
        (!check->is_verb || option->type != PAA_OPTION_STRING))
        return refuse(check, "its option %s names an instance, which strings of verbs do only",
                      option->name);
    if (option->min > option->max)
        return refuse(check, "its option %s has a minimum above its maximum", option->name);
    return 0;
}

static int check_unique(const struct check *check, const struct paa_option *rows, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const char *name = option_at(rows, check->option_size, i)->name;

        for (size_t j = 0; j < i; j++)
            if (strcmp(option_at(rows, check->option_size, j)->name, name) == 0)
                return refuse(check, "its option %s is there twice", name);
    }
    return 0;
}

/* Recurses into groups; a group that holds itself ends at the depth. */
static int check_options(struct check *check, const struct paa_option *rows, size_t count,
                         unsigned depth)
{
    if (depth >= ABI_DEPTH_MAX && count > 0)
        return refuse(check, "its options hold groups in groups more than %d deep", ABI_DEPTH_MAX);
    if (check_rows(check, "options", rows, count, check->option_size, OPTION_MIN, sizeof *rows) !=
        0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const struct paa_option *option = option_at(rows, check->option_size, i);

        if (check_option(check, option, i) != 0)
            return -1;
        if (depth == 0 && !check->is_verb && is_reserved(option))
            return refuse(check, "its option %s has a name that is the core's own", option->name);
        if (option->type == PAA_OPTION_ENDPOINT)
            check->has_endpoint = true;
        if (check_options(check, option->members, option->member_count, depth + 1) != 0)
            return -1;
    }
    return check_unique(check, rows, count);
}

static int check_verbs(struct check *check, const struct paa_plugin *slots)
{
    bool has_endpoint = check->has_endpoint;

    check->is_verb = true;
    if (check_rows(check, "verbs", slots->verbs, slots->verb_count, slots->verb_size, VERB_MIN,
                   sizeof(struct paa_verb)) != 0)
        return -1;
    for (size_t i = 0; i < slots->verb_count; i++) {
        const struct paa_verb *verb =
            (const void *)((const char *)slots->verbs + i * slots->verb_size);

        if (verb->name == NULL || verb->name[0] == '\0')
            return refuse(check, "its verb %zu has no name", i + 1);
        if (verb->run == NULL)
            return refuse(check, "its verb %s has no run function", verb->name);
        if (verb->state_size > ABI_MEMORY_MAX)
            return refuse(check, "its verb %s asks for %zu bytes of state; more than %d is refused",
                          verb->name, verb->state_size, ABI_MEMORY_MAX);
        if (verb->argument_count > 0 && check->option_size == 0)
            check->option_size = sizeof(struct paa_option);
        if (check_options(check, verb->arguments, verb->argument_count, 0) != 0)
            return -1;
    }
    check->has_endpoint = has_endpoint; /* arguments serve nothing */
    return 0;
}

/* ---- the whole --------------------------------------------------------------------------------- */

int abi_check(const struct paa_plugin *table, const char *name, const char *path, uint32_t core_abi,
              struct paa_plugin *ret_slots, struct paa_error *error)
{
    struct check check = { .path = path, .error = error };
    struct paa_plugin slots;

    error->text[0] = '\0';
    if (table == NULL)
        return refuse(&check, "its function gives no table");
    /* the first four members never change: nothing else is looked at before they fit */
    if (check_version(&check, table->abi, table->needs_abi, core_abi) != 0 ||
        check_size(&check, table) != 0)
        return -1;
    memset(&slots, 0, sizeof slots);
    memcpy(&slots, table, table->struct_size < sizeof slots ? table->struct_size : sizeof slots);
    slots.struct_size = sizeof slots;
    check.option_size = slots.option_size;
    if (check_names(&check, &slots, name) != 0 ||
        check_options(&check, slots.options, slots.option_count, 0) != 0 ||
        check_verbs(&check, &slots) != 0 || check_slots(&check, &slots) != 0)
        return -1;
    slots.option_size = check.option_size; /* of arguments too, where there are no options */
    *ret_slots = slots;
    return 0;
}
