/* SPDX-License-Identifier: MIT */
/* explain_chain.h: one row for each step, its sentence below, columns as wide as their widest
 * text. */
#include "explain_chain.h"

#include "str.h"

#include <inttypes.h>
#include <stdio.h>

enum { TIME_TEXT_MAX = 40 };

struct widths {
    size_t control;
    size_t instance;
    size_t result;
    size_t reason;
    size_t time;
};

void explain_label(struct out *out, const char *label)
{
    out_styled(out, BOLD, label);
    out_pad(out, strlen(label), LABEL_WIDTH);
}

static bool has_run(const struct paa_step *step)
{
    return step->result != 0;
}

/* A built-in step's plugin has the same name: once is enough. */
static bool shows_plugin(const struct paa_step *step)
{
    return step->plugin.size > 0 && !str_eq(step->plugin, step->instance);
}

static bool is_member(const struct paa_step *step)
{
    return (step->flags & PAA_STEP_MEMBER) != 0;
}

static void format_time(const struct out *out, const struct paa_step *step,
                        char ret_text[TIME_TEXT_MAX])
{
    int64_t ns = step->time_ns;

    ret_text[0] = '\0';
    if (!has_run(step) || ns < 0)
        return;
    if (ns < 1000)
        (void)snprintf(ret_text, TIME_TEXT_MAX, "%" PRId64 " ns", ns);
    else if (ns < 1000000)
        (void)snprintf(ret_text, TIME_TEXT_MAX, "%" PRId64 ".%d %s", ns / 1000,
                       (int)(ns % 1000 / 100), out_glyph(out, GLYPH_MICRO));
    else if (ns < 1000000000)
        (void)snprintf(ret_text, TIME_TEXT_MAX, "%" PRId64 ".%d ms", ns / 1000000,
                       (int)(ns % 1000000 / 100000));
    else
        (void)snprintf(ret_text, TIME_TEXT_MAX, "%" PRId64 ".%d s", ns / 1000000000,
                       (int)(ns % 1000000000 / 100000000));
}

static size_t instance_columns(const struct out *out, const struct paa_step *step)
{
    size_t branch = is_member(step) ? out_columns(paa_str_of(out_glyph(out, GLYPH_BRANCH))) : 0;
    size_t plugin = shows_plugin(step) ? out_columns(step->plugin) + 3 : 0;

    return branch + out_columns(step->instance) + plugin;
}

static void widen(size_t *width, size_t columns)
{
    *width = columns > *width ? columns : *width;
}

static struct widths measure(const struct explanation *explanation, const struct out *out)
{
    struct widths widths = { 0 };
    char time[TIME_TEXT_MAX];

    for (size_t i = 0; i < explanation->step_count; i++) {
        const struct paa_step *step = &explanation->steps[i];

        format_time(out, step, time);
        widen(&widths.control, out_columns(step->control));
        widen(&widths.instance, instance_columns(out, step));
        widen(&widths.result, strlen(result_word(step->result)));
        widen(&widths.reason, has_run(step) ? out_columns(step->reason) : 0);
        widen(&widths.time, out_columns(paa_str_of(time)));
    }
    return widths;
}

struct look {
    enum glyph glyph;
    enum style style;
};

static struct look look_of(const struct explanation *explanation, const struct paa_step *step)
{
    if (!has_run(step))
        return (struct look){ GLYPH_NOT_RUN, DIM };
    if (step->result == PAA_ACCEPT)
        return (struct look){ GLYPH_YES, GREEN };
    if (step_is_swallowed(explanation, step))
        return (struct look){ GLYPH_WARNING, YELLOW };
    if (step->result == PAA_ABSENT || step->result == PAA_IGNORE)
        return (struct look){ GLYPH_NEUTRAL, PLAIN };
    return (struct look){ GLYPH_NO, RED };
}

static void write_names(struct out *out, const struct paa_step *step, const struct widths *widths)
{
    enum style style = has_run(step) ? PLAIN : DIM;
    enum style name_style = has_run(step) ? BOLD : DIM;

    out_given(out, style, step->control);
    out_pad(out, out_columns(step->control), widths->control);
    if (is_member(step))
        out_styled(out, DIM, out_glyph(out, GLYPH_BRANCH));
    out_given(out, name_style, step->instance);
    if (shows_plugin(step)) {
        out_styled(out, DIM, " (");
        out_given(out, DIM, step->plugin);
        out_styled(out, DIM, ")");
    }
    out_pad(out, instance_columns(out, step), widths->instance);
}

void explain_place(struct out *out, struct paa_str file, uint32_t line)
{
    char text[32];

    (void)snprintf(text, sizeof text, ":%" PRIu32, line);
    out_given(out, DIM, file);
    out_styled(out, DIM, text);
}

static void write_outcome(struct out *out, const struct paa_step *step, const struct widths *widths,
                          enum style style)
{
    const char *word = result_word(step->result);
    char time[TIME_TEXT_MAX];

    format_time(out, step, time);
    out_styled(out, style, word);
    out_pad(out, strlen(word), widths->result);
    if (widths->reason > 0) {
        out_given(out, style, step->reason);
        out_pad(out, out_columns(step->reason), widths->reason);
    }
    for (size_t i = out_columns(paa_str_of(time)); i < widths->time; i++)
        out_text(out, " ");
    out_text(out, time);
    if (step->file.size == 0)
        return;
    out_text(out, "  ");
    explain_place(out, step->file, step->line);
}

static void write_below(struct out *out, const struct widths *widths, enum style style,
                        struct paa_str text)
{
    explain_label(out, "");
    out_pad(out, 0, widths->control + 2); /* under the instance */
    out_given(out, style, text);
    out_text(out, "\n");
}

static void write_step(struct out *out, const struct explanation *explanation, size_t index,
                       const struct widths *widths)
{
    const struct paa_step *step = &explanation->steps[index];
    struct look look = look_of(explanation, step);

    explain_label(out, index == 0 ? "Chain" : "");
    out_styled(out, look.style, out_glyph(out, look.glyph));
    out_text(out, " ");
    write_names(out, step, widths);
    if (!has_run(step)) {
        out_styled(out, DIM, "not run: ");
        out_styled(out, DIM, step_not_run(explanation, index));
        out_text(out, "\n");
        return;
    }
    write_outcome(out, step, widths, look.style);
    out_text(out, "\n");
    if (step->sentence.size > 0)
        write_below(out, widths, step->result == PAA_ACCEPT ? DIM : PLAIN, step->sentence);
    if (step_is_swallowed(explanation, step))
        write_below(out, widths, YELLOW,
                    paa_str_of("this failure did not count: the chain let it pass"));
}

void explain_chain(const struct explanation *explanation, struct out *out)
{
    struct widths widths = measure(explanation, out);

    if (explanation->step_count == 0) {
        explain_label(out, "Chain");
        out_styled(out, DIM, "none was walked\n");
    }
    for (size_t i = 0; i < explanation->step_count; i++)
        write_step(out, explanation, i, &widths);
    out_text(out, "\n");
}
