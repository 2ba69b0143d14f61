/* SPDX-License-Identifier: MIT */
/* An explanation for people: what was asked, rule, chain, verdict, who it was, what would be
 * sent. Pure. */
#include "explain_chain.h"

#include "str.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>

static void write_size(struct out *out, const char *before, size_t size, const char *after)
{
    char text[64];

    (void)snprintf(text, sizeof text, "%s%zu byte%s%s", before, size, size == 1 ? "" : "s", after);
    out_styled(out, DIM, text);
}

/* A URL without what its query may hold. */
static void write_url(struct out *out, enum style style, struct paa_str url, bool reveals)
{
    size_t query = str_find(url, '?', 0);

    if (reveals || query == url.size) {
        out_given(out, style, url);
        return;
    }
    out_given(out, style, str_slice(url, 0, query + 1));
    out_styled(out, DIM, "***");
}

static void write_request(struct out *out, const struct explanation *explanation)
{
    const struct given *given = explanation->given;

    out_given(out, BOLD, paa_str_of(given->method));
    out_text(out, " ");
    write_url(out, BOLD, paa_str_of(given->whole_url), explanation->reveals);
    out_text(out, "\n");
    out_styled(out, DIM,
               explanation->direction == PAA_INCOMING ? "incoming, service "
                                                      : "outgoing, service ");
    out_given(out, DIM, paa_str_of(given->service));
    if (given->has_time) {
        char time[TIME_TEXT_SIZE];

        time_format(given->time_s, time);
        out_styled(out, DIM, ", as of ");
        out_styled(out, DIM, time);
    }
    out_styled(out, DIM, explanation->is_online ? ", online\n\n" : ", offline\n\n");
}

static void write_rule(struct out *out, const struct explanation *explanation)
{
    const struct paa_rule *rule = &explanation->rule;

    explain_label(out, "Rule");
    if (!explanation->has_rule && explanation->answer.why == PAA_WHY_SERVED) {
        out_text(out, "none is asked\n\n");
        return;
    }
    if (!explanation->has_rule) {
        out_styled(out, YELLOW, "none");
        out_text(out, "\n\n");
        return;
    }
    if (rule->pattern.size > 0)
        out_given(out, BOLD, rule->pattern);
    else
        out_styled(out, BOLD, "every request");
    out_text(out, "  ");
    explain_place(out, rule->file, rule->line);
    out_text(out, "\n\n");
}

/* "https://host:port" of a URL; absent if it is none. */
static struct paa_str origin_of(struct paa_str url)
{
    struct given_url parts;

    if (url.data == NULL || given_url_parse(url, &parts) != NULL || parts.authority.data == NULL)
        return STR_NONE;
    return paa_str_of_n(url.data, (size_t)(parts.authority.data + parts.authority.size - url.data));
}

static void write_allow(struct out *out, const struct explanation *explanation)
{
    struct paa_str origin = origin_of(explanation->target);

    out_styled(out, GREEN, "ALLOW");
    if (explanation->direction == PAA_INCOMING) {
        out_text(out, "  the request goes on to the application\n");
    } else {
        if (origin.data == NULL)
            origin = origin_of(paa_str_of(explanation->given->whole_url));
        out_text(out, "  the request may be sent to ");
        out_given(out, BOLD, origin);
        out_text(out, "\n");
    }
    if (target_is_edited(explanation)) {
        explain_label(out, "");
        out_text(out, "as ");
        write_url(out, PLAIN, explanation->target, explanation->reveals);
        out_text(out, "\n");
    }
}

static void write_answer(struct out *out, const struct explanation *explanation)
{
    const struct paa_answer *answer = &explanation->answer;
    enum style style = answer->why == PAA_WHY_SERVED ? GREEN : RED;
    char status[64];

    (void)snprintf(status, sizeof status, "%" PRIu32 " %s", answer->code,
                   status_phrase(answer->code));
    out_styled(out, style, explanation->direction == PAA_INCOMING ? "ANSWER  " : "DO NOT SEND  ");
    out_styled(out, style, status);
    out_text(out, "  ");
    out_text(out, why_word(answer->why));
    if (answer->reason.size > 0) {
        out_text(out, ", ");
        out_given(out, PLAIN, answer->reason);
    }
    out_text(out, "\n");
    if (answer->sentence.size > 0) {
        explain_label(out, "");
        out_given(out, PLAIN, answer->sentence);
        out_text(out, "\n");
    }
    if (answer->delay_ms > 0) {
        explain_label(out, "");
        out_printf(out, "sent after %" PRId64 " ms", answer->delay_ms);
        out_text(out, "\n");
    }
}

