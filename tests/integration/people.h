/* SPDX-License-Identifier: MIT */
/*
 * A host whose requests carry tokens of people (oauth2-code), an authorization server that answers as the test says, and
 * a person who is asked to open a page: a thread that comes back to the redirect_uri with what the test wants.
 */
#ifndef TESTS_PEOPLE_H
#define TESTS_PEOPLE_H

#include "sends.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { PEOPLE_URL_MAX = 8192, PEOPLE_PAGE_MAX = 16 * 1024, PEOPLE_OUTPUT_MAX = 8192 };

#define PEOPLE_STORE "stores = { state = \"state.db\"; };\n"
#define PEOPLE_PLAIN                                                                               \
    "client_auth = \"none\"; authorization_endpoint = \"@/auth\"; token_endpoint = \"@/token\"; "  \
    "device_authorization_endpoint = \"@/device\"; revocation_endpoint = \"@/revoke\"; timeout = " \
    "\"60s\";"

/* One person, one login at a time. */
struct person {
    const char
        *brings; /* the redirect's query; "@" is the state of the request. NULL: stays away */
    const char *strays;  /* a query that comes before it, likewise; NULL: none does */
    void (*looks)(void); /* at `url`, before anything else; NULL: does not */
    unsigned asked;      /* how often a page was to be opened */
    bool declines;
    char url[PEOPLE_URL_MAX];         /* that was to be opened last */
    char code[64];                    /* that was shown with it */
    char page[PEOPLE_PAGE_MAX];       /* what the browser showed at the end */
    char stray_page[PEOPLE_PAGE_MAX]; /* and first */
    pthread_t browser;
    bool is_browsing;
};

static struct person person;
static char people_output[PEOPLE_OUTPUT_MAX]; /* of the last verb */

/* ---- the browser -------------------------------------------------------------------------------- */

static inline int hex_of(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* A parameter of a URL, decoded; "" if it is not there. */
static inline const char *people_parameter(const char *url, const char *name, char *ret_value,
                                           size_t size)
{
    const char *at = strchr(url, '?');
    size_t length = strlen(name), used = 0;

    ret_value[0] = '\0';
    for (; at != NULL; at = strchr(at, '&')) {
        at++;
        if (strncmp(at, name, length) != 0 || at[length] != '=')
            continue;
        for (at += length + 1; *at != '\0' && *at != '&' && used + 1 < size; at++) {
            if (*at == '%') {
                ret_value[used++] = (char)(hex_of(at[1]) * 16 + hex_of(at[2]));
                at += 2;
            } else {
                ret_value[used++] = *at;
            }
        }
        ret_value[used] = '\0';
        break;
    }
    return ret_value;
}

static inline int people_connect(const char *redirect_uri)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    const char *port = strrchr(redirect_uri, ':');
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)atoi(port != NULL ? port + 1 : "0"));
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* GET of what stands behind the origin of redirect_uri; the whole response into ret_page. */
static inline void people_get(const char *redirect_uri, const char *query,
                              char ret_page[PEOPLE_PAGE_MAX])
{
    char request[PEOPLE_URL_MAX + 256];
    const char *path = strchr(redirect_uri + strlen("http://"), '/');
    size_t used = 0;
    ssize_t size;
    int length, fd = people_connect(redirect_uri);

    length = snprintf(request, sizeof request,
                      "GET %s?%s HTTP/1.1\r\nHost: %.*s\r\nAccept: text/html\r\n\r\n", path, query,
                      (int)(path - redirect_uri - (long)strlen("http://")),
                      redirect_uri + strlen("http://"));
    if (fd >= 0 && write(fd, request, (size_t)length) == length)
        while ((size = read(fd, ret_page + used, PEOPLE_PAGE_MAX - 1 - used)) > 0)
            used += (size_t)size;
    ret_page[used] = '\0';
    if (fd >= 0)
        close(fd);
}

static inline void people_return_with(const char *pattern, char ret_page[PEOPLE_PAGE_MAX])
{
    char redirect_uri[256], state[256], query[PEOPLE_URL_MAX];
    size_t at = 0;

    people_parameter(person.url, "redirect_uri", redirect_uri, sizeof redirect_uri);
    people_parameter(person.url, "state", state, sizeof state);
    for (const char *c = pattern; *c != '\0' && at + sizeof state < sizeof query; c++) {
        if (*c == '@')
            at += (size_t)snprintf(query + at, sizeof state, "%s", state);
        else
            query[at++] = *c;
    }
    query[at] = '\0';
    people_get(redirect_uri, query, ret_page);
}

static inline void *people_browse(void *unused)
{
    (void)unused;
    if (person.strays != NULL)
        people_return_with(person.strays, person.stray_page);
    people_return_with(person.brings, person.page);
    return NULL;
}

