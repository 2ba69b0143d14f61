/* SPDX-License-Identifier: MIT */
/*
 * Browsers, and a provider that says what the test wants: logins through the engine, without a socket between browser
 * and host. A browser keeps cookies as RFC 6265 has it, and follows nothing by itself.
 */
#ifndef TESTS_BROWSERS_H
#define TESTS_BROWSERS_H

#include "fault_server.h"
#include "tokens.h"

enum {
    JAR_MAX = 64,
    COOKIE_VALUE_MAX = 4200,
    URL_TEXT_MAX = 20 * 1024,
    BODY_TEXT_MAX = 4096,
    BROWSER_POLICY_MAX = 8192
};

#define BROWSER_CLIENT "shop"
#define SESSION_COOKIE "__Host-paa-login"
#define LOGIN_COOKIES  "__Host-paa-login.login-"
#define NAVIGATES      "Sec-Fetch-Mode: navigate"

struct jar_cookie {
    char name[128];
    char value[COOKIE_VALUE_MAX];
};

struct browser {
    struct jar_cookie jar[JAR_MAX];
    size_t count;
    bool is_lax; /* some cookie came without the attributes that it must have */
};

struct page { /* what came of one request */
    enum paa_state state;
    unsigned code; /* 200: the application saw it */
    char location[URL_TEXT_MAX];
    char body[BODY_TEXT_MAX];
    char subject[256];
    char issuer[FAULT_URL_MAX];
    char methods[64];
    char claims[4096];
    char challenge[512];
    char authorization[2048]; /* that the application gets; "-": the field is gone */
    char cookie[8192];        /* likewise; "-": the field is gone */
    char reason[64];
    int64_t auth_time_s;
    int64_t expires_at_s;
    size_t set_count; /* Set-Cookie fields */
};

struct provider {
    struct fault_server *server;
    char name[FAULT_URL_MAX];
    struct host host;
};

/* ---- cookies ------------------------------------------------------------------------------------- */

static inline struct jar_cookie *jar_find(struct browser *browser, const char *name)
{
    for (size_t i = 0; i < browser->count; i++)
        if (strcmp(browser->jar[i].name, name) == 0)
            return &browser->jar[i];
    return NULL;
}

static inline size_t jar_count(const struct browser *browser, const char *prefix)
{
    size_t count = 0;

    for (size_t i = 0; i < browser->count; i++)
        count += strncmp(browser->jar[i].name, prefix, strlen(prefix)) == 0;
    return count;
}

static inline void jar_drop(struct browser *browser, const char *name)
{
    struct jar_cookie *cookie = jar_find(browser, name);

    if (cookie != NULL)
        *cookie = browser->jar[--browser->count];
}

static inline void jar_put(struct browser *browser, const char *name, const char *value)
{
    struct jar_cookie *cookie = jar_find(browser, name);

    if (cookie == NULL && browser->count < JAR_MAX)
        cookie = &browser->jar[browser->count++];
    if (cookie == NULL)
        return;
    (void)snprintf(cookie->name, sizeof cookie->name, "%.127s", name);
    (void)snprintf(cookie->value, sizeof cookie->value, "%.4199s", value);
}

static inline void jar_take(struct browser *browser, struct paa_str field)
{
    static char text[COOKIE_VALUE_MAX + 512];
    char *value, *attributes;

    (void)snprintf(text, sizeof text, "%.*s", (int)field.size, field.data);
    value = strchr(text, '=');
    attributes = strchr(text, ';');
    if (value == NULL || attributes == NULL)
        return;
    *value++ = '\0';
    *attributes++ = '\0';
    if (strncmp(text, "__Host-", 7) != 0 || strstr(attributes, "Path=/;") == NULL ||
        strstr(attributes, "Secure") == NULL || strstr(attributes, "HttpOnly") == NULL ||
        strstr(attributes, "SameSite=Lax") == NULL || strstr(attributes, "Domain") != NULL)
        browser->is_lax = true;
    if (strstr(attributes, "Max-Age=0") != NULL)
        jar_drop(browser, text);
    else
        jar_put(browser, text, value);
}

