/* SPDX-License-Identifier: MIT */
/* session.h. */
#include "session.h"

#include "out.h"
#include "prompt.h"
#include "str.h"

const char *level_word(enum paa_level level)
{
    switch (level) {
    case PAA_LEVEL_ERROR:
        return "error";
    case PAA_LEVEL_WARNING:
        return "warning";
    default:
        return "notice";
    }
}

void log_to_stderr(enum paa_level level, struct paa_str line, void *user)
{
    (void)user;
    complain("%s: %.*s", level_word(level), STR_ARGS(line));
}

static void on_finding(enum paa_level level, const char *file, int line, const char *sentence,
                       void *user)
{
    struct session *session = user;

    if (level != PAA_LEVEL_ERROR)
        return;
    session->error_count++;
    if (line > 0)
        complain_at("%s:%d: error: %s", file, line, sentence);
    else
        complain_at("%s: error: %s", file, sentence);
}

static int64_t stated_time(void *user)
{
    const struct session *session = user;

    return session->time_ns;
}

static int64_t on_prompt(const struct paa_prompt *prompt, char *ret_reply, size_t size, void *user)
{
    const struct session *session = user;

    return prompt_answer(prompt, session->opens_browser, ret_reply, size);
}

bool session_open(struct session *session, const struct args *args, const char *policy,
                  uint32_t flags)
{
    struct paa_context_options options;
    struct paa_error error = { "" };

    paa_init(&options, sizeof options);
    options.flags = flags;
    options.can = CAN_ALL;
    options.log_level = PAA_LEVEL_WARNING;
    options.policy = policy;
    options.plugin_dir = args->plugin_dir;
    options.log_fn = log_to_stderr;
    options.diagnostic_fn = on_finding;
    options.real_time_fn = session->has_time ? stated_time : NULL;
    options.converse_fn = on_prompt;
    options.user = session;
    session->error_count = 0;
    if (paa_context_open(&session->context, &options, &error) == 0)
        return true;
    session->context = NULL;
    if (session->error_count == 0)
        complain("%s", error.text);
    return false;
}

void session_close(struct session *session)
{
    paa_context_close(&session->context);
}
