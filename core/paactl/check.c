/* SPDX-License-Identifier: MIT */
/* `paactl check`: opens the policy only to hear what is wrong with it. Executes nothing the
 * policy names. */
#include "command.h"
#include "out.h"
#include "prompt.h"
#include "session.h"
#include "str.h"

#include <paa/paa.h>
#include <stdio.h>
#include <string.h>

struct check {
    const char *policy;
    bool is_json;
    struct out out;
    struct json json;
    size_t errors;
    size_t warnings;
};

static enum style style_of(enum paa_level level)
{
    switch (level) {
    case PAA_LEVEL_ERROR:
        return RED;
    case PAA_LEVEL_WARNING:
        return YELLOW;
    default:
        return PLAIN;
    }
}

static void write_finding(struct out *out, enum paa_level level, const char *file, int line,
                          const char *sentence)
{
    out_given(out, BOLD, paa_str_of(file));
    if (line > 0)
        out_printf(out, ":%d", line);
    out_text(out, ": ");
    out_styled(out, style_of(level), level_word(level));
    out_text(out, ": ");
    out_given(out, PLAIN, paa_str_of(sentence));
    out_text(out, "\n");
}

static void write_finding_json(struct json *json, enum paa_level level, const char *file, int line,
                               const char *sentence)
{
    json_open(json, NULL, '{');
    json_text(json, "level", level_word(level));
    json_text(json, "file", file);
    if (line > 0)
        json_int(json, "line", line);
    else
        json_null(json, "line");
    json_text(json, "sentence", sentence);
    json_close(json, '}');
}

static void on_finding(enum paa_level level, const char *file, int line, const char *sentence,
                       void *user)
{
    struct check *check = user;

    check->errors += level == PAA_LEVEL_ERROR;
    check->warnings += level == PAA_LEVEL_WARNING;
    if (check->is_json)
        write_finding_json(&check->json, level, file, line, sentence);
    else
        write_finding(&check->out, level, file, line, sentence);
}

static void begin(struct check *check)
{
    out_init(&check->out);
    if (!check->is_json)
        return;
    json_init(&check->json, &check->out.buf);
    json_open(&check->json, NULL, '{');
    json_open(&check->json, "findings", '[');
}

static void write_count(struct out *out, size_t count, enum style style, const char *what)
{
    char text[64];

    (void)snprintf(text, sizeof text, "%zu %s%s", count, what, count == 1 ? "" : "s");
    out_styled(out, count > 0 ? style : PLAIN, text);
}

static void write_summary(struct check *check)
{
    struct out *out = &check->out;

    out_given(out, BOLD, paa_str_of(check->policy));
    if (check->errors == 0 && check->warnings == 0) {
        out_text(out, ": ");
        out_styled(out, GREEN, "no errors, no warnings");
    } else {
        out_text(out, ": ");
        write_count(out, check->errors, RED, "error");
        out_text(out, ", ");
        write_count(out, check->warnings, YELLOW, "warning");
    }
    out_text(out, "\n");
}

static bool finish(struct check *check)
{
    if (!check->is_json) {
        write_summary(check);
        return out_flush(&check->out);
    }
    json_close(&check->json, ']');
    json_bool(&check->json, "ok", check->errors == 0);
    json_close(&check->json, '}');
    return out_json(&check->out.buf);
}

static bool paths_are_absolute(const struct texts *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        if (paths->items[i][0] != '/') {
            complain("--allow-plugin %s: give the absolute path", paths->items[i]);
            return false;
        }
    return true;
}

/* A sentence may begin with the file's name already. */
static const char *without_name(const char *sentence, const char *name)
{
    size_t size = strlen(name);

    return strncmp(sentence, name, size) == 0 && strncmp(sentence + size, ": ", 2) == 0
               ? sentence + size + 2
               : sentence;
}

/* The passphrase of a key, which is read to be checked. */
static int64_t on_prompt(const struct paa_prompt *prompt, char *ret_reply, size_t size, void *user)
{
    (void)user;
    return prompt_answer(prompt, false, ret_reply, size);
}

int check_run(const struct args *args)
{
    struct check check = { .policy = args->rest.items[0], .is_json = args->json };
    struct paa_context_options options;
    struct paa_context *context = NULL;
    struct paa_error error = { "" };
    int failed;

    if (!paths_are_absolute(&args->allow_plugins))
        return EXIT_USAGE;
    begin(&check);
    paa_init(&options, sizeof options);
    options.flags = PAA_OPEN_CHECK;
    options.can = CAN_ALL;
    options.log_level = PAA_LEVEL_WARNING;
    options.policy = check.policy;
    options.plugin_dir = args->plugin_dir;
    options.log_fn = log_to_stderr;
    options.diagnostic_fn = on_finding;
    options.converse_fn = on_prompt;
    options.user = &check;
    options.allow_plugins = args->allow_plugins.items;
    options.allow_plugin_count = args->allow_plugins.count;
    failed = paa_context_open(&context, &options, &error);
    if (failed != 0 && check.errors == 0) /* before the policy could be read */
        on_finding(PAA_LEVEL_ERROR, check.policy, 0, without_name(error.text, check.policy),
                   &check);
    paa_context_close(&context);
    if (!finish(&check))
        return EXIT_USAGE;
    return failed != 0 || check.errors > 0 ? EXIT_NO : EXIT_YES;
}