static inline const char *jar_field(const struct browser *browser)
{
    static char field[96 * 1024];
    size_t at = (size_t)snprintf(field, sizeof field, "Cookie: ");

    for (size_t i = 0; i < browser->count; i++)
        at += (size_t)snprintf(field + at, sizeof field - at, "%s%s=%s", i > 0 ? "; " : "",
                               browser->jar[i].name, browser->jar[i].value);
    return browser->count > 0 ? field : "X-No-Cookies: 1";
}

/* ---- visiting ------------------------------------------------------------------------------------ */

#define PAGE_COPY(text, to)                                                                        \
    (void)snprintf((to), sizeof(to), "%.*s", (int)(text).size,                                     \
                   (text).data != NULL ? (text).data : "")

/* What the application gets: of several edits the last one counts. */
static inline struct paa_str authorization_of(const struct paa_txn *txn)
{
    struct paa_str value = paa_str_of(NULL);
    const struct paa_edit *edit;

    for (size_t i = 0; (edit = edit_of(txn, PAA_MESSAGE_REQUEST, "Authorization", i)) != NULL; i++)
        value = edit->kind == PAA_EDIT_REMOVE ? paa_str_of("-") : edit->value;
    return value;
}

static inline void page_look(struct browser *browser, const struct paa_txn *txn,
                             enum paa_state state, struct page *page)
{
    const struct paa_principal *who = paa_txn_principal(txn, 0);
    const struct paa_edit *edit;

    memset(page, 0, sizeof *page);
    page->state = state;
    page->code = txn_code(state, txn);
    PAGE_COPY(edit_value(txn, PAA_MESSAGE_RESPONSE, "Location"), page->location);
    PAGE_COPY(edit_value(txn, PAA_MESSAGE_RESPONSE, "WWW-Authenticate"), page->challenge);
    PAGE_COPY(authorization_of(txn), page->authorization);
    edit = edit_of(txn, PAA_MESSAGE_REQUEST, "Cookie", 0);
    if (edit != NULL && edit->kind == PAA_EDIT_REMOVE)
        (void)snprintf(page->cookie, sizeof page->cookie, "-");
    else if (edit != NULL)
        PAGE_COPY(edit->value, page->cookie);
    for (size_t i = 0; (edit = edit_of(txn, PAA_MESSAGE_RESPONSE, "Set-Cookie", i)) != NULL; i++) {
        jar_take(browser, edit->value);
        page->set_count++;
    }
    if (state == PAA_TXN_ANSWER) {
        struct paa_bytes content = paa_txn_answer(txn)->content;

        PAGE_COPY(paa_txn_answer(txn)->reason, page->reason);
        (void)snprintf(page->body, sizeof page->body, "%.*s", (int)content.size,
                       content.data != NULL ? (const char *)content.data : "");
    }
    if (who != NULL) {
        PAGE_COPY(who->subject, page->subject);
        PAGE_COPY(who->issuer, page->issuer);
        PAGE_COPY(who->methods, page->methods);
        PAGE_COPY(who->claims, page->claims);
        page->auth_time_s = who->auth_time_s;
        page->expires_at_s = who->expires_at_s;
    }
}

/* Lines until NULL, beside its cookies. */
static inline void visit(struct host *host, struct browser *browser, struct page *page,
                         const char *method, const char *target, ...)
{
    static struct ask ask;
    struct paa_txn *txn;
    enum paa_state state;
    va_list lines;

    va_start(lines, target);
    ask_lines(&ask, method, target, lines);
    va_end(lines);
    ask_add(&ask, jar_field(browser));
    state = host_ask(host, &ask, &txn);
    page_look(browser, txn, state, page);
    paa_txn_end(&txn);
}

/* ---- addresses ----------------------------------------------------------------------------------- */

/* A query parameter of a URL; no more is decoded than these tests need. "": it has none. */
static inline const char *url_parameter(const char *url, const char *name, char ret_value[1024])
{
    const char *at = strchr(url, '?');
    size_t size = strlen(name);

    ret_value[0] = '\0';
    while (at != NULL) {
        at++;
        if (strncmp(at, name, size) == 0 && at[size] == '=') {
            (void)snprintf(ret_value, 1024, "%.*s", (int)strcspn(at + size + 1, "&"),
                           at + size + 1);
            break;
        }
        at = strchr(at, '&');
    }
    return ret_value;
}

