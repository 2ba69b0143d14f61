/* SPDX-License-Identifier: MIT */
/*
 * Sends one request with libcurl, with whatever credentials the policy says, a client certificate too. Servers are
 * verified as the policy says; redirects are not followed (each new target would be a transaction of its own).
 *
 *   paa-client POLICY SERVICE URL [PLUGIN_DIR]
 */
#include <paa/paa.h>
#include <paa/with_curl.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { FIELDS_MAX = 128 };

struct client {
    struct paa_context *context;
    struct paa_service *service;
    struct paa_lane *lane;
    CURL *curl;
};

/* The request as PAA lets it go: its target, and the credentials as header fields. */
static struct curl_slist *apply(CURL *curl, const struct paa_txn *txn)
{
    struct paa_str target = paa_txn_target(txn);
    struct curl_slist *fields = NULL;
    const struct paa_edit *edit;
    char line[16384];

    snprintf(line, sizeof line, "%.*s", (int)target.size, target.data);
    curl_easy_setopt(curl, CURLOPT_URL, line);
    for (size_t i = 0; (edit = paa_txn_edit(txn, PAA_MESSAGE_REQUEST, i)) != NULL; i++) {
        if (edit->kind == PAA_EDIT_REMOVE)
            snprintf(line, sizeof line, "%.*s:", (int)edit->name.size, edit->name.data);
        else
            snprintf(line, sizeof line, "%.*s: %.*s", (int)edit->name.size, edit->name.data,
                     (int)edit->value.size, edit->value.data);
        fields = curl_slist_append(fields, line);
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
    return fields;
}

static long send_once(CURL *curl, const struct paa_txn *txn)
{
    struct curl_slist *fields = apply(curl, txn);
    long code = 0;
    const struct paa_client_tls *tls = paa_txn_client_tls(txn);
    CURLcode status = CURLE_SSL_ENGINE_NOTFOUND;
    struct paa_error error;

    if (paa_client_tls_token(tls, &error) == 0)
        status = paa_with_curl(curl, tls);
    else
        fprintf(stderr, "%s\n", error.text);
    if (status == CURLE_OK)
        status = curl_easy_perform(curl);
    curl_slist_free_all(fields);
    if (status != CURLE_OK) {
        fprintf(stderr, "%s\n", curl_easy_strerror(status));
        return -1;
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    return code;
}

static void say_why_not(const struct paa_txn *txn)
{
    const struct paa_answer *answer = paa_txn_answer(txn);

    fprintf(stderr, "not sent: %.*s\n", (int)answer->sentence.size, answer->sentence.data);
}

/* Those of the last response; libcurl keeps them until the next one. */
static size_t fill_fields(CURL *curl, struct paa_field *fields)
{
    struct curl_header *field = NULL;
    size_t count = 0;

    while (count < FIELDS_MAX &&
           (field = curl_easy_nextheader(curl, CURLH_HEADER, -1, field)) != NULL)
        fields[count++] = paa_field_of(field->name, field->value);
    return count;
}

/* PAA hears how the peer answered. After a 401 it may have newer credentials: then once more. */
static long report(const struct client *client, const struct paa_request *request,
                   const struct paa_ticket *ticket, long code)
{
    struct paa_field fields[FIELDS_MAX];
    struct paa_response response;
    struct paa_txn *txn;
    enum paa_state state;

    paa_init(&response, sizeof response);
    response.code = (uint32_t)code;
    response.headers = fields;
    response.header_count = fill_fields(client->curl, fields);
    state = paa_txn_retry(&txn, client->lane, client->service, request, ticket, &response);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    if (state == PAA_TXN_ALLOW)
        code = send_once(client->curl, txn);
    paa_txn_end(&txn);
    return code;
}

static long fetch(const struct client *client, const char *url)
{
    struct paa_request request;
    struct paa_ticket ticket;
    struct paa_txn *txn;
    enum paa_state state;
    long code = -1;
    int wants_all;

    paa_init(&request, sizeof request);
    request.flags = PAA_REQUEST_STABLE;
    request.method = paa_str_of("GET");
    request.target = paa_str_of(url);
    state = paa_txn_begin(&txn, client->lane, client->service, &request);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    paa_txn_ticket(txn, &ticket);
    wants_all = (paa_txn_wants(txn) & PAA_WANTS_RESPONSE) != 0;
    if (state == PAA_TXN_ALLOW)
        code = send_once(client->curl, txn);
    else
        say_why_not(txn);
    paa_txn_end(&txn);
    return code == 401 || (wants_all && code > 0) ? report(client, &request, &ticket, code) : code;
}

/* Shows the prompt; what is typed then is not seen. Signals wait until the terminal is as it was. */
static ssize_t read_unseen(int tty, struct paa_str prompt, char *ret_line, size_t size)
{
    struct termios before, unseen;
    sigset_t all, mask;
    ssize_t count;

    if (tcgetattr(tty, &before) != 0)
        return -1;
    unseen = before;
    unseen.c_lflag &= ~(tcflag_t)ECHO;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &mask);
    tcsetattr(tty, TCSAFLUSH, &unseen);
    dprintf(tty, "%.*s", (int)prompt.size, prompt.data);
    count = read(tty, ret_line, size);
    dprintf(tty, "\n");
    tcsetattr(tty, TCSAFLUSH, &before);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return count;
}

/* The passphrase of a key, where the policy names none. */
static int64_t ask(const struct paa_prompt *prompt, char *ret_reply, size_t size, void *user)
{
    int tty = prompt->kind == PAA_PROMPT_SECRET ? open("/dev/tty", O_RDWR | O_CLOEXEC) : -1;
    ssize_t count = -1;

    (void)user;
    if (tty < 0)
        return -1;
    count = read_unseen(tty, prompt->text, ret_reply, size);
    close(tty);
    return count > 0 && ret_reply[count - 1] == '\n' ? count - 1 : -1;
}

static int open_client(struct client *client, char **argv, int argc)
{
    struct paa_context_options options;
    struct paa_error error;

    paa_init(&options, sizeof options);
    options.policy = argv[1];
    options.plugin_dir = argc > 4 ? argv[4] : NULL;
    options.can = PAA_CAN_CLIENT_KEY | PAA_CAN_RETRY;
    options.converse_fn = ask;
    if (paa_context_open(&client->context, &options, &error) != 0 ||
        (client->service = paa_service_find(client->context, argv[2], PAA_OUTGOING, &error)) ==
            NULL ||
        paa_lane_open(&client->lane, client->context, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return -1;
    }
    client->curl = curl_easy_init();
    if (client->curl == NULL)
        return -1;
    curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(client->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    return 0;
}

int main(int argc, char **argv)
{
    struct client client = { NULL, NULL, NULL, NULL };
    long code = -1;

    if (argc < 4) {
        fprintf(stderr, "usage: %s POLICY SERVICE URL [PLUGIN_DIR]\n", argv[0]);
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (open_client(&client, argv, argc) == 0)
        code = fetch(&client, argv[3]);
    curl_easy_cleanup(client.curl);
    paa_lane_close(&client.lane);
    paa_context_close(&client.context);
    curl_global_cleanup();
    if (code > 0)
        fprintf(stderr, "HTTP %ld\n", code);
    return code >= 200 && code < 300 ? 0 : 1;
}
