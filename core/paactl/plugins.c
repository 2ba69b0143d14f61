/* SPDX-License-Identifier: MIT */
/* `paactl plugins`: what the plugins say about themselves, as a list, a page or JSON. */
#include "command.h"
#include "out.h"
#include "str.h"

#include <paa/paa.h>

struct plugins {
    struct out out;
    struct json json;
    bool is_json;
    bool is_page;   /* one plugin was named: its options and verbs too */
    bool has_verbs; /* of the plugin at hand, one was told */
    size_t count;
};

static const char *directions_of(uint32_t flags)
{
    bool incoming = (flags & PAA_INFO_INCOMING) != 0;
    bool outgoing = (flags & PAA_INFO_OUTGOING) != 0;

    if (incoming == outgoing)
        return incoming ? "incoming, outgoing" : "";
    return incoming ? "incoming" : "outgoing";
}

static bool has_text(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void write_plugin(struct plugins *plugins, const struct paa_option_info *info)
{
    struct out *out = &plugins->out;

    out_given(out, BOLD, paa_str_of(info->plugin));
    out_text(out, " ");
    out_given(out, PLAIN, paa_str_of(info->version));
    if (directions_of(info->flags)[0] != '\0')
        out_printf(out, "  (%s)", directions_of(info->flags));
    out_text(out, "\n  ");
    out_given(out, PLAIN, paa_str_of(info->help));
    out_text(out, "\n  ");
    out_given(out, DIM, paa_str_of(info->path));
    out_text(out, "\n");
}

static void write_verb(struct plugins *plugins, const struct paa_option_info *info)
{
    struct out *out = &plugins->out;

    if (!plugins->has_verbs)
        out_styled(out, DIM, "\npaactl run -c FILE INSTANCE VERB [name=value]...\n");
    plugins->has_verbs = true;
    out_text(out, "\n  ");
    out_given(out, BOLD, paa_str_of(info->verb));
    out_text(out, "  ");
    out_given(out, PLAIN, paa_str_of(info->help));
    out_text(out, "\n");
}

/* Name, then what it takes on the same line, then what it means. Arguments stand below their verb. */
static void write_option(struct out *out, const struct paa_option_info *info)
{
    const char *indent = info->verb != NULL ? "      " : "\n  ";

    out_text(out, indent);
    out_given(out, BOLD, paa_str_of(info->option));
    out_text(out, "  ");
    out_given(out, PLAIN, paa_str_of(info->type));
    if ((info->flags & PAA_INFO_REQUIRED) != 0)
        out_styled(out, YELLOW, ", required");
    if (has_text(info->fallback)) {
        out_text(out, ", default ");
        out_given(out, PLAIN, paa_str_of(info->fallback));
    }
    if ((info->flags & PAA_INFO_SECRET) != 0 && !paa_str_eq(paa_str_of(info->type), "secret"))
        out_text(out, ", secret");
    if ((info->flags & (PAA_INFO_INCOMING | PAA_INFO_OUTGOING)) != 0 &&
        (info->flags & (PAA_INFO_INCOMING | PAA_INFO_OUTGOING)) !=
            (PAA_INFO_INCOMING | PAA_INFO_OUTGOING))
        out_printf(out, ", %s only", directions_of(info->flags));
    out_text(out, info->verb != NULL ? "\n          " : "\n      ");
    out_given(out, PLAIN, paa_str_of(info->help));
    out_text(out, "\n");
}

static void write_flags_json(struct json *json, uint32_t flags)
{
    bool both = (flags & (PAA_INFO_INCOMING | PAA_INFO_OUTGOING)) == 0;

    json_bool(json, "incoming", both || (flags & PAA_INFO_INCOMING) != 0);
    json_bool(json, "outgoing", both || (flags & PAA_INFO_OUTGOING) != 0);
}

static void end_verb_json(struct json *json)
{
    json_close(json, ']');
    json_close(json, '}');
}

/* Behind the options of the plugin at hand. */
static void begin_verbs_json(struct plugins *plugins)
{
    if (plugins->has_verbs)
        return;
    json_close(&plugins->json, ']');
    json_open(&plugins->json, "verbs", '[');
}

static void write_verb_json(struct plugins *plugins, const struct paa_option_info *info)
{
    struct json *json = &plugins->json;

    begin_verbs_json(plugins);
    if (plugins->has_verbs)
        end_verb_json(json);
    plugins->has_verbs = true;
    json_open(json, NULL, '{');
    json_text(json, "verb", info->verb);
    json_text(json, "help", info->help);
    json_open(json, "arguments", '[');
}

static void end_plugin_json(struct plugins *plugins)
{
    struct json *json = &plugins->json;

    if (plugins->count == 0)
        return;
    begin_verbs_json(plugins);
    if (plugins->has_verbs)
        end_verb_json(json);
    json_close(json, ']');
    json_close(json, '}');
}

static void write_plugin_json(struct plugins *plugins, const struct paa_option_info *info)
{
    struct json *json = &plugins->json;

    end_plugin_json(plugins);
    json_open(json, NULL, '{');
    json_text(json, "plugin", info->plugin);
    json_text(json, "version", info->version);
    json_text(json, "path", info->path);
    json_text(json, "summary", info->help);
    write_flags_json(json, info->flags);
    json_open(json, "options", '[');
}

static void write_option_json(struct json *json, const struct paa_option_info *info)
{
    json_open(json, NULL, '{');
    json_text(json, info->verb != NULL ? "argument" : "option", info->option);
    json_text(json, "type", info->type);
    json_text(json, "default", has_text(info->fallback) ? info->fallback : NULL);
    json_bool(json, "required", (info->flags & PAA_INFO_REQUIRED) != 0);
    json_bool(json, "secret", (info->flags & PAA_INFO_SECRET) != 0);
    if (info->verb == NULL)
        write_flags_json(json, info->flags);
    json_text(json, "help", info->help);
    json_close(json, '}');
}

static void write_info_json(struct plugins *plugins, const struct paa_option_info *info)
{
    if (has_text(info->option))
        write_option_json(&plugins->json, info);
    else if (info->verb != NULL)
        write_verb_json(plugins, info);
    else
        write_plugin_json(plugins, info);
}

static void write_info(struct plugins *plugins, const struct paa_option_info *info)
{
    bool is_plugin = info->verb == NULL && !has_text(info->option);

    if (is_plugin)
        write_plugin(plugins, info);
    else if (plugins->is_page && has_text(info->option))
        write_option(&plugins->out, info);
    else if (plugins->is_page)
        write_verb(plugins, info);
}

static void on_info(const struct paa_option_info *info, void *user)
{
    struct plugins *plugins = user;
    bool is_plugin = info->verb == NULL && !has_text(info->option);

    if (plugins->is_json)
        write_info_json(plugins, info);
    else
        write_info(plugins, info);
    if (is_plugin)
        plugins->has_verbs = false;
    plugins->count += is_plugin;
}

static bool finish(struct plugins *plugins)
{
    if (!plugins->is_json)
        return out_flush(&plugins->out);
    end_plugin_json(plugins);
    json_close(&plugins->json, ']');
    return out_json(&plugins->out.buf);
}

int plugins_run(const struct args *args)
{
    struct plugins plugins = { .is_json = args->json, .is_page = args->rest.count > 0 };
    struct paa_error error = { "" };
    int failed;

    out_init(&plugins.out);
    json_init(&plugins.json, &plugins.out.buf);
    if (plugins.is_json)
        json_open(&plugins.json, NULL, '[');
    failed = paa_plugin_describe(args->plugin_dir, plugins.is_page ? args->rest.items[0] : NULL,
                                 on_info, &plugins, &error);
    if (!finish(&plugins))
        return EXIT_USAGE;
    if (failed != 0)
        complain("%s", error.text);
    else if (plugins.count == 0)
        complain("there is no plugin in %s; name another directory with --plugin-dir",
                 args->plugin_dir != NULL ? args->plugin_dir : "the plugin directory");
    return failed != 0 || plugins.count == 0 ? EXIT_NO : EXIT_YES;
}