/* ---- the provider -------------------------------------------------------------------------------- */

static inline void provider_answer(const struct provider *provider, const char *path, unsigned code,
                                   const char *body)
{
    struct fault_answer answer = { .code = code, .type = "application/json", .body = body };

    fault_server_forget(provider->server, path);
    fault_server_answer(provider->server, path, &answer);
}

/* more: further members of its metadata, each with a comma before it. */
static inline void provider_describe(const struct provider *provider, const char *more)
{
    static char document[8192];
    const char *n = provider->name;

    (void)snprintf(document, sizeof document,
                   "{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/authorize\","
                   "\"token_endpoint\":\"%s/token\",\"jwks_uri\":\"%s/jwks\","
                   "\"end_session_endpoint\":\"%s/end\","
                   "\"pushed_authorization_request_endpoint\":\"%s/par\","
                   "\"authorization_response_iss_parameter_supported\":true%s}",
                   n, n, n, n, n, n, more);
    provider_answer(provider, "/.well-known/oauth-authorization-server", 200, document);
}

#define LOGIN(options)                                                                             \
    "login = { plugin = \"oauth2-code\"; issuer = \"@\"; client_id = \"" BROWSER_CLIENT            \
    "\"; client_secret = \"file:secret\"; callback = \"/callback\"; logout = \"/logout\"; tls = "  \
    "{ ca = \"$\"; }; " options " };\n"
#define PAGES                                                                                      \
    API("rules = ( { path = \"/public/**\"; chain = ( { required = [ \"login\", \"permit\" ] } "   \
        "); "                                                                                      \
        "}, { path = \"/**\"; chain = ( { required = \"login\" } ); } );")

/* The provider's name for each "@", its CA's file for each "$". */
static inline void browsers_fill(const struct provider *provider, const char *pattern,
                                 char ret_text[BROWSER_POLICY_MAX])
{
    size_t at = 0;

    for (; *pattern != '\0' && at + FAULT_URL_MAX < BROWSER_POLICY_MAX; pattern++)
        if (*pattern == '@' || *pattern == '$')
            at += (size_t)snprintf(ret_text + at, FAULT_URL_MAX, "%s",
                                   *pattern == '@' ? provider->name : fault_server_ca());
        else
            ret_text[at++] = *pattern;
    ret_text[at] = '\0';
}

/* instance: LOGIN(…), services: PAGES. stores: "" or "stores = …". */
static inline bool provider_open(struct provider *provider, const char *stores,
                                 const char *instance, const char *services)
{
    struct paa_context_options options;
    static char filled[BROWSER_POLICY_MAX], policy[2 * BROWSER_POLICY_MAX];

    browsers_fill(provider, instance, filled);
    (void)snprintf(policy, sizeof policy, "%s" POLICY("%s", "%s"), stores, filled, services);
    if (!host_write(&provider->host, policy) ||
        !tokens_write(&provider->host, "secret", "the secret of the shop"))
        return false;
    host_options(&provider->host, &options);
    options.log_level = PAA_LEVEL_NOTICE;
    return host_open_with(&provider->host, &options);
}

static inline bool provider_start(struct provider *provider, const char *stores,
                                  const char *instance, const char *services)
{
    memset(provider, 0, sizeof *provider);
    provider->server = fault_server_start(FAULT_TLS_GOOD);
    (void)fault_server_url(provider->server, "", provider->name);
    provider_describe(provider, "");
    provider_answer(provider, "/jwks", 200, tokens_set(""));
    return host_init(&provider->host) && provider_open(provider, stores, instance, services);
}

static inline void provider_stop(struct provider *provider)
{
    host_close(&provider->host);
    fault_server_stop(provider->server);
}