static void write_detail(struct out *out, const char *name, struct paa_str value)
{
    if (value.size == 0)
        return;
    explain_label(out, "");
    out_styled(out, DIM, name);
    out_pad(out, strlen(name), LABEL_WIDTH);
    out_given(out, PLAIN, value);
    out_text(out, "\n");
}

static void write_detail_time(struct out *out, const char *name, int64_t time_s)
{
    char time[TIME_TEXT_SIZE];

    if (time_s <= 0)
        return;
    time_format(time_s, time);
    write_detail(out, name, paa_str_of(time));
}

static void write_principal(struct out *out, const struct paa_principal *principal, bool is_primary)
{
    struct paa_str name = principal->subject.size > 0 ? principal->subject : principal->client_id;

    explain_label(out, is_primary ? "Principal" : "and");
    if (name.size > 0)
        out_given(out, is_primary ? BOLD : PLAIN, name);
    else
        out_text(out, "(without a name)");
    if ((principal->flags & PAA_PRINCIPAL_USER) != 0)
        out_text(out, ", a person");
    if ((principal->flags & PAA_PRINCIPAL_MACHINE) != 0)
        out_text(out, ", a machine");
    out_styled(out, DIM, ", says ");
    out_given(out, DIM, principal->instance);
    out_text(out, "\n");
    write_detail(out, "issuer", principal->issuer);
    if (principal->subject.size > 0)
        write_detail(out, "client_id", principal->client_id);
    write_detail(out, "scope", principal->scope);
    write_detail(out, "methods", principal->methods);
    write_detail_time(out, "auth_time", principal->auth_time_s);
    write_detail_time(out, "expires", principal->expires_at_s);
    write_detail(out, "cnf", principal->cnf);
    write_detail(out, "claims", principal->claims);
}

static void write_principals(struct out *out, const struct explanation *explanation)
{
    for (size_t i = 0; i < explanation->principal_count; i++)
        write_principal(out, &explanation->principals[i], i == 0);
    if (explanation->principal_count > 0) {
        out_text(out, "\n");
    } else if (explanation->state == PAA_TXN_ALLOW && explanation->direction == PAA_INCOMING) {
        explain_label(out, "Principal");
        out_styled(out, YELLOW, "nobody: let in without a name");
        out_text(out, "\n\n");
    }
}

static void write_notes(struct out *out, const struct explanation *explanation)
{
    for (size_t i = 0; i < explanation->note_count; i++) {
        explain_label(out, i == 0 ? "Noted" : "");
        out_given(out, DIM, explanation->notes[i].name);
        out_text(out, "  ");
        out_given(out, PLAIN, explanation->notes[i].value);
        out_text(out, "\n");
    }
    if (explanation->note_count > 0)
        out_text(out, "\n");
}

static void write_edit(struct out *out, const struct paa_edit *edit, bool reveals)
{
    const char *word = edit_word(edit->kind);

    out_styled(out, DIM, word);
    out_pad(out, strlen(word), strlen("remove") - 1);
    out_given(out, edit->kind == PAA_EDIT_REMOVE ? DIM : BOLD, edit->name);
    if (edit->kind != PAA_EDIT_REMOVE) {
        out_text(out, ": ");
        if (edit->value.size == 0) {
            out_styled(out, DIM, "(empty)");
        } else if ((edit->flags & PAA_EDIT_SECRET) == 0 || reveals) {
            out_given(out, PLAIN, edit->value);
        } else {
            out_text(out, "***");
            write_size(out, "  (", edit->value.size, ", secret)");
        }
    }
    out_text(out, "\n");
}