/* What a host does with PAA_PROMPT_OPEN. */
static inline int64_t people_asked(const struct paa_prompt *prompt)
{
    if (prompt->kind != PAA_PROMPT_OPEN)
        return -1;
    person.asked++;
    sends_copy(prompt->url, person.url, sizeof person.url);
    sends_copy(prompt->code, person.code, sizeof person.code);
    if (person.looks != NULL)
        person.looks();
    if (person.declines)
        return -1;
    if (person.brings != NULL && prompt->code.data == NULL)
        person.is_browsing = pthread_create(&person.browser, NULL, people_browse, NULL) == 0;
    return 0;
}

static inline int64_t people_converse(const struct paa_prompt *prompt, char *ret_reply, size_t size,
                                      void *user)
{
    (void)ret_reply;
    (void)size;
    (void)user;
    return people_asked(prompt);
}

/* When the page is there. */
static inline void people_browsed(void)
{
    if (person.is_browsing)
        (void)pthread_join(person.browser, NULL);
    person.is_browsing = false;
}

/* ---- verbs -------------------------------------------------------------------------------------- */

static inline void people_write(const char *data, size_t size, void *user)
{
    size_t used = strlen(people_output);

    (void)user;
    if (used + size < sizeof people_output)
        memcpy(people_output + used, data, size);
}

/* The exit status; host.error says why it was none of 0. argument: NULL, or one "name=value". */
static inline int people_run(struct host *host, const char *verb, const char *argument)
{
    struct paa_command command;
    int status;

    memset(people_output, 0, sizeof people_output);
    memset(&host->error, 0, sizeof host->error);
    person.page[0] = '\0';
    paa_init(&command, sizeof command);
    command.instance = "mine";
    command.verb = verb;
    command.arguments = &argument;
    command.argument_count = argument != NULL;
    command.write_fn = people_write;
    status = paa_context_run(host->context, &command, &host->error);
    people_browsed();
    return status;
}

/* ---- the place ---------------------------------------------------------------------------------- */

static inline bool people_write_policy(struct place *place, const char *options, const char *stores)
{
    char filled[SENDS_POLICY_MAX], policy[2 * SENDS_POLICY_MAX];

    sends_fill(place, options, filled);
    (void)snprintf(policy, sizeof policy,
                   "%s" POLICY("mine = { plugin = \"oauth2-code\"; client_id = \"me\"; %s tls = { "
                               "ca = \"%s\"; }; };\n",
                               OUT("chain = ( { required = \"mine\" } );")),
                   stores, filled, fault_server_ca());
    return host_write(&place->host, policy);
}

static inline bool people_begin_with(struct place *place, const char *options, const char *stores)
{
    struct paa_context_options context;

    memset(place, 0, sizeof *place);
    memset(&person, 0, sizeof person);
    person.brings = "code=the-code&state=@";
    place->server = fault_server_start(FAULT_TLS_GOOD);
    if (!host_init(&place->host) || !people_write_policy(place, options, stores))
        return false;
    host_options(&place->host, &context);
    context.converse_fn = people_converse;
    place->host.is_live = true;
    return host_open_with(&place->host, &context);
}

static inline bool people_begin(struct place *place, const char *options)
{
    return people_begin_with(place, options, PEOPLE_STORE);
}

/* Somebody logs in and gets that answer of the token endpoint; afterwards it has none. */
static inline bool people_log_in(struct place *place, const struct fault_answer *tokens,
                                 const char *argument)
{
    int status;

    fault_server_forget(place->server, "/token");
    fault_server_answer(place->server, "/token", tokens);
    status = people_run(&place->host, "login", argument);
    fault_server_forget(place->server, "/token");
    if (status != 0)
        fprintf(stderr, "nobody is logged in: %s\n", place->host.error.text);
    return status == 0;
}

/* The context goes, the place stays: for what comes of another process, or of a restart. */
static inline void people_leave(struct place *place)
{
    paa_lane_close(&place->host.lane);
    paa_context_close(&place->host.context);
}

static inline bool people_return(struct host *host)
{
    struct paa_context_options context;

    host_options(host, &context);
    context.converse_fn = people_converse;
    return host_open_with(host, &context);
}

/* For an account of the host's. */
static inline struct sent people_send(struct host *host, const char *account)
{
    static _Thread_local struct ask ask;
    struct paa_field field = paa_field_of("account", account != NULL ? account : "");
    struct paa_txn *txn;
    struct sent sent;
    enum paa_state state;

    sends_ask(&ask);
    ask.request.attributes = &field;
    ask.request.attribute_count = account != NULL;
    state = paa_txn_begin(&txn, host->lane, host->out, &ask.request);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    sends_look(txn, state, &sent);
    paa_txn_end(&txn);
    return sent;
}

#endif
