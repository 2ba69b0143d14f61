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
    bool is_page; /* one plugin was named: its options too */
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

/* Name, then what it takes on the same line, then what it means. */
static void write_option(struct out *out, const struct paa_option_info *info)
{
    out_text(out, "\n  ");
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
    out_text(out, "\n      ");
    out_given(out, PLAIN, paa_str_of(info->help));
    out_text(out, "\n");
}

static void write_flags_json(struct json *json, uint32_t flags)
{
    bool both = (flags & (PAA_INFO_INCOMING | PAA_INFO_OUTGOING)) == 0;

    json_bool(json, "incoming", both || (flags & PAA_INFO_INCOMING) != 0);
    json_bool(json, "outgoing", both || (flags & PAA_INFO_OUTGOING) != 0);
}

static void end_plugin_json(struct plugins *plugins)
{
    if (plugins->count == 0)
        return;
    json_close(&plugins->json, ']');
    json_close(&plugins->json, '}');
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
    json_text(json, "option", info->option);
    json_text(json, "type", info->type);
    json_text(json, "default", has_text(info->fallback) ? info->fallback : NULL);
    json_bool(json, "required", (info->flags & PAA_INFO_REQUIRED) != 0);
    json_bool(json, "secret", (info->flags & PAA_INFO_SECRET) != 0);
    write_flags_json(json, info->flags);
    json_text(json, "help", info->help);
    json_close(json, '}');
}

static void on_info(const struct paa_option_info *info, void *user)
{
    struct plugins *plugins = user;
    bool is_plugin = !has_text(info->option);

    if (is_plugin && plugins->is_json)
        write_plugin_json(plugins, info);
    else if (is_plugin)
        write_plugin(plugins, info);
    else if (plugins->is_json)
        write_option_json(&plugins->json, info);
    else if (plugins->is_page)
        write_option(&plugins->out, info);
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