/* The same folder and provider, as after a restart of the program. */
static inline bool provider_reopen(struct provider *provider, const char *stores,
                                   const char *instance, const char *services)
{
    paa_lane_close(&provider->host.lane);
    paa_context_close(&provider->host.context);
    return provider_open(provider, stores, instance, services);
}

/* The claims of a good ID token for a login with that nonce. */
static inline void id_claims(const struct provider *provider, const char *nonce,
                             struct token_claims *claims)
{
    static char name[FAULT_URL_MAX + 2], quoted[128];
    int64_t now_s = host_real((void *)(uintptr_t)&provider->host) / (1000 * MS_NS);

    memset(claims, 0, sizeof *claims);
    (void)snprintf(name, sizeof name, "\"%s\"", provider->name);
    (void)snprintf(quoted, sizeof quoted, "\"%.64s\"", nonce);
    claims_set(claims, "iss", name);
    claims_set(claims, "aud", "\"" BROWSER_CLIENT "\"");
    claims_set(claims, "sub", "\"alice\"");
    claims_set(claims, "nonce", quoted);
    claims_set(claims, "sid", "\"sid-1\"");
    claims_set(claims, "amr", "[\"pwd\",\"otp\"]");
    claims_set(claims, "name", "\"Alice A.\"");
    claims_set_int(claims, "auth_time", now_s - 5);
    claims_set_int(claims, "iat", now_s);
    claims_set_int(claims, "exp", now_s + 300);
}

/* What a token endpoint answers. more: further members, each with a comma before it. */
static inline const char *tokens_given(const struct token_claims *claims, const char *more)
{
    static char token[SIGNER_TOKEN_MAX], body[SIGNER_TOKEN_MAX + 16 * 1024];

    token_sign(claims, "\"kid\":\"p256\"", ALG_ES256, NULL, token);
    (void)snprintf(body, sizeof body,
                   "{\"access_token\":\"at-1\",\"token_type\":\"Bearer\",\"expires_in\":300,"
                   "\"id_token\":\"%s\"%s}",
                   token, more);
    return body;
}

/* The token endpoint's next answer. */
static inline void provider_give(const struct provider *provider, const struct token_claims *claims,
                                 const char *more)
{
    provider_answer(provider, "/token", 200, tokens_given(claims, more));
}

/* ---- logging in ---------------------------------------------------------------------------------- */

struct attempt {
    char state[1024];
    char nonce[1024];
    char challenge[1024];
};

/* A navigation that is sent to the provider; false: it was not. */
static inline bool login_start(struct provider *provider, struct browser *browser,
                               const char *target, struct attempt *attempt)
{
    static struct page page;

    visit(&provider->host, browser, &page, "GET", target, NAVIGATES, NULL);
    (void)url_parameter(page.location, "state", attempt->state);
    (void)url_parameter(page.location, "nonce", attempt->nonce);
    (void)url_parameter(page.location, "code_challenge", attempt->challenge);
    return page.code == 302 && attempt->state[0] != '\0';
}

/* The provider sends the browser back with a code. */
static inline void login_back(struct provider *provider, struct browser *browser,
                              const struct attempt *attempt, struct page *page)
{
    char target[2048];

    (void)snprintf(target, sizeof target, "/callback?code=c-1&state=%s&iss=%s", attempt->state,
                   provider->name);
    visit(&provider->host, browser, page, "GET", target, NAVIGATES, "Sec-Fetch-Site: cross-site",
          NULL);
}

/* From nothing to a session; false: there is none. */
static inline bool login_whole(struct provider *provider, struct browser *browser, const char *more)
{
    static struct token_claims claims;
    static struct page page;
    struct attempt attempt;

    if (!login_start(provider, browser, "/orders?page=2", &attempt))
        return false;
    id_claims(provider, attempt.nonce, &claims);
    provider_give(provider, &claims, more);
    login_back(provider, browser, &attempt, &page);
    if (page.code != 302)
        fprintf(stderr, "no session: %u %s\n%s\n", page.code, page.reason, provider->host.log);
    return page.code == 302 && strcmp(page.location, "/orders?page=2") == 0 &&
           jar_find(browser, SESSION_COOKIE) != NULL;
}

#endif
