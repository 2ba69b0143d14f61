/* SPDX-License-Identifier: MIT */
/* An explanation as JSON: the shape that paactl(1) documents. Members are only ever added. */
#include "explain.h"

#include "str.h"

static const struct paa_str MASK = { "***", 3 };

/* 0: not known. */
static void write_positive(struct json *json, const char *name, int64_t number)
{
    if (number > 0)
        json_int(json, name, number);
    else
        json_null(json, name);
}

static void write_rule(struct json *json, const struct explanation *explanation)
{
    const struct paa_rule *rule = &explanation->rule;

    if (!explanation->has_rule) {
        json_null(json, "rule");
        return;
    }
    json_open(json, "rule", '{');
    json_str(json, "file", rule->file);
    json_int(json, "line", rule->line);
    json_str(json, "pattern", rule->pattern);
    json_str(json, "service", rule->service);
    json_int(json, "index", rule->index);
    json_close(json, '}');
}

static void write_edits(struct json *json, const char *name, const struct paa_edit *edits,
                        size_t count, bool reveals)
{
    json_open(json, name, '[');
    for (size_t i = 0; i < count; i++) {
        bool is_secret = (edits[i].flags & PAA_EDIT_SECRET) != 0;

        json_open(json, NULL, '{');
        json_text(json, "kind", edit_word(edits[i].kind));
        json_str(json, "name", edits[i].name);
        if (edits[i].kind == PAA_EDIT_REMOVE)
            json_null(json, "value");
        else
            json_str(json, "value", is_secret && !reveals ? MASK : edits[i].value);
        json_bool(json, "secret", is_secret);
        json_int(json, "size", (int64_t)edits[i].value.size);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static const char *kind_of(uint32_t flags)
{
    if ((flags & PAA_PRINCIPAL_USER) != 0)
        return "user";
    return (flags & PAA_PRINCIPAL_MACHINE) != 0 ? "machine" : NULL;
}

static void write_principal(struct json *json, const char *name,
                            const struct paa_principal *principal)
{
    json_open(json, name, '{');
    json_str(json, "instance", principal->instance);
    json_str(json, "subject", principal->subject);
    json_str(json, "issuer", principal->issuer);
    json_str(json, "client_id", principal->client_id);
    json_str(json, "scope", principal->scope);
    json_str(json, "methods", principal->methods);
    json_text(json, "kind", kind_of(principal->flags));
    write_positive(json, "expires_at_s", principal->expires_at_s);
    write_positive(json, "auth_time_s", principal->auth_time_s);
    json_str(json, "cnf", principal->cnf);
    json_str(json, "claims", principal->claims);
    json_close(json, '}');
}

static void write_principals(struct json *json, const struct explanation *explanation)
{
    if (explanation->principal_count > 0)
        write_principal(json, "principal", &explanation->principals[0]);
    else
        json_null(json, "principal");
    json_open(json, "principals", '[');
    for (size_t i = 0; i < explanation->principal_count; i++)
        write_principal(json, NULL, &explanation->principals[i]);
    json_close(json, ']');
}

static void write_steps(struct json *json, const struct explanation *explanation)
{
    json_open(json, "steps", '[');
    for (size_t i = 0; i < explanation->step_count; i++) {
        const struct paa_step *step = &explanation->steps[i];
        bool has_run = step->result != 0;

        json_open(json, NULL, '{');
        json_str(json, "instance", step->instance);
        json_str(json, "plugin", step->plugin);
        json_str(json, "control", step->control);
        json_text(json, "result", has_run ? result_word(step->result) : "not_run");
        json_str(json, "reason", step->reason);
        if (has_run)
            json_str(json, "sentence", step->sentence);
        else
            json_text(json, "sentence", step_not_run(explanation, i));
        if (has_run && step->time_ns >= 0)
            json_int(json, "time_ns", step->time_ns);
        else
            json_null(json, "time_ns");
        json_str(json, "file", step->file);
        json_int(json, "line", step->line);
        json_bool(json, "same_group", (step->flags & PAA_STEP_MEMBER) != 0);
        json_bool(json, "swallowed", step_is_swallowed(explanation, step));
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void write_verdict(struct json *json, const struct explanation *explanation)
{
    const struct paa_answer *answer = &explanation->answer;

    if (explanation->state == PAA_TXN_ALLOW) {
        static const char *const none[] = { "status",        "why",      "reason",    "sentence",
                                            "retry_after_s", "delay_ms", "media_type" };

        json_text(json, "verdict", "allow");
        for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
            json_null(json, none[i]);
        return;
    }
    json_text(json, "verdict", "answer");
    json_int(json, "status", answer->code);
    json_text(json, "why", why_word(answer->why));
    json_str(json, "reason", answer->reason);
    json_str(json, "sentence", answer->sentence);
    write_positive(json, "retry_after_s", answer->retry_after_s);
    write_positive(json, "delay_ms", answer->delay_ms);
    json_str(json, "media_type", answer->media_type);
}

static void write_tls(struct json *json, const struct explanation *explanation)
{
    const struct paa_client_tls *tls = &explanation->tls;

    if (!explanation->has_tls) {
        json_null(json, "connection");
        return;
    }
    json_open(json, "connection", '{');
    json_str(json, "chain_pem", tls->chain_pem);
    json_str(json, "key_pem",
             tls->key_pem.data != NULL && !explanation->reveals ? MASK : tls->key_pem);
    json_str(json, "key_uri", tls->key_uri);
    json_str(json, "key_module", tls->key_module);
    json_str(json, "key_pin",
             tls->key_pin.data != NULL && !explanation->reveals ? MASK : tls->key_pin);
    json_str(json, "trust_pem", tls->trust_pem);
    json_str(json, "pins", tls->pins);
    json_str(json, "server_name", tls->server_name);
    write_positive(json, "min_version", tls->min_version);
    write_positive(json, "max_version", tls->max_version);
    json_bool(json, "insecure", (tls->flags & PAA_CLIENT_TLS_INSECURE) != 0);
    json_close(json, '}');
}

/* A URL without what its query may hold. */
static void write_url(struct json *json, const char *name, struct paa_str url, bool reveals)
{
    size_t query = str_find(url, '?', 0);
    struct buf text;

    if (reveals || query == url.size) {
        json_str(json, name, url);
        return;
    }
    buf_init(&text, OUT_MAX);
    buf_add_str(&text, str_slice(url, 0, query + 1));
    buf_add_str(&text, MASK);
    json_str(json, name, buf_str(&text));
    buf_free(&text);
}

static void write_request(struct json *json, const struct explanation *explanation)
{
    const struct given *given = explanation->given;

    json_text(json, "service", given->service);
    json_text(json, "direction", explanation->direction == PAA_INCOMING ? "incoming" : "outgoing");
    json_text(json, "method", given->method);
    write_url(json, "url", paa_str_of(given->whole_url), explanation->reveals);
    if (given->has_time)
        json_int(json, "at_s", given->time_s);
    else
        json_null(json, "at_s");
    json_bool(json, "online", explanation->is_online);
}

void explain_json(const struct explanation *explanation, struct buf *buf)
{
    struct json json;
    bool is_allowed = explanation->state == PAA_TXN_ALLOW;

    json_init(&json, buf);
    json_open(&json, NULL, '{');
    write_request(&json, explanation);
    write_verdict(&json, explanation);
    write_rule(&json, explanation);
    write_edits(&json, "headers", explanation->response_edits, explanation->response_edit_count,
                explanation->reveals);
    write_edits(&json, "edits", explanation->request_edits, explanation->request_edit_count,
                explanation->reveals);
    write_url(&json, "target", is_allowed ? explanation->target : STR_NONE, explanation->reveals);
    write_principals(&json, explanation);
    write_steps(&json, explanation);
    write_tls(&json, explanation);
    buf_add_text(buf, ",\"audit\":"); /* JSON already */
    buf_add_str(buf, explanation->audit.size > 0 ? explanation->audit : STR("null"));
    json_close(&json, '}');
}
