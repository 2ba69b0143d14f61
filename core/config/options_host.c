/* SPDX-License-Identifier: MIT */
/* struct paa_host_options: how a plugin reads its options. What is not there, or of another type, is absent. */
#include "options_read.h"
#include "str.h"

static const struct option_value *value_of(const struct paa_options *options, const char *name,
                                           size_t index)
{
    const struct option_entry *entry;

    if (options == NULL || name == NULL)
        return NULL;
    entry = option_entry(options, name);
    return entry != NULL && index < entry->count ? &entry->values[index] : NULL;
}

static size_t host_count(const struct paa_options *options, const char *name)
{
    const struct option_entry *entry =
        options != NULL && name != NULL ? option_entry(options, name) : NULL;

    return entry != NULL ? entry->count : 0;
}

static struct paa_str host_string(const struct paa_options *options, const char *name, size_t index)
{
    const struct option_value *value = value_of(options, name, index);

    return value != NULL ? value->string : STR_NONE;
}

static int64_t host_number(const struct paa_options *options, const char *name, size_t index)
{
    const struct option_value *value = value_of(options, name, index);

    return value != NULL ? value->number : 0;
}

static const struct paa_options *host_group(const struct paa_options *options, const char *name,
                                            size_t index)
{
    const struct option_value *value = value_of(options, name, index);

    return value != NULL ? value->group : NULL;
}

static const void *handle_of(const struct paa_options *options, const char *name, size_t index,
                             enum paa_option_type type, enum paa_option_type other)
{
    const struct option_value *value = value_of(options, name, index);

    if (value == NULL || (value->row->type != type && value->row->type != other))
        return NULL;
    return value->handle;
}

static const struct paa_source *host_source(const struct paa_options *options, const char *name,
                                            size_t index)
{
    const struct option_value *first = value_of(options, name, 0);

    if (index != PAA_ALL)
        return handle_of(options, name, index, PAA_OPTION_SECRET, PAA_OPTION_PATH);
    if (first == NULL ||
        (first->row->type != PAA_OPTION_SECRET && first->row->type != PAA_OPTION_PATH))
        return NULL;
    return option_entry(options, name)->all;
}

static const struct paa_key *host_key(const struct paa_options *options, const char *name,
                                      size_t index)
{
    return handle_of(options, name, index, PAA_OPTION_KEY, PAA_OPTION_KEY);
}

static const struct paa_tls *host_tls(const struct paa_options *options, const char *name,
                                      size_t index)
{
    return handle_of(options, name, index, PAA_OPTION_TLS, PAA_OPTION_TLS);
}

static enum paa_status host_reads(const struct paa_options *options, enum paa_place place,
                                  struct paa_str name)
{
    if (options == NULL || options->top->reads_fn == NULL)
        return PAA_STATUS_INVALID;
    return options->top->reads_fn(options->top->reads_arg, place, name);
}

static struct where where_of(const struct paa_options *options, const char *name)
{
    const struct option_entry *entry = name != NULL ? option_entry(options, name) : NULL;

    return entry != NULL ? entry->where : options->where;
}

static void tell(const struct paa_options *options, enum paa_level level, const char *name,
                 struct paa_str sentence)
{
    char shown[HINT_MAX];

    if (name != NULL)
        diag_add(options->top->diag, level, where_of(options, name), "%s: %s: %.*s", options->owner,
                 expect_shown(paa_str_of(name), shown), STR_ARGS(sentence));
    else
        diag_add(options->top->diag, level, options->where, "%s: %.*s", options->owner,
                 STR_ARGS(sentence));
}

static enum paa_status host_refuse(const struct paa_options *options, const char *name,
                                   struct paa_str sentence)
{
    if (options != NULL && options->top->diag != NULL)
        tell(options, PAA_LEVEL_ERROR, name, sentence);
    return PAA_STATUS_INVALID;
}

static enum paa_status host_warn(const struct paa_options *options, const char *name,
                                 struct paa_str sentence)
{
    if (options == NULL || options->top->diag == NULL)
        return PAA_STATUS_INVALID;
    tell(options, PAA_LEVEL_WARNING, name, sentence);
    return PAA_STATUS_OK;
}

const struct paa_host_options config_host_options = {
    .struct_size = sizeof(struct paa_host_options),
    .count = host_count,
    .string = host_string,
    .number = host_number,
    .group = host_group,
    .source = host_source,
    .key = host_key,
    .tls = host_tls,
    .reads = host_reads,
    .refuse = host_refuse,
    .warn = host_warn,
};