static void write_edits(struct out *out, const char *label, const struct paa_edit *edits,
                        size_t count, bool reveals)
{
    for (size_t i = 0; i < count; i++) {
        explain_label(out, i == 0 ? label : "");
        write_edit(out, &edits[i], reveals);
    }
    if (count > 0)
        out_text(out, "\n");
}

static void write_content(struct out *out, const struct paa_answer *answer)
{
    if (answer->content.size == 0)
        return;
    explain_label(out, "Content");
    out_given(out, PLAIN, answer->media_type);
    write_size(out, "  ", answer->content.size, "\n\n");
    if (answer->why == PAA_WHY_SERVED && str_eq(answer->media_type, STR("application/json"))) {
        explain_label(out, "");
        out_given(out, PLAIN,
                  paa_str_of_n((const char *)answer->content.data, answer->content.size));
        out_text(out, "\n\n");
    }
}

static void write_no_tls(struct out *out, const struct explanation *explanation)
{
    if (explanation->state != PAA_TXN_ALLOW || explanation->direction != PAA_OUTGOING)
        return;
    explain_label(out, "TLS");
    out_text(out, "none: plain http, to a loopback address\n\n");
}

static void write_tls(struct out *out, const struct explanation *explanation)
{
    const struct paa_client_tls *tls = &explanation->tls;

    if (!explanation->has_tls) {
        write_no_tls(out, explanation);
        return;
    }
    explain_label(out, "TLS");
    if ((tls->flags & PAA_CLIENT_TLS_INSECURE) != 0)
        out_styled(out, YELLOW, "the server is not verified: the policy gave insecure_reason");
    else
        out_text(out, tls->trust_pem.data != NULL ? "trusts the policy's own CAs"
                                                  : "trusts the system's CAs");
    out_text(out, "\n");
    if (tls->chain_pem.data != NULL) {
        explain_label(out, "");
        out_text(out, "shows a client certificate");
        if (tls->key_pem.data != NULL)
            write_size(out, ", key ***  (", tls->key_pem.size, ", secret)");
        out_text(out, "\n");
    }
    write_detail(out, "key", tls->key_uri);
    write_detail(out, "module", tls->key_module);
    write_detail(out, "pins", tls->pins);
    write_detail(out, "name", tls->server_name);
    out_text(out, "\n");
}

/* A path alone says not whom it is for, and a service with origins asks that first. */
static bool lacks_authority(const struct explanation *explanation)
{
    const struct given *given = explanation->given;

    if (explanation->state == PAA_TXN_ALLOW || explanation->answer.why == PAA_WHY_SERVED ||
        explanation->has_rule || given->url.authority.data != NULL)
        return false;
    for (size_t i = 0; i < given->field_count; i++)
        if (str_eq_nocase(given->fields[i].name, STR("host")))
            return false;
    return true;
}

static void write_note(struct out *out, const char *text)
{
    explain_label(out, "Note");
    out_styled(out, YELLOW, text);
    out_text(out, "\n\n");
}

static void write_end(struct out *out, const struct explanation *explanation)
{
    if (lacks_authority(explanation))
        write_note(out, "a path alone names no authority: give a whole URL, or -H 'Host: ...'");
    if (explanation->ignored_body > 0)
        write_note(out, "the chain asked for the request's content, and `explain` has none");
}

void explain_text(const struct explanation *explanation, struct out *out)
{
    bool is_incoming = explanation->direction == PAA_INCOMING;
    bool is_allowed = explanation->state == PAA_TXN_ALLOW;

    write_request(out, explanation);
    write_rule(out, explanation);
    explain_chain(explanation, out);
    explain_label(out, "Verdict");
    if (is_allowed)
        write_allow(out, explanation);
    else
        write_answer(out, explanation);
    out_text(out, "\n");
    write_principals(out, explanation);
    write_notes(out, explanation);
    write_edits(out, is_incoming ? "Upstream" : "Sends", explanation->request_edits,
                explanation->request_edit_count, explanation->reveals);
    write_edits(out, "Response", explanation->response_edits, explanation->response_edit_count,
                explanation->reveals);
    if (!is_allowed)
        write_content(out, &explanation->answer);
    write_tls(out, explanation);
    write_end(out, explanation);
}
